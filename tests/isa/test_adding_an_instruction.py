"""What docs/adding-an-instruction.md says, done to a copy of the sources, works on every engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-an-instruction.md"

PROGRAM = """
import sys
from lrvm_components import BootRom
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.batch import Batch
from lrvm_jit.isa import encode, format_word, Reg
from lrvm_jit.isa.page import page
from lrvm_tools import assemble
from lrvm_tools.program import Instr

SOURCE = '''
    cpy c0, 3000
    cpy c1, 0xFFFF
    shl c1, 16
loop:
    cpy a0, c0
    min a0, 100     ; a literal
    add a1, a0
    cpy a2, c1
    min a2, c0      ; a register, unsigned
    add a3, a2
    cpy a4, 1
    min a4, 0       ; the flags are those of the result
    ifeq
    inc a5
    dec c0
    ifnq
    jp loop
    halt
'''
program = assemble(SOURCE)
expected = [sum(min(k, 100) for k in range(1, 3001)), sum(range(1, 3001)), 3000]

def result(regs):
    return [int(regs[1]), int(regs[3]), int(regs[5])]

eager = TranslatorOptions(threshold=1, background=False)
for engine in ("reference", "interpreter", "translator", eager):
    with Motherboard([BootRom(program, 0x1000)], engine=engine) as board:
        board.map_contiguous(0)
        board.reset()
        stop = board.run(10**6)
        assert stop.reason == "halted", (engine, stop)
        assert result(board.cpu.regs) == expected, (engine, result(board.cpu.regs))
        if engine is eager:
            stats = board.stats()
            assert stats.exits.get("instruction for the interpreter", 0) < 100, stats
            assert stats.translated > 30000, stats
batch = Batch(program, n=3, ram_size=4)
batch.run(max_cycles=10**6)
assert [result(row) for row in batch.regs] == [expected] * 3
assert format_word(encode("min", Reg.A0, 100)) == "min a0, 0x64"
assert "| 0x00 | min |" in page()
assert Instr("min", (Reg.A0, 5)).encode() == encode("min", Reg.A0, 5)
print("all engines agree")
"""


def hunks(text: str) -> list[tuple[str, str, str]]:
    """File, old and new lines of each diff on the page."""
    found = []
    for block in re.findall(r"```diff\n--- (\S+)\n(.*?)```", text, re.DOTALL):
        path, lines = block[0], block[1].splitlines()
        old = [line[1:] for line in lines if line[:1] != "+"]
        new = [line[1:] for line in lines if line[:1] != "-"]
        found.append((path, "\n".join(old) + "\n", "\n".join(new) + "\n"))
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages with the page's changes made."""
    for folder in ("lrvm_jit", "components/lrvm_components", "tools/lrvm_tools"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    changes = hunks(PAGE.read_text(encoding="utf-8"))
    assert len(changes) == 8
    for path, old, new in changes:
        text = (tmp_path / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} has this {text.count(old)} times:\n{old}"
        (tmp_path / path).write_text(text.replace(old, new), encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_a_new_instruction_walks_through_every_room(copy: Path) -> None:
    path = os.pathsep.join(str(copy / part) for part in ("", "components", "tools"))
    environment = {**os.environ, "PYTHONPATH": path, "LRVM_JIT_CACHE_DIR": str(copy / "cache")}
    (copy / "cache").mkdir(mode=0o700)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "all engines agree" in done.stdout
    where = [sys.executable, "-c", "import lrvm_jit; print(lrvm_jit.__file__)"]
    loaded = subprocess.run(where, env=environment, cwd=copy, capture_output=True, text=True)
    assert loaded.stdout.startswith(str(copy)), "the copy was not what ran"
