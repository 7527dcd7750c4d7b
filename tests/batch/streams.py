"""Programs for tests of streams, and what they compute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy
from numpy.typing import NDArray

from lrvm_tools import assemble

ROOT = Path(__file__).resolve().parents[2]

SUM_SOURCE = """
    cpy ac0, 0x1000         ; the RAM
    lsa a2, ac0, 4
    cpy a1, 0
again:
    add a1, a0
    add a1, a2
    dec c0
    ifnq
    jp again
    wsa ac0, 0, a1
    cmp a0, 13
    ifeq
    div a0, 0               ; lane 13 fails
    halt
"""
SUM = assemble(SUM_SOURCE)
"""a1 and ram[0] become c0 * (a0 + ram[1])."""


def sums(a0: NDArray[numpy.int64], c0: int, second: int = 0) -> NDArray[numpy.uint32]:
    """What SUM computes."""
    return (c0 * (a0 + second)).astype(numpy.uint32)


def python(code: str, *, cwd: Path, stdin: int | None = None) -> subprocess.Popen[str]:
    """A process that runs code."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
    )
