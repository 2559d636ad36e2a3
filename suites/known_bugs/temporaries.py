"""Peak memory of all pairs by broadcasting, in units of N * M * D numbers."""

from suites.known_bugs.bug import COSINE, Function, Sighting, bug, rows
from suites.measure.memory import measure


@bug("pytorch/pytorch#11202", COSINE, "all pairs by broadcasting store N M D products")
def broadcast_is_stored(similarity: Function) -> Sighting:
    peak = _peak(similarity)
    return Sighting(peak >= 1, f"{peak:.3g} N M D", "N M, the result")


@bug("pytorch/pytorch#104564", COSINE, "all pairs by broadcasting need more memory than in torch 1.11")
def broadcast_is_stored_again(similarity: Function) -> Sighting:
    # Fixed in 2.1.0 and back with the fix of #109333: operands are normalised after broadcasting.
    peak = _peak(similarity)
    return Sighting(peak > 1.5, f"{peak:.3g} N M D", "1 N M D")


def _peak(similarity: Function) -> float:
    x, y = rows(64, 1, 256), rows(1, 64, 256)
    used = measure(lambda: similarity(x, y, dim=-1), "cpu")
    if used is None or used.peak_bytes is None:
        raise RuntimeError("the allocations of a call cannot be traced here")
    return used.peak_bytes / (64 * 64 * x.nbytes / len(x))
