"""Do commands end quietly when `| head` has read enough?"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
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
        ("suites.known_bugs", "-k", "labels"),
        ("suites.known_bugs", "-k", "labels", "--json", "-"),
        ("suites.trials", "--pairs", "1", "--implementations", "builtin"),
        ("diagnosis", "{vectors}"),
        ("diagnosis", "{vectors}", "--json"),
    ],
    ids=" ".join,
)
def test_a_closed_pipe_is_no_error(tmp_path: Path, command: tuple[str, ...]) -> None:
    vectors = tmp_path / "vectors.npy"
    np.save(vectors, np.random.default_rng(0).normal(size=(32, 8)))
    command = tuple(part.format(vectors=vectors) for part in command)
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert re.sub(r"[\d,]+ of [\d,]+ trials\n", "", process.stderr.read()) == "", "more than how far it is"
    assert process.returncode == 0
