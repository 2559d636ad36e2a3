"""Fixtures for all tests. Installed implementations from outside the checkout take no part: a bug there is not ours."""

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from implementations import discovery, registry
from tests.checkout import Checkout

registry.sources[:] = [discovery.load_folder]
os.environ["COSINEBENCH_LOCKS"] = tempfile.mkdtemp(prefix="cosinebench-locks-")  # tests run side by side

for _name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
    os.environ.pop(_name, None)  # a pytest that a test starts is no worker: pytest-benchmark would save nothing there

_ALONE = pytest.StashKey[set[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Let tests/test_implementations.py check an author's own file."""
    try:
        for file in config.option.implementations_from or ():
            discovery.load_file(Path(file))
    except registry.RegistryError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)  # before -m leaves some out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[_ALONE] = {item.path for item in items if item.get_closest_marker("alone")}


@pytest.fixture
def files_with_tests_alone(pytestconfig: pytest.Config) -> set[Path]:
    """Of the files that this session collected."""
    return pytestconfig.stash[_ALONE]


def pytest_collection_finish() -> None:
    """Exempt what is loaded from garbage collection: each measured case begins with one."""

    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One torch thread for the module's tests: small calls are quick without barriers between threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def checkout(pytester: pytest.Pytester) -> Checkout:
    """A copy of this checkout, for a test to measure, save and break things in."""
    return Checkout.copy(pytester)
