"""What is installed beside the checkout takes no part in its tests: a bug there would be theirs."""

import os
from collections.abc import Iterator

import pytest
import torch

from implementations import discovery, registry

registry.sources[:] = [discovery.load_folder]

for _name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
    os.environ.pop(_name, None)  # a pytest that a test starts is no worker: pytest-benchmark would save nothing there


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """No barriers between threads: small calls are quick."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
