"""The proof: how often each way of comparing is wrong about identical functions, and what it misses.

`python -m suites.validity` runs the experiment on this machine.
"""
