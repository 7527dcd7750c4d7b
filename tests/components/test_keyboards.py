"""Character and line keyboards."""

from __future__ import annotations

import io
import signal
import warnings
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_components import CharKeyboard, LineKeyboard
from lrvm_jit import Component, HardwareError
from tests.engines import EngineChoice
from tests.interruptions import handler
from tests.machine.guest import machine


def answers(*texts: str) -> Callable[[], str]:
    """A handler that answers these."""
    return iter(texts).__next__


def content(keyboard: LineKeyboard) -> bytes:
    """The buffer as the guest reads it, word by word."""
    offsets = range(0, keyboard.capacity, 4)
    return b"".join(keyboard.read(offset).to_bytes(4, "big") for offset in offsets)


def test_a_key_is_read_on_command() -> None:
    keyboard = CharKeyboard(answers("A", "€", "\U0010ffff"))
    assert keyboard.read(0) == 0
    for scalar in (0x41, 0x20AC, 0x10FFFF):
        keyboard.write(4, 0x01)
        assert keyboard.read(0) == keyboard.read(0) == scalar


@pytest.mark.parametrize("clear", [lambda k: k.write(4, 0x02), lambda k: k.reset()])
def test_the_key_is_cleared(clear: Callable[[CharKeyboard], None]) -> None:
    keyboard = CharKeyboard(answers("A"))
    keyboard.write(4, 0x01)
    clear(keyboard)
    assert keyboard.read(0) == 0


def test_the_end_of_the_input_is_character_0() -> None:
    keyboard = CharKeyboard(answers("A", ""))
    keyboard.write(4, 0x01)
    keyboard.write(4, 0x01)
    assert keyboard.read(0) == 0


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        ("no", ValueError, "must answer one character, not 'no'"),
        ("\ud800", UnicodeEncodeError, "surrogates"),
    ],
)
def test_what_is_no_character_is_refused(answer: str, error: type[Exception], message: str) -> None:
    keyboard = CharKeyboard(answers("A", answer))
    keyboard.write(4, 0x01)
    with pytest.raises(error, match=message):
        keyboard.write(4, 0x01)
    assert keyboard.read(0) == 0x41


@pytest.mark.parametrize("line", ["", "four", "line\n", "Grüße €\n", "12345678", "a\0b"])
def test_a_line_is_stored_as_it_is_and_padded_with_zeros(line: str) -> None:
    keyboard = LineKeyboard(16, answers(line))
    keyboard.write(12, 0xAA)
    assert content(keyboard) == line.encode().ljust(12, b"\0")


def test_the_command_word_reads_0() -> None:
    keyboard = LineKeyboard(8, answers("full"))
    keyboard.write(4, 0xAA)
    assert keyboard.read(4) == 0


def test_a_line_replaces_the_one_before() -> None:
    """At the end of the input too: it leaves an empty line."""
    keyboard = LineKeyboard(16, answers("a long line", "short", ""))
    for line in (b"a long line", b"short", b""):
        keyboard.write(12, 0xAA)
        assert content(keyboard) == line.ljust(12, b"\0")


@pytest.mark.parametrize("clear", [lambda k: k.write(8, 0xFF), lambda k: k.reset()])
def test_the_line_is_cleared(clear: Callable[[LineKeyboard], None]) -> None:
    keyboard = LineKeyboard(12, answers("12345678"))
    keyboard.write(8, 0xAA)
    clear(keyboard)
    assert content(keyboard) == bytes(8)


def test_a_line_too_long_is_cut_and_reported() -> None:
    keyboard = LineKeyboard(12, answers("123456789"))
    with pytest.warns(UserWarning, match="a line of 9 bytes was cut to fit the keyboard's 8"):
        keyboard.write(8, 0xAA)
    assert content(keyboard) == b"12345678"


@given(st.text(max_size=12))
def test_a_line_is_never_cut_inside_a_character(line: str) -> None:
    """What is stored is text, and as much of the line as there is room for."""
    keyboard = LineKeyboard(12, lambda: line)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        keyboard.write(8, 0xAA)
    kept = max(n for n in range(len(line) + 1) if len(line[:n].encode()) <= 8)
    assert content(keyboard) == line[:kept].encode().ljust(8, b"\0")
    assert len(caught) == (kept < len(line))


