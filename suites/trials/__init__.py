"""The proof by number: 10^8 pairs through `accurate`, 10^7 through every implementation against its stated bound.

`python -m suites.trials` runs it; it is no part of a session.
"""
