"""Compiling the kernel, and keeping it on disk.

numba's own cache looks at the one file in which the entry point stands, so an edit in another
kernel module would leave stale machine code in use. Therefore the folder of the cache is named
after everything that the code depends on: all sources, the versions, the settings.
"""

from __future__ import annotations

import gc
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..locks import SharedLock

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = ("kernel/*.py", "isa/table.py", "exceptions.py")
"""Files whose content decides what is compiled, relative to the package."""
SETTINGS = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT", "NUMBA_DEBUGINFO", "NUMBA_DISABLE_JIT")
CACHE_VARIABLE = "LRVM_JIT_CACHE_DIR"
KEPT_FOLDERS = 8
SIGNATURE = "int64(int64)"

EntryPoint = Callable[[int], int]
"""A compiled function: takes the address of a context, returns why it stopped. Releases the GIL.
"""


@dataclass(frozen=True, slots=True)
class EntryPointSource:
    """A function to compile: `load_sources` in its module imports what it is compiled from."""

    module: str
    function: str
    what: str
    """What a message calls it."""
    sources: tuple[str, ...]
    """Files whose content decides what is compiled, relative to the package."""


KERNEL = EntryPointSource("lrvm_jit.kernel.entry", "enter", "the kernel", SOURCES)

_lock = SharedLock()
_loaded: dict[EntryPointSource, tuple[EntryPoint, int]] = {}


def load_kernel() -> EntryPoint:
    """The kernel's entry point."""
    return load(KERNEL)[0]


def load(source: EntryPointSource) -> tuple[EntryPoint, int]:
    """The compiled function, and its address for other compiled functions to call.

    Compiled at the first call in the process unless the cache has it.
    """
    with _lock:
        if source not in _loaded:
            _loaded[source] = _load(source)
        return _loaded[source]


def digest(source: EntryPointSource = KERNEL) -> str:
    """A name for everything that the compiled code depends on."""
    import llvmlite
    import numba
    import numpy

    hasher = hashlib.sha256()
    for pattern in source.sources:
        for path in sorted(PACKAGE.glob(pattern)):
            hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    facts = (
        sys.version,
        platform.machine(),
        numba.__version__,
        numpy.__version__,
        llvmlite.__version__,
        *(os.environ.get(name, "") for name in SETTINGS),
    )
    hasher.update(repr(facts).encode())
    return hasher.hexdigest()[:20]


def user_cache_folder() -> Path:
    """Where the system wants programs to keep what they can make again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lrvm_jit"


def cache_folder(source: EntryPointSource = KERNEL) -> Path | None:
    """The folder for this kernel: beside the package, else the user's; None if none can be used.

    The environment variable LRVM_JIT_CACHE_DIR names another one.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    bases = [Path(chosen)] if chosen else [PACKAGE / "__pycache__", user_cache_folder()]
    name = f"kernel-{digest(source)}"
    for base in bases:
        if _writable(base / name):
            return base / name
    return None


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _load(source: EntryPointSource) -> tuple[EntryPoint, int]:
    folder = cache_folder(source)
    if folder is None:
        print(
            f"lrvm_jit: no folder for the kernel cache is writable; set {CACHE_VARIABLE} to one",
            file=sys.stderr,
        )
        return _compile(source, None)
    try:
        return _compile(source, folder)
    except Exception:
        # A damaged cache must not stop anyone: compile without it, and throw it away.
        shutil.rmtree(folder, ignore_errors=True)
        return _compile(source, None)


def _compile(source: EntryPointSource, folder: Path | None) -> tuple[EntryPoint, int]:
    from numba.core import config, event
    from numba.core.compiler_lock import global_compiler_lock

    from .jit import entry_point

    class Announcer(event.Listener):
        """When the cache has no kernel: says that this takes a while, and loads the sources."""

        said = False

        def on_start(self, _: Any) -> None:
            if not Announcer.said:
                Announcer.said = True
                module.load_sources()
                print(
                    f"lrvm_jit: compiling {source.what}, which takes some seconds and happens once",
                    file=sys.stderr,
                    flush=True,
                )
                if folder is not None:
                    _remove_old(folder)

        def on_end(self, _: Any) -> None:
            pass

    module = import_module(source.module)
    function = getattr(module, source.function)
    with _cache_directory(config, folder):
        kernel = entry_point(function, cache=folder is not None)
    with global_compiler_lock:
        compiled = _cached(kernel)
        if compiled is None:
            with event.install_listener("numba:compile", Announcer()), _no_garbage_collection():
                kernel.compile(SIGNATURE)
            compiled = kernel.overloads[kernel.signatures[0]]
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    # The compiled entry point itself: half the cost of calling through numba's dispatcher.
    return compiled.entry_point, address


def _cached(kernel: Any) -> Any:
    """What numba's cache has for the kernel, or None.

    Dispatchers would ask it too, but not before they have loaded all of numba's library, which
    takes longer than everything else here and is of use only to compile.
    """
    from numba.core.caching import FunctionCache

    cache = kernel._cache
    if not isinstance(cache, FunctionCache):
        return None
    with cache._guard_against_spurious_io_errors():
        return cache._load_overload(SIGNATURE, kernel.targetctx)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Compiling makes very many objects and hardly any garbage; looking for it takes a tenth of
    the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _cache_directory(config: Any, folder: Path | None) -> Iterator[None]:
    """Point numba's cache to `folder` for functions that are declared meanwhile."""
    before = config.CACHE_DIR
    if folder is not None:
        config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before


def _remove_old(folder: Path) -> None:
    """Keep the newest few kernels, so that a developer's cache does not grow without end."""
    folders = [path for path in folder.parent.glob("kernel-*") if path != folder]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in folders[KEPT_FOLDERS:]:
        shutil.rmtree(path, ignore_errors=True)
