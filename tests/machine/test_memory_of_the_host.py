"""`board.memory`: physical memory as Python reads and writes it, with the components' rules."""

from __future__ import annotations

import numpy
import pytest

from lrvm_components import BootRom, BufferedDisplay, Ram
from lrvm_jit import HardwareError, Motherboard
from tests.engines import EngineChoice
from tests.machine.probes import Probe, refusal

RAM, ROM, PROBE, DISPLAY = 0, 0x100, 0x200, 0x300


@pytest.fixture
def probe() -> Probe:
    return Probe(size=0x10, words={0: 7})


@pytest.fixture
def board(engine: EngineChoice, probe: Probe) -> Motherboard:
    """RAM, ROM, probe and display of 16 bytes each, with gaps between them."""
    made = Motherboard(
        [Ram(16), BootRom([1, 2, 3, 4]), probe, BufferedDisplay(16, lambda text: None)],
        engine=engine,
    )
    for component, address in enumerate((RAM, ROM, PROBE, DISPLAY)):
        made.map(address, component)
    return made


def test_read_and_write(board: Motherboard, probe: Probe) -> None:
    """A word at a time; a component gets its READ and WRITE, exactly one each."""
    board.memory.write(RAM + 4, 0xFFFFFFFF)
    assert board.memory.read(RAM + 4) == 0xFFFFFFFF
    assert board.memory.read(ROM + 8) == 3
    board.memory.write(PROBE + 4, 9)
    assert board.memory.read(PROBE) == 7
    assert probe.log == [("write", 4, 9), ("read", 0, 7)]
    assert type(board.memory.read(ROM)) is int


def test_what_is_not_mapped(board: Motherboard) -> None:
    """Reads give 0, writes are ignored, up to the last word of the address space."""
    for address in (0x10, 0xFC, 0xFFFFFFFC):
        board.memory.write(address, 5)
        assert board.memory.read(address) == 0


def test_refusals_of_components(board: Motherboard, probe: Probe) -> None:
    """They come as HardwareError, as the guest would get them."""
    probe.fail["read", 0] = refusal(0x2012)
    for attempt, word in (
        (lambda: board.memory.read(PROBE), 0x2012),
        (lambda: board.memory.write(ROM, 1), 0x3100),
        (lambda: board.memory.read(DISPLAY), 0x2100),
        (lambda: board.memory.write(DISPLAY + 12, 0x42), 0x1042),
        (lambda: board.memory.dump(DISPLAY, DISPLAY + 4), 0x2100),
    ):
        with pytest.raises(HardwareError) as caught:
            attempt()
        assert caught.value.word == word


@pytest.mark.parametrize("address", [-4, 1 << 32, 0x1_0000_0004])
def test_addresses_out_of_range(address: int, board: Motherboard) -> None:
    """Every method names the address and the limit."""
    for attempt in (
        lambda: board.memory.read(address),
        lambda: board.memory.write(address, 0),
        lambda: board.memory.load(address, [1]),
        lambda: board.memory.dump(address, address),
        lambda: board.memory.dump(0, address),
    ):
        with pytest.raises(ValueError, match=rf"{address} is outside 0\.\.0xFFFFFFFF"):
            attempt()


@pytest.mark.parametrize("address", [1, 2, 0x103])
def test_unaligned_addresses(address: int, board: Motherboard) -> None:
    for attempt in (
        lambda: board.memory.read(address),
        lambda: board.memory.write(address, 0),
        lambda: board.memory.load(address, [1]),
        lambda: board.memory.dump(address, 0x200),
    ):
        with pytest.raises(ValueError, match=f"0x{address:08X} is not a multiple of 4"):
            attempt()


