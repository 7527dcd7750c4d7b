"""Source positions and debug information, out of LLVM's metadata."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ..executable import Frame, Function, LineRow
from .errors import UnsupportedError
from .ir.module import Function as Source
from .machine_code import MachineFunction
from .objects import ObjectFile, Section

_FIELD: Final = re.compile(r'(\w+): (?:"((?:[^"\\]|\\.)*)"|([^,()]+))')


class Positions:
    """Answers about a module's metadata nodes."""

    def __init__(self, metadata: dict[str, str]) -> None:
        self.metadata = metadata
        self._fields: dict[str, dict[str, str]] = {}
        self._places: dict[str, tuple[str, int, int]] = {}

    def fields(self, node: str) -> dict[str, str]:
        """The fields of a node, strings without their quotes."""
        found = self._fields.get(node)
        if found is None:
            text = self.metadata.get(node, "")
            found = {match[1]: match[2] if match[2] is not None else match[3].strip() for match in _FIELD.finditer(text)}
            self._fields[node] = found
        return found

    def file(self, node: str) -> str:
        """The path of the file that a scope lies in."""
        for _ in range(100):
            fields = self.fields(node)
            if "filename" in fields:
                return fields["filename"]
            if "file" in fields:
                node = fields["file"]
            elif "scope" in fields:
                node = fields["scope"]
            else:
                break
        return ""

    def place(self, node: str) -> tuple[str, int, int]:
        """File, line and column of a source position; ("", 0, 0) if there is none."""
        found = self._places.get(node)
        if found is None:
            fields = self.fields(node)
            line = int(fields.get("line", 0))
            found = (self.file(node), line, int(fields.get("column", 0)))
            self._places[node] = found
        return found

    def explained(self, error: UnsupportedError) -> UnsupportedError:
        """The error with the source line in the place of its metadata node."""
        for word in error.place.split():
            if word.startswith("!"):
                file, line, _ = self.place(word)
                if line:
                    return UnsupportedError(error.reason, f"{file}:{line}")
        name = " ".join(word for word in error.place.split() if not word.startswith("!"))
        return UnsupportedError(error.reason, name)


def describe_function(
    section: Section, machine: MachineFunction, source: Source, positions: Positions
) -> None:
    """Note what the debugger is told about a function."""
    section.debug = (machine, source, positions)


class DebugBuilder:
    """The debug information of a linked program."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.rows: list[LineRow] = []
        self.functions: list[Function] = []

    def add(
        self,
        owner: ObjectFile,
        section: Section,
        address: int,
        size: int,
        position: Callable[[int], int],
    ) -> None:
        """Take a function in whose code lies at an address."""
        machine, source, positions = section.debug
        for word, node in section.lines:  # type: ignore[misc]
            file, line, column = positions.place(node)
            if line:
                self.rows.append(LineRow(position(word), self._file(file), line, column))
        file, line, _ = positions.place(source.debug)
        self.functions.append(
            Function(
                positions.fields(source.debug).get("name", section.name),
                address,
                size,
                self._file(file) if file else 0,
                line,
                is_external=not machine.local,
            )
        )

    def _file(self, path: str) -> int:
        return self.files.setdefault(path, len(self.files))

    def result(self) -> dict[str, Any]:
        return {
            "files": tuple(self.files),
            "rows": tuple(self.rows),
            "functions": tuple(self.functions),
        }


__all__ = ["DebugBuilder", "Frame", "Positions", "describe_function"]
