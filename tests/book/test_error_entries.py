"""Every message of the assemblers has an entry in the book."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lrvm_tools.lasm import AssemblyError, assemble
from tests.tools import test_lasm_errors

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools" / "lrvm_tools"
PAGES = {
    TOOLS / "lasm": ROOT / "docs" / "language" / "errors.md",
    TOOLS / "customasm": ROOT / "docs" / "language" / "rule-errors.md",
}
"""For each of the languages, the page with its messages."""
SOURCES = sorted(path for folder in PAGES for path in folder.glob("*.py"))
RAISING = {
    *("SourceError", "UnresolvedError", "Problem", "OperandError"),
    *("ParseError", "MatchError", "LiteralError", "FormatError", "UsageError"),
}
FIRST = {"LiteralError", "FormatError", "UsageError"}
"""Errors that have no place before their message. CustomASM's `OperandError` has one after it."""


@cache
def entries(page: Path) -> list[re.Pattern[str]]:
    """A pattern for each entry; `...` is anything."""
    headings = re.findall(r"^### (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.compile(re.escape(heading).replace(r"\.\.\.", ".*")) for heading in headings]


def has_entry(message: str, page: Path) -> bool:
    return any(entry.fullmatch(message) for entry in entries(page))


def literal(node: ast.expr) -> str | None:
    """A string as it stands in the source, with `...` for what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values
        )
    return None


def message_of(call: ast.Call, name: str, folder: str) -> ast.expr | None:
    """The argument that is the message."""
    behind = name == "OperandError" and folder == "customasm"
    if name in FIRST or behind or len(call.args) == 1:
        return call.args[0]
    return call.args[2 if name == "ParseError" and len(call.args) > 2 else 1]


def messages(path: Path) -> set[str]:
    """The messages that stand in a module of the assembler."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        value: ast.expr | None = None
        whose = "..."
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in RAISING or (name == "add" and len(node.args) > 2):
                value = message_of(node, name, path.parent.name)
                lasm = name == "OperandError" and path.parent.name == "lasm"
                whose = "operand `v` of `cpy`" if lasm else "..."
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "message":
            value = node.value
        text = None if value is None else literal(value)
        if text and text.strip(".: "):
            found.add(text.replace("...", whose, 1))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_message_of_the_sources_has_an_entry(path: Path) -> None:
    page = PAGES[path.parent]
    assert [message for message in sorted(messages(path)) if not has_entry(message, page)] == []


@pytest.mark.parametrize("folder", PAGES, ids=lambda folder: folder.name)
def test_the_messages_are_found(folder: Path) -> None:
    assert len(set().union(*map(messages, folder.glob("*.py")))) > 60


def test_every_message_that_the_tests_provoke_has_an_entry() -> None:
    """Those that are put together from parts are found this way."""
    told = set()
    tests: tuple[Any, ...] = (test_lasm_errors.test_place_and_message, test_lasm_errors.test_hints)
    for test in tests:
        for case in test.pytestmark[0].args[1]:
            with pytest.raises(AssemblyError) as caught:
                assemble(case[0])
            told |= {diagnostic.message for diagnostic in caught.value.diagnostics}
    assert len(told) > 50
    page = PAGES[TOOLS / "lasm"]
    assert [message for message in sorted(told) if not has_entry(message, page)] == []


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.stem)
def test_no_entry_says_everything(page: Path) -> None:
    """An entry that matches anything would make the tests above true of any message."""
    assert not has_entry("something new went wrong", page)
