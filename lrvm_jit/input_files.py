"""Reading files that a user names: programs, images, machine files, snapshots, recordings."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

ADDRESS_SPACE: Final = 1 << 32
"""No program or image has more bytes."""


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file, open for reading.

    Anything else (a device, a pipe) may have no end, or wait for one that writes. OSError, which
    names the file, if it is no regular one or cannot be opened.
    """
    path = Path(path)
    # Without O_NONBLOCK opening a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return file
    file.close()
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    message = "it is a device or a pipe; copy what it gives into a file first"
    raise OSError(errno.EINVAL, message, str(path))


def read_file(path: str | os.PathLike[str], limit: int = ADDRESS_SPACE) -> bytes:
    """The bytes of a regular file, at most `limit`. OSError, which names the file, as of
    `open_file`, or if it is too long or cannot be read.
    """
    path = Path(path)
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            message = f"it has {size:,} bytes, and {limit:,} is the most that can be used"
            raise OSError(errno.EFBIG, message, str(path))
        try:
            data = file.read(limit + 1)
        except MemoryError:
            message = f"there is not enough memory for its {size:,} bytes"
            raise OSError(errno.ENOMEM, message, str(path)) from None
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
        return data


def read_text(path: str | os.PathLike[str], errors: str = "strict") -> str:
    """The text in a regular file, which is UTF-8, with a line feed at each line's end.

    OSError as of `read_file`; UnicodeDecodeError unless `errors` says otherwise.
    """
    text = read_file(path).decode("utf-8", errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")
