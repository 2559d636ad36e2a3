"""The live line: cases done, what is running, the time left. Nothing where the output is not a terminal."""

import os
from collections.abc import Mapping
from typing import TextIO

import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from suites.records.case import Case


class ProgressLine:
    """A line on the terminal that is redrawn between cases, never by a thread: a thread would be timed too.

    It is a pytest plugin, made while pytest is configured and does not yet capture standard error.
    """

    def __init__(self, terminal: TextIO | None = None, *, wanted: bool = True) -> None:
        file = terminal or os.fdopen(os.dup(2), "w")
        self._own = None if terminal else file
        console = Console(file=file)
        columns = (TextColumn("{task.fields[done]}"), BarColumn(20, style="dim", complete_style="cyan"))
        self.live = wanted and file.isatty() and console.is_interactive  # rich alone would believe FORCE_COLOR
        self._bar = Progress(
            *columns,
            TimeRemainingColumn(compact=True),
            TextColumn("left  {task.description}", style="dim"),
            console=console,
            auto_refresh=False,
            redirect_stdout=False,  # what contestants print is pytest's
            redirect_stderr=False,
            transient=True,
            disable=not self.live,
        )
        self._cases = self._done = 0
        self._task = self._bar.add_task("", done=self._counts())

    def start(self, cases: Mapping[Case, int], findings: int = 0) -> None:
        """Show the line, for cases with the count of the contestants of each, and for so many findings."""
        self._cases = len(cases)
        self._bar.update(self._task, total=sum(cases.values()) + findings, done=self._counts())
        self._bar.start()

    def running(self, case: Case) -> None:
        """Name the case that is measured now."""
        self._bar.update(self._task, description=f"{case.task} {case.id}", refresh=True)

    def looking(self, at: str) -> None:
        """Name what the next finding is of."""
        self._bar.update(self._task, description=at, advance=1, refresh=True)

    def advance(self, contestants: int) -> None:
        """A case has ended."""
        self._done += 1
        self._bar.update(self._task, advance=contestants, done=self._counts(), refresh=True)

    def stop(self) -> None:
        """Take the line away, for good."""
        self._bar.stop()
        if self._own:
            self._own.close()

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Keep the names of files off the line."""
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        if self.live and reporter:
            reporter.showfspath = False

    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
        """Keep the letters of tests off the line; errors outside of them are let through."""
        if self.live and (report.when == "call" or report.skipped):
            return report.outcome, "", report.outcome.upper()
        return None

    def _counts(self) -> str:
        return f"{self._done} of {self._cases} cases"
