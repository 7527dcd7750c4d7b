"""Output files, which are there whole or not at all, whatever ends the process.

All that writes a file for its user does it here. What is written goes to a temporary file beside
the target, reaches the disk, and then takes the target's place; an error before that leaves an
older file as it was, and no temporary one. Links are followed. What is no regular file (a
device, a pipe) is not replaced: it gets the bytes when all are there.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, cast

SUFFIX: Final = ".part"
_NAME_CHARACTERS: Final = 40
"""Of the target's name that the temporary file's has: names are limited to 255 bytes."""
_IN_PLACE: Final = (errno.EBUSY, errno.EXDEV)
"""What renaming fails with if the target is a mount point, as files given to containers are."""


class OutputFile:
    """A file that is being written. `file` takes the bytes and can seek; `commit` makes it the
    target, `abandon` has never been. Used as a context manager it does the one or the other.

    OSErrors name the target. Not for several threads at once.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """OSError if nothing can be written there."""
        self.path = Path(path)
        self._target = Path(os.path.realpath(path))
        self._part: Path | None = None
        with named(self.path):
            self._before = _status(self._target)
            if self._before is None or stat.S_ISREG(self._before.st_mode):
                self.file = self._begin_beside()
            else:
                self.file = self._begin_apart()

    def _begin_beside(self) -> BinaryIO:
        if self._before is not None and not os.access(self._target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        name = f".{self._target.name[:_NAME_CHARACTERS]}."
        try:
            descriptor, part = tempfile.mkstemp(SUFFIX, name, self._target.parent)
        except PermissionError:
            if self._before is None:
                raise
            # A file that may be written, in a folder that may not.
            return self._begin_apart()
        self._part = Path(part)
        return os.fdopen(descriptor, "w+b")

    def _begin_apart(self) -> BinaryIO:
        if self._before is not None and stat.S_ISDIR(self._before.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return cast(BinaryIO, tempfile.TemporaryFile("w+b"))

    def commit(self) -> None:
        """Put what was written in the target's place, and have it on the disk. OSError if that
        fails: then nothing has changed, unless the target is no regular file."""
        try:
            with named(self.path):
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
        os.fchmod(self.file.fileno(), self._mode())
        if self._before is not None and self._before.st_uid != os.geteuid():
            # Only root can; to anybody else the file is theirs from now on.
            with suppress(OSError):
                os.fchown(self.file.fileno(), self._before.st_uid, self._before.st_gid)
        os.fsync(self.file.fileno())
        try:
            part.replace(self._target)
        except OSError as error:
            if error.errno not in _IN_PLACE:
                raise
            self._copy()
            part.unlink()
        self._part = None
        _sync_folder(self._target.parent)

    def _copy(self) -> None:
        self.file.seek(0)
        with self._target.open("r+b" if self._is_regular else "wb", buffering=0) as target:
            # A raw file may take a part only; a buffer would keep what a full disk refuses.
            with os.fdopen(os.dup(target.fileno()), "wb") as buffered:
                shutil.copyfileobj(self.file, buffered)
            if self._is_regular:
                target.truncate(self.file.tell())
                os.fsync(target.fileno())

    @property
    def _is_regular(self) -> bool:
        return self._before is not None and stat.S_ISREG(self._before.st_mode)

    def _mode(self) -> int:
        """The permissions: those of the older file, or what the umask leaves."""
        if self._before is not None:
            return stat.S_IMODE(self._before.st_mode)
        umask = os.umask(0o077)
        os.umask(umask)
        return 0o666 & ~umask

    def abandon(self) -> None:
        """Remove what was written. Does nothing after `commit`."""
        if self._part is not None:
            self._part.unlink(missing_ok=True)
            self._part = None
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
        else:
            self.abandon()


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file: it appears when the block ends without an error. OSErrors name it."""
    output = OutputFile(path)
    with named(output.path), output as file:
        yield file


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file's bytes. OSErrors name it."""
    with written(path) as file:
        file.write(data)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let OSErrors name this file: those of reading and writing name none, others a temporary
    one."""
    try:
        yield
    except OSError as error:
        if error.filename == str(path) and error.filename2 is None:
            raise
        raise _like(error, path) from error


def _like(error: OSError, path: Path) -> OSError:
    if error.errno is None:  # as numpy raises it
        return OSError(errno.EIO, str(error) or os.strerror(errno.EIO), str(path))
    return OSError(error.errno, error.strerror or os.strerror(error.errno), str(path))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk, where folders can be opened and synchronised."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
