"""Output formats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_tools.lasm import Assembly, assemble_program
from lrvm_tools.lasm.formats import (
    FORMATS,
    to_binary,
    to_hex_dump,
    to_intel_hex,
    to_listing,
    to_symbol_table,
)

PROGRAM = """; A comment
main:
    cpy a0, text
.loop: inc a0   ; one more
SIZE = 0x10
NEGATIVE = -3
text: #d "Hello", 0x00
#d4 1
#d4 2
end: #res 4
"""


@pytest.fixture
def assembly() -> Assembly:
    return assemble_program(PROGRAM, "main.lasm")


def read_intel_hex(text: str) -> dict[int, int]:
    """A small reader: bytes by address."""
    memory: dict[int, int] = {}
    base = 0
    lines = text.splitlines()
    assert lines[-1] == ":00000001FF"
    for line in lines[:-1]:
        assert line.startswith(":")
        record = bytes.fromhex(line[1:])
        assert sum(record) % 256 == 0
        count, address, kind, data = (
            record[0],
            int.from_bytes(record[1:3], "big"),
            record[3],
            record[4:-1],
        )
        assert count == len(data) <= 16
        if kind == 4:
            base = int.from_bytes(data, "big") << 16
            continue
        assert kind == 0
        assert address + count <= 0x10000
        for offset, byte in enumerate(data):
            memory[base + address + offset] = byte
    return memory


def test_binary(assembly: Assembly) -> None:
    assert to_binary(assembly).hex() == "0c0000081c00000148656c6c6f0012"


def test_hex_dump(assembly: Assembly) -> None:
    assert to_hex_dump(assembly) == (
        "00000000  0c 00 00 08 1c 00 00 01 48 65 6c 6c 6f 00 12     |........Hello..|\n"
    )
    assert to_hex_dump(assemble_program("#d64 1, 2, 3")).splitlines()[1] == (
        "00000010  00 00 00 00 00 00 00 03                          |........|"
    )


def test_listing(assembly: Assembly) -> None:
    assert to_listing(assembly) == (
        "; main.lasm\n"
        "00000000                                 2  main:\n"
        "00000000    0c 00 00 08                  3      cpy a0, text\n"
        "00000004    1c 00 00 01                  4  .loop: inc a0   ; one more\n"
        '00000008    48 65 6c 6c 6f 00            7  text: #d "Hello", 0x00\n'
        "0000000e    10                           8  #d4 1\n"
        "0000000e.4  02                           9  #d4 2\n"
        "00000010                                10  end: #res 4\n"
    )


def test_long_data_in_a_listing_goes_on_below() -> None:
    listing = to_listing(assemble_program('#d "0123456789"'))
    assert listing.splitlines()[1:] == [
        '00000000    30 31 32 33 34 35 36 37      1  #d "0123456789"',
        "00000008    38 39",
    ]


def test_listing_does_not_disturb_a_terminal() -> None:
    assert "\x1b" not in to_listing(assemble_program("halt ; \x1b[31m"))


def test_symbol_table(assembly: Assembly) -> None:
    assert to_symbol_table(assembly) == (
        "0x00000000  label     main\n"
        "0x00000004  label     main.loop\n"
        "0x00000008  label     text\n"
        "0x00000010  label     end\n"
        "-0x00000003  constant  NEGATIVE\n"
        "0x00000010  constant  SIZE\n"
    )


def test_intel_hex_of_a_known_program(assembly: Assembly) -> None:
    assert to_intel_hex(assembly) == (":0F0000000C0000081C00000148656C6C6F0012BA\n:00000001FF\n")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 0xFFFF, 0x10000, 0x10001, 0x2_0010])
def test_intel_hex_round_trip(size: int) -> None:
    content = bytes(index * 7 % 251 for index in range(size))
    assembly = Assembly(content, (), ())
    text = to_intel_hex(assembly)
    assert read_intel_hex(text) == dict(enumerate(content))
    assert text.count(":02000004") == max(size - 1, 0) // 0x10000


@given(st.binary(max_size=100))
def test_intel_hex_of_any_bytes(content: bytes) -> None:
    assert read_intel_hex(to_intel_hex(Assembly(content, (), ()))) == dict(enumerate(content))


@pytest.mark.parametrize("name", FORMATS)
def test_empty_program(name: str) -> None:
    result = FORMATS[name](assemble_program(""))
    assert result == (":00000001FF\n" if name == "intel-hex" else type(result)())
