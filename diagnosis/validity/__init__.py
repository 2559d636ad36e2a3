"""The proof: how often the diagnosis names the planted cause, and how often it is alarmed without one.

`python -m diagnosis.validity` runs it on this machine.
"""
