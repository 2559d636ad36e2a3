"""The wiring: with nightly.py, the only file that knows every room."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from implementations import Implementation, registry
from results import ROOT, StoreError
from results.recorder import Recorder
from suites import compile_cache
from suites.plugin import options
from suites.plugin.cases import Measuring
from suites.plugin.findings import Asking
from suites.plugin.front_door import default_name
from suites.plugin.progress import ProgressLine
from suites.profiling import profile_case
from suites.records.case import Case
from suites.records.finding import Finding
from suites.records.record import End, Operator, Record
from suites.session import Session
from suites.survey import Survey


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    compile_cache.separate()
    if options.asks_for_suites(config, Path(__file__).parent):
        try:
            options.require_one_process(config)
            config.pluginmanager.register(Bench(config))
        except (StoreError, ValueError) as error:
            raise pytest.UsageError(str(error)) from error


class Bench:
    """One invocation of `pytest suites`, as a plugin: a session, the run that it writes, a progress line."""

    def __init__(self, config: pytest.Config) -> None:
        plan, asked = options.plan_of(config), config.option.benchmark_save
        run = options.run_of(config, plan, asked or default_name(), registry.absent())
        named = None if asked == default_name() else asked
        self.recorder = Recorder.resume(run, named) if config.option.resume else Recorder(run)
        if asked:
            config.option.benchmark_save = self.recorder.name  # pytest-benchmark's file gets the same name
        self.profiles = ROOT.parent / "profiles" / self.recorder.name if config.option.profile else None
        self.progress = ProgressLine(wanted=config.option.verbose <= 0)
        self.session = Session(plan, done=self.recorder.done, started=self.progress.running, ended=self.save)
        found, phases = self.recorder.found, self.session.phases
        self.survey = Survey(plan, done=found, phases=phases, looking=self.progress.looking, found=self.append)
        for plugin in (self.progress, Measuring(self.session), Asking(self.survey)):
            config.pluginmanager.register(plugin)

    def save(self, case: Case, contestants: Sequence[Implementation], records: list[Record]) -> None:
        self.append(records)
        if self.profiles:
            self.append(profile_case(case, contestants, records, self.session.make_inputs(case), self.profiles))
        self.progress.advance(len(records))

    def append(self, lines: Iterable[Record | Finding | Operator | End]) -> None:
        try:
            self.recorder.append(lines)
        except StoreError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.INTERNAL_ERROR)

    def pytest_report_collectionfinish(self) -> list[str]:
        return self.session.describe(registry.absent())

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        if not session.config.option.collectonly:
            self.progress.start(self.session.left, self.survey.left)

    def pytest_sessionfinish(self) -> None:
        self.progress.stop()
        selected = [part for part in (self.session, self.survey) if part.selected]
        if self.recorder.saved and self.recorder.may_end and selected and not any(part.left for part in selected):
            self.append([self.session.end()])
        self.recorder.close()

    @pytest.hookimpl(trylast=True)  # below pytest-benchmark's tables
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.recorder.saved:
            terminalreporter.write_line(self.recorder.describe(len(self.session.left), self.survey.left))
