"""A question about the user's own rows, as a grid: which cases answer it, and what is left out."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nearest import joined
from suites.grid import AND, FILE, Block, Grid, GridError
from suites.inputs import SUFFIXES, InputError, UserInputs, load_rows, source_of
from suites.limits import capped, held, of_dtypes, union
from suites.records.case import ALL_PAIRS

MOST_OF_ALL_PAIRS = 512
"""Rows of x and of y in a block without shapes that compares all pairs: their number grows with the square."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of these names, as typed."""

    inputs: Sequence[str] = ()
    queries: str | None = None
    corpus: str | None = None
    k: str | None = None
    dtypes: str | None = None


@dataclass(frozen=True, kw_only=True)
class FittedGrid:
    """A grid whose blocks have the shapes of the user's rows, these rows by `Case.inputs`, and what is left out.

    `left_out` maps a task or a dtype of the grid to the reason. `capped` is that of `suites.limits`.
    """

    grid: Grid
    files: Mapping[str, UserInputs]
    left_out: Mapping[str, str]
    capped: tuple[str, ...]

    @classmethod
    def of(cls, grid: Grid, options: Options) -> "FittedGrid":
        """The grid as the options change it.

        `inputs` take the place of the grid's inputs. `queries` and `corpus` take the place of its all-pairs tasks, and
        without `inputs` also of the others. `dtypes` are those to keep.

        Raises:
            InputError, GridError: an option or a file cannot be used; the message says what to do.
        """
        _require_together(options)
        kept, left_out = of_dtypes(grid, options.dtypes)
        rows = load_rows(source_of(*map(Path, options.inputs))) if options.inputs else None
        search = _search(options)
        if not (rows or search):
            return cls._within(kept, *_of_files(kept), left_out)
        k = _neighbours(options.k, search.whole("pairwise")[1]) if search else 0
        blocks, asked, more = _of_rows(kept, rows, search, top_k=bool(k))
        if search:
            blocks += _of_search(kept, search, k, every_dtype=options.dtypes is not None)
        files = {found.source.inputs: found for found in (rows, search) if found}
        return cls._within(kept, blocks, asked, files, left_out | more)

    @classmethod
    def _within(
        cls,
        grid: Grid,
        blocks: Sequence[Block],
        asked: Sequence[tuple[Block, UserInputs]],
        files: Mapping[str, UserInputs],
        left_out: Mapping[str, str],
    ) -> "FittedGrid":
        """The grid with these blocks, within the limits of the rows; `asked` are the blocks before they were fitted."""
        fit, unheld = held(blocks, files)
        measured = {block.task for block in fit}
        return cls(
            grid=dataclasses.replace(grid, blocks=tuple(fit)),
            files=files,
            left_out={name: why for name, why in {**left_out, **unheld}.items() if name not in measured},
            capped=capped(asked),
        )


def _require_together(options: Options) -> None:
    """Raise an `InputError` for an option that needs another one."""
    if options.queries and not options.corpus:
        raise InputError("--queries needs --corpus FILE, the rows to search; `--inputs FILE` compares rows of one file")
    if options.corpus and not options.queries:
        raise InputError("--corpus needs --queries FILE, the rows to search for")
    if options.k is not None and not options.queries:
        raise InputError("--k needs --queries FILE and --corpus FILE: it asks for the nearest K rows of the corpus")


def _search(options: Options) -> UserInputs | None:
    if not (options.queries and options.corpus):
        return None
    return load_rows(source_of(Path(options.queries), Path(options.corpus), queries=True))


def _neighbours(k: str | None, rows: int) -> int:
    """The number of --k; 0 without it."""
    if k is None:
        return 0
    if not (k.isdecimal() and 1 <= int(k) <= rows):
        raise InputError(f"--k is {k!r}; it has to be a whole number from 1 to {rows}, the rows of the corpus")
    return int(k)


