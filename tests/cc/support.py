"""Compiling and running in tests."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

from lrvm_tools.cc import compile_c
from lrvm_tools.executable import Executable

ENGINES = ("interpreter", "translator")
LIMIT = 300_000_000


def build(folder: Path, source: str, name: str = "program.c", **options: Any) -> Executable:
    """The executable of one source text."""
    path = folder / name
    path.write_text(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of clang
        return compile_c(path, **options)


def output(executable: Executable, engine: str = "interpreter", stdin: bytes = b"") -> bytes:
    """What a program writes; it must end by itself, with status 0."""
    done = executable.run(stdin=stdin, max_cycles=LIMIT, engine=engine)
    assert (done.status, done.fault) == (0, None), (done.stdout[-200:], done.stderr)
    return done.stdout


def native(folder: Path, source: str) -> tuple[int, bytes] | None:
    """Status and output of a program by the system's C compiler; None without one."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    path, target = folder / "native.c", folder / "native"
    path.write_text(source)
    options = ["-w", "-O0", "-ffp-contract=off"]
    command = [compiler, *options, "-o", str(target), str(path), "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    done = subprocess.run([str(target)], capture_output=True, check=False, timeout=60)
    return done.returncode, done.stdout
