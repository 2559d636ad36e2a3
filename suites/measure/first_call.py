"""The first call of a contestant: its time, the check of its result, and its memory."""

from dataclasses import dataclass

import torch

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.measure import memory
from suites.measure.cache import taking_turns
from suites.measure.clock import Call, Clock
from suites.measure.compiler import Compiled
from suites.measure.memory import Memory
from suites.measure.phases import Phases
from suites.measure.preparation import Preparation, preparation
from suites.measure.problem import Problem, as_tuple, call_of
from suites.measure.world import World, threads
from suites.records.record import Error, Status


@dataclass(frozen=True)
class Checked:
    """A contestant that passed the checks: its call, the call to time (warm or cold), and what was measured so far.

    `call_s` are the seconds of the faster of two calls; 0 if there was only one, which may have compiled.
    """

    call: Call
    timed: Call
    result: tuple[object, ...]
    first_call_s: float
    call_s: float
    error: Error
    memory: Memory | None
    preparation: Preparation | None = None


def first_call(
    problem: Problem, entry: Implementation, clock: Clock, world: World, phases: Phases, compiled: Compiled
) -> Checked | Failure:
    """Time the first call, check its result against the truth, and measure the memory of another call.

    A corpus that the contestant prepares is prepared and measured before. `compiled` counts what torch.compile does.
    """
    others, versions = threads(), problem.versions()
    took_s: list[float] = []

    def again() -> None:
        start = phases.now()
        call()
        took_s.append(phases.now() - start)

    try:
        with phases("preparation", entry.name), contestant():
            prepared = preparation(entry, problem.inputs[1], problem.case.device, clock)
            call = call_of(problem.case, entry, problem.inputs)
        with phases("first calls", entry.name), compiled(entry.name), contestant():
            first_call_s, result = clock(call, 1)
        with phases("checks", entry.name), contestant():
            world.require(random_states=False, others=others)
            if problem.versions() != versions:
                problem.require_untouched()
            try:
                found = problem.judge(entry, result)
            except Failure as failure:
                raise problem.explained(failure, entry, result) from None
            kept = tuple(_copied(problem.checked(part)) for part in as_tuple(result))
        del result
        with phases("memory", entry.name), compiled(entry.name), contestant():
            used = memory.measure(again, problem.case.device, in_torch=entry.torch_memory)
        with phases("checks", entry.name), contestant():
            problem.require_untouched()
            world.require(others=others)
        to_time, call_s = _to_time(problem, entry, call), min(first_call_s, *took_s) if took_s else 0.0
        return Checked(call, to_time, kept, first_call_s, call_s, found, used, prepared)
    except Failure as failure:
        changed = problem.changed() if failure.status is Status.WRONG else []
        problem.restore()
        world.restore()
        return Failure(Status.WRONG, changed[0]) if changed else failure  # the failure only follows from the change


def _copied(part: object) -> object:
    return part.clone() if isinstance(part, torch.Tensor) else part


def _to_time(problem: Problem, entry: Implementation, call: Call) -> Call:
    if len(problem.copies) == 1:
        return call
    return taking_turns([call_of(problem.case, entry, inputs) for inputs in problem.copies])