def _of_rows(
    grid: Grid, rows: UserInputs | None, search: UserInputs | None, *, top_k: bool
) -> tuple[list[Block], list[tuple[Block, UserInputs]], dict[str, str]]:
    """The blocks of the grid on the user's rows, and its tasks without any; all pairs are those of the search."""
    blocks, asked, left_out = [], [], {}
    for block in grid.blocks:
        if search and block.task in ALL_PAIRS:
            if block.task == "top_k" and not top_k:
                left_out[block.task] = "--k K asks for the nearest K rows"
        elif rows is None:
            left_out[block.task] = "a search compares all pairs; --inputs FILE adds it"
        elif why := rows.misfit(block.task):
            left_out[block.task] = why
        else:
            whole = [] if block.task in ALL_PAIRS else [rows.whole(block.task)]
            blocks.append(_fitted(block, rows, whole))
            asked.append((block, rows))
    return blocks, asked, left_out


def _fitted(block: Block, rows: UserInputs, more: Sequence[tuple[int, ...]] = ()) -> Block:
    """The block on the user's rows, and on more shapes; without any, on all rows, or the most of all pairs."""
    every = (MOST_OF_ALL_PAIRS,) * 2 if block.task in ALL_PAIRS else rows.whole(block.task)
    shapes = [*(rows.fit(block.task, shape) for shape in block.shapes or (every,)), *more]
    return dataclasses.replace(block, shapes=tuple(dict.fromkeys(shapes)), inputs=(rows.source.inputs,))


def _of_search(grid: Grid, search: UserInputs, k: int, *, every_dtype: bool) -> Iterator[Block]:
    """One query and all queries against the corpus: all similarities, and with a `k` the k largest, in the same dtypes.

    These are the grid's of such tasks, or with `every_dtype` all of the grid.
    """
    pairs = [block for block in grid.blocks if block.task in ALL_PAIRS]
    dtypes = union(block.dtypes for block in (grid.blocks if every_dtype or not pairs else pairs))
    one, every = search.fit("pairwise", (1, *search.whole("pairwise")[1:])), search.whole("pairwise")
    for task in ALL_PAIRS if k else ("pairwise",):
        like = [block for block in grid.blocks if block.task == task] or grid.blocks
        yield Block(
            task=task,
            shapes=tuple(dict.fromkeys((one, every))),
            dtypes=dtypes,
            devices=union(block.devices for block in like),
            memory_formats=("contiguous",),
            directions=("forward",),
            inputs=(search.source.inputs,),
            caches=union(block.caches for block in like),
            k=k if task == "top_k" else 0,
        )


def _of_files(grid: Grid) -> tuple[list[Block], list[tuple[Block, UserInputs]], dict[str, UserInputs]]:
    """The blocks of a grid whose file names rows with `file:PATH`, and these rows."""
    paths = [given for given in union(block.inputs for block in grid.blocks) if given.startswith(FILE)]
    files = {given: _rows_of(grid, given) for given in paths}
    by_name: dict[str, str] = {}
    for given, rows in files.items():
        if (other := by_name.setdefault(rows.source.inputs, given)) != given:
            raise GridError(
                f"{grid.name}: {other!r} and {given!r} have one name, {rows.source.inputs!r}; rename a file"
            )
    blocks = [part for block in grid.blocks for part in _parts(grid.name, block, files)]
    asked = [(block, files[name]) for block in grid.blocks for name in block.inputs if name in files]
    return blocks, asked, {rows.source.inputs: rows for rows in files.values()}


def _rows_of(grid: Grid, given: str) -> UserInputs:
    """The rows that a grid's file names."""
    if several := joined(given.replace(FILE, ""), SUFFIXES):
        both = ", ".join(f'"{FILE}{path}"' for path in several)
        raise GridError(f"{grid.name}: inputs {given!r} is {len(several)} files; x and y are inputs = [[{both}]]")
    try:
        return load_rows(source_of(*(grid.folder / path for path in given.removeprefix(FILE).split(AND))))
    except InputError as error:
        raise GridError(f"{grid.name}: inputs {given!r}, a path from the grid's folder: {error}") from error


def _parts(grid: str, block: Block, files: Mapping[str, UserInputs]) -> Iterator[Block]:
    """A block as one for the distributions, and one for each file."""
    if drawn := tuple(name for name in block.inputs if name not in files):
        yield dataclasses.replace(block, inputs=drawn)
    for rows in (files[name] for name in block.inputs if name in files):
        if why := rows.misfit(block.task):
            raise GridError(f"{grid}: the task {block.task!r} cannot take these rows: {why}")
        yield _fitted(block, rows)
