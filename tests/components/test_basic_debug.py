"""The basic debug interface."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_components import BasicDebug, DebugKind, DebugMessage, InvalidText


def report(word_index: int, word: int) -> DebugMessage:
    """What the handler gets when the guest writes this word there."""
    messages: list[DebugMessage] = []
    BasicDebug(messages.append).write(4 * word_index, word)
    (message,) = messages
    assert (message.kind, message.word) == (word_index, word)
    return message


@pytest.mark.parametrize(
    ("word_index", "word", "text"),
    [
        (0, 0x2A, "0x2A"),
        (0, 0x5, "0x05"),
        (1, 0x2A, "0x002A"),
        (2, 0x2A, "0x0000002A"),
        (2, 0xFFFF_FFFF, "0xFFFFFFFF"),
        (3, 0x7F, "0x7F"),
        (3, 0xFF, "-0x01"),
        (3, 0x80, "-0x80"),
        (4, 0xFFD6, "-0x002A"),
        (4, 0x7FFF, "0x7FFF"),
        (5, 0xFFFF_FFD6, "-0x0000002A"),
        (5, 0x8000_0000, "-0x80000000"),
        (6, 0xFF, "255"),
        (7, 0xFFFF, "65535"),
        (8, 0xFFFF_FFFF, "4294967295"),
        (8, 0, "0"),
        (9, 0xFF, "-1"),
        (9, 0x7F, "127"),
        (10, 0x8000, "-32768"),
        (11, 0x8000_0000, "-2147483648"),
        (11, 42, "42"),
        (12, 0, "false"),
        (12, 1, "true"),
        (12, 0x8000_0000, "true"),
        (13, 0x41, "A"),
        (13, 0x1F600, "\U0001f600"),
        (14, 0x41, "65"),
        (14, 0xFFFF_FFFF, "4294967295"),
        (15, 0x2A, "debug point 0x2A"),
    ],
)
def test_formats(word_index: int, word: int, text: str) -> None:
    message = report(word_index, word)
    assert message.text == str(message) == text
    assert not isinstance(message.text, InvalidText)


@given(st.integers(0, 0xFFFF_FFFF))
def test_of_wide_words_the_low_bits_count(word: int) -> None:
    """Each text reads back as the number, for all widths, signs and bases."""
    for word_index in range(12):
        bits = (8, 16, 32)[word_index % 3]
        text = report(word_index, word).text
        hexadecimal = "x" in text
        value = int(text, 16 if hexadecimal else 10)
        assert value % 2**bits == word % 2**bits
        signed = word_index in (3, 4, 5, 9, 10, 11)
        assert (-(2 ** (bits - 1)) if signed else 0) <= value < 2 ** (bits - signed)
        assert hexadecimal == (word_index < 6)
        assert not hexadecimal or len(text.lstrip("-")) == 2 + bits // 4


@pytest.mark.parametrize("word", [0xD800, 0x110000, 0xFFFF_FFFF])
def test_what_is_no_character_is_reported_as_such(word: int) -> None:
    text = report(13, word).text
    assert isinstance(text, InvalidText)
    assert text == f"invalid character 0x{word:08X}"
    assert text.raw == word.to_bytes(4, "big")


def test_all_16_words_have_a_kind() -> None:
    """divergences.md 21: the original has room for eight."""
    assert [kind.value for kind in DebugKind] == list(range(16))
    assert [report(kind, 0).kind.name for kind in (0, 15)] == ["HEX_U8", "DEBUG_POINT"]


def test_messages_are_printed_line_by_line_by_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    debug = BasicDebug()
    for word_index in (0, 12, 15):
        debug.write(4 * word_index, 0x2A)
    assert capsys.readouterr().out == "0x2A\ntrue\ndebug point 0x2A\n"


def test_a_failing_handler_passes_through() -> None:
    def broken(message: DebugMessage) -> None:
        raise RuntimeError("no console")

    with pytest.raises(RuntimeError, match="no console"):
        BasicDebug(broken).write(0, 1)
