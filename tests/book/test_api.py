"""The public names of Python: each has a docstring, an example where one is promised, a page."""

from __future__ import annotations

import doctest
import importlib
import inspect
import warnings
from pathlib import Path

import pytest

from docs.book.api import PUBLIC, TOP, module, public_names
from docs.book.doctests import fenced
from docs.book.insertions import insertions

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "api"


def documented(name: str) -> dict[str, object]:
    """The classes and functions among a module's public names. Others are values and types, which
    cannot carry a docstring of their own."""
    found = importlib.import_module(name)
    items = {public: getattr(found, public) for public in public_names(name)}
    return {
        public: item
        for public, item in items.items()
        if inspect.isclass(item) or inspect.isroutine(item)
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_docstring(name: str) -> None:
    assert importlib.import_module(name).__doc__
    bare = [public for public, item in documented(name).items() if not own_docstring(item)]
    assert bare == []


def own_docstring(item: object) -> str:
    """A docstring that was written: not the one that dataclasses and enums come with."""
    text = vars(item).get("__doc__") if inspect.isclass(item) else item.__doc__
    text = text or ""
    generated = inspect.isclass(item) and text.startswith(f"{item.__name__}(")
    return "" if generated else text


@pytest.mark.parametrize("name", TOP)
def test_every_name_of_the_packages_has_an_example(name: str) -> None:
    without = [
        public for public, item in documented(name).items() if ">>>" not in (item.__doc__ or "")
    ]
    assert without == []


@pytest.mark.parametrize("name", PUBLIC)
def test_the_examples_are_true(name: str) -> None:
    finder, count = doctest.DocTestFinder(recurse=False), 0
    runner = doctest.DocTestRunner(verbose=False)
    items = {"module": importlib.import_module(name), **documented(name)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for public, item in items.items():
            for test in finder.find(item, f"{name}.{public}", globs={}):
                runner.run(test)
                count += len(test.examples)
    assert runner.summarize(verbose=False).failed == 0
    assert count or name not in TOP


def test_every_public_module_has_a_page() -> None:
    wanted = [
        argument
        for path in PAGES.glob("*.md")
        for _, argument in insertions(path.read_text(encoding="utf-8"))
    ]
    assert sorted(wanted) == sorted(PUBLIC)
    assert "::: lrvm_jit.Motherboard" in module("lrvm_jit")
    with pytest.raises(KeyError):
        module("lrvm_jit.kernel")


def test_examples_get_a_fence() -> None:
    assert fenced("Text.\n\n>>> 1 + 1\n2\n>>> 3\n3\n\nMore.") == (
        "Text.\n\n```pycon\n>>> 1 + 1\n2\n>>> 3\n3\n```\n\nMore."
    )
    assert fenced("No example.") == "No example."
