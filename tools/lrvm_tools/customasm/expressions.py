"""Expressions: the nodes of their trees, and what they evaluate to (section 3).

A node knows where it stands as offsets from the origin of its text, so that one tree serves all
places where the same text stands. Chains (`a + b - c`) are one node, so that a tree is only as
deep as its source is nested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from . import builtins
from .builtins import Argument, BuiltIn
from .context import MISSING, UNKNOWN, Context
from .limits import CALL_DEPTH, INTEGER_BITS
from .operators import BINARY, OUT_OF_RANGE, OperandError, bits, concatenate, invert, negate
from .problems import FailedValueError, Problem, UnknownValueError, note
from .statements import FunctionDefinition
from .values import Sized, Struct, Text, Value, size_of, sized_of

Sizes = Mapping[str, "int | None"]
"""Sizes in bits of names that are known before anything is evaluated."""

IsStatic = Callable[["Name"], bool]
"""Whether a name has a value that no pass can change."""

ADDRESS_NAMES: Final = ("$", "pc")


class Node:
    """An expression from offset `start` up to `end` of its text."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end

    def evaluate(self, context: Context) -> Value:
        """The value. Raises Problem, UnknownValueError or FailedValueError."""
        raise NotImplementedError

    def static_size(self, sizes: Sizes) -> int | None:
        """The size in bits, if it is known without evaluating anything (section 7)."""
        return None

    def is_static(self, names: IsStatic) -> bool:
        """Whether no pass can change the value (section 7: statically known)."""
        return False

    def last(self) -> Node:
        """The part that gives a block its value."""
        return self


class Literal(Node):
    __slots__ = ("value",)

    def __init__(self, start: int, end: int, value: Value) -> None:
        super().__init__(start, end)
        self.value = value

    def evaluate(self, context: Context) -> Value:
        return self.value

    def static_size(self, sizes: Sizes) -> int | None:
        return self.value.size if isinstance(self.value, Sized) else None

    def is_static(self, names: IsStatic) -> bool:
        return True


class Name(Node):
    """`outer.inner`, or with `level` dots before it a name seen from the latest symbol."""

    __slots__ = ("level", "parts", "plain")

    def __init__(self, start: int, end: int, level: int, parts: tuple[str, ...]) -> None:
        super().__init__(start, end)
        self.level = level
        self.parts = parts
        self.plain = parts[0] if level == 0 and len(parts) == 1 else None

    @property
    def text(self) -> str:
        return "." * self.level + ".".join(self.parts)

    def evaluate(self, context: Context) -> Value:
        plain = self.plain
        if plain is not None:
            value = context.locals.get(plain, MISSING)
            if value is not MISSING:
                if isinstance(value, FailedValueError):
                    raise FailedValueError(value.problem)
                return value  # type: ignore[return-value]
            if context.names is not None:
                found = context.names.find(plain)
                if found is UNKNOWN:
                    raise UnknownValueError
                if found is not MISSING:
                    return found  # type: ignore[return-value]
        if self.level == 0:
            if self.parts[0] in ADDRESS_NAMES:
                return context.resolver.address(self, context)
            if plain in builtins.FILE_FUNCTIONS:
                return builtins.FILE_FUNCTIONS[plain]
        return context.resolver.symbol(self, context)

    def static_size(self, sizes: Sizes) -> int | None:
        return None if self.plain is None else sizes.get(self.plain)

    def is_static(self, names: IsStatic) -> bool:
        return names(self)


class MemberName(Name):
    """A name whose last parts may name members of a struct (an extension: section 12)."""

    __slots__ = ()

    def evaluate(self, context: Context) -> Value:
        try:
            return super().evaluate(context)
        except Problem:
            for count in range(len(self.parts) - 1, 0, -1):
                outer = Name(self.start, self.end, self.level, self.parts[:count])
                try:
                    value = outer.evaluate(context)
                except Problem:
                    continue
                for part in self.parts[count:]:
                    value = member_of(value, part, self, context)
                return value
            raise


