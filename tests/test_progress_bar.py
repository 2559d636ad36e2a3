"""Does a long command say how far it is, on a terminal and in a file?"""

import io

import pytest

from suites.progress_bar import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_file_each_tenth_of_the_way_is_a_line() -> None:
    file = io.StringIO()
    with progress_bar("trials", 2000, file) as advance:
        for number in (50, 149, 1, 900, 900):
            advance(number)
    assert file.getvalue().splitlines() == ["200 of 2,000 trials", "1,100 of 2,000 trials", "2,000 of 2,000 trials"]


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with progress_bar("trials", 4, terminal) as advance:
        advance(4)
    assert "trials" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_nothing_to_do_says_nothing() -> None:
    file = io.StringIO()
    with progress_bar("trials", 0, file):
        pass
    assert file.getvalue() == ""
