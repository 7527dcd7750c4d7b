"""The command `lrvm`, run in the process of the tests, in a process of its own, on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from lrvm_tools.cli.app import cli

MODULE = [sys.executable, "-m", "lrvm_tools"]


def lrvm(*arguments: str | Path, stdin: str = "") -> Result:
    """The command, in this process."""
    return CliRunner().invoke(cli, list(map(str, arguments)), input=stdin, prog_name="lrvm")


def report(*arguments: str | Path, code: int = 0, stdin: str = "") -> Any:
    """The JSON document of a command that ends with `code`."""
    result = lrvm(*arguments, "--json", stdin=stdin)
    assert (result.exit_code, result.stderr) == (code, "")
    document = json.loads(result.stdout)
    if isinstance(document, dict):
        assert document["exit_code"] == code
    return document


@contextmanager
def process(*arguments: str | Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own, which is gone after the block."""
    with subprocess.Popen(
        [*MODULE, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def done(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command at its end, as a process of its own."""
    with process(*arguments, **environment) as started:
        stdout, stderr = started.communicate(timeout=120)
    return subprocess.CompletedProcess(started.args, started.returncode, stdout, stderr)


def on_terminal(*arguments: str | Path, **environment: str) -> tuple[int, str]:
    """The exit code, and all that a terminal of 100 columns receives."""
    ours, theirs = pty.openpty()
    started = subprocess.Popen(
        [*MODULE, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"} | environment,
    )
    os.close(theirs)
    received = b""
    # At the end Linux answers EIO instead of an end of file.
    try:
        while chunk := os.read(ours, 1 << 16):
            received += chunk
    except OSError:
        pass
    os.close(ours)
    return started.wait(60), received.decode()
