"""Findings as pytest items: each finding is one test, made when the test asks for it."""

from pathlib import Path
from typing import cast

import pytest

from suites.records.finding import Finding, Key
from suites.survey import Survey


class Asking:
    """The plugin that gives the tests of findings their parameters and their fixture `finding`."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave the error suite out where the grid has none, and the Siamese loops where nobody names their file.

        pytest asks this of what it finds in a folder, never of a file on the command line.
        """
        left_out = {"test_errors.py": not self._survey.wanted, "test_always_one.py": True}
        return True if left_out.get(collection_path.name) else None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if marker := metafunc.definition.get_closest_marker("findings"):
            asked = self._survey.asked(*marker.args)
            metafunc.parametrize("asked", asked, ids=["-".join(filter(None, key)) for _, *key in asked])

    @pytest.fixture
    def finding(self, asked: Key) -> Finding:
        """What is found when an implementation is asked a question on a subject."""
        return self._survey.finding(asked)

    @pytest.hookimpl(tryfirst=True)  # as the cases
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            marked = item.get_closest_marker("findings") and not item.get_closest_marker("skip")
            if isinstance(item, pytest.Function) and marked:
                self._survey.select(cast(Key, item.callspec.params["asked"]))