@pytest.mark.parametrize("word", [-1, 1 << 32])
def test_values_that_are_no_words(word: int, board: Motherboard) -> None:
    """The message names the value; nothing is written."""
    with pytest.raises(ValueError, match=rf"value {word} for address 0x00000004.*0\.\.4294967295"):
        board.memory.write(RAM + 4, word)
    with pytest.raises(ValueError, match=rf"word 1 is {word}, outside 0\.\.4294967295"):
        board.memory.load(RAM, [5, word])
    assert board.memory.dump(RAM, RAM + 12).tolist() == [0] * 4


@pytest.mark.parametrize("word", [None, 1.0, "1"])
def test_values_that_are_no_integers(word: object, board: Motherboard) -> None:
    with pytest.raises(TypeError, match="word must be a whole number"):
        board.memory.write(RAM, word)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a word must be a whole number"):
        board.memory.load(RAM, [word])  # type: ignore[list-item]


def test_numpy_values(board: Motherboard) -> None:
    """Words as numpy has them are words."""
    board.memory.write(RAM, numpy.uint32(0x80000000))  # type: ignore[arg-type]
    board.memory.load(RAM + 4, numpy.array([1, 2], ">u2"))
    board.memory.load(numpy.int64(RAM + 12), numpy.array([3], numpy.uint32))  # type: ignore[arg-type]
    assert board.memory.dump(RAM, RAM + 12).tolist() == [0x80000000, 1, 2, 3]


def test_load_and_dump(board: Motherboard, probe: Probe) -> None:
    """Any iterable of words; a dump is an array of its own, both ends included."""
    board.memory.load(RAM, (k * k for k in range(4)))
    words = board.memory.dump(RAM, RAM + 12)
    assert words.dtype == numpy.uint32
    assert words.tolist() == [0, 1, 4, 9]
    words[:] = 77
    assert board.memory.read(RAM + 4) == 1
    assert board.memory.dump(RAM + 4, RAM + 4).tolist() == [1]
    board.memory.load(PROBE + 4, [5, 6])
    assert board.memory.dump(PROBE, PROBE + 8).tolist() == [7, 5, 6]
    assert probe.log == [
        ("write", 4, 5),
        ("write", 8, 6),
        ("read", 0, 7),
        ("read", 4, 5),
        ("read", 8, 6),
    ]
    board.memory.load(RAM, [])
    assert board.memory.read(RAM + 4) == 1


def test_a_load_that_a_rom_refuses_writes_nothing(board: Motherboard, probe: Probe) -> None:
    """Where plain memory refuses, the words before it are not written either."""
    with pytest.raises(HardwareError) as caught:
        board.memory.load(RAM, range(1, 100))
    assert caught.value.word == 0x3100
    assert board.memory.dump(RAM, RAM + 12).tolist() == [0] * 4
    assert probe.log == []


def test_a_load_past_the_address_space(board: Motherboard) -> None:
    with pytest.raises(ValueError, match=r"3 words at 0xFFFFFFF8.*past.*0xFFFFFFFF"):
        board.memory.load(0xFFFFFFF8, [1, 2, 3])
    board.memory.load(0xFFFFFFF8, [1, 2])


def test_a_dump_backwards(board: Motherboard) -> None:
    with pytest.raises(ValueError, match="0x00000004 is below the first, 0x00000008"):
        board.memory.dump(8, 4)


def test_a_dump_over_everything(board: Motherboard) -> None:
    """Gaps read 0."""
    words = board.memory.dump(RAM, PROBE + 4).tolist()
    assert words[ROM // 4 : ROM // 4 + 5] == [1, 2, 3, 4, 0]
    assert words[PROBE // 4] == 7
    assert sum(words) == 1 + 2 + 3 + 4 + 7


def test_a_load_that_a_component_refuses_in_the_middle(board: Motherboard, probe: Probe) -> None:
    """Behind the bus there is no foresight: the words before the refusal have been written."""
    probe.fail["write", 8] = refusal(0x3001)
    with pytest.raises(HardwareError):
        board.memory.load(PROBE, [1, 2, 3, 4])
    assert probe.words == {0: 1, 4: 2}
