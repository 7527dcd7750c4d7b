"""Text as editors of all systems save it means the same; what is no text is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_tools.images import ImageError, load_image
from lrvm_tools.lasm import AssemblyError, assemble_program, assemble_program_file
from lrvm_tools.lasm.formats import to_intel_hex
from lrvm_tools.text_files import UndecodableError, decode, end_lines, lone_carriage_return

SOURCE = 'cpy a0, 1 ; note\ncpy a1, 2\n#d "text"\n'
EXPECTED = assemble_program(SOURCE)

line_ends = pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CR LF", "CR"])
marks = pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])


@line_ends
@marks
def test_sources(tmp_path: Path, end: str, mark: bytes) -> None:
    (tmp_path / "a.lasm").write_bytes(mark + SOURCE.replace("\n", end).encode())
    (tmp_path / "b.lasm").write_bytes(mark + f'#include "a.lasm"{end}halt{end}'.encode())
    assert assemble_program_file(tmp_path / "a.lasm").bytes == EXPECTED.bytes
    included = assemble_program_file(tmp_path / "b.lasm").bytes
    assert included == EXPECTED.bytes + assemble_program("halt").bytes
    text = (mark.decode() + SOURCE).replace("\n", end)
    assert assemble_program(text).bytes == EXPECTED.bytes


@line_ends
def test_places_of_errors(end: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble_program(f"halt{end}halt ; note{end}  foo{end}halt")
    (found,) = caught.value.diagnostics
    assert (found.line, found.column, found.source_line) == (3, 3, "  foo")


@line_ends
@marks
def test_intel_hex(tmp_path: Path, end: str, mark: bytes) -> None:
    path = tmp_path / "a.ihex"
    path.write_bytes(mark + to_intel_hex(EXPECTED).replace("\n", end).encode())
    assert load_image(path).data == EXPECTED.bytes


@marks
def test_files_of_digits(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "digits").write_bytes(mark + b"ab\r\ncd")
    source = tmp_path / "a.lasm"
    source.write_text('#d inchexstr("digits")')
    assert assemble_program_file(source).bytes.hex() == "abcd"


def test_no_text(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfhalt\r\nhalt\rhalt ; \xe9t\xe9\n"
    for name in ("a.lasm", "a.ihex"):
        (tmp_path / name).write_bytes(data)
    message = f"not UTF-8 text: byte 0xE9 at offset {data.index(0xE9)}"
    with pytest.raises(AssemblyError, match=message) as caught:
        assemble_program_file(tmp_path / "a.lasm")
    assert caught.value.diagnostics[0].line == 3
    with pytest.raises(ImageError, match=message):
        load_image(tmp_path / "a.ihex")


@given(st.binary(max_size=30))
def test_offsets_of_what_is_no_text(data: bytes) -> None:
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    error = None
    try:
        assert decode(data).encode() == data[start:]
    except UndecodableError as found:
        error = found
    if error is not None:
        data[start : error.offset].decode()  # is text up to there
        assert data[error.offset] == error.byte >= 0x80


@given(st.text("ab\r\n", max_size=20))
def test_lone_carriage_returns(text: str) -> None:
    ended = end_lines(text)
    assert ended.replace("\r\n", "\n").split("\n") == text.splitlines() + [""] * (
        not text or text[-1] in "\r\n"
    )
    assert lone_carriage_return(ended) is None
    place = lone_carriage_return(text)
    assert (place is None) == (ended == text)
    if place is not None:
        line, column = place
        at = sum(map(len, text.splitlines(keepends=True)[: line - 1])) + column - 1
        assert text[at] == "\r" != ended[at]
