"""Measures rounds again, once the machine is quiet, where others disturbed them."""

import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from suites.failure import Failure
from suites.measure import host
from suites.measure.disturbance import LONG_ENOUGH_S, NONE, Disturbance, disturbance
from suites.measure.gpu import GpuMonitor
from suites.measure.host import HostTime
from suites.measure.phases import Phases
from suites.measure.rounds import CONTROL, Rounds
from suites.measure.states import TwoStates, two_states
from suites.measure.turns import Samples
from suites.records.record import Flag

WAITING = "waiting for a quiet machine"
"""The phase of the waits."""

_SPARE_S, _SPARE = 20.0, 0.5
_CHANGED = 2.0  # the severity of a change of the machine's state: as if others used twice what is allowed


@dataclass
class Attempt:
    """Rounds of a case, what the host did meanwhile, and what disturbed them."""

    rounds: Rounds
    spent: HostTime
    gpu: GpuMonitor
    disturbed: Disturbance = NONE
    states: dict[str, TwoStates] = field(default_factory=dict)

    def flags(self, name: str) -> tuple[Flag, ...]:
        """`disturbed`, if the rounds or this contestant's samples were."""
        evidence = self.disturbed.evidence
        if not self.disturbed.found and name in self.states:
            evidence = self.states[name].evidence
        return (Flag(name="disturbed", evidence=evidence),) if evidence else ()


class HostWatch:
    """Watches the machine during a run, and has disturbed rounds measured again.

    A case has at most three attempts; the least disturbed counts. Before each further one the machine has to be quiet
    for half a second. A case waits for that no longer than its first rounds took (half a second at least). Each wait
    that ends without quiet halves the next case's, until one ends with it or a case is undisturbed. All waits and
    further attempts of a run take no more than 20 s and half of the time of all first attempts.

    Args:
        read: the counts of the host, now.
        sleep: waits some seconds.
        processors: how many this process may use.
        attempts: the most for a case.
    """

    def __init__(
        self,
        read: Callable[[], HostTime] = HostTime.now,
        sleep: Callable[[float], None] = time.sleep,
        processors: int | None = None,
        attempts: int = 3,
    ) -> None:
        self.read, self._sleep, self._processors = read, sleep, processors or host.processors()
        self._attempts, self._recent = attempts, list[HostTime]()
        self._spare_s, self._patience = _SPARE_S, 1.0

    @classmethod
    def blind(cls) -> "HostWatch":
        """One that reads nothing of the machine, and accepts any rounds."""
        return cls(lambda: HostTime(0.0, 0.0, 0.0, 0.0), attempts=1)

    def least_disturbed(
        self,
        measure: Callable[[Collection[str]], Attempt],
        phases: Phases,
        left_s: Callable[[], float] = lambda: math.inf,
    ) -> Attempt:
        """The least disturbed attempt. A contestant that failed in any of them has failed.

        `measure` makes an attempt without the contestants of these names, which have failed. `left_s` are the seconds
        that the case may still take: no further attempt begins, and no wait takes more than half of them.
        """
        best = self._judged(measure(()))
        failed, cost_s, quiet = _failures(best), best.spent.wall_s, True
        self._spare_s += _SPARE * cost_s
        wait_s = self._patience * max(cost_s, LONG_ENOUGH_S)
        for _ in range(self._attempts - 1):
            if not best.disturbed.found or left_s() < LONG_ENOUGH_S:
                break
            waited_s, quiet = self._wait(min(wait_s, self._spare_s - cost_s, left_s() / 2), best.gpu, phases)
            wait_s -= waited_s
            self._spare_s -= waited_s
            if not quiet:
                break
            again = self._judged(measure(failed))
            self._spare_s -= again.spent.wall_s
            failed |= _failures(again)
            best = min(best, again, key=lambda attempt: attempt.disturbed.severity)
        self._patience = 1.0 if quiet else self._patience / 2
        best.rounds = replace(best.rounds, samples={**best.rounds.samples, **failed})
        return best

    def _judged(self, attempt: Attempt) -> Attempt:
        self._remember(attempt.spent)
        recent = self._recent[-1]
        for before in reversed(self._recent[:-1]):
            if recent.wall_s >= LONG_ENOUGH_S:
                break
            recent = recent.plus(before)
        samples = {name: entry for name, entry in attempt.rounds.samples.items() if isinstance(entry, Samples)}
        attempt.states = two_states(samples, attempt.rounds.twin, CONTROL)
        found = disturbance(attempt.spent, recent, self._processors, gpu_shared=attempt.gpu.shared)
        changed = [f"{name}: {states.evidence}" for name, states in attempt.states.items() if states.of_machine]
        if changed and not found.found:  # what others used explains a change by itself
            found = Disturbance(_CHANGED, changed[0])
        attempt.disturbed = found
        return attempt

    def _wait(self, most_s: float, gpu: GpuMonitor, phases: Phases) -> tuple[float, bool]:
        """Wait until the machine is quiet; the seconds that took, and whether it is."""
        waited_s = 0.0
        while waited_s + LONG_ENOUGH_S <= most_s:
            with phases(WAITING):
                before = self.read()
                self._sleep(LONG_ENOUGH_S)
                spent = self.read().since(before)
            waited_s += LONG_ENOUGH_S
            if not disturbance(spent, spent, self._processors, gpu_shared=gpu.shared_now()).found:
                self._recent = [spent]
                return waited_s, True
        return waited_s, False

    def _remember(self, spent: HostTime) -> None:
        self._recent.append(spent)
        while len(self._recent) > 1 and sum(one.wall_s for one in self._recent[1:]) >= LONG_ENOUGH_S:
            self._recent.pop(0)


def _failures(attempt: Attempt) -> dict[str, Failure]:
    return {name: entry for name, entry in attempt.rounds.samples.items() if isinstance(entry, Failure)}
