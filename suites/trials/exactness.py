"""Does `accurate` keep its promises in float32: half an ULP, |cos| ≤ 1, c(x, x) = 1, symmetric, scale-invariant?"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from time import perf_counter

import torch

from implementations.registry import Function
from suites.records.record import UNIT_ROUNDOFF
from suites.trials.kinds import KINDS, RandomRows
from suites.truth import oracle

LONGEST = 2048
_OCTAVES = range(LONGEST.bit_length() - 1)
_MOST, _ELEMENTS = 4096, 1 << 16  # rows of a batch, and about half of its elements: 10^8 pairs take minutes
PAIRS = sum(min(_MOST, _ELEMENTS >> octave) for octave in _OCTAVES)
"""Pairs per trial."""

_POWERS = torch.tensor([2.0**k for k in range(-60, 61)])


@dataclass(frozen=True, kw_only=True)
class Exactness:
    """The result of `PAIRS` pairs of one kind, drawn with the seed `number`.

    `error_u` is the largest error in u = 2^-24. `ulp` is the largest error in units in the last place, over the pairs
    with |cos| > 1/2. The others but `seconds` count pairs; `scaled` is the number that random powers of two multiply
    without rounding.
    """

    kind: str
    number: int
    seconds: float
    pairs: int
    error_u: float
    ulp: float
    nans: int
    above_one: int
    self_not_one: int
    asymmetric: int
    scaled: int
    scale_variant: int

    def joined(self, other: "Exactness") -> "Exactness":
        """Both trials as one."""
        worst = {name: max(getattr(self, name), getattr(other, name)) for name in ("error_u", "ulp")}
        sums = {name: getattr(self, name) + getattr(other, name) for name in ("seconds", "pairs", "scaled", *BROKEN)}
        return replace(self, **worst, **sums)


BROKEN = ("nans", "above_one", "self_not_one", "asymmetric", "scale_variant")
"""Counts of violated guarantees: 0 if `accurate` is right."""


def exactness(fn: Function, kind: str, number: int) -> Exactness:
    """One trial of `fn(x, y)`, with one random length in each octave from 1 to `LONGEST`."""
    start = perf_counter()
    generator = torch.Generator().manual_seed(zlib.crc32(f"{kind} {number}".encode()))
    checks = [_check(fn, kind, number, *pair, generator) for pair in _pairs(kind, generator)]
    return replace(reduce(Exactness.joined, checks), seconds=perf_counter() - start)


def _pairs(kind: str, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for octave in _OCTAVES:
        length = int(torch.randint(1 << octave, min(2 << octave, LONGEST + 1), (), generator=generator))
        seed = int(torch.randint(2**62, (), generator=generator))
        yield KINDS[kind](RandomRows(min(_MOST, _ELEMENTS >> octave), length, torch.float32, seed))


def _check(
    fn: Function, kind: str, number: int, x: torch.Tensor, y: torch.Tensor, generator: torch.Generator
) -> Exactness:
    truth = torch.from_numpy(oracle.true_answers("paired", x, y, dim=-1))
    result = fn(x, y)
    error = (result.double() - truth).abs().nan_to_num(nan=0) / UNIT_ROUNDOFF  # NaN is counted separately
    (x_scaled, x_same), (y_scaled, y_same) = _scaled(x, generator), _scaled(y, generator)
    return Exactness(
        kind=kind,
        number=number,
        seconds=0.0,
        pairs=len(result),
        error_u=float(error.max()),
        ulp=float((error * (truth.abs() > 0.5)).max()),  # from 1/2 to 1, an ULP is u
        nans=int(result.isnan()[truth.isfinite()].sum()),
        above_one=int((result.abs() > 1).sum()),
        self_not_one=int((fn(x, x) != 1)[(x != 0).any(1)].sum()),
        asymmetric=int((fn(y, x) != result).sum()),
        scaled=int((x_same & y_same).sum()),
        scale_variant=int((fn(x_scaled, y_scaled) != result)[x_same & y_same].sum()),
    )


def _scaled(t: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Each row times a random power of two, and whether dividing by it restores the row exactly."""
    power = _POWERS[torch.randint(len(_POWERS), (len(t), 1), generator=generator)]
    scaled = t * power
    return scaled, (scaled / power == t).all(1)
