"""Fixtures of the benchmark's tests."""

from __future__ import annotations

import pytest

from lrvm_jit.bench.native import NativeUnavailableError, find_compiler


@pytest.fixture
def compiler() -> None:
    """For tests that compile C."""
    try:
        find_compiler()
    except NativeUnavailableError as error:
        pytest.skip(str(error))
