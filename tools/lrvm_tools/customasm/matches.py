"""A rule with arguments: what an instruction matched, and what that evaluates to (section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .context import Context
from .expressions import IsStatic, Literal, Name, Node
from .problems import FailedValueError, Problem, note
from .tokens import skip_ignorable
from .values import Sized, Value, number_of, sized_of, smallest_size

if TYPE_CHECKING:
    from .rules import Rule, RuleParameter


class ExpressionArgument:
    """An argument that is an expression; it is written from `start` up to `end`."""

    __slots__ = ("_text", "end", "node", "start")

    def __init__(self, text: str, node: Node, start: int, end: int) -> None:
        self._text = text
        self.node = node
        self.start = start
        self.end = end

    @property
    def text(self) -> str:
        return self._text[skip_ignorable(self._text, self.start, self.end) : self.end]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ExpressionArgument)
            and self.start == other.start
            and self.end == other.end
        )

    def __hash__(self) -> int:
        return hash((self.start, self.end))

    def static_size(self, parameter: RuleParameter) -> int | None:
        return parameter.width if parameter.letter else self.node.static_size({})

    def is_static(self, names: IsStatic) -> bool:
        return self.node.is_static(names)


class NestedArgument:
    """An argument that matched a nested rule."""

    __slots__ = ("_text", "match")

    def __init__(self, text: str, match: Match) -> None:
        self._text = text
        self.match = match

    @property
    def text(self) -> str:
        match = self.match
        return self._text[skip_ignorable(self._text, match.start, match.end) : match.end]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NestedArgument) and self.match == other.match

    def __hash__(self) -> int:
        return hash(self.match)

    def static_size(self, parameter: RuleParameter) -> int | None:
        return self.match.static_size

    def is_static(self, names: IsStatic) -> bool:
        return self.match.is_static(names)


Argument = ExpressionArgument | NestedArgument


class Match:
    """A rule that matches from `start` up to `end` of an instruction's text. `literals` counts the
    literal characters of it and of all rules nested in it."""

    __slots__ = ("_independent", "_static_size", "arguments", "end", "literals", "rule", "start")

    def __init__(
        self, rule: Rule, arguments: tuple[Argument, ...], start: int, end: int, literals: int
    ) -> None:
        self.rule = rule
        self.arguments = arguments
        self.start = start
        self.end = end
        self.literals = literals
        self._static_size: int | None = -1
        self._independent: bool | None = None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Match)
            and self.rule is other.rule
            and self.end == other.end
            and self.arguments == other.arguments
        )

    def __hash__(self) -> int:
        return hash((id(self.rule), self.end))

    fixed_size = None
    """Rules are evaluated in every pass: an error in one is told in the first that meets it."""

    @property
    def static_size(self) -> int | None:
        """The size in bits, if it is known before anything is evaluated (section 7)."""
        if self._static_size == -1:
            sizes = {
                parameter.name: argument.static_size(parameter)
                for parameter, argument in zip(self.rule.parameters, self.arguments, strict=True)
            }
            self._static_size = self.rule.body.static_size(sizes)
        return self._static_size

    def is_static(self, names: IsStatic) -> bool:
        """Whether no pass can change the value (section 7)."""
        if self._independent is None:
            # Most rules are the one or the other, whatever the names in them are.
            self._independent = self._is_static(lambda name: True)
        return self._independent and self._is_static(names)

    def _is_static(self, names: IsStatic) -> bool:
        arguments = dict(
            zip((each.name for each in self.rule.parameters), self.arguments, strict=True)
        )

        def of_body(name: Name) -> bool:
            argument = None if name.plain is None else arguments.get(name.plain)
            return names(name) if argument is None else argument.is_static(names)

        return self.rule.body.is_static(of_body)

    def evaluate(self, context: Context) -> Value:
        """The value of the rule's body. Raises Problem, UnknownValueError, FailedValueError."""
        rule = self.rule
        if not self.arguments and type(rule.body) is Literal:
            return rule.body.value
        key = self._constant_key()
        if key is not None:
            if key in rule.known:
                return rule.known[key]
            resolver = context.resolver
            before, resolver.touched = resolver.touched, False
            value = self._evaluate(context)
            if not resolver.touched:
                rule.known[key] = value
            resolver.touched |= before
            return value
        return self._evaluate(context)

    def _constant_key(self) -> tuple[Rule, ...] | None:
        """The nested rules, if they are all that the value depends on."""
        key = []
        for argument in self.arguments:
            if not isinstance(argument, NestedArgument) or argument.match.arguments:
                return None
            key.append(argument.match.rule)
        return tuple(key)

    def _evaluate(self, context: Context) -> Value:
        rule = self.rule
        inner = context.inner(rule.origin, 1)
        values = inner.locals
        try:
            for parameter, argument in zip(rule.parameters, self.arguments, strict=True):
                if isinstance(argument, NestedArgument):
                    values[parameter.name] = argument.match.evaluate(context)
                else:
                    values[parameter.name] = _value(parameter, argument.node, context)
            if self.arguments:
                inner.texts = _Texts(rule, self.arguments)
            return rule.body.evaluate(inner)
        except Problem as problem:
            raise rule.within(problem) from None
        except FailedValueError as failed:
            raise FailedValueError(rule.within(failed.problem)) from None

    def checked(self, value: Value, context: Context) -> tuple[int, int]:
        """The bits of the instruction and their number. Raises Problem."""
        sized = value if type(value) is Sized else sized_of(value)
        if sized is None:
            last = self.rule.body.last()
            span = self.rule.origin.span(last.start, last.end)
            raise Problem(span, "expected integer with definite size")
        number, size = sized
        return number & ((1 << size) - 1), size

    def described(self) -> Problem:
        """The note that says which rule it is, and which ones are nested in it."""
        return self._described("match on")

    def _described(self, what: str) -> Problem:
        nested = [
            argument.match._described("nested match on")
            for argument in self.arguments
            if isinstance(argument, NestedArgument)
        ]
        rule = self.rule
        text = f"{what} `{rule.group.name}`, rule {rule.number}:"
        return note(rule.span, text, *nested)


class _Texts(Mapping[str, Argument]):
    """The arguments of a rule by the names of its parameters, made when they are asked for."""

    __slots__ = ("_arguments", "_rule")

    def __init__(self, rule: Rule, arguments: tuple[Argument, ...]) -> None:
        self._rule = rule
        self._arguments = arguments

    def __getitem__(self, name: str) -> Argument:
        for parameter, argument in zip(self._rule.parameters, self._arguments, strict=True):
            if parameter.name == name:
                return argument
        raise KeyError(name)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return (parameter.name for parameter in self._rule.parameters)

    def __len__(self) -> int:
        return len(self._arguments)


def _value(parameter: RuleParameter, node: Node, context: Context) -> Value | FailedValueError:
    """The value of an argument; one that its type cannot hold fails where it is used."""
    value = node.evaluate(context)
    if context.locals:
        context.locals = {}
    number = number_of(value)
    if number is None:
        raise Problem(context.span(node), "expected integer")
    letter, width = parameter.letter, parameter.width
    if not letter:
        return value
    if letter == "u":
        fits = number >= 0 and (number.bit_length() or 1) <= width
    elif letter == "s":
        fits = width > 0 and -(1 << (width - 1)) <= number < 1 << (width - 1)
    else:
        fits = smallest_size(number) <= width
    if not fits:
        text = f"argument out of range for type `{parameter.type_text}`"
        return FailedValueError(Problem(context.span(node), text))
    return Sized(number, width)
