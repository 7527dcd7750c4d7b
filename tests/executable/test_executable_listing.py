"""Disassembling executables: with their names, the source beside, and back to the same bytes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from click.testing import CliRunner

from lrvm_jit.isa.table import INSTRUCTIONS, REGISTER_NAMES
from lrvm_tools import assemble
from lrvm_tools.cli.app import cli
from lrvm_tools.executable import LineRow, Symbol, SymbolKind
from lrvm_tools.executable.listing import names_of
from tests.executable.samples import program


def test_names_and_source_stand_in_the_listing(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("int f(void)\n{\n    return\t1;  // \x1b[2J\n}\n")
    made = dataclasses.replace(
        program("call 8\nhalt\ncpy a0, 1\nret"),
        symbol_table=(
            Symbol("_start", 0, 8, SymbolKind.FUNCTION),
            Symbol("f", 8, 8, SymbolKind.FUNCTION),
        ),
        files=("main.c",),
        rows=(LineRow(0, 0, 0), LineRow(8, 0, 3), LineRow(12, 0, 3, 9), LineRow(16, 0, 99)),
        folder=str(tmp_path),
    )
    path = tmp_path / "a.elf"
    made.save(path)
    done = CliRunner().invoke(cli, ["dis", str(path)])
    assert done.output.splitlines() == [
        "_start:",
        "    call f",
        "    halt",
        "f:",
        "    cpy a0, 0x1                         ; main.c:3  return 1;  //  [2J",
        "    ret",
    ]


def test_every_name_makes_a_label(tmp_path: Path) -> None:
    """Names of C and C++ can be those of registers, of instructions, or have dots."""
    awkward = [
        *REGISTER_NAMES,
        *(row.mnemonic for row in INSTRUCTIONS),
        *("asm", "true", "assert", "x.1", "x_1", "1st", "$d", "ünï", "le", "sizeof", "f", "f"),
    ]
    words = "halt\n" * len(awkward)
    made = program(words)
    symbols = tuple(Symbol(name, 4 * k, 4, SymbolKind.FUNCTION) for k, name in enumerate(awkward))
    made = dataclasses.replace(made, symbol_table=symbols)
    names = names_of(made)
    assert len(set(names.values())) == len(awkward)
    path = tmp_path / "a.elf"
    made.save(path)
    listing = CliRunner().invoke(cli, ["dis", str(path)]).output
    assert assemble(listing).tolist() == made.words.tolist()
