"""Do several processes of a case make one record, whose interval covers their differences?"""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from results import Status, load, load_run
from suites.records.jsonl import from_line, to_line
from suites.records.record import Error, Flag, Record
from suites.replicates import combined
from tests.checkout import REPOSITORY, Checkout
from tests.runs import failed, measured, save

pytest_plugins = ["pytester"]


def replicated(implementation: str, *processes: list[float], baseline: bool = False) -> Record:
    """A record of several processes; a baseline's control has the same samples in reverse order."""
    return combined([
        measured(implementation, samples, baseline=baseline, control_s=samples[::-1] if baseline else ())
        for samples in processes
    ])  # fmt: skip


def test_the_first_latency_stays_the_others_follow_and_the_worst_of_the_rest_counts() -> None:
    one, two = measured("a", [1.0, 1.0], peak_bytes=7), measured("a", [2.0, 2.0, 2.0], peak_bytes=9)
    drift, leak = Flag(name="drift", evidence="first"), Flag(name="leaks", evidence="8 bytes")
    again = dataclasses.replace(drift, evidence="second")
    one = dataclasses.replace(one, flags=(drift,))
    two = dataclasses.replace(two, error=Error(error_abs=1.0, error_rms=0.0), flags=(again, leak))
    both = combined([one, two])
    assert (both.latency, both.replicates) == (one.latency, (two.latency,))
    assert (both.peak_bytes, both.error) == (9, Error(error_abs=1.0, error_rms=2.0**-25))
    assert set(both.flags) == {drift, leak}
    assert from_line(to_line(both)) == both


def test_one_that_fails_in_a_process_has_failed() -> None:
    found = combined([measured("a", [1.0, 1.0]), failed("a", "no luck")])
    assert (found.status, found.reason, found.latency, found.replicates) == (
        Status.UNSUPPORTED,
        "in process 2: no luck",
        None,
        (),
    )


def test_the_ratio_is_the_mean_over_processes_with_students_interval(tmp_path):
    base = replicated("builtin", [1.0] * 4, [2.0] * 6, [1.0] * 4, baseline=True)
    other = replicated("other", [0.5] * 4, [1.02] * 6, [0.51] * 4)
    save(tmp_path, base, other)
    table = load("a", root=tmp_path).set_index("implementation")
    ratios = np.log([0.5, 0.51, 0.51])
    low, high = np.exp(stats.t.interval(0.95, 2, ratios.mean(), stats.sem(ratios)))
    assert table.loc["other", ["ratio", "ratio_low", "ratio_high"]].tolist() == pytest.approx(
        [np.exp(ratios.mean()), low, high]
    )
    assert table["rounds"].tolist() == [14, 14]
    assert table["latency_s"].tolist() == [1.0, 0.51]
    assert table["verdict"].tolist() == ["", "faster"]
    assert table["noise_floor"].tolist() == [0.0, 0.0]


def test_processes_that_disagree_give_no_verdict_where_one_would_have(tmp_path):
    base, slow, fast = [1.0] * 64, [1.1] * 64, [0.9] * 64
    save(tmp_path, replicated("builtin", base, base, baseline=True), replicated("other", slow, fast))
    (row,) = load("a", root=tmp_path).query("implementation == 'other'").to_dict("records")
    assert row["verdict"] == "no difference seen"
    assert row["ratio_low"] < 0.9
    assert row["ratio_high"] > 1.1


def test_a_run_is_spread_over_fresh_processes(checkout: Checkout) -> None:
    checkout.pytester.makepyfile(
        theirs="""
        import torch, os
        calls = 0

        def once_a_process(x, y, dim=-1):
            global calls
            calls += 1
            return torch.cosine_similarity(x, y, dim=dim)

        def register(implementation):
            implementation()(once_a_process)
        """
    )
    options = ("--processes=2", "--allocator=pinned", "--implementations-from=theirs.py", "--benchmark-save=both")
    result = checkout.bench(*options, "-k8x64", implementations="builtin,once_a_process")
    result.assert_outcomes(passed=2, deselected=6)
    result.stdout.fnmatch_lines(
        ["measured  grid tiny.toml: * on cpu, * 2 implementations", "sampling  *, over 2 processes"]
    )
    head = load_run(str(checkout.file("both")))
    assert head.processes == 2
    assert head.environment.allocator.startswith("pinned")
    for record in checkout.records("both").values():
        assert record.latency
        assert len(record.replicates) == 1
        assert record.replicates[0].samples_s != record.latency.samples_s
    table = load(str(checkout.file("both"))).query("not baseline")
    assert table[["ratio", "ratio_low", "ratio_high"]].notna().all(axis=None)

    refused = checkout.bench("--resume", "--benchmark-save=both", implementations="builtin")
    refused.stderr.fnmatch_lines(["*measures something else*--processes: 2, now 1*"])


def test_a_contestant_that_ends_its_process_is_named_and_the_others_are_measured(checkout: Checkout) -> None:
    checkout.pytester.makepyfile(
        theirs="""
        import os

        def dies(x, y, dim=-1):
            os._exit(3)

        def register(implementation):
            implementation()(dies)
        """
    )
    options = ("--processes=2", "--implementations-from=theirs.py", "--benchmark-save=dead")
    result = checkout.bench(*options, "-k8x64", implementations="builtin,dies")
    result.assert_outcomes(passed=1, failed=1, deselected=6)
    records = {name: record for (name, _), record in checkout.records("dead").items()}
    assert {name: record.status for name, record in records.items()} == {"builtin": Status.OK, "dies": Status.CRASHED}
    assert records["dies"].reason == "ended its process with status 3"
    assert len(records["builtin"].replicates) == 1


FAULTS = """
import resource, statistics, torch
from suites.measure import allocator
{first}
x = torch.randn(1 << 24)  # 64 MiB: above what glibc ever keeps of its own accord
faults = []
for _ in range(24):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x * 2
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(int(statistics.median(faults)))  # not the mean: the heap moves on to fresh pages a few times before it settles
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
@pytest.mark.alone
def test_a_pinned_heap_takes_no_page_faults_for_its_temporaries() -> None:
    def faults_a_call(first: str) -> int:
        command = [sys.executable, "-c", FAULTS.format(first=first)]
        return int(subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout)

    assert faults_a_call("") > 10
    assert faults_a_call("allocator.pin()") <= 1
