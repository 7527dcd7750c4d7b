"""Fixtures that every test of the machine shares."""

from __future__ import annotations

import pytest

from tests.engines import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn: a machine behaves the same on all of them."""
    return str(request.param)
