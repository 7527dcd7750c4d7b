"""The benchmark's programs, each with its machine and the result that it must leave.

The sources ship with the package in `programs/`, and say what they do and expect.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from ..isa.table import WORD_MASK
from ..jit.options import TranslatorOptions
from ..machine.motherboard import Motherboard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.component import Component

SOURCES = Path(__file__).parent / "programs"
ROM_SIZE = 0x10000
RAM_BASE = 0x10000


@dataclass(frozen=True, slots=True)
class Program:
    """A guest program and how to run it.

    `rounds` goes into rr0 and sets the length; after a run the register `result` must hold
    `expected(rounds)`. `memory` lists the components that follow the ROM, from 0x10000 on.
    `native` names the C source, in `bench/native/`, that does the same work without a machine.
    """

    name: str
    rounds: int
    result: str
    expected: Callable[[int], int]
    memory: Callable[[], list[Component]]
    native: str | None = None
    is_soft: bool = False
    """Whether it computes with floating point, which the machine has by soft routines only."""

    @property
    def source(self) -> Path | None:
        """The C source, if it is not that in `bench/native/`."""
        return None

    def board(self, engine: str | TranslatorOptions) -> Motherboard:
        """A machine ready for `start`."""
        # The components are another package of the distribution, which the core does not need.
        from lrvm_components import BootRom

        board = Motherboard([BootRom(image(self.name), ROM_SIZE), *self.memory()], engine=engine)
        board.map_contiguous(0)
        return board

    def start(self, board: Motherboard) -> None:
        """Reset the machine for another run."""
        board.reset()
        board.cpu.regs["rr0"] = self.rounds

    def check(self, board: Motherboard) -> None:
        """RuntimeError if the run has not left the right result."""
        found, wanted = board.cpu.regs[self.result], self.expected(self.rounds)
        if not board.cpu.halted or found != wanted:
            raise RuntimeError(
                f"{self.name} ended with {self.result} = {found:#x} instead of {wanted:#x}"
            )


@cache
def image(name: str) -> NDArray[numpy.uint32]:
    """The assembled words of a program."""
    from lrvm_tools.lasm import assemble

    path = SOURCES / f"{name}.lasm"
    return assemble(path.read_text(), path=str(path))


def _ram(*sizes: int) -> Callable[[], list[Component]]:
    def make() -> list[Component]:
        from lrvm_components import Ram

        return [Ram(size) for size in sizes]

    return make


def _display() -> list[Component]:
    from lrvm_components import CharDisplay

    return [CharDisplay(handler=_ignore)]


def _ignore(text: str) -> None:
    """Nothing is shown, so that the terminal's speed is not measured."""


def _fibonacci(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def _crc32(_: int) -> int:
    word = 0x1234
    words = []
    for _ in range(4096):
        words.append(word)
        word = (word * 25173 + 13849) & WORD_MASK
    return zlib.crc32(numpy.array(words, ">u4").tobytes())


def _byte_code(rounds: int) -> int:
    accumulator = 0x1357
    for _ in range(rounds):
        accumulator = ((accumulator + 77) * 33) & WORD_MASK
        accumulator ^= accumulator >> 7
        first = accumulator
        accumulator = ((accumulator + 1001) & WORD_MASK) ^ first
        second = accumulator
        accumulator = (accumulator * 5 & WORD_MASK) ^ second
        accumulator ^= accumulator >> 13
    return accumulator


LASM_PROGRAMS = (
    Program("loop", 0, "a0", lambda _: 1 << 24, _ram(), "loop"),
    Program("sieve", 400, "rr1", lambda _: 1900, _ram(0x10000), "sieve"),
    Program("fib", 32, "a0", _fibonacci, _ram(0x10000), "fib"),
    Program("crc32", 400, "rr1", _crc32, _ram(0x10000), "crc32"),
    Program("dispatch", 600_000, "rr1", _byte_code, _ram(0x10000), "dispatch"),
    Program("mmu_sieve", 400, "rr1", lambda _: 1900, _ram(0x10000, 0x10000), "sieve"),
    Program("mmio", 500_000, "rr0", lambda _: 0, _display),
)
