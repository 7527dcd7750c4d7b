"""Digests of the source files that compiled code depends on, for the keys of caches.

Every process needs some before it finds its code, and reading two hundred files takes it 3 ms. So
what was computed once is kept, under the files' names, sizes, dates and numbers on their disk: no
edit leaves all of those as they are, and where a copy or an unpacked image changes them, the files
are read again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from .cache import load_first
from .folders import PACKAGE, shared_caches

KIND: Final = "sources"
"""The folder of caches."""
SETTLED_SECONDS: Final = 3.0
"""A file that was changed later than so long ago may be changed again without another date."""

_known: dict[str, bytes] = {}


def add_sources(hasher: hashlib._Hash, patterns: Iterable[str], package: Path = PACKAGE) -> None:
    """Add the names and contents of the package's files that match the patterns to a digest."""
    folder = str(package)
    files = [path for pattern in patterns for path in _matching(folder, pattern)]
    stamps = [os.stat(path) for path in files]
    facts = [
        (path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        for path, status in zip(files, stamps, strict=True)
    ]
    key = hashlib.sha256(repr(facts).encode()).hexdigest()
    digest = _known.get(key) or _kept(key)
    if digest is None:
        digest = _computed(files)
        latest = max((max(one.st_mtime, one.st_ctime) for one in stamps), default=0.0)
        if latest < time.time() - SETTLED_SECONDS:
            _keep(key, digest)
    _known[key] = digest
    hasher.update(digest)


def _computed(files: list[str]) -> bytes:
    hasher = hashlib.sha256()
    for path in files:
        with open(path, "rb", buffering=0) as file:
            hasher.update(os.path.basename(path).encode() + b"\0" + file.read() + b"\0")
    return hasher.digest()


def _kept(key: str) -> bytes | None:
    return next((data for _, data in load_first(shared_caches(KIND), key)), None)


def _keep(key: str, digest: bytes) -> None:
    """Where there is a folder that can be written. None is looked for or made, nobody is told that
    there is none: this saves less than that would take."""
    for cache in shared_caches(KIND):
        base = cache.base()
        if base is not None and os.access(base, os.W_OK) and cache.save(key, digest):
            return


def _matching(package: str, pattern: str) -> list[str]:
    """The files for `folder/file.py`, `folder/*.py` or `folder/**/*.py`. Every process asks this
    before it looks for its code, and pathlib takes twice as long."""
    folder, _, name = pattern.rpartition("/")
    if "*" not in name:
        path = os.path.join(package, pattern)
        return [path] if os.path.exists(path) else []
    suffix = name.removeprefix("*")
    if not folder.endswith("/**"):
        return _listed(os.path.join(package, folder), suffix)
    found = []
    places = [os.path.join(package, folder[:-3])]
    while places:
        with os.scandir(places.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(suffix):
                    found.append(entry.path)
                elif entry.is_dir() and entry.name != "__pycache__":
                    places.append(entry.path)
    return sorted(found)


def _listed(place: str, suffix: str) -> list[str]:
    return sorted(os.path.join(place, one) for one in os.listdir(place) if one.endswith(suffix))
