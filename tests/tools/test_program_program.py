"""Programs: building, labels, encoding, decoding, printing."""

from __future__ import annotations

import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit.isa import format_word
from lrvm_tools.program import (
    Data,
    DecodingError,
    Instr,
    Item,
    Label,
    LabelError,
    Program,
    Reg,
    Word,
)

LOOP: list[Item] = [Label("loop"), Instr.dec(Reg.A0), Instr.ifnq(), Instr.jp("loop"), Instr.halt()]


def sample() -> Program:
    return (
        Program()
        .add(Instr.cpy(Reg.A0, "table"), Instr.jpr("end"))
        .label("table")
        .word(1, -1, "end")
        .text('say "hi"\n', zero_terminated=True)
        .label("end")
        .add(Instr.halt())
    )


def test_words_bytes_and_labels() -> None:
    program = sample()
    assert program.labels == {"table": 0x08, "end": 0x20}
    assert program.size == 0x24
    words = program.encode()
    assert words.dtype == np.uint32
    text = [int.from_bytes(chunk, "big") for chunk in (b"say ", b'"hi"', b"\n\0\0\0")]
    assert words.tolist() == [0x0C000008, 0x70001C00, 1, 0xFFFFFFFF, 0x20, *text, 0xF0000000]
    assert program.to_bytes() == words.astype(">u4").tobytes()


def test_printing_as_lasm() -> None:
    assert str(sample()) == sample().to_lasm()
    assert sample().to_lasm(addresses=True).splitlines() == [
        "    cpy a0, table                       ; 0x00000000",
        "    jpr end - $                         ; 0x00000004",
        "table:",
        "    #d32 0x00000001                     ; 0x00000008",
        "    #d32 0xffffffff                     ; 0x0000000c",
        "    #d32 end                            ; 0x00000010",
        r'    #d "say \"hi\"\n", 0x000000         ; 0x00000014',
        "end:",
        "    halt                                ; 0x00000020",
    ]
    assert str(Program([Instr.halt(), Instr.ret()])) == "halt\nret"
    assert str(Program()) == ""


def test_building_in_a_loop() -> None:
    program = Program()
    for number in range(3):
        program.label(f"step{number}")
        program.add(Instr.add(Reg.A0, number), Instr.jp(f"step{(number + 1) % 3}"))
    assert program.encode().tolist() == [
        0x1C000000, 0x0C160008, 0x1C000001, 0x0C160010, 0x1C000002, 0x0C160000,
    ]  # fmt: skip


def test_a_program_is_the_sequence_of_its_items() -> None:
    program = Program(LOOP)
    assert list(program) == LOOP
    assert len(program) == 5
    assert program[1] == Instr.dec(Reg.A0)
    assert program[1:3] == Program([Instr.dec(Reg.A0), Instr.ifnq()])
    assert program[2:].labels == {}
    assert program != Program(LOOP[:4])
    assert repr(program) == "<Program of 5 items, 16 bytes>"


def test_joining_programs_moves_their_labels() -> None:
    head = Program([Label("main"), Instr.call("loop")])
    joined = head + Program(LOOP)
    assert joined.labels == {"main": 0, "loop": 4}
    assert head.labels == {"main": 0}, "the sum is a new program"
    head += LOOP
    assert head == joined
    head.extend([Instr.halt()])
    assert head.size == joined.size + 4


def test_a_program_can_be_appended_to_itself() -> None:
    program = Program([Instr.halt()])
    program.extend(program)
    assert program.encode().tolist() == [0xF0000000, 0xF0000000]


def test_duplicate_labels_are_refused_and_change_nothing() -> None:
    program = Program(LOOP)
    with pytest.raises(LabelError, match="'loop' is defined already, at 0x00000000"):
        program.add(Instr.ret(), Label("loop"))
    assert list(program) == LOOP
    with pytest.raises(LabelError, match="'x' is defined already, at 0x00000004"):
        Program([Instr.ret(), Label("x"), Instr.ret(), Label("x")])


def test_an_unknown_label_names_place_line_and_nearest_label() -> None:
    program = Program(LOOP).add(Instr.call("lop"))
    with pytest.raises(
        LabelError, match=r"at 0x00000010, `call lop`: unknown label 'lop'; did you mean 'loop'\?"
    ):
        program.encode()


def test_a_label_out_of_reach_is_refused_when_encoding() -> None:
    body = Program([Instr.halt()] * 0x4000).label("far").word("far")
    assert body.encode()[-1] == 0x10000, "a word holds any address"
    program = Program([Instr.jp("far")]) + body
    with pytest.raises(LabelError, match=r"at 0x00000000, `jp far`: .* 65540, outside 0\.\.65535"):
        program.encode()
    with pytest.raises(LabelError, match=r"'far - 0x4' is -4, outside 0\.\.0xffffffff"):
        Program([Label("far"), Word(Label("far") - 4)]).encode()


