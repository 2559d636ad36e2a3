"""Measures a case in this process, or in several new ones: ratios vary more between processes than within one."""

import dataclasses
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from implementations import Implementation, discovery, registry
from suites.inputs import RowFiles, UserInputs, load_rows, make_inputs
from suites.measure import allocator
from suites.measure.clock import clock_of
from suites.measure.phases import Phases
from suites.measure.quiet import HostWatch
from suites.measure.rounds import Budget
from suites.measure.together import measure_case
from suites.records.case import Case
from suites.records.record import Error, Record, Status


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that a fresh process needs to know to measure a case.

    `names` are the contestants, `files` those of --implementations-from, and `inputs` are the user's rows, if any.
    """

    case: Case
    names: tuple[str, ...]
    files: tuple[str, ...]
    inputs: RowFiles | None
    allocator: str
    budget: Budget


def measure_here(
    case: Case,
    contestants: Sequence[Implementation],
    files: Mapping[str, UserInputs],
    budget: Budget,
    phases: Phases,
    watch: HostWatch,
    seed: str = "",
) -> list[Record]:
    """One record for each contestant, measured in this process. Case and seed determine the order of the rounds."""
    return measure_case(
        case,
        contestants,
        make_inputs=partial(make_inputs, files=files),
        clock=clock_of(case.device, case.cache),
        budget=budget,
        rng=random.Random(case.id + seed),
        phases=phases,
        watch=watch,
    )


def measure_apart(job: Job, processes: int, phases: Phases) -> list[Record]:
    """One record for each contestant, its latencies from as many fresh processes, one after the other.

    If a process dies, all contestants of the case are recorded as crashed. `phases` adds up the time of each phase,
    including the start of the processes.
    """
    measured = []
    for number in range(processes):
        with phases("processes"), ProcessPoolExecutor(1, get_context("spawn")) as pool:
            phases.alive(f"process {number + 1} of {processes}", number / processes)
            try:
                records, seconds = pool.submit(_measure, job, number).result()
            except BrokenProcessPool:
                return [_crashed(job.case, name, number) for name in job.names]
        measured.append(records)
        for phase, spent in seconds.items():
            phases.seconds[phase] += spent
            phases.seconds["processes"] -= spent
    return [combined(of_one) for of_one in zip(*measured, strict=True)]


def combined(records: Sequence[Record]) -> Record:
    """The records of one contestant as one: the first that is not ok, or all latencies with the worst other values."""
    for number, record in enumerate(records, start=1):
        if record.status is not Status.OK:
            reason = f"in process {number}: {record.reason}" if number > 1 else record.reason
            return dataclasses.replace(record, reason=reason)
    first, *others = records
    errors = [record.error for record in records if record.error]
    peaks = [record.peak_bytes for record in records if record.peak_bytes is not None]
    return dataclasses.replace(
        first,
        replicates=tuple(record.latency for record in others if record.latency),
        error=Error(error_abs=max(e.error_abs for e in errors), error_rms=max(e.error_rms for e in errors)),
        peak_bytes=max(peaks, default=None),
        flags=tuple({flag.name: flag for record in reversed(records) for flag in record.flags}.values()),
    )


def _measure(job: Job, number: int) -> tuple[list[Record], dict[str, float]]:
    """What the fresh process does."""
    if job.allocator == "pinned":
        allocator.pin()
    for file in job.files:
        discovery.load_file(Path(file))
    files = {job.inputs.inputs: load_rows(job.inputs)} if job.inputs else {}
    phases, contestants = Phases(), [registry.get(name) for name in job.names]
    records = measure_here(job.case, contestants, files, job.budget, phases, HostWatch(), seed=f" {number}")
    return records, dict(phases.seconds)


def _crashed(case: Case, name: str, number: int) -> Record:
    reason = f"process {number + 1}, which measured the case, died; one of its contestants crashed it"
    return Record.failed(name, registry.get(name).baseline, case, Status.CRASHED, reason)
