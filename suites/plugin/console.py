"""What a person sees while a session runs: one live line on a terminal, a plain line each tenth of the way elsewhere.

pytest's letters and file names would be a field of thousands of dots: they are left out for the suites' tests.
"""

import os
from collections.abc import Collection, Generator, Iterable, Mapping
from textwrap import shorten
from typing import TextIO

import pytest
from rich.console import Console
from rich.live import Live
from rich.text import Text

from suites.plugin.costs import Costs
from suites.plugin.progress import Progress
from suites.records.case import Case
from suites.records.finding import Accuracy, Key, key
from suites.records.record import Record, Status

_MARKERS = {"cases", "findings"}
_LONGEST = 120
_PAUSE_S = 0.2  # between two drawings of the line, unless something long begins
_SILENT_S = 1.0 - _PAUSE_S  # more, while a call runs
_LONG = {"first calls", "processes"}  # phases that may take seconds without a sign of life
_TIMED = {"warm-up", "samples"}
_HOW = {Status.WRONG: "is wrong", Status.CRASHED: "crashed", Status.TIMED_OUT: "timed out"}


class ProgressLine:
    """A pytest plugin that shows how far the session is, and which implementations fail.

    The live line goes on while a call runs: contestants run in another process. Before a long call, the first one of a
    contestant or one known to be slow, it says what it waits for. The plugin is made while pytest is configured and
    does not yet capture standard error.

    Args:
        terminal: where the live line goes; standard error by default.
        verbosity: pytest's. Above 0 only pytest's own lines are shown; below 0 the plain lines are left out.
        progress: how far the session is.
    """

    def __init__(self, terminal: TextIO | None = None, *, verbosity: int = 0, progress: Progress | None = None) -> None:
        file = terminal or os.fdopen(os.dup(2), "w", errors="replace")
        self._own = None if terminal else file
        self._console = Console(file=file, highlight=False)
        self._quiet, self._plain = verbosity <= 0, verbosity == 0
        self.live = self._quiet and file.isatty() and self._console.is_interactive  # FORCE_COLOR makes no terminal
        self._line = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,  # pytest captures what is printed
            redirect_stderr=False,
            transient=True,
        )
        self._progress = progress or Progress()
        self._reporter: pytest.TerminalReporter | None = None
        self._named: set[tuple[str, str]] = set()
        self._tenths = 0
        self._next_s = 0.0

    def start(self, costs: Costs, cases: Mapping[Case, Collection[str]], findings: Iterable[Key]) -> None:
        """Show the line, for cases with the names of the contestants of each, and findings."""
        self._progress.start(costs, cases, findings)
        if self.live:
            self._line.start()
            self._console.show_cursor()  # a killed session leaves it as it is
            self._draw()

    def running(self, work: Case | Key) -> None:
        """A case or a finding begins."""
        self._progress.begin(work)
        if isinstance(work, Case) or not self._paused or self._progress.running_s >= _PAUSE_S:
            self._draw()

    def alive(self, phase: str, name: str, share: float) -> None:
        """A `SignOfLife`: the case is in a phase, at a contestant, with a share of the phase done."""
        long = phase in _LONG or self._progress.calls_long(name)
        if self._paused and (name or share) and phase in _TIMED and not long:
            return  # between samples every microsecond counts
        self._progress.at(phase, name, share)
        if long or not self._paused:
            self._draw()

    def idle(self) -> None:
        """Nothing is heard: let the time go on, once a second."""
        if self._progress.now() >= self._next_s + _SILENT_S:
            self._draw()

    def done(self, work: Case | Key) -> None:
        """The case or the finding that began last is done."""
        self._progress.end(work)
        if isinstance(work, Case):
            self._draw()

    def stop(self) -> None:
        """Take the line away, for good."""
        if self.live:
            self._line.stop()
        if self._own:
            self._own.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Leave out the names of files if all tests are the suites'."""
        self._reporter = session.config.pluginmanager.getplugin("terminalreporter")
        if self._reporter and self._quiet and all(_MARKERS & {*item.keywords} for item in session.items):
            self._reporter.showfspath = False

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> Generator[None, tuple[str, str, object], tuple[str, str, object]]:
        """Leave out the letters of the suites' tests."""
        category, letter, word = yield
        ours = self._quiet and _MARKERS & {*getattr(report, "keywords", ())}
        return category, "" if ours else letter, word

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # outside pytest's own, which decide what failed
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say at once which implementation failed: one line for each, whatever the number of its cases."""
        report = yield
        if report.failed and self._quiet and _MARKERS & {*item.keywords}:
            self._fail(item, report)
        return report

    def pytest_runtest_logfinish(self) -> None:
        """Say how far it is, each tenth of the way; within a test the line would be captured."""
        if self._plain and not self.live and self._progress.tenths > self._tenths:
            self._tenths = self._progress.tenths
            self._say(", ".join(filter(None, (self._progress.counts, self._progress.time_left))))

    def _fail(self, item: pytest.Item, report: pytest.TestReport) -> None:
        funcargs = getattr(item, "funcargs", {})
        measured = funcargs.get("record") or funcargs.get("finding")
        name, how, line = failure(measured) if measured else (item.name, "", f"{report.when} of {item.name} failed")
        if (name, how) not in self._named:
            self._named.add((name, how))
            self._say(shorten(line, min(_LONGEST, self._console.width) if self.live else _LONGEST, placeholder=" ..."))

    def _say(self, line: str) -> None:
        if self.live:
            self._console.print(Text(line))
        elif self._reporter:
            self._reporter.write_line(line)
            self._reporter.flush()

    @property
    def _paused(self) -> bool:
        return self._progress.now() < self._next_s

    def _draw(self) -> None:
        """Draw the line again, the time first: a narrow terminal cuts off the end."""
        self._next_s = self._progress.now() + _PAUSE_S
        if self.live:
            shown = Text(no_wrap=True, overflow="ellipsis")
            if self._progress.time_left:
                shown.append(f"{self._progress.time_left}  ", style="cyan")
            shown.append(f"{self._progress.counts}  ")
            self._line.update(shown.append(self._progress.current, style="dim"), refresh=True)


def failure(measured: Record | Accuracy) -> tuple[str, str, str]:
    """The implementation that failed, its status, and a line that says where and why."""
    what = measured.case if isinstance(measured, Record) else key(measured)
    place = f"{what.task} {what.id}" if isinstance(what, Case) else f"{what.question} {what.subject}"
    how = _HOW.get(measured.status, "failed")
    line = f"{measured.implementation} {how} on {place}: {measured.reason}"
    return measured.implementation, measured.status, line
