"""The wiring: with nightly.py, the only file that knows every room."""

import shutil
import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import pytest

from implementations import Implementation, registry
from results import ROOT, StoreError
from results.recorder import Recorder
from suites import compile_cache
from suites.measure.phases import Phases
from suites.plugin import interrupt, options
from suites.plugin.announcement import announcement
from suites.plugin.answer import answer_lines
from suites.plugin.cases import Measuring
from suites.plugin.changes import changes
from suites.plugin.console import ProgressLine
from suites.plugin.costs import Costs
from suites.plugin.devices import claim
from suites.plugin.findings import Asking
from suites.plugin.front_door import default_name
from suites.plugin.head import run_of
from suites.plugin.nothing import nothing_selected
from suites.records.case import Case
from suites.records.finding import Finding, Key, key
from suites.records.record import End, Operator, Record, Status
from suites.session import Session
from suites.survey import Survey
from suites.workers.threads import single_thread
from suites.workers.workers import workers_for


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
    """One invocation of `pytest suites`, as a plugin: a session, the run it writes, its progress, and its answer."""

    def __init__(self, config: pytest.Config) -> None:
        threads = single_thread()  # before anything is computed, for the sake of workers that are forked
        plan, asked = options.plan_of(config), config.option.benchmark_save
        run = run_of(config, plan, asked or default_name(), registry.absent(), threads)
        self.fingerprints = run.fingerprints
        named = None if asked == default_name() else asked
        self.recorder = Recorder.resume(run, named) if config.option.resume else Recorder(run)
        if not config.option.collectonly:
            config.add_cleanup(claim(plan.devices, self.recorder.name).close)
        if asked:
            config.option.benchmark_save = self.recorder.name  # pytest-benchmark's file gets the same name
        if config.option.verbose <= 0:
            config.option.no_header = True  # a run holds its environment
        config.option.benchmark_quiet = not options.asks_for_tables(config)
        self.profiles = ROOT.parent / "profiles" / self.recorder.name if config.option.profile else None
        self.progress = ProgressLine(verbosity=config.option.verbose)
        shown = self.progress
        heard, phases = config.option.capture == "no", Phases()
        self.workers = workers_for(plan, threads, heard=heard, phases=phases, alive=shown.alive, idle=shown.idle)
        measure, done = self.workers.measure, self.recorder.done
        self.session = Session(plan, done=done, started=shown.running, measure=measure, ended=self.save, phases=phases)
        examine, found = self.workers.examine, self.recorder.found
        self.survey = Survey(plan, done=found, make=examine, looking=shown.running, found=self.keep)
        self.asking = Asking(self.survey)
        for plugin in (self.progress, Measuring(self.session), self.asking, interrupt):
            config.pluginmanager.register(plugin)

    def save(self, case: Case, contestants: Sequence[Implementation], records: list[Record]) -> None:
        self.append(records)
        if self.profiles:
            measured = [record.implementation for record in records if record.status is Status.OK]
            self.append(self.workers.profile(case, measured, self.profiles))
        self.progress.done(case)

    def keep(self, findings: list[Finding]) -> None:
        self.append(findings)
        for finding in findings:
            self.progress.done(key(finding))

    def append(self, lines: Iterable[Record | Finding | Operator | End]) -> None:
        try:
            self.recorder.append(lines)
        except StoreError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.INTERNAL_ERROR)

    @property
    def complete(self) -> bool:
        selected = [part for part in (self.session, self.survey) if part.selected]
        return bool(selected) and not any(part.left for part in selected)

    @property
    def findings_left(self) -> set[Key]:
        return self.asking.selected - set(map(key, self.recorder.found))

    def pytest_report_collectionfinish(self, config: pytest.Config) -> list[str]:
        if not (self.session.selected or self.asking.selected):
            return nothing_selected(self.session.plan, config.option.keyword)
        width = columns(config.pluginmanager.getplugin("terminalreporter"))
        return announcement(self.session, self.findings_left, registry.absent(), width)

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        if not session.config.option.collectonly:
            self.progress.start(Costs.of(self.session.plan), self.session.left, self.findings_left)

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # around pytest's own summary: the answer comes last
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        self.progress.stop()
        self.workers.close()
        if fault := self.recorder.fault():
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif self.recorder.saved and self.recorder.may_end and self.complete:
            self.append([self.session.end()])
        self.recorder.close()
        yield
        if fault:
            print(f"ERROR: {fault}", file=sys.stderr)
        elif self.recorder.saved and (reporter := session.config.pluginmanager.getplugin("terminalreporter")):
            self.conclude(reporter)

    def conclude(self, reporter: pytest.TerminalReporter) -> None:
        """Print the answer, or the part of it that was measured, and what to do with the run."""
        measured = len(self.session.selected) > len(self.session.left)
        lines = self.answer(reporter, columns(reporter)) if measured else []
        lines += changes(self.session.plan, self.fingerprints)
        for line in (*lines, *self.recorder.describe(len(self.session.left), self.survey.left)):
            reporter.write_line(line)

    def answer(self, reporter: pytest.TerminalReporter, width: int | None) -> list[str]:
        """A line for each case, the answer of each group, and its limits; none with --no-summary."""
        import reports  # only now: what it loads has no part in what is measured

        if reporter.no_summary:
            return []
        found = reports.answer(self.recorder.name)
        cases, left = len(self.session.selected), len(self.session.left)
        floor = "" if left else found.noise_floor  # half a run has none
        lines = answer_lines(floor, found.table, found.notes, width=width, encoding=sys.stdout.encoding)
        return ["", *([f"{cases - left} of {cases} cases measured:"] if left else found.versus), *lines, ""]


def columns(reporter: pytest.TerminalReporter) -> int | None:
    """Of the terminal; None where pytest writes to a file."""
    return shutil.get_terminal_size().columns if reporter.isatty() else None
