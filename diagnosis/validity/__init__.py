"""How often the diagnosis names a planted cause, and how often it raises a false alarm.

`python -m diagnosis.validity` runs the experiment on this machine.
"""
