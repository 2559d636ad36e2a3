"""The first call of a contestant: its time, the check of its result, and its memory."""

from dataclasses import dataclass

import torch

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.measure import memory
from suites.measure.cache import taking_turns
from suites.measure.clock import Call, Clock
from suites.measure.compiler import Compilations
from suites.measure.flags import compiler_flags
from suites.measure.memory import Memory
from suites.measure.phases import Phases
from suites.measure.problem import Problem, as_tuple, call_of
from suites.measure.world import World, threads
from suites.records.record import Error, Flag, Status


@dataclass(frozen=True)
class Checked:
    """A contestant that passed the checks: its call, the call to time (warm or cold), and what was measured so far."""

    call: Call
    timed: Call
    result: tuple[object, ...]
    first_call_s: float
    error: Error
    memory: Memory | None
    flags: tuple[Flag, ...]


def first_call(
    problem: Problem, entry: Implementation, clock: Clock, world: World, phases: Phases
) -> Checked | Failure:
    """Time the first call, check its result against the truth, and measure the memory of another call."""
    call = call_of(problem.case, entry, problem.inputs)
    others, versions = threads(), problem.versions()
    try:
        with phases("first calls"), contestant():
            before = Compilations.now()
            first_call_s, result = clock(call, 1)
            compiled = Compilations.now().since(before)
        with phases("checks"), contestant():
            world.require(random_states=False, others=others)
            if problem.versions() != versions:
                problem.require_untouched()
            try:
                found = problem.judge(entry, result)
            except Failure as failure:
                raise problem.explained(failure, entry, result) from None
            kept = tuple(t.clone() if isinstance(t, torch.Tensor) else t for t in as_tuple(result))
        del result
        with phases("memory"), contestant():
            used = memory.measure(call, problem.case.device, in_torch=entry.torch_memory)
        with phases("checks"), contestant():
            problem.require_untouched()
            world.require(others=others)
        return Checked(call, _to_time(problem, entry, call), kept, first_call_s, found, used, compiler_flags(compiled))
    except Failure as failure:
        changed = problem.changed() if failure.status is Status.WRONG else []
        problem.restore()
        world.restore()
        return Failure(Status.WRONG, changed[0]) if changed else failure  # the failure only follows from the change


def _to_time(problem: Problem, entry: Implementation, call: Call) -> Call:
    if len(problem.copies) == 1:
        return call
    return taking_turns([call_of(problem.case, entry, inputs) for inputs in problem.copies])
