"""And on all pairs of rows, [N, D] with [M, D]?"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from suites.record import Record
from suites.replay import hand_over, replay


@pytest.mark.cases("pairwise")
@pytest.mark.benchmark(timer=replay)
def test_pairwise(record: Record, benchmark: BenchmarkFixture) -> None:
    hand_over(record, benchmark)
