"""Where grids are: in suites/grids/, or in a TOML file anywhere. Torch-free."""

import os
import tomllib
from pathlib import Path
from typing import Any

from nearest import did_you_mean, files_of
from suites.grid_values import GridError

FOLDER = Path(__file__).parent / "grids"
_NEXT = "or the path of a .toml file"


def read_grid(name: str) -> tuple[Path, dict[str, Any]]:
    """The file of a grid, by its name in suites/grids/ or its path, and its content.

    Raises:
        GridError: there is no such grid, or its file holds something else.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if name not in _named() and not (name.endswith(".toml") and os.path.isfile(path)):
        raise GridError(_none(name))
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GridError(f"{path} is not TOML: {error}") from error
    except OSError as error:
        raise GridError(f"{path} cannot be read: {error}; check the disk and your permissions") from error
    if not {"seconds", "cases"} & table.keys():
        raise GridError(f"{path} holds no grid, which has cases, each opened by [[cases]]{_known(name)}")
    return path, table


def _none(name: str) -> str:
    path = Path(name)
    if name and os.path.isdir(path):
        return f"{name!r} is a folder, and no grid{_known(name, path)}"
    if os.path.isfile(path):
        rows = "; if it holds rows, --inputs names it" if path.suffix != ".toml" else ""
        return f"{name!r} is a file of another type, and no grid{rows}{_known(name)}"
    if not name.endswith(".toml"):
        return f"there is no grid {name!r}{_known(name)}"
    if not os.path.isdir(path.parent):
        return f"there is no file {name!r}: there is no folder {str(path.parent)!r}{_known(name)}"
    return f"there is no file {name!r}{_known(name, path.parent)}"


def _known(name: str, folder: Path = Path()) -> str:
    """The nearest of the grids: those with a name, and the files in a folder that hold one."""
    files = [folder / file for file in files_of(folder, (".toml",)) if _is_grid(folder / file)]
    return f"{did_you_mean(name, [*_named(), *map(str, files)])}, {_NEXT}"


def _named() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def _is_grid(path: Path) -> bool:
    try:
        return {"seconds", "cases"} <= tomllib.loads(path.read_text(encoding="utf-8")).keys()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError):
        return False
