"""Worst errors over many random pairs: 10^8 for `accurate`, 10^7 for each implementation against its stated bound.

`python -m suites.trials` runs them; a session does not.
"""
