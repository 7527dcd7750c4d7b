"""What is known about a program's source: lines, functions, variables, types.

Types refer to each other by their index in `Executable.types`, files by their index in
`Executable.files`; None in the place of a type is C's `void`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple, TypeAlias, overload

from lrvm_jit.locks import cached_property


class LineRow(NamedTuple):
    """Code from `address` up to the next row's address belongs to this place in the source.

    `line` counts from 1; 0 is code that belongs to no line. `column` counts from 1; 0 is unknown.
    """

    address: int
    file: int
    line: int
    column: int = 0
    is_statement: bool = True
    """Whether this is a good place to stop at: the start of a statement."""


class SourcePlace(NamedTuple):
    """A place in a source file."""

    path: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class LineTable(Sequence[LineRow]):
    """The rows of a program by address, and what can be asked of them.

    `end` is the address behind the code of the last row.
    """

    def __init__(
        self, rows: Sequence[LineRow] = (), files: Sequence[str] = (), end: int | None = None
    ) -> None:
        self.rows = tuple(sorted(rows, key=lambda row: row.address))
        self.files = tuple(files)
        self.end = end if end is not None else self.rows[-1].address + 4 if self.rows else 0
        for row in self.rows:
            if not 0 <= row.file < len(self.files):
                raise ValueError(f"{row} names file {row.file}, but there are {len(self.files)}")

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> LineRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LineRow]: ...
    def __getitem__(self, index: int | slice) -> LineRow | Sequence[LineRow]:
        return self.rows[index]

    def __iter__(self) -> Iterator[LineRow]:
        return iter(self.rows)

    def row_at(self, address: int) -> LineRow | None:
        """The row whose code holds the address; None where no line is known."""
        if not address < self.end:
            return None
        index = bisect_right(self._addresses, address) - 1
        return self.rows[index] if index >= 0 and self.rows[index].line else None

    def locate(self, address: int) -> SourcePlace | None:
        """The source place of the code at an address; None where none is known."""
        row = self.row_at(address)
        return row and SourcePlace(self.files[row.file], row.line, row.column)

    def addresses_of(self, path: str, line: int) -> list[int]:
        """The first addresses of a line's statements. `path` may be the end of the file's."""
        wanted = {
            index
            for index, name in enumerate(self.files)
            if name == path or name.endswith("/" + path)
        }
        return [
            row.address
            for row in self.rows
            if row.is_statement and row.line == line and row.file in wanted
        ]

    @cached_property
    def _addresses(self) -> list[int]:
        return [row.address for row in self.rows]


class PlaceKind(Enum):
    """Where a value is."""

    REGISTER = "register"
    """`value` is the register's code."""
    FRAME = "frame"
    """In memory, `value` bytes from the function's frame base."""
    STATIC = "static"
    """In memory at the address `value`."""
    CONSTANT = "constant"
    """Nowhere: it is the number `value`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a variable is while pc is in `low..high` (`high` excluded), or always.

    A value of two words in registers takes one Place with `second`, the code of the register
    with its high word; `value` is the register with its low word.
    """

    kind: PlaceKind
    value: int
    low: int | None = None
    high: int | None = None
    second: int | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A parameter or variable of a function, or a global one. Optimised away: no places."""

    name: str
    type: int | None
    places: tuple[Place, ...] = ()
    file: int = 0
    line: int = 0
    is_parameter: bool = False
    scope: tuple[int, int] | None = None
    """The code of the block that declares it, first address and the one behind its last; None is
    the whole function."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A function's stack frame, between its prologue and its epilogue.

    The frame base is register `register` plus `offset`; FRAME places count from there. The
    return address lies at the frame base plus `return_address`, callers' registers at the frame
    base plus the offset in `saved` (register code, offset). `body` is where this holds: the
    address behind the prologue, and that of the (first) epilogue.
    """

    register: int
    offset: int
    return_address: int
    saved: tuple[tuple[int, int], ...] = ()
    body: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its code, where it is defined, and its variables."""

    name: str
    address: int
    size: int
    file: int = 0
    line: int = 0
    result: int | None = None
    variables: tuple[Variable, ...] = ()
    frame: Frame | None = None
    is_external: bool = True

    @property
    def end(self) -> int:
        """The address behind its last instruction."""
        return self.address + self.size


class Encoding(StrEnum):
    """How the bits of a basic type are meant."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    SIGNED_CHAR = "signed char"
    UNSIGNED_CHAR = "unsigned char"
    BOOLEAN = "boolean"
    FLOAT = "float"


@dataclass(frozen=True, slots=True)
class BasicType:
    """`int`, `double` and their like; `size` in bytes."""

    name: str
    size: int
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class PointerType:
    """A pointer; to a function if `target` is a FunctionType."""

    target: int | None


@dataclass(frozen=True, slots=True)
class ArrayType:
    """`count` elements; None where it is not known. Arrays of arrays are nested."""

    element: int
    count: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a struct or union, `offset` bytes from its start.

    A bit-field has `bit_size` bits, the first of them (the most significant one, as the machine
    is big-endian) `bit_offset` bits from the struct's start; its `offset` is 0 then.
    """

    name: str
    type: int | None
    offset: int
    bit_offset: int | None = None
    bit_size: int | None = None


@dataclass(frozen=True, slots=True)
class RecordType:
    """A struct, or a union. Without members and size 0 it is only declared."""

    name: str
    size: int
    members: tuple[Member, ...]
    is_union: bool = False


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum: names and their numbers."""

    name: str
    size: int
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NamedType:
    """A typedef."""

    name: str
    target: int | None


@dataclass(frozen=True, slots=True)
class QualifiedType:
    """`const` or `volatile`; both are two of these."""

    qualifier: str
    target: int | None


@dataclass(frozen=True, slots=True)
class FunctionType:
    """What a pointer to a function points to."""

    result: int | None
    parameters: tuple[int | None, ...]
    is_variadic: bool = False


Type: TypeAlias = (
    BasicType
    | PointerType
    | ArrayType
    | RecordType
    | EnumType
    | NamedType
    | QualifiedType
    | FunctionType
)
