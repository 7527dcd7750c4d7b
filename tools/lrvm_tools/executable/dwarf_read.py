"""Reading what `dwarf_info` writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from .binary import ExecutableError, Input
from .debug_info import (
    ArrayType,
    BasicType,
    EnumType,
    Frame,
    Function,
    FunctionType,
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
from .dwarf_frames import decode_frames
from .dwarf_info import ADDRESS_BYTES, ENCODINGS, QUALIFIERS, VERSION, DebugSections
from .dwarf_names import Attribute, Form, Operation, Tag

_DEEPEST: Final = 100
_WHAT: Final = "the debug information"
_ENCODING_OF: Final = {number: encoding for encoding, number in ENCODINGS.items()}
_QUALIFIER_OF: Final = {tag: qualifier for qualifier, tag in QUALIFIERS.items()}
_REGISTERS: Final = 32


class Info(NamedTuple):
    """What `.debug_info` says of a program."""

    types: tuple[Type, ...]
    functions: tuple[Function, ...]
    globals: tuple[Variable, ...]
    producer: str
    folder: str
    source: str


@dataclass(slots=True)
class _Entry:
    offset: int
    tag: int
    values: dict[int, Any]
    children: list[_Entry] = field(default_factory=list)


class _Location(int):
    """The value of a LOCATION that is an offset into `.debug_loc`."""


def decode_info(sections: DebugSections, frames: bytes) -> Info:
    """What the sections say. ExecutableError for damaged ones, or such that others have made."""
    try:
        return _Reader(sections, frames).info()
    except (TypeError, AttributeError) as error:
        # An attribute in a form that its meaning does not allow.
        raise ExecutableError(f"{_WHAT} makes no sense: {error}") from None


class _Reader:
    def __init__(self, sections: DebugSections, frames: bytes) -> None:
        self._sections = sections
        self._frame_section = frames
        self._abbreviations = _abbreviations(sections.abbreviations)
        self._type_numbers: dict[int, int] = {}
        self._frames: dict[int, Frame] = {}

    def info(self) -> Info:
        data = Input(self._sections.info, _WHAT)
        unit = data.part(data.u32())
        version, abbreviations, address_bytes = unit.u16(), unit.u32(), unit.u8()
        if (version, abbreviations, address_bytes) != (VERSION, 0, ADDRESS_BYTES):
            raise ExecutableError(f"{_WHAT} has version {version}, which is not read")
        root = self._entry(unit, 0)
        if root is None or root.tag != Tag.COMPILE_UNIT:
            raise ExecutableError(f"{_WHAT} has no compilation unit")
        types = [
            entry for entry in root.children if entry.tag not in (Tag.SUBPROGRAM, Tag.VARIABLE)
        ]
        self._type_numbers = {entry.offset: number for number, entry in enumerate(types)}
        subprograms = [entry for entry in root.children if entry.tag == Tag.SUBPROGRAM]
        bases = {
            entry.values[Attribute.LOW_PC]: _frame_base(entry.values[Attribute.FRAME_BASE])
            for entry in subprograms
            if Attribute.FRAME_BASE in entry.values and Attribute.LOW_PC in entry.values
        }
        self._frames = decode_frames(self._frame_section, bases)
        return Info(
            tuple(self._type(entry) for entry in types),
            tuple(self._function(entry) for entry in subprograms),
            tuple(self._variable(e, None) for e in root.children if e.tag == Tag.VARIABLE),
            _text(root, Attribute.PRODUCER),
            _text(root, Attribute.COMP_DIR),
            _text(root, Attribute.NAME),
        )

    # --- entries ---------------------------------------------------------------------------------

    def _entry(self, data: Input, depth: int) -> _Entry | None:
        """The entry that comes next, with its children; None for the end of a row."""
        offset = data.at
        number = data.uleb()
        if not number:
            return None
        if depth > _DEEPEST:
            raise ExecutableError(f"{_WHAT} is nested too deeply")
        try:
            tag, has_children, attributes = self._abbreviations[number]
        except KeyError:
            raise ExecutableError(f"{_WHAT} uses an unknown abbreviation {number}") from None
        entry = _Entry(offset, tag, {name: _value(data, form) for name, form in attributes})
        if has_children:
            while (child := self._entry(data, depth + 1)) is not None:
                entry.children.append(child)
        return entry

    def _function(self, entry: _Entry) -> Function:
        values = entry.values
        address, size = _number(entry, Attribute.LOW_PC), _number(entry, Attribute.HIGH_PC)
        variables: list[Variable] = []
        for child in entry.children:
            if child.tag == Tag.LEXICAL_BLOCK:
                low = _number(child, Attribute.LOW_PC)
                scope = (low, low + _number(child, Attribute.HIGH_PC))
                variables += [self._variable(inner, scope) for inner in child.children]
            else:
                variables.append(self._variable(child, None))
        return Function(
            _text(entry, Attribute.NAME),
            address,
            size,
            *_declared(entry),
            self._typed(entry),
            tuple(variables),
            self._frames.get(address),
            Attribute.EXTERNAL in values,
        )

    def _variable(self, entry: _Entry, scope: tuple[int, int] | None) -> Variable:
        location = entry.values.get(Attribute.LOCATION)
        places: tuple[Place, ...] = ()
        if isinstance(location, bytes):
            places = (_place(location, None, None),)
        elif isinstance(location, _Location):
            places = tuple(self._places(location))
        file, line = _declared(entry)
        return Variable(
            _text(entry, Attribute.NAME),
            self._typed(entry),
            places,
            file,
            line,
            entry.tag == Tag.FORMAL_PARAMETER,
            scope,
        )

    def _places(self, offset: int) -> Iterator[Place]:
        data = Input(self._sections.locations, "the table of variables' places", offset)
        while (span := (data.u32(), data.u32())) != (0, 0):
            yield _place(data.take(data.u16()), *span)

    def _typed(self, entry: _Entry) -> int | None:
        offset = entry.values.get(Attribute.TYPE)
        if offset is None:
            return None
        try:
            return self._type_numbers[offset]
        except KeyError:
            raise ExecutableError(f"{_WHAT} refers to a type that is not there") from None

    def _type(self, entry: _Entry) -> Type:
        name = entry.values.get(Attribute.NAME, "")
        size = entry.values.get(Attribute.BYTE_SIZE, 0)
        target = self._typed(entry)
        match entry.tag:
            case Tag.BASE_TYPE:
                try:
                    return BasicType(name, size, _ENCODING_OF[_number(entry, Attribute.ENCODING)])
                except KeyError:
                    raise ExecutableError(f"type {name!r} has an unknown encoding") from None
            case Tag.POINTER_TYPE:
                return PointerType(target)
            case Tag.ARRAY_TYPE:
                if target is None or not entry.children:
                    raise ExecutableError(f"{_WHAT} has an array of nothing")
                return ArrayType(target, entry.children[0].values.get(Attribute.COUNT))
            case Tag.STRUCTURE_TYPE | Tag.UNION_TYPE:
                members = tuple(self._member(child) for child in entry.children)
                return RecordType(name, size, members, entry.tag == Tag.UNION_TYPE)
            case Tag.ENUMERATION_TYPE:
                values = tuple(
                    (_text(child, Attribute.NAME), _number(child, Attribute.CONST_VALUE))
                    for child in entry.children
                )
                return EnumType(name, size, values)
            case Tag.TYPEDEF:
                return NamedType(name, target)
            case Tag.SUBROUTINE_TYPE:
                parameters = tuple(
                    self._typed(c) for c in entry.children if c.tag == Tag.FORMAL_PARAMETER
                )
                return FunctionType(target, parameters, len(parameters) < len(entry.children))
            case tag if tag in _QUALIFIER_OF:
                return QualifiedType(_QUALIFIER_OF[Tag(tag)], target)
        raise ExecutableError(f"{_WHAT} has an entry of an unknown kind 0x{entry.tag:X}")

    def _member(self, entry: _Entry) -> Member:
        return Member(
            entry.values.get(Attribute.NAME, ""),
            self._typed(entry),
            entry.values.get(Attribute.DATA_MEMBER_LOCATION, 0),
            entry.values.get(Attribute.DATA_BIT_OFFSET),
            entry.values.get(Attribute.BIT_SIZE),
        )


_Abbreviation = tuple[int, bool, list[tuple[int, int]]]


def _abbreviations(section: bytes) -> dict[int, _Abbreviation]:
    data = Input(section, "the table of abbreviations")
    table: dict[int, _Abbreviation] = {}
    while number := data.uleb():
        tag, has_children = data.uleb(), bool(data.u8())
        attributes = []
        while (pair := (data.uleb(), data.uleb())) != (0, 0):
            attributes.append(pair)
        table[number] = tag, has_children, attributes
    return table


def _value(data: Input, form: int) -> Any:
    match form:
        case Form.ADDR | Form.DATA4 | Form.REF4:
            return data.u32()
        case Form.SEC_OFFSET:
            return _Location(data.u32())
        case Form.STRING:
            return data.text()
        case Form.UDATA:
            return data.uleb()
        case Form.SDATA:
            return data.sleb()
        case Form.EXPRLOC:
            return data.take(data.uleb())
        case Form.FLAG_PRESENT:
            return True
    raise ExecutableError(f"{_WHAT} uses form 0x{form:X}, which is not read")


def _text(entry: _Entry, attribute: Attribute) -> str:
    value = entry.values.get(attribute)
    if not isinstance(value, str):
        raise ExecutableError(f"{_WHAT} has an entry without {attribute.name}")
    return value


def _number(entry: _Entry, attribute: Attribute) -> int:
    value = entry.values.get(attribute)
    if not isinstance(value, int):
        raise ExecutableError(f"{_WHAT} has an entry without {attribute.name}")
    return value


def _declared(entry: _Entry) -> tuple[int, int]:
    """File and line."""
    return (
        entry.values.get(Attribute.DECL_FILE, 1) - 1,
        entry.values.get(Attribute.DECL_LINE, 0),
    )


def _place(code: bytes, low: int | None, high: int | None) -> Place:
    data = Input(code, "the place of a variable")
    operation = data.u8()
    if Operation.REG0 <= operation < Operation.REG0 + _REGISTERS:
        register = operation - Operation.REG0
        if not data:
            return Place(PlaceKind.REGISTER, register, low, high)
        data.take(2)
        return Place(PlaceKind.REGISTER, data.u8() - Operation.REG0, low, high, register)
    if operation == Operation.FBREG:
        return Place(PlaceKind.FRAME, data.sleb(), low, high)
    if operation == Operation.ADDR:
        return Place(PlaceKind.STATIC, data.u32(), low, high)
    if operation == Operation.CONSTS:
        return Place(PlaceKind.CONSTANT, data.sleb(), low, high)
    raise ExecutableError(f"a variable's place has an unknown operation 0x{operation:02X}")


def _frame_base(code: bytes) -> tuple[int, int]:
    data = Input(code, "a function's frame base")
    register = data.u8() - Operation.BREG0
    if not 0 <= register < _REGISTERS:
        raise ExecutableError("a function's frame base has an unknown operation")
    return register, data.sleb()
