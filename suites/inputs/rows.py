"""The user's own rows: which of them a case takes, and which it compares with which."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from suites.inputs.blocks import Blocks, InputError, spans
from suites.inputs.sealed import SealedFile
from suites.records.case import ALL_PAIRS, DIM, RANK, Case
from suites.words import listed

LAYOUTS = {2: "[N, D]", 4: "[N, C, H, W]"}
_SEED = 20261130


@dataclass(frozen=True)
class RowFiles:
    """Where rows come from: one file, or one for x and one for y; `inputs` is `Case.inputs`, the name of the rows.

    With `queries` the two files are queries and the corpus that they search: each query is compared with all its rows.
    Of rows that were loaded, `copies` open the copies of the files, and `fingerprint` is a digest.
    """

    inputs: str
    paths: tuple[Path, ...]
    queries: bool = False
    copies: tuple[Path, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class UserInputs:
    """The rows of a source, checked, on the CPU in the file's float dtype.

    `x` is `[N, D]` or `[N, C, H, W]`. `y`, if there is one, has rows of the same size, and perhaps another number.
    `largest` are the largest magnitudes of x and of y. `fingerprint` is a digest of the files. `note` mentions
    conversions, rows of zeros and equal files, if any. `sealed` are the copies of the files, if this process made them.
    """

    source: RowFiles
    x: torch.Tensor
    y: torch.Tensor | None
    largest: tuple[float, ...]
    fingerprint: str
    note: str = ""
    sealed: tuple[SealedFile, ...] = ()

    @property
    def changed(self) -> list[Path]:
        """The files that are others now than when they were read."""
        return [file.path for file in self.sealed if file.changed]

    def misfit(self, task: str) -> str:
        """Why a task cannot take these rows; "" if it can."""
        rank = 1 + len(DIM[task])
        if self.x.ndim != rank:
            return f"{self.source.inputs} holds {LAYOUTS[self.x.ndim]} rows, it takes {LAYOUTS[rank]}"
        if task in ALL_PAIRS or len(self.x) == len(self._others):
            return ""
        return f"rows of x meet their rows of y, and {self.source.inputs} holds {self._counts(' and ')} rows"

    def unheld(self, dtype: str) -> str:
        """Why a dtype cannot hold these rows: the largest number is beyond its range, or becomes 0; "" if it can."""
        to, name = getattr(torch, dtype), self.source.inputs
        for largest in self.largest:
            number = torch.tensor(largest, dtype=self.x.dtype).to(to)
            if not number.isfinite():
                return f"{name} holds {largest:g}, and {dtype} ends at {torch.finfo(to).max:g}; scale the rows"
            if not number:
                return f"{name} holds at most {largest:g}, which is 0 in {dtype}; scale the rows"
        return ""

    def fit(self, task: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape of the task on these rows: its numbers of rows, at most those that there are, and their width."""
        counts = (len(self.x), len(self._others)) if task in ALL_PAIRS else (len(self.x),)
        return (*map(min, shape, counts), *self.x.shape[1:])

    def whole(self, task: str) -> tuple[int, ...]:
        """The shape of the task on all rows."""
        rank = RANK[task]
        return self.fit(task, (max(len(self.x), len(self._others)),) * rank)

    def description(self, cases: Iterable[Case]) -> str:
        """What the cases take of these rows, in words: how many, which are compared, and the note."""
        taken = [case for case in cases if case.inputs == self.source.inputs]
        size = "x".join(map(str, self.x.shape[1:]))
        said = [f"{self._counts(' queries, a corpus of ' if self.source.queries else ' and ')} rows of {size}"]
        if any(case.task not in ALL_PAIRS for case in taken):
            said.append("each row with the next, the last with the first" if self.y is None else "x with y, row by row")
        if self.y is None and any(case.task in ALL_PAIRS for case in taken):
            said.append("all pairs of rows")
        return f"{self.source.inputs}: " + "; ".join(filter(None, (*said, self._sampled(taken), self.note)))

    def blocks(self, case: Case) -> Blocks:
        """The rows of a case, x with y: all of them, or a sample, the same for each case with as many.

        Rows of x stay with their rows of y. Without y each row is paired with the next one, the last with the first;
        for all pairs, the rows with themselves.

        Raises:
            InputError: the shape is not one of `fit`, or the case's dtype cannot hold the rows.
        """
        if why := self.unheld(case.dtype):
            raise InputError(why)
        if case.shape != (shape := self.fit(case.task, case.shape)):
            held = f"{self._counts(' and ')} rows of {'x'.join(map(str, self.x.shape[1:]))}"
            raise InputError(f"{self.source.inputs!r} holds {held}: the shape {case.shape} becomes {shape}")
        of_x, of_y = self._drawn(case)
        for rows in spans(0, max(len(of_x), len(of_y)), case.length):
            yield _taken(self.x, of_x[rows]), _taken(self._others, of_y[rows])

    def _drawn(self, case: Case) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Which rows of x and of y a case takes."""
        n = case.shape[0]
        if case.task in ALL_PAIRS:
            return sample(n, len(self.x)), sample(case.shape[1], len(self._others))
        if self.y is not None:
            return sample(n, len(self.x)), sample(n, len(self.x))
        rows = sample(max(n, 2), len(self.x))  # a single row needs another one as well
        return rows[:n], np.roll(rows, -1)[:n]

    @property
    def _others(self) -> torch.Tensor:
        return self.x if self.y is None else self.y

    def _counts(self, between: str) -> str:
        counts = [f"{len(t):,}" for t in (self.x, self._others)]
        return between.join(counts if self.source.queries else dict.fromkeys(counts))

    def _sampled(self, taken: list[Case]) -> str:
        """The samples among the cases, such as "samples of 1 and 4096 of 50,000 rows, and all of them"."""
        whole = dict.fromkeys((len(self.x), len(self._others)))
        counts: dict[int, set[int]] = {of: set() for of in whole}
        for case in taken:
            for of, count in zip((len(self.x), len(self._others)), (s[0] for s in case.operand_shapes), strict=True):
                counts[of].add(count)
        said = [
            f"samples of {listed(map(str, sorted(some - {of})))} of {of:,} rows{', and all of them' * (of in some)}"
            for of, some in counts.items()
            if some - {of}
        ]
        return "; ".join(said)


def _taken(t: torch.Tensor, rows: npt.NDArray[np.int64]) -> torch.Tensor:
    """These rows, without a copy where they are consecutive, as those of a whole file are."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return t[rows[0] : rows[-1] + 1]
    return t[torch.from_numpy(rows)]


def sample(rows: int, of: int) -> npt.NDArray[np.int64]:
    """`rows` different numbers below `of` in ascending order, always the same; a larger sample holds a smaller one."""
    if rows >= of:
        return np.arange(of)
    return np.sort(np.random.Generator(np.random.SFC64(_SEED)).permutation(of)[:rows])
