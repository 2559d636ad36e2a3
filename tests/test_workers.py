"""Does a contestant that ends, blocks or floods its process cost exactly its own records?"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from suites.records.finding import Contract
from suites.records.jsonl import from_line
from suites.records.record import Status
from suites.workers.channel import Channel
from suites.workers.culprits import isolated
from suites.workers.death import Death
from suites.workers.jobs import Setup
from suites.workers.limits import Guard, Limits
from suites.workers.reply import Exchange, Part, Sign, read
from suites.workers.workers import method_for
from tests.checkout import Checkout

pytest_plugins = ["pytester"]

HEAD = """
import atexit, ctypes, os, signal, sys, time
import torch

calls = {}

def answer(x, y, dim=-1):
    return torch.cosine_similarity(x, y, dim=dim)

def nth(name):
    calls[name] = calls.get(name, 0) + 1
    return calls[name]
"""
ENDINGS = {  # what each contestant does in a call, the status of its record and words of its reason
    "segfault": ("ctypes.string_at(0)", Status.CRASHED, "ended its process by SIGSEGV (segmentation fault)"),
    "aborts": ("os.abort()", Status.CRASHED, "ended its process by SIGABRT (aborted)"),
    "leaves": ("os._exit(0)", Status.CRASHED, "ended its process with status 0"),
    "leaves_badly": ("os._exit(3)", Status.CRASHED, "ended its process with status 3"),
    "says_goodbye": ("sys.exit('bye')", Status.ERROR, "SystemExit: bye"),
    "interrupts": ("raise KeyboardInterrupt", Status.CRASHED, "raised KeyboardInterrupt"),
    "alarm": (
        "signal.alarm(1); signal.pause()",
        Status.CRASHED,
        "ended its process by SIGALRM (alarm clock)",
    ),
    "late": ("nth('late') == 40 and os.abort()", Status.CRASHED, "ended its process by SIGABRT (aborted)"),
    "closes_all": ("os.closerange(0, 4096); time.sleep(60)", Status.CRASHED, "closed the descriptors of its process"),
    "killed": ("os.kill(os.getpid(), 9)", Status.OUT_OF_MEMORY, "its process was killed by SIGKILL, as the system "),
    "floods": ("print('x' * 100_000)", Status.OK, ""),
    "deaf": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.raise_signal(signal.SIGINT)",
        Status.WRONG,
        "changed the handlers of signals",
    ),
    "forks": ("nth('forks') == 1 and os.fork()", Status.OK, ""),
}
if sys.version_info < (3, 12):  # later ones count calls from C
    deep = "sys.setrecursionlimit(10**9); f = ctypes.CFUNCTYPE(None)(lambda: f()); f()"
    ENDINGS["recurses"] = deep, Status.CRASHED, "ended its process by SIGSEGV (segmentation fault)"
BOMB = """
    if nth('bomb') == 1:
        for _ in range(64 + 5 * os.cpu_count()):
            if not os.fork():
                time.sleep(60)
                os._exit(0)
        time.sleep(60)
