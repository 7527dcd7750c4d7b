"""Lanes of a batch beside single machines with the same program: what the component tests use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy
import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Category, Component, HardwareError, Metadata, Motherboard
from lrvm_jit.batch import FINE, Batch, BatchComponent, BatchResult, LaneReason
from lrvm_jit.batch.component import Errors, LaneNumbers, Words
from lrvm_tools.lasm import assemble

PORT = 0x2000
"""Where the first component lies: after 4 KiB of ROM and as much RAM."""
BUDGET = 20_000
DESCRIPTION = """
    hwd rr0, 2, 1
    hwd rr1, 2, 2
    hwd rr2, 2, 0x10
    hwd rr3, 2, 0x11
    hwd rr4, 2, 0x20
    hwd rr5, 2, 0x21
    hwd rr6, 2, 0x22
    hwd rr7, 2, 0xA1
"""
"""What the guest can ask about the first component."""
engines = pytest.mark.parametrize("engine", ["interpreter", "auto"])
threads = pytest.mark.parametrize("threads", [1, 2])
REASONS = {
    "halted": LaneReason.HALTED,
    "budget": LaneReason.BUDGET,
    "exception": LaneReason.EXCEPTION,
}


def start_values(n: int) -> numpy.ndarray:
    """What a0 and a1 hold at first: the lane's number and something scattered."""
    lanes = numpy.arange(n, dtype=numpy.uint32)
    return numpy.stack([lanes, lanes * numpy.uint32(2654435761)], axis=1)


def batch_of(
    source: str,
    n: int,
    components: Sequence[BatchComponent],
    engine: str = "interpreter",
    threads: int = 1,
) -> Batch:
    """A batch with `components` from PORT on; the lanes' numbers are in a0."""
    batch = Batch(assemble(source), n, components=components, engine=engine, threads=threads)
    batch.regs[:, :2] = start_values(n)
    return batch


def single(
    source: str, lane: int, components: Sequence[Component], engine: str = "reference"
) -> Motherboard:
    """The machine that a lane of `batch_of` is."""
    board = Motherboard([BootRom(assemble(source), 0x1000), Ram(0x1000), *components], engine)
    assert all(outcome.ok for outcome in board.map_contiguous(0))
    board.reset()
    for code, value in enumerate(start_values(lane + 1)[lane].tolist()):
        board.cpu.regs[code] = value
    return board


def assert_same(batch: Batch, result: BatchResult, lane: int, board: Motherboard) -> None:
    """Run the single machine, and compare all that the lane consists of."""
    stop = board.run(max_cycles=BUDGET)
    assert batch.regs[lane].tolist() == list(board.cpu.regs), lane
    assert (result.cycles[lane], result.reason[lane]) == (stop.cycles, REASONS[stop.reason]), lane
    ram = board.memory.dump(0x1000, 0x1FFC)
    assert (batch.ram[lane] == ram).all(), lane


def sample(n: int) -> list[int]:
    """Lanes to look at: all of a few, else some from everywhere."""
    return list(range(n)) if n <= 40 else [0, 1, n // 3, n // 2, n - 2, n - 1]


@dataclass
class Recorder(BatchComponent):
    """Memory of a few words for each lane that notes every access, in the order of the calls.

    `on_access(kind, lanes, offsets)` may raise, or answer an array of errors.
    """

    size: int = 64
    name: str = "Recorder"
    on_access: Callable[[str, LaneNumbers, Words], Errors | None] | None = None
    calls: list[tuple[str, list[int], list[int], list[int]]] = field(default_factory=list)
    resets: list[list[int]] = field(default_factory=list)
    closed: int = 0
    memory: dict[tuple[int, int], int] = field(default_factory=dict)

    def metadata(self) -> Metadata:
        return Metadata(0x1234, self.size, Category.PLATFORM_SPECIFIC, 7)

    def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
        pairs = list(zip(lanes.tolist(), offsets.tolist(), strict=True))
        words = [self.memory.get(pair, 0) for pair in pairs]
        errors = self._note("read", lanes, offsets, words)
        return numpy.array(words, numpy.uint32), errors

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors:
        errors = self._note("write", lanes, offsets, words.tolist())
        for lane, offset, word, error in zip(lanes, offsets, words, errors, strict=True):
            if error == FINE:
                self.memory[int(lane), int(offset)] = int(word)
        return errors

    def _note(self, kind: str, lanes: LaneNumbers, offsets: Words, words: list[int]) -> Errors:
        assert len(set(lanes.tolist())) == len(lanes)
        errors = None if self.on_access is None else self.on_access(kind, lanes, offsets)
        self.calls.append((kind, lanes.tolist(), offsets.tolist(), words))
        return numpy.full(len(lanes), FINE, numpy.int32) if errors is None else errors

    def reset(self, lanes: LaneNumbers) -> None:
        self.resets.append(lanes.tolist())

    def close(self) -> None:
        self.closed += 1

    def log(self, lane: int) -> list[tuple[str, int, int]]:
        """Kind, offset and word of every access of a lane."""
        return [
            (kind, offset, word)
            for kind, lanes, offsets, words in self.calls
            for number, offset, word in zip(lanes, offsets, words, strict=True)
            if number == lane
        ]


@dataclass
class SingleRecorder(Component):
    """The same for a single machine."""

    size: int = 64
    name: str = "Recorder"
    on_access: Callable[[str, int], HardwareError | None] | None = None
    accesses: list[tuple[str, int, int]] = field(default_factory=list)
    words: dict[int, int] = field(default_factory=dict)
    resets: int = 0
    closed: int = 0

    def metadata(self) -> Metadata:
        return Metadata(0x1234, self.size, Category.PLATFORM_SPECIFIC, 7)

    def read(self, offset: int) -> int:
        word = self.words.get(offset, 0)
        self._note("read", offset, word)
        return word

    def write(self, offset: int, word: int) -> None:
        self._note("write", offset, word)
        self.words[offset] = word

    def _note(self, kind: str, offset: int, word: int) -> None:
        error = None if self.on_access is None else self.on_access(kind, offset)
        self.accesses.append((kind, offset, word))
        if error is not None:
            raise error

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed += 1
