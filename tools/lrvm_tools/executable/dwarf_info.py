"""`.debug_info` and its companions: functions, variables, types (DWARF 4, sections 2 to 5 and 7).

One compilation unit holds all types, in the order of `Executable.types`, then the functions, then
the global variables, so that reading them gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from .binary import Output
from .debug_info import (
    ArrayType,
    BasicType,
    Encoding,
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
from .dwarf_names import LANGUAGE_C99, Attribute, Form, Operation, Tag

if TYPE_CHECKING:
    from .executable import Executable

VERSION: Final = 4
ADDRESS_BYTES: Final = 4

ENCODINGS: Final = {
    Encoding.BOOLEAN: 0x02,
    Encoding.FLOAT: 0x04,
    Encoding.SIGNED: 0x05,
    Encoding.SIGNED_CHAR: 0x06,
    Encoding.UNSIGNED: 0x07,
    Encoding.UNSIGNED_CHAR: 0x08,
}
QUALIFIERS: Final = {
    "const": Tag.CONST_TYPE,
    "volatile": Tag.VOLATILE_TYPE,
    "restrict": Tag.RESTRICT_TYPE,
}


@dataclass(frozen=True, slots=True)
class TypeRef:
    """In the place of an attribute's value: a type, whose place in the section comes later."""

    index: int


Value: TypeAlias = int | str | bytes | TypeRef | None
"""None stands for a flag."""
AttributeValue: TypeAlias = tuple[Attribute, Form, Value]


