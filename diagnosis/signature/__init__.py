"""The figures of embeddings: sums over all rows, pairs of rows, directions."""

from diagnosis.signature.signature import Signature, measure

__all__ = ["Signature", "measure"]
