"""Values of the plain language (docs/spec/customasm.md, sections 1 and 3): a table of lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lrvm_tools.lasm import AssemblyError, assemble_program
from tests.assembly_cases import messages

TABLE = Path(__file__).parent / "language" / "expressions.txt"


def rows() -> Iterator[tuple[str, str, str]]:
    for line in TABLE.read_text().splitlines():
        for mark in (" =>", " =b", " !!"):
            expression, found, expected = line.rpartition(mark)
            if found and not line.startswith((";", "#")):
                yield expression, mark.strip(), expected.strip()
                break


@pytest.mark.parametrize(("expression", "kind", "expected"), list(rows()))
def test_expression(expression: str, kind: str, expected: str) -> None:
    source = f"#d {expression}"
    if kind == "!!":
        with pytest.raises(AssemblyError) as caught:
            assemble_program(source, instruction_set="rules")
        texts = [one.message for found in caught.value.diagnostics for one in messages(found)]
        assert any(text.startswith(expected) for text in texts), texts
        return
    assembly = assemble_program(source, instruction_set="rules")
    base, bits = (2, 1) if kind == "=b" else (16, 4)
    assert assembly.bit_length == bits * len(expected)
    assert assembly.bits == int(expected or "0", base)
