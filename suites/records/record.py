"""What came out: one implementation on one case, and the run it belongs to. Torch-free."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from suites.records.case import ROUNDOFFS, Case

UNIT_ROUNDOFF = ROUNDOFFS["float32"]
"""u: errors are reported as multiples of it."""


class Status(StrEnum):
    """How it went; it decides which numbers a record may hold."""

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
    """A reason to beware of a record's numbers, with the evidence in a few words."""

    name: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds a call, sample by sample in the order of the rounds.

    Each sample times `calls` calls and divides. Rounds come in pairs, an order and its mirror image, and
    an implementation much slower than the others takes part in each `stride`-th pair only: samples 2j
    and 2j + 1 belong to the pair j * stride, which is how the samples of two implementations are paired.

    `control_s` are the samples of the baseline's second self, taken like its own; empty for all
    others. `stop` says why the rounds ended: "precision" or "budget". `page_faults` is a call's share
    of the minor faults.

    On CUDA the samples are the device's time; `host_s` is what the host takes to launch a call, and `graph_s`
    what the device takes for it when a CUDA graph is replayed; None elsewhere, and where there is no graph.
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


@dataclass(frozen=True, kw_only=True)
class Error:
    """Distance of the result from the float64 oracle, over all outputs that have a true value."""

    error_abs: float
    error_rms: float


@dataclass(frozen=True, kw_only=True)
class Record:
    """One implementation on one case: what was measured, or why not.

    `peak_bytes` is the peak beyond the inputs, the result included; None where the
    allocator in use reports no peak. `replicates` are the latencies in further processes.
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
        """A record without a measurement. Only a wrong one may carry its error."""
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
    """The machine and the software that a run was measured on; "" where something is not known."""

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
    """The head of a run: its name, when and how it was started, and where.

    `absent` maps the implementations that could not take part to the reason, `about` those that did to
    their docstrings, `families` the inputs that hurt to what is right on them. `precision` (of a ratio) and
    `seconds` (a contestant and case) say when sampling was to end, `processes` how many each case was spread over.
    `inputs` tells of the user's own data, "" where there were none. `fingerprints` maps "grid", "implementations",
    "inputs" and "uncommitted changes" to a digest of their contents. What has a default is not known of the oldest
    runs.
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
    families: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operator:
    """What one torch operator cost in one profiled call of an implementation on a case.

    `self_s` leaves out the operators that it called; `allocated_bytes` is what it and
    they allocated and still held when it returned.
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
    """The last line of a run that came to its end; a run without one can be resumed.

    `phases_s` maps what the wall time went to (set-up, first calls, warm-up, samples, ...)
    to seconds, for this process: a resumed run counts its last part.
    """

    wall_s: float
    phases_s: Mapping[str, float]


Line = Run | Record | Operator | End
"""What one line of a run's file holds: the run first, its end last."""