class Prefix(Node):
    __slots__ = ("operand", "operator")

    def __init__(self, start: int, operator: str, operand: Node) -> None:
        super().__init__(start, operand.end)
        self.operator = operator
        self.operand = operand

    def evaluate(self, context: Context) -> Value:
        value = self.operand.evaluate(context)
        try:
            return negate(value) if self.operator == "-" else invert(value)
        except OperandError as error:
            raise Problem(context.span(self.operand), error.text) from None


class Chain(Node):
    """Operators of one precedence, applied from left to right."""

    __slots__ = ("_joined", "first", "rest")

    def __init__(self, start: int, end: int, first: Node, rest: list[tuple[str, Node]]) -> None:
        super().__init__(start, end)
        self.first = first
        self._joined = (first, *(node for _, node in rest)) if rest[0][0] == "@" else None
        """The operands of `@`, which most bodies of rules consist of."""
        self.rest = tuple((operator, BINARY.get(operator), node) for operator, node in rest)

    def evaluate(self, context: Context) -> Value:
        if self._joined is not None:
            return self._join(self._joined, context)
        value = self.first.evaluate(context)
        for operator, compute, node in self.rest:
            if compute is None:
                self._check_boolean(value, node, context)
                if value is (operator == "||"):
                    # The operand that follows is not evaluated: the chain goes on with `value`.
                    continue
                value = node.evaluate(context)
                if type(value) is not bool:
                    raise Problem(context.span(node), "invalid argument type to operator")
                continue
            right = node.evaluate(context)
            try:
                value = compute(value, right)
            except OperandError as error:
                raise self._problem(error, node, context) from None
        return value

    def _join(self, nodes: tuple[Node, ...], context: Context) -> Value:
        number = size = 0
        for node in nodes:
            value = node.evaluate(context)
            if type(value) is Sized:
                part, width = value
            else:
                sized = sized_of(value)
                if sized is None or size > INTEGER_BITS:
                    left = Sized(number, size) if node is not self.first else Sized(0, 0)
                    try:
                        concatenate(left, value)
                    except OperandError as error:
                        raise self._problem(error, node, context) from None
                part, width = sized  # type: ignore[misc]
            number = number << width | (part & ((1 << width) - 1))
            size += width
        if size > INTEGER_BITS:
            raise Problem(context.span(self), OUT_OF_RANGE)
        return Sized(number, size)

    def _check_boolean(self, value: Value, node: Node, context: Context) -> None:
        if type(value) is not bool:
            end = self._before(node)
            span = context.origin.span(self.start, end)
            raise Problem(span, "invalid argument type to operator")

    def _before(self, node: Node) -> int:
        """The end of what stands left of an operand."""
        end = self.first.end
        for _, _, operand in self.rest:
            if operand is node:
                break
            end = operand.end
        return end

    def _problem(self, error: OperandError, node: Node, context: Context) -> Problem:
        span = context.origin.span(self.start, node.end)
        if error.side == "left":
            span = context.origin.span(self.start, self._before(node))
        elif error.side == "right":
            span = context.span(node)
        return Problem(span, error.text)

    def static_size(self, sizes: Sizes) -> int | None:
        total = self.first.static_size(sizes)
        for operator, _, node in self.rest:
            size = node.static_size(sizes)
            if operator != "@" or size is None or total is None:
                return None
            total += size
        return total

    def is_static(self, names: IsStatic) -> bool:
        return self.first.is_static(names) and all(
            node.is_static(names) for _, _, node in self.rest
        )


