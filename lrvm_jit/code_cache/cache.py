"""Entries of machine code under keys, each with a digest, in a folder of limited size.

A cache may forget, but must never stop anyone: whatever goes wrong with the disk, an entry is
just not there. Several processes may use one folder at the same time.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from .trust import UNFINISHED, USER, Trust

MOST_BYTES = 64 << 20
BLOCK = 4096
"""What file systems round the size of a file to."""
FORGOTTEN_SECONDS = 3600.0
"""An unfinished file as old as this belongs to a process that has died."""

MAGIC = b"lrvm-tr1"
SUFFIX = ".code"

_KEY = re.compile(r"[0-9a-f]{8,128}")


class CodeCache:
    """Bytes under keys, in the folder `kind` of `base`, which holds about `most_bytes` at most.

    `base` may be a function that finds it; it is told whether something is to be saved. Without
    a base it keeps nothing. Keys are hexadecimal digests, in lower case; ValueError for others.
    """

    def __init__(
        self,
        base: Path | Callable[[bool], Path | None] | None,
        kind: str = "",
        most_bytes: int = MOST_BYTES,
        trust: Trust = USER,
    ) -> None:
        self._base = base
        self._kind = kind
        self._trust = trust
        self.most_bytes = most_bytes
        # Looking through the folder takes a while when it is full: it is done at the first save
        # and whenever this process has written about a certain part of the limit. Threads may
        # get in each other's way here, which costs a look.
        self._unchecked = most_bytes

    def base(self, saving: bool = False) -> Path | None:
        """The folder in which `folder` is."""
        return self._base(saving) if callable(self._base) else self._base

    @property
    def folder(self) -> Path | None:
        """Where the entries are, or would be."""
        base = self.base()
        return None if base is None else base / self._kind

    def load(self, key: str) -> bytes | None:
        """What was saved under the key, or None. A damaged entry is removed."""
        _check(key)
        base = self.base()
        if base is None or not self._trust.trusts(base / self._kind, base):
            return None
        path = base / self._kind / (key + SUFFIX)
        content = self._trust.read(path)
        if content is None:
            return None
        data = content[len(MAGIC) + hashlib.sha256().digest_size :]
        if content != _header(key, data) + data:
            _remove(path)
            return None
        # The date says when the entry was used last.
        with suppress(OSError):
            os.utime(path)
        return data

    def save(self, key: str, data: bytes) -> bool:
        """Keep bytes for later processes, if possible. Whether it was."""
        _check(key)
        base = self.base(saving=True)
        if base is None or _on_disk(len(data)) > self.most_bytes:
            return False
        folder = base / self._kind
        if not self._trust.make(folder, base):
            return False
        try:
            self._trust.write(folder / (key + SUFFIX), _header(key, data) + data)
        except OSError:
            return False
        self._unchecked += _on_disk(len(data))
        if self._unchecked > self.most_bytes // 8:
            self._unchecked = 0
            self._make_room(folder)
        return True

    def remove(self, key: str) -> None:
        """Forget an entry, if possible."""
        _check(key)
        folder = self.folder
        if folder is not None:
            _remove(folder / (key + SUFFIX))

    def _make_room(self, folder: Path) -> None:
        """If the folder is too full, remove what was not used for longest, and some more."""
        now = time.time()
        files = []
        for path, status in _files(folder):
            if path.endswith(UNFINISHED) and now - status.st_mtime > FORGOTTEN_SECONDS:
                _remove(path)
            else:
                files.append((status.st_mtime, _on_disk(status.st_size), path))
        total = sum(size for _, size, _ in files)
        if total <= self.most_bytes:
            return
        for _, size, path in sorted(files):
            if total <= self.most_bytes * 3 // 4:
                break
            _remove(path)
            total -= size


def load_first(caches: Iterable[CodeCache], key: str) -> Iterator[tuple[CodeCache, bytes]]:
    """What caches have under a key, in their order; ask on if one turns out to be of no use."""
    for cache in caches:
        data = cache.load(key)
        if data is not None:
            yield cache, data


def save_first(caches: Iterable[CodeCache], key: str, data: bytes) -> bool:
    """Save to the first cache that takes it. Whether one did."""
    return any(cache.save(key, data) for cache in caches)


def _check(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise ValueError(f"the key {key!r} is no hexadecimal digest")


def _header(key: str, data: bytes) -> bytes:
    """What stands before the data. The key is in it, so that a renamed file is damaged too."""
    return MAGIC + hashlib.sha256(key.encode() + b"\0" + data).digest()


def _on_disk(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The cache's files in a folder; other processes may be removing them meanwhile."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((SUFFIX, UNFINISHED)):
                with suppress(OSError):
                    yield entry.path, entry.stat(follow_symlinks=False)


def _remove(path: str | Path) -> None:
    with suppress(OSError):
        Path(path).unlink()
