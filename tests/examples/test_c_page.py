"""The page on C: its files compile, its commands and Python lines print what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "c.md"
FILE = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(
    find_spec("ziglang") is None, reason="needs the extra `cc`, a C front end"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files."""
    path = tmp_path_factory.mktemp("c")
    for name, text in FILE.findall(PAGE.read_text()):
        (path / name).write_text(text)
    return path


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def test_commands(folder: Path) -> None:
    """`...` on the page stands for anything."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    count = 0
    for kind, text in BLOCK.findall(PAGE.read_text()):
        if kind != "shell":
            continue
        for command, output in commands(text):
            if "readelf" in command and not Path("/usr/bin/readelf").exists():
                continue
            done = subprocess.run(
                command,
                shell=True,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=300,
                check=False,
            )
            pattern = re.escape(output).replace(r"\.\.\.", "(?s:.*)")
            # The first compilation of all says that it takes longer.
            found = re.sub(r"lrvm: compiling parts.*\n", "", done.stdout.decode())
            assert re.fullmatch(pattern, found), f"$ {command}\n{found}"
            count += 1
    assert count > 8


def test_python(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    found = [block for block in BLOCK.findall(PAGE.read_text()) if block[0] in ("py", "text")]
    assert len(found) % 2 == 0
    space: dict[str, object] = {}
    for (kind, source), (other, output) in zip(found[::2], found[1::2], strict=True):
        assert (kind, other) == ("py", "text")
        exec(compile(source, PAGE.name, "exec"), space)
        assert capsys.readouterr().out == output
