"""Files that change under a run: its rows, its own file, and a second process that wants to write it."""

from contextlib import closing

import numpy as np
import pytest

from results import Store
from suites.plugin import devices
from tests.checkout import Checkout

pytest_plugins = ["pytester"]

MEDDLER = """
import pathlib

def register(implementation):
    @implementation()
    def meddler(x, y, dim=-1):
        {meddle}
        return (x * y).sum(dim) / (x.norm(dim=dim) * y.norm(dim=dim))
"""


def meddled(checkout: Checkout, meddle: str, *options: str) -> pytest.RunResult:
    """`pytest suites` with an implementation that does something to a file in each call."""
    (checkout.root / "meddler.py").write_text(MEDDLER.format(meddle=meddle))
    options = ("-k8x", "--implementations-from=meddler.py", "--benchmark-save=mine", *options)
    return checkout.bench(*options, implementations="builtin,meddler")


def test_rows_that_are_shortened_under_a_run_are_measured_as_they_were_and_named(checkout: Checkout) -> None:
    np.save(checkout.root / "emb.npy", np.random.default_rng(0).normal(size=(4096, 64)))
    result = meddled(checkout, "open('emb.npy', 'r+b').truncate(64)", "--inputs=emb.npy")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["note: *emb.npy has changed since the run began, which measured the rows as they were"]
    )
    assert {record.status for record in checkout.records("mine").values()} == {"ok"}


def test_a_run_whose_file_is_removed_is_saved_all_the_same(checkout: Checkout) -> None:
    remove = "[path.unlink() for path in pathlib.Path('results/runs').glob('*.jsonl')]"
    result = meddled(checkout, remove)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["run mine: 2 records saved; for the report:"])
    assert {name for name, _ in checkout.records("mine")} == {"builtin", "meddler"}


def test_a_run_whose_lines_are_overwritten_is_not_said_to_be_saved(checkout: Checkout) -> None:
    blank = "[path.write_bytes(b'{}'.ljust(path.stat().st_size)) for path in pathlib.Path('results/runs').glob('*')]"
    (checkout.root / "conftest.py").open("a").write(
        "\n_save = Bench.save\n"
        "def _meddle(self, *records):\n"
        "    _save(self, *records)\n"
        f"    import pathlib; {blank}\n"
        "Bench.save = _meddle\n"
    )
    result = checkout.bench("-k8x", "--benchmark-save=mine")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stderr.fnmatch_lines(["ERROR: 2 of 2 records and findings cannot be read back from the file of the run*"])
    result.stdout.no_fnmatch_line("*saved*")


def test_a_second_process_on_a_run_or_a_device_is_refused_by_name(checkout: Checkout) -> None:
    assert checkout.bench("-k8x", "--benchmark-save=mine").ret == 0
    file = checkout.file("mine")
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))  # without its end
    before = file.read_bytes()
    store, _, _ = Store.resume("mine", file.parent)
    with closing(store):
        result = checkout.bench("-k8x", "--resume", "--benchmark-save=mine")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: the run 'mine' is being measured by * process*"])
    with devices.claim(["cpu"], "first"):
        result = checkout.bench("-k8x", "--resume")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: the run 'first' (*process*) is measuring on cpu, and two runs on one *"])
        assert checkout.bench("-k8x", "--collect-only").ret == 0
    assert file.read_bytes() == before
