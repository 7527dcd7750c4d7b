"""What makes machine code differ between machines. Known without numba and LLVM where possible:
a process that finds its code on disk imports neither."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

CPUINFO = "/proc/cpuinfo"
MEANINGFUL = (
    *(b"vendor_id", b"cpu family", b"model", b"flags"),
    *(b"CPU implementer", b"CPU architecture", b"CPU variant", b"CPU part", b"Features"),
)
"""The lines of /proc/cpuinfo for which LLVM makes different code, on x86-64 and on aarch64."""


@cache
def host_facts() -> tuple[object, ...]:
    """The compiler's version and this processor. Asked once in a process."""
    return (compiler_version("llvmlite"), *processor_facts())


def compiler_version(package: str) -> str:
    """The version of a package that compiles, which is not imported for that."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return "none"
    path = Path(spec.origin).with_name("_version.py")
    try:
        return path.read_text()
    except OSError:
        return str(__import__(package).__version__)


@cache
def processor_lines() -> dict[bytes, bytes]:
    """What Linux says of the first processor: `MEANINGFUL` lines; empty if there are none."""
    try:
        descriptor = os.open(CPUINFO, os.O_RDONLY)
    except OSError:
        return {}
    try:
        # The first processor stands at the beginning; a large machine has hundreds.
        text = os.read(descriptor, 1 << 14)
    except OSError:
        return {}
    finally:
        os.close(descriptor)
    lines = (line.partition(b":") for line in text.split(b"\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in lines if name.strip() in MEANINGFUL}


def processor_facts() -> tuple[object, ...]:
    """What identifies this processor for the compiler."""
    lines = processor_lines()
    if b"flags" in lines or b"Features" in lines:
        return (os.uname().machine, *sorted(lines.items()))
    # Imported here: elsewhere code is loaded by LLVM anyway.
    import llvmlite.binding as llvm

    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:
        # LLVM does not know them on every platform.
        features = ""
    return (llvm.get_process_triple(), llvm.get_host_cpu_name(), features)
