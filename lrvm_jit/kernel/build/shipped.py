"""Compiled code that comes with an installed wheel: for usual levels of processors, not for one.

`make wheel` makes it (`ship.py`); an editable or plain installation of the sources has none. Its
key is a digest of the sources and the level, so what does not belong to these sources is not found.
"""

from __future__ import annotations

import hashlib
from typing import Final

from ...code_cache import PACKAGE, CodeCache, package_trust
from ...code_cache.host import processor_lines
from ...code_cache.sources import add_sources
from ...machine_code import machine

FOLDER: Final = "shipped"
FORMAT: Final = "1"
"""Counts up when objects are made in another way from the same sources."""

_V2: Final = frozenset(b"cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3".split())
_V3: Final = _V2 | frozenset(b"avx avx2 bmi1 bmi2 f16c fma abm movbe xsave".split())
X86_64_LEVELS: Final = {"x86-64-v3": _V3, "x86-64-v2": _V2, "x86-64": frozenset[bytes]()}
"""From the best on: the levels of the x86-64 ABI ("System V ABI, AMD64 supplement", table
"Micro-Architecture Levels"), and what Linux calls the features that each must have. The fourth,
AVX-512, makes no difference to an interpreter."""
LEVELS: Final = (*X86_64_LEVELS, "aarch64")


def cache() -> CodeCache:
    """Where the wheel has it."""
    return CodeCache(PACKAGE, FOLDER, trust=package_trust())


def levels() -> list[str]:
    """The levels that this processor has, from the best on."""
    if machine() != "x86_64":
        return [level for level in LEVELS if level == machine()]
    features = frozenset(processor_lines().get(b"flags", b"").split())
    return [level for level, needed in X86_64_LEVELS.items() if needed <= features]


def shipped_key(sources: tuple[str, ...], function: str, level: str) -> str:
    """Under which key `cache` has the object of a function of these sources."""
    hasher = hashlib.sha256(f"{FORMAT} {function} {level}\n".encode())
    add_sources(hasher, sources, PACKAGE)
    return hasher.hexdigest()


def exists() -> bool:
    """Whether this installation has any."""
    return (PACKAGE / FOLDER).is_dir()
