"""`lrvm dis --native`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lrvm_tools.cli.native import PARTS
from tests.tools.command import lrvm, on_terminal, report

PROGRAM = """\
LIMIT = 0x100
start:
    cpy ac0, 0x4000
loop:
    lsa a0, ac0, 0
    cmp a0, ssp
    ifls
    jp loop
    cpy pc, a1
table:
    add a1, 1
    jp start
end:
    halt
"""
LOOP, TABLE = 0x04, 0x18


@pytest.fixture(autouse=True)
def _program(folder: Path) -> None:
    (folder / "program.lasm").write_text(PROGRAM)
    lrvm("asm", "program.lasm", "-o", "program.bin")


def native(*arguments: str) -> str:
    """What `dis --native` prints about the program."""
    result = lrvm("dis", "program.lasm", "--native", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_all_parts_in_order() -> None:
    text = native("loop")
    assert re.findall(r"^[;#] ---- (.*)$", text, re.M) == ["guest code", "LLVM IR", "machine code"]
    guest, ir, asm = re.split(r"^[;#] ---- .*\n\n", text, flags=re.M)[1:]
    assert f"    0x{LOOP:08X}  lsa a0, ac0, 0x0" in guest
    assert "define " in ir
    assert f"; 0x{LOOP:08X}  lsa a0, ac0, 0x0" in ir
    assert f"# 0x{LOOP:08X}  lsa a0, ac0, 0x0" in asm


@pytest.mark.parametrize("part", PARTS)
def test_one_part_has_no_title(part: str) -> None:
    text = native("loop", "--native-part", part)
    assert "----" not in text
    assert f"\n\n{text}" in native("loop")
    assert report("dis", "program.lasm", "--native", "loop")[part] == text


def test_parts_can_be_combined() -> None:
    text = native("loop", "--native-part", "asm", "--native-part", "guest")
    assert re.findall(r"^[;#] ---- (.*)$", text, re.M) == ["guest code", "machine code"]


def test_an_address_is_as_good_as_a_label() -> None:
    text = native("loop")
    assert native("4") == native("0x4") == text
    of_image = lrvm("dis", "program.bin", "--native", "0x04").stdout
    assert of_image == text.replace("loop", "loc_0004")


def test_labels_that_dis_makes_up() -> None:
    assert lrvm("dis", "program.bin", "--native", "loc_0004").exit_code == 0
    assert native("loc_0004") == native("loop")


def test_userland() -> None:
    supervisor = report("dis", "program.lasm", "--native", "loop")
    assert (supervisor["mode"], supervisor["interpreted"]) == ("supervisor", [])
    userland = report("dis", "program.lasm", "--native", "loop", "--userland")
    # It may not read ssp.
    assert (userland["mode"], userland["interpreted"]) == ("userland", [LOOP + 4])
    assert "interpreted: userland must not read ssp" in userland["guest"]


def test_entries_are_targets_of_computed_jumps() -> None:
    # The made-up label of a further entry is no more than a name.
    assert f"0x{TABLE:08X}" not in native("0x14")
    text = native("0x14", "--entry", str(TABLE))
    assert f"0x{TABLE:08X}  inc a1" in text


def test_json() -> None:
    document = report("dis", "program.lasm", "--native", "loop", "--native-part", "guest")
    assert document["file"] == "program.lasm"
    assert (document["label"], document["address"]) == ("loop", LOOP)
    assert document["entries"] == [LOOP]
    assert document["instructions"] == 4
    assert document["guest"].startswith("; Region of 0x00000004 (loop)")
    assert not {"ir", "asm"} & document.keys()


def test_output_file(folder: Path) -> None:
    assert native("loop", "-o", "out.txt") == ""
    assert (folder / "out.txt").read_text() == native("loop")


def test_a_program_without_labels(folder: Path) -> None:
    (folder / "bare.bin").write_bytes(bytes.fromhex("f0000000 12345678"))
    result = lrvm("dis", "bare.bin", "--native", "main")
    assert result.stderr == (
        "lrvm: error: unknown label 'main'; the program has none, give an address\n"
    )


def test_the_file_taken_for_the_label() -> None:
    result = lrvm("dis", "--native", "program.lasm")
    assert result.exit_code == 2
    assert "Missing argument 'FILE': 'program.lasm' is taken for the LABEL" in result.stderr
    assert "Missing argument 'FILE'.\n" in lrvm("dis").stderr


def test_mistakes_in_json() -> None:
    document = report("dis", "program.lasm", "--native", "end", code=2)
    assert document["error"].startswith("program.lasm: nothing to translate at 0x00000020")


def test_colours_on_a_terminal_only() -> None:
    assert "\x1b" not in native("loop")
    code, text = on_terminal("dis", "program.lasm", "--native", "loop")
    assert code == 0
    assert "\x1b[1mloop:\x1b[0m" in text
    shown = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "")
    assert shown.expandtabs() == native("loop").expandtabs()
    _, plain = on_terminal("dis", "program.lasm", "--native", "loop", NO_COLOR="1", TERM="dumb")
    assert "\x1b" not in plain
