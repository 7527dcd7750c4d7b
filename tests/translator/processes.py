"""Scripts in processes of their own, with the helpers of `background` at hand."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.translator.background import FAR_AWAY

ROOT = Path(__file__).parents[2]
BEGINNING = """
import json, os, signal, sys, threading
from lrvm_jit import TranslatorOptions
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from tests.machine.guest import machine
from tests.translator.background import *
"""


def process(*scripts: str) -> str:
    """What the scripts, one after the other, print in a process that must end well."""
    text = BEGINNING + "".join(textwrap.dedent(script) for script in scripts)
    # Newer Pythons warn of every fork of a process that has threads.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", text]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=2 * FAR_AWAY, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout
