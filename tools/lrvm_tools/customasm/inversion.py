"""Rules read backwards: from the bits that a body gives to the arguments it was given.

A body is evaluated with symbols in place of arguments. What comes out is a row of bits, each a
constant or a bit of an argument; where that fails (conditions, products, `asm` blocks) the rule
cannot be inverted. Whoever uses the result assembles it again: assertions and ranges are not
looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final, NamedTuple

from .builtins import BuiltIn
from .expressions import (
    ADDRESS_NAMES,
    Assignment,
    Block,
    Call,
    Chain,
    Literal,
    Name,
    Node,
    Prefix,
    Slice,
)
from .rules import Rule, RuleGroup, RuleParameter
from .statements import FunctionDefinition
from .symbols import SymbolTable
from .values import Sized, Text

_DEPTH: Final = 25
_WIDTHS: Final = 64
"""Combinations of sizes of nested rules that are looked at."""

_ALTERNATIVES: Final = 16
"""Ways to read the same bits that are handed on."""


class Linear(NamedTuple):
    """An argument plus a constant plus a multiple of the current address; a constant if `name`
    is empty."""

    name: str
    constant: int
    address: int


class ArgumentBit(NamedTuple):
    """A bit of a linear value; places count from the lowest."""

    value: Linear
    place: int


Bit = int | ArgumentBit
Row = tuple[Bit, ...]
"""Bits, the highest first."""

Symbolic = Row | Linear


class _NotInvertibleError(Exception):
    pass


class Template:
    """The bits that a rule gives, for certain sizes of the rules nested in it."""

    def __init__(self, rule: Rule, row: Row, sizes: Mapping[str, int]) -> None:
        self.rule = rule
        self.size = len(row)
        self.sizes = sizes
        self.mask = self.value = 0
        self.bits: dict[Linear, list[tuple[int, int]]] = {}
        """For each linear value rows (its bit, the bit of the encoding)."""
        for place, bit in zip(range(len(row) - 1, -1, -1), row, strict=True):
            if isinstance(bit, ArgumentBit):
                self.bits.setdefault(bit.value, []).append((bit.place, place))
            else:
                self.mask |= 1 << place
                self.value |= bit << place

    def arguments(self, encoding: int, address: int) -> Iterator[dict[str, int]]:
        """The numbers that the arguments may have been, by the names of the parameters."""
        if encoding & self.mask != self.value:
            return
        choices: list[list[tuple[str, int]]] = []
        for linear, places in self.bits.items():
            number = 0
            for index, place in places:
                bit = encoding >> place & 1
                if number >> index & 1 and not bit:
                    return
                number |= bit << index
            width = max(index for index, _ in places) + 1
            offset = linear.constant + linear.address * address
            found = [number - offset]
            if number >> (width - 1):
                found.append(number - (1 << width) - offset)
            if linear.address:
                # Distances are mostly signed.
                found.reverse()
            choices.append([(linear.name, each) for each in found])
        for chosen in product(*choices):
            numbers: dict[str, int] = {}
            if all(numbers.setdefault(name, number) == number for name, number in chosen):
                yield numbers


class Inverter:
    """Reads encodings backwards by the rules of a program."""

    def __init__(self, symbols: SymbolTable) -> None:
        self._symbols = symbols
        self._templates: dict[Rule, list[Template]] = {}
        self._sizes: dict[RuleGroup, tuple[int, ...]] = {}

    def templates(self, rule: Rule) -> list[Template]:
        """What a rule's encodings look like; nothing if it cannot be inverted."""
        if rule not in self._templates:
            # Rules that lead back to themselves cannot be inverted: they find nothing here.
            self._templates[rule] = []
            self._templates[rule] = list(self._inverted(rule))
        return self._templates[rule]

    def texts(self, template: Template, encoding: int, address: int) -> Iterator[str]:
        """The instructions that a template's rule may have encoded so."""
        rule = template.rule
        for numbers in template.arguments(encoding, address):
            written: list[list[str]] = []
            for parameter in rule.parameters:
                number = numbers.get(parameter.name, 0)
                if parameter.rules is None:
                    written.append([_shown(parameter, number)])
                else:
                    size = template.sizes[parameter.name]
                    nested = number & ((1 << size) - 1)
                    written.append(self._nested(parameter.rules, nested, size, address))
            for texts in product(*written):
                yield _filled(rule, texts)

    def _nested(self, group: RuleGroup, value: int, size: int, address: int) -> list[str]:
        found: list[str] = []
        for rule in group.rules:
            for template in self.templates(rule):
                if template.size == size:
                    found.extend(self.texts(template, value, address))
            if len(found) >= _ALTERNATIVES:
                break
        return found[:_ALTERNATIVES]

    def _inverted(self, rule: Rule) -> Iterator[Template]:
        nested = [parameter for parameter in rule.parameters if parameter.rules is not None]
        widths = [self._sizes_of(parameter.rules) for parameter in nested if parameter.rules]
        for number, sizes in enumerate(product(*widths)):
            if number >= _WIDTHS:
                return
            known = {parameter.name: size for parameter, size in zip(nested, sizes, strict=True)}
            names: dict[str, Symbolic] = {}
            for parameter in rule.parameters:
                argument = Linear(parameter.name, 0, 0)
                width = known.get(parameter.name, parameter.width if parameter.letter else None)
                names[parameter.name] = argument if width is None else _bits(argument, width - 1, 0)
            try:
                row = self._evaluate(rule.body, names, 0)
            except _NotInvertibleError:
                continue
            if not isinstance(row, Linear):
                yield Template(rule, row, known)

    def _sizes_of(self, group: RuleGroup) -> tuple[int, ...]:
        if group not in self._sizes:
            self._sizes[group] = ()
            sizes = {template.size for rule in group.rules for template in self.templates(rule)}
            self._sizes[group] = tuple(sorted(sizes))
        return self._sizes[group]

    def _evaluate(self, node: Node, names: dict[str, Symbolic], depth: int) -> Symbolic:
        """The symbolic value of an expression. Raises _NotInvertibleError."""
        if depth > _DEPTH:
            raise _NotInvertibleError
        if isinstance(node, Literal):
            return _constant(node.value)
        if isinstance(node, Name):
            return self._name(node, names)
        if isinstance(node, Chain):
            return self._chain(node, names, depth)
        if isinstance(node, Slice):
            return self._slice(node, names, depth)
        if isinstance(node, Block):
            return self._block(node, names, depth)
        if isinstance(node, Call):
            return self._call(node, names, depth)
        if isinstance(node, Prefix):
            value = _linear(self._evaluate(node.operand, names, depth))
            if not value.name and not value.address:
                number = -value.constant if node.operator == "-" else ~value.constant
                return Linear("", number, 0)
        raise _NotInvertibleError

    def _name(self, node: Name, names: dict[str, Symbolic]) -> Symbolic:
        if node.plain in names:
            return names[node.plain]
        if node.level == 0 and node.parts[0] in ADDRESS_NAMES:
            return Linear("", 0, 1)
        symbol = self._symbols.find(node, None)
        if symbol is None or not symbol.is_static:
            raise _NotInvertibleError
        return _constant(symbol.value)

    def _chain(self, node: Chain, names: dict[str, Symbolic], depth: int) -> Symbolic:
        value = self._evaluate(node.first, names, depth)
        for operator, _, operand in node.rest:
            right = self._evaluate(operand, names, depth)
            if operator == "@":
                if isinstance(value, Linear) or isinstance(right, Linear):
                    raise _NotInvertibleError
                value = value + right
            elif operator in "+-":
                value = _sum(_linear(value), _linear(right), -1 if operator == "-" else 1)
            else:
                raise _NotInvertibleError
        return value

    def _slice(self, node: Slice, names: dict[str, Symbolic], depth: int) -> Symbolic:
        value = self._evaluate(node.operand, names, depth)
        high = _number(self._evaluate(node.high, names, depth))
        if node.low is None:
            high, low = high - 1, 0
        else:
            low = _number(self._evaluate(node.low, names, depth))
        if not -1 <= high - low <= 4096 or low < 0:
            raise _NotInvertibleError
        return _bits(value, high, low)

    def _block(self, node: Block, names: dict[str, Symbolic], depth: int) -> Symbolic:
        inner = dict(names)
        value: Symbolic | None = None
        for part in node.parts:
            if isinstance(part, Assignment) and isinstance(part.target, Name):
                if part.target.plain is not None:
                    inner[part.target.plain] = self._evaluate(part.value, inner, depth + 1)
                value = None
            elif _is_assertion(part):
                value = None
            else:
                value = self._evaluate(part, inner, depth + 1)
        if value is None:
            raise _NotInvertibleError
        return value

    def _call(self, node: Call, names: dict[str, Symbolic], depth: int) -> Symbolic:
        arguments = [self._evaluate(each, names, depth + 1) for each in node.arguments]
        function: object = None
        if isinstance(node.function, Literal):
            function = node.function.value
        elif isinstance(node.function, Name):
            symbol = self._symbols.find(node.function, None)
            function = None if symbol is None else symbol.value
        if isinstance(function, FunctionDefinition):
            if len(arguments) != len(function.parameters):
                raise _NotInvertibleError
            inner = dict(zip(function.parameters, arguments, strict=True))
            return self._evaluate(function.body, inner, depth + 1)
        if isinstance(function, BuiltIn) and function.name == "le" and len(arguments) == 1:
            row = arguments[0]
            if isinstance(row, Linear) or len(row) % 8:
                raise _NotInvertibleError
            parts = [row[start : start + 8] for start in range(0, len(row), 8)]
            return tuple(bit for part in reversed(parts) for bit in part)
        raise _NotInvertibleError


