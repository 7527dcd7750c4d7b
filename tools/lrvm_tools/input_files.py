"""Reading files that a user names: programs, images, machine files."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

ADDRESS_SPACE: Final = 1 << 32
"""No program or image has more bytes."""


def read_file(path: str | os.PathLike[str], limit: int = ADDRESS_SPACE) -> bytes:
    """The bytes of a regular file, at most `limit`.

    Anything else (a device, a pipe) may have no end, or wait for one that writes. OSError, which
    names the file, if it is no regular one, or too long, or cannot be read.
    """
    path = Path(path)
    # Without O_NONBLOCK opening a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            message = "it is a device or a pipe; copy what it gives into a file first"
            raise OSError(errno.EINVAL, message, str(path))
        if status.st_size > limit:
            message = f"it has {status.st_size:,} bytes, and {limit:,} is the most that can be used"
            raise OSError(errno.EFBIG, message, str(path))
        try:
            data = file.read(limit + 1)
        except MemoryError:
            message = f"there is not enough memory for its {status.st_size:,} bytes"
            raise OSError(errno.ENOMEM, message, str(path)) from None
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
        return data
