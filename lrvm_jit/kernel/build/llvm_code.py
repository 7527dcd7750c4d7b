"""The kernel as LLVM code that comes with its sources: a fresh clone has no need of numba, which
takes nine tenths of the time of compiling it.

`make kernel` writes the files (`code_cache.derived`). After an edit of the sources they are not
used, and numba compiles, as it does where this LLVM cannot read the code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...code_cache import PACKAGE
from ...machine_code import machine

FOLDER = PACKAGE / "kernel" / "llvm"


def path_of(function: str) -> Path:
    """Where the code of an entry point is."""
    return FOLDER / f"{function}.bc.z"


def compile_for_this_processor(code: bytes) -> bytes | None:
    """The object file; None if LLVM cannot read the code."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    try:
        with llvm.parse_bitcode(code) as module:
            return emit(
                module,
                f"{machine()}-unknown-linux-gnu",
                llvm.get_host_cpu_name(),
                llvm.get_host_cpu_features().flatten(),
            )
    except RuntimeError:
        return None


def emit(module: Any, triple: str, cpu: str = "", features: str = "") -> bytes:
    """The object file of a module that numba has made for plain x86-64, for Linux on a processor.

    In it nothing depends on the processor: x86-64 and aarch64 have the same sizes and alignments of
    all that the kernel uses.
    """
    import llvmlite.binding as llvm

    target = llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="static", codemodel="large"
    )
    module.triple = triple
    module.data_layout = str(target.target_data)
    return bytes(target.emit_object(module))
