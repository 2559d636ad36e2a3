"""Which cases to run: a grid is a TOML file, in suites/grids/ or anywhere. Torch-free."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from implementations.registry import DEVICES, DTYPES
from suites import grid_values as values
from suites.grid_files import FOLDER, read_grid
from suites.grid_values import AND, FILE, GridError
from suites.records.case import CACHES, DIRECTIONS, INPUTS, MEMORY_FORMATS, RANK, Case

__all__ = ["AND", "FILE", "Block", "Grid", "GridError", "load_grid"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """All combinations of a few values on each axis.

    On the user's rows a shape may be numbers of rows alone, and no shape means all rows: suites/question.py fits it.
    """

    task: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    memory_formats: tuple[str, ...]
    directions: tuple[str, ...]
    inputs: tuple[str, ...]
    caches: tuple[str, ...]
    k: int = 0

    def cases(self) -> list[Case]:
        """Every combination, shape by shape. A corpus of fewer than k rows is searched for all of its rows."""
        axes = (self.shapes, self.dtypes, self.devices, self.memory_formats, self.directions, self.inputs, self.caches)
        return [
            Case(
                task=self.task,
                shape=shape,
                dtype=dtype,
                device=device,
                memory_format=memory_format,
                direction=direction,
                inputs=inputs,
                cache=cache,
                k=min(self.k, shape[1]),
            )
            for shape, dtype, device, memory_format, direction, inputs, cache in itertools.product(*axes)
        ]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A set of cases, and when to stop sampling each of them.

    Sampling ends when each ratio to the baseline is known to ± `precision` (a fraction; percent in the file), or when
    `seconds` for each implementation are spent. `families` are the hard inputs (suites/families); implementations
    meet them in the dtypes and on the devices of the cases. With `compile_anew` False, compiled implementations skip
    what they would compile again for, which takes seconds each time. The inputs `file:PATH` are the user's rows, with
    paths from `folder`.
    """

    name: str
    seconds: float
    precision: float
    blocks: tuple[Block, ...]
    families: tuple[str, ...] = ()
    compile_anew: bool = True
    folder: Path = Path()

    def cases(self, devices: Sequence[str]) -> tuple[Case, ...]:
        """The cases on `devices`, each once, in the order of the file."""
        cases = [case for block in self.blocks for case in block.cases() if case.device in devices]
        return tuple(dict.fromkeys(cases))


def load_grid(name: str) -> Grid:
    """The grid `name` of suites/grids/, or the grid in the TOML file at that path.

    Raises:
        GridError: there is no such grid, it is not TOML, or a key, name or value is unknown.
    """
    path, table = read_grid(name)
    values.require_keys(
        table, ("seconds", "cases"), ("seconds", "precision", "families", "compile_anew", "cases"), str(path)
    )
    blocks = table["cases"]
    if not (isinstance(blocks, list) and blocks and all(isinstance(block, dict) for block in blocks)):
        raise GridError(f"{path}: cases has to be one or more tables, each opened by [[cases]]")
    return Grid(
        name=path.stem if path.parent == FOLDER else str(path),
        seconds=values.positive_number("seconds", table["seconds"], str(path)),
        precision=values.positive_number("precision", table.get("precision", 1), str(path)) / 100,
        blocks=tuple(_block(block, f"{path}, [[cases]] {n}") for n, block in enumerate(blocks, 1)),
        families=values.families(table.get("families", []), str(path)),
        compile_anew=values.switch("compile_anew", table.get("compile_anew", True), str(path)),
        folder=path.parent,
    )


_AXES: dict[str, tuple[tuple[str, ...], tuple[str, ...] | None]] = {  # key: known values, default
    "dtypes": (DTYPES, None),
    "devices": (DEVICES, DEVICES),
    "memory_formats": (MEMORY_FORMATS, ("contiguous",)),
    "directions": (DIRECTIONS, ("forward",)),
    "inputs": (INPUTS, ("prescribed",)),
    "caches": (CACHES, ("warm",)),
}


def _block(table: dict[str, object], where: str) -> Block:
    of_files = values.only_files(table.get("inputs"))
    needed = {"task": True, "shapes": not of_files, "dtypes": True, "k": table.get("task") == "top_k"}
    values.require_keys(table, tuple(filter(needed.get, needed)), ("task", "shapes", "k", *_AXES), where)
    task = values.known("task", table["task"], tuple(RANK), where)
    axes = {
        axis: values.axis_values(axis, table.get(axis, default), known, where)
        for axis, (known, default) in _AXES.items()
    }
    if "channels_last" in axes["memory_formats"] and task != "feature_maps":
        raise GridError(f"{where}: channels_last needs [N, C, H, W] inputs, the task 'feature_maps', not {task!r}")
    if task == "top_k" and axes["directions"] != ("forward",):
        raise GridError(f"{where}: the task 'top_k' has indices, which have no gradient; its direction is 'forward'")
    shapes = values.shapes(table["shapes"], task, where, of_files=of_files) if "shapes" in table else ()
    return Block(task=task, shapes=shapes, k=values.neighbours(table.get("k", 0), task, shapes, where), **axes)
