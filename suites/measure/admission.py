"""Admission: a contestant takes part in a case if it supports the dtype and the device, and fits in memory."""

from collections.abc import Callable, Sequence
from functools import partial

from implementations import Implementation
from suites.failure import Failure, contestant
from suites.measure import fit, memory
from suites.measure.phases import Phases
from suites.measure.problem import MakeInputs, Pair, call_of
from suites.measure.world import World, threads
from suites.records.case import Case
from suites.records.record import Status


def unsupported(entry: Implementation, dtype: str, device: str) -> Failure | None:
    """Why the contestant takes no part with this dtype on this device; None if it does."""
    if dtype not in entry.dtypes:
        return Failure(Status.UNSUPPORTED, f"takes {' and '.join(entry.dtypes)} only")
    if device not in entry.devices:
        return Failure(Status.UNSUPPORTED, f"runs on {' and '.join(entry.devices)} only")
    if device == "mps" and dtype == "float64":
        return Failure(Status.UNSUPPORTED, "MPS has no float64")
    return None


def too_large(
    case: Case,
    entries: Sequence[Implementation],
    make_inputs: MakeInputs,
    free_bytes: Callable[[str], int],
    world: World,
    phases: Phases,
) -> dict[str, Failure]:
    """The contestants that do not fit in memory, or that fail in a memory probe, each with its failure."""

    def peak(entry: Implementation, small: Case) -> int | None:
        phases.alive(entry.name)
        others, inputs = threads(), make_inputs(small)
        with contestant():
            once = partial(_prepare_and_call, small, entry, inputs)
            used = memory.measure(once, small.device, in_torch=entry.torch_memory)
            world.require(random_states=False, others=others)
            return used.peak_bytes if used else None

    prepared = sum(entry.prepare is not None for entry in entries)
    try:
        fit.require_case_fits(case, len(entries), free_bytes, prepared)
    except Failure as failure:
        return {entry.name: failure for entry in entries}
    free, failures = free_bytes(case.device) - fit.held_bytes(case, len(entries), prepared)[case.device], {}
    for entry in entries:
        try:
            fit.require_fit(case, free, partial(peak, entry), in_torch=entry.torch_memory)
        except Failure as failure:
            failures[entry.name] = failure
            world.restore()
    return failures


def _prepare_and_call(case: Case, entry: Implementation, inputs: Pair) -> object:
    return call_of(case, entry, inputs)()
