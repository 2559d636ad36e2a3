"""Measures all contestants of one case together: admission, first calls, rounds, records."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from implementations import Implementation
from suites.failure import Failure
from suites.inputs import InputError
from suites.measure import memory
from suites.measure.admission import too_large, unsupported
from suites.measure.clock import Clock
from suites.measure.compiler import Compiled, forget_compiled
from suites.measure.first_call import Checked, first_call
from suites.measure.flags import compiler_flags, flags_of, host_flags, launch_flags
from suites.measure.gpu import monitor
from suites.measure.honesty import Inspector
from suites.measure.launch import Launch, launches
from suites.measure.phases import Phases
from suites.measure.problem import MakeInputs, Problem, gradient_mode
from suites.measure.quiet import Attempt, HostWatch
from suites.measure.rounds import CONTROL, Budget, Rounds, sample_rounds
from suites.measure.sampled import sample_flags
from suites.measure.turns import Samples, most_s, too_slow_to_warm_up
from suites.measure.world import World
from suites.records.case import Case
from suites.records.record import Flag, Latency, Record, Status


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
    watch: HostWatch | None = None,
) -> list[Record]:
    """One record for each implementation, in their order. A failure of one does not stop the others.

    Args:
        case: the problem.
        implementations: the contestants, all of the contract of the case.
        make_inputs: makes x and y of a case, always the same.
        clock: see suites/measure/clock.py.
        budget: when to stop sampling.
        rng: draws the order of the rounds.
        phases: adds up the time of each phase.
        free_bytes: device to the bytes that can still be allocated there.
        watch: has rounds measured again where others disturbed them; None accepts all.
    """
    timed = Timed(Rounds({}, "budget"), {}, {})
    with gradient_mode(case):
        world = World.now(function for entry in implementations for function in (entry.fn, entry.prepare))
        results: dict[str, Checked | Failure] = {
            entry.name: failure for entry in implementations if (failure := unsupported(entry, case.dtype, case.device))
        }
        supported = [entry for entry in implementations if entry.name not in results]
        with phases("small trials"):
            results |= too_large(case, supported, make_inputs, free_bytes, world, phases)
        admitted = [entry for entry in supported if entry.name not in results]
        if admitted:
            forget_compiled()
            compiled = Compiled()
            try:
                problem = Problem.of(case, make_inputs, phases)
            except InputError as error:  # the data cannot exist in this dtype, such as 1e5 in float16
                results |= {entry.name: Failure(Status.UNSUPPORTED, str(error)) for entry in admitted}
            else:
                results |= {
                    entry.name: first_call(problem, entry, clock, world, phases, compiled) for entry in admitted
                }
                checked = {name: result for name, result in results.items() if isinstance(result, Checked)}
                entries = {entry.name: entry for entry in admitted}
                watch = watch or HostWatch.blind()
                timed = _timed(problem, entries, checked, clock, budget, world, rng, phases, watch, compiled)
    return [_record(case, entry, results[entry.name], timed) for entry in implementations]


@dataclass(frozen=True)
class Timed:
    """The rounds of a case, and the flags and launch costs of each contestant."""

    rounds: Rounds
    flags: Mapping[str, tuple[Flag, ...]]
    launches: Mapping[str, Launch | Failure]


def _timed(
    problem: Problem,
    entries: Mapping[str, Implementation],
    checked: Mapping[str, Checked],
    clock: Clock,
    budget: Budget,
    world: World,
    rng: random.Random,
    phases: Phases,
    watch: HostWatch,
    compiled: Compiled,
) -> Timed:
    """The rounds of the contestants that passed their first call."""
    calls = {name: result.call for name, result in checked.items()}
    results = {name: result.result for name, result in checked.items()}
    timed = {name: result.timed for name, result in checked.items()}
    known_s = {name: result.call_s for name, result in checked.items()}
    slow = [name for name, call_s in known_s.items() if too_slow_to_warm_up(call_s, budget.seconds)]
    inspector = Inspector(problem, entries, calls, results, world, rng, phases, slow)
    baseline = next((name for name in timed if entries[name].baseline), "")

    arms, started = len(timed) + bool(timed), phases.now()

    def left_s() -> float:
        return most_s(budget.seconds) * arms - (phases.now() - started)

    def attempt(failed: Collection[str]) -> Attempt:
        gpu, left = monitor(problem.case.device), {name: call for name, call in timed.items() if name not in failed}

        def inspect(name: str, result: object) -> bool:
            caused_by_another = inspector(name, result)
            gpu.poll()
            return caused_by_another

        before = watch.read()
        of_each = replace(budget, seconds=min(budget.seconds, max(0.0, left_s()) / max(1, arms)))
        rounds = sample_rounds(left, baseline, clock, of_each, rng, phases, inspect, known_s, inspector.ready, compiled)
        return Attempt(rounds, watch.read().since(before), gpu)

    kept = watch.least_disturbed(attempt, phases, left_s)
    rounds, meanwhile = kept.rounds, (*host_flags(kept.spent), *kept.gpu.flags())
    still_in = [name for name, entry in rounds.samples.items() if isinstance(entry, Samples) and name != CONTROL]
    with phases("checks"):
        failures = inspector.finish(still_in)
    launched: dict[str, Launch | Failure] = {}
    if problem.case.device == "cuda":
        with phases("launches"):
            honest = {name: calls[name] for name in still_in if name not in failures}
            launched = launches(honest, clock, phases, cold=problem.case.cache == "cold")
    world.restore()
    flags = {
        name: (
            *compiler_flags(compiled.of(name)),
            *sample_flags(problem.case),
            *inspector.flags.get(name, ()),
            *meanwhile,
            *kept.flags(name),
        )
        for name in checked
    }
    return Timed(replace(rounds, samples={**rounds.samples, **failures}), flags, launched)


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
            control_s=_to_save(control) if control and entry.name == timed.rounds.twin else (),
            calls=sampled.calls,
            stride=sampled.stride,
            stop=timed.rounds.stop,
            page_faults=sampled.page_faults / (sampled.calls * len(sampled.samples_s)),
            first_call_s=result.first_call_s,
            host_s=launched.host_s if launched else None,
            graph_s=launched.graph_s if launched else None,
            prepare_s=result.preparation.seconds if result.preparation else None,
            prepared_bytes=result.preparation.held_bytes if result.preparation else None,
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
    """Samples to 7 digits: the precision of a clock of nanoseconds, in half the bytes."""
    return tuple(float(f"{seconds:.6e}") for seconds in samples.samples_s)
