"""Components with memory windows: plain memory inside the kernel, trigger words outside it."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from lrvm_components import BufferedDisplay, CharKeyboard, LineKeyboard
from lrvm_jit import (
    Category,
    Component,
    GuestException,
    HardwareError,
    MemoryWindow,
    Metadata,
    Motherboard,
)
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from tests.engines import EngineChoice
from tests.machine.guest import machine
from tests.machine.paging import ALL

BASE = 0x10000


class Windowed(Component):
    """A component of 8 words: words 1-2 and 5-6 are windows, the others ask Python."""

    name = "Windowed"

    def __init__(
        self, read_error: HardwareError | None = None, write_error: HardwareError | None = None
    ) -> None:
        self.windows = (
            MemoryWindow(4, numpy.array([11, 12], numpy.uint32)),
            MemoryWindow(20, numpy.array([15, 16], numpy.uint32), read_error, write_error),
        )
        self.log: list[tuple[Any, ...]] = []
        self.on_read: Any = None

    def metadata(self) -> Metadata:
        return Metadata(1, 32, Category.UNCATEGORIZED, 0)

    def read(self, offset: int) -> int:
        if offset in (4, 8, 20, 24):
            return super().read(offset)
        self.log.append(("read", offset))
        if self.on_read is not None:
            self.on_read(offset)
        return 1000 + offset

    def write(self, offset: int, word: int) -> None:
        if offset in (4, 8, 20, 24):
            super().write(offset, word)
            return
        self.log.append(("write", offset, word))
        self.windows[0].words[:] = word


def test_filling_a_display_calls_python_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """1023 words of text and one command cost one call of the component, on the compiled engine."""
    shown: list[str] = []
    calls: list[int] = []
    original = BufferedDisplay.write

    def counting(self: BufferedDisplay, offset: int, word: int) -> None:
        calls.append(offset)
        original(self, offset, word)

    monkeypatch.setattr(BufferedDisplay, "write", counting)
    filling = machine(
        """
      cpy a1, 0x4142
      shl a1, 16
      add a1, 0x4344
    loop:
      wsa a0, a2, a1
      add a2, 4
      cmp a2, 4092
      ifls
      jp loop
      wsa a0, a2, 0xAA
      halt
    """,
        "interpreter",
        [BufferedDisplay(4096, shown.append)],
        a0=BASE,
    )
    assert filling.run().reason == "halted"
    assert shown == ["ABCD" * 1023]
    assert calls == [4092]


def test_a_display_shows_and_clears(engine: EngineChoice) -> None:
    """On every engine the text arrives, and the buffer is empty after it."""
    shown: list[str] = []
    display = BufferedDisplay(16, shown.append)
    showing = machine(
        "wsa a0, 0, a1\nwsa a0, 12, 0xAA\nwsa a0, 4, a1\nwsa a0, 12, 0xAA\nwsa a0, 12, 0xAA\nhalt",
        engine,
        [display],
        a0=BASE,
        a1=0x48690000,
    )
    showing.run()
    assert shown == ["Hi", "\0\0\0\0Hi", ""]
    assert display.words.tolist() == [0, 0, 0]


def test_reading_a_display_is_refused(engine: EngineChoice) -> None:
    """The window's read error reaches the guest: buffer and command word alike, and as code."""
    for source in ("lsa a1, a0", "lsa a1, a0, 12", "srm a0, 4, a1", "jp a0"):
        reading = machine(
            f"cpy ev, 16\n{source}\nhalt\nhalt\nhalt", engine, [BufferedDisplay(16)], a0=BASE, a1=7
        )
        reading.run()
        assert reading.board.cpu.exception == GuestException(True, 0xA0, 0x2100), source
        assert reading.a1 == 7


def test_a_line_is_readable_after_the_command(engine: EngineChoice) -> None:
    """The keyboard fills its window in the write call; the guest reads it right after."""
    keyboard = LineKeyboard(16, iter(["Hello", "yes"]).__next__)
    reading = machine(
        """
      lsa a1, a0            ; a look before, so that the window is in use
      wsa a0, 12, 0xAA
      lsa a2, a0
      lsa a3, a0, 4
      wsa a0, 12, 0xAA
      lsa a4, a0
      lsa a5, a0, 4
      lsa a6, a0, 12
      wsa a0, 12, 0xFF
      lsa a7, a0
      halt
    """,
        engine,
        [keyboard],
        a0=BASE,
        a6=9,
        a7=9,
    )
    assert reading.run().reason == "halted"
    assert reading.board.cpu.regs[1:8] == [0, 0x48656C6C, 0x6F000000, 0x79657300, 0, 0, 0]


