"""What is known about the program that a machine runs: symbols, source lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ..input_files import read_text


class Place(NamedTuple):
    """A line of a source file."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{Path(self.path).name}:{self.line}"


@runtime_checkable
class Described(Protocol):
    """A program that says where things are, as what the assembler answers does."""

    @property
    def symbols(self) -> Mapping[str, int]:
        """Addresses of labels and values of constants by name."""

    @property
    def source_map(self) -> Mapping[int, tuple[str, int]] | Iterable[Any]:
        """File and line by the address of what they became; or rows with `bit`, `file` and `line`
        of a program that begins at address 0."""


class ProgramInfo:
    """Names and lines of a program, looked up in both directions.

    `program` is what `lrvm_tools.lasm.assemble_program` answers, an image that was assembled from
    source, or anything with `symbols` and `source_map`; what has neither is a program of which
    nothing is known. TypeError for a text: source has to be assembled first.
    """

    def __init__(self, program: Any = None) -> None:
        if isinstance(program, str):
            raise TypeError(
                "a debugger takes a program, not its source: "
                "lrvm_tools.lasm.assemble_program(source) makes one"
            )
        executable = getattr(program, "executable", None) or program
        view = getattr(executable, "source_view", None)
        described = view or getattr(program, "assembly", None) or program
        self.view: Any = view
        """What is known besides of a linked program; None for one in LASM."""
        self.symbols: dict[str, int] = {}
        self.labels: dict[str, int] = {}
        self._lines: dict[int, Place] = {}
        if isinstance(described, Described):
            self.symbols = dict(described.symbols)
            self._lines = dict(sorted(_lines(described)))
            self.labels = _labels(described, self.symbols)
        content = getattr(described, "bytes", None)
        code_end = getattr(described, "code_end", None)
        self._end = max([*self._lines, -4]) + 4 if content is None else len(content)
        if code_end is not None:
            self._end = code_end
        items = getattr(described, "items", ())
        self._statements = {
            item.address: item.source for item in items if not callable(items) and item.data
        }
        self._locate = getattr(described, "locate", None)
        by_address: dict[int, str] = {}
        for name, address in self.labels.items():
            # Of several names the outermost, then the first one.
            known = by_address.get(address)
            if known is None or name.count(".") < known.count("."):
                by_address[address] = name
        self._label_addresses = sorted(by_address)
        self._label_names = [by_address[address] for address in self._label_addresses]
        self._sources: dict[str, list[str] | None] = {}

    @property
    def end(self) -> int:
        """The address after the program's last word, as far as it is known."""
        return self._end + -self._end % 4

    def is_instruction(self, address: int) -> bool:
        """Whether the statement at an address is an instruction, as its source tells: data begin
        with `#`. True where there is no source."""
        place = self.place(address)
        text = self._statements.get(address)
        if text is None and place is not None:
            text = self.source_line(place)
        return not re.match(r"\s*(?:[\w.]+:)?\s*#", text or "")

    @property
    def lines(self) -> Mapping[int, Place]:
        """The source line of each statement, by its first address, ascending."""
        return self._lines

    def place(self, address: int) -> Place | None:
        """The source line of the word at an address."""
        exact = self._lines.get(address)
        if exact is not None or self._locate is None:
            return exact
        found = self._locate(address)
        return None if found is None else Place(str(found[0]), int(found[1]))

    def breakpoint_of(self, name: str) -> int | None:
        """Where a breakpoint on a function's name stands if that is not at its first instruction:
        behind the prologue of a compiled one."""
        return None if self.view is None else self.view.breakpoint_of(name)

    def label_at(self, address: int) -> str | None:
        """The label that stands exactly at an address."""
        index = bisect_right(self._label_addresses, address) - 1
        if index >= 0 and self._label_addresses[index] == address:
            return self._label_names[index]
        return None

    def name(self, address: int) -> str:
        """An address as `label`, `label+0x8`, or `0x00000010` where no label stands before it."""
        index = bisect_right(self._label_addresses, address) - 1
        exact = index >= 0 and self._label_addresses[index] == address
        if index < 0 or (address >= self._end and not exact):
            return f"0x{address:08X}"
        distance = address - self._label_addresses[index]
        name = self._label_names[index]
        return name if not distance else f"{name}+0x{distance:x}"

    def function(self, address: int) -> tuple[str, int]:
        """The outermost label at or before an address, and where it stands."""
        index = bisect_right(self._label_addresses, address) - 1
        while index >= 0 and "." in self._label_names[index]:
            index -= 1
        if index < 0:
            return "(start)", 0
        return self._label_names[index], self._label_addresses[index]

    def addresses_of_line(self, path: str, line: int) -> list[int]:
        """Where the code of a source line begins; of the next line that has code, if it has none.

        `path` is a file's name or the end of its path; empty for the program's own file.
        LookupError says what is not there.
        """
        wanted = Path(path).parts
        files = {place.path for place in self._lines.values()}
        matching = {
            name for name in files if not wanted or Path(name).parts[-len(wanted) :] == wanted
        }
        if not matching:
            known = ", ".join(sorted(Path(name).name for name in files)) or "none is known"
            raise LookupError(f"there is no source file {path!r}; the program's files: {known}")
        if not wanted:
            matching = {next(iter(self._lines.values())).path}
        lines: dict[int, list[int]] = {}
        for address, place in self._lines.items():
            if place.path in matching and place.line >= line:
                lines.setdefault(place.line, []).append(address)
        if not lines:
            name = path or Path(next(iter(matching))).name
            raise LookupError(f"there is no code at or after line {line} of {name}")
        # A statement of one line may give several words, one after the other.
        chosen = sorted(lines[min(lines)])
        begins = [at for at in chosen if at - 4 not in chosen]
        if self.view is None:
            return begins
        # A compiler spreads a line over its function: where it first comes to it is enough.
        first: dict[str, int] = {}
        for at in begins:
            first.setdefault(self.function(at)[0], at)
        return list(first.values())

    def source_line(self, place: Place) -> str | None:
        """The text of a line, if its file can still be read."""
        lines = self.source(place.path)
        if lines is None or not 1 <= place.line <= len(lines):
            return None
        return lines[place.line - 1]

    def source(self, path: str) -> list[str] | None:
        """The lines of a source file, or None if it cannot be read any more."""
        if path not in self._sources:
            try:
                text = read_text(path, errors="replace")
                self._sources[path] = text.splitlines()
            except OSError:
                self._sources[path] = None
        return self._sources[path]


def _lines(described: Described) -> Iterator[tuple[int, Place]]:
    """The source line of each statement, by its address."""
    items = getattr(described, "items", ())
    rows: Any = described.source_map
    if isinstance(rows, Mapping):
        for address, (path, line) in rows.items():
            yield address, Place(str(path), int(line))
    elif not callable(items):
        # Banks may have put them elsewhere than they stand in the output.
        yield from ((one.address, Place(one.path, one.line)) for one in items if one.data)
    else:
        yield from ((row.bit // 8, Place(row.file, row.line)) for row in rows)


def _labels(described: Described, symbols: Mapping[str, int]) -> dict[str, int]:
    """The symbols that are addresses of the program, as far as that is known."""
    labels = getattr(described, "labels", None)
    if isinstance(labels, Mapping):
        return dict(labels)
    entries = getattr(described, "entries", None)
    if entries is None:
        return {name: value for name, value in symbols.items() if value % 4 == 0}
    return {entry.name: entry.value for entry in entries if entry.is_label}
