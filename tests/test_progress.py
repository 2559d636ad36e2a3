"""Does a session show its progress, failures and answer, on a terminal and in a file?"""

import io
import os
import re
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from implementations import registry
from suites.plugin.answer import answer_lines
from suites.plugin.console import ProgressLine, failure
from suites.plugin.costs import Costs
from suites.plugin.options import asks_for_tables
from suites.plugin.progress import Progress, duration
from suites.records.case import FAMILY_NAMES, Case
from suites.records.finding import Accuracy, Key
from suites.records.record import Record, Status
from tests import forked
from tests.checkout import Checkout

pytest_plugins = ["pytester"]

CASE, OTHER_CASE = (Case(task="paired", shape=shape, dtype="float32", device="cpu") for shape in ((8, 64), (4, 32)))
FAILING = """
    import torch

    def raises(x, y, dim=-1):
        raise ValueError("no luck today")

    def register(implementation):
        implementation()(raises)
"""
NOISE_FLOOR, TABLE_HEAD = "Noise floor: *", "*cases*fastest within the error budget*against the baseline*"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


@pytest.fixture
def clock() -> list[float]:
    """A clock that the test sets: a list of one number, in seconds."""
    return [0.0]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "5 s"),
        (14, "15 s"),
        (33, "30 s"),
        (58, "1 min"),
        (88, "1 min 30 s"),
        (119, "2 min"),
        (200, "3 min 30 s"),
        (1000, "17 min"),
        (3599, "1 h 00 min"),
        (4800, "1 h 20 min"),
    ],
)
def test_a_duration_is_no_finer_than_an_estimate(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize("seconds", [5, 12.4, 27.6, 33, 54, 88, 116, 134, 400, 584, 586, 3000])
def test_a_duration_is_rounded_by_less_than_an_estimate_errs(seconds: float) -> None:
    words = duration(seconds).split()
    said = sum(int(n) * {"s": 1, "min": 60, "h": 3600}[unit] for n, unit in zip(words[::2], words[1::2], strict=True))
    assert said == pytest.approx(seconds, rel=0.25)


# The live line


COSTS = Costs(implementations={name: registry.get(name) for name in ("builtin", "normalize", "vecdot")}, seconds=10.0)


def show_two_cases(line: ProgressLine) -> None:
    line.start(COSTS, {CASE: ("builtin", "normalize", "vecdot"), OTHER_CASE: ("builtin", "normalize")}, [])
    line.running(CASE)
    line.done(CASE)
    line.running(OTHER_CASE)


def shown_last(terminal: Terminal) -> str:
    """The line that a person sees, without colours."""
    *_, shown = terminal.getvalue().split("\r")
    return re.sub(r"\x1b\[[\d;?]*\w", "", shown)


def test_the_line_says_how_far_it_is_and_what_runs_without_a_thread(terminal: Terminal, clock: list[float]) -> None:
    threads, streams = threading.active_count(), (sys.stdout, sys.stderr)
    line = ProgressLine(terminal, progress=Progress(now=lambda: clock[0]))
    show_two_cases(line)
    assert line.live
    assert (threading.active_count(), (sys.stdout, sys.stderr)) == (threads, streams)
    assert shown_last(terminal) == "about 30 s left  1 of 2 cases  paired 4x32 float32"
    line.done(OTHER_CASE)
    assert shown_last(terminal).strip() == "2 of 2 cases  paired 4x32 float32"
    line.stop()
    assert terminal.getvalue().endswith("\x1b[2K"), "the line is cleared"


def test_within_a_case_the_contestant_is_named_and_the_time_counts_down(terminal: Terminal, clock: list[float]) -> None:
    line = ProgressLine(terminal, progress=Progress(now=lambda: clock[0]))
    show_two_cases(line)
    line.alive("first calls", "builtin", 0.0)
    assert shown_last(terminal) == "about 30 s left  1 of 2 cases  first call of builtin, paired 4x32 float32"
    line.alive("samples", "", 0.0)
    clock[0] += 15
    line.alive("samples", "normalize", 0.5)
    assert shown_last(terminal) == "about 15 s left  1 of 2 cases  normalize, paired 4x32 float32"


def test_between_samples_the_line_is_drawn_five_times_a_second_at_most(terminal: Terminal, clock: list[float]) -> None:
    line = ProgressLine(terminal, progress=Progress(now=lambda: clock[0]))
    show_two_cases(line)
    line.alive("samples", "", 0.0)
    before = terminal.getvalue().count("\r")
    for sample in range(1, 3000):
        clock[0] += 1e-3
        line.alive("samples", "normalize", sample / 3000)
    assert 10 <= terminal.getvalue().count("\r") - before <= 15


def test_before_each_call_of_a_slow_contestant_the_line_says_how_long_it_waits(
    terminal: Terminal, clock: list[float]
) -> None:
    line = ProgressLine(terminal, progress=Progress(now=lambda: clock[0]))
    show_two_cases(line)
    for phase, seconds in (("first calls", 20.0), ("memory", 20.0), ("checks", 1e-3)):
        line.alive(phase, "normalize", 0.0)
        clock[0] += seconds
    line.alive("samples", "", 0.0)
    for share in (0.1, 0.3, 0.5):
        line.alive("samples", "builtin", share)
        clock[0] += 1e-3
        line.alive("samples", "normalize", share + 0.1)
        assert "  1 of 2 cases  normalize, 20 s a call, paired 4x32" in shown_last(terminal)
        clock[0] += 20.0
    left = re.findall(r"about ([\w ]+) left", terminal.getvalue())
    assert len(set(left[-3:])) == 3, "the time counts down from call to call"


def test_while_a_call_is_silent_the_time_goes_on_once_a_second(terminal: Terminal, clock: list[float]) -> None:
    line = ProgressLine(terminal, progress=Progress(now=lambda: clock[0]))
    show_two_cases(line)
    line.alive("first calls", "normalize", 0.0)
    drawn = terminal.getvalue().count("\r")
    for _ in range(40):
        clock[0] += 0.25
        line.idle()
    assert 9 <= terminal.getvalue().count("\r") - drawn <= 11


def test_short_findings_share_the_same_few_drawings(terminal: Terminal, clock: list[float]) -> None:
    line = ProgressLine(terminal, progress=Progress(now=lambda: clock[0]))
    asked = [Key("accuracy", "cpu", "float32", family, "builtin") for family in FAMILY_NAMES if family != "long_rows"]
    line.start(COSTS, {}, asked)
    before = terminal.getvalue().count("\r")
    for one in asked:
        line.running(one)
        line.alive("error suite", "", 0.0)  # each finding enters the phase anew
        clock[0] += 0.03
        line.done(one)
    assert 3 <= terminal.getvalue().count("\r") - before <= 6


def test_what_may_take_long_is_named_at_once(terminal: Terminal, clock: list[float]) -> None:
    line = ProgressLine(terminal, progress=Progress(now=lambda: clock[0]))
    bug = Key("known_bugs", name="kernel_of_another_capability")
    short = Key("accuracy", "cpu", "float32", "zeros", "builtin")
    line.start(COSTS, {}, [short, bug])
    line.running(short)
    assert "zeros" not in shown_last(terminal), "it is over before anyone reads it"
    line.done(short)
    line.running(bug)
    assert shown_last(terminal).endswith("1 of 2 findings  known_bugs kernel_of_another_capability")


def test_the_cursor_stays_on_so_that_a_session_that_is_killed_leaves_it(terminal: Terminal) -> None:
    line = ProgressLine(terminal)
    show_two_cases(line)
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_narrow_terminal_has_one_line_with_the_whole_time(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    line = ProgressLine(terminal)
    show_two_cases(line)
    line.alive("first calls", "an_implementation_with_a_long_name", 0.0)
    assert "\n" not in terminal.getvalue()
    assert shown_last(terminal).startswith("about 30 s left")
    assert len(shown_last(terminal)) <= width


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_without_a_cursor_has_no_live_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    line = ProgressLine(terminal)
    show_two_cases(line)
    line.stop()
    assert (line.live, terminal.getvalue()) == (False, "")


def test_the_terminal_is_let_go_of() -> None:
    def lowest_free() -> int:
        found = os.dup(2)
        os.close(found)
        return found

    before = lowest_free()
    line = ProgressLine()
    assert lowest_free() > before
    line.stop()
    assert lowest_free() == before


def test_nothing_is_written_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    line = ProgressLine(file)
    show_two_cases(line)
    line.stop()
    assert not line.live
    assert file.getvalue() == ""


@pytest.mark.parametrize(("marker", "letter"), [("findings", ""), ("cases", ""), ("skip", "x")])
def test_letters_are_left_out_for_the_suites_tests_and_the_counts_stay(marker: str, letter: str) -> None:
    line = ProgressLine(io.StringIO())
    report = pytest.TestReport("a", ("a", 1, "a"), {marker: 1}, "skipped", None, "call")
    status = line.pytest_report_teststatus(report)
    next(status)
    with pytest.raises(StopIteration) as ended:
        status.send(("xfailed", "x", "XFAIL"))
    assert ended.value.value == ("xfailed", letter, "XFAIL")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.ERROR, "mine failed on paired cpu-float32-8x64: why"),
        (Status.WRONG, "mine is wrong on paired cpu-float32-8x64: why"),
        (Status.CRASHED, "mine crashed on paired cpu-float32-8x64: why"),
    ],
)
def test_a_failure_is_named_with_its_case_and_reason(status: Status, said: str) -> None:
    assert failure(Record.failed("mine", False, CASE, status, "why")) == ("mine", status, said)


