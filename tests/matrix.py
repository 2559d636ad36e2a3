"""Run the tests in other settings of the CPU libraries, in all of them unless some are named.

Each setting runs two parts: tests side by side, one worker more than cores, then the tests marked `alone`.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))  # run as a file, it would find only its neighbours

from command import Command  # noqa: E402
from nearest import did_you_mean  # noqa: E402

MOST_WORKERS = 8  # a worker takes up to 1.5 GiB
ALONE = "pytest.mark.alone"
NO_TESTS = 5  # pytest's exit status where a part has none
CAPABILITIES = ("default", "avx2", "avx512")  # each includes those before it


def settings(highest: str) -> dict[str, dict[str, str]]:
    """Name to environment variables, for a processor whose highest capability is `highest`."""
    known = CAPABILITIES[: CAPABILITIES.index(highest) + 1]
    return {
        "found": {},
        **{
            f"{capability}-{threads}": {
                "ATEN_CPU_CAPABILITY": capability,
                "OMP_NUM_THREADS": str(threads),
                "MKL_NUM_THREADS": str(threads),
            }
            for capability in known
            for threads in (1, 2)
        },
        "libraries-avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
        "libraries-sse4": {
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
            "MKL_CBWR": "COMPATIBLE",
        },
    }


class Outcome(NamedTuple):
    """What a setting came to: pytest's exit statuses of both parts, and its counts."""

    statuses: tuple[int, ...]
    passed: int
    failed: int
    skipped: int
    seconds: float

    @property
    def green(self) -> bool:
        return all(status in (0, NO_TESTS) for status in self.statuses)


def run(variables: Mapping[str, str], arguments: Sequence[str]) -> Outcome:
    """Both parts with these environment variables; pytest prints as usual."""
    start, statuses, counts = time.monotonic(), [], []
    with tempfile.TemporaryDirectory() as folder:
        for part in (_side_by_side(), _alone()):
            xml = Path(folder, f"{len(counts)}.xml")
            command = [sys.executable, "-m", "pytest", *part, f"--junit-xml={xml}", *arguments]
            threads = {} if part[-1] == "alone" else {"OMP_NUM_THREADS": "1"}
            environment = threads | os.environ | variables
            statuses.append(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
            counts.append(_counts(xml))
    tests, failed, skipped = (sum(count) for count in zip(*counts, strict=True))
    return Outcome(tuple(statuses), tests - failed - skipped, failed, skipped, time.monotonic() - start)


def _side_by_side() -> tuple[str, ...]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores + 1, MOST_WORKERS) if cores > 1 else 0  # one more: tests wait for processes and time limits
    return "tests", f"--numprocesses={workers}", "--dist=worksteal", "--benchmark-disable", "-m", "not alone"


def _alone() -> tuple[str, ...]:
    """Only the files with such tests: to load all of them takes longer than these tests."""
    marked = (str(file) for file in sorted(ROOT.glob("tests/test_*.py")) if ALONE in file.read_text(encoding="utf-8"))
    return *marked, "-m", "alone"


def _counts(xml: Path) -> tuple[int, int, int]:
    """Tests, those that failed, those that were skipped; zeros where pytest wrote nothing."""
    suite = ElementTree.parse(xml).getroot()[0].attrib if xml.exists() else {}
    tests, failures, errors, skipped = (int(suite.get(k, 0)) for k in ("tests", "failures", "errors", "skipped"))
    return tests, failures + errors, skipped


def highest_capability() -> str:
    """The processor's own, whatever ATEN_CPU_CAPABILITY says; "default" for one that is not x86."""
    script = "import torch; print(torch.backends.cpu.get_cpu_capability().lower())"
    own = {name: value for name, value in os.environ.items() if name != "ATEN_CPU_CAPABILITY"}
    found = subprocess.run([sys.executable, "-c", script], env=own, capture_output=True, text=True, check=True)
    return found.stdout.strip() if found.stdout.strip() in CAPABILITIES else "default"


def main() -> int:
    """Run the settings; the exit status is 1 if a test failed in one of them."""
    parser = Command(
        "python tests/matrix.py",
        __doc__,
        {
            "found": "this machine as it is, as `make test` does",
            "avx2-1 avx2-2": "two settings; in make: `make test-matrix SETTINGS='avx2-1 avx2-2'`",
        },
    )
    parser.add_argument("settings", nargs="*", metavar="SETTING", help=f"of {', '.join(settings('avx512'))}")
    parser.add_argument("--pytest", default="", metavar="ARGUMENTS", help="passed on, such as --pytest='-k bugs'")
    options = parser.parse_args()
    known = settings(highest_capability())
    every = list(settings("avx512"))
    for name in options.settings:
        if name not in every:
            parser.error(f"no setting {name}{did_you_mean(name, every)}")
    asked = options.settings or every
    outcomes = {}
    for name in asked:
        if name in known:
            print(f"\n== {name}: {' '.join(f'{k}={v}' for k, v in known[name].items()) or 'as found'}", flush=True)
            outcomes[name] = run(known[name], options.pytest.split())
    _print(asked, outcomes)
    return int(not all(outcome.green for outcome in outcomes.values()))


def _print(asked: Sequence[str], outcomes: Mapping[str, Outcome]) -> None:
    table = Table("setting", "passed", "failed", "skipped", "time", "", box=box.SIMPLE_HEAD)
    for name in asked:
        if name not in outcomes:
            table.add_row(name, "", "", "", "", "not available")
            continue
        one = outcomes[name]
        counts = (f"{one.passed:,}", f"{one.failed:,}", f"{one.skipped:,}")
        minutes, seconds = divmod(round(one.seconds), 60)
        table.add_row(name, *counts, f"{minutes} min {seconds:02} s", "green" if one.green else "failed")
    Console(highlight=False).print(table)


if __name__ == "__main__":
    sys.exit(main())
