"""Fixtures that every test shares."""

from __future__ import annotations

import pytest

from lrvm_jit.kernel.compile import load_kernel
from tests.engines import ENGINES, EngineChoice, engine_id


@pytest.fixture(scope="session", autouse=True)
def _kernel() -> None:
    """The kernel is compiled before any test: the line on stderr belongs to none of them."""
    load_kernel()


@pytest.fixture(params=ENGINES, ids=engine_id)
def engine(request: pytest.FixtureRequest) -> EngineChoice:
    """Each engine in turn: a machine behaves the same on all of them."""
    choice: EngineChoice = request.param
    return choice
