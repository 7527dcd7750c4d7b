"""Fixtures of the tools' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines import ENGINES


@pytest.fixture(params=[engine for engine in ENGINES if isinstance(engine, str)])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that has a name: options are for the library."""
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
