"""A worker as its parent sees it: a process that does jobs, says that it is alive, and is killed beyond its limits."""

import os
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import monotonic
from typing import Literal

from suites.inputs import UserInputs
from suites.measure.phases import SignOfLife
from suites.records.record import Status
from suites.workers import ties
from suites.workers.channel import Channel, Number, Receiver
from suites.workers.death import Death, exit_code, of_exit
from suites.workers.jobs import Job, Setup
from suites.workers.limits import Guard, Limits
from suites.workers.reply import Ending, Exchange, Reply, read
from suites.workers.serve import load, serve

_POLL_S, _TO_END_S = 0.25, 2.0
Method = Literal["fork", "spawn"]


class WorkerProcess:
    """One process that does one job after the other, and leads a session of its own.

    Args:
        setup: what holds for all its jobs.
        rows: the user's rows that this process has in memory; a fork shares them.
        method: "fork" or "spawn", of `multiprocessing`.
        limits: what it may use.
    """

    def __init__(self, setup: Setup, rows: Mapping[str, UserInputs], method: Method, limits: Limits) -> None:
        forked = method == "fork"
        context = get_context("fork") if forked else get_context("spawn")
        self._at: Number = context.RawValue("i", -1)
        asked, self._jobs = context.Pipe(duplex=False)
        answers, answered = context.Pipe(duplex=False)
        ours = [self._jobs, answers] if forked else []  # which a fork holds as well
        shared = rows if forked else None
        self._process = context.Process(target=_run, args=(setup, shared, asked, answered, self._at, ours, os.getpid()))
        self._pid = ties.start(self._process)
        asked.close()
        answered.close()
        self._receiver, self._pipe = Receiver(answers), answers
        self._guard, self._look_s = Guard(self._pid, limits), 0.0
        self.fresh = True

    def do(self, job: Job, alive: SignOfLife, idle: Callable[[], None]) -> Reply | Death:
        """The answer of a job, or the death of this worker, which then does no other.

        Args:
            job: what to do.
            alive: called with each sign of life.
            idle: called several times a second.
        """
        exchange, self._at.value = Exchange(alive), -1
        fault: Ending | None = (Status.CRASHED, "was interrupted")
        try:
            fault = self._converse(job, exchange, idle)
        finally:
            if fault:  # Ctrl-C too: the rest has no reader
                self.kill()
        self.fresh = False
        return Death(*fault, self._at_work(job)) if fault else exchange.reply

    def kill(self) -> None:
        """End the process and all that it started, at once and for good."""
        if self._pid not in ties.LIVE:
            return
        ties.end(self._pid)
        self._process.join()
        ties.end_orphans()
        self._jobs.close()
        self._pipe.close()

    def _converse(self, job: Job, exchange: Exchange, idle: Callable[[], None]) -> Ending | None:
        """Send the job and receive its answer; the status and the reason of the end that came before, if any."""
        try:
            self._jobs.send(job)
        except OSError:  # it has ended since its last job
            return self._ended()
        over = False
        while True:
            try:
                messages = [read(message) for message in self._receiver.receive(0.0 if over else _POLL_S)]
            except (ValueError, TypeError, KeyError, AttributeError):
                return Status.CRASHED, "wrote into the channel between its process and the suite"
            endings = list(filter(None, map(exchange.take, messages)))
            if exchange.reply.complete or endings:
                return next(iter(endings), None)
            if over or self._receiver.closed:
                return self._ended()
            over = self._process.exitcode is not None
            if not over and (fault := self._fault(exchange.silent_s)):
                return fault
            if not messages:
                exchange.correct(self._at_work(job))
            idle()

    def _at_work(self, job: Job) -> str:
        """The contestant that was named last; "" if none was."""
        names, at = getattr(job, "names", ()), self._at.value
        return str(names[at]) if 0 <= at < len(names) else ""

    def _fault(self, silent_s: float) -> Ending | None:
        if monotonic() < self._look_s:
            return None
        self._look_s = monotonic() + _POLL_S
        return self._guard.fault(silent_s)

    def _ended(self) -> Ending:
        return of_exit(exit_code(self._process, _TO_END_S))


def _run(
    setup: Setup,
    rows: Mapping[str, UserInputs] | None,
    jobs: Connection,
    answers: Connection,
    at: Number,
    others: list[Connection],
    parent: int,
) -> None:
    """What the process does; `rows` are None in one that is started anew."""
    for other in others:
        other.close()
    ties.bind(parent)
    if rows is None:
        load(setup.files)
    serve(setup, rows or {}, jobs, Channel(answers.fileno(), at))
