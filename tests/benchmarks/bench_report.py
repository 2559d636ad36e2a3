"""Time and memory of a report on many records.

Makes a run of that many records with 60 samples each, and of the findings of an error suite, reports it in a fresh
interpreter and prints wall seconds and the peak resident memory of both processes, with their targets.
"""

import dataclasses
import itertools
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from command import Command  # noqa: E402
from suites.records.case import FAMILY_NAMES, ROUNDOFFS, Case  # noqa: E402
from suites.records.finding import Accuracy, Contract, Deviation, Finding, KnownBug, Resolution  # noqa: E402
from suites.records.jsonl import to_line  # noqa: E402
from suites.records.record import UNIT_ROUNDOFF, End, Error, Flag, Latency, Line, Record, Status  # noqa: E402
from tests.runs import head  # noqa: E402

TARGET_S, TARGET_BYTES = 20, 2**30
SAMPLES = 60
IMPLEMENTATIONS = ("builtin", *(f"contestant_{number}" for number in range(13)))
EXAMINED = ("builtin", *(f"contestant_{number}" for number in range(22)))
QUESTIONS = ("zero row", "tiny norms", "huge norms", "above 1", *(f"question {number}" for number in range(14)))
BUGS = 37
DTYPES = {"float32": 1.0, "float64": 1e-9, "float16": 1e3, "bfloat16": 1e4}
RENDER = """
import resource, sys
from pathlib import Path
from reports import render
folder = Path(sys.argv[1])
render("synthetic", root=folder, out=folder / "out")
print(*(resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""


def main() -> None:
    """Make the run, report it, print what it took."""
    parser = Command(
        "python tests/benchmarks/bench_report.py",
        __doc__,
        {"": "100,000 records", "--records 1000": "a first look"},
    )
    parser.add_argument("--records", type=int, default=100_000, metavar="N", help="records (default: 100000)")
    count = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, "synthetic.jsonl").open("w") as file:
            file.writelines(f"{to_line(line)}\n" for line in run(count))
        start = time.perf_counter()
        command = [sys.executable, "-c", RENDER, folder]
        ended = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        wall_s = time.perf_counter() - start
    scale = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in KiB on Linux
    own, second = (int(peak) * scale / 2**20 for peak in ended.stdout.split())
    print(f"{count:,} records: {wall_s:.1f} s wall, target {TARGET_S} s")
    peaks = f"{own + second:.0f} MiB peak ({own:.0f} and {second:.0f} in the second process)"
    print(f"{count:,} records: {peaks}, target {TARGET_BYTES / 2**20:.0f} MiB")


def run(count: int) -> Iterator[Line | Finding]:
    """A run of `count` records of `IMPLEMENTATIONS` on enough cases, and the findings about `EXAMINED`."""
    yield head("synthetic")
    yield from itertools.islice(records(random.Random(0)), count)
    yield from findings()
    yield End(wall_s=1.0, phases_s={"samples": 1.0})


def records(generator: random.Random) -> Iterator[Record]:
    """Endless records, case by case, with all implementations."""
    for number in itertools.count():
        rows, width = 16 << number % 12, 64 + 32 * (number // 96)
        dtype = list(DTYPES)[number // 24 % 4]
        case = Case(
            task="paired",
            shape=(rows, width),
            dtype=dtype,
            device="cpu",
            direction=("forward", "forward+backward")[number // 12 % 2],
        )
        for place, name in enumerate(IMPLEMENTATIONS):
            yield record(name, case, place, generator)


def record(name: str, case: Case, place: int, generator: random.Random) -> Record:
    """One record; implementation 7 runs out of memory where the length is a multiple of 7."""
    if place == 7 and case.length % 7 == 0:
        return Record.failed(name, False, case, Status.OUT_OF_MEMORY, f"needs {case.input_bytes} B")
    usual = 1e-5 + case.input_bytes / 1e9 * (1 - 0.06 * place)
    samples, control = ([usual * generator.uniform(1, 1.1) for _ in range(SAMPLES)] for _ in range(2))
    error_abs = DTYPES[case.dtype] * UNIT_ROUNDOFF * (1 + place)
    return Record(
        implementation=name,
        baseline=place == 0,
        case=case,
        status=Status.OK,
        latency=Latency(
            samples_s=tuple(samples),
            control_s=tuple(control) if place == 0 else (),
            calls=1,
            stride=1,
            stop="budget",
            page_faults=0.0,
            first_call_s=usual + (place == 3),
        ),
        error=Error(error_abs=error_abs, error_rms=error_abs / 4),
        peak_bytes=case.input_bytes * place // 4,
        flags=(Flag(name="drift", evidence="the second half takes longer"),) if place % 4 == 1 else (),
    )


def findings() -> Iterator[Finding]:
    """Accuracy, contract and resolution of each of `EXAMINED` in each dtype; and known bugs."""
    for dtype, place in itertools.product(DTYPES, range(len(EXAMINED))):
        for family in range(len(FAMILY_NAMES)):
            yield accuracy(dtype, place, family)
        seen = {"implementation": EXAMINED[place], "baseline": place == 0, "task": "paired", "dtype": dtype}
        answers = {question: f"{(place + at) % 4}" for at, question in enumerate(QUESTIONS)}
        yield Contract(**seen, device="cpu", status=Status.OK, eps_rule="none", answers=answers)
        angle = (1 + place) * ROUNDOFFS[dtype] ** 0.5
        yield Resolution(**seen, device="cpu", status=Status.OK, smallest_angle=angle, distinct=26 + place, pairs=16384)
    for number in range(BUGS):
        issue = f"pytorch/pytorch#{number}"
        happens = (True, False, None)[number % 3]
        yield KnownBug(
            name=f"bug_{number}", issue=issue, package="torch", what="it", happens=happens, seen="0", right="1"
        )


def accuracy(dtype: str, place: int, family: int) -> Accuracy:
    """One implementation on one family: a fifth is wrong, a seventh unsupported."""
    status = Status.WRONG if (place + family) % 5 == 1 else Status.OK
    found = Accuracy(
        implementation=EXAMINED[place],
        baseline=place == 0,
        task="paired",
        family=FAMILY_NAMES[family],
        dtype=dtype,
        device="cpu",
        status=status,
        reason=f"off by {place}e-3" * (status is Status.WRONG),
    )
    if (place + family) % 7 == 2:
        return dataclasses.replace(found, status=Status.UNSUPPORTED, reason="it takes no eps")
    error = ROUNDOFFS[dtype] * (1 + place + family)
    deviation = Deviation(
        pairs=256,
        output_dtype=dtype,
        error_max=error,
        error_rms=error / 4,
        error_p999=error,
        ulp_max=None,
        lost=family % 2,
        nans=family % 2,
        infs=0,
        above_one=20 + place,
        exactly_one=100,
        distinct=100,
        kendall=0.9,
        bound=16 * error,
        bound_share=1 / 16,
    )
    return dataclasses.replace(found, deviation=deviation)


if __name__ == "__main__":
    main()
