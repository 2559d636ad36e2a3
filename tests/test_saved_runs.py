"""Does every saved run still load and render as it did when it was written?

Each run's folder has the CSVs of its first report. tests/data/smoke is a run of the commit d88f1d2, cut to a few
lines of each kind; that commit wrote its CSVs too.
"""

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import results
from reports.files import write_csv
from reports.render import render

ROOT = Path(__file__).parent.parent
RUNS = sorted((*(ROOT / "tests/data").glob("*/*.jsonl"), *(ROOT / "reports/published").glob("*/*.jsonl")))
TABLES = {  # what each CSV holds
    "accuracy": results.load_accuracy,
    "contracts": results.load_contracts,
    "resolution": results.load_resolution,
    "known_bugs": results.load_known_bugs,
    "always_one": results.load_always_one,
    "records": results.load,
}
each_run = pytest.mark.parametrize("run", RUNS, ids=[run.parent.name for run in RUNS])


def require_same(path: Path, before: Path) -> None:
    """The same rows, and the same columns in their order; later versions have more of them.

    Logarithms and their like may differ in the last bit between processors.
    """
    found, expected = (pd.read_csv(one, keep_default_na=False, na_values=[""]) for one in (path, before))
    assert_frame_equal(found[found.columns.intersection(expected.columns)], expected, rtol=1e-12, atol=0)


@pytest.mark.filterwarnings("error")
@each_run
def test_a_saved_run_loads_as_before(run: Path, tmp_path: Path) -> None:
    saved = {path.stem: path for path in run.parent.glob("*.csv")}
    assert saved, "a run's folder needs the CSVs of its first report"
    for name, before in saved.items():
        write_csv(TABLES[name](str(run)), tmp_path / before.name)
        require_same(tmp_path / before.name, before)


@each_run
def test_a_saved_run_renders_as_before(run: Path, tmp_path: Path) -> None:
    folder = render(str(run), root=tmp_path, out=tmp_path / "out").parent
    before = {path.name: path for path in run.parent.glob("*.csv")}
    assert {path.name for path in folder.glob("*.csv")} == {*before}
    for name, path in before.items():
        require_same(folder / name, path)


def test_there_are_runs_of_each_kind_of_line() -> None:
    text = "".join(run.read_text(encoding="utf-8") for run in RUNS)
    kinds = ("run", "record", "accuracy", "contract", "resolution", "knownbug", "training", "end")
    assert [kind for kind in kinds if f'"kind": "{kind}"' not in text] == []
