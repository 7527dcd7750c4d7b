"""Source positions and debug information, out of LLVM's metadata."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..executable import (
    ArrayType,
    BasicType,
    Encoding,
    EnumType,
    Frame,
    Function,
    FunctionType,
    LineRow,
    Member,
    NamedType,
    Place,
    PlaceKind,
    PointerType,
    QualifiedType,
    RecordType,
    Type,
    Variable,
)
from .errors import UnsupportedError
from .ir.module import Function as Source
from .machine_code import MachineFunction
from .objects import Section

_WORD: Final = 4
_NODES: Final = re.compile(r"!\d+|null")
_VARIABLE: Final = re.compile(r"#dbg_(?:declare|value|assign)\([^!]*(!\d+)")
_ENCODINGS: Final = {
    "DW_ATE_signed": Encoding.SIGNED,
    "DW_ATE_unsigned": Encoding.UNSIGNED,
    "DW_ATE_signed_char": Encoding.SIGNED_CHAR,
    "DW_ATE_unsigned_char": Encoding.UNSIGNED_CHAR,
    "DW_ATE_boolean": Encoding.BOOLEAN,
    "DW_ATE_float": Encoding.FLOAT,
}
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
            found = {
                match[1]: match[2] if match[2] is not None else match[3].strip()
                for match in _FIELD.finditer(text)
            }
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


@dataclass(slots=True)
class FunctionNote:
    """What is known of a function when it is emitted."""

    machine: MachineFunction
    source: Source
    positions: Positions
    frame: EmittedFrame


@dataclass(slots=True)
class EmittedFrame:
    """A function's frame: `size` bytes from `register` on, then what is saved, then the return
    address. `body` is the word behind the prologue."""

    register: int
    size: int
    saved: tuple[int, ...]
    body: int


@dataclass(slots=True)
class VariableNote:
    """The metadata at a global variable's definition."""

    node: str
    positions: Positions


def _is_whole(place: Place, is_wide: bool) -> bool:
    """Whether a place holds all of a value: LLVM may keep but the low word of a wide one, whose
    sign is not known then."""
    if place.kind is PlaceKind.CONSTANT:
        return not (is_wide and 1 << 31 <= place.value < 1 << 32)
    return is_wide == (place.second is not None)


