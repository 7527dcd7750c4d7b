"""Variables of C programs, as far as the compiler has kept them: where they are, and their values.

`print` takes a name with what may follow it in C: `p.x`, `values[2]`, `node->next`, `*pointer`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lrvm_jit.debug import DebugError, Debugger, ExpressionError

from ..executable.debug_info import (
    ArrayType,
    BasicType,
    Encoding,
    EnumType,
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
from ..executable.source_view import SourceView

_PATH: Final = re.compile(
    r"(\**)\s*([A-Za-z_]\w*)((?:\s*(?:\.|->)\s*[A-Za-z_]\w*|\[\s*\d+\s*\])*)$"
)
_STEP: Final = re.compile(r"\s*(?:(\.|->)\s*([A-Za-z_]\w*)|\[\s*(\d+)\s*\])")
_MOST_ELEMENTS: Final = 16
_DEEPEST: Final = 4
_WORD: Final = 4


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a type: in memory from `address` on, or the bytes themselves."""

    type: int | None
    address: int | None
    data: bytes | None


class Variables:
    """The variables that a debugged C program has at the place where it stands."""

    def __init__(self, debugger: Debugger, view: SourceView) -> None:
        self._debugger = debugger
        self._view = view
        self._types = view.executable.types

    def locals(self) -> list[tuple[Variable, str]]:
        """Parameters and local variables here, with their values as text."""
        function = self._function()
        if function is None:
            return []
        pc = self._debugger.pc
        found: dict[str, Variable] = {}
        for variable in function.variables:
            if variable.scope is None or variable.scope[0] <= pc < variable.scope[1]:
                found[variable.name] = variable  # an inner block's hides the outer one's
        return [(variable, self._text(variable, function)) for variable in found.values()]

    def knows(self, text: str) -> bool:
        """Whether a text is a path that begins with a variable known here, or with one of another
        function and nothing else of that name."""
        match = _PATH.match(text.strip())
        if match is None:
            return False
        name = match[2]
        if self._find(name) is not None:
            return True
        symbols = self._debugger.program.symbols
        return bool(self._functions_with(name)) and name not in symbols

    def _functions_with(self, name: str) -> list[str]:
        functions = self._view.executable.functions
        return [f.name for f in functions if any(v.name == name for v in f.variables)]

    def evaluate(self, text: str) -> str:
        """The value of a path such as `p.x`, as text. DebugError says why there is none."""
        return self._shown(self._resolved(text), 0)

    def number(self, text: str) -> int:
        """The value of a path that is a whole number or a pointer. ExpressionError."""
        try:
            value = self._resolved(text)
            kind = self._bare(value.type)
            number = self._number(value)
        except DebugError as error:
            raise ExpressionError(str(error)) from None
        if isinstance(kind, ArrayType | RecordType) or (
            isinstance(kind, BasicType) and kind.encoding is Encoding.FLOAT
        ):
            raise ExpressionError(f"{text} is no whole number")
        signed = (Encoding.SIGNED, Encoding.SIGNED_CHAR)
        if isinstance(kind, BasicType) and kind.encoding in signed and number >> 8 * kind.size - 1:
            number -= 1 << 8 * kind.size
        return number

    def extent(self, text: str) -> tuple[int, int]:
        """The address of a path, and the words that it has. DebugError if it is in no memory."""
        value = self._resolved(text)
        if value.address is None:
            raise DebugError(f"{text.strip()} is in no memory: the compiler keeps it in a register")
        first = value.address & ~3
        end = value.address + max(self._size(value.type), 1)
        return value.address, (end - first + 3) // 4

    def _resolved(self, text: str) -> Value:
        match = _PATH.match(text.strip())
        found = None if match is None else self._find(match[2])
        if match is None or found is None:
            others = [] if match is None else self._functions_with(match[2])
            where = f"; there is one in {', '.join(others[:3])}" if others else ""
            raise DebugError(f"{text!r} is no variable here{where}")
        variable, function = found
        value = self._value(variable, function)
        at = 0
        while (step := _STEP.match(match[3], at)) is not None:
            value = self._step(value, step)
            at = step.end()
        for _ in match[1]:
            value = self._pointed(value)
        return value

    def _function(self) -> Function | None:
        return self._view.function_of(self._debugger.pc)

    def _find(self, name: str) -> tuple[Variable, Function | None] | None:
        function = self._function()
        if function is not None:
            for variable, _ in reversed(self._visible(function)):
                if variable.name == name:
                    return variable, function
        for variable in self._view.executable.globals:
            if variable.name == name:
                return variable, None
        return None

    def _visible(self, function: Function) -> list[tuple[Variable, Function]]:
        pc = self._debugger.pc
        return [
            (variable, function)
            for variable in function.variables
            if variable.scope is None or variable.scope[0] <= pc < variable.scope[1]
        ]

    # --- places ----------------------------------------------------------------------------------

    def _text(self, variable: Variable, function: Function) -> str:
        try:
            return self._shown(self._value(variable, function), 0)
        except DebugError as error:
            return f"<{error}>"

    def _value(self, variable: Variable, function: Function | None) -> Value:
        pc = self._debugger.pc
        for place in variable.places:
            if place.low is None or place.high is None or place.low <= pc < place.high:
                return self._at(place, variable.type, function)
        why = "optimised away" if not variable.places else "has no value here"
        raise DebugError(f"{variable.name} is {why}" if not variable.places else why)

    def _at(self, place: Place, kind: int | None, function: Function | None) -> Value:
        regs = self._debugger.board.cpu.regs
        match place.kind:
            case PlaceKind.REGISTER:
                codes = [place.value] if place.second is None else [place.second, place.value]
                data = b"".join(int(regs[code]).to_bytes(_WORD, "big") for code in codes)
                return Value(kind, None, data)
            case PlaceKind.CONSTANT:
                size = max(self._size(kind), 1)
                return Value(kind, None, (place.value % (1 << 8 * size)).to_bytes(size, "big"))
            case PlaceKind.STATIC:
                return Value(kind, place.value, None)
        frame = None if function is None else function.frame
        if function is None or frame is None:
            raise DebugError("the function's frame is not known")
        first, last = frame.body or (function.address, function.end)
        if not first <= self._debugger.pc < last:
            raise DebugError("the frame is not there yet, or no more")
        return Value(kind, int(regs[frame.register]) + frame.offset + place.value, None)

    # --- types -----------------------------------------------------------------------------------

    def _bare(self, kind: int | None) -> Type | None:
        """A type without typedefs and qualifiers; None is void."""
        for _ in range(100):
            if kind is None:
                return None
            found = self._types[kind]
            if not isinstance(found, NamedType | QualifiedType):
                return found
            kind = found.target
        raise DebugError("a type refers to itself")

    def _size(self, kind: int | None) -> int:
        match self._bare(kind):
            case BasicType(size=size) | RecordType(size=size) | EnumType(size=size):
                return size
            case ArrayType(element=element, count=count):
                return self._size(element) * (count or 0)
            case None:
                return 0
        return _WORD

    def _bytes(self, value: Value, size: int) -> bytes:
        """The first bytes of a value. Memory is big-endian, and is not asked for, but looked at."""
        if value.data is not None:
            return value.data[-size:] if len(value.data) > size else value.data
        assert value.address is not None
        first = value.address & ~3
        words = range(first, value.address + size, _WORD)
        data = b"".join(
            self._debugger.word(at & 0xFFFF_FFFF).to_bytes(_WORD, "big") for at in words
        )
        return data[value.address - first :][:size]

    def _number(self, value: Value) -> int:
        return int.from_bytes(self._bytes(value, self._size(value.type)), "big")

    def _pointed(self, value: Value) -> Value:
        kind = self._bare(value.type)
        if isinstance(kind, ArrayType):
            return Value(kind.element, value.address, value.data)
        if not isinstance(kind, PointerType):
            raise DebugError("only a pointer can be followed")
        return Value(kind.target, self._number(value), None)

    def _step(self, value: Value, step: re.Match[str]) -> Value:
        if step[3] is not None:
            element = self._pointed(value)
            if element.address is None:
                raise DebugError("the elements are in no memory")
            size = self._size(element.type)
            return Value(element.type, element.address + int(step[3]) * size, None)
        if step[1] == "->":
            value = self._pointed(value)
        record = self._bare(value.type)
        if not isinstance(record, RecordType):
            raise DebugError(f"what is before .{step[2]} is no struct or union")
        for member in record.members:
            if member.name == step[2]:
                return self._member(value, member)
        names = ", ".join(member.name for member in record.members)
        raise DebugError(f"there is no member {step[2]!r}; there are {names}")

    def _member(self, value: Value, member: Member) -> Value:
        if member.bit_size is not None and member.bit_offset is not None:
            first = member.bit_offset // 8
            last = (member.bit_offset + member.bit_size + 7) // 8
            raw = int.from_bytes(self._bytes(value, last)[first:], "big")
            raw >>= 8 * last - member.bit_offset - member.bit_size
            size = max(self._size(member.type), 1)
            raw &= (1 << member.bit_size) - 1
            kind = self._bare(member.type)
            signed = isinstance(kind, BasicType) and kind.encoding is Encoding.SIGNED
            if signed and raw >> (member.bit_size - 1):
                raw -= 1 << member.bit_size
            return Value(member.type, None, (raw % (1 << 8 * size)).to_bytes(size, "big"))
        if value.address is not None:
            return Value(member.type, value.address + member.offset, None)
        data = (value.data or b"")[member.offset :][: self._size(member.type)]
        return Value(member.type, None, data)

    # --- values as text --------------------------------------------------------------------------

    def _shown(self, value: Value, depth: int) -> str:
        kind = self._bare(value.type)
        if depth > _DEEPEST:
            return "..."
        match kind:
            case BasicType():
                return self._basic(kind, self._bytes(value, kind.size))
            case EnumType():
                number = self._number(value)
                return next((name for name, n in kind.values if n == number), str(number))
            case PointerType():
                return f"0x{self._number(value):08X}{self._string(kind, self._number(value))}"
            case ArrayType() if value.address is not None:
                return self._array(kind, value.address, depth)
            case RecordType():
                members = (
                    f"{member.name} = {self._shown(self._member(value, member), depth + 1)}"
                    for member in kind.members
                )
                return "{" + ", ".join(members) + "}"
            case FunctionType() if value.address is not None:
                return f"function {self._debugger.program.name(value.address)}"
        return "void" if kind is None else "(no value)"

    @staticmethod
    def _basic(kind: BasicType, data: bytes) -> str:
        number = int.from_bytes(data, "big")
        match kind.encoding:
            case Encoding.FLOAT:
                import struct

                return repr(struct.unpack({4: ">f", 8: ">d"}[len(data)], data)[0])
            case Encoding.BOOLEAN:
                return "true" if number else "false"
            case Encoding.SIGNED | Encoding.SIGNED_CHAR:
                number = int.from_bytes(data, "big", signed=True)
        if kind.size == 1:
            character = chr(number & 0xFF)
            return f"{number} {character!r}" if character.isprintable() else str(number)
        return str(number)

    def _array(self, kind: ArrayType, address: int, depth: int) -> str:
        element, count = self._bare(kind.element), kind.count or 0
        if isinstance(element, BasicType) and element.size == 1:
            text = self._bytes(Value(kind.element, address, None), min(count, 200))
            return repr(text.partition(b"\0")[0].decode("utf-8", "replace"))
        size = self._size(kind.element)
        shown = [
            self._shown(Value(kind.element, address + number * size, None), depth + 1)
            for number in range(min(count, _MOST_ELEMENTS))
        ]
        return "{" + ", ".join(shown) + (", ..." if count > _MOST_ELEMENTS else "") + "}"

    def _string(self, kind: PointerType, address: int) -> str:
        """The text that a pointer to characters points to, as far as it can be looked at."""
        target = self._bare(kind.target)
        if not (isinstance(target, BasicType) and target.size == 1 and address):
            return ""
        text = bytearray()
        while len(text) < 60 and not text.endswith(b"\0"):
            word = self._debugger.peek(address + len(text) & ~3)
            if word is None:
                return ""
            text.append(word.to_bytes(_WORD, "big")[(address + len(text)) % _WORD])
        return f" {bytes(text).rstrip(bytes(1)).decode('utf-8', 'replace')!r}"


def variables_of(debugger: Debugger) -> Variables | None:
    """The variables of a C program; None for another one."""
    view = debugger.program.view
    return Variables(debugger, view) if isinstance(view, SourceView) else None
