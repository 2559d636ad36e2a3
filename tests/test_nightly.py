"""Does a nightly run raise an alarm for regressions only?"""

import shutil

import pandas as pd
import pytest

import nightly
from reports.sections.against import worse
from results import load_run
from tests import forked
from tests.checkout import REPOSITORY, Checkout

pytest_plugins = ["pytester"]


def night(**columns: object) -> pd.DataFrame:
    """A run of the baseline and one implementation on one case, with intervals 1 % wide."""
    rows = [
        {"implementation": "builtin", "latency_s": 1e-3, "ratio": 1.0},
        {"implementation": "mine", "latency_s": 5e-4, "ratio": 0.5, **columns},
    ]
    table = pd.DataFrame(rows).assign(case="paired-cpu-float32-8x64", reference="builtin")
    for column, value in {"status": "ok", "error_u": 2.0, "peak_bytes": 4096}.items():
        table[column] = table.get(column, pd.Series(index=table.index, dtype=object)).fillna(value)
    for interval, column in (("latency", "latency_s"), ("ratio", "ratio")):
        table[f"{interval}_low"], table[f"{interval}_high"] = 0.99 * table[column], 1.01 * table[column]
    table.loc[0, ["ratio_low", "ratio_high"]] = 1.0
    return table.astype({"error_u": float, "peak_bytes": "Int64"})


@pytest.mark.parametrize(
    ("tonight", "what"),
    [
        ({"latency_s": 6e-4, "ratio": 0.6}, ["slower"]),
        ({"latency_s": 5.2e-4, "ratio": 0.52}, []),  # 4 %: too small for a night to detect
        ({"latency_s": 5e-4, "ratio": 0.7}, []),  # the baseline became faster, not this one slower
        ({"latency_s": 9e-4, "ratio": 0.5}, []),  # the whole machine became slower
        ({"error_u": 4.0}, ["error"]),
        ({"error_u": 2.2}, []),
        ({"peak_bytes": 8192}, ["memory"]),
        ({"peak_bytes": 4100}, []),
        ({"status": "wrong", "latency_s": float("nan"), "ratio": float("nan"), "error_u": float("nan")}, ["wrong"]),
        ({}, []),
    ],
)
def test_regressions_are_time_error_memory_and_status(tonight: dict[str, object], what: list[str]) -> None:
    found = worse(night(), night(**tonight))
    assert list(found["what"]) == what
    assert set(found["implementation"]) <= {"mine"}


def test_the_baseline_is_held_to_its_own_time() -> None:
    slow = night()
    slow.loc[0, ["latency_s", "latency_low", "latency_high"]] = [2e-3, 1.99e-3, 2.01e-3]
    assert list(worse(night(), slow)["implementation"]) == ["builtin"]


def test_ratios_to_different_references_are_not_compared_but_times_are() -> None:
    other = night(latency_s=6e-4, ratio=0.6).assign(reference="mine")
    assert worse(night(), other).empty
    twice = night(latency_s=1e-3, ratio=1.2).assign(reference="mine")
    assert list(worse(night(), twice)["implementation"]) == ["mine"]


def test_what_only_one_night_holds_is_no_alarm() -> None:
    assert worse(night(), night().query("implementation == 'builtin'")).empty


PLANTED = """
import os

def register(implementation):
    @implementation()
    def planted(x, y, dim=-1):
        cosine = (x * y).sum(dim) / (x.norm(dim=dim) * y.norm(dim=dim))
        return cosine * 0 if os.environ.get("BROKEN") else cosine
"""

FORKING = """
import os, runpy, subprocess, sys

run = subprocess.run

def forked(command, **options):
    if command[0] != sys.executable:
        return run(command, **options)
    if child := os.fork():
        return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(os.getcwd()):
            del sys.modules[name]
    sys.argv = command[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

subprocess.run = forked
runpy.run_path("nightly.py", run_name="__main__")
"""
"""`nightly.py`, whose pytest is a fork without the modules of the checkout."""


def test_help_starts_no_night(capsys: pytest.CaptureFixture[str]) -> None:
    assert nightly.main(["--help"]) == 0
    assert "Exit status: 0, nothing got worse" in capsys.readouterr().out


def test_three_nights(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = Checkout.copy(pytester)
    shutil.copy2(REPOSITORY / "nightly.py", checkout.root)
    (checkout.root / "planted.py").write_text(PLANTED)
    (checkout.root / "forking.py").write_text(FORKING)

    def one_night(grid: str = "tiny.toml") -> tuple[int, str]:
        options = ("--grid", grid, "--implementations-from", "planted.py", "--implementations", "planted,builtin")
        printed = checkout.root / "night.txt"
        status = forked.run(["forking.py", *options], checkout.root, printed, printed)
        return status, printed.read_text(encoding="utf-8")

    status, printed = one_night()
    assert status == 0, printed
    assert "there is nothing to compare with yet" in printed
    assert (checkout.root / "reports/out/latest/report.md").is_file()

    monkeypatch.setenv("BROKEN", "1")
    status, printed = one_night()
    assert status == 1, printed
    assert printed.splitlines()[-1].split()[:3] == ["planted", "paired-cpu-float32-8x64", "wrong"]
    assert any(run.endswith("-again") for run in checkout.runs), "an alarm must be measured again"
    assert not load_run("latest", checkout.root / "results/runs").name.endswith("-again")

    status, printed = one_night("no-such-grid")
    assert status == 2
    assert "there is no grid 'no-such-grid'" in printed
