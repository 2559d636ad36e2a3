"""How wrong is each implementation on hard inputs? What are its contract, its resolution, and known bugs?"""

import pytest

from suites.records.finding import Accuracy, Examined, Finding, KnownBug
from suites.records.record import Status

ORDINARY = "prescribed"
ENDED = (Status.CRASHED, Status.TIMED_OUT)
"""An implementation that ends its process, or does not end its call, fails whatever the inputs."""


@pytest.mark.findings("accuracy")
def test_accuracy(finding: Finding) -> None:
    conclude(finding)


@pytest.mark.findings("contract")
def test_contract(finding: Finding) -> None:
    conclude(finding)


@pytest.mark.findings("resolution")
def test_resolution(finding: Finding) -> None:
    conclude(finding)


@pytest.mark.findings("known_bugs")
def test_known_bugs(finding: Finding) -> None:
    conclude(finding)


def conclude(finding: Finding) -> None:
    """Skip what could not be asked. A wrong answer on hard inputs is a finding, not a failure of the suite."""
    if isinstance(finding, KnownBug):
        if finding.happens is None:
            pytest.skip(finding.seen)
        return
    if finding.status in (Status.UNSUPPORTED, Status.ABSENT, Status.OUT_OF_MEMORY):
        pytest.skip(f"{finding.status}: {finding.reason}")
    ordinary = isinstance(finding, Accuracy) and finding.family == ORDINARY
    if isinstance(finding, Examined) and (finding.status in ENDED or (finding.status is Status.ERROR and ordinary)):
        pytest.fail(f"{finding.implementation} is {finding.status}: {finding.reason}", pytrace=False)
    if finding.status is not Status.OK:
        pytest.xfail(f"{finding.status}: {finding.reason}")
