"""What all ready-made components must agree on: the catalogue of memory.md, row by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

import lrvm_components
from lrvm_components import (
    BasicDebug,
    BootRom,
    BufferedDisplay,
    CharDisplay,
    CharKeyboard,
    FileMemory,
    FlashMemory,
    LineKeyboard,
    NumberDisplay,
    Ram,
    RealtimeClock,
)
from lrvm_jit import Component, HardwareError, Metadata, hardware_id
from lrvm_jit.core.metadata import name_bytes, type_name


def words_of(component: Component) -> tuple[int, ...]:
    """The metadata as the guest reads it."""
    metadata = component.metadata()
    assert isinstance(metadata, Metadata)
    return metadata.words()


CATALOGUE = [
    # component, name, size, category, type, name of the type
    (BootRom([1, 2]), "BootROM", 8, 0x22000, 0x100, "Readonly"),
    (Ram(16), "RAM", 16, 0x21000, 0x100, "Ram"),
    (FlashMemory(16), "Flash Memory", 16, 0x22000, 0x11, "Flash"),
    (CharDisplay(), "Character Display", 4, 0x11000, 0x10, "Character"),
    (BufferedDisplay(64), "Buffered Display", 64, 0x11000, 0x100, "Buffered"),
    (NumberDisplay(), "Number Display", 64, 0x11000, 0x1, "Number"),
    (
        CharKeyboard(),
        "Synchronous Character Keyboard",
        8,
        0x16000,
        0x100,
        "ReadCharSynchronous",
    ),
    (
        LineKeyboard(64),
        "Synchronous Line Keyboard",
        64,
        0x16000,
        0x1000,
        "ReadLineSynchronous",
    ),
    (RealtimeClock(), "Realtime Clock", 24, 0x1000, 0x1, "Realtime"),
    (BasicDebug(), "Basic Debug Interface", 64, 0x100, 0x100, "Basic"),
]


@pytest.mark.parametrize(
    ("component", "name", "size", "category", "code", "code_name"),
    CATALOGUE,
    ids=[row[1] for row in CATALOGUE],
)
def test_metadata(
    component: Component, name: str, size: int, category: int, code: int, code_name: str
) -> None:
    """Hardware detection finds each component under its specified name, size and type."""
    hw_id = hardware_id(name)
    expected = (hw_id >> 32, hw_id & 0xFFFFFFFF, size, category, code, 0, 0, 0)
    assert component.name == name
    assert name_bytes(name) == name.encode()  # not cut
    assert words_of(component) == expected
    assert type_name(category, code) == code_name


def test_metadata_of_file_memory(tmp_path: Path) -> None:
    """As above; writable or not, its type is Persistent."""
    path = tmp_path / "disk"
    path.write_bytes(bytes(12))
    hw_id = hardware_id("Persistent Memory")
    for writable in (False, True):
        memory = FileMemory(path, writable=writable)
        memory.close()
        assert memory.name == "Persistent Memory"
        assert words_of(memory) == (hw_id >> 32, hw_id & 0xFFFFFFFF, 12, 0x22000, 0x21, 0, 0, 0)


SIZED: list[Callable[[int], Component]] = [
    lambda size: BootRom([], size),
    Ram,
    FlashMemory,
    BufferedDisplay,
    LineKeyboard,
]


@pytest.mark.parametrize("make", SIZED)
@pytest.mark.parametrize("size", [-4, 0, 1, 10, 2**32, 2**64])
def test_bad_sizes_are_refused(make: Callable[[int], Component], size: int) -> None:
    """The message names the value and the limit."""
    with pytest.raises(ValueError, match=rf"^size {size} must be .* 4294967292$"):
        make(size)


@pytest.mark.parametrize("make", SIZED)
@pytest.mark.parametrize("size", ["8", 8.0, b""])
def test_sizes_that_are_no_numbers_are_refused(
    make: Callable[[object], Component], size: object
) -> None:
    with pytest.raises(TypeError, match=r"^size must be a whole number"):
        make(size)


def test_any_integer_type_is_a_size() -> None:
    assert words_of(Ram(numpy.int64(8)))[2] == 8  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [BufferedDisplay, LineKeyboard])
def test_a_buffer_needs_room_beside_its_command(make: Callable[[int], Component]) -> None:
    with pytest.raises(ValueError, match=r"size 4 must be .* from 8 to"):
        make(4)
    assert words_of(make(8))[2] == 8


def makers(path: Path) -> list[Callable[[int | None], Component]]:
    """Every component as a function of its hardware id."""
    return [
        lambda hw_id: BootRom([1], hw_id=hw_id),
        lambda hw_id: Ram(4, hw_id=hw_id),
        lambda hw_id: FlashMemory(4, hw_id=hw_id),
        lambda hw_id: FileMemory(path, hw_id=hw_id),
        lambda hw_id: CharDisplay(hw_id=hw_id),
        lambda hw_id: BufferedDisplay(8, hw_id=hw_id),
        lambda hw_id: NumberDisplay(hw_id=hw_id),
        lambda hw_id: CharKeyboard(hw_id=hw_id),
        lambda hw_id: LineKeyboard(8, hw_id=hw_id),
        lambda hw_id: RealtimeClock(hw_id=hw_id),
        lambda hw_id: BasicDebug(hw_id=hw_id),
    ]


def test_hardware_ids_are_64_bits(tmp_path: Path) -> None:
    """Every component takes an id, 0 and the largest included, and refuses what does not fit."""
    path = tmp_path / "disk"
    path.write_bytes(bytes(4))
    for make in makers(path):
        for hw_id in (0, 0x0123_4567_89AB_CDEF, 2**64 - 1):
            component = make(hw_id)
            component.close()
            assert words_of(component)[:2] == (hw_id >> 32, hw_id & 0xFFFF_FFFF)
        for hw_id in (-1, 2**64):
            with pytest.raises(ValueError, match="64 bits"):
                make(hw_id)
    with pytest.raises(TypeError, match="hw_id must be a whole number, not 'disk'"):
        Ram(4, hw_id="disk")  # type: ignore[arg-type]


READS = [
    # Every word that cannot be read, by component.
    (CharDisplay(), range(0, 4, 4)),
    (BufferedDisplay(16), range(0, 16, 4)),
    (NumberDisplay(), range(0, 64, 4)),
    (CharKeyboard(), range(4, 8, 4)),
    (BasicDebug(), range(0, 64, 4)),
]


@pytest.mark.parametrize(("component", "offsets"), READS, ids=[row[0].name for row in READS])
def test_what_cannot_be_read(component: Component, offsets: range) -> None:
    for offset in offsets:
        with pytest.raises(HardwareError) as caught:
            component.read(offset)
        assert caught.value.word == 0x2100


WRITES = [
    # Every word that cannot be written, by component.
    (BootRom([7], 16), range(0, 16, 4)),
    (CharKeyboard(), range(0, 4, 4)),
    (LineKeyboard(16), range(0, 12, 4)),
    (RealtimeClock(), range(0, 24, 4)),
]


@pytest.mark.parametrize(("component", "offsets"), WRITES, ids=[row[0].name for row in WRITES])
def test_what_cannot_be_written(component: Component, offsets: range) -> None:
    before = [component.read(offset) for offset in offsets if component.windows]
    for offset in offsets:
        with pytest.raises(HardwareError) as caught:
            component.write(offset, 1)
        assert caught.value.word == 0x3100
    assert [component.read(offset) for offset in offsets if component.windows] == before


@pytest.mark.parametrize(
    "component", [BufferedDisplay(16), CharKeyboard(), LineKeyboard(16)], ids=lambda c: c.name
)
@pytest.mark.parametrize("command", [0x00, 0x03, 0xAB, 0x1AA, 0x1FF, 0x101, 0xFFFF_FFFE])
def test_unknown_commands(component: Component, command: int) -> None:
    """All 32 bits of a command count; the error tells its low 8."""
    with pytest.raises(HardwareError) as caught:
        component.write(words_of(component)[2] - 4, command)
    assert caught.value.word == 0x1000 | command & 0xFF


@pytest.mark.parametrize(
    ("component", "windows"),
    [
        (BootRom([1], 16), [(0, 16, None, 0x3100)]),
        (Ram(16), [(0, 16, None, None)]),
        (FlashMemory(16), [(0, 16, None, None)]),
        (BufferedDisplay(16), [(0, 12, 0x2100, None)]),
        (CharKeyboard(), [(0, 4, None, 0x3100)]),
        (LineKeyboard(16), [(0, 12, None, 0x3100)]),
        (CharDisplay(), []),
    ],
)
def test_plain_memory_is_served_by_the_kernel(
    component: Component, windows: list[tuple[int, int, int | None, int | None]]
) -> None:
    """What is plain memory is a window; only commands and registers call Python."""
    assert [
        (
            window.offset,
            window.end,
            window.read_error and window.read_error.word,
            window.write_error and window.write_error.word,
        )
        for window in component.windows
    ] == windows


def test_everything_is_exported() -> None:
    exported = lrvm_components.__all__
    assert exported == sorted(exported)
    assert all(hasattr(lrvm_components, name) for name in exported)
