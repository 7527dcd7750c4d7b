"""What messages say beyond the original's, and how files are decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrvm_tools.lasm import AssemblyError, assemble_program, assemble_program_file

RULES = """#subruledef reg { a0 => 0x0
 a1 => 0x1
}
#ruledef { add {x: reg},{y: reg} => 0x1 @ x @ y
 add {x: reg},{v: u8} => 0x2 @ x @ v
 jump {a} => 0x30 @ a`8
}
"""


def refusal(source: str) -> AssemblyError:
    with pytest.raises(AssemblyError) as caught:
        assemble_program(source, "main.asm", instruction_set="rules")
    return caught.value


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("add a0 a1", "the nearest rule is `add {x: reg},{y: reg}`: `,` is wanted after `a0`"),
        ("add b0,a1", "`reg` is wanted after `add` (column 4)"),
        ("add a0,(", "a value for `v` is wanted after `a0,`"),
        ("jump 1 2", "the end of the instruction is wanted after `1`"),
        ("jmup 1", "did you mean `jump`?"),
    ],
)
def test_nearest_rule(line: str, hint: str) -> None:
    error = refusal(RULES + line)
    assert error.diagnostics[0].message == "no match found for instruction"
    assert hint in error.diagnostics[0].hint


def test_every_candidate_has_its_reason() -> None:
    hint = refusal(RULES + "add a0 a1").diagnostics[0].hint
    assert "`add {x: reg},{y: reg}`: `,` is wanted" in hint
    assert "`add {x: reg},{v: u8}`: `,` is wanted" in hint


def test_what_swings_is_shown_with_its_last_values() -> None:
    error = refusal("#res x > 5 ? 1 : 10\nx:\n")
    hints = [found.hint for found in error.diagnostics]
    assert hints == [
        "its last values were 0x1 and 0xa: its size depends on its own place",
        "its last values were 0x1 and 0xa: its size depends on its own place",
    ]


def test_what_does_not_match_is_told_at_once() -> None:
    lines = [found.line for found in refusal("foo\n#d8 1\nbar\nbaz 5\n").diagnostics]
    assert lines == [1, 3, 4]


def test_unknown_names_have_a_hint() -> None:
    (found,) = refusal("counter = 1\n#d8 conuter\n").diagnostics
    assert found.notes[0].hint == "did you mean `counter`?"


def test_nested_messages_are_shown_with_their_places() -> None:
    text = str(refusal(RULES + "add a0,256"))
    assert "main.asm:8:1: error: failed to resolve instruction" in text
    assert "  main.asm:5:2: note: within `#anonymous_ruledef_0`, rule 1" in text
    assert "    main.asm:8:8: error: argument out of range for type `u8`" in text


def test_places_count_characters() -> None:
    (found,) = refusal('#d "é", x\n').diagnostics
    assert (found.line, found.column, found.end_column) == (1, 9, 10)


def test_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "main.asm"
    path.write_bytes(b"\xef\xbb\xbf#d8 1\n")
    assert assemble_program_file(path, instruction_set="rules").bytes == b"\1"
    assert assemble_program("\ufeff#d8 1\n", instruction_set="rules").bytes == b"\1"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "main.asm"
    path.write_bytes(b'#d8 1\n#d "\xff"\n')
    with pytest.raises(AssemblyError, match="byte 0xFF at offset 10"):
        assemble_program_file(path, instruction_set="rules")
    (tmp_path / "outer.asm").write_text('#include "main.asm"\n')
    with pytest.raises(AssemblyError, match=r"main.asm:2: .* byte 0xFF at offset 10"):
        assemble_program_file(tmp_path / "outer.asm", instruction_set="rules")


def test_a_lone_carriage_return_is_white_space() -> None:
    assert assemble_program("#d8\r1,\r2\r\n#d8 3", instruction_set="rules").bytes == b"\1\2\3"


def test_result_of_a_program_with_banks() -> None:
    source = """#bankdef a { bits = 4, addr = 0x10, size = 4, outp = 8 }
x: #d4 1, 2
y = 0x5
s = "text"
#bankdef b { addr = 0x80, size = 1, outp = 0 }
#d8 y
"""
    result = assemble_program(source, "main.asm", instruction_set="rules")
    assert (result.bits, result.bit_length, result.bytes) == (0x0512, 16, b"\x05\x12")
    assert result.symbols == {"x": 0x10, "y": 5}
    assert [tuple(row) for row in result.source_map] == [
        ("b", 0, 8, "main.asm", 6),
        ("a", 8, 4, "main.asm", 2),
        ("a", 12, 4, "main.asm", 2),
    ]
    assert [(item.address, item.bit_offset, item.data.hex()) for item in result.items] == [
        (0x10, 0, ""),
        (0x10, 0, "10"),
        (0x11, 0, "02"),
        (0x80, 0, "05"),
    ]
