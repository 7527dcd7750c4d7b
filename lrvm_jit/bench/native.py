"""The same algorithms in C: what this processor needs for the work of the guest programs.

The sources are in a checkout's `bench/native/`; an installed package has none. A C program takes
the rounds that the guest finds in rr0, and how often to run, prints the seconds of each run and
then its result, which must be the guest's.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from .programs import Program

NATIVE, CLANG = "native", "clang"
"""What stands for the C programs where engines have their name: by the system's compiler, and by
the front end of `lrvm cc`."""

SOURCES = Path(__file__).resolve().parents[2] / "bench" / "native"
COMPILERS = ("cc", "gcc", "clang")
OPTIONS = ("-O2",)


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler's command with its options, and what its column is called."""

    name: str
    command: tuple[str, ...]
    has_soft_floats: bool
    """Whether its programs can call the routines for floating point that guests use."""


class NativeUnavailableError(Exception):
    """C programs cannot be measured here; the message, one line, says why."""


def find_compiler() -> tuple[str, ...]:
    """The command of a C compiler: $CC if it is set, or the first of COMPILERS that exists."""
    chosen = os.environ.get("CC", "").strip()
    if not chosen:
        for name in COMPILERS:
            if path := shutil.which(name):
                return (path,)
        raise NativeUnavailableError(
            f"no C compiler found, of {', '.join(COMPILERS)}; $CC can name another"
        )
    try:
        command = tuple(shlex.split(chosen))
    except ValueError as error:
        raise NativeUnavailableError(f"$CC is {chosen!r}: {error}") from None
    if shutil.which(command[0]) is None:
        raise NativeUnavailableError(f"$CC is {chosen!r}, and there is no such command")
    return command


def system_compiler() -> Compiler:
    """The system's compiler. NativeUnavailableError if there is none."""
    return Compiler(NATIVE, (*find_compiler(), *OPTIONS), False)


def front_end() -> Compiler | None:
    """The clang of the extra `cc`, which also compiles the guests, without vectors as they are;
    for x86-64 its baseline. None without the extra."""
    if find_spec("ziglang") is None:
        return None
    command = [sys.executable, "-m", "ziglang", "cc", *OPTIONS, "-fno-vectorize"]
    if platform.machine() == "x86_64":
        command.append("-mcpu=x86_64")
    return Compiler(CLANG, tuple(command), True)


class NativePrograms:
    """The C programs by a compiler, by default the system's, each compiled when first asked for.

    Use it in a `with` block: the compiled files are in a temporary folder that goes away with it.
    NativeUnavailableError, also from the methods, if there is no compiler, no source, or if what
    was compiled cannot be started.
    """

    def __init__(self, sources: Path | None = None, compiler: Compiler | None = None) -> None:
        sources = sources or SOURCES
        if not sources.is_dir():
            raise NativeUnavailableError(f"no C sources: {sources} is in a checkout only")
        self._compiler = compiler or system_compiler()
        self._sources = sources
        self._folder = tempfile.TemporaryDirectory(prefix="lrvm-bench-")
        self._executables: dict[str, Path] = {}

    def __enter__(self) -> NativePrograms:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    @property
    def name(self) -> str:
        """What the compiler's column is called."""
        return self._compiler.name

    def has(self, program: Program) -> bool:
        """Whether the program can be measured with this compiler: the guests' own by clang, and
        what computes with floating point only where both use the same routines."""
        if program.source is None:
            return program.native is not None and self.name == NATIVE
        return self._compiler.has_soft_floats or not program.is_soft

    def seconds(self, program: Program, repeats: int) -> tuple[float, ...]:
        """The seconds of `repeats` runs, after one that is not counted.

        RuntimeError if it fails, or ends with another result than the guest must.
        """
        if program.native is None:
            raise NativeUnavailableError(f"{program.name} is not written in C")
        executable = self._executable(program, program.native)
        command = [str(executable), str(program.rounds), str(repeats)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise NativeUnavailableError(f"{executable} does not start: {error}") from None
        *lines, last = done.stdout.splitlines() or [""]
        result = re.fullmatch(r"result (\d+)", last)
        if done.returncode != 0 or result is None or len(lines) != repeats:
            raise RuntimeError(
                f"{program.native}.c ended with status {done.returncode}, having printed "
                f"{done.stdout + done.stderr!r}"
            )
        if int(result[1]) != (wanted := program.expected(program.rounds)):
            raise RuntimeError(
                f"{program.native}.c ended with {int(result[1]):#x} instead of {wanted:#x}"
            )
        return tuple(float(line) for line in lines)

    def _executable(self, program: Program, name: str) -> Path:
        if name not in self._executables:
            path = Path(self._folder.name) / name
            source = program.source or self._sources / f"{name}.c"
            defined = ["-DNATIVE", *(["-DSOFT"] if program.is_soft else [])]
            command = [*self._compiler.command, *defined, "-o", str(path), str(source)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                said = (done.stderr.strip() or f"status {done.returncode}").splitlines()
                line = next((line for line in said if "error" in line), said[0])
                raise NativeUnavailableError(
                    f"{shlex.join(self._compiler.command)} does not compile {name}.c: {line}"
                )
            self._executables[name] = path
        return self._executables[name]
