"""The conformance vectors: what the original assembler gives, or that it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lrvm_tools.lasm import AssemblyError, assemble_program

VECTORS = Path(__file__).parents[1] / "data" / "lasm.jsonl"


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]


def test_there_are_vectors() -> None:
    assert len(rows()) >= 150


@pytest.mark.parametrize("row", rows(), ids=lambda row: repr(row["source"][:50]))
def test_vector(row: dict[str, Any]) -> None:
    if "bytes" in row:
        assert assemble_program(row["source"]).bytes.hex() == row["bytes"]
    else:
        with pytest.raises(AssemblyError) as caught:
            assemble_program(row["source"])
        assert caught.value.diagnostics
