"""Findings as pytest items: each finding is one test, made when the test requests it."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from nearest import some_of
from suites.records.finding import Accuracy, Finding, Key
from suites.records.record import Status
from suites.survey import Survey

MOST = 6
"""How many implementations and families are named."""


class Asking:
    """A plugin with the parameters and the fixture `finding` of tests marked `findings`. `selected`: what those ask."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self.selected: set[Key] = set()
        self._given: dict[Key, Finding] = {}

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out the error suite if the grid has no families, and the Siamese loops unless their file is named.

        pytest calls this for the files it finds in a folder, never for one on the command line.
        """
        left_out = {"test_errors.py": not self._survey.wanted, "test_always_one.py": True}
        return True if left_out.get(collection_path.name) else None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if marker := metafunc.definition.get_closest_marker("findings"):
            asked = self._survey.asked(*marker.args)
            metafunc.parametrize("asked", asked, ids=["-".join(filter(None, key)) for _, *key in asked])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Cases first: speed is the question, and findings may take minutes."""
        items.sort(key=lambda item: "findings" in item.keywords)

    @pytest.fixture
    def finding(self, asked: Key) -> Finding:
        """The finding of a question about an implementation on a subject."""
        return self._given.setdefault(asked, self._survey.finding(asked))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what pytest counts as xfailed: on which families each implementation is wrong."""
        for line in wrong_lines(self._given.values()):
            terminalreporter.write_line(line)

    @pytest.hookimpl(tryfirst=True)  # as for the cases
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            marked = item.get_closest_marker("findings") and not item.get_closest_marker("skip")
            if isinstance(item, pytest.Function) and marked:
                asked = cast(Key, item.callspec.params["asked"])
                self._survey.select(asked)
                self.selected.add(asked)


def wrong_lines(findings: Iterable[Finding]) -> list[str]:
    """A line for each implementation with the families on which it is wrong, most families first."""
    wrong: dict[str, dict[str, None]] = {}
    for one in findings:
        if isinstance(one, Accuracy) and one.status is Status.WRONG:
            wrong.setdefault(one.implementation, {})[one.family] = None
    ranked = sorted(wrong.items(), key=lambda item: -len(item[1]))
    lines = [f"  {name}: {some_of(families, most=MOST)}" for name, families in ranked[:MOST]]
    if len(ranked) > MOST:
        lines.append(f"  and {len(ranked) - MOST} more implementations; `python -m reports` names all")
    return ["xfailed: wrong on hard inputs, which is a result and no failure of the suite", *lines] if lines else []
