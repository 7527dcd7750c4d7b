"""The tests themselves: whatever signals they were started with, they do not mind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NEEDS_SIGINT = (
    "tests/machine/test_interruptions_of_the_host.py::test_a_signal_in_a_process_of_its_own"
    "[interpreter]"
)


def ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def blocked() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])


@pytest.mark.skipif(os.name != "posix", reason="ignored and blocked signals are inherited on POSIX")
@pytest.mark.parametrize("before", [ignored, blocked])
def test_sigint_is_ignored_or_blocked(before: Callable[[], None]) -> None:
    """As under nohup, or after `make test &` in a script."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", NEEDS_SIGINT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=before,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
