"""The documentation does what it says: its commands work, its generated page is current, its links
lead somewhere. What else its pages show is carried out in tests/book."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lrvm_jit.isa.page import page

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path, *kinds: str) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text in BLOCK.findall(path.read_text()) if kind in kinds]


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


def test_links() -> None:
    """Links to files of the project lead to files that exist."""
    wrong = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in PAGES
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert wrong == []
