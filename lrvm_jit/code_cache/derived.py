"""Files that are made from the sources and come with them: a fresh clone need not make them.

Each begins with a digest of its content and of the sources that it was made from. After an edit of
those, or of the file, it is as if it were not there.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from .folders import PACKAGE
from .sources import add_sources

DIGEST: Final = hashlib.sha256().digest_size
LARGEST: Final = 1 << 24
"""Bytes of content; there are some hundred thousand."""


def keep(path: Path, sources: Iterable[str], content: bytes) -> int:
    """Write a file that was made from these sources (`add_sources`); its bytes."""
    data = zlib.compress(content, 9)
    path.parent.mkdir(exist_ok=True)
    return path.write_bytes(_digest(sources, data) + data)


def kept(path: Path, sources: Iterable[str]) -> bytes | None:
    """The content of a file, if it is there, whole, and made from these very sources."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, data = content[:DIGEST], content[DIGEST:]
    if digest != _digest(sources, data):
        return None
    try:
        return zlib.decompressobj().decompress(data, LARGEST)
    except zlib.error:
        return None


def _digest(sources: Iterable[str], data: bytes) -> bytes:
    hasher = hashlib.sha256(data)
    add_sources(hasher, sources, PACKAGE)
    return hasher.digest()
