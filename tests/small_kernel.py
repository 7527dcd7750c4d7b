"""An entry point like the kernel's that compiles in a second, for tests of how kernels are kept."""

from __future__ import annotations

from pathlib import Path

_ENTRY_POINT = '''
"""An entry point that calls a function of another module, which has a constant of a third one."""

from .small_part import from_the_table


def enter(context_address):
    return from_the_table() + context_address


def load_sources():
    pass
'''
_PART = """
from ..isa.table import DIV_ZERO_MODES
from .build.jit import kernel_function

WORD = DIV_ZERO_MODES[0x04]


@kernel_function
def from_the_table():
    return WORD
"""
RUN = """
import os
from lrvm_jit.kernel.build.compile import SOURCES, EntryPointSource, load
source = EntryPointSource("lrvm_jit.kernel.small", "enter", "the kernel", SOURCES)
print(hex(load(source)[0](0)), os.geteuid())
"""
"""Prints the substitute result of a division by zero, a constant of the instruction table, and
the user's id."""


def add_small_kernel(package: Path) -> None:
    """Add it to a copy of the package `lrvm_jit`, for `RUN`."""
    (package / "kernel" / "small.py").write_text(_ENTRY_POINT)
    (package / "kernel" / "small_part.py").write_text(_PART)
