"""`lrvm batch` with machines that print and read: machine files, and a text for each lane."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
from click.testing import Result

from tests.executable.samples import program
from tests.executable.test_run_executable import ECHO
from tests.tools.command import lrvm

SHOWS_NEXT = """
    cpy ac0, 0xf000         ; character display, keyboard at 0x10, number display at 0x80
next:
    wsa ac0, 0x14, 1
    lsa a0, ac0, 0x10
    cmp a0, 0
    ifeq
    jp done
    add a0, 1
    wsa ac0, 0, a0
    jp next
done:
    wsa ac0, 0x80, 42       ; of another display: behind the text before it
    halt
"""
TEXTS = ["HAL", "", "VMS", "é\U0001f600\n", "a\0b"]
SHOWN = ["IBM0x2A\n", "0x2A\n", "WNT0x2A\n", "ê\U0001f601\v0x2A\n", "b0x2A\n"]
"""A zero ends SHOWS_NEXT's input."""

LINES_MACHINE = """
[[component]]
type = "rom"
size = 0x1000
[[component]]
type = "ram"
size = 64
[[component]]
type = "line-keyboard"          # at 0x1040
size = 16
[[component]]
type = "character-display"      # at 0x1050
[[component]]
type = "character-keyboard"     # at 0x1054
"""
LINES = """
    cpy ac0, 0x1040
    wsa ac0, 12, 0xaa       ; a line
    lsa a0, ac0, 0
    shr a0, 24
    wsa ac0, 0x10, a0
    wsa ac0, 0x18, 1        ; the character behind it
    lsa a0, ac0, 0x14
    wsa ac0, 0x10, a0
    halt
"""


@pytest.fixture(autouse=True)
def _files(folder: Path) -> None:
    (folder / "next.lasm").write_text(SHOWS_NEXT)
    write_lines("in.jsonl", TEXTS)


def write_lines(name: str, values: list[str]) -> None:
    Path(name).write_text("".join(json.dumps(value) + "\n" for value in values))


def read_lines(name: str) -> list[str]:
    return [json.loads(line) for line in Path(name).read_text("utf-8").split("\n")[:-1]]


def batch(*arguments: str, code: int = 0) -> Result:
    result = lrvm("batch", *arguments)
    assert result.exit_code == code, result.output
    return result


def test_texts_in_and_out() -> None:
    """In chunks, with arrays beside the texts; of all displays of a lane in their order."""
    result = batch(
        "next.lasm", "--input-texts", "in.jsonl", "--output-texts", "out.jsonl", "--chunk", "2",
        "--out", "out.npz", "--outputs", "cycles", "--ram-size", "4K",
    )  # fmt: skip
    assert result.stderr.endswith("[lrvm] outputs are in out.npz and out.jsonl\n")
    assert read_lines("out.jsonl") == SHOWN
    with numpy.load("out.npz") as out:
        assert out["cycles"].tolist() == [29, 8, 29, 29, 15]


def test_texts_go_on_from_a_checkpoint() -> None:
    arguments = ["next.lasm", "--input-texts", "in.jsonl", "--output-texts", "out.jsonl"]
    arguments += ["--checkpoint", "state", "--chunk", "2", "--ram-size", "4K", "--json"]
    batch(*arguments)
    Path("state/chunk-000001.npz").unlink()
    document = json.loads(batch(*arguments).stdout)
    assert (document["resumed"], document["chunks"]) == (2, 3)
    assert document["files"] == ["out.jsonl"]
    assert read_lines("out.jsonl") == SHOWN
    write_lines("in.jsonl", [*TEXTS[:-1], "other"])
    assert "have changed" in json.loads(batch(*arguments, code=2).stdout)["error"]


def test_a_machine_file() -> None:
    """Keyboards of a lane read one text, whoever comes next; a parquet column keeps it all."""
    Path("machine.toml").write_text(LINES_MACHINE)
    Path("lines.lasm").write_text(LINES)
    write_lines("in.jsonl", ["x1\ny2", "z"])
    batch(
        "lines.lasm", "--machine", "machine.toml", "--input-texts", "in.jsonl",
        "--out", "out.parquet", "--outputs", "text,a0",
    )  # fmt: skip
    from pyarrow import parquet

    assert parquet.read_table("out.parquet").to_pydict() == {
        "text": ["xy", "z\0"],
        "a0": [ord("y"), 0],
    }


def test_executables_have_streams() -> None:
    """A C program's machine, whose text is UTF-8 bytes of its standard streams."""
    program(ECHO, "echo").save("echo.elf")
    batch("echo.elf", "--input-texts", "in.jsonl", "--output-texts", "out.jsonl", "--chunk", "3")
    assert read_lines("out.jsonl") == TEXTS


def test_a_limit_of_output() -> None:
    Path("endless.lasm").write_text("cpy ac0, 0xf000\nagain:\nwsa ac0, 0, 120\njp again")
    result = batch(
        "endless.lasm", "-n", "2", "--output-texts", "out.jsonl", "--output-limit", "5",
        "--ram-size", "4K", "--halt-on-exception",
    )  # fmt: skip
    assert "2 exception" in result.stderr
    assert read_lines("out.jsonl") == ["xxxxx"] * 2
