"""One case, all its contestants: who takes part, what they give back, how long they take."""

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch

from implementations import Implementation
from suites.case import Case
from suites.inputs import InputError
from suites.measure import fit, memory
from suites.measure.cache import taking_turns
from suites.measure.clock import Call, Clock
from suites.measure.compiler import Compilations
from suites.measure.failure import Failure, contestant
from suites.measure.flags import compiler_flags, flags_of, host_flags, launch_flags
from suites.measure.gpu import watch
from suites.measure.honesty import Inspector
from suites.measure.host import HostTime
from suites.measure.launch import Launch, launches
from suites.measure.memory import Memory
from suites.measure.phases import Phases
from suites.measure.problem import MakeInputs, Problem, as_tuple, call_of, gradient_mode
from suites.measure.rounds import CONTROL, Budget, Rounds, Samples, sample_rounds
from suites.measure.world import World, threads
from suites.record import Error, Flag, Latency, Record, Status


@dataclass(frozen=True)
class Checked:
    """A contestant that passed: its call, the one to time (cold or not), and what is known of it by then."""

    call: Call
    timed: Call
    result: tuple[object, ...]
    first_call_s: float
    error: Error
    memory: Memory | None
    flags: tuple[Flag, ...]


def measure_case(
    case: Case,
    implementations: Sequence[Implementation],
    *,
    make_inputs: MakeInputs,
    clock: Clock,
    budget: Budget,
    rng: random.Random,
    phases: Phases,
    free_bytes: Callable[[str], int] = memory.free_bytes,
) -> list[Record]:
    """One record for each implementation, in their order; whatever one of them does, the others are measured.

    Args:
        case: the problem; the implementations are of its contract.
        implementations: the contestants.
        make_inputs: makes x and y of a case, always the same ones.
        clock: see suites/measure/clock.py.
        budget: when to stop sampling.
        rng: draws the order of the rounds.
        phases: told what the time went to.
        free_bytes: device to the bytes that can still be allocated there.
    """
    timed = Timed(Rounds({}, "budget"), {}, {})
    with gradient_mode(case):
        world = World.now()
        results: dict[str, Checked | Failure] = {
            entry.name: failure for entry in implementations if (failure := _unsupported(case, entry))
        }
        supported = [entry for entry in implementations if entry.name not in results]
        with phases("small trials"):
            results |= _too_large(case, supported, make_inputs, free_bytes, world)
        admitted = [entry for entry in supported if entry.name not in results]
        if admitted:
            _forget_compiled()
            try:
                problem = Problem.of(case, make_inputs, phases)
            except InputError as error:  # the data do not exist in this dtype, such as 1e5 in float16
                results |= {entry.name: Failure(Status.UNSUPPORTED, str(error)) for entry in admitted}
            else:
                results |= {entry.name: _checked(problem, entry, clock, world, phases) for entry in admitted}
                checked = {name: result for name, result in results.items() if isinstance(result, Checked)}
                baseline = next((entry.name for entry in admitted if entry.baseline), None)
                timed = _timed(problem, checked, baseline, clock, budget, world, rng, phases)
    return [_record(case, entry, results[entry.name], timed) for entry in implementations]


@dataclass(frozen=True)
class Timed:
    """The rounds of a case, and by contestant what an eye on them saw and what its calls cost a GPU's host."""

    rounds: Rounds
    flags: Mapping[str, tuple[Flag, ...]]
    launches: Mapping[str, Launch | Failure]


def _timed(
    problem: Problem,
    checked: Mapping[str, Checked],
    baseline: str | None,
    clock: Clock,
    budget: Budget,
    world: World,
    rng: random.Random,
    phases: Phases,
) -> Timed:
    """The rounds of those that passed."""
    calls = {name: result.call for name, result in checked.items()}
    results = {name: result.result for name, result in checked.items()}
    timed = {name: result.timed for name, result in checked.items()}
    inspector, gpu = Inspector(problem, calls, results, world, rng, phases.now), watch(problem.case.device)

    def inspect(name: str, result: object) -> None:
        inspector(name, result)
        gpu.look()

    started = HostTime.now()
    rounds = sample_rounds(timed, baseline, clock, budget, rng, phases, inspect)
    meanwhile = (*host_flags(HostTime.now().since(started)), *gpu.flags())
    still_in = [name for name, entry in rounds.samples.items() if isinstance(entry, Samples) and name != CONTROL]
    with phases("checks"):
        failures = inspector.finish(still_in)
    with phases("launches"):
        launched = launches({name: calls[name] for name in still_in if name not in failures}, problem.case, clock)
    world.restore()
    flags = {name: (*result.flags, *inspector.flags.get(name, ()), *meanwhile) for name, result in checked.items()}
    return Timed(Rounds({**rounds.samples, **failures}, rounds.stop), flags, launched)


