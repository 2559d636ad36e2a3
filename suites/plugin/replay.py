"""How records reach pytest-benchmark: a timer that replays samples, and figures next to them.

An implementation is measured together with the others of its case, long before its test reaches pytest-benchmark. The
samples go in through public interfaces, a timer and `pedantic`, so its table, files and comparisons hold what was
measured.
"""

from collections.abc import Iterator, Sequence

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from suites.records.record import Record, Status

_SKIPPED = {Status.UNSUPPORTED, Status.ABSENT, Status.OUT_OF_MEMORY}
_ticks: Iterator[float] = iter(())


def replay() -> float:
    """The timer: differences of its readings are the samples loaded last."""
    return next(_ticks)


def queue(samples_s: Sequence[float]) -> None:
    """Make the next pairs of readings lie `samples_s` seconds apart."""
    global _ticks
    _ticks = iter([reading for sample in samples_s for reading in (0.0, sample)])


def hand_over(record: Record, benchmark: BenchmarkFixture) -> None:
    """Give pytest-benchmark the samples and figures of a record. Without any, skip or fail with its reason."""
    if record.status in _SKIPPED:
        pytest.skip(f"{record.status}: {record.reason}")
    if record.latency is None or record.error is None:
        pytest.fail(f"{record.implementation} is {record.status}: {record.reason}", pytrace=False)
    benchmark.group = f"{record.case.task} {record.case.id}"
    benchmark.extra_info |= {
        "implementation": record.implementation,
        "task": record.case.task,
        "case": record.case.id,
        "calls_per_sample": record.latency.calls,
        "first_call_s": record.latency.first_call_s,
        "peak_bytes": record.peak_bytes,
        "error_abs": record.error.error_abs,
        "error_rms": record.error.error_rms,
    }
    samples_s = [sample for latency in (record.latency, *record.replicates) for sample in latency.samples_s]
    queue(samples_s)
    benchmark.pedantic(lambda: None, rounds=len(samples_s))