@dataclass(slots=True)
class _Entry:
    tag: Tag
    attributes: list[AttributeValue]
    children: list[_Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DebugSections:
    """The content of `.debug_info`, `.debug_abbrev` and `.debug_loc`."""

    info: bytes
    abbreviations: bytes
    locations: bytes


def encode_info(executable: Executable) -> DebugSections:
    """The sections for what is known about a program's source."""
    return _Writer(executable).sections()


class _Writer:
    def __init__(self, executable: Executable) -> None:
        self._executable = executable
        self._info = Output()
        self._locations = Output()
        self._abbreviations: dict[tuple[object, ...], int] = {}
        self._type_offsets: list[int] = []
        self._patches: list[tuple[int, int]] = []

    def sections(self) -> DebugSections:
        info = self._info
        info.u32(0)  # the length, known at the end
        info.u16(VERSION)
        info.u32(0)  # the abbreviations begin at 0
        info.u8(ADDRESS_BYTES)
        unit = self._unit()
        types = [self._type(item) for item in self._executable.types]
        self._begin(unit, has_children=True)
        for entry in types:
            self._type_offsets.append(len(info))
            self._write(entry)
        for function in self._executable.functions:
            self._write(self._function(function))
        for variable in self._executable.globals:
            self._write(self._variable(variable, None))
        info.u8(0)
        for at, index in self._patches:
            info.patch_u32(at, self._type_offsets[index])
        info.patch_u32(0, len(info) - 4)
        return DebugSections(bytes(info), self._abbreviation_table(), bytes(self._locations))

    # --- entries ---------------------------------------------------------------------------------

    def _unit(self) -> _Entry:
        executable = self._executable
        name = next(iter(executable.sources or executable.files), executable.name)
        end = max((segment.end for segment in executable.segments if segment.executable), default=0)
        return _Entry(
            Tag.COMPILE_UNIT,
            [
                (Attribute.PRODUCER, Form.STRING, executable.producer),
                (Attribute.LANGUAGE, Form.UDATA, LANGUAGE_C99),
                (Attribute.NAME, Form.STRING, name),
                (Attribute.COMP_DIR, Form.STRING, executable.folder),
                # From 0 on: places of variables count from here.
                (Attribute.LOW_PC, Form.ADDR, 0),
                (Attribute.HIGH_PC, Form.DATA4, end),
                (Attribute.STMT_LIST, Form.SEC_OFFSET, 0),
            ],
        )

    def _function(self, function: Function) -> _Entry:
        attributes: list[AttributeValue] = [
            (Attribute.NAME, Form.STRING, function.name),
            (Attribute.LOW_PC, Form.ADDR, function.address),
            (Attribute.HIGH_PC, Form.DATA4, function.size),
            (Attribute.PROTOTYPED, Form.FLAG_PRESENT, None),
            *_declared(function.file, function.line),
            *_typed(function.result),
        ]
        if function.is_external:
            attributes.append((Attribute.EXTERNAL, Form.FLAG_PRESENT, None))
        if function.frame is not None:
            attributes.append((Attribute.FRAME_BASE, Form.EXPRLOC, _frame_base(function.frame)))
        entry = _Entry(Tag.SUBPROGRAM, attributes)
        for block, variables in _blocks(function.variables):
            children = [self._variable(variable, function) for variable in variables]
            if block is None:
                entry.children += children
            else:
                low, high = block
                entry.children.append(
                    _Entry(
                        Tag.LEXICAL_BLOCK,
                        [
                            (Attribute.LOW_PC, Form.ADDR, low),
                            (Attribute.HIGH_PC, Form.DATA4, high - low),
                        ],
                        children,
                    )
                )
        return entry

    def _variable(self, variable: Variable, function: Function | None) -> _Entry:
        attributes: list[AttributeValue] = [
            (Attribute.NAME, Form.STRING, variable.name),
            *_declared(variable.file, variable.line),
            *_typed(variable.type),
        ]
        places = variable.places
        if len(places) == 1 and places[0].low is None:
            attributes.append((Attribute.LOCATION, Form.EXPRLOC, expression_of(places[0])))
        elif places:
            attributes.append((Attribute.LOCATION, Form.SEC_OFFSET, len(self._locations)))
            for place in places:
                low = place.low if place.low is not None else function.address if function else 0
                high = place.high if place.high is not None else function.end if function else 0
                if low < high:
                    code = expression_of(place)
                    self._locations.u32(low)
                    self._locations.u32(high)
                    self._locations.u16(len(code))
                    self._locations += code
            self._locations += bytes(2 * ADDRESS_BYTES)
        if function is None:
            attributes.append((Attribute.EXTERNAL, Form.FLAG_PRESENT, None))
        return _Entry(Tag.FORMAL_PARAMETER if variable.is_parameter else Tag.VARIABLE, attributes)

    def _type(self, item: Type) -> _Entry:
        match item:
            case BasicType():
                return _Entry(
                    Tag.BASE_TYPE,
                    [
                        (Attribute.NAME, Form.STRING, item.name),
                        (Attribute.BYTE_SIZE, Form.UDATA, item.size),
                        (Attribute.ENCODING, Form.UDATA, ENCODINGS[item.encoding]),
                    ],
                )
            case PointerType():
                size: AttributeValue = (Attribute.BYTE_SIZE, Form.UDATA, ADDRESS_BYTES)
                return _Entry(Tag.POINTER_TYPE, [size, *_typed(item.target)])
            case ArrayType():
                count: list[AttributeValue] = []
                if item.count is not None:
                    count.append((Attribute.COUNT, Form.UDATA, item.count))
                return _Entry(
                    Tag.ARRAY_TYPE, _typed(item.element), [_Entry(Tag.SUBRANGE_TYPE, count)]
                )
            case RecordType():
                attributes: list[AttributeValue] = [
                    *_named(item.name),
                    (Attribute.BYTE_SIZE, Form.UDATA, item.size),
                ]
                if not item.size and not item.members:
                    attributes.append((Attribute.DECLARATION, Form.FLAG_PRESENT, None))
                tag = Tag.UNION_TYPE if item.is_union else Tag.STRUCTURE_TYPE
                return _Entry(tag, attributes, [_member(member) for member in item.members])
            case EnumType():
                return _Entry(
                    Tag.ENUMERATION_TYPE,
                    [*_named(item.name), (Attribute.BYTE_SIZE, Form.UDATA, item.size)],
                    [
                        _Entry(
                            Tag.ENUMERATOR,
                            [
                                (Attribute.NAME, Form.STRING, name),
                                (Attribute.CONST_VALUE, Form.SDATA, value),
                            ],
                        )
                        for name, value in item.values
                    ],
                )
            case NamedType():
                named: AttributeValue = (Attribute.NAME, Form.STRING, item.name)
                return _Entry(Tag.TYPEDEF, [named, *_typed(item.target)])
            case QualifiedType():
                return _Entry(QUALIFIERS[item.qualifier], _typed(item.target))
            case FunctionType():
                parameters = [_Entry(Tag.FORMAL_PARAMETER, _typed(p)) for p in item.parameters]
                if item.is_variadic:
                    parameters.append(_Entry(Tag.UNSPECIFIED_PARAMETERS, []))
                prototyped: AttributeValue = (Attribute.PROTOTYPED, Form.FLAG_PRESENT, None)
                return _Entry(Tag.SUBROUTINE_TYPE, [prototyped, *_typed(item.result)], parameters)

    # --- bytes -----------------------------------------------------------------------------------

    def _write(self, entry: _Entry) -> None:
        self._begin(entry, bool(entry.children))
        for child in entry.children:
            self._write(child)
        if entry.children:
            self._info.u8(0)

    def _begin(self, entry: _Entry, has_children: bool) -> None:
        """An entry's abbreviation and values, without its children."""
        info = self._info
        shape = (entry.tag, has_children, *((name, form) for name, form, _ in entry.attributes))
        info.uleb(self._abbreviations.setdefault(shape, len(self._abbreviations) + 1))
        for _, form, value in entry.attributes:
            match form, value:
                case Form.REF4, TypeRef(index):
                    self._patches.append((len(info), index))
                    info.u32(0)
                case Form.STRING, str():
                    info.text(value)
                case Form.EXPRLOC, bytes():
                    info.uleb(len(value))
                    info += value
                case Form.UDATA, int():
                    info.uleb(value)
                case Form.SDATA, int():
                    info.sleb(value)
                case ((Form.ADDR | Form.DATA4 | Form.SEC_OFFSET), int()):
                    info.u32(value)
                case Form.FLAG_PRESENT, None:
                    pass
                case _:
                    raise TypeError(f"{value!r} has no form {form!r}")

    def _abbreviation_table(self) -> bytes:
        out = Output()
        for (tag, has_children, *attributes), number in self._abbreviations.items():
            assert isinstance(tag, Tag)
            out.uleb(number)
            out.uleb(tag)
            out.u8(bool(has_children))
            for attribute in attributes:
                assert isinstance(attribute, tuple)
                name, form = attribute
                out.uleb(name)
                out.uleb(form)
            out += b"\0\0"
        out.u8(0)
        return bytes(out)


def _named(name: str) -> list[AttributeValue]:
    return [(Attribute.NAME, Form.STRING, name)] if name else []


def _typed(index: int | None) -> list[AttributeValue]:
    return [] if index is None else [(Attribute.TYPE, Form.REF4, TypeRef(index))]


def _declared(file: int, line: int) -> list[AttributeValue]:
    if not line:
        return []
    return [
        (Attribute.DECL_FILE, Form.UDATA, file + 1),
        (Attribute.DECL_LINE, Form.UDATA, line),
    ]


def _member(member: Member) -> _Entry:
    place: list[AttributeValue]
    if member.bit_size is None:
        place = [(Attribute.DATA_MEMBER_LOCATION, Form.UDATA, member.offset)]
    else:
        place = [
            (Attribute.BIT_SIZE, Form.UDATA, member.bit_size),
            (Attribute.DATA_BIT_OFFSET, Form.UDATA, member.bit_offset or 0),
        ]
    return _Entry(Tag.MEMBER, [*_named(member.name), *_typed(member.type), *place])


Block: TypeAlias = tuple[int, int] | None


def _blocks(variables: Sequence[Variable]) -> Iterable[tuple[Block, list[Variable]]]:
    """Variables by their blocks, in their order; neighbours of one block together."""
    groups: list[tuple[Block, list[Variable]]] = []
    for variable in variables:
        if groups and groups[-1][0] == variable.scope:
            groups[-1][1].append(variable)
        else:
            groups.append((variable.scope, [variable]))
    return groups


def expression_of(place: Place) -> bytes:
    """The location expression of a place."""
    out = Output()
    match place.kind:
        case PlaceKind.REGISTER:
            if place.second is not None:
                # The high word comes first in memory, so it does here.
                out.u8(Operation.REG0 + place.second)
                out += bytes((Operation.PIECE, ADDRESS_BYTES))
            out.u8(Operation.REG0 + place.value)
            if place.second is not None:
                out += bytes((Operation.PIECE, ADDRESS_BYTES))
        case PlaceKind.FRAME:
            out.u8(Operation.FBREG)
            out.sleb(place.value)
        case PlaceKind.STATIC:
            out.u8(Operation.ADDR)
            out.u32(place.value)
        case PlaceKind.CONSTANT:
            out.u8(Operation.CONSTS)
            out.sleb(place.value)
            out.u8(Operation.STACK_VALUE)
    return bytes(out)


def _frame_base(frame: Frame) -> bytes:
    out = Output()
    out.u8(Operation.BREG0 + frame.register)
    out.sleb(frame.offset)
    return bytes(out)