def test_so_is_one_on_a_family_of_inputs() -> None:
    place = {"task": "paired", "dtype": "float32", "device": "cpu", "family": "prescribed"}
    found = Accuracy(implementation="mine", baseline=False, status=Status.ERROR, reason="why", **place)
    assert failure(found)[2] == "mine failed on accuracy cpu-float32-prescribed: why"


# The answer


LINES = pd.DataFrame(
    [
        ["paired 50000x384 float32", "native", "7.4 ms", "(built-in 136 ms, 18×)", "error 2e-7", "zero rows NaN"],
        ["pairwise 1x50000x384 bfloat16", "matmul", "910 µs", "(built-in 8.1 ms, 8.9×)", "error 0.004", ""],
    ],
    columns=["case", "answer", "time", "against", "error", "beware"],
)


def answer(**how: object) -> list[str]:
    return answer_lines("Noise floor: 1 %.", LINES, ["The run is incomplete."], **how)  # type: ignore[arg-type]


def test_a_case_is_a_line_in_columns_above_the_noise_floor_and_the_notes() -> None:
    assert answer(width=100) == [
        "paired 50000x384 float32       native  7.4 ms  (built-in 136 ms, 18×)   error 2e-7   zero rows NaN",
        "pairwise 1x50000x384 bfloat16  matmul  910 µs  (built-in 8.1 ms, 8.9×)  error 0.004",
        "",
        "Noise floor: 1 %.",
        "* The run is incomplete.",
    ]
    assert "7.4 ms  (built-in 136 ms, 18?)" in answer(encoding="ascii")[0]


