"""Resolution: the smallest angle that answers distinguish from 0, and the number of different answers near 1."""

from bisect import bisect_left
from functools import cache

import numpy as np
import torch

from implementations import Implementation
from suites.errors.black_box import BATCH, LENGTH, BlackBox, Values, finding
from suites.failure import Failure
from suites.records.finding import Resolution
from suites.records.record import Status
from suites.truth import oracle

_ANGLES = 2.0 ** (np.arange(-64 * 8, 1) / 8)
_PAIRS = 1 << 14
_NEAR = 0.9


def resolution_of(entry: Implementation, dtype: str, device: str) -> Resolution:
    """The resolution of one implementation, of any contract.

    An angle is distinguished from 0 if at least half of 256 random pairs have a cosine below (an angle above) 99 % of
    the answers for the same rows with themselves. Smaller differences may be rounding between parallel rows. Rows have
    512 elements. The reported angle is the median true angle of the pairs as rounded.
    """
    found = finding(Resolution, entry, dtype, device)
    box = BlackBox(entry, dtype, device)
    try:
        with torch.no_grad():
            box.ordinary_error()
            angle, distinct = _smallest_angle(box), _distinct(box)
    except Failure as failure:
        return found(status=failure.status, reason=failure.reason)
    return found(status=Status.OK, smallest_angle=angle, distinct=distinct, pairs=_PAIRS)


def _smallest_angle(box: BlackBox) -> float | None:
    x = _planes()[0]

    def apart(y: torch.Tensor) -> Values:
        found = box.ask(x, y) if box.entry.task == "angle" else -box.ask(x, y)
        return np.where(np.isnan(found), -np.inf, found)  # NaN distinguishes nothing

    rounding = np.quantile(apart(x), 0.99, method="higher")
    n = bisect_left(_ANGLES, True, key=lambda angle: bool(np.mean(apart(_turned(angle)) > rounding) >= 0.5))
    if n == len(_ANGLES):
        return None
    return float(np.median(oracle.angles(box.rounded(x), box.rounded(_turned(_ANGLES[n])))))


def _distinct(box: BlackBox) -> int:
    angles = np.arccos(np.linspace(_NEAR, 1, _PAIRS)).reshape(-1, BATCH, 1)
    x = _planes()[0]
    return int(np.unique(np.concatenate([box.ask(x, _turned(batch)) for batch in angles])).size)


@cache
def _planes() -> tuple[torch.Tensor, torch.Tensor]:
    """256 random planes, each as two orthogonal vectors of the same norm."""
    generator = torch.Generator().manual_seed(0)
    u, v = torch.randn(2, BATCH, LENGTH, generator=generator, dtype=torch.float64)
    v -= (u * v).sum(1, keepdim=True) / u.square().sum(1, keepdim=True) * u
    return u, v * (u.norm(dim=1) / v.norm(dim=1))[:, None]


def _turned(angle: float | Values) -> torch.Tensor:
    u, v = _planes()
    return torch.as_tensor(np.cos(angle)) * u + torch.as_tensor(np.sin(angle)) * v