def test_writing_a_keyboard_buffer_is_refused(engine: EngineChoice) -> None:
    """The window's write error, from the kernel and on the bus."""
    writing = machine(
        "cpy ev, 8\nwsa a0, 0, 5\nlsa a1, a0\nhalt", engine, [CharKeyboard(lambda: "x")], a0=BASE
    )
    writing.run()
    assert writing.board.cpu.exception == GuestException(True, 0xA0, 0x3100)
    assert writing.a1 == 0


def test_words_between_windows_ask_the_component(engine: EngineChoice) -> None:
    """Each word goes where it belongs: words 0, 3, 4 and 7 to Python, the others to memory."""
    component = Windowed()
    reading = machine(
        """
    loop:
      lsa avr, a0, a1
      add a2, avr
      add a1, 4
      cmp a1, 36
      ifls
      jp loop
      halt
    """,
        engine,
        [component],
        a0=BASE,
    )
    reading.run()
    assert component.log == [("read", 0), ("read", 12), ("read", 16), ("read", 28)]
    assert reading.a2 == 11 + 12 + 15 + 16 + 4000 + 0 + 12 + 16 + 28


def test_writes_between_windows(engine: EngineChoice) -> None:
    """A write by the component to its own window is what the guest reads next."""
    component = Windowed()
    writing = machine(
        "wsa a0, 4, 1\nwsa a0, 24, 2\nwsa a0, 12, 3\nlsa a1, a0, 4\nlsa a2, a0, 8\nhalt",
        engine,
        [component],
        a0=BASE,
    )
    writing.run()
    assert component.log == [("write", 12, 3)]
    assert (writing.a1, writing.a2) == (3, 3)
    assert component.windows[1].words.tolist() == [15, 2]


@pytest.mark.parametrize(("refused", "word"), [("read", 0x2042), ("write", 0x3099)])
def test_errors_of_a_window_are_its_own(refused: str, word: int, engine: EngineChoice) -> None:
    """One window refuses, the other does not; the error's 16 bits are the window's."""
    error = HardwareError.from_word(word)
    component = Windowed(**{f"{refused}_error": error})
    access = {"read": "lsa a1, a0", "write": "wsa a0"}[refused]
    other = {"read": "wsa a0, 20, 5", "write": "lsa a1, a0, 20"}[refused]
    last = "" if refused == "read" else ", 1"
    accessing = machine(
        f"cpy ev, 20\n{access}, 4{last}\n{other}\n{access}, 20{last}\nhalt\nhalt",
        engine,
        [component],
        a0=BASE,
    )
    accessing.run()
    assert accessing.board.cpu.exception == GuestException(True, 0xA0, word)
    assert accessing.era == 12


def test_a_component_rewrites_code_in_its_window_on_a_write(engine: EngineChoice) -> None:
    """The guest runs code in the window, has the component rewrite it, and runs the new code."""
    component = Windowed()
    component.windows[0].words[:] = [encode("add", Reg.A1, 1), encode("cpy", Reg.PC, Reg.A7)]
    rewriting = machine(
        """
    loop:
      inc c0
      cmp c0, 4
      ifeq
      halt
      cmp c0, 3
      ifeq
      wsa a0, 12, a6
      cpy a7, loop
      jp a5
    """,
        engine,
        [component],
        a0=BASE,
        a5=BASE + 4,
        a6=encode("halt"),
    )
    rewriting.run()
    assert (rewriting.a1, rewriting.c0) == (2, 3)
    assert rewriting.pc == BASE + 8


def test_a_component_rewrites_code_in_its_window_on_a_read(engine: EngineChoice) -> None:
    """The same where it happens while a read is answered."""
    component = Windowed()
    component.windows[0].words[:] = [encode("add", Reg.A1, 1), encode("cpy", Reg.PC, Reg.A7)]

    def rewrite(_: int) -> None:
        component.windows[0].words[0] = encode("halt")

    component.on_read = rewrite
    rewriting = machine(
        "loop: inc c0\ncmp c0, 3\nifeq\nlsa a4, a0, 12\ncpy a7, loop\njp a5",
        engine,
        [component],
        a0=BASE,
        a5=BASE + 4,
    )
    assert rewriting.run(max_cycles=100).reason == "halted"
    assert (rewriting.a1, rewriting.pc) == (2, BASE + 8)


