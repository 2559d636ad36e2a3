"""Checks of the values in a grid's TOML file: each error names the file, the value and what is known. Torch-free."""

import math

from nearest import did_you_mean
from suites.records.case import ALL_PAIRS, FAMILY_NAMES, RANK

FILE = "file:"
"""How the inputs of a grid name the user's rows: `file:` and the path from the grid's folder."""
AND = "+" + FILE
"""What joins the names of two files, of x and of y."""


class GridError(ValueError):
    """A grid that does not exist, or that cannot run as it is written."""


def known(kind: str, value: object, names: tuple[str, ...], where: str) -> str:
    """The value, if it is one of `names`."""
    if not isinstance(value, str) or value not in names:
        raise GridError(f"{where}: unknown {kind} {value!r}{did_you_mean(value, names)}")
    return value


def axis_values(axis: str, given: object, names: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The values of an axis such as "dtypes", given as a list or as one value."""
    values = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not values:
        raise GridError(f"{where}: {axis} is empty; known: {', '.join(names)}")
    if axis != "inputs":
        return tuple(known(axis.removesuffix("s"), value, names, where) for value in values)
    return tuple(_inputs(value, names, where) for value in values)


def _inputs(given: object, names: tuple[str, ...], where: str) -> str:
    """A distribution, the user's file, or two files, joined by `AND`."""
    if isinstance(given, list):
        if len(given) != 2 or not all(isinstance(part, str) and part.startswith(FILE) for part in given):
            raise GridError(f'{where}: inputs of x and y are two files, ["{FILE}x.npy", "{FILE}y.npy"], not {given!r}')
        return "+".join(given)  # joined by AND
    if isinstance(given, str) and given.startswith(FILE):
        return given
    return known("inputs", given, (*names, f"{FILE}PATH"), where)


def families(given: object, where: str) -> tuple[str, ...]:
    """The names of families, in the order of the reference."""
    if given == "all":
        return FAMILY_NAMES
    if not isinstance(given, list):
        raise GridError(f'{where}: families is {given!r}; it has to be "all" or a list such as ["self", "near"]')
    asked = [known("family", name, FAMILY_NAMES, where) for name in given]
    return tuple(name for name in FAMILY_NAMES if name in asked)


def only_files(inputs: object) -> bool:
    """Whether all inputs are the user's rows."""
    if isinstance(inputs, list):
        return bool(inputs) and all(map(only_files, inputs))
    return isinstance(inputs, str) and inputs.startswith(FILE)


def shapes(given: object, task: str, where: str, *, of_files: bool = False) -> tuple[tuple[int, ...], ...]:
    """Shapes with as many sizes as the task needs; of files also numbers of rows: the width is the file's."""
    rank, example = RANK[task], {2: [4096, 768], 3: [512, 512, 768], 4: [32, 64, 28, 28]}[RANK[task]]
    rows = "[[64, 4096]]" if task in ALL_PAIRS else "[64]"
    enough = f"; {'' if of_files else 'where all inputs are files, '}numbers of rows are enough: shapes = {rows}"
    if not isinstance(given, list) or not given:
        none = "; leave it out for all rows of the file" if of_files else ""
        raise GridError(f"{where}: shapes has to be a list of shapes such as [{example}], not {given!r}{none}")
    sizes = (rank, 2 if task in ALL_PAIRS else 1) if of_files else (rank,)
    found = [[shape] if 1 in sizes and not isinstance(shape, list) else shape for shape in given]
    for shape in found:
        if not isinstance(shape, list) or len(shape) not in sizes:
            raise GridError(
                f"{where}: the task {task!r} needs shapes of {rank} sizes such as {example}, not {shape!r}{enough}"
            )
        for size in shape:
            if type(size) is not int or size < 1:
                raise GridError(f"{where}: the shape {shape} holds {size!r}; a size is an integer of 1 or more")
    return tuple(map(tuple, found))


def neighbours(given: object, task: str, shapes: tuple[tuple[int, ...], ...], where: str) -> int:
    """k, from 1 to the rows of each corpus, for the task "top_k"; 0 for the others."""
    if task != "top_k":
        if given != 0:
            raise GridError(f"{where}: k is {given!r}, and {task!r} takes no k; leave it out, or take the task 'top_k'")
        return 0
    fewest = min((rows for _, rows, *_ in shapes), default=0)  # of a file, whose rows are not read yet, maybe more
    if type(given) is int and 1 <= given <= (fewest or given):
        return given
    if not fewest:
        raise GridError(f"{where}: k is {given!r}; it has to be a whole number of 1 or more, such as 10")
    raise GridError(f"{where}: k is {given!r}; the smallest corpus has {fewest} rows, so k is from 1 to {fewest}")


def switch(key: str, given: object, where: str) -> bool:
    """True or false."""
    if not isinstance(given, bool):
        raise GridError(f"{where}: {key} is {given!r}; it has to be true or false")
    return given


def positive_number(key: str, given: object, where: str) -> float:
    """A finite number above 0."""
    if not isinstance(given, int | float) or isinstance(given, bool) or not 0 < given < math.inf:
        example = {"seconds": "0.25", "precision": "1, which is ± 1 % of a ratio"}[key]
        raise GridError(f"{where}: {key} is {given!r}; it has to be a number above 0, such as {example}")
    return float(given)


def require_keys(table: dict[str, object], needed: tuple[str, ...], names: tuple[str, ...], where: str) -> None:
    """Raise a `GridError` for a key that is not one of `names`, or a needed one that is missing."""
    for key in table:
        known("key", key, names, where)
    for key in needed:
        if key not in table:
            raise GridError(f"{where}: the key {key!r} is missing; needed: {', '.join(needed)}")
