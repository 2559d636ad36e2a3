"""Profiles: where the time inside an implementation goes, as traces for TensorBoard and Perfetto."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch.autograd.profiler_util import FunctionEventAvg
from torch.profiler import ProfilerActivity, profile, schedule, tensorboard_trace_handler

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.measure.problem import Pair, call_of, gradient_mode
from suites.records.case import Case
from suites.records.outside import OUTSIDE
from suites.records.record import Operator

_WARM_CALLS = 2
_TRACED_CALLS = 3
_STEP = "ProfilerStep"  # one traced call; its own time is that of no operator

if not torch.cuda.is_available():  # with CUDA, the profiler's own errors are worth the noise
    # Above all levels: torch 2.13 prints lines of the level USDT, 5. A process reads this at its first trace.
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")


class NoProfile(UserWarning):
    """A contestant failed while it was traced."""


def profile_case(
    case: Case, contestants: Sequence[Implementation], inputs: Pair, folder: Path, alive: Callable[[str], None]
) -> Iterator[Operator]:
    """Trace a few calls of each contestant, and yield the cost of its operators per call.

    Each trace is `folder/<implementation>/<task>-<case>.<time>.pt.trace.json`: TensorBoard's profiler
    plugin takes a folder for a run and a file for a worker. A contestant that fails here gives the warning `NoProfile`
    and yields nothing. `alive` is called with the name of each contestant.
    """
    for entry in contestants:
        alive(entry.name)
        try:
            with contestant():
                operators = _profile(case, entry, inputs, folder / entry.name)
        except Failure as failure:
            warnings.warn(no_profile(case, entry.name, failure.reason), NoProfile, stacklevel=2)
        else:
            yield from operators


def no_profile(case: Case, name: str, reason: str) -> str:
    """The remark for a contestant that could not be traced."""
    return f"{name} on {case.task} {case.id} has no profile: {reason}"


def _profile(case: Case, entry: Implementation, inputs: Pair, folder: Path) -> list[Operator]:
    call, rows = call_of(case, entry, inputs), list[FunctionEventAvg]()
    write = tensorboard_trace_handler(str(folder), worker_name=f"{case.task}-{case.id}")

    def keep(trace: profile) -> None:
        write(trace)
        rows.extend(trace.key_averages())

    cuda = case.device == "cuda"
    with (
        gradient_mode(case),
        profile(
            activities=[ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * cuda,
            schedule=schedule(wait=0, warmup=_WARM_CALLS, active=_TRACED_CALLS, repeat=1),
            on_trace_ready=keep,
            record_shapes=True,
            profile_memory=True,
        ) as trace,
    ):
        for _ in range(_WARM_CALLS + _TRACED_CALLS):
            call()
            trace.step()
    operators = [row for row in rows if row.key and not row.key.startswith((_STEP, "[memory]", "[pytorch|profiler]"))]
    outside_us = 0.0 if cuda else sum(row.self_cpu_time_total for row in rows if str(row.key).startswith(_STEP))
    return [
        *(_operator(case, entry, row, cuda) for row in operators),
        *([_cost(case, entry, OUTSIDE, _TRACED_CALLS, outside_us, 0)] if outside_us else []),
    ]


def _operator(case: Case, entry: Implementation, row: FunctionEventAvg, cuda: bool) -> Operator:
    own_us, allocated = row.self_cpu_time_total, row.cpu_memory_usage
    if cuda:
        own_us, allocated = row.self_device_time_total, row.device_memory_usage
    return _cost(case, entry, str(row.key), row.count, own_us, allocated)


def _cost(case: Case, entry: Implementation, name: str, count: int, own_us: float, allocated: float) -> Operator:
    """The cost per call, from totals over the traced calls."""
    return Operator(
        implementation=entry.name,
        baseline=entry.baseline,
        case_id=f"{case.task}-{case.id}",
        operator=name,
        calls=round(count / _TRACED_CALLS),
        self_s=own_us * 1e-6 / _TRACED_CALLS,
        allocated_bytes=round(allocated / _TRACED_CALLS),
    )
