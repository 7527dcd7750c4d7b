"""Every room of the project imports those before it only (CONTRIBUTING.md has the rooms).

Imports within functions count as well: what may not be known may not be known later either. The
exceptions stand below, with their reasons; imports for type checkers are free.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = (
    ROOT / "lrvm_jit",
    ROOT / "components" / "lrvm_components",
    ROOT / "tools" / "lrvm_tools",
)
ORDER: Final = (
    "arguments", "records", "locks", "input_files", "output_files", "isa", "exceptions",
    "code_cache", "machine_code",
    "core", "kernel.build", "kernel", "jit", "jit.analysis", "jit.emit", "jit.code",
    "jit.baseline", "jit.vector",
    "engines", "machine", "batch", "stream", "debug", "modular", "gymnasium", "warm", "lrvm_jit",
    "lrvm_components", "lrvm_tools", "bench",
)  # fmt: skip
"""Folders and modules of `lrvm_jit`, each before those that may import it; `lrvm_jit` itself,
which gathers their names, and the other packages above it."""
DIVIDED: Final = ("jit", "kernel")
"""Rooms whose folders are rooms of their own."""
EXCEPTIONS: Final = {
    **{
        ("kernel.build", room): "what is compiled ahead for everybody is in the rooms above"
        for room in ("batch", "debug", "jit.baseline")
    },
    ("batch", "stream"): "Batch.stream and Batch.map hand over to the room above",
    ("batch", "lrvm_components"): "a batch of a program gets a ROM and a RAM",
    ("modular", "lrvm_components"): "an LrvmProcessor of a program gets a RAM",
    ("lrvm_tools", "bench"): "`lrvm bench` hands over to `python -m lrvm_jit.bench`",
}
"""Imports against the order, all within functions, so that no import needs them."""


@cache
def room_of(module: tuple[str, ...]) -> str:
    """The room of a module, or of a name within one."""
    if module[0] != "lrvm_jit":
        return module[0]
    folder = PACKAGES[0]
    inner = module[1:]
    if not inner or not ((folder / inner[0]).is_dir() or (folder / f"{inner[0]}.py").exists()):
        return module[0]
    if inner[0] in DIVIDED and len(inner) > 1 and (folder / inner[0] / inner[1]).is_dir():
        return ".".join(inner[:2])
    return inner[0]


def imports(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[ast.AST, str]]:
    """Rooms that a module's nodes import, but for `if TYPE_CHECKING`."""
    for_checkers = {
        id(inner)
        for node in tree.body
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                module = package[: len(package) - node.level + 1] + module
            names = [(*module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("import_module")
            and isinstance(node.args[0], ast.Constant)
        ):
            names = [tuple(str(node.args[0].value).split("."))]
        for name in names:
            if name[0].startswith("lrvm_") and id(node) not in for_checkers:
                yield node, room_of(name)


@cache
def arrows() -> tuple[tuple[str, str, bool, str], ...]:
    """Who imports whom, whether that is at module level, and where."""
    return tuple(_arrows())


def _arrows() -> Iterator[tuple[str, str, bool, str]]:
    for base in PACKAGES:
        for path in sorted(base.rglob("*.py")):
            inner = path.relative_to(base).with_suffix("").parts
            module = (base.name, *(part for part in inner if part != "__init__"))
            tree = ast.parse(path.read_text(encoding="utf-8"))
            top = {id(node) for node in tree.body}
            for node, target in imports(tree, (base.name, *inner[:-1])):
                place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
                yield room_of(module), target, id(node) in top, place


def test_every_room_has_its_place() -> None:
    rooms = {room for source, target, *_ in arrows() for room in (source, target)}
    assert rooms - set(ORDER) == set()
    assert set(ORDER) - rooms == set()


def test_a_room_knows_those_before_it_only() -> None:
    wrong, used = set(), set()
    for source, target, at_the_top, place in arrows():
        if ORDER.index(target) <= ORDER.index(source):
            continue
        if (source, target) in EXCEPTIONS and not at_the_top:
            used.add((source, target))
        else:
            wrong.add(f"{place}: {source} imports {target}")
    assert wrong == set()
    assert set(EXCEPTIONS) - used == set(), "exceptions that nobody needs any more"
