"""Running Python in a fork of a process that has the slow imports: a tenth of a second instead of three."""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["torch", "pandas", "scipy.stats", "matplotlib.figure", "sklearn", "rich.table", "pytest", "torch._dynamo"]
)


def run(words: Sequence[str], folder: Path, out: Path, err: Path, variables: Mapping[str, str] | None = None) -> int:
    """`python WORDS` in `folder`, with the modules that lie there; the exit status, negative for a signal.

    It has this process's environment, but for pytest's own, and `variables`. It writes to the files `out` and `err`.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = _CONTEXT.Process(target=_python, args=(list(words), folder, out, err, ours | dict(variables or {})))
    process.start()
    process.join(timeout=300)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"python {' '.join(words)} has run for 300 s; it wrote {out.read_text(encoding='utf-8')!r}")
    return process.exitcode


def _python(words: list[str], folder: Path, out: Path, err: Path, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    _redirect(out, err)
    os.chdir(folder)
    ours = {str(ROOT), str(ROOT / "tests")}
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ours)]
    as_module = words[0] == "-m"
    sys.argv = words[as_module:]
    (runpy.run_module if as_module else runpy.run_path)(sys.argv[0], run_name="__main__")


def _redirect(out: Path, err: Path) -> None:
    files = {path: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for path in (out, err)}
    for stream, path in ((1, out), (2, err)):
        os.dup2(files[path], stream)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", encoding="utf-8", closefd=False) for stream in (1, 2))
