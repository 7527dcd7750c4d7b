"""Type checkers see the operands of every constructor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SNIPPET = """\
from lrvm_tools.program import Instr, Label, Program, Reg

right: Instr = Instr.cpy(Reg.A0, 5)
program: Program = Program().add(right, Instr.jp("loop"), Instr.jp(Label("loop") + 4))
Instr.halt()
Instr.shl(Reg.A0, Reg.A1)
Instr.lsa(Reg.A0, "loop")
Instr.div(Reg.A0, 2)

Instr.cpy("a0", 1)  # wrong
Instr.cpy(0, 1)  # wrong
Instr.cpy(Reg.A0)  # wrong
Instr.cpy(Reg.A0, 1.5)  # wrong
Instr.shl(Reg.A0, "loop")  # wrong
Instr.halt(1)  # wrong
Instr.lea(Reg.A0)  # wrong
Instr.wsa(Reg.A0, 1)  # wrong
Instr.zro(1)  # wrong
Instr.jmp("loop")  # wrong
Program().add(5)  # wrong
Program().set_register("a0", 1)  # wrong
"""

CONFIGURATION = f"""\
[mypy]
strict = True
mypy_path = {ROOT / "tools"}:{ROOT}
follow_imports = silent

[mypy-numpy.*]
follow_imports = skip
"""


@pytest.mark.slow
def test_mypy_refuses_exactly_the_wrong_lines(tmp_path: Path) -> None:
    from mypy import api

    source = tmp_path / "snippet.py"
    source.write_text(SNIPPET)
    (tmp_path / "mypy.ini").write_text(CONFIGURATION)
    output, errors, _ = api.run(
        [
            f"--config-file={tmp_path / 'mypy.ini'}",
            f"--cache-dir={tmp_path / 'cache'}",
            "--no-error-summary",
            str(source),
        ]
    )
    assert not errors
    found = {int(line) for line in re.findall(r"snippet\.py:(\d+): error", output)}
    wrong = {n for n, line in enumerate(SNIPPET.splitlines(), 1) if line.endswith("# wrong")}
    assert found == wrong, output
