"""Rules, and the instruction set that they make (section 5 of the specification)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from .diagnostics import nearest
from .expressions import Node
from .instruction_set import MatchError
from .language import PLAIN, Language
from .limits import INTEGER_BITS
from .matcher import Explanation, Matcher
from .matches import Match
from .problems import Log, Origin, Problem, note
from .source import Span
from .statements import Parameter, RuleDefinition, RulesDefinition
from .tokens import literal_prefix
from .values import Value

_INTEGER_TYPE: Final = re.compile("([usi])([0-9]+)")
_PREFIX: Final = 4
_CACHED: Final = 100_000
"""Texts whose matches are remembered."""


class RuleParameter:
    """A parameter: its type as a letter and a width in bits (None: no type), or its rules; and the
    character that may limit its argument."""

    __slots__ = ("letter", "name", "rules", "stop", "type_text", "width")

    def __init__(self, name: str) -> None:
        self.name = name
        self.letter = ""
        self.width = 0
        self.rules: RuleGroup | None = None
        self.stop: str | None = None
        self.type_text = ""


Part = str | None | RuleParameter
"""Of a compiled pattern: literal characters, None for a space, or a parameter."""


class Rule:
    """A rule, ready to match. `number` is its place in its group, `literals` how many literal
    characters its pattern has."""

    __slots__ = (
        "body", "group", "known", "literals", "number", "only_literal", "order", "origin",
        "parameters", "parts", "prefix", "span",
    )  # fmt: skip

    def __init__(self, group: RuleGroup, number: int, definition: RuleDefinition) -> None:
        self.group = group
        self.number = number
        self.order = 0
        self.span: Span = definition.span
        self.body: Node = definition.body
        self.origin: Origin = definition.origin
        self.parts: tuple[Part, ...] = ()
        self.parameters: tuple[RuleParameter, ...] = ()
        self.only_literal = ""
        """The pattern, if it is literal characters alone."""
        self.known: dict[tuple[Rule, ...], Value] = {}
        """Values for nested rules without arguments of their own, where nothing else counts."""
        self.literals = sum(isinstance(part, str) for part in definition.parts)
        first = next(
            (index for index, part in enumerate(definition.parts) if not isinstance(part, str)),
            len(definition.parts),
        )
        self.prefix = "".join(map(str, definition.parts[: min(first, _PREFIX)]))

    def within(self, problem: Problem) -> Problem:
        """The note that says in which rule a problem is."""
        return note(self.span, f"within `{self.group.name}`, rule {self.number}", problem)

    @property
    def text(self) -> str:
        """The pattern as written."""
        return self.span.text


class RuleGroup:
    """The rules of one `#ruledef` or `#subruledef`."""

    def __init__(self, definition: RulesDefinition, name: str) -> None:
        self.name = name
        self.is_sub = definition.is_sub
        self.rules = [Rule(self, number, rule) for number, rule in enumerate(definition.rules)]
        self.window = 1
        """Characters of a text by which rules are chosen."""
        self.has_spaces = False
        """Whether a pattern of the group, or of one nested in it, has a space."""
        self._by_window: dict[str, list[Rule]] = {}

    def index(self) -> None:
        """Prepare to choose rules, when all are compiled."""
        runs = [rule.parts[0] for rule in self.rules if rule.parts]
        self.window = max((len(run) for run in runs if isinstance(run, str)), default=1)
        reached = {self: None}
        for group in reached_groups(reached):
            self.has_spaces |= any(None in rule.parts for rule in group.rules)

    def starting_with(self, window: str) -> list[Rule]:
        """The rules that can match a text that starts with these characters (lower case, as many
        as `window` says where there are so many)."""
        found = self._by_window.get(window)
        if found is None:
            # Ignorable text may stand between the characters of a pattern.
            length = next(
                (index for index, char in enumerate(window) if char in " \t\r\n;"), len(window)
            )
            start = window[:length]
            found = [
                rule
                for rule in self.rules
                if not rule.parts
                or not isinstance(rule.parts[0], str)
                or (window and (start.startswith(rule.parts[0]) or _goes_on(rule, start, window)))
            ]
            if len(self._by_window) < _CACHED:
                self._by_window[window] = found
        return found


def _goes_on(rule: Rule, start: str, window: str) -> bool:
    """Whether a rule's literal characters may go on after ignorable text."""
    return start != window and str(rule.parts[0]).startswith(start)


