"""What limits a grid: dtypes asked for, dtypes that cannot hold the user's rows, and shapes of more rows than exist."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping

from implementations.registry import DTYPES
from nearest import did_you_mean
from suites.grid import Block, Grid, GridError
from suites.inputs import UserInputs
from suites.records.case import ALL_PAIRS
from suites.words import listed


def of_dtypes(grid: Grid, asked: str | None) -> tuple[Grid, dict[str, str]]:
    """The grid in the dtypes asked for, and the tasks that it has in none of them."""
    if asked is None:
        return grid, {}
    dtypes, known = [name.strip() for name in asked.split(",")], union(block.dtypes for block in grid.blocks)
    for name in dtypes:
        if name not in DTYPES:
            raise GridError(f"--dtypes: unknown dtype {name!r}{did_you_mean(name, DTYPES)}")
        if name not in known:
            raise GridError(f"--dtypes: the grid {grid.name!r} has no case in {name}; it has {', '.join(known)}")
    kept = [(block, tuple(name for name in block.dtypes if name in dtypes)) for block in grid.blocks]
    blocks = tuple(dataclasses.replace(block, dtypes=names) for block, names in kept if names)
    return dataclasses.replace(grid, blocks=blocks), {
        block.task: f"the grid has it in {' and '.join(block.dtypes)} only"
        for block in grid.blocks
        if block.task not in {kept.task for kept in blocks}
    }


def held(blocks: Iterable[Block], files: Mapping[str, UserInputs]) -> tuple[list[Block], dict[str, str]]:
    """The blocks in the dtypes that hold their rows; and the other dtypes, and tasks without any, with the reason."""
    kept, left_out = [], dict[str, str]()
    for block in blocks:
        misfits = {dtype: why for dtype in block.dtypes if (why := _misfit(block, dtype, files))}
        left_out |= misfits
        if dtypes := tuple(dtype for dtype in block.dtypes if dtype not in misfits):
            kept.append(dataclasses.replace(block, dtypes=dtypes))
        else:
            left_out[block.task] = next(iter(misfits.values()))
    return kept, left_out


def _misfit(block: Block, dtype: str, files: Mapping[str, UserInputs]) -> str:
    return next((why for name in block.inputs if name in files and (why := files[name].unheld(dtype))), "")


def capped(asked: Iterable[tuple[Block, UserInputs]]) -> tuple[str, ...]:
    """Which shapes of these blocks have more rows than there are, a sentence for each source of rows."""
    beyond: defaultdict[str, set[int]] = defaultdict(set)
    for block, rows in asked:
        counts = 2 if block.task in ALL_PAIRS else 1
        for shape in block.shapes:
            pairs = zip(shape[:counts], rows.fit(block.task, shape), strict=False)
            beyond[rows.source.inputs] |= {wanted for wanted, there in pairs if wanted > there}
    return tuple(
        f"{name}: shapes of {listed(f'{count:,}' for count in sorted(counts))} rows take all that there are"
        for name, counts in beyond.items()
        if counts
    )


def union(several: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The names in any of these, each once, in their order."""
    return tuple(dict.fromkeys(name for names in several for name in names))
