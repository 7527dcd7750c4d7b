"""Output files, which are there whole or not at all, whatever ends the process.

All that writes a file for its user does it here. What is written goes to a temporary file beside
the target, reaches the disk, and then takes the target's place; an error before that leaves an
older file as it was, and no temporary one. Links are followed. What is no regular file (a
device, a pipe) is not replaced: it gets the bytes when all are there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, cast

_SUFFIX: Final = ".part"
_TOKEN_BYTES: Final = 6
_TOKEN: Final = re.compile(f"[0-9a-f]{{{2 * _TOKEN_BYTES}}}")
_NAME_CHARACTERS: Final = 40
"""Of the target's name that the temporary file's has: names are limited to 255 bytes."""
_MOUNTED: Final = (errno.EBUSY, errno.EXDEV)
"""What renaming fails with if the target is a mount point, as files given to containers are."""
_unfinished: set[tuple[int, Path]] = set()
"""Temporary files, each with the process that made it."""


def remove_unfinished() -> None:
    """Remove all temporary files of this process, which is about to end."""
    for process, part in tuple(_unfinished):
        if process == os.getpid():
            with suppress(OSError):
                part.unlink(missing_ok=True)
            _unfinished.discard((process, part))


class OutputFile:
    """A file that is being written. `file` takes the bytes and can seek; `commit` makes it the
    target, `abandon` has never been. As a context manager it does the one or the other.

    OSErrors of its methods name the target.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """OSError if nothing can be written there."""
        self.path = Path(path)
        self._target = Path(os.path.realpath(path))
        self._part: Path | None = None
        with naming(self.path):
            self._before = _status(self._target)
            self.file = self._begin()

    def _begin(self) -> BinaryIO:
        before = self._before
        if before is not None and stat.S_ISDIR(before.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if before is not None and not os.access(self._target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if before is None or stat.S_ISREG(before.st_mode):
            token = secrets.token_hex(_TOKEN_BYTES)
            name = self._target.name[:_NAME_CHARACTERS]
            part = self._target.with_name(f".{name}.{token}{_SUFFIX}")
            mode = 0o666 if before is None else stat.S_IMODE(before.st_mode) & 0o777
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            # Before it is there: from then on a signal may come.
            self._mark = os.getpid(), part
            _unfinished.add(self._mark)
            try:
                descriptor = os.open(part, flags, mode)
            except OSError as error:
                _unfinished.discard(self._mark)
                if before is None or not isinstance(error, PermissionError):
                    raise
                # A file that may be written, in a folder that may not.
            else:
                self._part = part
                # Tells `remove_stale` that somebody is at work. Not all file systems can.
                with suppress(OSError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return os.fdopen(descriptor, "w+b")
        return cast(BinaryIO, tempfile.TemporaryFile("w+b"))

    def commit(self, path: Path | None = None) -> None:
        """Put what was written in the target's place, or that of another path, and have it on the
        disk. OSError if that fails: then nothing has changed, unless the target is no regular
        file."""
        try:
            if path is not None and path != self.path:
                self.path = path
                self._target = Path(os.path.realpath(path))
            with naming(self.path):
                self.file.flush()
                if self._part is None:
                    self._copy()
                else:
                    self._replace(self._part)
                self.file.close()
        except BaseException:
            self.abandon()
            raise

    def _replace(self, part: Path) -> None:
        if self._before is not None:
            descriptor = self.file.fileno()
            with suppress(OSError):  # only root can; to anybody else the file is theirs now
                os.fchown(descriptor, self._before.st_uid, self._before.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(self._before.st_mode) & 0o777)
        os.fsync(self.file.fileno())
        try:
            part.replace(self._target)
        except OSError as error:
            if error.errno not in _MOUNTED:
                raise
            self._copy()
            part.unlink()
        self._part = None
        _unfinished.discard(self._mark)
        _sync_folder(self._target.parent)

    def _copy(self) -> None:
        self.file.seek(0)
        with self._target.open("wb") as target:
            shutil.copyfileobj(self.file, target)
            target.flush()
            with suppress(OSError):  # devices cannot
                os.fsync(target.fileno())

    def abandon(self) -> None:
        """Remove what was written. Does nothing after `commit`."""
        if self._part is not None:
            self._part.unlink(missing_ok=True)
            self._part = None
            _unfinished.discard(self._mark)
        # What is still buffered may fail once more.
        with suppress(OSError):
            self.file.close()

    def __enter__(self) -> BinaryIO:
        return self.file

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.commit()
            return
        self.abandon()
        if isinstance(error, OSError) and error.filename is None:
            raise _like(error, self.path) from error


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file's bytes. OSErrors name it."""
    with OutputFile(path) as file:
        file.write(data)


def remove_stale(path: Path) -> None:
    """Remove temporary files beside a target whose processes were killed while they wrote it."""
    start = f".{path.name[:_NAME_CHARACTERS]}."
    for part in path.parent.glob(f".*{_SUFFIX}"):
        token = part.name.removeprefix(start).removesuffix(_SUFFIX)
        if len(part.name) != len(start + token + _SUFFIX) or not _TOKEN.fullmatch(token):
            continue
        try:
            descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink(missing_ok=True)
        except OSError:  # in use
            pass
        finally:
            os.close(descriptor)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let OSErrors of the block name this file: those of writing name none, others the temporary
    file."""
    try:
        yield
    except OSError as error:
        raise _like(error, path) from error


def _like(error: OSError, path: Path) -> OSError:
    number = errno.EIO if error.errno is None else error.errno
    return OSError(number, error.strerror or str(error) or os.strerror(number), str(path))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk, where folders can be opened and synchronised."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
