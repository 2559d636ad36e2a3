"""SIGTERM ends a session as Ctrl-C does: pytest stops, and what was measured is said."""

import signal
import threading
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """Take SIGTERM for Ctrl-C while tests run. Only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return (yield)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return (yield)
    finally:
        signal.signal(signal.SIGTERM, before)
