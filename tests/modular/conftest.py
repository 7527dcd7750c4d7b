"""Fixtures of the modular machines' tests. A test that hangs fails, and the next one runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator

import pytest

from tests.modular.schedulers import SCHEDULERS, SchedulerName
from tests.modular.ways import WAYS

PATIENCE = 600
"""Seconds after which a test is taken to hang: far more than any needs."""


class HungError(KeyboardInterrupt):
    """Ends a machine as Ctrl-C does, so that nothing of it is left for the next test."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    def interrupt(*_: object) -> None:
        raise HungError(f"not done after {PATIENCE} seconds")

    outer = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, 5)
    try:
        yield
    except HungError as hung:
        pytest.fail(str(hung))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, outer)


@pytest.fixture(params=SCHEDULERS)
def scheduler(request: pytest.FixtureRequest) -> SchedulerName:
    """Each scheduler in turn: a machine does the same under both."""
    name: SchedulerName = request.param
    return name


@pytest.fixture(autouse=True)
def _no_threads_left() -> Generator[None, None, None]:
    """Whatever a test does to a machine, its threads are gone afterwards. The translator's serves
    the whole process, and whichever test has hot code first starts it."""
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name != "lrvm_jit translator"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Each way in which a machine of compiled parts can run."""
    name: str = request.param
    return name
