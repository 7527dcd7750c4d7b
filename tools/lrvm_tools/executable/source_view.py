"""An executable as debuggers, traces and profiles look at it: names, lines, frames, variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lrvm_jit.isa.table import Reg
from lrvm_jit.locks import cached_property

from .debug_info import Function

if TYPE_CHECKING:
    from .executable import Executable

_STACK: Final = int(Reg.SSP)


class SourceView:
    """What `lrvm_jit.debug.ProgramInfo` takes: `symbols`, `labels`, `source_map` and more."""

    def __init__(self, executable: Executable) -> None:
        from .executable import SymbolKind

        self.executable = executable
        self.symbols: Mapping[str, int] = executable.symbols
        kinds = (SymbolKind.FUNCTION, SymbolKind.OBJECT)
        table = executable.symbol_table
        named = [symbol for symbol in table if symbol.kind in kinds] or table
        self.labels: Mapping[str, int] = {symbol.name: symbol.address for symbol in named}
        """Functions and objects; of a program in assembly, all labels."""
        ends = (segment.end for segment in executable.segments if segment.executable)
        self.code_end: int = max(ends, default=0)

    @cached_property
    def source_map(self) -> dict[int, tuple[str, int]]:
        """File and line of each instruction that has a line."""
        executable = self.executable
        paths = [str(Path(executable.folder, name)) for name in executable.files]
        found: dict[int, tuple[str, int]] = {}
        rows = list(executable.lines)
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            end = executable.lines.end if following is None else following.address
            if row.line:
                for address in range(row.address, end, 4):
                    found[address] = paths[row.file], row.line
        return found

    @cached_property
    def _functions(self) -> dict[str, Function]:
        return {function.name: function for function in self.executable.functions}

    def function_of(self, address: int) -> Function | None:
        """What is known about the function whose code holds an address."""
        for function in self.executable.functions:
            if function.address <= address < function.end:
                return function
        return None

    def breakpoint_of(self, name: str) -> int | None:
        """Where a breakpoint on a function stands: at its second line, behind its prologue, where
        its parameters are in their places. None for what is no function with a frame."""
        function = self._functions.get(name)
        if function is None or function.frame is None or function.frame.body is None:
            return None
        behind = function.frame.body[0]
        rows = [
            row
            for row in self.executable.lines
            if function.address <= row.address < function.end and row.line and row.is_statement
        ]
        later = (row.address for row in rows if row.line != rows[0].line)
        return max(min(later, default=behind), behind)

    def return_slot(self, pc: int, sp: int) -> int | None:
        """Where the return address of the function that holds pc stands. None if its frame is not
        known, or counts from another register than the stack pointer."""
        function = self.function_of(pc)
        if function is None or function.frame is None or function.frame.register != _STACK:
            return None
        first, last = function.frame.body or (function.address, function.end)
        if first <= pc < last:
            return sp + function.frame.offset + function.frame.return_address
        # The prologue's first instruction makes room, the epilogue's last ones have given it back.
        return sp if pc == function.address or pc >= last + 4 else None
