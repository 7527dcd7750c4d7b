"""The analysing disassembler: what is code, what is data, labels, strings."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import lrvm_tools.disassembly
import lrvm_tools.program
from lrvm_tools.disassembly import analyse, disassemble
from lrvm_tools.disassembly.text import split_text
from lrvm_tools.program import Data, Instr, Program, Reg, Word


def code_of(*items: Instr | int, entries: tuple[int, ...] = (0,)) -> list[int]:
    """Indices of the words that are code."""
    program = Program(Word(item) if isinstance(item, int) else item for item in items)
    return sorted(address // 4 for address in analyse(program.encode(), entries).code)


HALT = Instr.halt()
INC = Instr.inc(Reg.A0)


@pytest.mark.parametrize(
    ("items", "code"),
    [
        pytest.param([INC, INC, HALT, INC], [0, 1, 2], id="halt ends"),
        pytest.param([Instr.jp(8), INC, HALT], [0, 2], id="jump"),
        pytest.param([Instr.jpr(8), INC, HALT], [0, 2], id="relative jump"),
        pytest.param([Instr.jp(8), HALT, Instr.jpr(-4)], [0, 1, 2], id="relative jump back"),
        pytest.param([Instr.add(Reg.PC, 8), INC, HALT], [0, 2], id="add to pc"),
        pytest.param([Instr.jp(8), HALT, Instr.dec(Reg.PC), INC], [0, 2], id="to no word"),
        pytest.param([Instr.jp(8), HALT, Instr.sub(Reg.PC, 4), INC], [0, 1, 2], id="sub of pc"),
        pytest.param([Instr.lsm(8), INC, HALT], [0, 2], id="lsm"),
        pytest.param([Instr.call(12), HALT, INC, Instr.ret(), INC], [0, 1, 3], id="call, ret"),
        pytest.param([Instr.call(Reg.A0), HALT, INC], [0, 1], id="computed call"),
        pytest.param([Instr.jp(Reg.A0), INC], [0], id="computed jump"),
        pytest.param([Instr.jpr(Reg.A0), INC], [0], id="computed relative jump"),
        pytest.param([Instr.lsa(Reg.PC, 8), INC], [0], id="jump through memory"),
        pytest.param([Instr.ex(Reg.A0, Reg.PC), INC], [0], id="exchange with pc"),
        pytest.param([Instr.srm(8, 0, Reg.PC), INC], [0], id="swap with pc"),
        pytest.param([Instr.cmp(Reg.PC, 4), HALT, INC], [0, 1], id="comparing pc"),
        pytest.param([Instr.push(Reg.PC), HALT, INC], [0, 1], id="reading pc"),
        pytest.param([Instr.ifeq(), HALT, Instr.jp(0), INC], [0, 1, 2], id="if"),
        pytest.param([Instr.ifor(0, 1), HALT, HALT, INC], [0, 1, 2], id="if2"),
        pytest.param([Instr.ifn(Reg.A0), HALT, HALT, INC], [0, 1, 2], id="if of a register"),
        pytest.param([0x88090000, INC], [0], id="if of no flag always faults"),
        pytest.param([0x98000100, INC], [0], id="if2 of no condition always faults"),
        pytest.param([Instr.pop(Reg.AF), INC], [0], id="write to a read-only register"),
        pytest.param([Instr.srm(0, 0, Reg.ERA), INC], [0], id="swap with one"),
        pytest.param([Instr.cmp(Reg.AF, 1), HALT, INC], [0, 1], id="reading one is fine"),
        pytest.param([Instr.itr(5), HALT, INC], [0, 1], id="interruption comes back"),
        pytest.param([Instr.reset(0), INC], [0], id="reset of the CPU"),
        pytest.param([Instr.reset(0x10), HALT, INC], [0, 1], id="reset of components"),
        pytest.param([Instr.reset(Reg.A0), HALT, INC], [0, 1], id="reset by a register"),
        pytest.param([Instr.cpy(Reg.EV, 8), HALT, Instr.ret(), INC], [0, 1, 2], id="handler"),
        pytest.param([Instr.cpy(Reg.EV, Reg.A0), HALT, INC], [0, 1], id="computed handler"),
        pytest.param([INC, 0, INC], [0], id="unknown opcode"),
        pytest.param([INC, 0x0C200000, INC], [0], id="unknown register"),
        pytest.param([Instr.jp(6), INC], [0], id="unaligned target"),
        pytest.param([Instr.jp(400), INC], [0], id="target outside"),
        pytest.param([INC], [0], id="end of the image"),
        pytest.param([Instr.jp(8).encode() | 1 << 24, INC, HALT], [0, 2], id="unused bits run"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_is_code(items: list[Instr | int], code: list[int]) -> None:
    """As the CPU goes on, by isa.md; computed targets are unknown."""
    assert code_of(*items) == code


def test_entry_points_are_followed() -> None:
    assert code_of(HALT, INC, HALT, INC, entries=(0, 4)) == [0, 1, 2]
    for wrong in (2, -4, 8):
        with pytest.raises(ValueError, match="is not the address of a word in the image"):
            analyse([0, 0], entries=[wrong])


def test_listing_with_labels_strings_and_data() -> None:
    program = (
        Program()
        .add(Instr.cpy(Reg.EV, "fault"))
        .label("loop")
        .add(INC, Instr.call("show"), Instr.jpr("loop"))
        .text("Grüße,\n\tWorld; \"x\" \\ 'y'", zero_terminated=True)
        .word(0x0C160010, 2, 0xFC160001)
        .label("show")
        .add(Instr.ret())
        .label("fault")
        .add(Instr.halt())
    )
    found = analyse(program.to_bytes() + b"\x01\x02")
    assert found.to_lasm().splitlines() == [
        "    cpy ev, handler_003c",
        "loc_0004:",
        "    inc a0",
        "    call sub_0038",
        "    jpr loc_0004 - $",
        r"""    #d "Grüße,\n\tWorld; \"x\" \\ 'y'", 0x0000""",
        "    #d32 0x0c160010                     ; jp 0x10",
        "    #d32 0x00000002",
        "    #d32 0xfc160001",
        "sub_0038:",
        "    ret",
        "handler_003c:",
        "    halt",
        "    #d 0x0102",
    ]
    assert (
        "    call sub_0038                       ; 0x00000008" in found.to_lasm(True).splitlines()
    )
    assert found.program.to_bytes() == program.to_bytes()
    assert found.labels == {4: "loc_0004", 0x38: "sub_0038", 0x3C: "handler_003c"}
    assert found.instruction(8) == "call sub_0038"


