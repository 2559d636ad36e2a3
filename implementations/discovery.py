"""Where implementations come from: this folder, installed entry points, named files."""

import functools
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from implementations import registry
from implementations.registry import RegistryError

_MACHINERY = {"registry", "discovery"}


@functools.cache
def load() -> None:
    """Import every file of this folder and call every entry point of the group."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in _MACHINERY:
            _or_absent(module.name, functools.partial(importlib.import_module, f"implementations.{module.name}"))
    for entry in entry_points(group=registry.ENTRY_POINTS):
        _or_absent(entry.name, functools.partial(_register_from_entry, entry))


def load_file(path: Path) -> None:
    """Register what the function `register(implementation)` in the file at `path` registers.

    Raises:
        RegistryError: no such file, no such function, or what it registers is not valid.
    """
    if not path.is_file():
        raise RegistryError(f"--implementations-from: there is no file {str(path)!r}")
    spec = importlib.util.spec_from_file_location(f"_implementations_from_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RegistryError(f"--implementations-from: {str(path)!r} is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)

    def run() -> None:
        sys.modules[module.__name__] = module  # torch.compile looks a function's module up here
        try:
            spec.loader.exec_module(module)  # type: ignore[union-attr]
        except SyntaxError as error:
            raise RegistryError(f"{path}, line {error.lineno}, is not Python: {error.msg}") from error
        before = registry.names()
        _registering(module, str(path))(registry.implementation)
        if registry.names() == before:
            raise RegistryError(f"the function register(implementation) in {path} registers nothing")

    _or_absent(path.stem, run)


def missing_package(error: ImportError) -> str | None:
    """The optional package that is not installed, or None if the import failed otherwise.

    A misspelt submodule or attribute of an installed package is a bug, not an absence.
    """
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if not name or importlib.util.find_spec(name.partition(".")[0]):
        return None
    return name.partition(".")[0]


def because(package: str) -> str:
    """Why an implementation is absent, and what would change that."""
    return f"the package {package!r} is not installed; `pip install {package}` adds it"


def _register_from_entry(entry: EntryPoint) -> None:
    try:
        target = entry.load()
    except AttributeError as error:
        raise RegistryError(f"entry point {entry.name!r} = {entry.value!r}: {error}") from error
    register = _registering(target, entry.value) if isinstance(target, ModuleType) else target
    if not callable(register):
        raise RegistryError(
            f"entry point {entry.name!r} = {entry.value!r} names a {type(target).__name__}; "
            "it has to name a function register(implementation)"
        )
    register(registry.implementation)


def _registering(module: ModuleType, where: str) -> Callable[..., None]:
    register: Callable[..., None] | None = getattr(module, "register", None)
    try:
        inspect.signature(register).bind(registry.implementation)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise RegistryError(
            f"{where} has no function register(implementation); CONTRIBUTING.md shows one, in ten lines"
        ) from error
    return register  # type: ignore[return-value]


def _or_absent(name: str, run: Callable[[], object]) -> None:
    try:
        run()
    except ImportError as error:
        package = missing_package(error)
        if package is None:
            raise
        registry.mark_absent(name, because(package))
