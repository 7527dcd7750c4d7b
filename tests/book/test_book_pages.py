"""Everything that the book shows is carried out, page by page, and is as the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.book.page_examples import blocks, carried_out, error, listing

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if path.name != "c.md"  # tests/examples/test_c_page.py: it needs the C front end
)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_true(name: str) -> None:
    """After a change: python -m tests.book.page_examples PAGE, and read what it wrote."""
    page = carried_out(name, (ROOT / name).read_text(encoding="utf-8"))
    assert not page.mistakes, "\n".join(page.mistakes)


def test_a_page_that_lies_is_found() -> None:
    """Each kind of block is compared, not only carried out."""
    lies = {
        "```python\nprint(1)\n```\n```text\n2\n```": "it is\n1",
        "```python\nprint(1)\n```": "it is\n1",
        "```python\n1 / 0\n```": "ZeroDivisionError",
        "```lasm\nhalt\n```\n```bytes\n0000  f0 00 00 01 halt\n```": "f0 00 00 00",
        "```lasm\nhalt 1\n```\n```error\nnothing\n```": "takes no operands",
        "```lasm\nhalt\n```\n```error\nnothing\n```": "the program assembles",
        "```lasm\n; expect: a0 = 2\ncpy a0, 1\nhalt\n```": "a0",
        "```lasm\nhallt\n```": "hallt",
        "```shell\n$ lrvm asm missing.lasm\n```": "missing.lasm",
    }
    for text, wanted in lies.items():
        assert wanted in "\n".join(carried_out("page", text).mistakes), text


def test_blocks_and_outputs() -> None:
    page = "<!-- file: a.lasm -->\n```lasm\nhalt\n```\n\n<!-- not run: why -->\n```sh\nx\n```\n"
    assert [(block.file, block.skipped) for block in blocks(page)] == [
        ("a.lasm", False),
        ("", True),
    ]
    assert listing("x: halt ; stop") == f"0000  {'f0 00 00 00':<28}x: halt\n"
    assert "unknown symbol" in error("jp x")
