"""The built-in functions (section 3 of the specification)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .problems import FailedValueError, Problem, note
from .source import Span
from .values import Sized, Struct, Text, Value, sized_of

if TYPE_CHECKING:
    from .context import Context
    from .expressions import Call, Node


class Argument:
    """An argument's value and where it is written."""

    __slots__ = ("_context", "_node", "value")

    def __init__(self, value: Value, node: Node, context: Context) -> None:
        self.value = value
        self._node = node
        self._context = context

    @property
    def span(self) -> Span:
        return self._context.span(self._node)

    def text(self) -> str:
        """The argument as a string. Raises Problem."""
        if not isinstance(self.value, Text):
            raise Problem(self.span, "expected string")
        return self.value.text

    def count(self) -> int:
        """The argument as a number of things. Raises Problem."""
        number = self.value.value if isinstance(self.value, Sized) else self.value
        if type(number) is not int or number < 0:
            raise Problem(self.span, "expected non-negative integer")
        return number


Compute = Callable[[Sequence[Argument], "Node", "Context"], Value]


@dataclass(frozen=True, slots=True, eq=False)
class BuiltIn:
    """A built-in function and how many arguments it takes. `of_names`, if given, gets the call
    unevaluated."""

    name: str
    compute: Compute
    minimum: int = 1
    maximum: int = 1
    of_names: Callable[[Call, Context], Value] | None = None


def _encoded(encoding: str) -> BuiltIn:
    def compute(arguments: Sequence[Argument], node: Node, context: Context) -> Value:
        return Text(arguments[0].text(), encoding, _is_signed(arguments[0]))

    return BuiltIn(encoding, compute)


def _is_signed(argument: Argument) -> bool:
    """Whether strings, and what is read from files, have a sign in this language."""
    return not isinstance(argument.value, Text) or argument.value.signed


def _assert(arguments: Sequence[Argument], node: Node, context: Context) -> Value:
    condition = arguments[0].value
    if type(condition) is not bool:
        raise Problem(arguments[0].span, "expected boolean")
    if not condition:
        reason = f": {arguments[1].text()}" if len(arguments) > 1 else ""
        raise FailedValueError(Problem(context.span(node), f"assertion failed{reason}"))
    return None


def _sizeof(arguments: Sequence[Argument], node: Node, context: Context) -> Value:
    value = arguments[0].value
    sized = sized_of(value)
    if sized is not None:
        return sized.size
    if type(value) is int:
        raise Problem(arguments[0].span, "value has no definite size")
    raise Problem(arguments[0].span, "expected integer-like value with definite size")


def _little_endian(arguments: Sequence[Argument], node: Node, context: Context) -> Value:
    argument = arguments[0]
    if type(argument.value) is int:
        raise Problem(argument.span, "expected integer with definite size")
    sized = argument.value
    if not _is_signed(argument):
        sized = sized_of(sized)
    if not isinstance(sized, Sized):
        raise Problem(argument.span, "expected integer")
    value, size = sized
    if size % 8:
        raise Problem(
            argument.span,
            "argument to `le` must have a size multiple of 8",
            note(argument.span, f"got size {size}"),
        )
    data = (value & ((1 << size) - 1)).to_bytes(size // 8, "little")
    return Sized(int.from_bytes(data, "big"), size)


def _strlen(arguments: Sequence[Argument], node: Node, context: Context) -> Value:
    return len(arguments[0].text().encode())


def _incbin(arguments: Sequence[Argument], node: Node, context: Context) -> Value:
    data = _read(arguments[0], context)
    part = data[_range("incbin", arguments, len(data))]
    number = int.from_bytes(part, "big", signed=_is_signed(arguments[0]))
    return Sized(number, 8 * len(part))


def _digits_of_file(name: str, radix: int, bits: int) -> BuiltIn:
    """A function for a file of digits, each worth `bits` bits."""
    allowed = frozenset(b"01" if radix == 2 else b"0123456789abcdefABCDEF")

    def compute(arguments: Sequence[Argument], node: Node, context: Context) -> Value:
        data = _read(arguments[0], context)
        digits = b"".join(data.replace(b"_", b"").split())
        if not allowed.issuperset(digits):
            raise Problem(context.span(node), "invalid character in file contents")
        part = digits[_range(name, arguments, len(digits))]
        return Sized(int(part or b"0", radix), bits * len(part))

    return BuiltIn(name, compute, 1, 3)


def _read(argument: Argument, context: Context) -> bytes:
    name = argument.text()
    # The same name leads elsewhere from another file.
    context.resolver.touched = True
    return context.resolver.files.read(name, context.file, argument.span)


def _range(name: str, arguments: Sequence[Argument], length: int) -> slice:
    """The part of a file that the arguments (file, start, count) ask for."""
    if len(arguments) == 1:
        return slice(0, length)
    start = arguments[1].count()
    if start >= length:
        message = f"`{name}` range starts after EOF ({start} >= {length})"
        raise Problem(arguments[1].span, message)
    if len(arguments) == 2:
        return slice(start, length)
    count = arguments[2].count()
    if start + count > length:
        message = f"`{name}` range ends after EOF ({start} + {count} > {length})"
        raise Problem(arguments[2].span, message)
    return slice(start, start + count)


def _bank_of(call: Call, context: Context) -> Value:
    """`bankof(label)`: what the bank of a label, or of `$`, is like."""
    from .expressions import Name

    if len(call.arguments) != 1 or not isinstance(call.arguments[0], Name):
        raise Problem(context.span(call), "`bankof` takes a label or `$`")
    bank = context.resolver.bank_of(call, call.arguments[0], context)
    size = bank.size
    return Struct(
        {
            "bits": bank.bits,
            "addr": bank.address,
            "size": size,
            "size_b": None if size is None else size * bank.bits,
            "outp": bank.output,
            "data": bank.data,
        }
    )


def _unused(arguments: Sequence[Argument], node: Node, context: Context) -> Value:
    raise AssertionError("the function gets its call unevaluated")


BUILT_INS: Final[dict[str, BuiltIn]] = {
    function.name: function
    for function in (
        BuiltIn("assert", _assert, 1, 2),
        BuiltIn("sizeof", _sizeof),
        BuiltIn("le", _little_endian),
        BuiltIn("strlen", _strlen),
        _encoded("ascii"),
        _encoded("utf8"),
        _encoded("utf16be"),
        _encoded("utf16le"),
        _encoded("utf32be"),
        _encoded("utf32le"),
    )
}
"""Functions whose names nothing can hide."""

FILE_FUNCTIONS: Final[dict[str, BuiltIn]] = {
    function.name: function
    for function in (
        BuiltIn("incbin", _incbin, 1, 3),
        _digits_of_file("incbinstr", 2, 1),
        _digits_of_file("inchexstr", 16, 4),
    )
}
"""Functions that read files; local names may hide theirs."""

BANK_OF: Final = BuiltIn("bankof", _unused, 1, 1, _bank_of)
