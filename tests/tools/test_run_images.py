"""Program files: source, binary images, Intel HEX."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_tools import AssemblyError
from lrvm_tools.images import ImageError, load_image, load_program
from lrvm_tools.intel_hex import read_ihex
from lrvm_tools.lasm import assemble_program
from lrvm_tools.lasm.formats import to_intel_hex


def test_source_keeps_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.lasm"
    path.write_text("\ncpy a0, 1\nhalt\n")
    image = load_program(path)
    assert image.words.tolist() == [0x0C000001, 0xF0000000]
    place = image.locate(4)
    assert place is not None
    assert (place.path, place.line) == (str(path), 3)


def test_binary_image(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes.fromhex("f0000000"))
    image = load_program(path)
    assert image.words.tolist() == [0xF0000000]
    assert image.locate(0) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.bin", b"", "is empty"),
        ("a.lasm", b"; nothing", "is empty"),
        ("a.txt", b"cpy a0, 10", "no whole words of 4; a LASM source must be named *.lasm"),
        ("a.ihex", b"halt", "no Intel HEX file: line 1: a record begins with `:`"),
        ("a.ihex", b"\xff", "no Intel HEX file"),
    ],
)
def test_files_that_cannot_run(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        load_program(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_an_image_may_end_within_a_word(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"\xf0\0\0\0\x01")
    assert load_image(path).words.tolist() == [0xF0000000, 0x01000000]


def test_source_errors_pass_through(tmp_path: Path) -> None:
    path = tmp_path / "a.ASM"
    path.write_text("nonsense")
    with pytest.raises(AssemblyError):
        load_image(path)


@given(st.binary(max_size=200), st.sampled_from([0, 0xFFF0, 0x2FFF8]))
def test_intel_hex_comes_back(data: bytes, start: int) -> None:
    source = f"#addr {start}\n" + "".join(f"#d8 {byte}\n" for byte in data)
    assembly = assemble_program(source)
    assert read_ihex(to_intel_hex(assembly)) == assembly.bytes


def test_intel_hex_of_other_tools() -> None:
    """Start addresses, gaps, any order, empty lines, lower case, text after the end."""
    records = (":040000050000007f78", ":020004000000FA", "", ":0200020001FFFC", ":00000001FF")
    assert read_ihex("\r\n".join((*records, "rest"))) == b"\0\0\x01\xff\0\0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "end record is missing"),
        (":00", "line 1: the record's length"),
        (":zz", "line 1: non-hexadecimal"),
        (":0100000001FF", "line 1: the record's checksum"),
        (":00000007F9", "line 1: unknown record type 07"),
        (":02000004FFFFFC\n:0100000001FE", "line 2: address 0xFFFF0000 is too high"),
    ],
)
def test_damaged_intel_hex(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_ihex(text)
