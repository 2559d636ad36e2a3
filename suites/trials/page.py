"""The page of the results: docs/figures/accuracy.md."""

import math
from collections.abc import Sequence
from functools import reduce

import pandas as pd

from implementations.registry import DTYPES
from suites.records.record import UNIT_ROUNDOFF, Environment
from suites.trials.bounds import Trial
from suites.trials.exactness import BROKEN, LONGEST, Exactness

_HEAD = """# How wrong, at worst?

These are the worst errors against the true cosine, over random pairs that provoke rounding errors. `RandomRows` in
suites/trials/kinds.py describes each kind of pairs. Measured on {cpu}, torch {torch}, one core; u is 2^-24.
To repeat it on your machine: `python -m suites.trials --pairs {pairs}`.
"""
_EXACT = """## `accurate`, float32

{pairs:,} pairs of rows of 1 to {longest} numbers, in {minutes:.2g} minutes of one core. The worst error is
{error:.6g} u, and {ulp:.6g} ULP where |cos| > 1/2. The last five columns count violations of its guarantees:
{broken} in all. "Scaled" counts the pairs that test scale invariance: a power of two multiplies their
rows without rounding.
"""
_BOUNDS = """## Each implementation and its stated bound

{broken} of {pairs:,} pairs are beyond their bound, which follows from the arithmetic that the implementation states
(suites/truth/bound.py). The bounds are {low:.3g} to {high:.3g} times the worst error. Error, bound, kind and length are
those of the pair that uses the largest share of its bound.
"""
_ANGLES = """## Each angle and its stated bound

{broken} of {pairs:,} pairs are beyond their bound. The bounds are {low:.3g} to {high:.3g} times the worst error. A
bound depends on the angle; both are in radians. The arc cosine gives NaN for a similarity that was rounded to above 1;
such a NaN counts as an angle of 0.
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
    """The whole page in Markdown; `pairs` is the value of `--pairs`."""
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
    by_place: dict[tuple[str, int], Trial] = {}
    for one in trials:
        place = one.implementation, DTYPES.index(one.dtype)
        by_place[place] = by_place[place].joined(one) if place in by_place else one
    found = [one for _, one in sorted(by_place.items())]
    ran, failed = [one for one in found if not one.reason], [one for one in found if one.reason]
    parts = _table(_BOUNDS, [(one, _cosines(one)) for one in ran if one.task != "angle"])
    parts += _table(_ANGLES, [(one, _angles(one)) for one in ran if one.task == "angle"])
    if failed:
        lines = (f"* `{one.implementation}`, {one.dtype}: {one.reason}\n" for one in failed)
        parts += ["Failures:\n", "".join(lines)]
    return parts


def _table(head: str, rows: Sequence[tuple[Trial, dict[str, str]]]) -> list[str]:
    if not rows:
        return []
    text = head.format(
        pairs=sum(one.pairs for one, _ in rows),
        broken=sum(one.broken for one, _ in rows),
        low=min(_ratio(one) for one, _ in rows),
        high=max(_ratio(one) for one, _ in rows),
    )
    table = pd.DataFrame(
        {"implementation": f"`{one.implementation}`", "dtype": one.dtype, "pairs": f"{one.pairs:,}"}
        | numbers
        | {"bound / worst": f"{_ratio(one):.3g}", "at": f"{one.kind}, {one.length}", "beyond": f"{one.broken:,}"}
        for one, numbers in rows
    )
    return [text, table.to_markdown(index=False, disable_numparse=True) + "\n"]


def _cosines(trial: Trial) -> dict[str, str]:
    return {
        "worst error, u": f"{trial.error / UNIT_ROUNDOFF:.3g}",
        "bound, u": f"{trial.bound / UNIT_ROUNDOFF:.3g}",
    }


def _angles(trial: Trial) -> dict[str, str]:
    return {
        "NaN": f"{trial.nans:,}",
        "angle": f"{trial.truth:.3g}",
        "worst error": f"{trial.error:.3g}",
        "bound": f"{trial.bound:.3g}",
    }


def _ratio(trial: Trial) -> float:
    return trial.bound / trial.error if trial.error else math.inf
