"""Which implementation is fastest, leanest and most accurate for the k nearest rows of a corpus?"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from suites.plugin.replay import hand_over, replay
from suites.records.record import Record


@pytest.mark.cases("top_k")
@pytest.mark.benchmark(timer=replay)
def test_top_k(record: Record, benchmark: BenchmarkFixture) -> None:
    hand_over(record, benchmark)