class Slice(Node):
    """`operand[high:low]`, or `` operand`size `` if `low` is None. As in the original, the place
    of the second kind starts at the backquote."""

    __slots__ = ("_fixed", "high", "low", "operand")

    def __init__(self, start: int, end: int, operand: Node, high: Node, low: Node | None) -> None:
        super().__init__(start, end)
        self.operand = operand
        self.high = high
        self.low = low
        self._fixed: tuple[int, int] | None = None
        """The lowest bit and the size, where they are written as numbers."""
        size = self.static_size({})
        if size is not None:
            lowest = 0 if low is None else low.value  # type: ignore[attr-defined]
            self._fixed = (lowest.value if isinstance(lowest, Sized) else lowest, size)

    def evaluate(self, context: Context) -> Value:
        value = self.operand.evaluate(context)
        if self._fixed is not None and type(value) is Sized:
            lowest, width = self._fixed
            return Sized(value[0] >> lowest & ((1 << width) - 1), width)
        high = _count(self.high, context)
        low = 0
        if self.low is None:
            size = high
        else:
            low = _count(self.low, context)
            size = high + 1 - low
            if size < 0:
                raise Problem(context.span(self), "invalid slice range")
        try:
            return bits(value, low, size)
        except OperandError as error:
            at = self.operand if error.side == "left" else self
            raise Problem(context.span(at), error.text) from None

    def static_size(self, sizes: Sizes) -> int | None:
        high = self.high.value if isinstance(self.high, Literal) else None
        if isinstance(high, bool | Text) or high is None:
            return None
        number = high.value if isinstance(high, Sized) else high
        if not isinstance(number, int):
            return None
        if self.low is None:
            return number if number <= INTEGER_BITS else None
        low = self.low.value if isinstance(self.low, Literal) else None
        lowest = low.value if isinstance(low, Sized) else low
        if type(lowest) is not int:
            return None
        size = number + 1 - lowest
        return size if 0 <= size <= INTEGER_BITS else None

    def is_static(self, names: IsStatic) -> bool:
        parts = (self.operand, self.high) if self.low is None else (
            self.operand, self.high, self.low
        )  # fmt: skip
        return all(part.is_static(names) for part in parts)


class Choice(Node):
    """`condition ? chosen : otherwise`; void if there is no `otherwise`."""

    __slots__ = ("chosen", "condition", "otherwise")

    def __init__(
        self, start: int, end: int, condition: Node, chosen: Node, otherwise: Node | None
    ) -> None:
        super().__init__(start, end)
        self.condition = condition
        self.chosen = chosen
        self.otherwise = otherwise

    def evaluate(self, context: Context) -> Value:
        condition = self.condition.evaluate(context)
        if type(condition) is not bool:
            raise Problem(context.span(self.condition), "invalid condition type")
        if condition:
            return self.chosen.evaluate(context)
        return None if self.otherwise is None else self.otherwise.evaluate(context)

    def static_size(self, sizes: Sizes) -> int | None:
        size = self.chosen.static_size(sizes)
        if self.otherwise is None or self.otherwise.static_size(sizes) != size:
            return None
        return size

    def is_static(self, names: IsStatic) -> bool:
        return (
            self.condition.is_static(names)
            and self.chosen.is_static(names)
            and (self.otherwise is None or self.otherwise.is_static(names))
        )


class Assignment(Node):
    __slots__ = ("target", "value")

    def __init__(self, target: Node, value: Node) -> None:
        super().__init__(target.start, value.end)
        self.target = target
        self.value = value

    def evaluate(self, context: Context) -> Value:
        if isinstance(self.target, Literal) and isinstance(self.target.value, BuiltIn):
            # The name of a built-in function, which nothing can hide.
            self.value.evaluate(context)
            return None
        if not isinstance(self.target, Name):
            raise Problem(context.span(self.target), "invalid assignment destination")
        if self.target.plain is None:
            raise Problem(context.span(self.target), "symbol cannot be assigned to")
        context.locals[self.target.plain] = self.value.evaluate(context)
        if context.texts:
            context.overwritten += (self.target.plain,)
        return None


class Block(Node):
    """`{ a, b }`: evaluates all, has the last one's value."""

    __slots__ = ("parts",)

    def __init__(self, start: int, end: int, parts: list[Node]) -> None:
        super().__init__(start, end)
        self.parts = tuple(parts)

    def evaluate(self, context: Context) -> Value:
        value: Value = None
        for part in self.parts:
            value = part.evaluate(context)
        return value

    def static_size(self, sizes: Sizes) -> int | None:
        return self.parts[-1].static_size(sizes) if self.parts else None

    def is_static(self, names: IsStatic) -> bool:
        return all(part.is_static(names) for part in self.parts)

    def last(self) -> Node:
        return self.parts[-1].last() if self.parts else self


