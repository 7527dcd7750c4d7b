"""The assembled program as a value, and programs of real size."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

import lrvm_tools
from lrvm_jit.isa import Reg, encode
from lrvm_tools.lasm import Assembly, Place, assemble, assemble_program


def test_words_are_big_endian_and_padded() -> None:
    words = assemble('#d "abcde"')
    assert words.dtype == np.uint32
    assert words.tolist() == [0x61626364, 0x65000000]
    assert assemble("").shape == (0,)


def test_words_may_be_changed() -> None:
    words = assemble("halt")
    words[0] = 1
    assert words.tolist() == [1]


def test_symbols_have_their_whole_names() -> None:
    source = 'x: halt\n.a: halt\n..b = 5\nflag = 1 == 1\ntext = "AB"\n#fn f() => 1'
    assert assemble_program(source).symbols == {
        "x": 0,
        "x.a": 4,
        "x.a.b": 5,
        "flag": 1,
        "text": 0x4142,
    }


def test_entries_tell_labels_from_constants_and_where_they_are() -> None:
    entries = assemble_program("x: halt\n  k = 5", "p.lasm").entries
    assert [(entry.name, entry.is_label, entry.line) for entry in entries] == [
        ("x", True, 1),
        ("k", False, 2),
    ]
    assert entries[0].path == "p.lasm"


def test_source_map() -> None:
    source = "x:\n    halt\n\n    jp x ; again\n#res 4\n#d16 1, 2"
    assembly = assemble_program(source, "p.lasm")
    assert assembly.source_map == (
        ("", 0, 32, "p.lasm", 2),
        ("", 32, 32, "p.lasm", 4),
        ("", 96, 32, "p.lasm", 6),
    )
    assert assembly.bit_length == 128
    assert assembly.bits == int.from_bytes(assembly.bytes, "big")


def test_locate_finds_the_line_of_any_byte() -> None:
    assembly = assemble_program("#addr 8\nhalt\n#addr 0\n#d32 1", "p.lasm")
    assert [assembly.locate(address) for address in (0, 3, 4, 7, 8, 11, 12)] == [
        Place("p.lasm", 4),
        Place("p.lasm", 4),
        None,
        None,
        Place("p.lasm", 2),
        Place("p.lasm", 2),
        None,
    ]
    assert assemble_program("").locate(0) is None


def test_items_tell_what_each_line_gave() -> None:
    items = assemble_program("x: halt\n  #d4 1, 2, 3 ; bits\n#d4 4", "p.lasm").items
    assert [(item.address, item.data.hex(), item.line, item.source) for item in items] == [
        (0, "", 1, "x: halt"),
        (0, "f0000000", 1, "x: halt"),
        (4, "1230", 2, "  #d4 1, 2, 3 ; bits"),
        (5, "04", 3, "#d4 4"),
    ]
    assert [(item.bit_offset, item.bits) for item in items] == [(0, 0), (0, 32), (0, 12), (4, 4)]


def test_assembly_is_a_plain_value() -> None:
    assert assemble_program("halt") == assemble_program("halt")
    assert isinstance(assemble_program("halt"), Assembly)


def test_program_of_ten_thousand_lines() -> None:
    lines: list[str] = []
    words: list[int] = []
    for number in range(1_250):
        address = 4 * len(words)
        lines += [
            f"block{number}: ; block {number}",
            f"    cpy a0, 0x{number:x}",
            f"    add a1, value{number} * 2 + 1",
            "    ifeq",
            f"    jp block{number // 2}",
            "    lsa rr0, a1, 4",
            f".end: jpr .end - block{number}",
            f"value{number} = {number} & 0xff",
        ]
        words += [
            encode("cpy", Reg.A0, number),
            encode("add", Reg.A1, (number & 0xFF) * 2 + 1),
            encode("if", 0),
            encode("cpy", Reg.PC, number // 2 * 24),
            encode("lsa", Reg.RR0, Reg.A1, 4),
            encode("jpr", 20),
        ]
        assert address == number * 24
    assert len(lines) == 10_000
    assert assemble("\n".join(lines)).tolist() == words


def test_the_assembler_itself_imports_no_heavy_modules() -> None:
    # What only some programs need must wait until they need it. The packages around the assembler
    # are left out: `lrvm_jit` is there before, `lrvm_tools` is replaced by an empty module.
    code = f"""
import sys, types, lrvm_jit.isa
sys.modules["lrvm_tools"] = package = types.ModuleType("lrvm_tools")
package.__path__ = {list(lrvm_tools.__path__)!r}
before = set(sys.modules)
import lrvm_tools.lasm
new = {{name.split(".")[0] for name in set(sys.modules) - before}}
assert not new & {{"numpy", "numba", "lark", "rich", "click", "difflib"}}, new
"""
    subprocess.run([sys.executable, "-c", code], check=True)