"""


def write(checkout: Checkout, bodies: dict[str, str]) -> tuple[str, str]:
    """A file with a contestant for each body, and the options that measure them with the built-in."""
    functions = [
        f"def {name}(x, y, dim=-1):\n    {body}\n    return answer(x, y, dim)\n" for name, body in bodies.items()
    ]
    registered = [f"    implementation()({name})" for name in bodies]
    text = "\n".join([HEAD, *functions, "def register(implementation):", *registered])
    (checkout.root / "theirs.py").write_text(text)
    return "--implementations-from=theirs.py", ",".join(["builtin", *bodies])


def outcomes(checkout: Checkout, run: str) -> dict[str, tuple[Status, str]]:
    return {name: (record.status, record.reason) for (name, _), record in checkout.records(run).items()}


def test_each_ending_costs_its_own_record_and_no_other(checkout: Checkout) -> None:
    bodies = {name: body for name, (body, *_) in ENDINGS.items()}
    option, names = write(checkout, bodies | {"bomb": BOMB})
    result = checkout.bench(option, "--benchmark-save=ends", "-k8x64", implementations=names)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    found = outcomes(checkout, "ends")
    assert found.pop("builtin") == (Status.OK, "")
    status, reason = found.pop("bomb")
    assert (status, "processes, and " in reason) == (Status.CRASHED, True), reason
    assert {name: status for name, (status, _) in found.items()} == {name: how for name, (_, how, _) in ENDINGS.items()}
    for name, (_, reason) in found.items():
        assert reason.startswith(ENDINGS[name][2])
    text = "\n".join([*result.outlines, *result.errlines])
    assert "Traceback" not in text
    assert "xxxx" not in text
    again = checkout.bench(option, "--benchmark-save=ends", "--resume", "-k8x64", implementations=names)
    again.stderr.fnmatch_lines(["*the run 'ends' is complete, so there is nothing to resume*"])


def test_a_call_without_an_end_is_timed_out_and_not_tried_a_third_time(checkout: Checkout) -> None:
    grid = checkout.root / "tiny.toml"
    grid.write_text(grid.read_text().replace("[4, 32]]", "[4, 32], [2, 16]]"))
    stops = "len(x) == 8 and os.kill(os.getpid(), signal.SIGSTOP)"
    bodies = {"sleeps": "time.sleep(600)", "loops": "\n    while len(x) == 8: pass", "stops": stops}
    option, names = write(checkout, bodies)
    result = checkout.bench(option, "--benchmark-save=slow", "--time-limit=6", implementations=names)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    records = checkout.records("slow")
    bad = {place: (record.status, record.reason) for place, record in records.items() if record.reason}
    in_vain = (Status.TIMED_OUT, "gave no answer for 6 s (--time-limit)")
    cases = [f"paired cpu-float32-{shape}" for shape in ("8x64", "4x32", "2x16")]
    assert len(records) == 12
    assert bad == {
        **{(name, cases[0]): in_vain for name in bodies},
        ("sleeps", cases[1]): in_vain,
        ("sleeps", cases[2]): (Status.TIMED_OUT, "not tried: it gave no answer in time 2 times before"),
    }


def test_a_crash_in_a_finding_is_that_finding_and_the_run_is_resumed_behind_it(checkout: Checkout) -> None:
    grid = checkout.root / "tiny.toml"
    grid.write_text(f'families = ["self"]\n{grid.read_text()}')
    option, names = write(checkout, {"picky": "len(x) == 256 and os._exit(7)"})
    options = (option, "--benchmark-save=found", "suites/test_errors.py::test_contract", "suites/test_paired.py")
    result = checkout.bench(*options, "-k8x64 or contract", implementations=names)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {status for status, _ in outcomes(checkout, "found").values()} == {Status.OK}
    lines = map(from_line, checkout.file("found").read_text().splitlines())
    contracts = {line.implementation: (line.status, line.reason) for line in lines if isinstance(line, Contract)}
    assert contracts == {
        "builtin": (Status.OK, ""),
        "picky": (Status.CRASHED, "ended its process with status 7"),
    }


@pytest.mark.parametrize(
    ("does", "how"),
    [
        ("import os; os._exit(0)", "its import ended its process with status 0"),
        ("import ctypes; ctypes.string_at(0)", "its import ended its process by SIGSEGV (segmentation fault)"),
        ("import time; time.sleep(600)", "its import takes longer than 3 s"),
        ("raise SystemExit(5)", "its import ended its process with status 5"),
    ],
)
def test_a_file_that_ends_its_import_is_named(checkout: Checkout, does: str, how: str) -> None:
    (checkout.root / "fine.py").write_text("def register(implementation): ...\n")
    (checkout.root / "theirs.py").write_text(does)
    files = ("--implementations-from=fine.py", "--implementations-from=theirs.py", "--time-limit=3")
    result = checkout.bench(*files)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --implementations-from theirs.py: {how}; `python theirs.py` shows where"])
    assert checkout.runs == []


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM"])
def test_a_run_can_be_interrupted_whatever_a_contestant_did_to_the_handlers(checkout: Checkout, stop: str) -> None:
    (checkout.root / "shell.py").write_text("import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n")
    deaf = "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    body = f"{deaf}; len(x) == 4 and (os.kill(os.getppid(), signal.{stop}), time.sleep(600))"
    option, names = write(checkout, {"deaf": body})
    file = checkout.root / "theirs.py"
    file.write_text(f"{file.read_text()}\n{deaf}\n")
    result = checkout.bench("-p", "shell", option, "--benchmark-save=cut", implementations=names)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    found = outcomes(checkout, "cut")
    assert {name: status for name, (status, _) in found.items()} == {"builtin": Status.OK, "deaf": Status.WRONG}
    result.stdout.fnmatch_lines(["run cut: 2 records saved, 1 case to go; to continue:"])


def test_a_worker_ends_with_the_run_that_started_it(checkout: Checkout) -> None:
    body = "open('pid', 'w').write(str(os.getpid())); os.kill(os.getppid(), 9); time.sleep(600)"
    option, names = write(checkout, {"kills_the_run": body})
    assert checkout.bench(option, "--benchmark-save=cut", implementations=names).ret == -9
    pid, waited = int((checkout.root / "pid").read_text()), 0.0
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and waited < 60:
        time.sleep(0.05)
        waited += 0.05
    assert waited < 60


def deaths(*guilty: str, at: str = "") -> object:
    """An attempt in which each of `guilty` ends the worker, at its own call or at the call of `at`."""
    asked: list[Sequence[str]] = []

    def attempt(names: Sequence[str]) -> list[str] | Death:
        asked.append(names)
        for name in names:
            if name in guilty:
                return Death(Status.CRASHED, f"by {name}", at if at in names else name)
        return list(names)

    return attempt


def test_two_who_crash_are_both_found() -> None:
    found, dead = isolated([*"abcd"], deaths("b", "d"), lambda: True, [])  # type: ignore[arg-type]
    assert found == ["a", "c"]
    assert {name: death.reason for name, death in dead.items()} == {"b": "by b", "d": "by d"}


def test_one_who_was_only_called_when_the_damage_showed_is_acquitted() -> None:
    found, dead = isolated([*"abcd"], deaths("a", at="c"), lambda: True, [])  # type: ignore[arg-type]
    assert found == ["b", "c", "d"]
    assert dead.keys() == {"a"}


def test_a_death_that_an_earlier_job_may_have_caused_is_no_ones_until_it_happens_again() -> None:
    outcomes = iter([Death(Status.CRASHED, "", "a"), ["a", "b"]])
    found, dead = isolated([*"ab"], lambda names: next(outcomes), lambda: False, [])
    assert (found, dead) == (["a", "b"], {})


def test_a_death_before_any_call_is_everyones_and_does_not_loop() -> None:
    found, dead = isolated([*"ab"], lambda names: Death(Status.CRASHED, "ours"), lambda: True, list[str]())
    assert found == []
    assert dead.keys() == {"a", "b"}


@pytest.mark.parametrize(("gone", "status"), [(1 << 28, Status.OUT_OF_MEMORY), (1 << 40, None)])
def test_all_memory_gone_is_blamed_on_a_process_that_took_it(gone: int, status: Status | None) -> None:
    left = iter([gone, 0])
    guard = Guard(os.getpid(), Limits(), lambda: next(left))
    held = bytearray(b"x" * (1 << 28))
    fault = guard.fault(0.0)
    assert len(held) == 1 << 28
    assert (fault and fault[0]) == status


def test_time_counts_since_the_last_sign_of_life() -> None:
    guard = Guard(os.getpid(), Limits(time_s=5.0))
    assert guard.fault(5.0) is None
    assert guard.fault(5.1) == (Status.TIMED_OUT, "gave no answer for 5 s (--time-limit)")


@pytest.mark.parametrize(
    ("setup", "devices", "method"),
    [
        (Setup(threads=2), ["cpu"], "fork" if sys.platform == "linux" else "spawn"),
        (Setup(threads=2), ["cpu", "cuda"], "spawn"),
        (Setup(), ["cpu"], "spawn"),
    ],
)
def test_only_what_computes_on_the_cpu_is_forked_and_only_from_a_single_thread(
    setup: Setup, devices: list[str], method: str
) -> None:
    assert method_for(setup, devices) == method


def test_what_a_contestant_writes_into_the_channel_is_no_message() -> None:
    for text in ("[]", '["alive", 1]', '["line", "{}"]', '["end", 3]', '["line", {"kind": "run"}]', '["hello", 1]'):
        with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
            read(json.loads(text))


def test_while_samples_are_taken_the_contestant_is_noted_and_few_signs_are_sent(tmp_path: Path) -> None:
    noted = SimpleNamespace(value=-1)
    with (tmp_path / "said").open("wb") as file:
        channel = Channel(file.fileno(), noted)
        channel.begin(("a", "b"))
        channel.alive("first calls", "a", 0.0)
        channel.alive("samples", "", 0.0)
        for _ in range(100):
            channel.alive("samples", "a", 0.5)
            channel.alive("samples", "b", 0.5)
    assert noted.value == 1
    said = [read(json.loads(line)) for line in (tmp_path / "said").read_text().splitlines()]
    assert said[:3] == [Sign("first calls", "a", 0.0), Sign("samples", "", 0.0), Sign("samples", "a", 0.5)]
    assert len(said) < 100


def test_time_is_limited_while_a_contestant_is_called_and_the_one_at_work_is_shown() -> None:
    clock, heard = [0.0], list[Sign]()
    exchange = Exchange(lambda *sign: heard.append(Sign(*sign)), now=lambda: clock[0])
    clock[0] = 1.0
    assert exchange.silent_s == 1.0, "a process that starts may load a contestant's file"
    exchange.take(Sign("oracle", "", 0.0))
    clock[0] = 9.0
    assert exchange.silent_s == 0.0
    exchange.correct("b")
    exchange.take(Sign("samples", "a", 0.5))
    clock[0] = 12.0
    assert exchange.silent_s == 3.0
    exchange.correct("b")
    assert heard == [Sign("oracle", "", 0.0), Sign("samples", "a", 0.5), Sign("samples", "b", 0.5)]
    assert exchange.take(Part("died", "raised ValueError")) == (Status.CRASHED, "raised ValueError")
