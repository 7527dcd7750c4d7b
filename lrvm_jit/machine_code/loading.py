"""Object code becomes functions in memory, and goes away again.

A program that changes its own code can have thousands of translations made and thrown away, so
nothing may stay behind.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any, Protocol

from .elf import LoadingError, RelocatableObject
from .linking import Plan, Resolve, no_others
from .memory import PAGE, CodeMemory
from .relocation import KINDS

SWITCH_VARIABLE = "LRVM_JIT_LOADER"
"""`llvm` has numba and LLVM load all machine code, as they do where there is no other way."""


class NativeCode(Protocol):
    """Functions in executable memory, until `release` or until nothing refers to this object."""

    @property
    def address(self) -> int:
        """Where the function starts that `load` was asked for."""

    @property
    def size(self) -> int:
        """Bytes of memory that it occupies, with what is needed to manage it."""

    def release(self) -> None:
        """Give the memory back. The code must not be running; a second call does nothing."""


class LoadedCode:
    """`NativeCode` in memory of our own."""

    __slots__ = ("_memory", "address", "functions", "size", "variables")

    def __init__(self, data: bytes, symbol: str | None, resolve: Resolve = no_others) -> None:
        """Load an object file. See `load`; `resolve` tells where the symbols are that the object
        needs from elsewhere. Without a symbol, `address` is where the code starts."""
        source = RelocatableObject(data)
        if source.machine != machine():
            raise LoadingError(
                f"the object code is for {source.machine}, not for this machine, {machine()}"
            )
        plan = Plan(source, PAGE)
        places = plan.functions()
        if symbol is not None and symbol not in places:
            raise LoadingError(f"the object code does not define {symbol!r}")
        self._memory = CodeMemory(plan.size)
        start = self._memory.address
        self._memory.write(0, plan.image(start, resolve))
        self._memory.make_executable(plan.code_size)
        self.functions = {name: start + place for name, place in places.items()}
        """Where the functions start that others may call, by name."""
        self.variables = {name: start + place for name, place in plan.variables().items()}
        """Where the variables are that others may use, by name."""
        self.address = start if symbol is None else self.functions[symbol]
        """Where the function starts that `load` was asked for."""
        self.size = self._memory.size
        """Bytes that it occupies."""

    def release(self) -> None:
        """Give the memory back. The code must not be running; a second call does nothing."""
        self._memory.release()


def load(data: bytes, symbol: str) -> NativeCode:
    """Put object code into executable memory; `symbol` names the function whose address counts.

    Any thread may call this. LoadingError says what is wrong with the bytes. The code may not
    refer to anything outside itself, such as the `memset` that LLVM makes of some loops unless
    the function has the attribute "no-builtins". Whoever has the bytes from a file has checked
    whom to trust with it, and a digest (`lrvm_jit.code_cache`).
    """
    if not is_supported():
        from .mcjit import load as load_by_llvm

        return load_by_llvm(data, symbol)
    return LoadedCode(data, symbol)


def is_supported() -> bool:
    """Whether this process loads machine code by itself, without numba and LLVM: on Linux, with a
    processor whose relocations are known here, unless LRVM_JIT_LOADER says `llvm`."""
    return _is_known() and os.environ.get(SWITCH_VARIABLE, "").strip().lower() != "llvm"


@cache
def _is_known() -> bool:
    return (
        sys.platform == "linux"
        and machine() in KINDS
        and sys.maxsize > 1 << 32
        and sys.byteorder == "little"
    )


@cache
def machine() -> str:
    """What this machine's processor is called."""
    uname: Any = getattr(os, "uname", None)
    return str(uname().machine) if uname else "unknown"
