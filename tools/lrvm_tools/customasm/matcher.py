"""Matching of instructions against patterns (section 5 of the specification: matching).

All ways to match are found, but of those that end at the same place only the ones with the most
literal characters are followed: no other can be among the best in the end. What a group of rules
matches at a place is remembered, so that nested rules take polynomial time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from .builtins import BUILT_INS
from .expressions import Literal, Name, Node
from .grammar import ExpressionParser
from .instruction_set import MatchError
from .language import PLAIN, Language
from .limits import MATCH_STEPS, MATCHES
from .literals import LiteralError, number
from .matches import ExpressionArgument, Match, NestedArgument
from .problems import ParseError
from .tokens import KEYWORDS, Cursor, skip_ignorable

if TYPE_CHECKING:
    from .rules import Part, Rule, RuleGroup, RuleParameter

_SHOWN: Final = 4
"""Further rules that an explanation lists."""

_WHITE: Final = frozenset(" \t\r")
_IGNORABLE: Final = frozenset(" \t\r\n;")
_CLOSING: Final = frozenset(",)]")
_BRACKETS: Final = re.compile(r"[(){}]")
_SOMETHING: Final = re.compile(r"[^ \t\r\n]")
_DIGITS: Final = re.compile(r"[ \t]*([1-9][0-9]{0,99}|0)(?=[A-Za-z_])")
_OPENING: Final = re.compile(r'[(\[{;"]')
_SIMPLE: Final = re.compile(
    r"[ \t]*(([0-9][A-Za-z0-9_]*)|[A-Za-z_][A-Za-z0-9_]*)(?=[ \t]*(?:[,)\]]|\Z))"
)
_UPPER_TO_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

_Arguments = tuple["ExpressionArgument | NestedArgument", ...]
_State = tuple[int, _Arguments, int]
"""How far a pattern has matched: the place in the text, the arguments so far, and the literal
characters of the rules among them."""


class Matcher:
    """Matches one instruction text."""

    def __init__(
        self, text: str, language: Language = PLAIN, explanation: Explanation | None = None
    ) -> None:
        self._text = text
        self._language = language
        self._lower = text.lower() if text.isascii() else text.translate(_UPPER_TO_LOWER)
        self._expressions: dict[tuple[int, int], tuple[Node, int] | None] = {}
        self._groups: dict[tuple[RuleGroup, int, int], list[Match] | None] = {}
        self._steps = 0
        self._explanation = explanation

    def instruction(self, candidates: Iterable[Rule]) -> list[Match]:
        """The matches of the whole text with the most literal characters."""
        end = len(self._text)
        best: list[Match] = []
        most = -1
        for rule in candidates:
            for match in self._rule(rule, 0, end):
                if skip_ignorable(self._text, match.end, end) != end:
                    self._stopped(rule, match.end, "the end of the instruction")
                    continue
                if match.literals > most:
                    best, most = [match], match.literals
                elif match.literals == most:
                    best.append(match)
        return best

    def _rule(self, rule: Rule, start: int, limit: int) -> list[Match]:
        """The matches of a rule's pattern from `start` on, in the text before `limit`."""
        self._steps += 1
        if self._steps > MATCH_STEPS:
            raise MatchError("matching the instruction takes too long: its rules are ambiguous")
        text = self._text
        # Most patterns have one way to go on at a time; states are all of them.
        position, literals = start, 0
        arguments: _Arguments = ()
        states: list[_State] | None = None
        for part in rule.parts:
            if states is not None:
                states = self._go_on(rule, part, states, limit)
                if not states:
                    return []
            elif part is None:
                if position < limit and text[position] not in _WHITE:
                    self._stopped(rule, position, "white space")
                    return []
            elif isinstance(part, str):
                after = self._literal(part, position, limit)
                if after < 0:
                    self._stopped(rule, ~after, f"`{part}`")
                    return []
                position = after
            else:
                states = self._parameter(rule, part, [(position, arguments, literals)], limit)
                if len(states) == 1:
                    position, arguments, literals = states[0]
                    states = None
                elif not states:
                    return []
        if states is None:
            return [Match(rule, arguments, start, position, literals + rule.literals)]
        return [
            Match(rule, arguments, start, end, literals + rule.literals)
            for end, arguments, literals in states
        ]

    def _go_on(self, rule: Rule, part: Part, states: list[_State], limit: int) -> list[_State]:
        """The states after a part of a pattern."""
        if part is None:
            left = [state for state in states if self._is_space(state[0], limit)]
            if not left:
                self._stopped(rule, states[0][0], "white space")
            return left
        if not isinstance(part, str):
            return self._parameter(rule, part, states, limit)
        following: list[_State] = []
        for position, arguments, literals in states:
            after = self._literal(part, position, limit)
            if after >= 0:
                following.append((after, arguments, literals))
            else:
                self._stopped(rule, ~after, f"`{part}`")
        return following

    def _is_space(self, position: int, limit: int) -> bool:
        return position >= limit or self._text[position] in _WHITE

    def _literal(self, run: str, position: int, limit: int) -> int:
        """The place after literal characters; the complement of where they stop if they do not
        match. Ignorable text may stand before each."""
        text, lower = self._text, self._lower
        if position < limit and text[position] in _IGNORABLE:
            position = skip_ignorable(text, position, limit)
        if lower.startswith(run, position, limit):
            return position + len(run)
        for char in run:
            position = skip_ignorable(text, position, limit)
            if position >= limit or lower[position] != char:
                return ~position
            position += 1
        return position

    def _parameter(
        self, rule: Rule, parameter: RuleParameter, states: list[_State], limit: int
    ) -> list[_State]:
        """The states after an argument for a parameter."""
        if len(states) == 1:
            only = self._single(rule, parameter, states[0], limit)
            if only is not None:
                return only
        found: dict[int, list[_State]] = {}
        for position, arguments, literals in states:
            limits = [limit]
            if parameter.stop is not None:
                stop = self._find_stop(parameter.stop, position, limit)
                if stop >= 0 and not self._is_cut_anyway(parameter, position, stop):
                    limits.append(stop)
            for inner in limits:
                if parameter.rules is None:
                    parsed = self._expression(position, inner)
                    if parsed is None:
                        self._stopped(rule, position, f"a value for `{parameter.name}`")
                        continue
                    node, end = parsed
                    argument = ExpressionArgument(self._text, node, position, end)
                    _add(found, (end, (*arguments, argument), literals))
                    continue
                matches = self._group(parameter.rules, position, inner)
                if not matches:
                    self._stopped(rule, position, f"`{parameter.rules.name}`")
                for match in matches:
                    nested = NestedArgument(self._text, match)
                    _add(found, (match.end, (*arguments, nested), literals + match.literals))
        states = [state for group in found.values() for state in group]
        if len(states) > MATCHES:
            raise MatchError("the instruction matches in too many ways: its rules are ambiguous")
        return states

    def _single(
        self, rule: Rule, parameter: RuleParameter, state: _State, limit: int
    ) -> list[_State] | None:
        """The states after an argument where there is but one way to match it, as there mostly
        is; None if there may be more."""
        position, arguments, literals = state
        if parameter.stop is not None:
            stop = self._find_stop(parameter.stop, position, limit)
            if stop >= 0 and not self._is_cut_anyway(parameter, position, stop):
                return None
        if parameter.rules is None:
            parsed = self._expression(position, limit)
            if parsed is None:
                self._stopped(rule, position, f"a value for `{parameter.name}`")
                return []
            node, end = parsed
            argument = ExpressionArgument(self._text, node, position, end)
            return [(end, (*arguments, argument), literals)]
        matches = self._group(parameter.rules, position, limit)
        if len(matches) != 1:
            return None
        match = matches[0]
        nested = NestedArgument(self._text, match)
        return [(match.end, (*arguments, nested), literals + match.literals)]

    def _expression(self, position: int, limit: int) -> tuple[Node, int] | None:
        """The expression at a place and where it ends; None if there is none."""
        key = (position, limit)
        if key in self._expressions:
            return self._expressions[key]
        self._steps += 1
        if self._steps > MATCH_STEPS:
            raise MatchError("matching the instruction takes too long: its rules are ambiguous")
        found = self._simple(position, limit)
        if found is None:
            cursor = Cursor(self._text, position, limit, self._language)
            try:
                node = ExpressionParser(cursor).parse()
                found = (node, cursor.position)
            except ParseError:
                if self._language.later:
                    found = self._digits(position, limit)
        self._expressions[key] = found
        return found

    def _simple(self, position: int, limit: int) -> tuple[Node, int] | None:
        """A number or a name that stands alone, as most arguments do."""
        match = _SIMPLE.match(self._text, position, limit)
        if match is None:
            return None
        text = match.group(1)
        start, end = match.span(1)
        if match.group(2):
            try:
                return Literal(start, end, number(text)), end
            except LiteralError:
                return None
        if text in BUILT_INS or text in KEYWORDS:
            return None
        return Name(start, end, 0, (text,)), end

    def _digits(self, position: int, limit: int) -> tuple[Node, int] | None:
        """The decimal digits of what is no number, as `1` of `1to2` (section 12)."""
        match = _DIGITS.match(self._text, position, limit)
        if match is None:
            return None
        return Literal(match.start(1), match.end(1), int(match.group(1))), match.end(1)

    def _is_cut_anyway(self, parameter: RuleParameter, position: int, stop: int) -> bool:
        """Whether an argument ends before `stop` even if the text goes on there, so that there is
        no need to try it a second time: no expression goes on with such a character, unless it
        is in parentheses, in a comment or in a string."""
        if self._text[stop] not in _CLOSING or _OPENING.search(self._text, position, stop):
            return False
        return parameter.rules is None or not parameter.rules.has_spaces

    def _group(self, group: RuleGroup, position: int, limit: int) -> list[Match]:
        """The matches of a group's rules from a place on, for each end the best."""
        key = (group, position, limit)
        if key in self._groups:
            known = self._groups[key]
            if known is None:
                raise MatchError(f"the rules of `{group.name}` are left-recursive")
            return known
        self._groups[key] = None
        start = skip_ignorable(self._text, position, limit)
        found: dict[int, list[Match]] = {}
        lower = self._lower
        for rule in group.starting_with(lower[start : start + group.window]):
            run = rule.only_literal
            if run and lower.startswith(run, start, limit):
                matches = [Match(rule, (), position, start + len(run), rule.literals)]
            else:
                matches = self._rule(rule, position, limit)
            for match in matches:
                others = found.get(match.end)
                if others is None or others[0].literals < match.literals:
                    found[match.end] = [match]
                elif others[0].literals == match.literals and match not in others:
                    others.append(match)
        result = [match for matches in found.values() for match in matches]
        self._groups[key] = result
        return result

    def _find_stop(self, char: str, position: int, limit: int) -> int:
        """Where a character stands outside of parentheses and braces, after at least one other
        that is not white; -1 if nowhere."""
        lower = self._lower
        if not _BRACKETS.search(lower, position, limit):
            # Nothing opens or closes: the first place behind something that is not white.
            something = _SOMETHING.search(lower, position, limit)
            return -1 if something is None else lower.find(char, something.end(), limit)
        depth = 0
        passed = False
        for index in range(position, limit):
            current = lower[index]
            if current == char and depth == 0 and passed:
                return index
            if current in "({":
                depth += 1
            elif current in ")}":
                if depth == 0:
                    return -1
                depth -= 1
            if current not in " \t\r\n":
                passed = True
        return -1

    def _stopped(self, rule: Rule, position: int, wanted: str) -> None:
        if self._explanation is not None:
            self._explanation.stop(rule, position, wanted)


