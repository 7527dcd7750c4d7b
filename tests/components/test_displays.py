"""Character, number and buffered displays."""

from __future__ import annotations

import copy
import copyreg
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_components import (
    BufferedDisplay,
    CharDisplay,
    InvalidText,
    NumberDisplay,
    NumberFormat,
    NumberText,
)
from lrvm_jit import Component


def fill(display: BufferedDisplay, content: bytes) -> None:
    """Store these bytes word by word, big-endian, as a guest does."""
    for offset in range(0, len(content), 4):
        display.write(offset, int.from_bytes(content[offset : offset + 4].ljust(4, b"\0"), "big"))


@given(st.characters(exclude_categories=["Cs"]))
def test_characters_are_shown(character: str) -> None:
    """Every scalar value, NUL and the byte order mark included."""
    shown: list[str] = []
    CharDisplay(shown.append).write(0, ord(character))
    assert shown == [character]
    assert not isinstance(shown[0], InvalidText)


@pytest.mark.parametrize("word", [0xD800, 0xDFFF, 0x110000, 0x8000_0041, 0xFFFF_FFFF])
def test_what_is_no_scalar_value_is_reported_as_such(word: int) -> None:
    shown: list[str] = []
    CharDisplay(shown.append).write(0, word)
    (text,) = shown
    assert isinstance(text, InvalidText)
    assert text.raw == word.to_bytes(4, "big")
    assert text == "\ufffd"


@pytest.mark.parametrize(
    ("offset", "text"),
    [(0, "0x2A"), (4, "0x0000002A"), (8, "42"), (12, "0000000042")],
)
@pytest.mark.parametrize("row", range(4))
def test_number_formats(offset: int, text: str, row: int) -> None:
    """The format repeats every 16 bytes; only the first 16 add a newline."""
    shown: list[str] = []
    NumberDisplay(shown.append).write(16 * row + offset, 42)
    assert shown == [text if row else text + "\n"]


@pytest.mark.parametrize(
    ("word", "texts"),
    [
        (0, ["0x0", "0x00000000", "0", "0000000000"]),
        (0xFFFF_FFFF, ["0xFFFFFFFF", "0xFFFFFFFF", "4294967295", "4294967295"]),
    ],
)
def test_number_limits(word: int, texts: list[str]) -> None:
    """Numbers are unsigned."""
    shown: list[str] = []
    display = NumberDisplay(shown.append)
    for offset in range(16, 32, 4):
        display.write(offset, word)
    assert shown == texts


@pytest.mark.parametrize("command", [0xAA, 0xBB])
@given(st.text(max_size=40))
def test_text_is_shown_without_trailing_zeros(command: int, text: str) -> None:
    """Zero bytes inside the text belong to it."""
    shown: list[str] = []
    display = BufferedDisplay(164, shown.append)
    fill(display, text.encode())
    display.write(160, command)
    assert shown == [text.rstrip("\0")]
    assert not isinstance(shown[0], InvalidText)


def test_the_whole_buffer_may_be_text() -> None:
    shown: list[str] = []
    display = BufferedDisplay(12, shown.append)
    fill(display, b"12345678")
    display.write(8, 0xAA)
    assert shown == ["12345678"]


def test_invalid_text_comes_with_its_error_and_bytes() -> None:
    shown: list[str] = []
    display = BufferedDisplay(12, shown.append)
    fill(display, b"a\xffb\xe2\x82\0\0\0")
    display.write(8, 0xAA)
    (text,) = shown
    assert isinstance(text, InvalidText)
    assert text.raw == b"a\xffb\xe2\x82"
    assert (text.error.start, text.error.reason) == (1, "invalid start byte")
    assert text == "a\ufffdb\ufffd"


def test_invalid_text_is_shown_lossily() -> None:
    shown: list[str] = []
    display = BufferedDisplay(12, shown.append)
    fill(display, b"a\xffb")
    display.write(8, 0xBB)
    assert shown == ["a\ufffdb"]
    assert not isinstance(shown[0], InvalidText)


