"""The matcher against one that follows the description word by word, on random rules.

The matcher remembers, prunes and takes short cuts; the one here does nothing of the kind.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

from lrvm_tools.customasm.assembler import assemble
from lrvm_tools.customasm.diagnostics import AssemblyError
from lrvm_tools.customasm.files import Files
from lrvm_tools.customasm.grammar import ExpressionParser
from lrvm_tools.customasm.instruction_set import MatchError
from lrvm_tools.customasm.matches import Match, NestedArgument
from lrvm_tools.customasm.problems import ParseError
from lrvm_tools.customasm.rules import Rule, RuleParameter, RuleSet
from lrvm_tools.customasm.tokens import Cursor, literal_prefix, skip_ignorable

Key = tuple[Any, ...]
"""A rule and for each argument how long it is, or its own key."""

Found = tuple[int, Key, int]
"""Where it ends, what it is, how many literal characters it has."""


def rule_matches(rule: Rule, text: str, start: int, limit: int) -> Iterator[Found]:
    states: list[Found] = [(start, (), rule.literals)]
    for part in rule.parts:
        after: list[Found] = []
        for position, key, literals in states:
            if part is None:
                if position >= limit or text[position] in " \t\r":
                    after.append((position, key, literals))
            elif isinstance(part, str):
                end = literal(part, text, position, limit)
                if end is not None:
                    after.append((end, key, literals))
            else:
                for inner in {limit, stop(part, text, position, limit)} - {None}:
                    for end, argument, more in argument_matches(part, text, position, inner):
                        after.append((end, (*key, argument), literals + more))
        states = after
    for end, key, literals in states:
        yield end, (rule.group.name, rule.number, *key), literals


def literal(run: str, text: str, position: int, limit: int) -> int | None:
    for char in run:
        position = skip_ignorable(text, position, limit)
        if position >= limit or text[position].lower() != char:
            return None
        position += 1
    return position


def stop(parameter: RuleParameter, text: str, position: int, limit: int) -> Any:
    depth, passed = 0, False
    for index in range(position, limit):
        char = text[index].lower()
        if char == parameter.stop and depth == 0 and passed:
            return index
        if char in ")}":
            if depth == 0:
                return None
            depth -= 1
        depth += char in "({"
        passed = passed or not char.isspace()
    return None


def argument_matches(
    parameter: RuleParameter, text: str, position: int, limit: int
) -> Iterator[Found]:
    if parameter.rules is not None:
        for rule in parameter.rules.rules:
            yield from rule_matches(rule, text, position, limit)
        return
    cursor = Cursor(text, position, limit)
    try:
        ExpressionParser(cursor).parse()
    except ParseError:
        return
    yield cursor.position, (cursor.position - position,), 0


def best_matches(rules: RuleSet, text: str) -> set[Key]:
    prefix = literal_prefix(text)
    found = {
        (key, literals)
        for rule in rules.rules()
        if prefix.startswith(rule.prefix)
        for end, key, literals in rule_matches(rule, text, 0, len(text))
        if skip_ignorable(text, end, len(text)) == len(text)
    }
    most = max((literals for _, literals in found), default=0)
    return {key for key, literals in found if literals == most}


def key_of(match: Match) -> Key:
    arguments = [
        key_of(argument.match)
        if isinstance(argument, NestedArgument)
        else (argument.end - argument.start,)
        for argument in match.arguments
    ]
    return (match.rule.group.name, match.rule.number, *arguments)


def pattern(chooser: random.Random, types: str) -> str:
    pieces = []
    for number in range(chooser.randint(1, 5)):
        kind = chooser.choice(("", ": u8", *(f": {name}" for name in types)))
        parameter = f"{{p{number}{kind}}}"
        pieces.append(
            chooser.choice(("a", "ab", "b", ",", "(", ")", "[", "]", "+", " ", parameter))
        )
    text = "".join(pieces).strip()
    return text or "a"


def rule_set(chooser: random.Random) -> str:
    def group(directive: str, types: str, first: str = "") -> str:
        rules = "".join(
            f"  {first}{pattern(chooser, types)} => 0x1\n" for _ in range(chooser.randint(1, 4))
        )
        return f"{directive} {{\n{rules}}}\n"

    # Those that refer to themselves start with a character, so that they come to an end.
    return (
        group("#ruledef top", "rst")
        + group("#ruledef more", "st")
        + group("#subruledef r", "st")
        + group("#subruledef s", "st", "a")
        + "#subruledef t {\n  a => 0x1\n  b => 0x2\n  ab => 0x3\n}\n"
    )


OPERANDS = (
    "a",
    "b",
    "ab",
    "aab",
    "1",
    "x",
    "(1)",
    "1+1",
    "f(1)",
    "a,1",
    "[a",
    "-1",
    " a ",
    "aba",
    "(b)",
)


def instruction(chooser: random.Random, rules: RuleSet) -> str:
    """A text that a rule may match: its pattern with something in place of the parameters."""
    text = chooser.choice(list(rules.rules())).text
    for group in rules.groups[:2]:
        text = chooser.choice((text, chooser.choice(group.rules).text))
    for _ in range(2):
        text = re.sub(r"\{[^}]*\}", lambda match: chooser.choice(OPERANDS), text)
    if chooser.random() < 0.3:
        place = chooser.randrange(len(text))
        text = text[:place] + chooser.choice(" ,a(") + text[place:]
    return text.strip() or "a"


def test_matches_of_random_rules() -> None:
    chooser = random.Random(9)
    compared = matched = 0
    for _ in range(150):
        source = rule_set(chooser)
        try:
            rules = assemble([("rules.asm", source)], Files()).rules
        except AssemblyError:
            continue
        for _ in range(40):
            text = instruction(chooser, rules)
            try:
                found = {key_of(match) for match in rules.match(text)}
            except MatchError:
                continue
            assert found == best_matches(rules, text), (source, text)
            compared += 1
            matched += bool(found)
    assert compared > 4_000
    assert matched > 1_000
