"""The plain language (docs/spec/customasm.md), kind by kind: bits, messages and their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrvm_tools.lasm import AssemblyError, assemble_program
from tests.customasm.cases import Case, cases, told

ALL = list(cases())


def test_names_are_unique() -> None:
    names = [case.name for case in ALL]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_case(case: Case, tmp_path: Path) -> None:
    for name, text in case.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    bits = case.expected_bits()
    main = tmp_path / "main.asm"
    if bits is not None:
        assembly = assemble_program(main.read_text(), main, instruction_set="rules")
        assert (f"{assembly.bits:x}", assembly.bit_length) == (f"{bits[0]:x}", bits[1])
        return
    expected = case.expected_messages()
    assert expected, "the case expects nothing"
    with pytest.raises(AssemblyError) as caught:
        assemble_program(main.read_text(), main, instruction_set="rules")
    # Each expected message is told, and no other.
    found = told(caught.value)
    left = list(found)
    for kind, file, line, text in expected:
        match = next(
            (
                one
                for one in left
                if one[:3] == (kind, Path(file).name, line) and one[3].startswith(text)
            ),
            None,
        )
        assert match is not None, f"{kind} {file}:{line}: {text} is not among {found}"
        left.remove(match)
    assert left == []