def test_a_word_with_unused_bits_stays_raw_and_says_what_it_does() -> None:
    word = Instr.jp(4).encode() | 1 << 24
    assert analyse([word, HALT.encode()]).to_lasm().splitlines() == [
        "    #d32 0x0d160004                     ; runs as jp 0x4",
        "loc_0004:",
        "    halt",
    ]


def test_the_more_telling_kind_names_the_label() -> None:
    called_and_jumped = [Instr.call(8), Instr.jp(8), Instr.halt()]
    assert analyse(Program(called_and_jumped).encode()).labels == {8: "sub_0008"}


def test_targets_outside_the_image_keep_their_number() -> None:
    program = Program([Instr.ifeq(), Instr.jp(0x4000), Instr.jpr(-0x80)])
    assert analyse(program.encode()).to_lasm().splitlines() == ["ifeq", "jp 0x4000", "jpr -0x80"]


def test_a_known_target_that_no_operand_can_name() -> None:
    assert analyse(Program([Instr.add(Reg.PC, 4), HALT]).encode()).to_lasm().splitlines() == [
        "    add pc, 0x4",
        "loc_0004:",
        "    halt",
    ]


def test_plain_disassembly_with_addresses_and_a_last_partial_word() -> None:
    assert disassemble(b"\xf0\0\0\0\x01\x02\x03", addresses=True).splitlines() == [
        "halt                                    ; 0x00000000",
        "#d 0x010203                             ; 0x00000004",
    ]
    assert disassemble(b"") == ""


# Strings.


@pytest.mark.parametrize(
    ("data", "items"),
    [
        pytest.param(b"text", [Data(("text",))], id="whole word"),
        pytest.param(b"tex\0", [Word(0x74657800)], id="too short"),
        pytest.param(b"\0\0\0\1text\0\0\0\0", [Word(1), Data(("text",)), Word(0)], id="between"),
        pytest.param(b"\0text\0\0\0", [Data((b"\0", "text", b"\0\0\0"))], id="across words"),
        pytest.param(
            b"four\0fivefiv",
            [Data(("four",)), Data((b"\0", "fivefiv"))],
            id="two in words of their own",
        ),
        pytest.param(b"fours\0text\0\0", [Data(("fours", b"\0", "text", b"\0\0"))], id="shared"),
        pytest.param("né€\0".encode() + b"\0", [Word(0x6EC3A9E2), Word(0x82AC0000)], id="short"),
        pytest.param("né€𝄞\0\0".encode(), [Data(("né€𝄞", b"\0\0"))], id="counted in characters"),
        pytest.param(b"abcd\xffefg", [Data(("abcd",)), Word(0xFF656667)], id="no UTF-8"),
        pytest.param(
            b"\xed\xa0\x80abc\x80\x80", [Word(0xEDA08061), Word(0x62638080)], id="surrogate"
        ),
        pytest.param(b"a\nb\tc\rd ", [Data(("a\nb\tc\rd ",))], id="line breaks and tabs"),
        pytest.param(b"abc\x1bdef\x7f", [Word(0x6162631B), Word(0x6465667F)], id="control"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_text_in_data(data: bytes, items: list[Word | Data]) -> None:
    assert split_text(data) == items
    assert Program(items).to_bytes() == data


def test_the_least_length_of_text() -> None:
    assert split_text(b"tex\0", min_text=3) == [Data(("tex", b"\0"))]
    assert split_text(b"text", min_text=5) == [Word(0x74657874)]
    image = Program([HALT]).text("tex").encode()
    assert '"tex"' in analyse(image, min_text=3).to_lasm()
    assert '"tex"' not in analyse(image).to_lasm()


def test_a_label_splits_a_string() -> None:
    """Something jumps into it: the label must stand before its word."""
    image = Program([Instr.jp(8)]).text("textText").encode()
    assert analyse(image).to_lasm().splitlines()[1:] == [
        '    #d "text"',
        "loc_0008:",
        '    #d "Text"',
    ]


@pytest.mark.parametrize("package", [lrvm_tools.program, lrvm_tools.disassembly])
def test_examples_in_docstrings(package: object) -> None:
    attempted = 0
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):  # type: ignore[attr-defined]
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0
        attempted += result.attempted
    assert attempted
