"""Fixtures that every test shares."""

from __future__ import annotations

import gc
import os
import signal
import threading

import pytest
from hypothesis import settings

from lrvm_jit.batch.worker import BATCH_LOOP
from lrvm_jit.jit.baseline.code import PATCHER
from lrvm_jit.kernel.build.compile import load, load_kernel
from tests.engines import ENGINES, EngineChoice, engine_id

# How long an example takes says more about the machine than about the code. `make fuzz` looks at
# many more examples.
settings.register_profile("usual", deadline=None, max_examples=40)
settings.register_profile("fuzz", deadline=None, max_examples=1000)
settings.load_profile("fuzz" if os.environ.get("LRVM_FUZZ") else "usual")


def pytest_configure() -> None:
    """Tests mean the signals of a process that was started by hand. `nohup`, `make test &` in a
    script and some CI start it with SIGINT ignored or blocked, which child processes inherit."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGUSR1", "SIGCHLD"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if not callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


@pytest.fixture(scope="session", autouse=True)
def _kernel() -> None:
    """All that is compiled once is compiled before any test: the lines on stderr belong to none
    of them."""
    load_kernel()
    load(BATCH_LOOP)
    load(PATCHER)
    # All modules and all collected tests: nothing of that ever becomes garbage, and looking
    # through it takes a third of a second at each collection that some test asks for.
    gc.collect()
    gc.freeze()


@pytest.fixture(params=ENGINES, ids=engine_id)
def engine(request: pytest.FixtureRequest) -> EngineChoice:
    """Each engine in turn: a machine behaves the same on all of them."""
    choice: EngineChoice = request.param
    return choice
