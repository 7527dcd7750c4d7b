"""Output formats (docs/spec/customasm.md, section 8), as golden files.

A file's name is the format: `,` before its parameters is written `+`, and `:` is
written `-`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lrvm_tools.customasm.assembler import Result, assemble
from lrvm_tools.customasm.files import Files
from lrvm_tools.customasm.formats import FORMATS, choose

FOLDER = Path(__file__).parent / "formats"
GOLDEN = sorted(path for path in FOLDER.iterdir() if path.suffix != ".asm")
LIST = 'list,group:1,between:"-",group2:4,between2:"_"'


def result(text: str) -> Result:
    return assemble([("program.asm", text)], Files())


def format_of(path: Path) -> str:
    name, *parameters = path.stem.split("+")
    return ",".join([name, *(each.replace("-", ":", 1) for each in parameters)])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    program = result((FOLDER / "program.asm").read_text())
    name = LIST if path.stem == "list" else format_of(path)
    assert choose(name).write(program) == path.read_bytes()


def test_every_format_has_a_golden_file() -> None:
    same = {"c": "hexc", "annotatedhex": "annotated"}
    names = {same.get(name, name) for name in FORMATS}
    assert {path.stem.split("+")[0] for path in GOLDEN} == names
    program = result((FOLDER / "program.asm").read_text())
    for name, other in same.items():
        assert choose(name).write(program) == choose(other).write(program)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binary", ""),
        ("binstr", ""),
        ("hexstr", ""),
        ("annotated", " outp | addr | data (base 16)\n\n"),
        ("bindump", f" 0 |{4 * ' ........'} {4 * ' ........'} | ........ |\n"),
        ("intelhex", ":00000001FF"),
        ("deccomma", ""),
        ("hexc", "const unsigned char data[] = {\n\n};"),
        ("logisim8", "v2.0 raw\n"),
        ("symbols", ""),
        ("readmemb", ""),
        ("list", ""),
    ],
)  # fmt: skip
def test_empty_program(name: str, expected: str) -> None:
    assert choose(name).write(result("")).decode() == expected


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        # Bits that fill no byte and no digit are followed by zeros.
        ("#d3 5", "hexstr", "a"),
        ("#d3 5", "binary", "\xa0"),
        ("#d3 5", "binstr", "101"),
        ("#d13 5", "hexstr", "0028"),
        ("#d13 5", "hexspace", "0x00 0x28"),
        ("#d13 5", "logisim16", "v2.0 raw\n0028 "),
        ("#d3 5", "readmemb", "10100000\n"),
        # A last row with fewer than eight bits is lost.
        ("#d64 1\n#d7 1", "bindump", " 0 | 00000000 00000000 00000000 00000000  00000000 00000000 "
         "00000000 00000001 | ........ |\n"),
        ("#d128 1\n#d8 1", "hexdump", " 00 | 00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01 | "
         "................ |\n 10 | 01 .. .. ..  .. .. .. ..  .. .. .. ..  .. .. .. .. | "
         "................ |\n"),
        # A record has up to 32 bytes, a block starts at any bit.
        ("#d3 5\n#d8 0xff", "intelhex", ":02000000BFE05F\n:00000001FF"),
        ("#d4 1\n#d4 0\n#res 1\n#d8 2", "intelhex", ":0100000010EF\n:0100020002FB\n:00000001FF"),
        # Widths come from what has a place in the output.
        ("#bankdef a { addr = 0x12345, outp = 0 }\n#d8 1", "annotated",
         " outp |  addr | data (base 16)\n\n  0:0 | 12345 | 01 ; 1\n"),
        # Deeper names, in the order of their parents.
        ("a: b: .c:\nx = 1\na2: #d8 1", "symbols",
         "a = 0x0\nb = 0x0\nb.c = 0x0\nx = 0x1\na2 = 0x0\n"),
    ],
)  # fmt: skip
def test_details(source: str, name: str, expected: str) -> None:
    assert choose(name).write(result(source)) == expected.encode("latin-1")