def test_on_a_narrower_terminal_whole_cells_go_on_below() -> None:
    assert answer(width=80)[:4] == [
        "paired 50000x384 float32  native  7.4 ms  (built-in 136 ms, 18×)  error 2e-7",
        "    zero rows NaN",
        "pairwise 1x50000x384 bfloat16  matmul  910 µs  (built-in 8.1 ms, 8.9×)",
        "    error 0.004",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_a_narrow_terminal_loses_no_letter(width: int) -> None:
    narrow = answer(width=width)
    assert max(map(len, narrow)) <= width
    letters, of_a_file = (Counter("".join(lines).replace(" ", "")) for lines in (narrow, answer()))
    assert letters == of_a_file


def test_a_run_without_a_case_has_the_notes_alone() -> None:
    assert answer_lines("No noise floor.", LINES.head(0), []) == ["No noise floor."]


# pytest-benchmark's tables


@pytest.mark.parametrize(
    ("given", "verbose", "asked"),
    [
        ([], 0, False),
        (["--benchmark-save=a", "-k8x64"], 0, False),
        (["--benchmark-sort=mean"], 0, True),
        (["--benchmark-columns", "min,median"], 0, True),
        (["--benchmark-compare=0001"], 0, True),
        ([], 1, True),
        (["--benchmark-quiet"], 1, False),
    ],
)
def test_the_tables_are_for_those_who_ask(
    monkeypatch: pytest.MonkeyPatch, given: list[str], verbose: int, asked: bool
) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    config = SimpleNamespace(option=SimpleNamespace(verbose=verbose), invocation_params=SimpleNamespace(args=given))
    assert asks_for_tables(config) == asked  # type: ignore[arg-type]
    monkeypatch.setenv("PYTEST_ADDOPTS", "--benchmark-group-by=func")
    assert asks_for_tables(config) == ("--benchmark-quiet" not in given)  # type: ignore[arg-type]


# A whole session


def on_a_terminal(root: Path, *options: str) -> tuple[int, str]:
    """Status and screen of `pytest suites` on a terminal of its own."""
    ours, theirs = os.openpty()
    terminal = Path(os.ttyname(theirs))
    words = ["-m", "pytest", "suites", "--grid=tiny.toml", *options]
    with ThreadPoolExecutor() as reader:
        shown = reader.submit(_read, ours)
        status = forked.run(words, root, terminal, terminal)
        os.close(theirs)
        return status, shown.result()


def _read(terminal: int) -> str:
    parts: list[bytes] = []
    with open(terminal, "rb", buffering=0) as screen, suppress(OSError):  # Linux raises it once the terminal is closed
        while part := screen.read(1 << 16):
            parts.append(part)
    return b"".join(parts).decode(errors="replace")


@pytest.fixture
def checkout(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    checkout = Checkout.copy(pytester)
    pytester.makepyfile(failing=FAILING)
    return checkout


def test_a_session_on_a_terminal(checkout: Checkout) -> None:
    failing = ("--implementations-from=failing.py", "--implementations=builtin,raises")
    status, shown = on_a_terminal(checkout.root, *failing)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 of 2 cases" in shown
    assert shown.count("raises failed on") == 1, "one line per failed implementation, not per case"
    assert "test_paired.py s" not in shown
    assert "test_paired.py ." not in shown
    *_, end = shown.partition("2 failed, 2 passed, 4 skipped in")
    lines = [line for line in re.sub(r"\x1b\[[\d;?]*\w", "", end).splitlines()[1:] if line and "raises has" not in line]
    starts = [re.split("  +", line)[:2] for line in lines]
    assert starts.index(["paired 4x32 float32", "builtin"]) < starts.index(["paired 8x64 float32", "builtin"])
    assert any(line.startswith("Noise floor: ") for line in lines[2:])
    assert re.fullmatch("run .*: 4 records saved; for the report:", lines[-2])
    assert re.fullmatch("python -m reports .*", lines[-1])
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM"])
def test_an_interrupted_session_gives_the_cases_that_ended_and_says_how_to_go_on(checkout: Checkout, stop: str) -> None:
    slow = ("--implementations-from=slow.py", "--implementations=builtin,slow")
    checkout.pytester.makepyfile(
        slow=f"""
        import os, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

        def slow(x, y, dim=-1):
            if len(x) == 4:  # in the second case
                os.kill(os.getppid(), signal.{stop})
                signal.pause()
            return (x * y).sum(dim) / (x.norm(dim=dim) * y.norm(dim=dim))

        def register(implementation):
            implementation()(slow)
        """
    )
    status, shown = on_a_terminal(checkout.root, *slow)
    assert status == pytest.ExitCode.INTERRUPTED
    assert re.search(r"1 of 2 cases measured:\r\npaired 8x64 float32 ", shown)
    assert "Noise floor" not in shown, "half a run has none"
    assert "paired 4x32 float32  " not in shown.partition("1 of 2 cases measured")[2]
    assert re.search(r"run .*: 2 records saved, 1 case to go; to continue:\r\npython -m pytest .* --resume\r\n", shown)
    *_, after = shown.partition("cases measured")[0].rpartition("1 of 2 cases")
    assert "\x1b[2K" in after
    assert after.rfind("\x1b[?25h") >= after.rfind("\x1b[?25l")


def test_a_session_in_a_file_is_plain_lines(checkout: Checkout) -> None:
    failing = ("--implementations-from=failing.py",)
    result = checkout.bench(*failing, implementations="builtin,raises")
    text = "\n".join([*result.outlines, *result.errlines])
    assert not {"\x1b", "\r"} & {*text}
    result.stdout.fnmatch_lines(
        [
            "measured  grid tiny.toml: 2 cases on cpu, *",
            "sampling  each ratio to *",
            "time      about *",
            "1 of 2 cases*",
            "raises failed on paired cpu-float32-8x64: ValueError: no luck today",
            "2 of 2 cases",
            "*2 failed, 2 passed, 4 skipped*",
            "paired 4x32 float32 *builtin *(*the baseline*)*error *",
            "paired 8x64 float32 *builtin *",
            NOISE_FLOOR,
            "run *: 4 records saved; for the report:",
            "python -m reports *",
        ],
    )
    result.stdout.no_fnmatch_line("suites/test_paired.py*")
    result.stdout.no_fnmatch_line("platform *")
    result.stdout.no_fnmatch_line("Name (time in *")
    assert sum(line.startswith("raises failed") for line in result.outlines) == 1


def test_with_v_pytest_speaks_and_with_no_summary_there_is_no_answer(checkout: Checkout) -> None:
    verbose = checkout.bench("-v", "--no-summary", "-k8x64", implementations="builtin")
    verbose.stdout.fnmatch_lines(["platform *", "suites/test_paired.py::test_paired?cpu-float32-8x64-builtin? PASSED*"])
    verbose.stdout.fnmatch_lines(["Name (time in *"])
    verbose.stdout.no_fnmatch_line("? of ? cases*")
    verbose.stdout.no_fnmatch_line(NOISE_FLOOR)


def test_collecting_alone_says_nothing_of_a_run(checkout: Checkout) -> None:
    result = checkout.bench("--collect-only", "-q")
    result.stdout.fnmatch_lines(["suites/test_paired.py::test_paired?cpu-float32-4x32-builtin?"])
    result.stdout.no_fnmatch_line("run *")
    assert checkout.runs == []


def test_the_tests_of_other_folders_keep_their_letters(checkout: Checkout) -> None:
    checkout.pytester.makepyfile(test_other="def test_one(): pass\n\ndef test_two(): assert 0")
    result = checkout.run("suites", "test_other.py", "--grid=tiny.toml", "--implementations=builtin", "-k8x64 or other")
    result.stdout.fnmatch_lines(["test_other.py .F*"])
