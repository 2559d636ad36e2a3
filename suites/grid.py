"""Which cases to run: a grid is a TOML file, in suites/grids/ or anywhere. Torch-free."""

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from implementations.registry import DEVICES, DTYPES
from nearest import did_you_mean, no_file
from suites import grid_values as values
from suites.grid_values import GridError
from suites.records.case import CACHES, DIRECTIONS, INPUTS, MEMORY_FORMATS, RANK, Case

__all__ = ["Block", "Grid", "GridError", "OwnInputs", "load_grid"]

FOLDER = Path(__file__).parent / "grids"


@dataclass(frozen=True, kw_only=True)
class Block:
    """All combinations of a few values on each axis."""

    task: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    memory_formats: tuple[str, ...]
    directions: tuple[str, ...]
    inputs: tuple[str, ...]
    caches: tuple[str, ...]

    def cases(self) -> list[Case]:
        """Every combination, shape by shape."""
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
            )
            for shape, dtype, device, memory_format, direction, inputs, cache in itertools.product(*axes)
        ]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A set of cases, and when to stop sampling each of them.

    Sampling ends when each ratio to the baseline is known to ± `precision` (a fraction; percent in the file), or when
    `seconds` for each implementation are spent. `families` are the hard inputs (suites/families); implementations
    meet them in the dtypes and on the devices of the cases. With `compile_anew` False, compiled implementations skip
    what they would compile again for, which takes seconds each time.
    """

    name: str
    seconds: float
    precision: float
    blocks: tuple[Block, ...]
    families: tuple[str, ...] = ()
    compile_anew: bool = True

    def cases(self, devices: Sequence[str], own_inputs: Mapping[str, "OwnInputs"] | None = None) -> tuple[Case, ...]:
        """The cases on `devices`, each once, in the order of the file.

        Args:
            devices: device types to keep.
            own_inputs: task to the user's own data, which replace the shapes and inputs of the grid. Tasks without an
                entry are left out.
        """
        cases = [case for block in self._blocks(own_inputs) for case in block.cases() if case.device in devices]
        return tuple(dict.fromkeys(cases))

    def _blocks(self, own_inputs: Mapping[str, "OwnInputs"] | None) -> list[Block]:
        if own_inputs is None:
            return list(self.blocks)
        return [
            Block(**(vars(block) | {"shapes": (own.shape,), "inputs": (own.name,)}))
            for block in self.blocks
            if (own := own_inputs.get(block.task))
        ]


@dataclass(frozen=True)
class OwnInputs:
    """The shape that the user's own data give a task, and the name of the data."""

    shape: tuple[int, ...]
    name: str


def load_grid(name: str) -> Grid:
    """The grid `name` of suites/grids/, or the grid in the TOML file at that path.

    Raises:
        GridError: there is no such grid, it is not TOML, or a key, name or value is unknown.
    """
    path = FOLDER / f"{name}.toml" if not name.endswith(".toml") else Path(name)
    if not path.is_file() or ("/" in name and not name.endswith(".toml")):
        if name.endswith(".toml"):
            raise GridError(no_file(path))
        known = sorted(p.stem for p in FOLDER.glob("*.toml"))
        known += [str(p) for p in [Path(f"{name}.toml")] if p.is_file()]
        raise GridError(f"there is no grid {name!r}{did_you_mean(name, known)}, or the path of a .toml file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GridError(f"{path} is not TOML: {error}") from error
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
    values.require_keys(table, ("task", "shapes", "dtypes"), ("task", "shapes", *_AXES), where)
    task = values.known("task", table["task"], tuple(RANK), where)
    axes = {
        axis: values.axis_values(axis, table.get(axis, default), known, where)
        for axis, (known, default) in _AXES.items()
    }
    if "channels_last" in axes["memory_formats"] and task != "feature_maps":
        raise GridError(f"{where}: channels_last needs [N, C, H, W] inputs, the task 'feature_maps', not {task!r}")
    return Block(task=task, shapes=values.shapes(table["shapes"], task, where), **axes)
