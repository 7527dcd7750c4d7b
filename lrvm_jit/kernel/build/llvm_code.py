"""The kernel as LLVM code that comes with its sources: a fresh clone has no need of numba, which
takes nine tenths of the time of compiling it.

`make kernel` writes the files. Each begins with a digest of its content and of the sources that it
was made from; after an edit of those it is not used, and numba compiles, as it does where this LLVM
cannot read the code.
"""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import Any

from ...code_cache import PACKAGE
from ...code_cache.host import add_sources
from ...machine_code import machine

FOLDER = PACKAGE / "kernel" / "llvm"
LARGEST = 1 << 24
"""Bytes of LLVM code; there are some hundred thousand."""


def _path(function: str) -> Path:
    return FOLDER / f"{function}.bc.z"


def _digest(sources: tuple[str, ...], content: bytes) -> bytes:
    hasher = hashlib.sha256(content)
    add_sources(hasher, sources, PACKAGE)
    return hasher.digest()


def keep(function: str, sources: tuple[str, ...], code: bytes) -> int:
    """Write the file of a function, given as LLVM's bitcode for plain x86-64; its bytes."""
    content = zlib.compress(code, 9)
    FOLDER.mkdir(exist_ok=True)
    _path(function).write_bytes(_digest(sources, content) + content)
    return len(content)


def kept(function: str, sources: tuple[str, ...]) -> bytes | None:
    """The bitcode of a function, if there is one for these very sources."""
    try:
        data = _path(function).read_bytes()
    except OSError:
        return None
    digest, content = data[:32], data[32:]
    if digest != _digest(sources, content):
        return None
    try:
        return zlib.decompressobj().decompress(content, LARGEST)
    except zlib.error:
        return None


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
