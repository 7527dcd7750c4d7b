"""The C library: musl and compiler-rt as they come with ziglang, and our own runtime.

Sources are compiled when a program needs a symbol of theirs, function by function, and their
objects are kept on disk. Nothing of them is part of this package.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lrvm_jit.code_cache import user_cache
from lrvm_jit.locks import cached_property

from .backend import compile_module
from .errors import CompileError
from .frontend import RUNTIME, FrontEnd, Options, compile_c_file
from .link import assembly_object
from .objects import ObjectFile
from .optimise import llvm_version, optimise

_MUSL_FOLDERS: Final = (
    "complex conf ctype dirent env errno exit fcntl fenv internal legacy locale math misc "
    "multibyte prng regex search setjmp signal stat stdio stdlib string temp time unistd".split()
)
_MUSL_INCLUDES: Final = ("arch/mips", "arch/generic", "src/include", "src/internal", "include")
_MUSL_FLAGS: Final = (
    "-std=c99", "-D_XOPEN_SOURCE=700", "-ffreestanding", "-fno-builtin", "-frounding-math", "-w"
)  # fmt: skip
_OWN_FLAGS: Final = ("-std=c11", "-D_GNU_SOURCE", "-ffreestanding", "-fno-builtin", "-w")
_OWN_SOURCES: Final = (
    "start.lasm", "jump.lasm", "words.lasm", "start.c", "system.c", "library.c", "arithmetic.c",
    "complex.c", "thread.c", "stdio.c",
)  # fmt: skip
_WITH_MUSL: Final = ("thread.c", "stdio.c")
"""Those of our own that need the headers that musl is built with."""
_ZIG_SOURCES: Final = ("c.zig", "compiler_rt.zig")
_DEFINITION: Final = re.compile(
    r"^(?!static|typedef|#|\s|extern|struct \w+ \{|union)[\w\s*]*?\b(\w+)\s*"
    r"(?:\([^;{]*(?:\{|$)|(?:\[[^;]*\])?\s*=)",
    re.MULTILINE,
)
_TENTATIVE: Final = re.compile(
    r"^(?!static|typedef|#|\s|extern|hidden|return)[\w\s*]*?\b(\w+)(?:\[\d*\])?;$", re.MULTILINE
)
_ALIAS: Final = re.compile(r"(?:weak|strong)_alias\(\s*\w+\s*,\s*(\w+)\s*\)")
_RENAMED: Final = {
    "__fsmu8": "musl/multibyte/internal.c",
    **dict.fromkeys(
        ("__libc", "__hwcap", "__progname", "__progname_full", "program_invocation_name"),
        "musl/internal/libc.c",
    ),
    **dict.fromkeys(
        ("__tre_mem_alloc_impl", "__tre_mem_destroy", "__tre_mem_new_impl"),
        "musl/regex/tre-mem.c",
    ),
}
"""Symbols whose definitions musl's sources hide behind macros."""
# What musl's own start code and threads are for is done by the runtime.
_NOT_MUSL: Final = frozenset(
    "exit.c _Exit.c abort.c __libc_start_main.c __init_tls.c __errno_location.c raise.c assert_.c "
    "syscall_ret.c __stdio_write.c __stdout_write.c __stdio_read.c puts.c".split()
)


_FOLDER: Final = "c-library"
"""Of the user's cache."""


