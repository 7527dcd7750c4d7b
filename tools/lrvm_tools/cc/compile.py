"""From source files to an executable."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from lrvm_jit.input_files import read_file, read_text

from ..executable import Executable, MachineDescription
from ..lasm import AssemblyError
from .backend import compile_module
from .errors import CompileError, UnsupportedError
from .frontend import (
    FrontEnd,
    Options,
    compile_c_file,
    compile_zig_file,
    find_front_end,
)
from .library import Library
from .link import Linker, Target, read_assembly, source_text
from .objects import ObjectFile
from .optimise import optimise

PathLike = str | os.PathLike[str]
LEVELS = ("0", "1", "2", "3", "s")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def compile_c(
    sources: PathLike | Iterable[PathLike],
    *,
    level: str | int = "2",
    debug: bool = False,
    check: bool | None = None,
    include_paths: Iterable[PathLike] = (),
    macros: Iterable[str] = (),
    ram: int = 0x0100_0000,
    machine: MachineDescription | None = None,
    clang: PathLike | None = None,
    report: Callable[[str], None] | None = None,
    name: str | None = None,
) -> Executable:
    """Compile and link C, IR, Zig and assembly files to a program for the machine `c`.

    `level` is 0, 1, 2, 3 (the same as 2) or "s" (small). `debug` adds lines, functions and
    variables. `check` makes reads of NULL and a stack that meets the heap exceptions; by default at
    level 0. `macros` are NAME or NAME=VALUE. `ram` is the machine's RAM in bytes; `machine` links
    for another machine. `clang` names the front end; `report` is told what takes time. Raises
    CompileError for what is wrong with the program or its tools, and OSError for files that cannot
    be read.
    """
    paths = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if not paths:
        raise CompileError("there is nothing to compile")
    if str(level) not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, not {level!r}")
    options = Options(
        "2" if str(level) == "3" else str(level),  # larger code is no faster here
        debug,
        tuple(os.fspath(path) for path in include_paths),
        tuple(macros),
    )
    checked = options.level == "0" if check is None else check
    job = _Job([os.fspath(path) for path in paths], options, checked, clang, report)
    target = Target(ram, machine)
    return job.run(name or Path(paths[0]).stem, target)


class _Job:
    def __init__(
        self,
        paths: Sequence[str],
        options: Options,
        check: bool,
        clang: PathLike | None,
        report: Callable[[str], None] | None,
    ) -> None:
        self.paths = paths
        self.options = options
        self.check = check
        for path in paths:
            if Path(path).suffix not in (".c", ".ll", ".bc", ".lasm", ".zig"):
                raise CompileError(
                    f"{path}: what kind of file is that? known are .c .ll .lasm .zig"
                )
            if not Path(path).is_file():
                raise FileNotFoundError(2, "No such file", path)
        self.front_end: FrontEnd = find_front_end(clang)
        self.library = Library(self.front_end, report)

    def run(self, name: str, target: Target) -> Executable:
        assembly = self._assembly()
        objects: list[ObjectFile] = list(assembly)
        modules = self._modules(self.options)
        if modules:
            wanted = {"main"}
            for path in self.paths:
                if path.endswith(".lasm"):
                    wanted |= set(_NAME.findall(source_text(Path(path))))
            text = optimise(
                modules,
                self.options.level,
                lambda symbol: symbol in wanted or self.library.defines(symbol),
            )
            try:
                objects.append(compile_module(text, name, self.check, self.options.debug))
            except UnsupportedError as error:
                raise self._with_line(error, wanted) from None
        start = self.library.start()
        linker = Linker([start, *objects], self.library.find, target)
        return linker.link(name)

    def _assembly(self) -> list[ObjectFile]:
        try:
            return [read_assembly(Path(path)) for path in self.paths if path.endswith(".lasm")]
        except AssemblyError as error:
            raise CompileError(str(error)) from None

    def _modules(self, options: Options) -> list[tuple[str, bytes | str]]:
        modules: list[tuple[str, bytes | str]] = []
        for path in self.paths:
            suffix = Path(path).suffix
            if suffix == ".c":
                data, messages = compile_c_file(self.front_end, path, options)
            elif suffix == ".zig":
                data, messages = compile_zig_file(self.front_end, path, options)
            elif suffix == ".ll":
                modules.append((path, read_text(path, "replace")))
                continue
            elif suffix == ".bc":
                modules.append((path, read_file(path)))
                continue
            else:
                continue
            modules.append((path, data))
            if messages.strip():
                warnings.warn(messages.strip(), UserWarning, stacklevel=4)
        return modules

    def _with_line(self, error: UnsupportedError, wanted: set[str]) -> CompileError:
        """The same error with its source line, by compiling again with positions."""
        if self.options.debug:
            return error
        options = replace(self.options, debug=True)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                modules = self._modules(options)
            text = optimise(
                modules,
                options.level,
                lambda symbol: symbol in wanted or self.library.defines(symbol),
            )
            compile_module(text, "again", self.check, True)
        except UnsupportedError as again:
            return again
        except CompileError:
            pass
        return error
