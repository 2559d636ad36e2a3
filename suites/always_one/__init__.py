"""Measures a guide's answer to "why is my cosine similarity always 1?": its Siamese loop, and its advice.

Two loops are trained on real images from several seeds: as the guide writes it, and with correct code. So is each loop
with one change. The effect of a change is compared seed by seed.
"""

from suites.always_one.experiment import makers, unfinished

__all__ = ["makers", "unfinished"]
