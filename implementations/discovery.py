"""Finds implementations: in this folder, in installed entry points, in named files."""

import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from operator import attrgetter
from pathlib import Path
from types import ModuleType

from implementations import registry
from implementations.registry import RegistryError
from nearest import joined, no_file

ENTRY_POINTS = "cosinebench.implementations"

_MACHINERY = {"registry", "contracts", "discovery", "__main__"}
_OURS = "`pip install '.[contestants]'` adds what the implementations here need"
_THEIRS = "`pip install` the package that provides it"


def load_folder() -> None:
    """Import every file of this folder."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in _MACHINERY:
            with _loading(module.name, f"implementations/{module.name}.py", _OURS):
                importlib.import_module(f"implementations.{module.name}")


def load_entry_points() -> None:
    """Call the function of each installed entry point of the group; of a module, its `register`."""
    for entry in entry_points(group=ENTRY_POINTS):
        with _loading(entry.name, f"entry point {entry.name!r} = {entry.value!r}"):
            _call(importlib.import_module(entry.module), entry.attr or "register")


def load_file(path: Path) -> None:
    """Call the function `register(implementation)` of the file at `path`.

    Raises:
        RegistryError: there is no such file or function, or an implementation is not valid.
    """
    registry.load()  # first, so its errors are not blamed on this file
    if os.path.isdir(path):
        raise RegistryError(f"--implementations-from: {str(path)!r} is a folder; name a Python file with `register`")
    if not os.path.isfile(path):
        if several := joined(str(path), (".py",)):
            each = " ".join(f"--implementations-from {part}" for part in several)
            raise RegistryError(f"--implementations-from: {str(path)!r} is {len(several)} files; write {each}")
        raise RegistryError(f"--implementations-from: {no_file(path, ('.py',))}")
    spec = importlib.util.spec_from_file_location(f"_implementations_from_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RegistryError(f"--implementations-from: {str(path)!r} is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # torch.compile looks a function's module up here
    with _loading(path.stem, str(path)):
        spec.loader.exec_module(module)
        _call(module, "register")


def missing_package(error: ImportError) -> str | None:
    """The top-level module that is not installed, or None if the import failed for another reason.

    A misspelt submodule or attribute of an installed package is a bug, not an absence.
    """
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    top = name.partition(".")[0] if isinstance(name, str) else ""
    try:
        return top if top and not importlib.util.find_spec(top) else None
    except ValueError:  # it is there, made by hand
        return None


def because(module: str, remedy: str = _THEIRS) -> str:
    """Why an implementation is absent, and how to install what it needs."""
    return f"the module {module!r} is not installed; {remedy}"


@contextmanager
def _loading(name: str, where: str, remedy: str = _THEIRS) -> Iterator[None]:
    """Note an absent package, and name the file of an invalid registration. Any other bug keeps its traceback."""
    try:
        yield
    except ImportError as error:
        module = missing_package(error)
        if module is None:
            raise
        registry.mark_absent(name, because(module, remedy))
    except (SyntaxError, ValueError) as error:
        raise RegistryError(f"{where}: {error}") from error


def _call(module: ModuleType, function: str) -> None:
    try:
        register = attrgetter(function)(module)
        inspect.signature(register).bind(registry.implementation)
    except (AttributeError, TypeError, ValueError) as error:
        raise RegistryError(
            f"no function {function}(implementation): {error}; CONTRIBUTING.md shows one, in ten lines"
        ) from error
    before = registry.names()
    register(registry.implementation)
    if registry.names() == before:
        raise RegistryError(f"{function}(implementation) registers nothing")