@pytest.mark.parametrize(("command", "texts"), [(0xAA, 1), (0xBB, 1), (0xFF, 0)])
def test_showing_and_clearing_clear(command: int, texts: int) -> None:
    """divergences.md 19: the original keeps the text when it shows it."""
    shown: list[str] = []
    display = BufferedDisplay(12, shown.append)
    fill(display, b"text")
    display.write(8, command)
    assert len(shown) == texts
    assert display.words.tolist() == [0, 0]


def test_reset_clears_without_showing() -> None:
    shown: list[str] = []
    display = BufferedDisplay(12, shown.append)
    fill(display, b"text")
    display.reset()
    assert display.words.tolist() == [0, 0]
    assert shown == []


def test_an_unknown_command_keeps_the_text() -> None:
    shown: list[str] = []
    display = BufferedDisplay(12, shown.append)
    fill(display, b"text")
    with pytest.raises(Exception, match="Unknown operation 0xAB"):
        display.write(8, 0xAB)
    assert display.words.tolist() == [0x74657874, 0]
    assert shown == []


def test_the_board_may_move_the_buffer() -> None:
    """After the move (`MemoryWindow.words`) the display works on the new place only."""
    shown: list[str] = []
    display = BufferedDisplay(8, shown.append)
    (window,) = display.windows
    window.words = arena = window.words.copy()
    arena[0] = 0x41424344
    display.write(4, 0xAA)
    assert shown == ["ABCD"]
    assert arena[0] == 0


def broken(text: str) -> None:
    raise RuntimeError("the terminal is gone")


@pytest.mark.parametrize("display", [CharDisplay(broken), NumberDisplay(broken)])
def test_a_failing_handler_passes_through(display: Component) -> None:
    with pytest.raises(RuntimeError, match="the terminal is gone"):
        display.write(0, 65)


def test_text_is_kept_for_another_try_if_the_handler_fails() -> None:
    """The failed instruction has not happened, and runs again."""
    display = BufferedDisplay(8, broken)
    fill(display, b"text")
    for command in (0xAA, 0xBB):
        with pytest.raises(RuntimeError):
            display.write(4, command)
        assert display.words.tolist() == [0x74657874]


@pytest.mark.parametrize(
    ("make", "access", "output"),
    [
        (CharDisplay, (0, 0xE9), "é"),
        (CharDisplay, (0, 0xD800), "\ufffd"),
        (NumberDisplay, (0, 255), "0xFF\n"),
        (NumberDisplay, (24, 255), "255"),
    ],
)
def test_the_terminal_is_the_default(
    make: Callable[[], Component],
    access: tuple[int, int],
    output: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make().write(*access)
    assert capsys.readouterr().out == output


def test_the_terminal_is_looked_up_when_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Redirecting `sys.stdout` works on existing displays; output is flushed at once."""
    calls: list[str] = []

    class Recorder:
        def write(self, text: str) -> None:
            calls.append(text)

        def flush(self) -> None:
            calls.append("flush")

    display = BufferedDisplay(8)
    fill(display, b"a\xffb")
    monkeypatch.setattr("sys.stdout", Recorder())
    display.write(4, 0xAA)
    assert "".join(calls) == "a\ufffdbflush"


def test_invalid_text_can_be_copied_and_sent_to_another_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where a library has exceptions pickled in another way, as distributed does."""
    monkeypatch.setitem(copyreg.dispatch_table, UnicodeDecodeError, lambda _: (ValueError, ()))
    shown: list[str] = []
    CharDisplay(shown.append).write(0, 0xD800)
    for other in (copy.copy(shown[0]), pickle.loads(pickle.dumps(shown[0]))):
        assert isinstance(other, InvalidText)
        assert (other, other.raw) == ("\ufffd", b"\0\0\xd8\0")


@pytest.mark.parametrize("style", NumberFormat)
@pytest.mark.parametrize("row", range(4))
def test_handlers_can_show_numbers_their_own_way(style: NumberFormat, row: int) -> None:
    """The text knows its number, and copies of it do."""
    shown: list[Any] = []
    NumberDisplay(shown.append).write(16 * row + style, 0xFFFF_FFFF)
    [text] = shown
    for twin in (text, copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert isinstance(twin, NumberText)
        assert (twin.number, twin.number_format, twin.newline) == (0xFFFF_FFFF, style, row == 0)
        assert twin.endswith("\n") == twin.newline
