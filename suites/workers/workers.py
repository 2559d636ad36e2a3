"""The workers of a run: they measure its cases, make its findings and trace, and what they die of is a result."""

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from implementations import Implementation
from suites.examiner import Examination, unmade
from suites.inputs import UserInputs
from suites.measure.phases import Phases, SignOfLife
from suites.measure.rounds import Budget
from suites.plan import Plan
from suites.profiling import no_profile
from suites.records.case import Case
from suites.records.finding import Finding
from suites.records.record import Operator, Record, Status
from suites.replicates import combined
from suites.workers import ties
from suites.workers.culprits import isolated
from suites.workers.death import Death
from suites.workers.jobs import Job, Measurement, Setup, Tracing
from suites.workers.limits import Limits
from suites.workers.process import Method, WorkerProcess
from suites.workers.reply import Reply

_MOST_TIME_OUTS = 2
HOPELESS = Death(Status.TIMED_OUT, f"not tried: it gave no answer in time {_MOST_TIME_OUTS} times before")
Do = Callable[[Job], Reply | Death]


class Workers:
    """Does jobs in one warm process, which is started anew when it has died; several processes are always new ones.

    Args:
        setup: what holds for all jobs.
        budget: when to stop sampling a case.
        processes: how many processes a case is spread over.
        rows: the user's rows, by `Case.inputs`.
        device_types: where contestants compute. Only a process that computes on the CPU alone can be forked.
        limits: what a worker may use.
        phases: adds up the time of each phase.
        alive: called with each sign of life of a worker.
        idle: called several times a second while a worker works.
    """

    def __init__(
        self,
        setup: Setup,
        budget: Budget,
        *,
        processes: int = 1,
        rows: Mapping[str, UserInputs] | None = None,
        device_types: Sequence[str] = ("cpu",),
        limits: Limits | None = None,
        phases: Phases | None = None,
        alive: SignOfLife = lambda phase, name, share: None,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._setup, self._budget, self._processes, self._rows = setup, budget, processes, rows or {}
        self._method = method_for(setup, device_types)
        self._limits, self._phases = limits or Limits(), phases or Phases()
        self._alive, self._idle = alive, idle
        self._worker: WorkerProcess | None = None
        self._timed_out = Counter[str]()
        ties.adopt()

    def measure(self, case: Case, contestants: Sequence[Implementation]) -> list[Record]:
        """One record for each contestant, in their order; one that ends its process has the status and reason of it."""
        if self._processes == 1:
            return self._measured(case, contestants, self._do)
        records: dict[str, list[Record]] = {entry.name: [] for entry in contestants}
        for number in range(self._processes):
            self._alive("processes", f"process {number + 1} of {self._processes}", number / self._processes)
            left = [entry for entry in contestants if all(one.status is Status.OK for one in records[entry.name])]
            for record in self._measured(case, left, self._do_apart, seed=f" {number}") if left else ():
                records[record.implementation].append(record)
        return [combined(of_one) for of_one in records.values()]

    def examine(self, asked: Examination) -> Finding:
        """The finding, or one that says how its worker ended."""
        name, fresh = asked.key.implementation, self._is_fresh()
        outcome = HOPELESS if self._is_hopeless(name) else self._do(asked)
        if isinstance(outcome, Death) and not (fresh or outcome.certain):  # it may be of an earlier job
            outcome = self._do(asked)
        if isinstance(outcome, Death):
            self._timed_out[name] += outcome.certain
            return unmade(asked.key, self._setup.baseline, outcome.status, outcome.reason)
        return next(line for line in outcome.lines if isinstance(line, Finding))

    def profile(self, case: Case, names: Sequence[str], folder: Path) -> list[Operator]:
        """The operators of these contestants; a warning for each that has none."""
        job = Tracing(case=case, names=tuple(names), folder=folder)
        answer, dead = self._isolated(job, self._do)
        for remark in (*answer.remarks, *(no_profile(case, name, death.reason) for name, death in dead.items())):
            warnings.warn(remark, stacklevel=2)
        return [line for line in answer.lines if isinstance(line, Operator)]

    def close(self) -> None:
        """End the worker, if there is one."""
        if self._worker:
            self._worker.kill()
        self._worker = None

    def _measured(self, case: Case, contestants: Sequence[Implementation], do: Do, seed: str = "") -> list[Record]:
        names = tuple(entry.name for entry in contestants if not self._is_hopeless(entry.name))
        budget = replace(self._budget, seconds=self._budget.seconds / self._processes)
        answer, dead = self._isolated(Measurement(case=case, names=names, budget=budget, seed=seed), do)
        records = {line.implementation: line for line in answer.lines if isinstance(line, Record)}
        self._timed_out.update(name for name, death in dead.items() if death.certain)
        return [
            records.get(entry.name) or _failed(case, entry, dead.get(entry.name, HOPELESS)) for entry in contestants
        ]

    def _isolated(self, job: Measurement | Tracing, do: Do) -> tuple[Reply, dict[str, Death]]:
        apart = do == self._do_apart

        def attempt(names: Sequence[str]) -> Reply | Death:
            return do(replace(job, names=tuple(names)))

        return isolated(job.names, attempt, lambda: apart or self._is_fresh(), Reply())

    def _do(self, job: Job) -> Reply | Death:
        """Do a job in the warm worker."""
        with self._phases("workers"):
            self._worker = self._worker or WorkerProcess(self._setup, self._rows, self._method, self._limits)
            outcome = self._worker.do(job, self._alive, self._idle)
        if isinstance(outcome, Death):
            self._worker = None
        return self._accounted(outcome)

    def _do_apart(self, job: Job) -> Reply | Death:
        """Do a job in a process of its own, which shares no memory with this one."""
        with self._phases("workers"):
            worker = WorkerProcess(self._setup, {}, "spawn", self._limits)
            try:
                outcome = worker.do(job, self._alive, self._idle)
            finally:
                worker.kill()
        return self._accounted(outcome)

    def _accounted(self, outcome: Reply | Death) -> Reply | Death:
        for phase, seconds in outcome.seconds.items() if isinstance(outcome, Reply) else ():
            self._phases.seconds[phase] += seconds
            self._phases.seconds["workers"] -= seconds
        return outcome

    def _is_hopeless(self, name: str) -> bool:
        """Whether a contestant ran out of time so often that it is not tried again: a hundred results may be left."""
        return bool(name) and self._timed_out[name] >= _MOST_TIME_OUTS

    def _is_fresh(self) -> bool:
        return self._worker is None or self._worker.fresh


def method_for(setup: Setup, device_types: Sequence[str]) -> Method:
    """How a worker starts: "fork" takes milliseconds, but neither a device nor torch's threads survive one."""
    clean = setup.threads is not None and set(device_types) <= {"cpu"}
    return "fork" if clean and sys.platform == "linux" else "spawn"


def _failed(case: Case, entry: Implementation, death: Death) -> Record:
    return Record.failed(entry.name, entry.baseline, case, death.status, death.reason)


def workers_for(
    plan: Plan, threads: int, *, heard: bool, phases: Phases, alive: SignOfLife, idle: Callable[[], None] = lambda: None
) -> Workers:
    """The workers of a plan.

    Args:
        plan: the options.
        threads: torch's, in a worker.
        heard: whether what contestants print is shown.
        phases: adds up the time of each phase.
        alive: called with each sign of life.
        idle: called several times a second while a worker works.
    """
    setup = Setup(
        files=plan.files,
        inputs={name: rows.source for name, rows in plan.inputs.items()},
        allocator=plan.allocator,
        baseline=plan.baseline,
        shown=heard,
        threads=threads,
    )
    return Workers(
        setup,
        Budget(seconds=plan.grid.seconds, precision=plan.grid.precision),
        processes=plan.processes,
        rows=plan.inputs,
        device_types=plan.devices,
        limits=Limits(time_s=plan.time_limit_s),
        phases=phases,
        alive=alive,
        idle=idle,
    )
