"""Fixtures that every test shares."""

from __future__ import annotations

import pytest
from hypothesis import settings

from lrvm_jit.batch.worker import BATCH_LOOP
from lrvm_jit.kernel.compile import load, load_kernel
from tests.engines import ENGINES, EngineChoice, engine_id

# How long an example takes says more about the machine than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session", autouse=True)
def _kernel() -> None:
    """All that is compiled once is compiled before any test: the lines on stderr belong to none
    of them."""
    load_kernel()
    load(BATCH_LOOP)


@pytest.fixture(params=ENGINES, ids=engine_id)
def engine(request: pytest.FixtureRequest) -> EngineChoice:
    """Each engine in turn: a machine behaves the same on all of them."""
    choice: EngineChoice = request.param
    return choice
