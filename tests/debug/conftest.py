"""Fixtures of the debugger's tests."""

from __future__ import annotations

import pytest

from tests.engines import ENGINES, EngineChoice, engine_id


@pytest.fixture(params=ENGINES, ids=engine_id)
def engine(request: pytest.FixtureRequest) -> EngineChoice:
    """Each engine."""
    choice: EngineChoice = request.param
    return choice
