"""Where the cycles go: by word, and by call path.

The first instructions are counted one by one (`tracer.Counter`), so that short programs are exact.
What comes after runs at full speed in pieces whose lengths vary, and each piece counts for where
it ended: the instruction there, and the functions that the return addresses on the stack name.
"""

from __future__ import annotations

import random
import time
from collections import Counter as Tally
from dataclasses import dataclass, field
from typing import Final

import numpy
from numpy.typing import NDArray

from ..core.stop import Stop, StopReason
from ..isa.codec import format_word
from ..isa.table import Op, Reg
from ..machine.motherboard import Motherboard
from .program import Place, ProgramInfo
from .stack import call_target
from .tracer import CallNode, Counter

EXACT_CYCLES: Final = 2_000_000
"""Instructions that are counted one by one unless all are: a third of a second."""
WANTED_PIECE: Final = 0.002
"""Seconds between two samples: with a stack that is looked through in Python, a twentieth of the
time."""
SMALLEST_PIECE: Final = 5_000
LARGEST_PIECE: Final = 1 << 32
_MOST_WORDS: Final = 1 << 12
_MOST_POSSIBLE: Final = 512

USERLAND: Final = "(userland)"
UNKNOWN: Final = "(called by register)"
ELSEWHERE: Final = "(elsewhere)"
"""Outside the program: code that it has copied or made."""

Path = tuple[str, ...]
"""Functions in progress, the outermost first."""


@dataclass(slots=True)
class Profile:
    """What a program has spent its cycles on.

    `exact` says whether every instruction was counted; `cycles` are all that were attempted.
    """

    program: ProgramInfo
    cycles: int = 0
    exact: bool = True
    samples: int = 0
    words: Tally[int] = field(default_factory=Tally)
    """Cycles by the address of the instruction,"""
    paths: Tally[Path] = field(default_factory=Tally)
    """and by the functions in progress."""
    calls: Tally[str] = field(default_factory=Tally)
    """How often each function was called, while that was counted."""
    texts: dict[int, str] = field(default_factory=dict)
    """The instructions, disassembled, by address."""
    stop: Stop | None = None

    @property
    def labels(self) -> Tally[str]:
        """Cycles by the label before the instruction, a local one with its outer name."""
        found: Tally[str] = Tally()
        for address, cycles in self.words.items():
            name = ELSEWHERE if address < 0 else self.program.name(address).partition("+")[0]
            found[name] += cycles
        return found

    @property
    def lines(self) -> Tally[Place]:
        """Cycles by source line."""
        found: Tally[Place] = Tally()
        for address, cycles in self.words.items():
            place = self.program.place(address) if address >= 0 else None
            if place is not None:
                found[place] += cycles
        return found

    @property
    def functions(self) -> dict[str, tuple[int, int]]:
        """Cycles of each function itself, and with all that it called."""
        own: Tally[str] = Tally()
        total: Tally[str] = Tally()
        for path, cycles in self.paths.items():
            own[path[-1]] += cycles
            for name in set(path):
                total[name] += cycles
        return {name: (own[name], cycles) for name, cycles in total.most_common()}


def profile(
    board: Motherboard,
    program: ProgramInfo,
    max_cycles: int | None = None,
    *,
    exact: bool = False,
    exact_cycles: int = EXACT_CYCLES,
) -> Profile:
    """Run a board from here to its end, at most by `max_cycles`, and tell where the cycles went.

    With `exact` every instruction is counted, which is slow: some ten million a second. Ctrl-C
    ends the run, and what was found until then is answered, with `stop` None. ValueError for the
    engine `reference`.
    """
    made = Profile(program)
    words = range(0, 4 * max(1, _words_of(program)), 4)
    counter = Counter(board, words)
    limit = (1 << 62) if max_cycles is None else max_cycles
    counted = limit if exact else min(limit, exact_cycles)
    began = board.cpu.attempted
    stop: Stop | None = None
    try:
        with counter.counting():
            # Without a limit, runs see that an exception without a handler comes for ever.
            stop = board.run(None if exact and max_cycles is None else counted)
        made.cycles = board.cpu.attempted - began
        if stop.reason is StopReason.BUDGET and made.cycles < limit:
            made.exact = False
            stop = _sample(board, made, limit)
        made.stop = stop
    except KeyboardInterrupt:
        made.cycles = board.cpu.attempted - began
    _take_counts(board, made, counter)
    return made