def _is_assertion(node: Node) -> bool:
    return (
        isinstance(node, Call)
        and isinstance(node.function, Literal)
        and isinstance(node.function.value, BuiltIn)
        and node.function.value.name == "assert"
    )


def _constant(value: object) -> Symbolic:
    if isinstance(value, Text):
        value = value.sized()
    if isinstance(value, Sized):
        return tuple(value.value >> place & 1 for place in range(value.size - 1, -1, -1))
    if type(value) is int:
        return Linear("", value, 0)
    raise _NotInvertibleError


def _linear(value: Symbolic) -> Linear:
    """A row of bits as a number, if it is a whole argument or a constant."""
    if isinstance(value, Linear):
        return value
    if all(isinstance(bit, int) for bit in value):
        number = 0
        for bit in value:
            number = number << 1 | int(bit)  # type: ignore[arg-type]
        return Linear("", number, 0)
    first = value[0]
    if isinstance(first, ArgumentBit) and value == _bits(first.value, len(value) - 1, 0):
        return first.value
    raise _NotInvertibleError


def _sum(left: Linear, right: Linear, sign: int) -> Linear:
    if (left.name and right.name) or (right.name and sign < 0):
        raise _NotInvertibleError
    return Linear(
        left.name or right.name,
        left.constant + sign * right.constant,
        left.address + sign * right.address,
    )


def _number(value: Symbolic) -> int:
    linear = _linear(value)
    if linear.name or linear.address:
        raise _NotInvertibleError
    return linear.constant


def _bits(value: Symbolic, high: int, low: int) -> Row:
    """The bits of a value from `high` down to `low`."""
    places = range(high, low - 1, -1)
    if isinstance(value, Linear):
        if not value.name and not value.address:
            return tuple(value.constant >> place & 1 for place in places)
        return tuple(ArgumentBit(value, place) for place in places)
    size = len(value)
    return tuple(value[size - 1 - place] if place < size else 0 for place in places)


def _shown(parameter: RuleParameter, number: int) -> str:
    if parameter.letter == "u" and number < 0:
        number &= (1 << parameter.width) - 1
    return f"-0x{-number:x}" if number < 0 else f"0x{number:x}"


def _filled(rule: Rule, texts: tuple[str, ...]) -> str:
    """A rule's pattern as it is written, arguments in place of parameters."""
    pattern = rule.text
    parts = []
    for text in texts:
        before, _, rest = pattern.partition("{")
        _, _, pattern = rest.partition("}")
        parts.append(before)
        parts.append(text)
    # An argument that may be empty may leave a space.
    return "".join((*parts, pattern)).strip()