class DebugBuilder:
    """The debug information of a linked program."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.rows: list[LineRow] = []
        self.functions: list[Function] = []
        self.globals: list[Variable] = []
        self.types: list[Type] = []
        self._known: dict[tuple[int, str], int | None] = {}

    def add_function(
        self, section: Section, address: int, size: int, position: Callable[[int], int]
    ) -> None:
        """Take a function in whose code lies at an address."""
        note: FunctionNote = section.debug
        positions = note.positions
        fields = positions.fields(note.source.debug)
        file, line, _ = positions.place(note.source.debug)
        number = self._file(file)
        if line:
            self.rows.append(LineRow(address, number, line))
        for word, node in section.lines:
            path, row, column = positions.place(node)
            if row:
                self.rows.append(LineRow(position(word), self._file(path), row, column))
        # What follows may have no lines of its own.
        self.rows.append(LineRow(address + size, number, 0))
        signature = _NODES.findall(
            positions.metadata.get(positions.fields(fields.get("type", "")).get("types", ""), "")
        )
        result = self._type(positions, signature[0]) if signature else None
        frame = note.frame
        count = len(frame.saved)
        self.functions.append(
            Function(
                fields.get("name", section.name),
                address,
                size,
                number,
                line,
                result,
                tuple(self._variables(note, position)),
                Frame(
                    frame.register,
                    0,
                    frame.size + 4 * count,
                    tuple(
                        (register, frame.size + 4 * (count - 1 - place))
                        for place, register in enumerate(frame.saved)
                    ),
                    (position(frame.body), address + size),
                ),
                not note.machine.local,
            )
        )

    def _variables(self, note: FunctionNote, position: Callable[[int], int]) -> list[Variable]:
        """Parameters and variables; those without a place were optimised away."""
        places = {one.metadata: one.place for one in note.machine.places}
        values: dict[str, list[Place]] = {}
        for one in note.machine.values:
            kind, value, second = one.place
            if kind is PlaceKind.FRAME:
                value = note.machine.objects[value].offset
            place = Place(kind, value, position(one.first), position(one.end), second)
            values.setdefault(one.metadata, []).append(place)
        nodes = dict.fromkeys(
            [
                *places,
                *(
                    match[1]
                    for _, _, text in note.source.records
                    if (match := _VARIABLE.search(text))
                ),
            ]
        )
        found = []
        for node in nodes:
            fields = note.positions.fields(node)
            if "name" not in fields or not self._belongs(note, fields.get("scope", "")):
                continue
            kind_of = self._type(note.positions, fields.get("type", ""))
            is_wide = self._size(kind_of) > _WORD
            where = tuple(one for one in values.get(node, ()) if _is_whole(one, is_wide))
            if node in places:
                offset = note.machine.objects[places[node]].offset
                where = (Place(PlaceKind.FRAME, offset),)
            found.append(
                (
                    int(fields.get("arg", 999)),
                    Variable(
                        fields["name"],
                        kind_of,
                        where,
                        self._file(note.positions.file(fields.get("file", ""))),
                        int(fields.get("line", 0)),
                        "arg" in fields,
                    ),
                )
            )
        return [variable for _, variable in sorted(found, key=lambda pair: pair[0])]

    def _belongs(self, note: FunctionNote, scope: str) -> bool:
        """Whether a scope is the function's own, and not that of an inlined one."""
        for _ in range(100):
            if scope == note.source.debug:
                return True
            text = note.positions.metadata.get(scope, "")
            if not text or "DISubprogram(" in text:
                return False
            scope = note.positions.fields(scope).get("scope", "")
        return False

    def _size(self, kind: int | None) -> int:
        """Bytes of a type that registers may hold; 0 for others."""
        for _ in range(100):
            found = None if kind is None else self.types[kind]
            if not isinstance(found, NamedType | QualifiedType):
                break
            kind = found.target
        if isinstance(found, PointerType):
            return _WORD
        return found.size if isinstance(found, BasicType | EnumType | RecordType) else 0

    def add_variable(self, node: str, positions: Positions, address: int) -> None:
        """Take a global variable in, by the metadata that stands at its definition."""
        fields = positions.fields(positions.fields(node).get("var", ""))
        if "name" in fields:
            self.globals.append(
                Variable(
                    fields["name"],
                    self._type(positions, fields.get("type", "")),
                    (Place(PlaceKind.STATIC, address),),
                    self._file(positions.file(fields.get("file", ""))),
                    int(fields.get("line", 0)),
                )
            )

    def _type(self, positions: Positions, node: str) -> int | None:
        """The number of a type; None is void."""
        if not node.startswith("!"):
            return None
        key = (id(positions), node)
        if key in self._known:
            return self._known[key]
        text = positions.metadata.get(node, "")
        fields = positions.fields(node)
        tag = fields.get("tag", "")
        if tag in ("DW_TAG_restrict_type", "DW_TAG_atomic_type", "DW_TAG_member"):
            number = self._type(positions, fields.get("baseType", ""))
            self._known[key] = number
            return number
        number = len(self.types)
        self._known[key] = number
        self.types.append(BasicType("?", 4, Encoding.UNSIGNED))
        self.types[number] = self._made(positions, text, fields, tag)
        return number

    def _made(self, positions: Positions, text: str, fields: dict[str, str], tag: str) -> Type:
        size = int(fields.get("size", 0)) // 8
        name = fields.get("name", "")
        base = fields.get("baseType", "")
        if "DIBasicType(" in text:
            return BasicType(
                name, size, _ENCODINGS.get(fields.get("encoding", ""), Encoding.SIGNED)
            )
        if "DISubroutineType(" in text:
            nodes = re.findall(r"!\d+|null", positions.metadata.get(fields.get("types", ""), ""))
            kinds = [self._type(positions, one) for one in nodes]
            variadic = len(nodes) > 1 and nodes[-1] == "null"
            parameters = tuple(kinds[1:-1] if variadic else kinds[1:])
            return FunctionType(kinds[0] if kinds else None, parameters, variadic)
        target = self._type(positions, base)
        if tag == "DW_TAG_pointer_type":
            return PointerType(target)
        if tag == "DW_TAG_typedef":
            return NamedType(name, target)
        if tag in ("DW_TAG_const_type", "DW_TAG_volatile_type"):
            return QualifiedType(tag[7:-5], target)
        elements = _NODES.findall(positions.metadata.get(fields.get("elements", ""), ""))
        if tag == "DW_TAG_array_type":
            return self._array(positions, target, elements)
        if tag == "DW_TAG_enumeration_type":
            values = [positions.fields(one) for one in elements]
            return EnumType(
                name,
                size,
                tuple((one.get("name", "?"), int(one.get("value", 0))) for one in values),
            )
        if tag in ("DW_TAG_structure_type", "DW_TAG_union_type"):
            members = tuple(self._member(positions, one) for one in elements)
            return RecordType(name, size, members, tag == "DW_TAG_union_type")
        return NamedType(name or "unknown", target)

    def _member(self, positions: Positions, node: str) -> Member:
        fields = positions.fields(node)
        offset, size = int(fields.get("offset", 0)), int(fields.get("size", 0))
        type_ = self._type(positions, fields.get("baseType", ""))
        if "DIFlagBitField" in fields.get("flags", ""):
            return Member(fields.get("name", ""), type_, 0, offset, size)
        return Member(fields.get("name", ""), type_, offset // 8)

    def _array(self, positions: Positions, element: int | None, ranges: list[str]) -> Type:
        """Nested for more than one dimension; the innermost ones are types of their own."""
        counts: list[int | None] = []
        for one in ranges:
            count = positions.fields(one).get("count", "")
            counts.append(int(count) if count.lstrip("-").isdigit() and int(count) >= 0 else None)
        inner = element if element is not None else 0
        for count_ in reversed(counts[1:]):
            self.types.append(ArrayType(inner, count_))
            inner = len(self.types) - 1
        return ArrayType(inner, counts[0] if counts else None)

    def _file(self, path: str) -> int:
        return self.files.setdefault(path or "?", len(self.files))

    def result(self, folder: str) -> dict[str, Any]:
        """The arguments of Executable."""
        if not self.functions and not self.globals:
            return {}
        return {
            "files": tuple(self.files),
            "rows": tuple(self.rows),
            "types": tuple(self.types),
            "functions": tuple(self.functions),
            "globals": tuple(self.globals),
            "folder": folder,
        }
