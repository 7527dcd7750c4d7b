"""A linked program: what an ELF file holds, `lrvm cc` makes and everything else runs or shows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ..machines.machine import Machine
from .debug_info import Function, LineRow, LineTable, Type, Variable
from .machine import MachineDescription

Words = NDArray[numpy.uint32]


@dataclass(frozen=True, eq=False)
class Segment:
    """A piece of memory with its first content.

    `address` is in bytes, a multiple of 4. `size` is its length in memory, in bytes, at least that
    of `words`; what is behind them is zero.
    """

    address: int
    words: Words
    size: int
    executable: bool = False
    writable: bool = False

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.size


class SymbolKind(StrEnum):
    """What a symbol names."""

    FUNCTION = "function"
    OBJECT = "object"
    LABEL = "label"
    """A place in code that is no function, or unknown."""
    VALUE = "value"
    """No address but a number."""


class Symbol(NamedTuple):
    """A name, its address, how many bytes it has there (0: unknown), and what it is."""

    name: str
    address: int
    size: int = 0
    kind: SymbolKind = SymbolKind.LABEL
    is_local: bool = False


@dataclass(frozen=True)
class Executable:
    """A program with its memory content, names, and what is known about its source.

    The CPU starts at address 0 after a reset, so `entry` is 0 unless something else jumps there.
    `rows` to `globals` are the debug information (`-g`); they are empty without.
    """

    segments: tuple[Segment, ...]
    machine_description: MachineDescription
    symbol_table: tuple[Symbol, ...] = ()
    entry: int = 0
    name: str = "program"
    """What messages call it: the file's path."""
    files: tuple[str, ...] = ()
    rows: tuple[LineRow, ...] = ()
    types: tuple[Type, ...] = ()
    functions: tuple[Function, ...] = ()
    globals: tuple[Variable, ...] = ()
    producer: str = "lrvm"
    folder: str = ""
    """Where the compiler was called; relative paths in `files` start there."""
    sources: tuple[str, ...] = field(default=(), compare=False)
    """The files that were compiled, out of `files`; by default the first."""

    @cached_property
    def words(self) -> Words:
        """The memory from address 0 on, up to the end of the last segment that begins in the ROM:
        what goes into the component at address 0."""
        first = next((p for p in self.machine_description.parts if p.address == 0), None)
        limit = first.end if first else 1 << 32
        inside = [segment for segment in self.segments if segment.address < limit]
        end = max((s.address + 4 * len(s.words) for s in inside), default=0)
        words: Words = numpy.zeros(end // 4, numpy.uint32)
        for segment in inside:
            start = segment.address // 4
            words[start : start + len(segment.words)] = segment.words
        return words

    @cached_property
    def symbols(self) -> dict[str, int]:
        """Address by name; a global symbol goes before a local one of the same name."""
        ordered = sorted(self.symbol_table, key=lambda symbol: not symbol.is_local)
        return {symbol.name: symbol.address for symbol in ordered}

    @cached_property
    def lines(self) -> LineTable:
        """The source lines by address; empty without debug information."""
        ends = [function.end for function in self.functions]
        return LineTable(self.rows, self.files, max(ends, default=None))

    def function_at(self, address: int) -> str | None:
        """The name of the function that holds an address, by debug information or symbols."""
        symbol = self.symbol_at(address)
        return symbol.name if symbol else None

    def symbol_at(self, address: int) -> Symbol | None:
        """The function symbol whose code holds an address."""
        index = bisect_right(self._function_addresses, address) - 1
        if index < 0:
            return None
        symbol = self._function_symbols[index]
        return symbol if not symbol.size or address < symbol.address + symbol.size else None

    @cached_property
    def _function_symbols(self) -> Sequence[Symbol]:
        # Of several names for one address, the global one.
        chosen = {
            symbol.address: symbol
            for symbol in sorted(self.symbol_table, key=lambda s: not s.is_local)
            if symbol.kind is SymbolKind.FUNCTION
        }
        return [chosen[address] for address in sorted(chosen)]

    @cached_property
    def _function_addresses(self) -> list[int]:
        return [symbol.address for symbol in self._function_symbols]

    def machine(self) -> Machine:
        raise NotImplementedError
