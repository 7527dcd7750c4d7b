"""Compiling entry points by numba; and keeping and loading them as numba does, where
`lrvm_jit.machine_code` cannot load them.

numba's own cache checks nothing of what it reads, and trusts anybody; and its dispatchers would
load all of numba's library before they ask it, which takes longer than everything else there and is
of use only to compile.
"""

from __future__ import annotations

import gc
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ...code_cache import CodeCache, load_first
from .compat import from_bytes, global_compiler_lock, target_of
from .jit import entry_point

SIGNATURE = "int64(int64)"


def compile_entry_point(module: ModuleType, name: str, what: str) -> Any:
    """numba's result of compiling a function of a module; says that it takes a while."""
    print(
        f"lrvm_jit: compiling {what}, which takes some seconds and happens once",
        file=sys.stderr,
        flush=True,
    )
    with global_compiler_lock, _no_garbage_collection():
        module.load_sources()
        function = entry_point(getattr(module, name))
        function.compile(SIGNATURE)
        return function.overloads[function.signatures[0]]


def object_code(compiled: Any) -> bytes:
    """The object file of a compiled function."""
    _, _, (code, _) = compiled.library.serialize_using_object_code()
    return bytes(code)


def from_caches(caches: list[CodeCache], key: str, function: Any) -> Any:
    """What a cache has for a function, or None."""
    with global_compiler_lock:
        target = target_of(entry_point(function))
        for cache, data in load_first(caches, key):
            try:
                return from_bytes(target, pickle.loads(data))
            except Exception:
                # Whole, and yet of no use: a numba that was changed by hand, say.
                cache.remove(key)
    return None


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
