"""Compiling the kernel, and keeping it on disk.

numba's own cache looks at the one file in which the entry point stands, so an edit in another
kernel module would leave stale machine code in use. Therefore a kernel's name in the cache is
made of everything that its code depends on: all sources, the versions, the settings.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module

from ...code_cache import (
    PACKAGE,
    CodeCache,
    load_first,
    save_first,
    shared_caches,
    warn_no_folder,
    warned,
)
from ...code_cache.derived import kept
from ...code_cache.host import compiler_version, host_facts
from ...code_cache.sources import add_sources
from ...locks import SharedLock
from ...machine_code import LoadingError, is_supported
from ...records import dataclass
from . import llvm_code, shipped
from .python_function import python_function

SOURCES = (
    "kernel/*.py",
    *(f"kernel/build/{name}.py" for name in ("compat", "hints", "jit", "with_numba")),
    *(
        f"core/{name}.py"
        for name in ("layout", "numbering", "kernel_arrays", "native_abi", "baseline_layout")
    ),
    *("isa/table.py", "isa/codes.py", "exceptions.py"),
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
HELPED = ("NUMBA_BOUNDSCHECK", "NUMBA_DEBUGINFO", "NUMBA_DISABLE_JIT")
"""Settings for which compiled code needs numba's help while it runs, or is no machine code."""
FOLDER = "kernels"

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
    """A name for everything that the compiled code depends on: its key in the cache.

    Neither numba nor LLVM is imported for it.
    """
    import numpy

    hasher = hashlib.sha256()
    add_sources(hasher, source.sources, PACKAGE)
    facts = (
        "object" if needs_no_numba() else "numba",
        sys.version,
        host_facts(),
        compiler_version("numba"),
        numpy.__version__,
        *(os.environ.get(name, "") for name in SETTINGS),
    )
    hasher.update(repr(facts).encode())
    return hasher.hexdigest()


def needs_no_numba() -> bool:
    """Whether compiled code is kept as an object file and loaded without numba."""
    return is_supported() and not any(os.environ.get(name) for name in HELPED)


def caches() -> list[CodeCache]:
    """Where the kernel may be."""
    return shared_caches(FOLDER)


def _load(source: EntryPointSource) -> tuple[EntryPoint, int]:
    return _load_object(source) if needs_no_numba() else _load_by_numba(source)


def _load_object(source: EntryPointSource) -> tuple[EntryPoint, int]:
    for cache, key, data in _found(source):
        try:
            return python_function(data, source.function)
        except LoadingError:
            # Whole, and yet of no use.
            cache.remove(key)
    data, _ = _compiled(source)
    return python_function(data, source.function)


def _found(source: EntryPointSource) -> Iterator[tuple[CodeCache, str, bytes]]:
    """The objects that there are: for this very processor, then those that a wheel has."""
    key = digest(source)
    for cache, data in load_first(caches(), key):
        yield cache, key, data
    if shipped.exists() and not _has_settings():
        for level in shipped.levels():
            key = shipped.shipped_key(source.sources, source.function, level)
            for cache, data in load_first([shipped.cache()], key):
                yield cache, key, data


def _compiled(source: EntryPointSource) -> tuple[bytes, CodeCache | None]:
    """The object, compiled now, and where it was saved."""
    data = _from_llvm_code(source)
    if data is None:
        from .with_numba import compile_entry_point, object_code

        module = import_module(source.module)
        data = object_code(compile_entry_point(module, source.function, source.what))
    return data, _save(digest(source), data)


def _from_llvm_code(source: EntryPointSource) -> bytes | None:
    """The object, made by LLVM alone, if there is LLVM code for these sources and no settings say
    how to compile."""
    if _has_settings():
        return None
    code = kept(llvm_code.path_of(source.function), source.sources)
    return None if code is None else llvm_code.compile_for_this_processor(code)


def _has_settings() -> bool:
    return any(os.environ.get(name) for name in SETTINGS)


def ready_made(source: EntryPointSource) -> tuple[bytes, CodeCache | None]:
    """What is kept of compiled code, for `warm`: made now if it is not there. And where it is."""
    with _lock:
        if needs_no_numba():
            for cache, _, data in _found(source):
                return data, cache
            return _compiled(source)
        load(source)
        for cache, data in load_first(caches(), digest(source)):
            return data, cache
    return b"", None


def _load_by_numba(source: EntryPointSource) -> tuple[EntryPoint, int]:
    from . import compat, with_numba

    module = import_module(source.module)
    key = digest(source)
    compiled = with_numba.from_caches(caches(), key, getattr(module, source.function))
    if compiled is None:
        compiled = with_numba.compile_entry_point(module, source.function, source.what)
        _save(key, compat.bytes_of(compiled))
    return compat.entry_and_address(compiled)


def _save(key: str, data: bytes) -> CodeCache | None:
    """Keep code in the first place that takes it; which one that was."""
    for cache in caches():
        if save_first([cache], key, data):
            return cache
    # What is not trusted has been told already.
    if not warned():
        warn_no_folder()
    return None
