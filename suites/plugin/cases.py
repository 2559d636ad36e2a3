"""Cases as pytest items: each implementation on a case is one test, which requests its record."""

import pytest

from suites.records.record import Record
from suites.session import Session


class Measuring:
    """A plugin with the parameters and the fixture `record` of tests marked `cases`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if marker := metafunc.definition.get_closest_marker("cases"):
            keys = self._session.plan.keys(*marker.args)
            metafunc.parametrize("case, implementation", keys, ids=["-".join(key) for key in keys])

    @pytest.fixture
    def record(self, request: pytest.FixtureRequest, case: str, implementation: str) -> Record:
        """The record of an implementation on a case. The first request measures the whole case."""
        (task,) = request.node.get_closest_marker("cases").args
        return self._session.record(task, case, implementation)

    @pytest.hookimpl(tryfirst=True)  # before the terminal reporter describes what was collected
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            marker, skipped = item.get_closest_marker("cases"), item.get_closest_marker("skip")
            if isinstance(item, pytest.Function) and marker and not skipped:  # pytest skips a task without cases
                (task,), params = marker.args, item.callspec.params
                self._session.select(task, str(params["case"]), str(params["implementation"]))
