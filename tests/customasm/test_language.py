"""The plain language (docs/spec/customasm.md), kind by kind: bits, messages and their lines."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from lrvm_tools.lasm import assemble_program_file
from tests.assembly_cases import Case, cases, check

ALL = cases(Path(__file__).parent / "language", ".asm")


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_case(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path, partial(assemble_program_file, instruction_set="rules"))
