"""Full disks, closed pipes and closed streams: a message and an exit code, in every command."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = {
    "help": "--help",
    "asm": "asm text.lasm",
    "listing": "asm text.lasm --format listing",
    "dis": "dis text.lasm",
    "run": "run text.lasm",
    "run json": "run text.lasm --json",
    "batch": "batch text.lasm -n 2 --json",
    "info": "info",
    "completion": "completion bash",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # A text without a line end: it is still in a buffer when the run is over.
    (tmp_path / "text.lasm").write_text(
        'cpy ac0, 0xF000\ncpy a0, "x"\nwsa ac0, 0, a0\nhalt\n#res 4000\n#d8 1'
    )
    (tmp_path / "bad.lasm").write_text("foo")
    return tmp_path


def lrvm(folder: Path, command: str, redirect: str, unbuffered: str = "") -> tuple[int, str]:
    """The exit code and what is said on standard error, with a redirection of the shell."""
    python = shlex.quote(sys.executable)
    done = subprocess.run(
        ["bash", "-c", f"{python} -m lrvm_tools {command} {redirect}"],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_full_disk(folder: Path, command: str) -> None:
    code, said = lrvm(folder, command, ">/dev/full")
    lines = [line for line in said.splitlines() if not line.startswith("[lrvm]")]
    assert lines == ["lrvm: error: cannot write the output: No space left on device"]
    assert code == 2


def test_full_disk_without_a_buffer(folder: Path) -> None:
    code, said = lrvm(folder, "asm text.lasm --format hex", ">/dev/full", unbuffered="1")
    assert said == "lrvm: error: cannot write the output: No space left on device\n"
    assert code == 2


@pytest.mark.parametrize("name", ["help", "asm", "run"])
def test_closed_at_the_start(folder: Path, name: str) -> None:
    code, said = lrvm(folder, COMMANDS[name], ">&-")
    lines = [line for line in said.splitlines() if not line.startswith("[lrvm]")]
    assert lines == ["lrvm: error: cannot write the output: Bad file descriptor"]
    assert code == 2


def test_nothing_to_write_needs_no_output(folder: Path) -> None:
    assert lrvm(folder, "asm text.lasm -o out.bin", ">&- <&-") == (0, "")
    assert (folder / "out.bin").stat().st_size > 4000


@pytest.mark.parametrize("name", ["listing", "run json", "info"])
def test_closed_pipe(folder: Path, name: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lrvm_tools", *COMMANDS[name].split()],
            cwd=folder,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-"])
def test_errors_that_cannot_be_told(folder: Path, redirect: str) -> None:
    assert lrvm(folder, "asm bad.lasm", redirect)[0] == 2
    assert lrvm(folder, "run text.lasm", f">/dev/null {redirect}")[0] in (0, 2)


@pytest.mark.parametrize(
    "command",
    ["asm text.lasm -o out", "dis text.lasm -o out", "dis text.lasm --graph dot -o out"],
)
def test_output_files_on_a_full_disk(folder: Path, command: str) -> None:
    """The older file stays, nothing else does, and the message names it."""
    (folder / "out").write_bytes(b"older")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = subprocess.run(
        [sys.executable, "-B", "-m", "lrvm_tools", *command.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert (done.returncode, done.stderr) == (2, "lrvm: error: cannot write out: File too large\n")
    assert (folder / "out").read_bytes() == b"older"
    assert sorted(path.name for path in folder.iterdir()) == ["bad.lasm", "out", "text.lasm"]
