"""What a worker does: it measures, examines and traces, one job after the other, until its parent has none."""

import faulthandler
import gc
import os
import random
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from implementations import Implementation, discovery, registry
from suites.contestants import against
from suites.examiner import Examination, Examiner
from suites.failure import text_of
from suites.inputs import UserInputs, load_rows, make_inputs
from suites.measure import allocator
from suites.measure.clock import clock_of
from suites.measure.phases import Phases
from suites.measure.quiet import HostWatch
from suites.measure.together import measure_case
from suites.profiling import NoProfile, profile_case
from suites.records.finding import Finding
from suites.records.jsonl import to_line
from suites.records.record import Operator, Record
from suites.workers.channel import Channel
from suites.workers.jobs import Job, Measurement, Setup, Tracing


def serve(setup: Setup, rows: Mapping[str, UserInputs], jobs: Connection, channel: Channel) -> None:
    """Do jobs until the parent closes the connection.

    Args:
        setup: what holds for all jobs.
        rows: the user's rows, as far as they are in memory already.
        jobs: where jobs come from.
        channel: where answers go.
    """
    try:
        _settle(setup)
        work = Work(setup, rows)
        while job := _next(jobs):
            _do(job, work, channel)
    except BaseException as error:  # a bug of ours, or what a contestant left behind: the parent finds out which
        said = " ".join(text_of(error).split())[:300]
        channel.say("died", ": ".join(filter(None, (f"raised {type(error).__name__}", said))))
        raise


def load(files: Iterable[str]) -> None:
    """Register the implementations of the files of --implementations-from."""
    for file in files:
        discovery.load_file(Path(file))


class Work:
    """Does jobs in this process.

    Args:
        setup: what holds for all jobs.
        rows: the user's rows, as far as they are in memory already.
    """

    def __init__(self, setup: Setup, rows: Mapping[str, UserInputs] | None = None) -> None:
        self._setup, self._rows = setup, dict(rows or {})
        self._watch, self._examiner = HostWatch(), Examiner(setup.baseline)

    def lines(self, job: Job, phases: Phases) -> Iterator[Record | Finding | Operator]:
        """What the job brings: a record for each contestant, a finding, or the operators of each contestant."""
        if isinstance(job, Examination):
            training, name = job.key.question == "always_one", job.key.implementation or job.key.name
            with phases("training" if training else "error suite", name):
                yield self._examiner.make(job)
        elif isinstance(job, Tracing):
            with phases("saving and profiling"):
                inputs = make_inputs(job.case, files=self._files(job, phases))
                yield from profile_case(job.case, self._contestants(job), inputs, job.folder, phases.alive)
        else:
            yield from measure_case(
                job.case,
                self._contestants(job),
                make_inputs=partial(make_inputs, files=self._files(job, phases)),
                clock=clock_of(job.case.device, job.case.cache),
                budget=job.budget,
                rng=random.Random(job.case.id + job.seed),
                phases=phases,
                watch=self._watch,
            )

    def _contestants(self, job: Measurement | Tracing) -> list[Implementation]:
        return [against(registry.get(name), self._setup.baseline) for name in job.names]

    def _files(self, job: Measurement | Tracing, phases: Phases) -> Mapping[str, UserInputs]:
        if (inputs := job.case.inputs) in self._setup.inputs and inputs not in self._rows:
            with phases("inputs"):
                self._rows[inputs] = load_rows(self._setup.inputs[inputs])
        return self._rows


def _do(job: Job, work: Work, channel: Channel) -> None:
    channel.begin(() if isinstance(job, Examination) else job.names)
    phases = Phases(alive=channel.alive)
    with warnings.catch_warnings(record=True) as heard:
        for line in work.lines(job, phases):
            channel.say("line", to_line(line))
    for remark in heard:
        if issubclass(remark.category, NoProfile):
            channel.say("remark", str(remark.message))
    channel.say("end", dict(phases.seconds))


def _next(jobs: Connection) -> Job | None:
    try:
        job: Job = jobs.recv()
    except EOFError:  # the parent has no more jobs, or has ended
        return None
    return job


def _settle(setup: Setup) -> None:
    """Make this process fit to measure in."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if not setup.shown:
        hush()
    if setup.threads:
        torch.set_num_threads(setup.threads)
    if setup.allocator == "pinned":
        allocator.pin()
    gc.freeze()  # else each case's collection scans all loaded objects for a quarter of a second


def hush() -> None:
    """Send what is printed here nowhere: a flood would fill the disk, and pytest's own files are copied into a fork."""
    faulthandler.disable()  # pytest's
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    sys.stdout, sys.stderr = (os.fdopen(stream, "w", closefd=False) for stream in (1, 2))
