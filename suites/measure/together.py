"""One case, all its contestants: who takes part, what they give back, how long they take."""

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from implementations import Implementation
from suites.case import Case
from suites.inputs import InputError
from suites.measure import error, fit, memory
from suites.measure.clock import Call, Clock
from suites.measure.failure import Failure, contestant
from suites.measure.phases import Phases
from suites.measure.problem import MakeInputs, Problem, call_of, gradient_mode
from suites.measure.rounds import Samples, sample_rounds
from suites.record import Error, Latency, Record, Status


@dataclass(frozen=True)
class Checked:
    """A contestant that passed: the call to time, and what is known of it by then."""

    call: Call
    first_call_s: float
    error: Error
    peak_bytes: int | None


def measure_case(
    case: Case,
    implementations: Sequence[Implementation],
    *,
    make_inputs: MakeInputs,
    clock: Clock,
    seconds: float,
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
        seconds: the time to sample one implementation.
        rng: draws the order of the rounds.
        phases: told what the time went to.
        free_bytes: device to the bytes that can still be allocated there.
    """
    results: dict[str, Checked | Failure] = {}
    with gradient_mode(case):
        for entry in implementations:
            if failure := _refusal(case, entry, make_inputs, free_bytes, phases):
                results[entry.name] = failure
        admitted = [entry for entry in implementations if entry.name not in results]
        if admitted:
            _forget_compiled()
            try:
                problem = Problem.of(case, make_inputs, phases)
            except InputError as error:  # the data do not exist in this dtype, such as 1e5 in float16
                results |= {entry.name: Failure(Status.UNSUPPORTED, str(error)) for entry in admitted}
            else:
                results |= {entry.name: _checked(problem, entry, clock, phases) for entry in admitted}
        calls = {name: result.call for name, result in results.items() if isinstance(result, Checked)}
        timed = sample_rounds(calls, clock, seconds, rng, phases)
        if calls:
            with phases("checks"):
                timed |= _no_longer_right(problem, calls, timed)
    return [_record(case, entry, results[entry.name], timed.get(entry.name)) for entry in implementations]


def _forget_compiled() -> None:
    """Let compiled functions compile anew: they count recompilations, and give up for good at the eighth."""
    if "torch._dynamo" in sys.modules:  # importing the compiler only to reset it takes seconds
        torch.compiler.reset()


def _refusal(
    case: Case, entry: Implementation, make_inputs: MakeInputs, free_bytes: Callable[[str], int], phases: Phases
) -> Failure | None:
    """Why the contestant is not tried on this case, if so."""

    def peak(small: Case) -> int | None:
        with contestant():
            return memory.peak_bytes(call_of(small, entry, make_inputs(small)), small.device)

    try:
        if case.dtype not in entry.dtypes:
            raise Failure(Status.UNSUPPORTED, f"takes {' and '.join(entry.dtypes)} only")
        if case.device not in entry.devices:
            raise Failure(Status.UNSUPPORTED, f"runs on {' and '.join(entry.devices)} only")
        if case.device == "mps" and case.dtype == "float64":
            raise Failure(Status.UNSUPPORTED, "MPS has no float64")
        free = free_bytes(case.device)
        fit.require_inputs_fit(case, free)
        with phases("small trials"):
            fit.require_fit(case, free - 2 * case.input_bytes, peak)
    except Failure as failure:
        return failure
    return None


def _checked(problem: Problem, entry: Implementation, clock: Clock, phases: Phases) -> Checked | Failure:
    """The first call, its result against the truth, and the memory of another call."""
    call, results = call_of(problem.case, entry, problem.inputs), list[object]()
    try:
        with phases("first calls"), contestant():
            first_call_s = clock(lambda: results.append(call()), 1)
        with phases("checks"), contestant():
            found = _error(problem, results.pop())
        with phases("memory"), contestant():
            peak = memory.peak_bytes(call, problem.case.device) if entry.torch_memory else None
        with phases("checks"), contestant():
            problem.require_untouched()
        return Checked(call, first_call_s, found, peak)
    except Failure as failure:
        problem.restore()
        return failure


def _no_longer_right(
    problem: Problem, calls: Mapping[str, Call], timed: Mapping[str, Samples | Failure]
) -> dict[str, Failure]:
    """Those whose result, or what they do to the inputs, is wrong after all the timed calls: another call shows it."""
    failures = {}
    problem.restore()
    for name, call in calls.items():
        if isinstance(timed[name], Samples):
            try:
                with contestant():
                    _error(problem, call())
            except Failure as failure:
                failures[name] = Failure(failure.status, f"after the timed calls: {failure.reason}", failure.error)
                problem.restore()
    return failures


def _error(problem: Problem, result: object) -> Error:
    """The error of a first result; a `Failure` if it, or what the call did to the inputs, is wrong."""
    problem.require_untouched()
    output, *gradients = result if problem.gradients and isinstance(result, tuple) else (result,)
    found = error.error_of(error.require_form(problem.case, output), problem.truth)
    error.require_bound(problem.case, found)
    if problem.gradients:
        error.require_gradients(problem.case, tuple(gradients), problem.gradients, problem.inputs)
    return found


def _record(case: Case, entry: Implementation, result: Checked | Failure, timed: Samples | Failure | None) -> Record:
    failure = next((r for r in (result, timed) if isinstance(r, Failure)), None)
    if failure:
        return Record.failed(entry.name, entry.baseline, case, failure.status, failure.reason, failure.error)
    assert isinstance(result, Checked)
    assert isinstance(timed, Samples)
    return Record(
        implementation=entry.name,
        baseline=entry.baseline,
        case=case,
        status=Status.OK,
        latency=Latency(
            samples_s=tuple(timed.samples_s), calls=timed.calls, stride=timed.stride, first_call_s=result.first_call_s
        ),
        error=result.error,
        peak_bytes=result.peak_bytes,
    )
