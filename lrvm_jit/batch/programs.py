"""Programs of lanes: one for all, or one for each, and the sources that they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy
from numpy.typing import NDArray

from ..core.memory import as_words
from ..isa.table import WORD_MASK

_FEWEST_LANES: Final = 4
"""Lanes that must have a program in common, on average, for sorting them to pay."""

_HASHED_WORDS: Final = 1 << 15
"""Words that are hashed at a time: they stay in the cache."""


@runtime_checkable
class SourceProgram(Protocol):
    """A program that knows its source, such as the `Assembly` of `lrvm_tools.lasm`."""

    @property
    def words(self) -> NDArray[numpy.uint32]:
        """The program, from address 0 on."""

    def locate(self, address: int) -> Any:
        """The path and line that the byte at an address comes from, or None."""


Program: TypeAlias = SourceProgram | Sequence[int] | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the programs of lanes come from: `programs` has one for all lanes, or one for each."""

    programs: Sequence[object]

    def locate(self, lane: int, address: int) -> Any:
        """The source line of an address in a lane's program; None if it is not known."""
        program = self.programs[lane if len(self.programs) > 1 else 0]
        return program.locate(address) if isinstance(program, SourceProgram) else None


@dataclass(frozen=True, slots=True)
class Programs:
    """What lanes begin with: `own`, (n, words), if each has its own; `words` for the template."""

    own: NDArray[numpy.uint32] | None
    words: NDArray[numpy.uint32]
    sources: Sources | None = None


def programs_of(program: Program | Sequence[Program]) -> Programs:
    """The programs that a user's `program` stands for: words, a source program, an array
    (n, words), or a sequence of programs of any lengths, of which the shorter ones are filled up
    with zeros, which are no instructions. TypeError, ValueError for what is none."""
    if isinstance(program, numpy.ndarray) and program.ndim == 2:
        own = _rows(program)
        return Programs(own, numpy.zeros(own.shape[1], numpy.uint32))
    if _are_several(program):
        return _of_several(program)
    if isinstance(program, SourceProgram):
        return Programs(None, _words(program), Sources((program,)))
    return Programs(None, _words(program))


def _are_several(program: object) -> bool:
    """Whether it is a sequence of programs rather than of words."""
    if isinstance(program, str | bytes | bytearray | memoryview | numpy.ndarray | SourceProgram):
        return False
    if not isinstance(program, Sequence) or not program:
        return False
    first = program[0]
    if isinstance(first, numpy.ndarray):
        return first.ndim > 0
    return isinstance(first, Sequence | SourceProgram | bytearray) and not isinstance(first, str)


def _of_several(given: Any) -> Programs:
    programs = list(given)
    known: dict[int, int] = {}
    rows: list[NDArray[numpy.uint32]] = []
    which = numpy.zeros(len(programs), numpy.int64)
    for lane, program in enumerate(programs):
        # One object for many lanes is looked at once.
        number = known.get(id(program))
        if number is None:
            try:
                rows.append(_words(program))
            except (TypeError, ValueError) as error:
                raise type(error)(f"the program of lane {lane}: {error}") from None
            number = known[id(program)] = len(rows) - 1
        which[lane] = number
    width = max(map(len, rows))
    table = numpy.zeros((len(rows), width), numpy.uint32)
    for row, words in zip(table, rows, strict=True):
        row[: len(words)] = words
    sources = None
    if any(isinstance(program, SourceProgram) for program in programs):
        sources = Sources(tuple(programs))
    return Programs(table[which], numpy.zeros(width, numpy.uint32), sources)


def _words(program: Any) -> NDArray[numpy.uint32]:
    if hasattr(program, "batch_parts"):
        raise TypeError(
            "an executable brings a machine of its own, so all lanes must have the same one; make "
            "a batch of it alone, or pass programs without a machine"
        )
    words = as_words(program.words if isinstance(program, SourceProgram) else program)
    if not len(words):
        raise ValueError("the program has no words")
    return words


def _rows(programs: NDArray[Any]) -> NDArray[numpy.uint32]:
    if programs.dtype.kind not in "iu":
        raise TypeError(f"programs must be whole numbers, not {programs.dtype} values")
    if programs.dtype != numpy.uint32:
        if programs.size and not (programs.min() >= 0 and programs.max() <= WORD_MASK):
            raise ValueError(f"programs have words outside 0..{WORD_MASK}")
        programs = programs.astype(numpy.uint32)
    return numpy.ascontiguousarray(programs)


def order_by_program(programs: NDArray[numpy.uint32]) -> NDArray[numpy.int64] | None:
    """The lanes in an order in which those with equal programs follow each other; None if that
    would gain nothing.

    A worker keeps what it has decoded and translated from lane to lane as long as the words are
    the same. Programs are told apart by a hash: what has the same by accident is only in a worse
    order.
    """
    n, width = programs.shape
    if n < 2 or not width:
        return None
    weights = numpy.random.default_rng(width).integers(0, 1 << 64, width, numpy.uint64)
    keys = numpy.zeros(n, numpy.uint64)
    step = max(1, _HASHED_WORDS // width)
    for first in range(0, n, step):
        keys[first : first + step] = programs[first : first + step] @ weights
    changes = int(numpy.count_nonzero(keys[1:] != keys[:-1]))
    if changes * _FEWEST_LANES <= n:
        # One program, or sorted already, or nearly.
        return None
    order: NDArray[numpy.int64] = numpy.argsort(keys, kind="stable")
    ordered = keys[order]
    groups = 1 + int(numpy.count_nonzero(ordered[1:] != ordered[:-1]))
    return order if groups * _FEWEST_LANES <= n else None