def _words_of(program: ProgramInfo) -> int:
    return program.end // 4


def _sample(board: Motherboard, made: Profile, limit: int) -> Stop:
    generator = random.Random(1)
    piece = SMALLEST_PIECE
    sample: tuple[int, Path] | None = None
    while True:
        left = limit - made.cycles
        # Of varying length, so that no loop of the program keeps in step with them.
        length = min(left, generator.randrange(piece // 2, piece * 3 // 2))
        began = time.perf_counter()
        stop = board.run(length)
        seconds = time.perf_counter() - began
        made.cycles += stop.attempted
        made.samples += 1
        # Where the program ends says nothing about the piece before: it counts for the last sample.
        if stop.reason is StopReason.BUDGET or sample is None:
            sample = int(board.cpu.regs.pc), _path(board, made.program)
        made.words[sample[0]] += stop.attempted
        made.paths[sample[1]] += stop.attempted
        if stop.reason is not StopReason.BUDGET or made.cycles >= limit:
            return stop
        if seconds < WANTED_PIECE / 2:
            piece = min(2 * piece, LARGEST_PIECE)
        elif seconds > 2 * WANTED_PIECE:
            piece = max(piece // 2, SMALLEST_PIECE)


def _path(board: Motherboard, program: ProgramInfo) -> Path:
    """The functions in progress, as `stack.unwind` finds them, but in some tens of microseconds:
    only words that could point into the program are looked at."""
    regs, memory = board.cpu.regs, board.memory
    names: list[str] = []
    words = _stack_words(board, int(regs.ssp if regs.smt else regs.usp))
    possible = (words & 3 == 0) & (words >= 4) & (words <= program.end)
    for address in words[possible][:_MOST_POSSIBLE].tolist():
        call = memory.translate(address - 4)
        word = None if call is None else memory.peek(call)
        target = call_target(word)
        if target is not None:
            known = not isinstance(target, Reg)
            names.append(program.function(target)[0] if known else UNKNOWN)
    # The outermost is whatever the machine began with, as where instructions are counted.
    root = program.function(0)[0] if regs.smt else USERLAND
    return (root, *reversed(names))


def _stack_words(board: Motherboard, sp: int) -> NDArray[numpy.uint32]:
    """The words from the stack pointer on, as far as they are one piece of plain memory."""
    nothing = numpy.zeros(0, numpy.uint32)
    physical = board.memory.translate(sp) if sp % 4 == 0 else None
    mapping = None if physical is None else board.mappings.find(physical)
    if mapping is None or physical is None:
        return nothing
    offset = physical - mapping.first
    # With the MMU on, what follows may lie elsewhere.
    most = (1024 - sp % 1024) // 4 if board.cpu.regs.mtt else _MOST_WORDS
    for window in board.components[mapping.component].windows:
        if window.offset <= offset < window.end and window.read_error is None:
            first = (offset - window.offset) // 4
            return window.words[first : first + most]
    return nothing


def _take_counts(board: Motherboard, made: Profile, counter: Counter) -> None:
    for index in counter.counts.nonzero()[0].tolist():
        made.words[counter.words[index]] += int(counter.counts[index])
    nodes = counter.calls()
    paths: list[Path] = []
    for number, node in enumerate(nodes):
        paths.append(_node_path(made.program, number, node, paths))
        if node.cycles:
            made.paths[paths[-1]] += node.cycles
        if node.parent >= 0:
            made.calls[paths[-1][-1]] += node.calls
    if counter.elsewhere:
        made.words[-1] += counter.elsewhere
    for address in made.words:
        physical = board.memory.translate(address) if address >= 0 and address % 4 == 0 else None
        word = None if physical is None else board.memory.peek(physical)
        made.texts[address] = "" if word is None else format_word(word)


def _node_path(program: ProgramInfo, number: int, node: CallNode, paths: list[Path]) -> Path:
    if node.parent < 0:
        return (program.function(0)[0] if number == 0 else USERLAND,)
    return (*paths[node.parent], program.function(node.target)[0])


# --- coverage ------------------------------------------------------------------------------------

_AROUND: Final = 2_000
"""Instructions that are counted one by one after something new was met."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which instructions of a program were attempted.

    `counts` has them by address, with how often while that was counted, at least 1. `code` are
    the addresses of all instructions that are known: source statements that decode.
    """

    program: ProgramInfo
    counts: dict[int, int]
    code: tuple[int, ...]
    stop: Stop | None

    def lines(self, path: str) -> dict[int, int]:
        """The lines of a file that have code, with the count of their most executed word."""
        found: dict[int, int] = {}
        for address in self.code:
            place = self.program.place(address)
            if place is not None and place.path == path:
                count = self.counts.get(address, 0)
                found[place.line] = max(found.get(place.line, 0), count)
        return dict(sorted(found.items()))

    @property
    def paths(self) -> list[str]:
        """The source files with code."""
        places = (self.program.place(address) for address in self.code)
        return sorted({place.path for place in places if place is not None})

    def lcov(self) -> str:
        """The report in lcov's format."""
        parts = []
        for path in self.paths:
            lines = self.lines(path)
            rows = "".join(f"DA:{line},{count}\n" for line, count in lines.items())
            hit = sum(count > 0 for count in lines.values())
            parts.append(f"TN:\nSF:{path}\n{rows}LF:{len(lines)}\nLH:{hit}\nend_of_record\n")
        return "".join(parts)


def cover(board: Motherboard, program: ProgramInfo, max_cycles: int | None = None) -> Coverage:
    """Run a board from here to its end, at most by `max_cycles`, and note what is executed.

    It is exact: after some millions of instructions there are breakpoints where nothing has been
    executed yet, and the rest runs at full speed between them. The board's breakpoints are put
    back afterwards. Ctrl-C ends the run, with `stop` None.
    """
    code = _code_of(board, program)
    counter = Counter(board, range(0, 4 * max(1, _words_of(program)), 4))
    limit = (1 << 62) if max_cycles is None else max_cycles
    began = board.cpu.attempted
    kept = board.breakpoints
    stop: Stop | None = None
    try:
        with counter.counting():
            stop = board.run(min(limit, EXACT_CYCLES))
        while stop.reason is StopReason.BUDGET and board.cpu.attempted - began < limit:
            unseen = [at for at in code if not counter.counts[at // 4]]
            board.breakpoints = frozenset(unseen)
            left = limit - (board.cpu.attempted - began)
            stop = board.run(None if max_cycles is None else left)
            if stop.reason is not StopReason.BREAKPOINT:
                break
            board.breakpoints = frozenset()
            left = limit - (board.cpu.attempted - began)
            with counter.counting():
                stop = board.run(min(left, _AROUND))
    except KeyboardInterrupt:
        stop = None
    finally:
        board.breakpoints = kept
    counts = {
        counter.words[index]: int(counter.counts[index])
        for index in counter.counts.nonzero()[0].tolist()
    }
    return Coverage(program, counts, code, stop)


def _code_of(board: Motherboard, program: ProgramInfo) -> tuple[int, ...]:
    """The addresses of statements that are instructions, not data."""
    addresses = []
    for address in program.lines:
        if address % 4 or not program.is_instruction(address):
            continue
        word = board.memory.peek(address)
        if word is not None and word >> 27 in _OPCODES:
            addresses.append(address)
    return tuple(addresses)


_OPCODES: Final = frozenset(map(int, Op))
