"""Measures a case on the clock of tests/cheats.py, which makes every call and counts the same time for each."""

import random

from implementations import Implementation
from suites.inputs import make_inputs
from suites.measure.clock import Clock
from suites.measure.phases import Phases
from suites.measure.problem import MakeInputs
from suites.measure.rounds import Budget
from suites.measure.together import measure_case
from suites.records.case import Case
from suites.records.record import Record
from tests.cheats import CLOCK


def measure(
    *entries: Implementation,
    case: Case,
    call_s: float = 1e-5,
    seconds: float = 0.03,
    clock: Clock = CLOCK,
    inputs: MakeInputs = make_inputs,
) -> dict[str, Record]:
    """The record of each implementation, by name; `call_s` are the seconds that the clock counts for a call."""
    CLOCK.start(call_s)
    records = measure_case(
        case,
        entries,
        make_inputs=inputs,
        clock=clock,
        budget=Budget(seconds=seconds, precision=1e-9),
        rng=random.Random(0),
        phases=Phases(lambda: CLOCK.time) if clock is CLOCK else Phases(),
    )
    return {record.implementation: record for record in records}
