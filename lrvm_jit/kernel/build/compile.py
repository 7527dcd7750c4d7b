"""Compiling the kernel, and keeping it on disk.

numba's own cache looks at the one file in which the entry point stands, so an edit in another
kernel module would leave stale machine code in use. Therefore a kernel's name in the cache is
made of everything that its code depends on: all sources, the versions, the settings.
"""

from __future__ import annotations

import gc
import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ...code_cache import (
    PACKAGE,
    CodeCache,
    chosen_folder,
    load_first,
    package_folder,
    package_trust,
    save_first,
    user_folder,
    warn_no_folder,
    warned,
)
from ...code_cache.host import host_facts
from ...locks import SharedLock

SOURCES = (
    "kernel/**/*.py",
    "core/layout.py",
    "core/native_abi.py",
    "core/baseline_layout.py",
    "isa/table.py",
    "isa/codes.py",
    "exceptions.py",
)
"""Files whose content decides what is compiled, relative to the package."""
SETTINGS = (
    "NUMBA_BOUNDSCHECK",
    "NUMBA_CPU_FEATURES",
    "NUMBA_CPU_NAME",
    "NUMBA_DEBUGINFO",
    "NUMBA_DISABLE_JIT",
    "NUMBA_OPT",
)
FOLDER = "kernels"
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
    """A name for everything that the compiled code depends on: its key in the cache."""
    import numba
    import numpy

    hasher = hashlib.sha256()
    for pattern in source.sources:
        for path in sorted(PACKAGE.glob(pattern)):
            hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    facts = (
        sys.version,
        host_facts(),
        numba.__version__,
        numpy.__version__,
        *(os.environ.get(name, "") for name in SETTINGS),
    )
    hasher.update(repr(facts).encode())
    return hasher.hexdigest()


def caches() -> list[CodeCache]:
    """Where the kernel may be: beside the package, then in the user's cache folder.

    The environment variable LRVM_JIT_CACHE_DIR names another place, which is the only one then.
    """
    chosen = chosen_folder()
    if chosen is not None:
        return [CodeCache(chosen, FOLDER)]
    return [
        CodeCache(package_folder(), FOLDER, trust=package_trust()),
        CodeCache(lambda saving: user_folder(saving=saving), FOLDER),
    ]


def _load(source: EntryPointSource) -> tuple[EntryPoint, int]:
    from numba.core.compiler_lock import global_compiler_lock

    from .jit import entry_point

    module = import_module(source.module)
    kernel = entry_point(getattr(module, source.function))
    with global_compiler_lock:
        key = digest(source)
        compiled = _cached(kernel, key)
        if compiled is None:
            print(
                f"lrvm_jit: compiling {source.what}, which takes some seconds and happens once",
                file=sys.stderr,
                flush=True,
            )
            module.load_sources()
            with _no_garbage_collection():
                kernel.compile(SIGNATURE)
            compiled = kernel.overloads[kernel.signatures[0]]
            # What is not trusted has been told already.
            if not save_first(caches(), key, _dumped(compiled)) and not warned():
                warn_no_folder()
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    # The compiled entry point itself: half the cost of calling through numba's dispatcher.
    return compiled.entry_point, address


def _cached(kernel: Any, key: str) -> Any:
    """What a cache has for the kernel, or None.

    numba's own cache checks nothing of what it reads, and trusts anybody; and its dispatchers
    would load all of numba's library before they ask it, which takes longer than everything else
    here and is of use only to compile.
    """
    from numba.core.compiler import CompileResult

    for cache, data in load_first(caches(), key):
        try:
            return CompileResult._rebuild(kernel.targetctx, *pickle.loads(data))
        except Exception:
            # Whole, and yet of no use: a numba that was changed by hand, say.
            cache.remove(key)
    return None


def _dumped(compiled: Any) -> bytes:
    """A compiled function as bytes, as numba's cache would write it."""
    from numba.core.serialize import dumps

    return dumps(compiled._reduce())  # type: ignore[no-any-return]


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
