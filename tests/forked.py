"""Running Python in a fork of a process that has the slow imports: a tenth of a second instead of three."""

import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess

ROOT = Path(__file__).parent.parent
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["torch", "pandas", "scipy.stats", "matplotlib.figure", "sklearn", "rich.table", "pytest", "torch._dynamo"]
)
_PLUGINS = Path(__file__).parent / "plugins"
_ADDED = "-p no:hypothesispytest -p undisturbed"  # Hypothesis has no part in the suites, and is slow to import


def run(words: Sequence[str], folder: Path, out: Path, err: Path, variables: Mapping[str, str] | None = None) -> int:
    """`python WORDS` in `folder`, with the modules that lie there; the exit status, negative for a signal.

    It has this process's environment, but for pytest's own, and `variables`. It writes to the files `out` and `err`.
    If it runs pytest, no case is measured again because of other work on the machine (`plugins/undisturbed.py`).
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return _run(words, folder, out, err, ours | {"PYTEST_ADDOPTS": _ADDED} | dict(variables or {}))


def completed(
    command: Sequence[str], *, env: Mapping[str, str], capture_output: bool, text: bool, check: bool
) -> CompletedProcess[str]:
    """In place of `subprocess.run` for `[sys.executable, "-c", SCRIPT, ...]`."""
    assert (command[1], capture_output, text, check) == ("-c", True, True, False)
    with tempfile.TemporaryDirectory() as folder:
        script, out, err = (Path(folder, name) for name in ("script.py", "out.txt", "err.txt"))
        script.write_text(command[2], encoding="utf-8")
        status = _run([str(script), *command[3:]], Path(folder), out, err, env)
        return CompletedProcess(command, status, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def _run(words: Sequence[str], folder: Path, out: Path, err: Path, environment: Mapping[str, str]) -> int:
    process = _CONTEXT.Process(target=_python, args=(list(words), folder, out, err, dict(environment)))
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
    named = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    found = (path for path in sys.path if path not in ours)
    sys.path[:] = dict.fromkeys([str(folder), *named, *found, str(_PLUGINS)])
    as_module = words[0] == "-m"
    sys.argv = words[as_module:]
    (runpy.run_module if as_module else runpy.run_path)(sys.argv[0], run_name="__main__")


def _redirect(out: Path, err: Path) -> None:
    files = {path: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for path in (out, err)}
    for stream, path in ((1, out), (2, err)):
        os.dup2(files[path], stream)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", encoding="utf-8", closefd=False) for stream in (1, 2))
