"""Files below one folder, for guests: no path leads out of it, by `..` or over links."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .host_registers import HostErrorCode, OpenMode

MOST_FILES: Final = 64
LARGEST_PATH: Final = 4096


class HostFailureError(Exception):
    """A command failed; the guest gets `code`."""

    def __init__(self, code: HostErrorCode) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return self.code.name


_OF_ERRNO: Final = {
    errno.ENOENT: HostErrorCode.NOT_FOUND,
    errno.EBADF: HostErrorCode.BAD_HANDLE,
    errno.EACCES: HostErrorCode.REFUSED,
    errno.EPERM: HostErrorCode.REFUSED,
    errno.ELOOP: HostErrorCode.REFUSED,
    errno.EEXIST: HostErrorCode.EXISTS,
    errno.ENOTEMPTY: HostErrorCode.EXISTS,
    errno.ENOTDIR: HostErrorCode.NOT_A_FOLDER,
    errno.EISDIR: HostErrorCode.IS_A_FOLDER,
    errno.EINVAL: HostErrorCode.INVALID,
    errno.EMFILE: HostErrorCode.TOO_MANY_FILES,
    errno.ENFILE: HostErrorCode.TOO_MANY_FILES,
    errno.EFBIG: HostErrorCode.TOO_LARGE,
    errno.ENOSPC: HostErrorCode.NO_SPACE,
    errno.EDQUOT: HostErrorCode.NO_SPACE,
    errno.ESPIPE: HostErrorCode.NOT_SEEKABLE,
    errno.EROFS: HostErrorCode.READ_ONLY,
    errno.ENAMETOOLONG: HostErrorCode.NAME_TOO_LONG,
}


def failure_of(error: OSError) -> HostFailureError:
    """The host's error as one for the guest."""
    return HostFailureError(_OF_ERRNO.get(error.errno or 0, HostErrorCode.INPUT_OUTPUT))


class Folder:
    """What a guest can do with the files below a folder.

    A path's parts are separated by `/`; a leading one stands for the folder itself. Each part is
    opened by itself, without following links, so a link that somebody puts there while a path is
    walked leads nowhere either. Only ordinary files are opened: a device or a pipe could hang or
    do something else. Methods raise HostFailureError.
    """

    def __init__(self, path: str | os.PathLike[str], writable: bool = False) -> None:
        """NotADirectoryError or another OSError if it is no folder that can be used."""
        self.path = Path(path)
        self.writable = writable
        self._root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Release the folder."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def open(self, path: bytes, mode: int) -> int:
        """A file's descriptor; `mode` is of OpenMode."""
        flags = self._flags(mode)
        with self._parent(path) as (parent, name):
            try:
                descriptor = os.open(name, flags, 0o666, dir_fd=parent)
            except OSError as error:
                raise failure_of(error) from None
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            os.close(descriptor)
            raise HostFailureError(
                HostErrorCode.IS_A_FOLDER if stat.S_ISDIR(kind) else HostErrorCode.REFUSED
            )
        return descriptor

    def _flags(self, mode: int) -> int:
        wanted = mode & (OpenMode.READ | OpenMode.WRITE)
        changes = mode & (OpenMode.WRITE | OpenMode.CREATE | OpenMode.TRUNCATE | OpenMode.APPEND)
        if not wanted or mode & ~sum(OpenMode) or (changes and not mode & OpenMode.WRITE):
            raise HostFailureError(HostErrorCode.INVALID)
        if changes and not self.writable:
            raise HostFailureError(HostErrorCode.READ_ONLY)
        # Not blocking: opening a pipe would wait for its other end.
        flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        flags |= {1: os.O_RDONLY, 2: os.O_WRONLY, 3: os.O_RDWR}[wanted]
        for bit, flag in (
            (OpenMode.CREATE, os.O_CREAT),
            (OpenMode.TRUNCATE, os.O_TRUNC),
            (OpenMode.APPEND, os.O_APPEND),
            (OpenMode.EXCLUSIVE, os.O_EXCL),
        ):
            if mode & bit:
                flags |= flag
        return flags

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        self._check_writable()
        with self._parent(path) as (parent, name), _translated():
            os.unlink(name, dir_fd=parent)

    def rename(self, old: bytes, new: bytes) -> None:
        """Give a file another path; what is there is replaced."""
        self._check_writable()
        with (
            self._parent(old) as (old_parent, old_name),
            self._parent(new) as (parent, name),
            _translated(),
        ):
            os.rename(old_name, name, src_dir_fd=old_parent, dst_dir_fd=parent)

    def look(self, path: bytes) -> os.stat_result:
        """What is known about a file or folder. A link counts as refused."""
        with self._parent(path, allow_root=True) as (parent, name), _translated():
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            raise HostFailureError(HostErrorCode.REFUSED)
        return found

    def _check_writable(self) -> None:
        if not self.writable:
            raise HostFailureError(HostErrorCode.READ_ONLY)

    @contextlib.contextmanager
    def _parent(self, path: bytes, allow_root: bool = False) -> Iterator[tuple[int, bytes]]:
        """The folder that holds a path's last part, as a descriptor, and that part."""
        if b"\0" in path or not path:
            raise HostFailureError(HostErrorCode.INVALID)
        if len(path) > LARGEST_PATH:
            raise HostFailureError(HostErrorCode.NAME_TOO_LONG)
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise HostFailureError(HostErrorCode.REFUSED)
        if not parts:
            if not allow_root:
                raise HostFailureError(HostErrorCode.IS_A_FOLDER)
            parts = [b"."]
        elif path.endswith((b"/", b"/.")):
            # A file's name does not end so.
            parts.append(b".")
        if not allow_root and parts[-1] == b".":
            raise HostFailureError(HostErrorCode.IS_A_FOLDER)
        here = os.dup(self._root)
        try:
            for part in parts[:-1]:
                try:
                    inner = os.open(
                        part,
                        os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                        dir_fd=here,
                    )
                except OSError as error:
                    if _is_link(part, here):
                        raise HostFailureError(HostErrorCode.REFUSED) from None
                    raise failure_of(error) from None
                os.close(here)
                here = inner
            yield here, parts[-1]
        finally:
            os.close(here)


def _is_link(part: bytes, folder: int) -> bool:
    """Whether a part of a path is a link: opening it as a folder fails like that of a file."""
    try:
        return stat.S_ISLNK(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failure_of(error) from None
