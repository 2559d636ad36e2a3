"""How far a session is, what runs, and how long the rest takes."""

from collections.abc import Callable, Collection, Iterable, Mapping
from time import perf_counter

from suites.plugin.costs import Costs
from suites.plugin.estimate import Estimate
from suites.records.case import Case
from suites.records.finding import Key


class Progress:
    """Cases and findings done, what is running, and the time left.

    Args:
        now: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = perf_counter) -> None:
        self.now = now
        self.current = self._place = ""
        self._cases = self._findings = self._cases_done = self._findings_done = 0
        self._estimate = Estimate(Costs(implementations={}, seconds=0.0), {}, (), now)

    def start(self, costs: Costs, cases: Mapping[Case, Collection[str]], findings: Iterable[Key]) -> None:
        """Plan cases, each with the names of its contestants, and findings."""
        asked = list(findings)
        self._cases, self._findings = len(cases), len(asked)
        self._estimate = Estimate(costs, cases, asked, self.now)

    def begin(self, work: Case | Key) -> None:
        """A case or a finding begins."""
        self._place = _place(work)
        self.current = _label(work.implementation, self._place) if isinstance(work, Key) else self._place
        self._estimate.begin(work)

    def at(self, phase: str, name: str, share: float) -> None:
        """The case is in a phase, at a contestant ("" for none), with a share of the phase done."""
        self._estimate.at(phase, name, share)
        what = f"first call of {name}" if phase == "first calls" else name or phase
        if self.calls_long(name):
            what += f", {duration(self._estimate.long_calls_s[name])} a call"
        self.current = _label(what, self._place)

    def calls_long(self, name: str) -> bool:
        """Whether one call of the contestant is so long that a reader waits for it."""
        return name in self._estimate.long_calls_s

    def end(self, work: Case | Key) -> None:
        """The case or the finding that began last is done."""
        self._estimate.end()
        if isinstance(work, Case):
            self._cases_done += 1
        else:
            self._findings_done += 1

    @property
    def _counts(self) -> list[tuple[int, int, str]]:
        kinds = (self._cases_done, self._cases, "cases"), (self._findings_done, self._findings, "findings")
        return [kind for kind in kinds if kind[1]]

    @property
    def tenths(self) -> int:
        """The share of cases and findings that is done, from 0 to 10; each kind counts half."""
        return int(10 * sum(done / total for done, total, _ in self._counts) / max(1, len(self._counts)))

    @property
    def counts(self) -> str:
        """What is done of how much: `3 of 8 cases, 40 of 98 findings`."""
        return ", ".join(f"{done} of {total} {noun}" for done, total, noun in self._counts)

    @property
    def left_s(self) -> float:
        """The seconds for the rest, as expected now."""
        return self._estimate.left_s

    @property
    def running_s(self) -> float:
        """The seconds of them for what runs now."""
        return self._estimate.running_s

    @property
    def time_left(self) -> str:
        """`about 2 min left`; "" if nothing is left."""
        left_s = self.left_s
        return f"about {duration(left_s)} left" if left_s else ""


def duration(seconds: float) -> str:
    """Seconds in words, no finer than an estimate is: 5 s, 40 s, 2 min 30 s, 12 min, 1 h 20 min."""
    step = next((step for below, step in ((27.5, 5), (115, 10), (585, 30)) if seconds < below), 60)
    rounded = max(5, round(seconds / step) * step)
    hours, minutes, rest = rounded // 3600, rounded % 3600 // 60, rounded % 60
    if hours:
        return f"{hours} h {minutes:02} min"
    return " ".join(filter(None, (f"{minutes} min" * bool(minutes), f"{rest} s" * bool(rest))))


def _place(work: Case | Key) -> str:
    if isinstance(work, Case):
        device, *rest = work.id.split("-")
        return " ".join((work.task, *reversed(rest[:2]), *rest[2:], device * (device != "cpu"))).strip()
    return f"{work.question} {work.subject}"


def _label(what: str, place: str) -> str:
    return f"{what}, {place}" if what else place
