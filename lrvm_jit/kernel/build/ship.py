"""What is compiled before anybody installs it.

`python -m lrvm_jit.kernel.build.ship llvm` (`make kernel`) has numba make the LLVM code that the
sources have, and LLVM the baseline's stencils; without an argument (`make wheel`) LLVM makes the
objects of a wheel of that code, for every level of `shipped`, writing code and stencils anew first
if they are not those of the sources as they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from typing import Final

from ...code_cache.derived import keep, kept
from . import llvm_code
from .entry_points import entry_points
from .shipped import LEVELS, X86_64_LEVELS, cache, shipped_key

PLAIN: Final = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}
"""What numba compiles for: its LLVM code serves all processors."""
WRITE: Final = "write"


def main(arguments: list[str]) -> int:
    """Make what the sources have, or objects; returns the process's exit status."""
    if arguments == [WRITE]:
        _write_llvm_code()
    elif arguments == ["llvm"]:
        _have_llvm_code_written()
        _write_stencils()
    else:
        _make_objects()
    return 0


def _have_llvm_code_written() -> None:
    # In a process of its own, as numba reads once for which processor it compiles.
    command = [sys.executable, "-m", "lrvm_jit.kernel.build.ship", WRITE]
    subprocess.run(command, env={**os.environ, **PLAIN}, check=True)


def _write_llvm_code() -> None:
    import llvmlite.binding as llvm

    from .with_numba import compile_entry_point

    for source in entry_points():
        module = import_module(source.module)
        compiled = compile_entry_point(module, source.function, source.what)
        with llvm.parse_assembly(str(compiled.library.get_llvm_str())) as code:
            path = llvm_code.path_of(source.function)
            size = keep(path, source.sources, code.as_bitcode())
        print(f"{source.what}: {size >> 10} KiB of LLVM code in {llvm_code.FOLDER}")


def _write_stencils() -> None:
    # Imported here: the room is above this one.
    from ...jit.baseline import library

    for level in library.LEVELS:
        size = library.ship(level)
        print(f"the stencils for {level}: {size >> 10} KiB in {library.FOLDER}")


def out_of_date() -> list[str]:
    """What comes with the sources and does not belong to them as they are: what `make kernel` is
    for."""
    from ...jit.baseline import library

    found = [
        source.what
        for source in entry_points()
        if kept(llvm_code.path_of(source.function), source.sources) is None
    ]
    found += [
        f"the stencils for {level}" for level in library.LEVELS if library.shipped(level) is None
    ]
    return found


def _make_objects() -> None:
    if out_of_date():
        main(["llvm"])
    for source in entry_points():
        code = kept(llvm_code.path_of(source.function), source.sources)
        assert code is not None
        for level in LEVELS:
            data = object_for(level, code)
            key = shipped_key(source.sources, source.function, level)
            if not cache().save(key, data):
                raise OSError(f"the object for {level} cannot be written to {cache().folder}")
            print(f"{source.what} for {level}: {len(data) >> 10} KiB")


def object_for(level: str, code: bytes) -> bytes:
    """The object file for a level of processors, of LLVM's bitcode."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    architecture, cpu = ("x86_64", level) if level in X86_64_LEVELS else (level, "")
    with llvm.parse_bitcode(code) as module:
        return llvm_code.emit(module, f"{architecture}-unknown-linux-gnu", cpu)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
