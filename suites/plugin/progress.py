"""How far a session is, and how long the rest takes at the pace so far."""

from collections.abc import Callable, Mapping
from time import perf_counter

from suites.records.case import Case

EFFORTS = {"contract": 10, "resolution": 10}
"""A finding's effort by its question, 1 for others: a contract takes about as long as ten families of inputs."""


class Work:
    """Work of one kind: how much there is, how much is done, and the seconds that took.

    Args:
        noun: what is counted.
        known_from: the share of the effort that is done before the pace counts.
    """

    def __init__(self, noun: str, known_from: float = 0.0) -> None:
        self.noun, self.known_from = noun, known_from
        self.total = self.done = 0
        self.effort = self.effort_done = 0
        self.spent_s = 0.0

    def plan(self, number: int, effort: int) -> None:
        """Set how many there are, and their effort in all."""
        self.total, self.effort = number, effort

    def finish(self, effort: int, seconds: float) -> None:
        """Count one as done."""
        self.done += 1
        self.effort_done += effort
        self.spent_s += seconds

    @property
    def left_s(self) -> float | None:
        """Seconds for the rest at the pace so far; None while there is no pace."""
        if self.done >= self.total:
            return 0.0
        known = self.done and self.effort_done >= self.known_from * self.effort
        return self.spent_s / self.effort_done * (self.effort - self.effort_done) if known else None

    def __str__(self) -> str:
        return f"{self.done} of {self.total} {self.noun}"


class Progress:
    """Cases and findings done, what is running, and the time left.

    A case's effort is its number of implementations: each has the grid's budget.

    Args:
        now: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = perf_counter) -> None:
        self.current = ""
        self._cases, self._findings = Work("cases"), Work("findings", known_from=0.2)  # the first ones compile
        self._now, self._since = now, now()

    def start(self, cases: Mapping[Case, int], findings: Mapping[str, int]) -> None:
        """Plan cases, each with its number of implementations, and a number of findings for each question."""
        self._cases.plan(len(cases), sum(cases.values()))
        effort = sum(EFFORTS.get(question, 1) * number for question, number in findings.items())
        self._findings.plan(sum(findings.values()), effort)

    def begin(self, name: str) -> None:
        """A case or a finding begins."""
        self.current, self._since = name, self._now()

    def end_case(self, implementations: int) -> None:
        """The case that began last is measured."""
        self._cases.finish(implementations, self._now() - self._since)

    def end_finding(self, question: str) -> None:
        """The finding that began last is made."""
        self._findings.finish(EFFORTS.get(question, 1), self._now() - self._since)

    @property
    def tenths(self) -> int:
        """The share of cases and findings that is done, from 0 to 10; each kind counts half."""
        kinds = [work for work in (self._cases, self._findings) if work.total]
        return int(10 * sum(work.done / work.total for work in kinds) / max(1, len(kinds)))

    @property
    def counts(self) -> str:
        """What is done of how much: `3 of 8 cases, 40 of 98 findings`."""
        return ", ".join(str(work) for work in (self._cases, self._findings) if work.total)

    @property
    def time_left(self) -> str:
        """`about 2 min left`; "" until each kind of work that is left has a pace."""
        cases_s, findings_s = self._cases.left_s, self._findings.left_s
        if cases_s is None or findings_s is None:
            return ""
        return f"about {duration(cases_s + findings_s)} left" if cases_s + findings_s else ""


def duration(seconds: float) -> str:
    """Seconds in words, no finer than an estimate is: 10 s, 3 min, 1 h 20 min."""
    if seconds < 55:
        return f"{max(1, round(seconds / 10)) * 10} s"
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes:02} min"
