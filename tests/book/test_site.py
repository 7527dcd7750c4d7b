"""What the site is made of: pictures that are current, insertions that exist, links that lead on.

Building it takes a quarter of a minute, so `make docs` does that, in CI.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docs.book.check_site import problems
from docs.book.commands import commands
from docs.book.insertions import expand, insertions
from docs.book.instructions import bit_diagram, instruction
from docs.book.pictures import PICTURES
from lrvm_jit.isa import BY_MNEMONIC, INSTRUCTIONS
from lrvm_tools.cli.app import cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_current(name: str) -> None:
    """After a change: python -m docs.book.pictures docs/images"""
    drawn = (DOCS / "images" / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn == PICTURES[name]().svg()
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")


def test_every_instruction_has_a_page_with_examples() -> None:
    pages = {path.stem for path in (DOCS / "instructions").glob("*.md")} - {"index"}
    assert pages == {row.mnemonic for row in INSTRUCTIONS}
    assert len(pages) == 31
    for name in pages:
        text = (DOCS / "instructions" / f"{name}.md").read_text(encoding="utf-8")
        assert insertions(text) == [("instruction", name)]
        assert text.count("; expect") >= 2


def test_what_the_page_of_an_instruction_says() -> None:
    div = instruction("div")
    assert "| 0x0A | division by zero |" in div
    assert "`div d, v`: `mode` = 0" in div
    assert "0x09" not in div
    assert "| 0x09 | supervisor only |" in instruction("halt")
    assert "`ret` is `pop pc`" in instruction("pop")
    assert bit_diagram(BY_MNEMONIC["jpr"]).count("<rect") == 6


def test_every_insertion_exists() -> None:
    for path in DOCS.rglob("*.md"):
        if "<!-- insert:" in (text := path.read_text(encoding="utf-8")):
            assert "<!-- insert:" not in expand(text), path


def test_every_command_is_in_the_reference() -> None:
    text = commands()
    assert [name for name in cli.commands if f"\n### lrvm {name}\n" not in f"\n{text}"] == []


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert pages - listed == set()


def test_the_check_of_the_site_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<a href="a.html#there">x</a><a href="a.html#missing">x</a><a href="b.html">x</a>'
        '<script src="https://example.org/x.js"></script><a href="https://example.org">x</a>'
        '<link rel="stylesheet" href="https://example.org/x.css">'
    )
    (tmp_path / "a.html").write_text('<p id="there"></p><a href="/index.html">x</a>')
    (tmp_path / "x.css").write_text("@import url(https://example.org/font.css)")
    found = "\n".join(problems(tmp_path))
    assert "a.html#missing has no such place" in found
    assert "b.html leads nowhere" in found
    assert "fetches https://example.org/x.js" in found
    assert "fetches https://example.org/x.css" in found
    assert "x.css: fetches from the network" in found
    assert len(found.splitlines()) == 5


def test_python_versions_are_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [text[-4:] for text in project["classifiers"] if ":: Python :: 3." in text]
    script = (ROOT / "tools" / "pythons.sh").read_text(encoding="utf-8")
    assert versions == re.findall(r"3\.\d+", script.split("VERSIONS=")[1].splitlines()[0])
