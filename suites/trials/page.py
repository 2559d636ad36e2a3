"""The page that shows what the trials came to: docs/accuracy.md."""

import math
from collections.abc import Sequence
from functools import reduce

import pandas as pd

from implementations.registry import DTYPES
from suites.record import UNIT_ROUNDOFF, Environment
from suites.trials.bounds import Trial
from suites.trials.exactness import BROKEN, LONGEST, Exactness

_HEAD = """# How wrong, at worst?

Random pairs of the kinds that bring rounding errors out (`Rows` in suites/trials/kinds.py says what each is), against
their true cosines. Run on {cpu}, torch {torch}, on one core; u is 2^-24. Again on your machine:
`python -m suites.trials --pairs {pairs}`.
"""
_EXACT = """## `accurate`, float32

{pairs:,} pairs of rows of 1 to {longest} numbers, in {minutes:.2g} minutes: at worst {error:.6g} u, and {ulp:.6g} ULP
where |cos| > 1/2; {broken} promises were broken. "Scaled" counts the pairs that random powers of two multiply without
a rounding.
"""
_BOUNDS = """## Each implementation and its stated bound

{pairs:,} pairs: {broken} are beyond the bound that follows from the arithmetic that their implementation states
(suites/measure/bound.py), and the bounds are {low:.3g} to {high:.3g} times the worst that was seen. Error and bound are
those of the pair that uses the largest share of its bound, whose kind and length stand beside them.
"""
_COLUMNS = {
    "kind": "kind",
    "pairs": "pairs",
    "error_u": "worst error, u",
    "ulp": "worst ULP above 1/2",
    "scaled": "scaled",
    "nans": "NaN",
    "above_one": "above 1",
    "self_not_one": "c(x, x) ≠ 1",
    "asymmetric": "c(y, x) ≠ c(x, y)",
    "scale_variant": "c(2^i x, 2^j y) ≠ c(x, y)",
}


def page(exactness: Sequence[Exactness], trials: Sequence[Trial], environment: Environment, pairs: int) -> str:
    """The whole page, Markdown; `pairs` is what was asked for."""
    parts = [_HEAD.format(cpu=environment.cpu, torch=environment.torch, pairs=pairs)]
    if exactness:
        parts += _exactness(exactness)
    if trials:
        parts += _bounds(trials)
    return "\n".join(parts)


def _exactness(exactness: Sequence[Exactness]) -> list[str]:
    by_kind: dict[str, Exactness] = {}
    for one in exactness:
        by_kind[one.kind] = by_kind[one.kind].joined(one) if one.kind in by_kind else one
    total = reduce(Exactness.joined, by_kind.values())
    head = _EXACT.format(
        pairs=total.pairs,
        longest=LONGEST,
        minutes=total.seconds / 60,
        error=total.error_u,
        ulp=total.ulp,
        broken=sum(getattr(total, name) for name in BROKEN),
    )
    table = pd.DataFrame(map(vars, by_kind.values()))[[*_COLUMNS]].rename(columns=_COLUMNS)
    return [head, table.to_markdown(index=False, floatfmt=".6f", intfmt=",") + "\n"]


def _bounds(trials: Sequence[Trial]) -> list[str]:
    found: dict[tuple[str, int], Trial] = {}
    for one in trials:
        place = one.implementation, DTYPES.index(one.dtype)
        found[place] = found[place].joined(one) if place in found else one
    ran = [one for _, one in sorted(found.items()) if not one.reason]
    failed = [
        f"* `{one.implementation}`, {one.dtype}: {one.reason}\n" for _, one in sorted(found.items()) if one.reason
    ]
    parts = ["Failures:\n", "".join(failed)] if failed else []
    if not ran:
        return parts
    ratios = [one.bound / one.error if one.error else math.inf for one in ran]
    head = _BOUNDS.format(
        pairs=sum(one.pairs for one in ran),
        broken=sum(one.broken for one in ran),
        low=min(ratios),
        high=max(ratios),
    )
    rows = pd.DataFrame(_row(one, ratio) for one, ratio in zip(ran, ratios, strict=True))
    return [head, rows.to_markdown(index=False, disable_numparse=True) + "\n", *parts]


def _row(trial: Trial, ratio: float) -> dict[str, str]:
    return {
        "implementation": f"`{trial.implementation}`",
        "dtype": trial.dtype,
        "pairs": f"{trial.pairs:,}",
        "worst error, u": f"{trial.error / UNIT_ROUNDOFF:.3g}",
        "bound, u": f"{trial.bound / UNIT_ROUNDOFF:.3g}",
        "bound / worst": f"{ratio:.3g}",
        "at": f"{trial.kind}, {trial.length}",
        "beyond": f"{trial.broken:,}",
    }
