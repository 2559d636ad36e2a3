"""The look of each implementation: a colour and a marker, which it keeps in every picture of every report.

This module does not import matplotlib, which is slow to import.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import pandas as pd

from reports.sections.speed.table import GROUP

T = TypeVar("T")

BLUE, VERMILLION, GREEN, WINE, INDIGO = COLOURS = ("#0a84d6", "#d95f02", "#00664b", "#a5236f", "#40259a")
"""Colour-blind people can distinguish them from each other, `INK` and `GREY`. All are dark enough on white."""

INK, GREY = "#000000", "#8f8f8f"
MARKERS = "os^DvPX*<>p"
MOST = 10
"""How many implementations of a task have a colour: those that are the answer, the baselines and the fastest."""


@dataclass(frozen=True)
class Look:
    """How an implementation is drawn."""

    colour: str
    marker: str = "o"

    @property
    def width(self) -> float:
        """The line's, in points."""
        return 0.8 if self.colour == GREY else 1.8

    @property
    def zorder(self) -> int:
        """Colours lie above grey."""
        return 2 if self.colour == GREY else 3


OTHER = Look(GREY, ".")
SHIPPED: Mapping[str, Look] = {
    "builtin": Look(INK, "o"),
    "broadcast": Look(INK, "s"),
    "broadcast_top_k": Look(INK, "^"),
    "acos_builtin": Look(INK, "D"),
    "compiled_dot": Look(BLUE, "s"),
    "compiled_dot_dynamic": Look(BLUE, "D"),
    "compiled_dot_upcast": Look(BLUE, "v"),
    "compiled_pairwise_upcast": Look(BLUE, "P"),
    "matmul_then_scale": Look(BLUE, "^"),
    "compiled_normalize": Look(VERMILLION, "^"),
    "compiled_normalize_dynamic": Look(VERMILLION, "v"),
    "matmul": Look(VERMILLION, "s"),
    "matmul_top_k": Look(VERMILLION, "D"),
    "numkong": Look(GREEN, "P"),
    "accurate": Look(GREEN, "*"),
    "matmul_upcast": Look(GREEN, "v"),
    "matmul_prepared": Look(GREEN, "<"),
    "matmul_prepared_upcast": Look(GREEN, ">"),
    "angle": Look(GREEN, "X"),
    "dot_over_norms": Look(WINE, "X"),
    "vecdot": Look(WINE, "p"),
    "einsum": Look(WINE, ">"),
    "matmul_autocast": Look(WINE, "D"),
    "normalize": Look(INDIGO, "<"),
    "norm_divide": Look(INDIGO, ">"),
    "normalize_upcast": Look(INDIGO, "^"),
    "normalize_autocast": Look(INDIGO, "v"),
    "pure_16bit": Look(INDIGO, "p"),
    "scikit_learn": Look(INDIGO, "P"),
}
_POOL = [look for look in (Look(*pair) for pair in product(COLOURS, MARKERS)) if look not in SHIPPED.values()]


def dressed(standings: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """`standings` of a whole report with the columns `colour` and `marker`.

    An implementation of the project has the look of `SHIPPED`. The name of any other one chooses a look that none of
    those has; where two in one task choose the same, the later in the alphabet takes the next. Where two have one
    colour and another is free in their tasks, the later in the alphabet takes that. Those beyond `MOST` in a task are
    grey and keep their marker while it is free.
    """
    found = _looks(dict(standings.groupby("implementation")["task"].agg(set)), _by_importance(standings, answer))
    names = standings["implementation"]
    return standings.assign(
        colour=[found[name].colour for name in names], marker=[found[name].marker for name in names]
    )


def looks(standings: pd.DataFrame) -> dict[str, Look]:
    """The look of each implementation of dressed standings, colours first; those that share one are `OTHER`."""
    rows = standings.drop_duplicates("implementation")
    found = dict(zip(rows["implementation"], map(Look, rows["colour"], rows["marker"]), strict=True))
    return dict(sorted(found.items(), key=lambda item: item[1].colour == GREY))


def _looks(tasks: Mapping[str, set[str]], important: Iterable[str]) -> dict[str, Look]:
    chosen = _chosen(tasks, important)
    found: dict[str, Look] = {}
    for name in sorted(tasks.keys(), key=lambda name: (name not in SHIPPED, name not in chosen, name)):
        taken = {look for other, look in found.items() if tasks[other] & tasks[name]}
        own = [SHIPPED[name]] if name in SHIPPED else _from(zlib.crc32(name.encode()), _POOL)
        if name not in chosen:
            own = [Look(GREY, marker) for marker in _from(MARKERS.index(own[0].marker), MARKERS)]
        found[name] = next((look for look in own if look not in taken), OTHER)
    return _recoloured(found, tasks)


def _recoloured(found: Mapping[str, Look], tasks: Mapping[str, set[str]]) -> dict[str, Look]:
    """The looks with fewer common colours: a free one for each that shares its colour with an earlier one."""
    looks, settled = dict(found), set[str]()
    for name, look in found.items():
        others = {other: looks[other].colour for other in looks if other != name and tasks[other] & tasks[name]}
        free = [colour for colour in COLOURS if colour not in others.values()]
        if look.colour in COLOURS and look.colour in {others.get(other) for other in settled} and free:
            looks[name] = Look(free[0], look.marker)
        settled.add(name)
    return looks


def _chosen(tasks: Mapping[str, set[str]], important: Iterable[str]) -> set[str]:
    """The names with a colour: the first of `important`, at most `MOST` in each task."""
    chosen, counts = set[str](), Counter[str]()
    for name in important:
        if all(counts[task] < MOST for task in tasks[name]):
            chosen.add(name)
            counts.update(tasks[name])
    return chosen


def _by_importance(standings: pd.DataFrame, answer: pd.DataFrame) -> list[str]:
    """All names: the answers, the baselines, then the fastest first."""
    rank = standings.groupby([standings[key] for key in GROUP])["time"].rank()
    fastest = rank.groupby(standings["implementation"]).mean().sort_values(kind="stable").index
    baselines = standings.loc[standings["baseline"], "implementation"]
    names = dict.fromkeys([*answer["implementation"].dropna(), *baselines, *fastest])
    return [name for name in names if name in {*fastest}]


def _from(start: int, items: Sequence[T]) -> list[T]:
    """`items` in order, from number `start` on, and around."""
    return [items[(start + step) % len(items)] for step in range(len(items))]
