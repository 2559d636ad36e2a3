"""Which rows of a large result are checked: a random sample, for which the oracle takes little memory and time."""

import random

import torch

from suites.records.case import ALL_PAIRS, Case
from suites.records.record import Flag

MOST = 1 << 24  # true cosines at a time: a sixth of a GiB, and some copies of it
_RANDOM = random.SystemRandom()  # no contestant can know the rows


def checked_rows(case: Case) -> int:
    """How many rows of a result are checked: all, or of very many pairs a part. Gradients are checked as a whole."""
    if case.task not in ALL_PAIRS or case.direction != "forward":
        return case.shape[0]
    return min(case.shape[0], max(1, MOST // case.shape[1]))


def draw(case: Case) -> torch.Tensor | None:
    """The rows to check, ascending; None for all."""
    rows = checked_rows(case)
    return torch.tensor(sorted(_RANDOM.sample(range(case.shape[0]), rows))) if rows < case.shape[0] else None


def sample_flags(case: Case) -> tuple[Flag, ...]:
    """The flag of a case whose results are checked in part."""
    rows, every = checked_rows(case), case.shape[0]
    if rows == every:
        return ()
    return (Flag(name="rows_sampled", evidence=f"{rows:,} of {every:,} rows were checked, drawn at random"),)
