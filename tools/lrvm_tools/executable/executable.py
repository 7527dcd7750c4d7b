"""A linked program: what an ELF file holds, `lrvm cc` makes and everything else runs or shows."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy
from numpy.typing import NDArray

from lrvm_jit.locks import cached_property

from .debug_info import Function, LineRow, LineTable, Type, Variable
from .machine import MachineDescription
from .source_view import SourceView

if TYPE_CHECKING:
    from lrvm_components.host_session import ByteSink, ByteSource
    from lrvm_jit import Motherboard, TranslatorOptions
    from lrvm_jit.batch import BatchComponent

    from ..machines import Host, Machine
    from .process import CompletedRun
    from .process_batch import CompletedBatch

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
        limit = self.machine_description.at_zero.end
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
        ends = (segment.end for segment in self.segments if segment.executable)
        return LineTable(self.rows, self.files, max(ends, default=None))

    @cached_property
    def source_view(self) -> SourceView:
        """The program as debuggers, traces and profiles look at it."""
        return SourceView(self)

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

    def code_of(self, name: str) -> range | None:
        """The addresses of a function's code. One whose size is not known reaches to the next."""
        symbol = next((s for s in self._function_symbols if s.name == name), None)
        if symbol is None:
            return None
        if symbol.size:
            return range(symbol.address, symbol.address + symbol.size, 4)
        following = bisect_right(self._function_addresses, symbol.address)
        if following < len(self._function_addresses):
            return range(symbol.address, self._function_addresses[following], 4)
        ends = (s.end for s in self.segments if s.address <= symbol.address < s.end)
        return range(symbol.address, max(ends, default=symbol.address), 4)

    @cached_property
    def _function_symbols(self) -> Sequence[Symbol]:
        # A program in assembly has labels only.
        functions = [s for s in self.symbol_table if s.kind is SymbolKind.FUNCTION] or [
            s for s in self.symbol_table if s.kind is SymbolKind.LABEL and "." not in s.name
        ]
        # Of several names for one address, the global one.
        functions.sort(key=lambda symbol: not symbol.is_local)
        chosen = {symbol.address: symbol for symbol in functions}
        return [chosen[address] for address in sorted(chosen)]

    @cached_property
    def _function_addresses(self) -> list[int]:
        return [symbol.address for symbol in self._function_symbols]

    def machine(
        self,
        host: Host | None = None,
        *,
        engine: str | TranslatorOptions | None = None,
        ram: int | None = None,
    ) -> Machine:
        """A machine with the program in its memory, mapped and reset.

        `host` has the program's arguments, streams and folder; `ram` is the size of the RAM in
        bytes, for the machine `c`. Raises MachineError if the machine cannot be built.
        """
        from ..machines import Host
        from .process import build

        return build(self, host or Host(), engine=engine, ram=ram)

    def run(
        self,
        arguments: Sequence[str | bytes] = (),
        *,
        stdin: bytes | ByteSource = b"",
        stdout: ByteSink | None = None,
        stderr: ByteSink | None = None,
        files: str | os.PathLike[str] | None = None,
        writable: bool = False,
        max_cycles: int | None = None,
        engine: str | None = None,
        ram: int | None = None,
    ) -> CompletedRun:
        """Run the program to its end on a machine of its own.

        `arguments` come after the program's name. `stdin` is the input, or a binary file; output
        is collected in the answer unless `stdout` and `stderr` are binary files. The program may
        open files below the folder `files`, and with `writable` change them. `ram` as for
        `machine`. Raises what `machine` raises, OSError for the folder, and BrokenPipeError for an
        output whose reader has gone.
        """
        from .process import run

        return run(
            self,
            arguments,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            files=files,
            writable=writable,
            max_cycles=max_cycles,
            engine=engine,
            ram=ram,
        )

    def run_batch(
        self,
        stdin: bytes | Sequence[bytes] = b"",
        n: int | None = None,
        *,
        arguments: Sequence[str | bytes] = (),
        per_lane_arguments: Sequence[Sequence[str | bytes]] | None = None,
        files: str | os.PathLike[str] | None = None,
        max_cycles: int | None = None,
        ram: int | None = None,
        output_limit: int | None = None,
        threads: int | None = None,
    ) -> CompletedBatch:
        """Run the program on many machines at once, each with an input of its own.

        `stdin` has the input of each machine, or of all `n` of them. Lanes get `ram` bytes of RAM,
        by default 256 KiB beside the program's variables; `max_cycles` and `output_limit` (bytes)
        are for each. ValueError if the numbers do not fit; otherwise as `run`.
        """
        from .process_batch import run_batch

        return run_batch(
            self,
            stdin,
            n,
            arguments=arguments,
            per_lane_arguments=per_lane_arguments,
            files=files,
            max_cycles=max_cycles,
            ram=ram,
            output_limit=output_limit,
            threads=threads,
        )

    def batch_parts(
        self,
        components: Sequence[BatchComponent] | Mapping[int, BatchComponent],
        ram_size: int | None,
    ) -> tuple[Motherboard, Mapping[int, BatchComponent]]:
        """The program's part in a `Batch`: see `lrvm_jit.batch.template.LinkedProgram`."""
        from .process_batch import batch_parts

        return batch_parts(self, components, ram_size)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program as an ELF file, whole or not at all. OSError if that fails."""
        from .elf_program import save_executable

        save_executable(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Executable:
        """The program in an ELF file. OSError, or ExecutableError for a file that is damaged or
        for another machine."""
        from .elf_program import load_executable

        return load_executable(path)