def test_the_live_words_are_the_hosts_too(engine: EngineChoice) -> None:
    """`window.words` is a view: what the host writes there the guest reads, and back."""
    component = Windowed()
    before = component.windows[0].words
    sharing = machine("lsa a1, a0, 4\nwsa a0, 8, 77\nhalt", engine, [component], a0=BASE)
    assert component.windows[0].words is not before
    component.windows[0].words[0] = 99
    sharing.run()
    assert sharing.a1 == 99
    assert component.windows[0].words[1] == 77


def test_a_partly_mapped_window(engine: EngineChoice) -> None:
    """map_abs may end inside a window; what lies beyond is not mapped."""
    component = Windowed()
    board = Motherboard([component], engine=engine)
    board.map_abs(0x100, 0x104, 0)
    assert board.memory.dump(0x100, 0x10C).tolist() == [1000, 11, 0, 0]
    board.memory.write(0x108, 5)
    assert component.windows[0].words[1] == 12


def test_windows_are_checked() -> None:
    """What cannot be served is refused when the board is made, or the window."""

    class Bad(Component):
        name = "Bad"

        def __init__(self, *windows: MemoryWindow) -> None:
            self.windows = windows

        def metadata(self) -> Metadata:
            return Metadata(1, 16, Category.UNCATEGORIZED, 0)

    two = numpy.zeros(2, numpy.uint32)
    with pytest.raises(ValueError, match=r"window up to byte 20.*size is 16"):
        Motherboard([Bad(MemoryWindow(12, two))], engine="reference")
    with pytest.raises(ValueError, match="windows of Bad overlap"):
        Motherboard([Bad(MemoryWindow(0, two), MemoryWindow(4, two))], engine="reference")
    with pytest.raises(ValueError, match=r"windows of Bad .*not in order"):
        Motherboard([Bad(MemoryWindow(8, two), MemoryWindow(0, two))], engine="reference")
    for offset in (-4, 2):
        with pytest.raises(ValueError, match=f"offset {offset} must be a multiple of 4"):
            MemoryWindow(offset, two)
    for words in (two.astype(numpy.int64), two.reshape(1, 2), two[:0]):
        with pytest.raises(ValueError, match="one-dimensional uint32"):
            MemoryWindow(0, words)  # type: ignore[arg-type]


class TableSwitch(Component):
    """A page table as memory, at an address that is a multiple of 16 KiB, and a word behind it:
    writing it makes virtual page 40 the page with that number."""

    name = "Table Switch"

    def __init__(self) -> None:
        self.windows = (MemoryWindow(0, ALL + numpy.arange(1 << 12, dtype=numpy.uint32)),)

    def metadata(self) -> Metadata:
        return Metadata(7, (1 << 14) + 4, Category.UNCATEGORIZED, 0)

    def write(self, offset: int, word: int) -> None:
        self.windows[0].words[40] = ALL | word


def test_a_table_that_its_component_changes_counts_at_once(engine: EngineChoice) -> None:
    """Page tables in a window are cached; the component's own writes are noticed, in a loop that
    may be translated as well."""
    source = """
        cpy ac0, 0xa000         ; in virtual page 40
        cpy ac1, 0x1
        shl ac1, 16
        cpy ac2, ac1
        add ac2, 0x4000         ; the word that switches
    next:
        lsa a1, ac0, 0
        add a2, a1
        mul a2, 3
        wsa ac2, 0, a3
        xor a3, 8               ; pages 33 and 41 in turn
        dec a0
        ifnq
        jp next
        halt
    """
    switch = TableSwitch()
    built = machine(source, engine, [switch], pda=0x8000, mtt=1, a0=50, a3=33)
    built.board.memory.write(0x8000, ALL | 4)
    for page, word in ((33, 5), (40, 7), (41, 11)):
        built.board.memory.write(page << 10, word)
    built.run()
    wanted, seen = 0, [7] + [5, 11] * 25
    for word in seen[:50]:
        wanted = (wanted + word) * 3 & 0xFFFF_FFFF
    assert built.a2 == wanted
