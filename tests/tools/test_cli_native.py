"""`lrvm dis --native`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lrvm_tools.cli.app import cli
from lrvm_tools.cli.native import PARTS
from tests.tools.test_cli_terminal import on_terminal

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
LOOP, COMPUTED, TABLE, END = 0x04, 0x14, 0x18, 0x20


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.lasm").write_text(PROGRAM)
    lrvm("asm", "program.lasm", "-o", "program.bin")
    return tmp_path


def lrvm(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="lrvm")


def native(*arguments: str) -> str:
    """What `dis --native` prints about the program."""
    result = lrvm("dis", "program.lasm", "--native", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def report(*arguments: str, code: int = 0) -> Any:
    result = lrvm("dis", "--json", *arguments)
    assert (result.exit_code, result.stderr) == (code, "")
    document = json.loads(result.stdout)
    assert document["exit_code"] == code
    return document


def test_all_parts_in_order(folder: Path) -> None:
    text = native("loop")
    assert re.findall(r"^[;#] ---- (.*)$", text, re.M) == ["guest code", "LLVM IR", "machine code"]
    guest, ir, asm = re.split(r"^[;#] ---- .*\n\n", text, flags=re.M)[1:]
    assert f"    0x{LOOP:08X}  lsa a0, ac0, 0x0" in guest
    assert "define " in ir
    assert f"; 0x{LOOP:08X}  lsa a0, ac0, 0x0" in ir
    assert f"# 0x{LOOP:08X}  lsa a0, ac0, 0x0" in asm


@pytest.mark.parametrize("part", PARTS)
def test_one_part_has_no_title(folder: Path, part: str) -> None:
    text = native("loop", "--native-part", part)
    assert "----" not in text
    assert f"\n\n{text}" in native("loop")
    assert report("program.lasm", "--native", "loop")[part] == text


def test_parts_can_be_combined(folder: Path) -> None:
    text = native("loop", "--native-part", "asm", "--native-part", "guest")
    assert re.findall(r"^[;#] ---- (.*)$", text, re.M) == ["guest code", "machine code"]


def test_an_address_is_as_good_as_a_label(folder: Path) -> None:
    text = native("loop")
    assert native("4") == native("0x4") == text
    of_image = lrvm("dis", "program.bin", "--native", "0x04").stdout
    assert of_image == text.replace("loop", "loc_0004")


def test_labels_that_dis_makes_up(folder: Path) -> None:
    assert lrvm("dis", "program.bin", "--native", "loc_0004").exit_code == 0
    assert native("loc_0004") == native("loop")


def test_userland(folder: Path) -> None:
    supervisor = report("program.lasm", "--native", "loop")
    assert (supervisor["mode"], supervisor["interpreted"]) == ("supervisor", [])
    userland = report("program.lasm", "--native", "loop", "--userland")
    # It may not read ssp.
    assert (userland["mode"], userland["interpreted"]) == ("userland", [LOOP + 4])
    assert "interpreted: userland must not read ssp" in userland["guest"]


def test_entries_are_targets_of_computed_jumps(folder: Path) -> None:
    # The made-up label of a further entry is no more than a name.
    assert f"0x{TABLE:08X}" not in native("0x14")
    text = native("0x14", "--entry", str(TABLE))
    assert f"0x{TABLE:08X}  inc a1" in text


def test_json(folder: Path) -> None:
    document = report("program.lasm", "--native", "loop", "--native-part", "guest")
    assert document["file"] == "program.lasm"
    assert (document["label"], document["address"]) == ("loop", LOOP)
    assert document["entries"] == [LOOP]
    assert document["instructions"] == 4
    assert document["guest"].startswith("; Region of 0x00000004 (loop)")
    assert not {"ir", "asm"} & document.keys()


def test_output_file(folder: Path) -> None:
    assert native("loop", "-o", "out.txt") == ""
    assert (folder / "out.txt").read_text() == native("loop")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--native", "lop"], "unknown label 'lop'; did you mean 'loop'"),
        (["--native", "xyzzy"], "unknown label 'xyzzy'; known are start, loop, table, end"),
        (["--native", "LIMIT"], "unknown label 'LIMIT'"),
        (["--native", "0xg"], "'0xg' is no address, such as 32 or 0x20"),
        (["--native", "6"], "nothing to translate at 0x00000006: instructions have addresses"),
        (["--native", "0x400"], "nothing to translate at 0x00000400: the program ends at 0x000000"),
        (["--native", "end"], "at 0x00000020: `halt` is left to the interpreter, as it halts"),
        (["--native", "end", "--userland"], "`halt` is left to the interpreter, as userland"),
        (["--native"], "Option '--native' requires an argument"),
        (["--native", "loop", "--native-part", "all"], "'all' is not one of 'guest', 'ir', 'asm'"),
        (["--native", "loop", "--plain"], "--native and --plain exclude each other"),
        (["--native", "loop", "--graph", "dot"], "--native and --graph exclude each other"),
        (["--native-part", "ir"], "--native-part goes with --native only"),
        (["--userland"], "--userland goes with --native only"),
        (["--native", "loop", "-o", "program.lasm"], "program.lasm is the input itself"),
    ],
)
def test_mistakes(folder: Path, arguments: list[str], message: str) -> None:
    result = lrvm("dis", "program.lasm", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_program_without_labels(folder: Path) -> None:
    (folder / "bare.bin").write_bytes(bytes.fromhex("f0000000 12345678"))
    result = lrvm("dis", "bare.bin", "--native", "main")
    assert result.stderr == (
        "lrvm: error: unknown label 'main'; the program has none, give an address\n"
    )


def test_the_file_taken_for_the_label(folder: Path) -> None:
    result = lrvm("dis", "--native", "program.lasm")
    assert result.exit_code == 2
    assert "Missing argument 'FILE': 'program.lasm' is taken for the LABEL" in result.stderr
    assert "Missing argument 'FILE'.\n" in lrvm("dis").stderr


def test_mistakes_in_json(folder: Path) -> None:
    document = report("program.lasm", "--native", "end", code=2)
    assert document["error"].startswith("program.lasm: nothing to translate at 0x00000020")


def test_colours_on_a_terminal_only(folder: Path) -> None:
    assert "\x1b" not in native("loop")
    code, text = on_terminal("dis", "program.lasm", "--native", "loop")
    assert code == 0
    assert "\x1b[1mloop:\x1b[0m" in text
    shown = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "")
    assert shown.expandtabs() == native("loop").expandtabs()
    _, plain = on_terminal("dis", "program.lasm", "--native", "loop", NO_COLOR="1", TERM="dumb")
    assert "\x1b" not in plain
