"""Launch costs on a GPU: a call's time on the host, and its time on the device without launches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from statistics import median
from time import perf_counter

import torch

from suites.failure import Failure, contestant
from suites.measure.clock import Call, Clock
from suites.measure.phases import Phases

_CALLS, _ROUNDS = 16, 9  # few enough for the launch queue: the host never waits for the device
_WARM_CALLS = 3


@dataclass(frozen=True)
class Launch:
    """Seconds a call: the host's until all work is queued, and the device's when a CUDA graph replays the call.

    `graph_s` is None if the call cannot be captured, for example because it waits for the device.
    """

    host_s: float
    graph_s: float | None


def launches(calls: Mapping[str, Call], clock: Clock, phases: Phases, *, cold: bool) -> dict[str, Launch | Failure]:
    """The launch costs of each of these calls on CUDA, or its `Failure`."""
    found: dict[str, Launch | Failure] = {}
    for name, call in calls.items():
        phases.alive(name)
        try:
            found[name] = launch(call, clock, cold=cold)
        except Failure as failure:
            found[name] = failure
    return found


def launch(call: Call, clock: Clock, *, cold: bool = False, now: Callable[[], float] = perf_counter) -> Launch:
    """Measure one call, apart from the samples. With a cold clock, pass `cold=True`: a graph then holds one call.

    Raises:
        Failure: the call itself fails.
    """
    host_s = median(_host_s(call, now) for _ in repeat(None, _ROUNDS))
    return Launch(host_s, _graph_s(call, clock, calls=1 if cold else _CALLS))


def _host_s(call: Call, now: Callable[[], float]) -> float:
    torch.cuda.synchronize()
    with contestant():
        start = now()
        for _ in repeat(None, _CALLS):
            call()
        return (now() - start) / _CALLS


def _graph_s(call: Call, clock: Clock, calls: int) -> float | None:
    graph = torch.cuda.CUDAGraph()
    try:
        with contestant():
            _warm_up(call)
            with torch.cuda.graph(graph):
                for _ in repeat(None, calls):
                    call()
            return median(clock(graph.replay, 1)[0] / calls for _ in repeat(None, _ROUNDS))
    except Failure:  # it waits for the device, or allocates outside torch: no graph
        torch.cuda.synchronize()
        return None


def _warm_up(call: Call) -> None:
    """Calls on another stream, as required before a capture."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in repeat(None, _WARM_CALLS):
            call()
    torch.cuda.current_stream().wait_stream(beside)
