"""Made-up runs, and saving them."""

from contextlib import closing

from results import Environment, Record, Run, Status, Store
from suites.records.case import Case
from suites.records.record import Error, Latency

CASE = Case(task="paired", shape=(64, 768), dtype="float32", device="cpu")
MAPS = Case(task="feature_maps", shape=(8, 64, 7, 7), dtype="float16", device="cuda", memory_format="channels_last")


def head(name="a", started="2026-11-21T10:00:00+00:00"):
    known = {"cores": 8, "memory_bytes": 1, "threads": 8, "dirty": False, "packages": {"numpy": "2"}}
    environment = Environment(**dict.fromkeys(Environment.__annotations__, "") | known)
    return Run(name=name, started=started, grid="smoke", command="pytest", environment=environment, absent={})


def measured(
    implementation,
    samples_s,
    stride=1,
    baseline=False,
    case=CASE,
    peak_bytes=None,
    control_s=(),
    flags=(),
    stop="budget",
):
    return Record(
        implementation=implementation,
        baseline=baseline,
        case=case,
        status=Status.OK,
        latency=Latency(
            samples_s=tuple(samples_s),
            control_s=tuple(control_s),
            calls=10,
            stride=stride,
            stop=stop,
            page_faults=0.25,
            first_call_s=0.5,
        ),
        error=Error(error_abs=2.0**-23, error_rms=2.0**-25),
        peak_bytes=peak_bytes,
        flags=flags,
    )


def failed(implementation, reason="no bf16", baseline=False):
    return Record.failed(implementation, baseline, CASE, Status.UNSUPPORTED, reason)


def save(root, *lines, run=None):
    with closing(Store.create(run or head(), root)) as store:
        store.append(lines)
    return root / f"{(run or head()).name}.jsonl"
