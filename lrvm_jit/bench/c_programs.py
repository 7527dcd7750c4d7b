"""The benchmark's programs in C: sources and compiled files are in `programs/c/`.

`python -m lrvm_jit.bench.c_programs` compiles them again (with the extra `cc`). The same sources
are compiled for this processor to compare with: see `native`.
"""

from __future__ import annotations

import io
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..jit.options import TranslatorOptions
from ..machine.motherboard import Motherboard
from .programs import SOURCES, Program

if TYPE_CHECKING:
    from ..core.component import Component

C_SOURCES = SOURCES / "c"
RAM = 0x10_0000
"""Bytes of RAM of the machine that they are compiled for."""

_OUTPUTS: weakref.WeakKeyDictionary[Motherboard, io.BytesIO] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class CProgram(Program):
    """A program that gets its rounds as its argument and prints its result."""

    @property
    def source(self) -> Path:
        """The C source."""
        return C_SOURCES / f"{self.name}.c"

    @property
    def compiled(self) -> Path:
        """The executable."""
        return C_SOURCES / f"{self.name}.elf"

    def board(self, engine: str | TranslatorOptions) -> Motherboard:
        # The tools are another package of the distribution, which the core does not need.
        from lrvm_tools.executable import Executable
        from lrvm_tools.machines import Host

        host = Host()
        host.arguments = (self.name, str(self.rounds))
        host.stdout = output = io.BytesIO()
        board = Executable.load(self.compiled).machine(host, engine=engine).board
        _OUTPUTS[board] = output
        return board

    def start(self, board: Motherboard) -> None:
        board.reset()
        output = _OUTPUTS[board]
        output.seek(0)
        output.truncate()

    def check(self, board: Motherboard) -> None:
        found = _OUTPUTS[board].getvalue()
        wanted = b"result %d\n" % self.expected(self.rounds)
        if not board.cpu.halted or found != wanted:
            raise RuntimeError(f"{self.name} has printed {found!r} instead of {wanted!r}")


def _program(
    name: str, rounds: int, results: tuple[int, int, int, int], *, is_soft: bool = False
) -> CProgram:
    """`results` are those of 1, 2, 3 and all rounds, as other compilers' programs print them."""
    known = dict(zip((1, 2, 3, rounds), results, strict=True))
    return CProgram(name, rounds, "", known.__getitem__, _no_memory, name, is_soft)


def _no_memory() -> list[Component]:
    return []


C_PROGRAMS = (
    _program("lists", 220, (1209851902, 2024262834, 1494779592, 3964965242)),  # linked lists
    _program(
        "automaton", 3000, (1445030782, 3195133689, 2698196218, 3840370773)
    ),  # a scanner of text
    _program(
        "matrix", 80, (997872420, 639806207, 179612618, 454927451), is_soft=True
    ),  # doubles, by soft routines
    _program(
        "sorting", 220, (3468686481, 2543664455, 1519028367, 965867700)
    ),  # comparators by pointer
    _program(
        "bytecode", 90, (3717580325, 2706733369, 2166643021, 4138886169)
    ),  # an interpreter of byte code
    _program(
        "hashing", 90, (324078532, 2912397853, 3315416393, 1585094560)
    ),  # a hash table of words
    _program("recursion", 130, (3088709774, 2294295557, 1882122667, 2904366758)),  # calls
    _program("bignum", 700, (693197405, 427866924, 3546086285, 2324322127)),  # large integers
    _program("packing", 220, (2920119282, 2434601869, 2162051339, 2656815719)),  # a compressor
    _program("lisp", 60, (4117, 131744, 4088181, 1582327043)),  # a Lisp
)


def compile_again() -> None:
    """Compile all of them. CompileError, or ImportError without the extra `cc`."""
    from lrvm_tools.cc import compile_c

    for program in C_PROGRAMS:
        compile_c([program.source], level=2, ram=RAM).save(program.compiled)
        print(program.compiled)


if __name__ == "__main__":
    compile_again()
