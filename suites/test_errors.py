"""How wrong is each implementation on hard inputs? What are its contract, its resolution, and known bugs?"""

import pytest

from suites.records.finding import Accuracy, Finding, KnownBug
from suites.records.record import Status

ORDINARY = "prescribed"


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
    if finding.status is Status.ERROR and isinstance(finding, Accuracy) and finding.family == ORDINARY:
        pytest.fail(f"{finding.implementation} is {finding.status}: {finding.reason}", pytrace=False)
    if finding.status is not Status.OK:
        pytest.xfail(f"{finding.status}: {finding.reason}")