class Call(Node):
    __slots__ = ("arguments", "function")

    def __init__(self, end: int, function: Node, arguments: list[Node]) -> None:
        super().__init__(function.start, end)
        self.function = function
        self.arguments = tuple(arguments)

    def evaluate(self, context: Context) -> Value:
        function = self.function.evaluate(context)
        if isinstance(function, BuiltIn):
            return self._built_in(function, context)
        if not isinstance(function, FunctionDefinition):
            raise Problem(context.span(self.function), "expression is not callable")
        if context.depth >= CALL_DEPTH:
            raise Problem(context.span(self), "recursion depth limit reached")
        context.resolver.enter(self, context)
        values = [argument.evaluate(context) for argument in self.arguments]
        parameters = function.parameters
        if len(values) != len(parameters):
            message = f"function expected {_plural(len(parameters))} (but got {len(values)})"
            raise Problem(context.span(self), message)
        inner = context.inner(function.origin, 1)
        if not function.names_own_files:
            inner.file = context.file
        inner.locals.update(zip(parameters, values, strict=True))
        try:
            return function.body.evaluate(inner)
        except Problem as problem:
            within = note(function.span, f"within function `{function.name}`", problem)
            message = "failed to resolve function call"
            raise Problem(context.span(self), message, within) from None

    def _built_in(self, function: BuiltIn, context: Context) -> Value:
        if function.of_names is not None:
            return function.of_names(self, context)
        arguments = []
        for node in self.arguments:
            value = node.evaluate(context)
            arguments.append(Argument(value, node, context))
        low, high = function.minimum, function.maximum
        if not low <= len(arguments) <= high:
            wanted = _plural(low) if low == high else f"{low} to {_plural(high)}"
            message = f"function expected {wanted} (but got {len(arguments)})"
            raise Problem(context.span(self), message)
        return function.compute(arguments, self, context)

    def _called(self) -> BuiltIn | None:
        value = self.function.value if isinstance(self.function, Literal) else None
        return value if isinstance(value, BuiltIn) else None

    def static_size(self, sizes: Sizes) -> int | None:
        called = self._called()
        if called is None or called.name not in ("le", "sizeof") or len(self.arguments) != 1:
            return None
        return self.arguments[0].static_size(sizes)

    def is_static(self, names: IsStatic) -> bool:
        called = self._called()
        if isinstance(self.function, Name) and self.function.plain in builtins.FILE_FUNCTIONS:
            return all(node.is_static(names) for node in self.arguments)
        if called is None or called.name in ("assert", "bankof"):
            return False
        return all(node.is_static(names) for node in self.arguments)


class StructNode(Node):
    """`struct { a = 1, b = 2 }` (an extension: section 12)."""

    __slots__ = ("members",)

    def __init__(self, start: int, end: int, members: list[tuple[str, Node]]) -> None:
        super().__init__(start, end)
        self.members = members

    def evaluate(self, context: Context) -> Value:
        return Struct({name: node.evaluate(context) for name, node in self.members})


class Member(Node):
    """`value.member` of a value that is no plain name (an extension: section 12)."""

    __slots__ = ("member", "operand")

    def __init__(self, end: int, operand: Node, member: str) -> None:
        super().__init__(operand.start, end)
        self.operand = operand
        self.member = member

    def evaluate(self, context: Context) -> Value:
        return member_of(self.operand.evaluate(context), self.member, self, context)


def member_of(value: Value, member: str, node: Node, context: Context) -> Value:
    """A member of a struct, or the size of a number (section 12)."""
    if isinstance(value, Struct) and member in value.members:
        return value.members[member]
    if member == "size" and size_of(value) is not None:
        return size_of(value)
    raise Problem(context.span(node), f"unknown member `{member}`")


def _count(node: Node, context: Context) -> int:
    """The value of a node that must be a number of bits. Raises as `evaluate` does."""
    value = node.evaluate(context)
    number = value.value if isinstance(value, Sized) else value
    if type(number) is not int or number < 0:
        raise Problem(context.span(node), "expected non-negative integer")
    if number > INTEGER_BITS:
        raise Problem(context.span(node), OUT_OF_RANGE)
    return number


def _plural(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}"