def _add(found: dict[int, list[_State]], state: _State) -> None:
    """Keep a state unless another one that ends at the same place is better or the same."""
    others = found.get(state[0])
    if others is None or others[0][2] < state[2]:
        found[state[0]] = [state]
    elif others[0][2] == state[2] and state not in others:
        others.append(state)


class Explanation:
    """How far each rule got with a text before it stopped matching."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._stops: dict[Rule, tuple[int, str]] = {}

    def stop(self, rule: Rule, position: int, wanted: str) -> None:
        """Note that a rule wanted something at a place where it is not."""
        known = self._stops.get(rule)
        if known is None or known[0] < position:
            self._stops[rule] = (position, wanted)

    def hint(self) -> str:
        """What the nearest rule wanted, and why others dropped out; nothing if none started."""
        top = [rule for rule in self._stops if not rule.group.is_sub]
        if not top:
            return ""
        top.sort(key=lambda rule: -self._stops[rule][0])
        first, *others = top
        lines = [f"the nearest rule is `{first.text}`: {self._reason(first)}"]
        lines.extend(f"`{rule.text}`: {self._reason(rule)}" for rule in others[:_SHOWN])
        return "\n      ".join(lines)

    def _reason(self, rule: Rule) -> str:
        position, wanted = self._stops[rule]
        before = self._text[:position].rstrip()
        if not before:
            return f"{wanted} is wanted at the start"
        return f"{wanted} is wanted after `{before.split()[-1]}` (column {len(before) + 1})"
