"""Compiled code on disk, so that the next process need not compile it again.

A cache may forget, but must never stop anyone: whatever goes wrong with the disk, an entry is
just not there. Several processes may use one folder at the same time.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from ..kernel.compile import CACHE_VARIABLE, PACKAGE, user_cache_folder

SWITCH_VARIABLE = "LRVM_JIT_TRANSLATION_CACHE"
FOLDER = "translations"
MOST_BYTES = 64 << 20
BLOCK = 4096
"""What file systems round the size of a file to."""
FORGOTTEN_SECONDS = 3600.0
"""An unfinished file as old as this belongs to a process that has died."""

MAGIC = b"lrvm-tr1"
SUFFIX = ".code"
UNFINISHED = ".unfinished"
SOURCES = ("translator/*.py", "isa/*.py", "kernel/layout.py")
"""Files whose content decides what is compiled, relative to the package."""

_KEY = re.compile(r"[0-9a-f]{8,128}")


class CodeCache:
    """Bytes under keys, in a folder that holds about `most_bytes` at most.

    Without a folder it keeps nothing. Keys are hexadecimal digests, in lower case; ValueError
    for others.
    """

    def __init__(self, folder: Path | None, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        # Looking through the folder takes a while when it is full: it is done at the first save
        # and whenever this process has written a certain part of the limit.
        self._unchecked = most_bytes
        self._lock = threading.Lock()

    def load(self, key: str) -> bytes | None:
        """What was saved under the key, or None. A damaged entry is removed."""
        path = self._path(key)
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except OSError:
            return None
        data = content[len(MAGIC) + hashlib.sha256().digest_size :]
        if content != _header(key, data) + data:
            with suppress(OSError):
                path.unlink()
            return None
        # The date says when the entry was used last.
        with suppress(OSError):
            os.utime(path)
        return data

    def save(self, key: str, data: bytes) -> None:
        """Keep bytes for later processes, if possible."""
        path = self._path(key)
        if path is None or _on_disk(len(data)) > self.most_bytes:
            return
        try:
            _write(path, _header(key, data) + data)
        except OSError:
            return
        with self._lock:
            self._unchecked += _on_disk(len(data))
            crowded = self._unchecked > self.most_bytes // 8
            if crowded:
                self._unchecked = 0
        if crowded:
            self._make_room()

    def _path(self, key: str) -> Path | None:
        if not _KEY.fullmatch(key):
            raise ValueError(f"the key {key!r} is no hexadecimal digest")
        return None if self.folder is None else self.folder / (key + SUFFIX)

    def _make_room(self) -> None:
        """If the folder is too full, remove what was not used for longest, and some more."""
        assert self.folder is not None
        now = time.time()
        files = []
        for path, status in _files(self.folder):
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


def default_cache() -> CodeCache:
    """The cache of this user, in the folder that LRVM_JIT_CACHE_DIR names if it is set.

    LRVM_JIT_TRANSLATION_CACHE=0 (or "off", "no") turns it off.
    """
    if os.environ.get(SWITCH_VARIABLE, "").strip().lower() in ("0", "off", "no"):
        return CodeCache(None)
    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        folder = Path(chosen) if chosen else user_cache_folder()
    except RuntimeError:
        # The user has no home.
        return CodeCache(None)
    return CodeCache(folder / FOLDER)


@cache
def host_key() -> str:
    """A digest of what makes machine code differ between machines and between versions.

    Computed once in a process.
    """
    import llvmlite
    import llvmlite.binding as llvm

    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:
        # LLVM does not know them on every platform.
        features = ""
    facts = (
        llvmlite.__version__,
        llvm.llvm_version_info,
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        features,
    )
    hasher = hashlib.sha256(repr(facts).encode())
    for pattern in SOURCES:
        for path in sorted(PACKAGE.glob(pattern)):
            hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hasher.hexdigest()


def _header(key: str, data: bytes) -> bytes:
    """What stands before the data. The key is in it, so that a renamed file is damaged too."""
    return MAGIC + hashlib.sha256(key.encode() + b"\0" + data).digest()


def _on_disk(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _write(path: Path, content: bytes) -> None:
    """Nobody sees a part of the file: it gets its name when it is complete."""
    # What is in this folder will be executed, so others should not write there.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(suffix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(unfinished).replace(path)
    except BaseException:
        _remove(unfinished)
        raise


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The cache's files in a folder; other processes may be removing them meanwhile."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((SUFFIX, UNFINISHED)):
                with suppress(OSError):
                    yield entry.path, entry.stat(follow_symlinks=False)


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink()
