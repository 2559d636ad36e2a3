"""Which implementation is fastest, leanest and most accurate for feature maps, [N, C, H, W] over (1, 2, 3)?"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from suites.plugin.replay import hand_over, replay
from suites.records.record import Record


@pytest.mark.cases("feature_maps")
@pytest.mark.benchmark(timer=replay)
def test_feature_maps(record: Record, benchmark: BenchmarkFixture) -> None:
    hand_over(record, benchmark)
