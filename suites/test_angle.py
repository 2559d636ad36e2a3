"""Which implementation is fastest, leanest and most accurate for the angles of pairs of rows, in radians?"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from suites.plugin.replay import hand_over, replay
from suites.records.record import Record


@pytest.mark.cases("angle")
@pytest.mark.benchmark(timer=replay)
def test_angle(record: Record, benchmark: BenchmarkFixture) -> None:
    hand_over(record, benchmark)