def _forget_compiled() -> None:
    """Let compiled functions compile anew: they count recompilations, and give up for good at the eighth."""
    if "torch._dynamo" in sys.modules:  # importing the compiler only to reset it takes seconds
        torch.compiler.reset()


def _unsupported(case: Case, entry: Implementation) -> Failure | None:
    """Why the contestant takes no part in this case, if so."""
    if case.dtype not in entry.dtypes:
        return Failure(Status.UNSUPPORTED, f"takes {' and '.join(entry.dtypes)} only")
    if case.device not in entry.devices:
        return Failure(Status.UNSUPPORTED, f"runs on {' and '.join(entry.devices)} only")
    if case.device == "mps" and case.dtype == "float64":
        return Failure(Status.UNSUPPORTED, "MPS has no float64")
    return None


def _too_large(
    case: Case,
    entries: Sequence[Implementation],
    make_inputs: MakeInputs,
    free_bytes: Callable[[str], int],
    world: World,
) -> dict[str, Failure]:
    """Those that this case has no memory for, or that fail in the small trials which tell."""

    def peak(entry: Implementation, small: Case) -> int | None:
        others = threads()
        with contestant():
            used = memory.measure(call_of(small, entry, make_inputs(small)), small.device, in_torch=entry.torch_memory)
            world.require(random_states=False, others=others)
            return used.peak_bytes if used else None

    try:
        fit.require_case_fits(case, len(entries), free_bytes)
    except Failure as failure:
        return {entry.name: failure for entry in entries}
    free, failures = free_bytes(case.device) - fit.own_bytes(case, len(entries))[case.device], {}
    for entry in entries:
        try:
            fit.require_fit(case, free, partial(peak, entry), in_torch=entry.torch_memory)
        except Failure as failure:
            failures[entry.name] = failure
            world.restore()
    return failures


def _checked(problem: Problem, entry: Implementation, clock: Clock, world: World, phases: Phases) -> Checked | Failure:
    """The first call, its result against the truth, and the memory of another call."""
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
            found = problem.judge(result)
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
        return Failure(Status.WRONG, changed[0]) if changed else failure  # that one is only what came of it


def _to_time(problem: Problem, entry: Implementation, call: Call) -> Call:
    if len(problem.copies) == 1:
        return call
    return taking_turns([call_of(problem.case, entry, inputs) for inputs in problem.copies])


def _record(case: Case, entry: Implementation, result: Checked | Failure, timed: Timed) -> Record:
    sampled, launched = timed.rounds.samples.get(entry.name), timed.launches.get(entry.name)
    failure = next((r for r in (result, sampled, launched) if isinstance(r, Failure)), None)
    if failure:
        return Record.failed(entry.name, entry.baseline, case, failure.status, failure.reason, failure.error)
    assert isinstance(result, Checked)
    assert isinstance(sampled, Samples)
    assert isinstance(launched, Launch | None)
    found = timed.rounds.samples.get(CONTROL)
    control = found if isinstance(found, Samples) else None
    kept_bytes = result.memory.kept_bytes if result.memory else 0
    return Record(
        implementation=entry.name,
        baseline=entry.baseline,
        case=case,
        status=Status.OK,
        latency=Latency(
            samples_s=_to_save(sampled),
            control_s=_to_save(control) if entry.baseline and control else (),
            calls=sampled.calls,
            stride=sampled.stride,
            stop=timed.rounds.stop,
            page_faults=sampled.page_faults / (sampled.calls * len(sampled.samples_s)),
            first_call_s=result.first_call_s,
            host_s=launched.host_s if launched else None,
            graph_s=launched.graph_s if launched else None,
        ),
        error=result.error,
        peak_bytes=result.memory.peak_bytes if result.memory else None,
        flags=(
            *flags_of(sampled, control, kept_bytes),
            *(launch_flags(median(sampled.samples_s), launched) if launched else ()),
            *timed.flags[entry.name],
        ),
    )


def _to_save(samples: Samples) -> tuple[float, ...]:
    """To 7 digits: all that a clock of nanoseconds tells of a sample, in half the bytes."""
    return tuple(float(f"{seconds:.6e}") for seconds in samples.samples_s)
