"""Does the live line say how far it is, and cost nothing where nobody watches?"""

import io
import os
import subprocess
import sys
import threading

import pytest

from suites.plugin.progress import ProgressLine
from suites.records.case import Case
from tests.checkout import Checkout

pytest_plugins = ["pytester"]

CASE, OTHER_CASE = (Case(task="paired", shape=shape, dtype="float32", device="cpu") for shape in ((8, 64), (4, 32)))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    return Terminal()


def show_two_cases(line: ProgressLine) -> None:
    line.start({CASE: 3, OTHER_CASE: 2})
    line.running(CASE)
    line.advance(3)
    line.running(OTHER_CASE)


def test_the_line_says_how_far_it_is_and_what_runs_without_a_thread(terminal: Terminal) -> None:
    threads, streams = threading.active_count(), (sys.stdout, sys.stderr)
    line = ProgressLine(terminal)
    show_two_cases(line)
    assert line.live
    assert (threading.active_count(), (sys.stdout, sys.stderr)) == (threads, streams)
    *_, shown = terminal.getvalue().split("\r")
    assert "1 of 2 cases" in shown
    assert "paired cpu-float32-4x32" in shown
    line.advance(2)
    assert "2 of 2 cases" in terminal.getvalue()
    line.stop()
    assert terminal.getvalue().endswith("\x1b[2K"), "the line is taken away"


def test_a_session_shows_the_line_in_place_of_files_and_dots(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = Checkout.copy(pytester)
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    command = (sys.executable, "-m", "pytest", "suites", "--grid=tiny.toml", "--implementations=builtin")
    done = subprocess.run(command, cwd=checkout.root, stdout=subprocess.PIPE, stderr=theirs, timeout=300, check=True)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    os.close(theirs)
    assert "1 of 2 cases" in shown
    assert b"2 passed" in done.stdout
    assert b"test_paired.py" not in done.stdout


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


def test_nothing_is_written_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    line = ProgressLine(file)
    show_two_cases(line)
    line.stop()
    assert not line.live
    assert file.getvalue() == ""
