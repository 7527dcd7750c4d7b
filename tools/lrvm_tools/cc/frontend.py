"""Front ends: clang, from the package `ziglang` or of the system, and zig.

They compile for 32-bit MIPS, big-endian, without a floating-point unit, whose data layout is that
of this machine's C, and write LLVM bitcode before any optimisation.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import llvmlite.binding as llvm

from .errors import CompileError

TARGET: Final = "mips-unknown-linux-musl"
_MACROS: Final = ("-U__mips__", "-U__mips", "-Umips", "-U_mips", "-D__lrvm__=1", "-D__LRVM__=1")
_FLAGS: Final = (
    "-c", "-emit-llvm", f"--target={TARGET}", "-msoft-float", "-fno-pic", "-nostdinc",
    "-ffp-contract=off",  # there is no fused multiplication, so constants must not be folded by one
    "-fno-exceptions", "-fno-asynchronous-unwind-tables", "-fno-stack-protector",
    "-Xclang", "-disable-llvm-passes", "-Wno-unused-command-line-argument",
)  # fmt: skip
_HEADERS: Final = ("include", "libc/include/mips-linux-musl", "libc/include/generic-musl",
                   "libc/include/any-linux-any")  # fmt: skip
RUNTIME: Final = Path(__file__).parent / "runtime"
HOW_TO_GET_ONE: Final = (
    "no C front end: install the extra with `pip install lrvm-jit[cc]` (the package ziglang, "
    "clang and the C library), or name a clang with --clang PATH (or put one on the PATH)"
)


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """`command` runs clang; `library` is ziglang's folder with headers, musl and compiler-rt."""

    command: tuple[str, ...]
    library: Path | None

    @property
    def zig(self) -> tuple[str, ...] | None:
        """How to run zig itself."""
        if self.library is None:
            return None
        return (str(self.library.parent / ("zig.exe" if os.name == "nt" else "zig")),)


def find_front_end(clang: str | os.PathLike[str] | None = None) -> FrontEnd:
    """The clang that is named, that of the package ziglang, or one on the path.

    Raises CompileError if there is none, or if llvmlite cannot read what it writes.
    """
    library = _ziglang()
    if clang is not None:
        path = shutil.which(os.fspath(clang))
        if path is None:
            raise CompileError(f"there is no clang at {os.fspath(clang)}")
        command: tuple[str, ...] = (path,)
    elif library is not None:
        command = (str(library.parent / "zig"), "clang")
    elif (found := shutil.which("clang")) is not None:
        command = (found,)
    else:
        raise CompileError(HOW_TO_GET_ONE)
    _check_version(command)
    return FrontEnd(command, library)


@cache
def _ziglang() -> Path | None:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0])
    return folder / "lib" if (folder / "lib" / "libc" / "musl").is_dir() else None


@cache
def _check_version(command: tuple[str, ...]) -> None:
    """CompileError if a clang is newer than llvmlite's LLVM, or knows no MIPS."""
    text = _run([*command, "--version"]).stdout
    match = re.search(r"clang version (\d+)\.(\d+)", text)
    if match is None:
        raise CompileError(f"{' '.join(command)} is no clang: it calls itself {text[:80]!r}")
    ours = llvm.llvm_version_info
    if int(match[1]) > ours[0]:
        raise CompileError(
            f"{' '.join(command)} is clang {match[1]}.{match[2]}, whose IR llvmlite (with LLVM "
            f"{ours[0]}.{ours[1]}) cannot read: take an older clang, or a newer llvmlite"
        )
    if command[-1] != "clang" or len(command) == 1:
        targets = _run([*command, "--print-targets"]).stdout
        if targets and "mips " not in targets and "mips\n" not in targets:
            raise CompileError(f"{' '.join(command)} was built without the target mips")


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, cwd=folder
        )
    except OSError as error:
        raise CompileError(f"cannot run {command[0]}: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says about compiling. `level` is 0, 1, 2 or s; `debug` asks for positions."""

    level: str = "2"
    debug: bool = False
    include_paths: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()
    """NAME or NAME=VALUE"""
    extra: tuple[str, ...] = ()
    """Further arguments of clang."""


def compile_c_file(front_end: FrontEnd, path: str, options: Options) -> tuple[bytes, str]:
    """The bitcode of a C file, and the front end's warnings; its errors are a CompileError."""
    headers = [RUNTIME / "headers"]
    if front_end.library is not None:
        headers += [front_end.library / name for name in _HEADERS]
    arguments = [
        *front_end.command,
        *_FLAGS,
        *_MACROS,
        f"-O{options.level}",
        *(["-g"] if options.debug else []),
        *(f"-I{folder}" for folder in options.include_paths),
        *(f"-D{macro}" for macro in options.macros),
        *options.extra,
        *(item for folder in headers for item in ("-isystem", str(folder))),
    ]
    return _bitcode(arguments, path)


def compile_zig_file(front_end: FrontEnd, path: str, options: Options) -> tuple[bytes, str]:
    """The bitcode of a Zig file."""
    zig = front_end.zig
    if zig is None:
        raise CompileError(f"{path}: Zig files need the package ziglang")
    modes = {"0": "Debug", "s": "ReleaseSmall"}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.bc"
        arguments = [
            *zig, "build-obj", path, "-target", "mips-linux-musleabi", "-fno-emit-bin",
            f"-O{modes.get(options.level, 'ReleaseFast')}", f"-femit-llvm-bc={target}",
            "-fno-stack-check", "-fno-stack-protector", "-fno-unwind-tables",
            *([] if options.debug else ["-fstrip"]), "--cache-dir", folder,
        ]  # fmt: skip
        done = _run(arguments)
        if done.returncode or not target.exists():
            raise CompileError(done.stderr.strip() or f"zig failed on {path}")
        return target.read_bytes(), done.stderr


def _bitcode(arguments: list[str], path: str) -> tuple[bytes, str]:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.bc"
        done = _run([*arguments, "-o", str(target), path])
        if done.returncode or not target.exists():
            message = done.stderr.strip() or f"{arguments[0]} failed on {path}"
            if "unknown target triple" in message or "unable to create target" in message:
                message += "\nthis clang was built without the target mips"
            raise CompileError(message)
        return target.read_bytes(), done.stderr
