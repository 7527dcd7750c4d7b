"""BootROM, RAM and flash memory."""

from __future__ import annotations

import array
from collections.abc import Callable

import numpy
import pytest

from lrvm_components import BootRom, FlashMemory, Ram
from lrvm_jit import HardwareError

WORDS = [0x0123_4567, 0xFFFF_FFFF]


@pytest.mark.parametrize(
    "content",
    [
        WORDS,
        tuple(WORDS),
        iter(WORDS),
        array.array("L", WORDS),
        numpy.array(WORDS, numpy.uint32),
        numpy.array(WORDS, ">u4"),
        numpy.array(WORDS, numpy.int64),
        bytes.fromhex("01234567 ffffffff"),
        bytearray.fromhex("01234567 ffffffff"),
        memoryview(bytes.fromhex("01234567 ffffffff")),
    ],
    ids=lambda content: type(content).__name__,
)
def test_content_may_be_words_or_big_endian_bytes(content: bytes) -> None:
    rom = BootRom(content)
    assert [rom.read(0), rom.read(4)] == WORDS


@pytest.mark.parametrize("make", [BootRom, lambda words: Ram(16, words)])
@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ([0, -1], ValueError, "word 1 is -1, outside"),
        ([2**32], ValueError, "word 0 is 4294967296, outside"),
        (numpy.array([2**32]), ValueError, "word 0 is 4294967296, outside"),
        ([2**70], ValueError, "word 0 is 1180591620717411303424, outside"),
        ([1.0], TypeError, "a word must be a whole number, not 1.0"),
        ("ab", TypeError, "words must be whole numbers, or bytes, not the string 'ab'"),
        (numpy.zeros((2, 2), numpy.uint32), TypeError, "one row of whole numbers, not 2 dim"),
        (b"\0\0\0\0\0\0", ValueError, "6 bytes are not a whole number of 32-bit words"),
    ],
)
def test_bad_content_is_refused(
    make: Callable[[object], object], content: object, error: type[Exception], message: str
) -> None:
    """Nothing is wrapped, truncated or padded in silence."""
    with pytest.raises(error, match=message):
        make(content)


@pytest.mark.parametrize("make", [BootRom, lambda words: Ram(8, words)])
def test_content_is_copied(make: Callable[[object], Ram]) -> None:
    """The guest does not write into the caller's array, nor the caller into the machine."""
    source = numpy.array(WORDS, numpy.uint32)
    memory = make(source)
    source[0] = 5
    memory.reset()
    assert memory.read(0) == WORDS[0]
    memory.words[1] = 9
    assert source.tolist() == [5, WORDS[1]]


def test_rom_reads_zero_past_its_program() -> None:
    rom = BootRom([1, 2], 16)
    assert [rom.read(offset) for offset in range(0, 16, 4)] == [1, 2, 0, 0]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: BootRom([1, 2, 3], 8), "BootROM"),
        (lambda: Ram(8, [1, 2, 3]), "RAM"),
        (lambda: FlashMemory(8, [1, 2, 3]), "Flash Memory"),
    ],
)
def test_content_larger_than_the_memory_is_refused(make: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=f"12 bytes does not fit the 8 bytes of {name}$"):
        make()


def test_a_rom_of_nothing_needs_a_size() -> None:
    with pytest.raises(ValueError, match="size 0 must be"):
        BootRom([])
    assert BootRom([], 4).read(0) == 0


def test_rom_refuses_writes_and_keeps_its_content_on_reset() -> None:
    rom = BootRom([7])
    with pytest.raises(HardwareError) as caught:
        rom.write(0, 1)
    assert caught.value.word == 0x3100
    rom.reset()
    assert rom.read(0) == 7


@pytest.mark.parametrize("make", [Ram, FlashMemory])
def test_ram_and_flash_are_read_and_written(make: Callable[..., Ram | FlashMemory]) -> None:
    memory = make(12, [5])
    assert [memory.read(offset) for offset in (0, 4, 8)] == [5, 0, 0]
    memory.write(8, 0xFFFF_FFFF)
    assert [memory.read(offset) for offset in (0, 4, 8)] == [5, 0, 0xFFFF_FFFF]
    assert memory.words.tolist() == [5, 0, 0xFFFF_FFFF]


def test_reset_takes_ram_back_to_its_image() -> None:
    """divergences.md 25: the original zeroes all of it."""
    ram = Ram(16, [1, 2])
    for offset in range(0, 16, 4):
        ram.write(offset, 99)
    ram.reset()
    assert ram.words.tolist() == [1, 2, 0, 0]


def test_reset_clears_ram_without_an_image() -> None:
    ram = Ram(8)
    ram.write(4, 99)
    ram.reset()
    assert ram.words.tolist() == [0, 0]


def test_flash_keeps_its_content_on_reset() -> None:
    """divergences.md 23: the original zeroes it."""
    flash = FlashMemory(8, [1])
    flash.write(4, 2)
    flash.reset()
    assert flash.words.tolist() == [1, 2]


@pytest.mark.parametrize("make", [lambda: BootRom([1], 8), lambda: Ram(8, [1])])
def test_the_board_may_move_the_content(make: Callable[[], Ram]) -> None:
    """After the move (`MemoryWindow.words`) the component works on the new place only."""
    memory = make()
    (window,) = memory.windows
    old = window.words
    window.words = arena = old.copy()
    arena[0] = 8
    assert memory.words is arena
    assert memory.read(0) == 8
    memory.reset()
    assert arena[0] == (1 if memory.name == "RAM" else 8)
    assert old[0] == 1