class Library:
    """The library of one front end. `find` is what the linker asks."""

    def __init__(self, front_end: FrontEnd, report: Callable[[str], None] | None = None) -> None:
        self.front_end = front_end
        self.report = report
        self.loaded: dict[str, ObjectFile] = {}
        self._cache = user_cache(_FOLDER)

    def find(self, symbol: str) -> ObjectFile | None:
        """The object that defines a symbol, compiled if need be; None if there is none."""
        source = self.index.get(symbol)
        if source is None:
            return None
        loaded = self.loaded.get(source)
        if loaded is not None:
            return None  # its symbols are known to the linker
        self.loaded[source] = found = self._object(source)
        if source not in _ZIG_SOURCES:
            return found
        # What another source is asked for is this one's own affair.
        for name, (number, _) in list(found.symbols.items()):
            if self.index.get(name) != source:
                found.symbols[name] = (number, "local")
        for name, (target, addend, _) in list(found.aliases.items()):
            if self.index.get(name) != source:
                found.aliases[name] = (target, addend, "local")
        return found

    def defines(self, symbol: str) -> bool:
        return symbol in self.index

    def start(self) -> ObjectFile:
        """The object with the reset's code."""
        found = self.find("__lrvm_reset")
        if found is None:
            found = self.loaded[self.index["__lrvm_reset"]]
        return found

    # What is where.

    @cached_property
    def index(self) -> dict[str, str]:
        """The source of each symbol: the runtime's first, then musl, then what Zig has."""
        key = self._key("index", b"")
        cached = self._cache.load(key)
        if cached is not None:
            pairs = (line.split("\t") for line in cached.decode().splitlines())
            return dict(pairs)
        index: dict[str, str] = {}
        own = {name: self._object(name) for name in _OWN_SOURCES if self._usable(name)}
        for name in _ZIG_SOURCES:
            if self.front_end.library is not None:
                self._note(index, self._object(name), name)
        index.update(self._musl_index())
        for name, one in own.items():
            self._note(index, one, name)
        text = "\n".join(f"{symbol}\t{source}" for symbol, source in index.items())
        self._cache.save(key, text.encode())
        return index

    def _usable(self, name: str) -> bool:
        return self.front_end.library is not None or name not in _WITH_MUSL

    def _note(self, index: dict[str, str], one: ObjectFile, source: str) -> None:
        for name, (_, binding) in one.symbols.items():
            if binding != "local":
                index[name] = source
        for name, (_, _, binding) in one.aliases.items():
            if binding != "local":
                index[name] = source

    def _musl_index(self) -> dict[str, str]:
        library = self.front_end.library
        if library is None:
            return {}
        root = library / "libc" / "musl" / "src"
        weak: dict[str, str] = {}
        index: dict[str, str] = {}
        stems: dict[str, str] = {}
        for folder in _MUSL_FOLDERS:
            for path in sorted((root / folder).glob("*.c")):
                if path.name in _NOT_MUSL:
                    continue
                source = f"musl/{folder}/{path.name}"
                text = path.read_text("utf-8", "replace")
                for match in _DEFINITION.finditer(text):
                    index.setdefault(match[1], source)
                for match in _ALIAS.finditer(text):
                    weak.setdefault(match[1], source)
                stems[path.stem] = source
                if folder in ("time", "stat", "unistd"):
                    # The headers call what takes a time_t of 64 bits by another name.
                    base, reentrant = path.stem.removesuffix("_r"), path.stem.endswith("_r")
                    stems[f"__{base}64{'_r' if reentrant else ''}"] = source
                    stems[f"__{path.stem}_time64"] = source
                for match in _TENTATIVE.finditer(text):
                    weak.setdefault(match[1], source)
        return {**weak, **index, **stems, **_RENAMED}

    # Objects.

    def _object(self, source: str) -> ObjectFile:
        path, flags, level = self._recipe(source)
        key = self._key(source, path.read_bytes())
        cached = self._cache.load(key)
        if cached is not None:
            return ObjectFile.load(cached)
        if self.report is not None:
            self.report(f"compiling {source} of the C library (kept for the next time)")
        name = f"library:{source}"
        if path.suffix == ".lasm":
            made = assembly_object(name, path.read_text("utf-8"))
        else:
            if path.suffix == ".zig":
                bitcode = self._zig(path)
            else:
                options = Options(level="s", extra=flags)
                bitcode = compile_c_file(self.front_end, str(path), options)[0]
            made = compile_module(
                optimise([(name, bitcode)], level, None), name, leave_out=path.suffix == ".zig"
            )
        self._cache.save(key, made.dump())
        return made

    def _recipe(self, source: str) -> tuple[Path, tuple[str, ...], str]:
        """The path of a source, what clang is told about it, and how it is optimised."""
        own = ("-I", str(RUNTIME / "include"), "-I", str(RUNTIME))
        library = self.front_end.library
        musl = () if library is None else tuple(
            item
            for folder in _MUSL_INCLUDES
            for item in ("-I", str(library / "libc" / "musl" / folder))
        )  # fmt: skip
        if source.startswith("musl/"):
            assert library is not None
            _, folder, name = source.split("/")
            path = library / "libc" / "musl" / "src" / folder / name
            return path, (*_MUSL_FLAGS, *own, *musl), "s"
        if source in _ZIG_SOURCES:
            assert library is not None
            return library / source, (), "s"
        flags = _MUSL_FLAGS if source in _WITH_MUSL else _OWN_FLAGS
        fast = source in ("library.c", "arithmetic.c")
        return (
            RUNTIME / source,
            (*flags, *own, *(musl if source in _WITH_MUSL else ())),
            "2" if fast else "s",
        )

    def _zig(self, path: Path) -> bytes:
        zig = self.front_end.zig
        assert zig is not None
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "out.bc"
            command = [
                *zig, "build-obj", str(path), "-target", "mips-linux-musleabi", "-OReleaseSmall",
                "-fno-emit-bin", f"-femit-llvm-bc={target}", "-fstrip", "--cache-dir", folder,
                "--global-cache-dir", folder, *(["-lc"] if path.name == "c.zig" else []),
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode or not target.exists():
                raise CompileError(f"zig cannot compile {path}: {done.stderr.strip()}")
            return target.read_bytes()

    # The cache.

    def _key(self, source: str, content: bytes) -> str:
        digest = hashlib.sha256()
        for part in (source.encode(), content, self._fingerprint):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.hexdigest()

    @cached_property
    def _fingerprint(self) -> bytes:
        """What the objects depend on besides their source: compiler, headers and this package."""
        digest = hashlib.sha256()
        digest.update("\0".join([*self.front_end.command, llvm_version(), sys.version]).encode())
        library = self.front_end.library
        if library is not None:
            stat = (library.parent / "zig").stat()
            digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
        package = Path(__file__).parent
        for path in sorted(package.rglob("*")):
            if path.suffix in (".py", ".c", ".h", ".lasm") and path.name != "__init__.py":
                digest.update(path.read_bytes())
        return digest.digest()
