"""Which cases to run: grids are TOML files, in suites/grids/ or anywhere. Torch-free."""

import itertools
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from implementations.registry import DEVICES, DTYPES, did_you_mean
from suites.records.case import CACHES, DIRECTIONS, FAMILY_NAMES, INPUTS, MEMORY_FORMATS, RANK, Case

FOLDER = Path(__file__).parent / "grids"


class GridError(ValueError):
    """A grid that does not exist or cannot be run as it is written."""


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
    """A set of cases, and when to stop sampling one.

    Each ratio to the baseline is known to ± `precision` (a fraction; in the file it is percent), or `seconds`
    for each implementation are spent. `families` are the inputs that hurt (suites/families) which its
    implementations are asked, in the dtypes and on the devices of its cases; `compile_anew` says whether those that
    compile are asked what they have to be compiled for once more, which takes seconds each time.
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
            own_inputs: task to the user's own data, which takes the place of the grid's
                shapes and families; tasks that are not in it are left out.
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
    """The shape of a task, and the name, that the user's own data give a case."""

    shape: tuple[int, ...]
    name: str


def load_grid(name: str) -> Grid:
    """The grid in suites/grids/ called `name`, or the one in the TOML file of that name.

    Raises:
        GridError: no such grid, not TOML, an unknown key, name or value.
    """
    path = FOLDER / f"{name}.toml" if not name.endswith(".toml") else Path(name)
    if not path.is_file() or ("/" in name and not name.endswith(".toml")):
        if name.endswith(".toml"):
            raise GridError(f"there is no file {name!r}; check the path")
        known = tuple(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise GridError(f"there is no grid {name!r}{did_you_mean(name, known)}, or the path of a .toml file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GridError(f"{path} is not TOML: {error}") from error
    _require_keys(table, ("seconds", "cases"), ("seconds", "precision", "families", "compile_anew", "cases"), str(path))
    blocks = table["cases"]
    if not (isinstance(blocks, list) and blocks and all(isinstance(block, dict) for block in blocks)):
        raise GridError(f"{path}: cases has to be one or more tables, each opened by [[cases]]")
    return Grid(
        name=path.stem if path.parent == FOLDER else str(path),
        seconds=_positive("seconds", table["seconds"], str(path)),
        precision=_positive("precision", table.get("precision", 1), str(path)) / 100,
        blocks=tuple(_block(block, f"{path}, [[cases]] {n}") for n, block in enumerate(blocks, 1)),
        families=_families(table.get("families", []), str(path)),
        compile_anew=_switch("compile_anew", table.get("compile_anew", True), str(path)),
    )


def _switch(key: str, given: object, where: str) -> bool:
    if not isinstance(given, bool):
        raise GridError(f"{where}: {key} is {given!r}; it has to be true or false")
    return given


def _families(given: object, where: str) -> tuple[str, ...]:
    if given == "all":
        return FAMILY_NAMES
    if not isinstance(given, list):
        raise GridError(f'{where}: families is {given!r}; it has to be "all" or a list such as ["self", "near"]')
    asked = [_known("family", name, FAMILY_NAMES, where) for name in given]
    return tuple(name for name in FAMILY_NAMES if name in asked)


_AXES: dict[str, tuple[tuple[str, ...], tuple[str, ...] | None]] = {  # key: known values, default
    "dtypes": (DTYPES, None),
    "devices": (DEVICES, DEVICES),
    "memory_formats": (MEMORY_FORMATS, ("contiguous",)),
    "directions": (DIRECTIONS, ("forward",)),
    "inputs": (INPUTS, ("prescribed",)),
    "caches": (CACHES, ("warm",)),
}


def _block(table: dict[str, object], where: str) -> Block:
    _require_keys(table, ("task", "shapes", "dtypes"), ("task", "shapes", *_AXES), where)
    task = _known("task", table["task"], tuple(RANK), where)
    axes = {axis: _values(axis, table.get(axis, default), known, where) for axis, (known, default) in _AXES.items()}
    if "channels_last" in axes["memory_formats"] and task != "feature_maps":
        raise GridError(f"{where}: channels_last needs [N, C, H, W] inputs, the task 'feature_maps', not {task!r}")
    return Block(task=task, shapes=_shapes(table["shapes"], task, where), **axes)


def _values(axis: str, given: object, known: tuple[str, ...], where: str) -> tuple[str, ...]:
    values = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not values:
        raise GridError(f"{where}: {axis} is empty; known: {', '.join(known)}")
    kind = axis if axis == "inputs" else axis.removesuffix("s")
    return tuple(_known(kind, value, known, where) for value in values)


def _shapes(given: object, task: str, where: str) -> tuple[tuple[int, ...], ...]:
    rank = RANK[task]
    example = [[4096, 768], [512, 512, 768], [32, 64, 28, 28]][rank - 2]
    if not isinstance(given, list) or not given:
        raise GridError(f"{where}: shapes has to be a list of shapes such as [{example}], not {given!r}")
    for shape in given:
        if not isinstance(shape, list) or len(shape) != rank:
            raise GridError(f"{where}: the task {task!r} needs shapes of {rank} sizes such as {example}, not {shape!r}")
        for size in shape:
            if type(size) is not int or size < 1:
                raise GridError(f"{where}: the shape {shape} holds {size!r}; a size is an integer of 1 or more")
    return tuple(map(tuple, given))


def _positive(key: str, given: object, where: str) -> float:
    if not isinstance(given, int | float) or isinstance(given, bool) or not 0 < given < math.inf:
        example = {"seconds": "0.25", "precision": "1, which is ± 1 % of a ratio"}[key]
        raise GridError(f"{where}: {key} is {given!r}; it has to be a number above 0, such as {example}")
    return float(given)


def _require_keys(table: dict[str, object], needed: tuple[str, ...], known: tuple[str, ...], where: str) -> None:
    for key in table:
        _known("key", key, known, where)
    for key in needed:
        if key not in table:
            raise GridError(f"{where}: the key {key!r} is missing; needed: {', '.join(needed)}")


def _known(kind: str, value: object, known: tuple[str, ...], where: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise GridError(f"{where}: unknown {kind} {value!r}{did_you_mean(str(value), known)}")
    return value