def reached_groups(reached: dict[RuleGroup, None]) -> Iterable[RuleGroup]:
    """Groups and all that are nested in them; `reached` has those to start from."""
    pending = list(reached)
    while pending:
        group = pending.pop()
        yield group
        for rule in group.rules:
            for parameter in rule.parameters:
                if parameter.rules is not None and parameter.rules not in reached:
                    reached[parameter.rules] = None
                    pending.append(parameter.rules)


class RuleSet:
    """The instruction set that the rules of a program make."""

    def __init__(self, groups: Sequence[RuleGroup], language: Language = PLAIN) -> None:
        self.groups = groups
        self._language = language
        self._by_prefix: dict[str, list[Rule]] = {}
        order = 0
        for group in groups:
            if group.is_sub:
                continue
            for rule in group.rules:
                rule.order = order
                order += 1
                self._by_prefix.setdefault(rule.prefix, []).append(rule)
        self._cache: dict[str, list[Match]] = {}

    def candidates(self, text: str) -> Iterable[Rule]:
        """The rules whose literal prefix starts the text."""
        prefix = literal_prefix(text, self._language)
        for length in range(len(prefix) + 1):
            yield from self._by_prefix.get(prefix[:length], ())

    def match(self, text: str) -> list[Match]:
        """The matches of an instruction with the most literal characters."""
        found = self._cache.get(text)
        if found is None:
            try:
                found = Matcher(text, self._language).instruction(self.candidates(text))
            except RecursionError:
                raise MatchError("the instruction is nested too deeply for its rules") from None
            if len(self._cache) < _CACHED:
                self._cache[text] = found
        return found

    def explain(self, text: str) -> str:
        """Why no rule fits: the nearest one and where it stopped, then the others."""
        explanation = Explanation(text)
        try:
            Matcher(text, self._language, explanation).instruction(self.candidates(text))
        except (MatchError, RecursionError):
            return ""
        hint = explanation.hint()
        if hint:
            return hint
        word = re.match(r"[A-Za-z_0-9.]*", text)
        name = word.group() if word else ""
        known = {rule.text.split()[0] for rule in self.rules() if rule.text.split()}
        found = nearest(name, known) if name else None
        return f"did you mean `{found}`?" if found else ""

    def rules(self) -> Iterable[Rule]:
        """The rules of all `#ruledef`s."""
        return (rule for group in self.groups if not group.is_sub for rule in group.rules)


def compile_rules(
    definitions: Sequence[tuple[RulesDefinition, str]], log: Log, language: Language = PLAIN
) -> RuleSet:
    """The instruction set of all rules; errors in their types go to the log."""
    groups = {name: RuleGroup(definition, name) for definition, name in definitions}
    for definition, name in definitions:
        for rule, written in zip(groups[name].rules, definition.rules, strict=True):
            _compile(rule, written, groups, log)
    for group in groups.values():
        group.index()
    return RuleSet(list(groups.values()), language)


def _compile(
    rule: Rule, definition: RuleDefinition, groups: dict[str, RuleGroup], log: Log
) -> None:
    parts: list[Part] = []
    for index, part in enumerate(definition.parts):
        if isinstance(part, Parameter):
            parts.append(_parameter(part, definition, index, groups, log))
        elif isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    rule.parts = tuple(parts)
    if len(parts) == 1 and isinstance(parts[0], str):
        rule.only_literal = parts[0]
    rule.parameters = tuple(part for part in parts if isinstance(part, RuleParameter))


def _parameter(
    part: Parameter,
    definition: RuleDefinition,
    index: int,
    groups: dict[str, RuleGroup],
    log: Log,
) -> RuleParameter:
    made = RuleParameter(part.name)
    following = next((each for each in definition.parts[index + 1 :] if each is not None), None)
    made.stop = following if isinstance(following, str) else None
    if part.type_name is None:
        return made
    made.type_text = part.type_name
    integer = _INTEGER_TYPE.fullmatch(part.type_name)
    span = definition.origin.span(*part.type_place)
    if integer:
        made.letter = integer.group(1)
        digits = integer.group(2)
        made.width = int(digits) if len(digits) < 12 else INTEGER_BITS + 1
        if made.width > INTEGER_BITS:
            log.stop(Problem(span, "value is out of supported range"))
    else:
        made.rules = groups.get(part.type_name)
        if made.rules is None:
            found = nearest(part.type_name, groups)
            hint = f"did you mean `{found}`?" if found else ""
            log.stop(Problem(span, f"unknown ruledef `{part.type_name}`", hint=hint))
    return made