def broken() -> str:
    raise EOFError("nobody is there")


def test_a_failing_handler_passes_through_and_changes_nothing() -> None:
    keys, lines = CharKeyboard(broken), LineKeyboard(8, broken)
    keys.words[:] = lines.words[:] = 7
    for keyboard, command in ((keys, 0x01), (lines, 0xAA)):
        with pytest.raises(EOFError, match="nobody is there"):
            keyboard.write(4, command)
        assert keyboard.read(0) == 7


def test_a_line_with_a_lone_surrogate_is_refused() -> None:
    keyboard = LineKeyboard(8, answers("\udc80"))
    with pytest.raises(UnicodeEncodeError):
        keyboard.write(4, 0xAA)
    assert content(keyboard) == bytes(4)


def test_the_terminal_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sys.stdin` is looked up when a key is needed, not before."""
    keys, lines = CharKeyboard(), LineKeyboard(8)
    monkeypatch.setattr("sys.stdin", io.StringIO("éab\nc"))
    keys.write(4, 0x01)
    assert keys.read(0) == 0xE9
    for expected in (b"ab\n\0", b"c\0\0\0", b"\0\0\0\0"):
        lines.write(4, 0xAA)
        assert content(lines) == expected
    keys.write(4, 0x01)
    assert keys.read(0) == 0


@pytest.mark.parametrize(
    ("keyboard", "command"),
    [(CharKeyboard(lambda: "A"), 0x01), (LineKeyboard(8, lambda: "\0\0\0A"), 0xAA)],
)
def test_the_board_may_move_the_buffer(keyboard: LineKeyboard, command: int) -> None:
    """After the move (`MemoryWindow.words`) the keyboard works on the new place only."""
    (window,) = keyboard.windows
    old = window.words
    window.words = arena = numpy.ones_like(old)
    keyboard.write(4, command)
    assert (arena[0], old[0]) == (0x41, 0)
    keyboard.reset()
    assert arena[0] == 0


def test_keys_are_not_writable_even_by_commands() -> None:
    """The buffer's words take no commands, and the command word no text."""
    keyboard = LineKeyboard(12, broken)
    for offset in (0, 4):
        with pytest.raises(HardwareError) as caught:
            keyboard.write(offset, 0xAA)
        assert caught.value.word == 0x3100


@pytest.mark.parametrize(
    "make", [CharKeyboard, lambda handler: LineKeyboard(8, handler)], ids=["character", "line"]
)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "answered None; it must answer a string, "),
        (b"a", r"answered b'a'; .*; decode\(\) makes a string"),
        (5, "answered 5; "),
    ],
)
def test_a_handler_that_answers_no_string(make: Any, answer: object, told: str) -> None:
    keyboard = make(lambda: answer)
    with pytest.raises(TypeError, match=told):
        keyboard.command(0x01 if isinstance(keyboard, CharKeyboard) else 0xAA)
    assert not keyboard.words.any()


@pytest.mark.parametrize("kind", [CharKeyboard, lambda handler: LineKeyboard(64, handler)])
def test_ctrl_c_while_a_keyboard_waits(
    kind: Callable[..., Component], engine: EngineChoice
) -> None:
    """It ends the wait; the next run waits again, and what was typed comes once."""
    waits = 0

    def typed() -> str:
        nonlocal waits
        waits += 1
        if waits % 2:
            signal.raise_signal(signal.SIGINT)
            pytest.fail("Ctrl-C does not end the wait")
        return "abcdefgh"[waits // 2 - 1]

    keyboard = kind(typed)
    command, offset = (1, 4) if isinstance(keyboard, CharKeyboard) else (0xAA, 60)
    built = machine(
        f"next: wsa ac0, {offset}, {command}\nlsa a0, ac0, 0\npush a0\njp next",
        engine,
        [keyboard],
        ac0=0x10000,
        ssp=0x1000,
    )
    with handler(signal.SIGINT, signal.default_int_handler):
        for _ in range(8):
            with pytest.raises(KeyboardInterrupt):
                built.board.run()
    shift = 0 if isinstance(keyboard, CharKeyboard) else 24
    words = [built.board.memory.read(0x1000 - 4 * k) for k in range(1, 8)]
    assert "".join(chr(word >> shift) for word in words) == "abcdefg"
