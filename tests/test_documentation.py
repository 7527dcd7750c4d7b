"""The documentation does what it says: its Python blocks print what stands below them, its
commands work, its generated page is current, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lrvm_jit.isa.page import page

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path, *kinds: str) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text in BLOCK.findall(path.read_text()) if kind in kinds]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_python_blocks(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page run in order, and each prints the `text` block that follows it."""
    found = blocks(path, "python", "text")
    space: dict[str, object] = {}
    for number, (kind, text) in enumerate(found):
        if kind != "python":
            continue
        exec(compile(text, f"{path.name}, block {number}", "exec"), space)
        following = found[number + 1] if number + 1 < len(found) else ("", "")
        assert following[0] == "text", f"block {number} of {path.name} has no expected output"
        assert capsys.readouterr().out == following[1]


def commands() -> list[str]:
    lines = [
        line
        for path in PAGES
        for _, text in blocks(path, "console")
        for line in text.splitlines()
        if line.startswith("$ ")
    ]
    return list(dict.fromkeys(line[2:].partition("#")[0].strip() for line in lines))


# What sets the environment up, or runs these tests, is run by the Makefile itself: `make test`
# is how CI comes here. Of these the recipe is checked instead.
SET_UP = ("python3 -m venv", ".venv/bin/python -m pip", ".venv/bin/python -m pytest")


@pytest.mark.parametrize("command", commands())
def test_commands(command: str) -> None:
    """A command of the documentation works as it stands."""
    words = shlex.split(command)
    if words[0] == "make" or command.startswith(SET_UP):
        targets = words[1:] if words[0] == "make" else ["test"]
        recipe = subprocess.run(
            ["make", "--dry-run", "--always-make", *targets],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if words[0] != "make":
            assert command in recipe.replace(" --quiet --disable-pip-version-check", "")
        return
    if words[0] == ".venv/bin/python":
        words[0] = "python"
    if words == ["python", "-m", "lrvm_jit.bench"]:
        # The whole benchmark takes a minute; one program of it shows that the command works.
        words += ["loop", "-n", "1"]
    words[0] = str(Path(sys.executable).parent / words[0])
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_reference_page_is_current() -> None:
    """docs/instruction-set.md is what the instruction table gives."""
    assert (ROOT / "docs" / "instruction-set.md").read_text() == page()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links(path: Path) -> None:
    """Links to files of the project lead to files that exist."""
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []
