"""The translations of earlier processes."""

from __future__ import annotations

import hashlib
import os
from functools import cache

from ...code_cache import CodeCache, user_cache
from ...code_cache.host import host_facts
from ...code_cache.sources import add_sources

SWITCH_VARIABLE = "LRVM_JIT_TRANSLATION_CACHE"
FOLDER = "translations"
PROGRAMS = "programs"
"""The folder with what is known of programs."""
SOURCES = ("jit/**/*.py", "isa/*.py", "core/layout.py", "core/numbering.py", "core/native_abi.py")
"""Files whose content decides what is compiled, relative to the package."""


def default_cache(kind: str = FOLDER) -> CodeCache:
    """The user's cache of that kind, in the folder that LRVM_JIT_CACHE_DIR names if it is set.

    LRVM_JIT_TRANSLATION_CACHE=0 (or "off", "no") turns it off.
    """
    if os.environ.get(SWITCH_VARIABLE, "").strip().lower() in ("0", "off", "no"):
        return CodeCache(None)
    return user_cache(kind)


@cache
def host_key() -> str:
    """A digest of what makes machine code differ between machines and between versions.

    Computed once in a process.
    """
    hasher = hashlib.sha256(repr(host_facts()).encode())
    add_sources(hasher, SOURCES)
    return hasher.hexdigest()
