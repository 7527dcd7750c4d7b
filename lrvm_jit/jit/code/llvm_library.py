"""LLVM's library, opened while other Python threads run.

Its 150 MB have so many addresses to be filled in that opening takes 3 to 6 ms, and `import
llvmlite` does that holding the GIL, for longer at a time than anything else here. A function that
is called through ctypes does not hold it; when llvmlite asks then, the library is open already.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path


def open_ahead() -> bool:
    """Open it, if that has not been done; whether it is open. Whatever is in the way here is in
    llvmlite's way as well, which says what it is."""
    if "llvmlite.binding" in sys.modules:
        return True
    spec = find_spec("llvmlite")
    if not sys.platform.startswith("linux") or spec is None or spec.origin is None:
        return False
    path = Path(spec.origin).parent / "binding" / "libllvmlite.so"
    try:
        dlopen = ctypes.CDLL(None).dlopen
    except AttributeError:
        # A C library that has it elsewhere.
        return False
    dlopen.restype = ctypes.c_void_p
    dlopen.argtypes = [ctypes.c_char_p, ctypes.c_int]
    return dlopen(bytes(path), os.RTLD_NOW | os.RTLD_LOCAL) is not None
