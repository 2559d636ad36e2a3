"""One night: measure, compare with the last night on the same machine, report.

Exit status: 0, nothing got worse; 1, something got worse, twice in a row; 2, pytest refused the arguments; 3, the run
failed; 130, it was interrupted. Arguments, such as `--grid smoke`, go to pytest.

`make nightly` runs this, but make turns every exit status except 0 into 2. Run it directly from cron or CI.
"""

import dataclasses
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from command import DONE, FAILED, FOUND, INTERRUPTED, REFUSED, Command, run
from reports.render import render
from reports.sections.against import worse
from results import ROOT, UnknownRun, list_runs, load, load_end, load_run
from results.files import AGAIN, NIGHT
from suites.environment import devices
from suites.plugin.front_door import default_name

BRIEF = ("--benchmark-quiet", "-rN")  # no table for each case, and failures once
_HERE = Path(__file__).parent
_MEANING = {  # of pytest's exit status
    pytest.ExitCode.INTERRUPTED: INTERRUPTED,
    -signal.SIGINT: INTERRUPTED,
    pytest.ExitCode.USAGE_ERROR: REFUSED,
    pytest.ExitCode.NO_TESTS_COLLECTED: REFUSED,
}
_MOST_CONFIRMED = 200  # more mean that the machine or the build is at fault: measure no more


class Unfinished(Exception):
    """A run of pytest did not complete; `status` is the exit status that this gives the night."""

    def __init__(self, name: str, status: int) -> None:
        super().__init__(f"the run {name} failed: pytest ended with the exit status {status}")
        self.status = _MEANING.get(status, FAILED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one night and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if {"-h", "--help"} & set(arguments):
        _help()
        return DONE
    try:
        return _night(arguments)
    except Unfinished as error:
        print(error, file=sys.stderr)
        return error.status


def _night(arguments: Sequence[str]) -> int:
    grid = (
        () if any(a.startswith("--grid") for a in arguments) else ("--grid", "gpu" if "cuda" in devices() else "full")
    )
    name = NIGHT + default_name()
    _measure(name, ["suites", *grid, *arguments])
    previous = last_comparable(name)
    print(f"report: {render(name, against=previous)}", flush=True)  # before the lines of the next pytest
    if previous is None:
        print("the first night on this machine with this software and grid: there is nothing to compare with yet")
        return DONE
    suspects = worse(load(previous), load(name))
    if 0 < len(suspects) <= _MOST_CONFIRMED:
        suspects = _confirmed(suspects, previous, name, arguments)
    print(f"against {previous}: " + (suspects.to_string(index=False) if len(suspects) else "nothing got worse"))
    return FOUND if len(suspects) else DONE


def _help() -> None:
    what, more = __doc__.split("\n\n", 1)
    examples = {"": "the grid full, or gpu where CUDA is", "--grid smoke": "a short one", "--device cpu": "one device"}
    Command("python nightly.py", what, examples, more=more.strip(), usage="%(prog)s [ARGUMENTS OF PYTEST]").print_help()


def last_comparable(name: str, root: Path = ROOT) -> str | None:
    """The newest complete night before `name` with its grid, baseline, machine and software; its commit may differ."""
    wanted = _conditions(name, root)
    runs = list_runs(root)
    nights = runs[runs["run"].str.startswith(NIGHT) & ~runs["run"].str.endswith(AGAIN) & runs["complete"]]
    older = nights["run"][nights["run"] != name]
    return next((run for run in older if _conditions(run, root) == wanted), None)


def _conditions(name: str, root: Path) -> dict[str, object]:
    run = load_run(name, root)
    environment = dataclasses.asdict(run.environment)
    of_machine = {key: value for key, value in environment.items() if key not in ("commit", "dirty")}
    return {"grid": run.grid, "baseline": run.baseline, **of_machine}


def _confirmed(suspects: pd.DataFrame, previous: str, name: str, arguments: Sequence[str]) -> pd.DataFrame:
    """Measure the suspects again with their baseline, in a fresh process: those still worse.

    Unconfirmed alarms teach people to ignore real ones.
    """
    tonight = load(name)
    cases = tonight[tonight["case"].isin(suspects["case"])]
    again = cases[cases["baseline"] | cases["implementation"].isin(suspects["implementation"])]
    nodes = [_node(*row) for row in again[["task", "case", "implementation"]].itertuples(index=False)]
    _measure(name + AGAIN, [*nodes, "--grid", load_run(name).grid, "--no-summary", *arguments])
    twice = worse(load(previous), load(name + AGAIN))
    return suspects.merge(twice[["implementation", "case"]].drop_duplicates(), on=["implementation", "case"])


def _node(task: str, case: str, implementation: str) -> str:
    return f"suites/test_{task}.py::test_{task}[{case.removeprefix(f'{task}-')}-{implementation}]"


def _measure(name: str, arguments: Sequence[str]) -> None:
    """Run pytest. An implementation that fails (exit status 1) is a result; an incomplete run is `Unfinished`."""
    command = [sys.executable, "-m", "pytest", *arguments, f"--benchmark-save={name}", *BRIEF]
    status = subprocess.run(command, cwd=_HERE, check=False).returncode
    try:
        complete = status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and load_end(name) is not None
    except UnknownRun:
        complete = False
    if not complete:
        raise Unfinished(name, status)


if __name__ == "__main__":
    run(main)
