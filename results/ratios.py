"""The ratios of each record's times to those of its reference, and of a repeated contestant to itself."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from results.references import NONE, Reference
from results.rows import Process, Row
from suites.statistics import Array, paired_ratios


def ratios(rows: Sequence[Row], references: Mapping[str, Reference]) -> list[Array]:
    """For each row, the ratios of its pairs of rounds; for several processes, the median ratio of each process."""
    bases = {row.case: row for row in rows if row.implementation == references.get(row.case, NONE).name}

    def of(row: Row) -> Array:
        base = bases.get(row.case)
        pairs = zip(row.processes, base.processes if base else (), strict=False)
        found = (paired_ratios(one.samples_s, one.stride, its.samples_s, its.stride) for one, its in pairs)
        return _over(found, several=len(row.processes) > 1)

    return [of(row) for row in rows]


def controls(rows: Sequence[Row]) -> list[Array]:
    """For each row, the same ratios between the control of its case and the contestant that it repeats."""
    repeated = defaultdict[str, list[Process]](list)
    for row in rows:
        repeated[row.case] += [process for process in row.processes if process.control_s.size]

    def of(row: Row) -> Array:
        found = (paired_ratios(it.control_s, it.stride, it.samples_s, it.stride) for it in repeated[row.case])
        return _over(found, several=len(row.processes) > 1)

    return [of(row) for row in rows]


def _over(processes: Iterable[Array], several: bool) -> Array:
    found = [pairs for pairs in processes if pairs.size]
    return np.array([np.median(pairs) for pairs in found]) if several else next(iter(found), np.empty(0))
