"""Do commands end quietly when `| head` has read enough?"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RUN = "tests/data/smoke/smoke.jsonl"


@pytest.mark.parametrize(
    "command",
    [
        ("suites.families",),
        ("results",),
        ("results", "show", RUN, "--format=csv"),
        ("results", "show", RUN, "--format=parquet"),
    ],
    ids=" ".join,
)
def test_a_closed_pipe_is_no_error(command: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
