"""What is used of the insides of numba and llvmlite is there, and stands in one module."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import lrvm_jit
from lrvm_jit import locks
from lrvm_jit.kernel.build import compat

PACKAGE = Path(lrvm_jit.__file__).parent
PUBLIC = (
    *("numba", "numba.types", "numba.extending", "numba.cuda"),
    *("llvmlite", "llvmlite.ir", "llvmlite.binding"),
)
"""What numba and llvmlite promise to keep."""


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of what a file imports of numba and llvmlite."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        else:
            continue
        for module, name in names:
            if module.split(".")[0] in ("numba", "llvmlite"):
                yield module, name


def insides() -> Iterator[tuple[str, str]]:
    yield from imported(Path(compat.__file__))
    for module, name, *_ in locks.FOREIGN:
        yield module, name


@pytest.mark.parametrize(("module", "name"), sorted(set(insides())))
def test_a_name_is_there(module: str, name: str) -> None:
    assert hasattr(import_module(module), name), f"{module} has no {name} any more"


@pytest.mark.parametrize(
    ("owner", "name"), [(owner, name) for owner, names in compat.MEMBERS.items() for name in names]
)
def test_a_class_has_what_is_used_of_it(owner: type, name: str) -> None:
    members = {*dir(owner), *getattr(owner, "_fields", ())}
    assert name in members, f"{owner.__module__}.{owner.__name__} has no {name} any more"


@pytest.mark.parametrize("name", compat.HELPERS)
def test_cgutils_has_what_is_used_of_it(name: str) -> None:
    assert hasattr(compat.cgutils, name)


def test_a_library_has_what_only_its_objects_have() -> None:
    from numba.core.registry import cpu_target

    library: Any = cpu_target.target_context.codegen().create_library("probe")
    assert isinstance(library, compat.JITCodeLibrary)
    assert hasattr(library, "_final_module")
    assert hasattr(library, "_finalized")


def test_the_locks_that_forks_wait_for_are_locks() -> None:
    for module, *names in locks.FOREIGN:
        found: Any = import_module(module)
        for name in names:
            found = getattr(found, name)
        assert callable(found.acquire)
        assert callable(found.release)


def test_no_other_module_uses_insides() -> None:
    """Attributes of theirs cannot be told from others; ruff refuses those that are private."""
    paths = [path for path in PACKAGE.rglob("*.py") if path != Path(compat.__file__)]
    found = {
        f"{path.relative_to(PACKAGE)}: {module} {name}"
        for path in paths
        for module, name in imported(path)
        if module not in PUBLIC or name.startswith("_")
    }
    assert found == set()


@pytest.mark.parametrize("package", compat.TRIED)
def test_the_versions_are_those_that_were_tried(package: str) -> None:
    first, last = compat.TRIED[package]
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    (wanted,) = [
        text for text in project["project"]["dependencies"] if re.match(rf"{package}\b", text)
    ]
    major, minor = map(int, last.split("."))
    # Each numba asks for one llvmlite.
    end = f",<{major}.{minor + 1}" if package == "numba" else ""
    assert wanted == f"{package}>={first}{end}"
    here = tuple(map(int, version(package).split(".")[:2]))
    assert tuple(map(int, first.split("."))) <= here <= (major, minor)
