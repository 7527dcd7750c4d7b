"""Lines of JSON that are made column by column."""

from __future__ import annotations

import json

import numpy
import pytest
from numpy.typing import NDArray

from lrvm_jit.debug.trace_file import row_dicts
from lrvm_jit.debug.trace_lines import json_lines

INTERESTING = (0, 1, 9, 10, 9999, 10_000, 10_001, 99_990_000, 99_999_999, 10**8, 2**32 - 1)


def parsed(rows: NDArray[numpy.int64]) -> list[dict[str, object]]:
    text = b"".join(json_lines(rows))
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("value", INTERESTING)
def test_every_number_of_digits(value: int) -> None:
    rows = numpy.full((7, 3), value, numpy.int64)
    rows[3] = 31, 0, -1
    rows[4:, 2] = -1
    assert parsed(rows) == list(row_dicts(rows))
    assert parsed(rows)[2] == {
        "cycle": value,
        "pc": value,
        "word": value,
        "register": None,
        "value": None,
        "address": None,
        "stored": None,
    }


def test_columns_of_different_lengths() -> None:
    """More rows than a piece has, cycles beyond 32 bits, and nothing known of some columns."""
    random = numpy.random.default_rng(3)
    rows = random.integers(0, 2**32, (7, 10_000))
    rows >>= random.integers(0, 32, rows.shape)
    rows[0] += 2**62
    rows[3] = random.integers(-1, 32, 10_000)
    rows[5:, :5000] = -1
    rows[5:] = numpy.where(random.integers(0, 2, (2, 10_000)), rows[5:], -1)
    assert parsed(rows) == list(row_dicts(rows))


def test_no_rows() -> None:
    assert parsed(numpy.empty((7, 0), numpy.int64)) == []
