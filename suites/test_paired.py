"""Which implementation is the fastest, leanest and most accurate on pairs of rows, [N, D] with [N, D]?"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from suites.record import Record
from suites.replay import hand_over, replay


@pytest.mark.cases("paired")
@pytest.mark.benchmark(timer=replay)
def test_paired(record: Record, benchmark: BenchmarkFixture) -> None:
    hand_over(record, benchmark)
