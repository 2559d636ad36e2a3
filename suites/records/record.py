"""Records: the result of one implementation on one case, and the run it belongs to. Torch-free."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from suites.records.case import ROUNDOFFS, Case

UNIT_ROUNDOFF = ROUNDOFFS["float32"]
"""u: reports give errors as multiples of it."""


class Status(StrEnum):
    """The outcome of a measurement, which decides the numbers that a record may hold."""

    OK = "ok"
    UNSUPPORTED = "unsupported"
    ABSENT = "absent"
    WRONG = "wrong"
    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A reason to distrust a record's numbers, with the evidence in a few words."""

    name: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds a call, sample by sample in the order of the rounds.

    A sample is the time of `calls` calls, divided by `calls`. Rounds come in pairs: an order and its mirror image. An
    implementation much slower than the others takes part in each `stride`-th pair only. Its samples 2j and 2j + 1
    belong to the pair j * stride, which pairs the samples of two implementations.

    `control_s` are the samples of the control, empty for all but the contestant that was measured a second time.
    `stop` says why the rounds ended: "precision" or "budget". `page_faults` are the minor faults of one call.

    On CUDA the samples are the device's time. `host_s` is the host's time to launch a call, `graph_s` the device's for
    one in a replayed CUDA graph. Both are None elsewhere; `graph_s` also if there is no graph.

    `prepare_s` is the time to prepare the corpus once, and `prepared_bytes` what the prepared corpus holds beyond y.
    Both are None for one that prepares nothing; `prepared_bytes` also if nothing reports it.
    """

    samples_s: tuple[float, ...]
    control_s: tuple[float, ...]
    calls: int
    stride: int
    stop: str
    page_faults: float
    first_call_s: float
    host_s: float | None = None
    graph_s: float | None = None
    prepare_s: float | None = None
    prepared_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Error:
    """The distance of a result from the float64 oracle, over all outputs that have a true value."""

    error_abs: float
    error_rms: float


@dataclass(frozen=True, kw_only=True)
class Record:
    """One implementation on one case: the measurement, or the reason for having none.

    `peak_bytes` is the peak beyond the inputs, with the result; None if none is reported. `replicates` are the
    latencies in further processes.
    """

    implementation: str
    baseline: bool
    case: Case
    status: Status
    reason: str = ""
    latency: Latency | None
    error: Error | None
    peak_bytes: int | None
    flags: tuple[Flag, ...] = ()
    replicates: tuple[Latency, ...] = ()

    def __post_init__(self) -> None:
        ok, wrong = self.status is Status.OK, self.status is Status.WRONG
        if ok != (self.latency is not None) or (ok and self.error is None):
            raise ValueError(f"a record with the status {self.status} has {'no' if ok else 'a'} latency")
        if (self.error is not None and not (ok or wrong)) or (self.peak_bytes is not None and not ok):
            raise ValueError(f"a record with the status {self.status} has a measured value")
        if not ok and not self.reason:
            raise ValueError(f"a record with the status {self.status} needs a reason")

    @classmethod
    def failed(
        cls, implementation: str, baseline: bool, case: Case, status: Status, reason: str, error: Error | None = None
    ) -> "Record":
        """A record without a measurement. Only one with the status `wrong` may have an error."""
        return cls(
            implementation=implementation,
            baseline=baseline,
            case=case,
            status=status,
            reason=reason,
            latency=None,
            error=error,
            peak_bytes=None,
        )


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The machine and software of a run; "" for what is unknown."""

    system: str
    cpu: str
    cpu_capability: str
    cores: int
    memory_bytes: int
    threads: int
    gpu: str
    gpu_driver: str
    python: str
    torch: str
    torch_build: str
    cuda: str
    float32_matmul_precision: str
    reduced_precision: str
    allocator: str
    commit: str
    dirty: bool
    packages: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The head of a run: its name, its start, its command and its machine.

    `absent` maps absent implementations to the reason, `about` the others to docstrings and `sources` to their code,
    `families` hard inputs to right answers, `error_budget` dtypes to absolute errors, `fingerprints` names of contents
    to digests. Sampling ended at `precision` (of a ratio) or after `seconds` (for an implementation and case), in
    `processes` each. `inputs` describes the user's data, `baseline` is that of --baseline. `sequence` counts the runs.
    """

    name: str
    started: str
    grid: str
    command: str
    environment: Environment
    absent: Mapping[str, str]
    precision: float | None = None
    seconds: float | None = None
    processes: int = 1
    inputs: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    baseline: str = ""
    error_budget: Mapping[str, float] = field(default_factory=dict)
    sequence: int = field(default=0, compare=False)


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The cost of one torch operator in one profiled call of an implementation on a case.

    `self_s` excludes the operators that it called. `allocated_bytes` is what it and they allocated and still held when
    it returned.
    """

    implementation: str
    baseline: bool
    case_id: str
    operator: str
    calls: int
    self_s: float
    allocated_bytes: int


@dataclass(frozen=True, kw_only=True)
class End:
    """The last line of a complete run; a run without one can be resumed.

    `phases_s` maps phases (set-up, first calls, warm-up, samples, ...) to their seconds in the last session of the run.
    """

    wall_s: float
    phases_s: Mapping[str, float]


Line = Run | Record | Operator | End
"""The lines of a run's file besides findings: the run first, its end last."""
