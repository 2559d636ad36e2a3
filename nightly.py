"""One night: measure, compare with the last night on the same machine, report.

Exit status: 0, nothing got worse; 1, something got worse, twice in a row; 2, the run failed. Arguments, such as
`--grid smoke`, go to pytest.

`make nightly` runs this, but make turns every exit status except 0 into 2. Run it directly from cron or CI.
"""

import dataclasses
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from reports.render import render
from reports.sections.against import worse
from results import ROOT, UnknownRun, list_runs, load, load_end, load_run
from results.files import AGAIN, NIGHT
from suites.environment import devices
from suites.plugin.front_door import default_name

QUIET, WORSE, FAILED = 0, 1, 2
BRIEF = ("--benchmark-quiet", "-rN")  # no table for each case, and failures once
_HERE = Path(__file__).parent
_MOST_CONFIRMED = 200  # more mean that the machine or the build is at fault: measure no more


def main(arguments: Sequence[str]) -> int:
    """Run one night and return the exit status."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__.strip())
        return QUIET
    grid = (
        () if any(a.startswith("--grid") for a in arguments) else ("--grid", "gpu" if "cuda" in devices() else "full")
    )
    name = NIGHT + default_name()
    if not _measured(name, ["suites", *grid, *arguments]):
        return FAILED
    previous = last_comparable(name)
    print(f"report: {render(name, against=previous)}", flush=True)  # before the lines of the next pytest
    if previous is None:
        print("the first night on this machine with this software and grid: there is nothing to compare with yet")
        return QUIET
    suspects = worse(load(previous), load(name))
    if 0 < len(suspects) <= _MOST_CONFIRMED:
        again = _confirmed(suspects, previous, name, arguments)
        if again is None:
            return FAILED
        suspects = again
    print(f"against {previous}: " + (suspects.to_string(index=False) if len(suspects) else "nothing got worse"))
    return WORSE if len(suspects) else QUIET


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
    return {"grid": run.grid, "baseline": run.baseline} | {key: value for key, value in environment.items() if key not in ("commit", "dirty")}


def _confirmed(suspects: pd.DataFrame, previous: str, name: str, arguments: Sequence[str]) -> pd.DataFrame | None:
    """Measure the suspects again with their baseline, in a fresh process: those still worse, None if that failed.

    Unconfirmed alarms teach people to ignore real ones.
    """
    tonight = load(name)
    cases = tonight[tonight["case"].isin(suspects["case"])]
    again = cases[cases["baseline"] | cases["implementation"].isin(suspects["implementation"])]
    nodes = [_node(*row) for row in again[["task", "case", "implementation"]].itertuples(index=False)]
    if not _measured(name + AGAIN, [*nodes, "--grid", load_run(name).grid, "--no-summary", *arguments]):
        return None
    twice = worse(load(previous), load(name + AGAIN))
    return suspects.merge(twice[["implementation", "case"]].drop_duplicates(), on=["implementation", "case"])


def _node(task: str, case: str, implementation: str) -> str:
    return f"suites/test_{task}.py::test_{task}[{case.removeprefix(f'{task}-')}-{implementation}]"


def _measured(name: str, arguments: Sequence[str]) -> bool:
    """Run pytest; return whether it completed. An implementation that fails (exit status 1) is a result."""
    command = [sys.executable, "-m", "pytest", *arguments, f"--benchmark-save={name}", *BRIEF]
    status = subprocess.run(command, cwd=_HERE, check=False).returncode
    try:
        complete = status in (0, 1) and load_end(name) is not None
    except UnknownRun:
        complete = False
    if not complete:
        print(f"the run {name} failed: pytest ended with the exit status {status}", file=sys.stderr)
    return complete


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except Exception:  # Python itself would exit with 1, which means that something got worse
        traceback.print_exc()
        status = FAILED
    sys.exit(status)