def test_only_a_plain_label_defines_its_name() -> None:
    with pytest.raises(LabelError, match="'x \\+ 0x4' is no definition"):
        Program([Label("x") + 4])


@pytest.mark.parametrize("item", [5, "halt", Reg.A0, None, b"abcd"])
def test_other_items_are_refused(item: object) -> None:
    with pytest.raises(TypeError, match="a program consists of Instr, Word, Data, Label"):
        Program([item])  # type: ignore[list-item]


# Data.


@pytest.mark.parametrize(
    ("parts", "data", "line"),
    [
        (("abcd",), b"abcd", '#d "abcd"'),
        (("abc",), b"abc\0", '#d "abc", 0x00'),
        (("", b""), b"", ""),
        ((b"\1\2", "h\\", b"\3"), b"\1\2h\\\3\0\0\0", r'#d 0x0102, "h\\", 0x03000000'),
        (("é€𝄞",), "é€𝄞".encode() + b"\0\0\0", '#d "é€𝄞", 0x000000'),
        (("\0\x1b\u2028\t",), b"\0\x1b\xe2\x80\xa8\t\0\0", r'#d "\0\u{1b}\u{2028}\t", 0x0000'),
    ],
)
def test_data_fills_whole_words(parts: tuple[str | bytes, ...], data: bytes, line: str) -> None:
    item = Data(parts)
    assert item.to_bytes() == data
    assert str(item) == line
    assert str(Program([item])) == line


@pytest.mark.parametrize("value", [1 << 32, -(1 << 31) - 1, 1.0, True, Reg.A0, "x"])
def test_words_are_32_bits(value: object) -> None:
    kind = ValueError if type(value) is int else TypeError
    with pytest.raises(
        kind, match=r"a raw word must be (an integer in -2147483648\.\.0xfff|a whole)"
    ):
        Word(value)  # type: ignore[arg-type]


# Decoding.

WORDS = [0x0C000005, 0xF0000000]


@pytest.mark.parametrize(
    "image",
    [
        bytes.fromhex("0c000005f0000000"),
        bytearray.fromhex("0c000005f0000000"),
        memoryview(bytes.fromhex("0c000005f0000000")),
        WORDS,
        tuple(WORDS),
        array.array("I", WORDS),
        np.array(WORDS, np.uint32),
        np.array(WORDS, ">u4"),
        np.array(WORDS, np.int64),
    ],
    ids=lambda image: type(image).__name__,
)
def test_decoding_every_form_of_an_image(image: bytes) -> None:
    assert Program.decode(image) == Program([Instr.cpy(Reg.A0, 5), Instr.halt()])


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (b"12345", ValueError, "5 bytes are not whole words of 4 bytes"),
        ([0, 1 << 32], ValueError, "the word at 0x00000004 is 4294967296, outside"),
        ([-1], ValueError, "the word at 0x00000000 is -1, outside"),
        ([1.5], TypeError, "the word at 0x00000000 must be a whole number, not 1.5"),
        (["halt"], TypeError, "must be a whole number, not 'halt'"),
        (np.zeros(4, np.uint8), TypeError, "not 1 dimensions of uint8"),
        (np.zeros((2, 2), np.uint32), TypeError, "not 2 dimensions of uint32"),
        (np.zeros(2), TypeError, "not 1 dimensions of float64"),
    ],
)
def test_what_is_no_image(image: bytes, error: type[Exception], message: str) -> None:
    """An array of bytes is refused, because each element would be taken for a word."""
    for strict in (True, False):
        with pytest.raises(error, match=message):
            Program.decode(image, strict)


def test_strict_decoding_says_where() -> None:
    image = [0xF0000000, 0xF0000001]
    with pytest.raises(DecodingError, match="at 0x00000004: word 0xf0000001 sets unused bits"):
        Program.decode(image)
    assert list(Program.decode(image, strict=False)) == [Instr.halt(), Word(0xF0000001)]


@given(st.lists(st.integers(0, 0xFFFFFFFF) | st.integers(1, 31).map(lambda op: op << 27)))
def test_lenient_decoding_keeps_every_word(words: list[int]) -> None:
    program = Program.decode(words, strict=False)
    assert program.encode().tolist() == words
    assert program.to_lasm().splitlines() == [format_word(word) for word in words]


@given(st.lists(st.sampled_from([*LOOP[1:3], Word(7), Data(("text",)), Data((b"\1",))])))
def test_addresses_agree_with_the_bytes(items: list[Item]) -> None:
    program = Program(items)
    assert program.size == len(program.to_bytes())
    for address, item in program.located():
        if isinstance(item, Data):
            assert program.to_bytes()[address:].startswith(item.to_bytes())
