"""Machine code: object files are read, checked, linked and put into executable memory.

Without numba and LLVM, so that a process that finds its code on disk needs neither of them. Who may
be trusted with a file of machine code is the affair of `lrvm_jit.code_cache`.
"""

from .elf import LoadingError, RelocatableObject
from .linking import Plan
from .loading import SWITCH_VARIABLE, LoadedCode, NativeCode, is_supported, load, machine
from .memory import CodeMemory

__all__ = [
    "SWITCH_VARIABLE",
    "CodeMemory",
    "LoadedCode",
    "LoadingError",
    "NativeCode",
    "Plan",
    "RelocatableObject",
    "is_supported",
    "load",
    "machine",
]
