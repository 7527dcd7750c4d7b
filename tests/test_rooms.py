"""The rooms of the machine know those before them only (docs/internals/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = (
    "arguments", "locks", "input_files", "output_files", "isa", "exceptions", "code_cache", "core",
    "machine_code", "kernel", "jit", "engines", "machine", "batch", "stream", "debug", "modular",
    "gymnasium", "bench", "warm",
)  # fmt: skip
"""Packages and modules of `lrvm_jit`, each before those that may import it."""


def imported(path: Path) -> Iterator[str]:
    """The rooms that a module imports when it is imported itself, not within functions."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ImportFrom):
            continue
        module = tuple((node.module or "").split(".")) if node.module else ()
        if node.level:
            module = package[: len(package) - node.level + 1] + module
        if module[:1] == ("lrvm_jit",):
            yield from module[1:2] or (alias.name for alias in node.names)


def rooms() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted((ROOT / "lrvm_jit").rglob("*.py")):
        room = path.relative_to(ROOT / "lrvm_jit").parts[0].removesuffix(".py")
        if room != "__init__":
            found.setdefault(room, []).append(path)
    return found


def test_every_room_has_its_place() -> None:
    assert set(rooms()) - set(ORDER) == set()


@pytest.mark.parametrize("room", ORDER)
def test_a_room_knows_those_before_it_only(room: str) -> None:
    allowed = {*ORDER[: ORDER.index(room) + 1]}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in rooms().get(room, ())
        for name in imported(path)
        if name not in allowed
    }
    assert wrong == set()
