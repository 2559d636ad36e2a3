"""How often each benchmarking method calls identical functions different, and how often it misses a real slowdown.

`python -m suites.validity` runs the experiment on this machine.
"""
