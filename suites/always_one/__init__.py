"""A guide's answer to "why is my cosine similarity always 1?", measured: its Siamese loop, and its advice.

Loops are trained on real images, as the guide writes them and with correct code, each from several seeds; so is each
with one change. What a change is worth is told seed by seed.
"""

from suites.always_one.experiment import makers

__all__ = ["makers"]
