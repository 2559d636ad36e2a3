"""Why is my cosine similarity always 1? Which advice helps a Siamese loop, and which does not?

It runs only by its name: `pytest suites/test_always_one.py --benchmark-save`. It takes two to three minutes.
"""

import pytest

from suites.records.finding import Training
from suites.records.record import Status


@pytest.mark.findings("always_one")
def test_training(finding: Training) -> None:
    if finding.status in (Status.CRASHED, Status.TIMED_OUT):
        pytest.fail(f"the training is {finding.status}: {finding.reason}", pytrace=False)
    if finding.status is not Status.OK:
        pytest.xfail(f"{finding.status}: {finding.reason}")
