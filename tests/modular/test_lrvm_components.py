"""Every LRVM component as a peripheral: a guest cannot tell it from one that is plugged in."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    Host,
    LineKeyboard,
    NumberDisplay,
    Ram,
    RealtimeClock,
)
from lrvm_jit import Component, HardwareError, Motherboard
from lrvm_jit.modular import (
    ComponentPeripheral,
    Data,
    Fail,
    Good,
    Load,
    LrvmProcessor,
    Machine,
    Port,
    Save,
    Swap,
)
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice
from tests.modular.schedulers import SchedulerName

RAM_SIZE = 0x10000
DEVICE = RAM_SIZE
RECORD = 0x8000
"""Where the guest notes what its accesses gave: a word of its own register, and `et`."""

Shown = list[Any]


def ticks() -> Callable[[], int]:
    """A clock that goes on by a second and a bit at each look."""
    times = iter(range(10**18, 2 * 10**18, 1_000_000_007))
    return lambda: next(times)


def file_memory(folder: Path) -> Component:
    path = folder / "content"
    path.write_bytes(bytes(range(32)))
    return FileMemory(path, writable=True)


def host(shown: Shown) -> Component:
    class Sink:
        def write(self, data: bytes) -> int:
            shown.append(bytes(data))
            return len(data)

        def flush(self) -> None:
            shown.append("flush")

    sink, source = Sink(), io.BytesIO(b"abc")
    return Host(
        ["program"], stdin=source, stdout=sink, stderr=sink, clock=ticks(), monotonic=ticks()
    )


Build = Callable[[Shown, Path], Component]
COMPONENTS: dict[str, Build] = {
    "BootRom": lambda shown, folder: BootRom([0x11, 0x22, 0x33], 32),
    "Ram": lambda shown, folder: Ram(32, image=[1, 2, 3]),
    "FlashMemory": lambda shown, folder: FlashMemory(32, image=[1, 2, 3]),
    "FileMemory": lambda shown, folder: file_memory(folder),
    "CharDisplay": lambda shown, folder: CharDisplay(shown.append),
    "BufferedDisplay": lambda shown, folder: BufferedDisplay(32, shown.append),
    "NumberDisplay": lambda shown, folder: NumberDisplay(shown.append),
    "CharKeyboard": lambda shown, folder: CharKeyboard(iter("abcdefgh").__next__),
    "LineKeyboard": lambda shown, folder: LineKeyboard(32, iter(["one\n", "two"] * 9).__next__),
    "RealtimeClock": lambda shown, folder: RealtimeClock(ticks(), ticks()),
    "BasicDebug": lambda shown, folder: BasicDebug(shown.append),
    "Host": lambda shown, folder: host(shown),
}


@pytest.fixture(params=list(COMPONENTS.values()), ids=list(COMPONENTS))
def build(request: pytest.FixtureRequest) -> Build:
    function: Build = request.param
    return function


def test_none_is_missing() -> None:
    classes = {
        name
        for name in lrvm_components.__all__
        if isinstance(getattr(lrvm_components, name), type)
        and issubclass(getattr(lrvm_components, name), Component)
    }
    assert classes == set(COMPONENTS)


def every_access(size: int) -> list[int]:
    """A program that loads, stores and swaps every word, with values that mean something to the
    components' command words, and notes each outcome."""
    lines = ["cpy ev, refused", "cpy ac0, 1", "shl ac0, 16", f"cpy ac1, {RECORD:#x}", "word:"]
    for access in (
        "lsa a0, ac0",
        "wsa ac0, 0x41",
        "srm ac0, 0, a0",
        "wsa ac0, 0xAA",
        "wsa ac0, 0x01",
        "lsa a0, ac0",
    ):
        lines += ["zro avr", "cpy a0, 0x61", access, "call note"]
    lines += ["add ac0, 4", "inc rr0", f"cmp rr0, {size // 4}", "ifls", "jp word", "halt"]
    lines += ["note:", "wsa ac1, 0, a0", "wsa ac1, 4, avr", "add ac1, 8", "ret"]
    lines += ["refused:", "cpy avr, et", "cpy rr7, era", "add rr7, 4", "jp rr7"]
    lines[0:0] = [f"cpy ssp, {RECORD:#x}"]
    words: list[int] = assemble("\n".join(lines)).tolist()
    return words


