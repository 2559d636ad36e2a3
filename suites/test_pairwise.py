"""Which implementation is fastest, leanest and most accurate for all pairs of rows, [N, D] with [M, D]?"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from suites.plugin.replay import hand_over, replay
from suites.records.record import Record


@pytest.mark.cases("pairwise")
@pytest.mark.benchmark(timer=replay)
def test_pairwise(record: Record, benchmark: BenchmarkFixture) -> None:
    hand_over(record, benchmark)
