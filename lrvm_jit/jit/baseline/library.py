"""The stencils for this processor: from the sources, from the cache, or made now."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from ...code_cache import PACKAGE, CodeCache, load_first, shared_caches
from ...code_cache.derived import keep, kept
from ...code_cache.host import host_facts
from ...code_cache.sources import add_sources
from ...core import native_abi as abi
from ...kernel.build.shipped import levels
from .stencils import Stencils

SOURCES: Final = (
    *(
        f"jit/baseline/{name}.py"
        for name in ("forms", "making", "operands", "stencils", "tables", "target", "tidy")
    ),
    *("jit/native_ir.py", "core/native_abi.py", "core/numbering.py"),
    *(
        f"isa/{name}.py"
        for name in ("codec", "codes", "semantics", "spellings", "symbolic", "table")
    ),
)
"""Files whose content decides what the stencils are, relative to the package."""
LEVELS: Final = ("x86-64-v3", "x86-64")
"""Processors for which stencils come with the sources. Those between have nothing that would
change one."""
FOLDER: Final = PACKAGE / "jit" / "baseline" / "made"
"""Where these are; `make kernel` writes them."""
KIND: Final = "stencils"
"""The folder of caches."""


def path_of(level: str) -> Path:
    """Where the stencils for a level of processors are."""
    return FOLDER / f"{level}.stencils.z"


def ship(level: str) -> int:
    """Write the stencils that come with the sources; the bytes of the file."""
    from .making import make_stencils

    return keep(path_of(level), SOURCES, make_stencils(abi.DEFAULT_PINS, level).pack())


def shipped(level: str) -> Stencils | None:
    """The stencils for a level, if some come with these very sources."""
    content = kept(path_of(level), SOURCES)
    return None if content is None else Stencils.unpack(content)


@cache
def stencils() -> Stencils:
    """The stencils for this processor. Asked once in a process."""
    return _shipped_for_this_processor() or _cached_or_made()[0]


def ready_made(folder: Path | None = None) -> Path | None:
    """The stencils' folder, for `warm`: they are made now, into `folder` if one is given, unless
    they come with the sources. None if they cannot be kept."""
    if _shipped_for_this_processor() is not None:
        return FOLDER
    made, where = _cached_or_made()
    if folder is not None:
        where = CodeCache(folder, KIND)
        if not where.save(_key(), made.pack()):
            return None
    return None if where is None else where.folder


def _shipped_for_this_processor() -> Stencils | None:
    for level in levels():
        found = shipped(level) if level in LEVELS else None
        if found is not None:
            return found
    return None


def _key() -> str:
    hasher = hashlib.sha256()
    add_sources(hasher, SOURCES, PACKAGE)
    hasher.update(repr(host_facts()).encode())
    return hasher.hexdigest()


def _cached_or_made() -> tuple[Stencils, CodeCache | None]:
    """And which cache has them."""
    key = _key()
    for one, content in load_first(shared_caches(KIND), key):
        try:
            return Stencils.unpack(content), one
        except ValueError:
            one.remove(key)
    # Imported here, as it is LLVM that makes them.
    from .making import make_stencils

    made = make_stencils(abi.DEFAULT_PINS)
    content = made.pack()
    return made, next((one for one in shared_caches(KIND) if one.save(key, content)), None)
