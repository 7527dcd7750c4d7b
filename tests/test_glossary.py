"""The glossary's words: each stands there once and is used; names have one meaning each."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "glossary.md"
SOURCES: Final = ("lrvm_jit", "components/lrvm_components", "tools/lrvm_tools")
GONE: Final = {
    "glance": "probe",
    "fuse": "superinstruction",
    "fused": "superinstruction",
    "fusion": "superinstruction",
    "sight": "eager",
    "seat": "context",
    "seats": "context",
    "ticket": "pending query",
    "story": "scenario",
    "stories": "scenario",
}
"""Words of our own that names had once, and the field's words for the same."""
ROOMS: Final = {
    "Access": "what an instruction does to memory; one access that a recording has",
    "Bus": "of a board; what compiled parts of modular machines call",
    "Checkpoint": "of a recording; of a stream. Both are points to go on from",
    "Counter": "of the tracer; of the benchmark",
    "Frame": "of the guest's stack; what generated code begins and ends with",
    "Job": "of the compiler's thread; of a stream",
    "Kind": "of operands; of relocations; of a recording's accesses",
    "Memory": "of a board; the benchmark's peripheral",
    "MemoryMap": "of a board; what of it code for lanes relies on",
    "Metadata": "of components, by HWD; of modular parts",
    "Place": "where stencils find an operand; a place in a program's source",
    "Profile": "of the translator's samples; of the debugger",
    "Rate": "of the benchmark; of groups of lanes",
    "Row": "of the benchmark's tables",
    "Turn": "of modular machines; of groups of lanes",
    "Worker": "of batches; of the translator",
}
"""Names of several classes of `lrvm_jit`, each the usual one in its room: what it is there."""


def rows() -> list[tuple[str, str]]:
    """The glossary's words and meanings."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [(words, meaning) for words, meaning in cells if words != "word"]


@cache
def names() -> dict[str, frozenset[str]]:
    """The words of all names that the sources give, and where each is used."""
    found = defaultdict(set)
    for path, tree in trees(*SOURCES):
        for name in _given(tree):
            for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name):
                found[word.lower()].add(f"{path.relative_to(ROOT)}: {name}")
    return {word: frozenset(places) for word, places in found.items()}


def trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def _given(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name):
                yield name


def test_the_glossary_is_in_order() -> None:
    words = [words.split(",")[0].lower() for words, _ in rows()]
    assert len(words) > 50
    assert words == sorted(words)
    single = [word.strip() for words, _ in rows() for word in words.split(",")]
    assert len(single) == len(set(single))
    assert all(meaning.strip() for _, meaning in rows())


@pytest.mark.parametrize("words", [words for words, _ in rows()])
def test_a_word_of_the_glossary_is_used(words: str) -> None:
    """In the book, besides its own row, or in names."""
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path != PAGE]
    text = "\n".join(path.read_text(encoding="utf-8").lower() for path in pages)
    for word in words.lower().split(", "):
        assert re.search(rf"\b{re.escape(word)}", text) or word in names(), word


@pytest.mark.parametrize(("word", "instead"), GONE.items(), ids=GONE)
def test_private_words_do_not_come_back(word: str, instead: str) -> None:
    assert names().get(word, frozenset()) == frozenset(), f"say {instead}"


def test_a_class_name_has_one_meaning() -> None:
    """A second class of a name is another thing: it gets another name, or a line above."""
    found = defaultdict(set)
    for path, tree in trees("lrvm_jit"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(str(path.relative_to(ROOT)))
    assert {
        name: places for name, places in found.items() if len(places) > 1 and name not in ROOMS
    } == {}
