"""The translations of earlier processes."""

from __future__ import annotations

import hashlib
import os
from functools import cache

from ...code_cache import PACKAGE, CodeCache, user_cache
from ...code_cache.host import host_facts

SWITCH_VARIABLE = "LRVM_JIT_TRANSLATION_CACHE"
FOLDER = "translations"
SOURCES = ("jit/**/*.py", "isa/*.py", "core/layout.py", "core/numbering.py")
"""Files whose content decides what is compiled, relative to the package."""


def default_cache() -> CodeCache:
    """The cache of this user, in the folder that LRVM_JIT_CACHE_DIR names if it is set.

    LRVM_JIT_TRANSLATION_CACHE=0 (or "off", "no") turns it off.
    """
    if os.environ.get(SWITCH_VARIABLE, "").strip().lower() in ("0", "off", "no"):
        return CodeCache(None)
    return user_cache(FOLDER)


@cache
def host_key() -> str:
    """A digest of what makes machine code differ between machines and between versions.

    Computed once in a process.
    """
    hasher = hashlib.sha256(repr(host_facts()).encode())
    for pattern in SOURCES:
        for path in sorted(PACKAGE.glob(pattern)):
            hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hasher.hexdigest()