def everything(board: Motherboard) -> tuple[list[int], list[int], int]:
    """What the guest has become: registers, memory, cycles."""
    memory: list[int] = board.memory.dump(0, RAM_SIZE - 4).tolist()
    return list(board.cpu.regs), memory, board.cpu.cycles


def test_same_results_as_plugged_in(
    build: Build, scheduler: SchedulerName, engine: EngineChoice, tmp_path: Path
) -> None:
    """Registers, memory, cycles, exceptions, and what has been shown, to the last bit."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "modular").mkdir()
    shown: Shown = []
    component = build(shown, tmp_path / "plain")
    # The record has room for so many words; what follows in larger ones is plain memory.
    size = min(component.metadata().size, 512)  # type: ignore[union-attr]
    program = every_access(size)
    board = Motherboard([Ram(RAM_SIZE, image=program), component], engine=engine)
    board.map_contiguous(0)
    board.reset()
    assert board.run(max_cycles=100_000).reason == "halted"
    # Each access was noted, six of 8 bytes for each word.
    assert board.cpu.regs.ac1 == RECORD + 12 * size

    shown_there: Shown = []
    there = build(shown_there, tmp_path / "modular")
    processor = LrvmProcessor(
        program, ram_size=RAM_SIZE, ports={DEVICE: Port.like(0, there)}, engine=engine
    )
    Machine([ComponentPeripheral(there)], [processor]).run(scheduler).join()
    assert everything(processor.board) == everything(board)
    assert shown_there == shown
    board.close()


def test_the_guest_sees_the_same_hardware(
    build: Build, engine: EngineChoice, tmp_path: Path
) -> None:
    """A port that is like the component tells HWD the same about itself."""
    lines = [f"cpy ac1, {RECORD:#x}"]
    infos = [0x01, 0x02, *range(0x10, 0x19), *range(0x20, 0x26), 0xA0, 0xA1, 0xA2]
    for position, info in enumerate(infos):
        lines += [f"hwd a0, 1, {info}", f"wsa ac1, {4 * position}, a0"]
    program = assemble("\n".join([*lines, "halt"]))
    board = Motherboard([Ram(RAM_SIZE, image=program), build([], tmp_path)], engine=engine)
    board.map_contiguous(0)
    board.reset()
    board.run()
    board.close()
    there = build([], tmp_path)
    processor = LrvmProcessor(
        program, ram_size=RAM_SIZE, ports={DEVICE: Port.like(0, there)}, engine=engine
    )
    Machine([ComponentPeripheral(there)], [processor]).run(scheduler="cooperative").join()
    assert everything(processor.board) == everything(board)


def test_queries(build: Build, tmp_path: Path) -> None:
    """Without any LRVM processor: answers, refusals, and swaps word for word."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "peripheral").mkdir()
    component = build([], tmp_path / "plain")
    peripheral = ComponentPeripheral(build([], tmp_path / "peripheral"))

    def read(offset: int) -> Data | Fail:
        try:
            return Data(component.read(offset))
        except HardwareError as error:
            return Fail(error.word)

    def write(offset: int, word: int) -> Good | Fail:
        try:
            component.write(offset, word)
        except HardwareError as error:
            return Fail(error.word)
        return Good()

    for offset in range(0, peripheral.component.metadata().size, 4):  # type: ignore[union-attr]
        assert peripheral.handle(Load(offset)) == read(offset)
        assert peripheral.handle(Save(offset, 0x42)) == write(offset, 0x42)
        old = read(offset)
        written = write(offset, 0x43) if isinstance(old, Data) else old
        assert peripheral.handle(Swap(offset, 0x43)) == (
            written if isinstance(written, Fail) else old
        )
    component.close()
    peripheral.component.close()


