"""Loading object code by LLVM, for systems and processors that `loading.py` does not know.

Of what llvmlite offers, only engines that are closed give everything back, and the old MCJIT engine
is the smallest and quickest of them: one for each object. LLJIT keeps nine kilobytes of every
library that it ever loaded.

MCJIT ends the process when it meets an object that it cannot link. Therefore ELF objects are
checked here before it sees them; of other formats, only what LLVM itself can tell.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from .elf import (
    EXECUTABLE,
    WRITABLE,
    LoadingError,
    RelocatableObject,
    damaged,
)
from .linking import Plan, no_others

ENGINE_BYTES = 48 << 10
"""What LLVM keeps for one engine beside the pages of its code, as measured."""
WAITING = 64
"""Released engines that wait at most before they are closed."""


class EngineCode:
    """`NativeCode` that an engine of LLVM's holds."""

    __slots__ = ("_engines", "address", "size")

    def __init__(self, engine: Any, address: int, size: int) -> None:
        self._engines = [engine]
        self.address = address
        """Where the function starts."""
        self.size = size
        """Bytes that it occupies, with what LLVM needs to manage it."""

    def release(self) -> None:
        """Give the memory back. The code must not be running; a second call does nothing.

        LLVM is not entered at every call: it has one lock, which the compiler may be holding in
        another thread for a long time. Usually the next `load` does the work.
        """
        # A pop is atomic. With a lock, releasing in a finalizer could wait for itself.
        with suppress(IndexError):
            _released.append(self._engines.pop())
        if len(_released) >= WAITING:
            free_released()


_released: list[Any] = []


def load(data: bytes, symbol: str) -> EngineCode:
    """Put object code into executable memory; see `loading.load`."""
    free_released()
    if data.startswith(b"\x7fELF"):
        size = _check(data, symbol)
    else:
        # Mach-O puts an underscore before the names of C.
        if f"\0_{symbol}\0".encode() not in data:
            raise LoadingError(f"the object code does not define {symbol!r}")
        size = _whole_pages(len(data))
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(""),
        _target().create_target_machine(opt=0),
        # Places all sections in one block. LLVM's own manager does not, and then data may be
        # farther from the code than its relative addresses reach.
        use_lmm=True,
    )
    try:
        object_file = llvm.ObjectFileRef.from_data(data)
        if not object_file:
            object_file.detach()
            raise LoadingError("LLVM does not recognise the object code")
        engine.add_object_file(object_file)
        # No finalize_object() before: it would compile the empty module, which takes longer than
        # everything else together. Asking for an address makes the pages executable as well.
        address = engine.get_function_address(symbol)
        if not address:
            raise LoadingError(f"the object code does not define {symbol!r}")
    except BaseException:
        engine.close()
        raise
    return EngineCode(engine, address, size + ENGINE_BYTES)


def free_released() -> None:
    """Close the engines of all code that has been released since the last time."""
    with suppress(IndexError):
        while True:
            _released.pop().close()


@cache
def _target() -> Any:
    """The machine that LLVM makes code for, which is this one."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


X86_64_RELATIVE = {2, 4, 24}
"""PC32, PLT32, PC64."""


def _check(data: bytes, symbol: str) -> int:
    """How many bytes of memory the code of an ELF object will occupy.

    LoadingError if `symbol` is missing, or for what would make LLVM end the process.
    """
    from .loading import machine

    source = RelocatableObject(data)
    if source.machine != machine():
        raise LoadingError(
            f"the object code is for {source.machine}, not for this machine, {machine()}"
        )
    plan = Plan(source, mmap.PAGESIZE)
    if symbol not in plan.functions():
        raise LoadingError(f"the object code does not define {symbol!r}")
    # LLVM links as this does: what it would stop at is noticed here.
    plan.image(0, no_others)
    for index, relocations in source.relocations():
        content = source.content(source.sections[index])
        for relocation in relocations:
            # LLVM adds what is there to the addend.
            old = content[relocation.offset : relocation.offset + 4]
            if relocation.kind in X86_64_RELATIVE and any(old):
                raise damaged("a relocation is not as LLVM makes them")
    groups = dict.fromkeys((EXECUTABLE, WRITABLE, 0), 0)
    for section in source.sections:
        if section.in_memory:
            groups[section.flags & EXECUTABLE or section.flags & WRITABLE] += section.size
    return sum(map(_whole_pages, groups.values()))
