"""What a worker is to do, as plain values: they reach a process that has nothing loaded yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from suites.examiner import Examination
from suites.inputs import RowFiles
from suites.measure.rounds import Budget
from suites.records.case import Case


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What holds for all jobs of a worker.

    `files` are those of --implementations-from, and `inputs` maps `Case.inputs` to the user's rows. `baseline` is that
    of --baseline. `shown` lets contestants print. `threads` are torch's; None leaves its own choice.
    """

    files: tuple[str, ...] = ()
    inputs: Mapping[str, RowFiles] = field(default_factory=dict)
    allocator: str = "found"
    baseline: str = ""
    shown: bool = False
    threads: int | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Measure the contestants `names` on a case. Case and seed determine the order of the rounds."""

    case: Case
    names: tuple[str, ...]
    budget: Budget
    seed: str = ""


@dataclass(frozen=True, kw_only=True)
class Tracing:
    """Trace the contestants `names` on a case; the traces go to `folder`."""

    case: Case
    names: tuple[str, ...]
    folder: Path


Job = Measurement | Tracing | Examination