@pytest.mark.parametrize("address", [-4, 1, 2, 6, 32, 1 << 32])
def test_addresses_that_are_no_words(address: int) -> None:
    """Other processors may ask for anything; the component is asked for its words only."""
    peripheral = ComponentPeripheral(Ram(32))
    assert peripheral.handle(Load(address)) == Fail(0x2100)
    assert peripheral.handle(Save(address, 1)) == Fail(0x3100)
    assert peripheral.handle(Swap(address, 1)) == Fail(0x3100)


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_values_that_are_no_words(value: int) -> None:
    peripheral = ComponentPeripheral(Ram(32, image=[7]))
    assert peripheral.handle(Save(0, value)) == Fail(0x3100)
    assert peripheral.handle(Swap(0, value)) == Fail(0x3100)
    assert peripheral.handle(Load(0)) == Data(7)


def test_a_component_that_swaps_by_itself() -> None:
    class Swapper(Ram):
        windows = ()
        swapped: tuple[int, int] | None = None

        def __init__(self) -> None:
            super().__init__(8)
            self.windows = ()

        def swap(self, offset: int, word: int) -> int:
            self.swapped = offset, word
            return 9

    swapper = Swapper()
    assert ComponentPeripheral(swapper).handle(Swap(4, 5)) == Data(9)
    assert swapper.swapped == (4, 5)


def test_a_component_belongs_to_one_place() -> None:
    ram = Ram(16)
    ComponentPeripheral(ram)
    with pytest.raises(ValueError, match="RAM already belongs to a board or a peripheral"):
        ComponentPeripheral(ram)
    with pytest.raises(ValueError, match="RAM already belongs to another board"):
        Motherboard([ram])


def test_reset_and_close(scheduler: SchedulerName) -> None:
    """The machine's boot resets the component, its end closes it."""
    happened: list[str] = []

    class Noting(Ram):
        def reset(self) -> None:
            happened.append("reset")

        def close(self) -> None:
            happened.append("close")

    machine = Machine([ComponentPeripheral(Noting(16))], [LrvmProcessor(assemble("halt"))])
    machine.run(scheduler).join()
    assert happened == ["reset", "close"]


class Debugger(Ram):
    """Sets registers of the processor that writes to it; reading fails."""

    board: Motherboard

    def __init__(self) -> None:
        super().__init__(16)

    def write(self, offset: int, word: int) -> None:
        regs = self.board.cpu.regs
        regs.a0, regs.a3, regs.pc = 0x500, word + 1, 8
        assert (regs.a0, regs.a3) == (0x500, word + 1)
        if offset:
            raise HardwareError(0x30)

    def read(self, offset: int) -> int:
        raise KeyError("broken")


@pytest.mark.parametrize("offset", [0, 4])
@pytest.mark.parametrize("source", ["wsa a0, {}, a1", "srm a0, {}, a1", "push a1"])
def test_a_component_writes_to_the_processor(
    source: str, offset: int, engine: EngineChoice, scheduler: SchedulerName
) -> None:
    """After the instruction, as on a board (docs/machine.md), whoever executes the component."""
    component = Debugger()
    if source.startswith("srm"):

        def swap(offset: int, word: int) -> int:
            component.write(offset, word)
            return 0

        component.swap = swap
    program = assemble(source.format(offset) + "\nhalt\ncpy a4, a3\nhalt")
    processor = LrvmProcessor(
        program,
        ram_size=RAM_SIZE,
        ports={DEVICE: Port(0, 16)},
        registers={"a0": DEVICE, "a1": 7, "ssp": DEVICE + offset + 4},
        engine=engine,
    )
    component.board = processor.board
    Machine([ComponentPeripheral(component)], [processor]).run(scheduler).join(raise_errors=True)
    regs = processor.board.cpu.regs
    assert (regs.a0, regs.a4, regs.pc) == (0x500, 8, 16)
    assert regs.et == (0x01A03000 if offset else 0)


def test_an_error_of_a_component_says_where(scheduler: SchedulerName) -> None:
    """Which component, and what it was asked."""
    processor = LrvmProcessor(
        assemble("lsa a1, a0, 4\nhalt"),
        ram_size=RAM_SIZE,
        ports={DEVICE: Port(0, 16)},
        registers={"a0": DEVICE},
    )
    handle = Machine([ComponentPeripheral(Debugger())], [processor]).run(scheduler)
    handle.join(timeout=60)
    (error,) = handle.peripherals[0].errors
    assert error.__notes__[0] == "component RAM, read at offset 0x4"
