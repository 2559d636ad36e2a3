"""The time of a profiled call in which no torch operator runs, as in NumPy or in Python itself. Torch-free."""

OUTSIDE = "(outside torch)"
"""`Operator.operator` of that time."""
