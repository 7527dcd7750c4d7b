"""Persistent memory: a file as a component."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path
from typing import Any

from lrvm_jit import (
    Category,
    HardwareCode,
    HardwareError,
    MappedRegister,
    RegisterAccess,
    StateValue,
)
from lrvm_jit.arguments import whole_number

from .base import WORD_BYTES, StandardComponent


class FileMemory(StandardComponent):
    """A file's bytes as big-endian words, which outlive the machine.

    `size` is in bytes and defaults to the file's; not being a multiple of 4 it is rounded down
    with a warning. A smaller size than the file's leaves the rest of the file alone. A larger
    one grows a writable file, or with `grow_late` not before the guest writes; a read-only one
    reads 0 beyond its end.

    A write is in the operating system's hands at once, so it survives the death of this
    process; `flush()` and `close()` make it survive a power cut as well. Components on the same
    file, in this process or another, see each other's words and are not kept apart.

    Raises OSError if the file is missing or cannot be opened, ValueError if it is empty or the
    size is bad. Writes to a read-only one raise hardware error 0x31. A failing disk and any
    access after `close()` raise 0x20 on reads and 0x30 on writes. Reading what somebody has
    cut off the file meanwhile raises 0x20, too.

    >>> import tempfile
    >>> from lrvm_components import FileMemory
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(bytes(8))
    ...     file.flush()
    ...     memory = FileMemory(file.name, writable=True)
    ...     memory.write(4, 0x01020304)
    ...     memory.close()
    ...     file.seek(4), file.read()
    (4, b'\\x01\\x02\\x03\\x04')
    """

    # Why not a memory mapping: it is several times faster per word, but a mapped file that is
    # cut short or on a full disk answers with SIGBUS, which kills the host instead of raising
    # 0x20 or 0x30 in the guest.

    name = "Persistent Memory"
    category = Category.STORAGE
    type_code = 0x21
    registers = (
        MappedRegister(
            0,
            "WORDS",
            RegisterAccess.READ_WRITE,
            "the file's bytes, big-endian; written only if the file was opened for that",
            words=0,
        ),
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int | None = None,
        *,
        writable: bool = False,
        grow_late: bool = False,
        hw_id: int | None = None,
    ) -> None:
        path = Path(path)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is no regular file")
        self._length = status.st_size
        if not self._length:
            raise ValueError(f"{path} is empty: persistent memory needs a file with content")
        size = self._length if size is None else whole_number("size", size)
        if size % WORD_BYTES:
            warnings.warn(
                f"size {size} of {path} is not a multiple of {WORD_BYTES}: rounded down",
                stacklevel=2,
            )
            size -= size % WORD_BYTES
        super().__init__(size, hw_id)
        self._size = size
        if writable and size > self._length and not grow_late:
            os.truncate(path, size)
            self._length = size
        self._writable = writable
        self._file = path.open("r+b" if writable else "rb", buffering=0)

    def read(self, offset: int) -> int:
        try:
            raw = os.pread(self._file.fileno(), WORD_BYTES, offset)
        except (OSError, ValueError):  # ValueError: the file is closed
            raise HardwareError(HardwareCode.PHYSICAL_READ_ERROR) from None
        if len(raw) < min(WORD_BYTES, self._length - offset):
            raise HardwareError(HardwareCode.PHYSICAL_READ_ERROR)
        return int.from_bytes(raw.ljust(WORD_BYTES, b"\0"), "big")

    def write(self, offset: int, word: int) -> None:
        if not self._writable:
            raise HardwareError(HardwareCode.NOT_WRITABLE)
        raw = word.to_bytes(WORD_BYTES, "big")
        try:
            if self._length < self._size:
                self._grow()
            written = os.pwrite(self._file.fileno(), raw, offset)
        except (OSError, ValueError):  # ValueError: the file is closed
            raise HardwareError(HardwareCode.PHYSICAL_WRITE_ERROR) from None
        if written < WORD_BYTES:
            raise HardwareError(HardwareCode.PHYSICAL_WRITE_ERROR)

    def save_state(self) -> StateValue:
        """The words that the guest sees of a writable file, as bytes; None if it is read-only.

        OSError if the disk fails.
        """
        return os.pread(self._file.fileno(), self._visible, 0) if self._writable else None

    def load_state(self, state: bytes) -> None:
        """Write them back. OSError if the disk fails."""
        if not self._writable:
            raise ValueError("the file is not writable here")
        if len(state) > self._size:
            raise ValueError(f"the file has {self._size} bytes here and {len(state)} there")
        if len(state) > self._length:
            self._grow()
        # It may have grown since, by zeros.
        content = state.ljust(self._visible, b"\0")
        if os.pread(self._file.fileno(), self._visible, 0) != content:
            os.pwrite(self._file.fileno(), content, 0)

    @property
    def _visible(self) -> int:
        """Bytes of the file that the guest sees."""
        return min(self._size, self._length)

    def __getstate__(self) -> dict[str, Any]:
        """A copy opens the file for itself."""
        return {**super().__getstate__(), "_file": (self._file.name, self._file.mode)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        name, mode = state["_file"]
        self._file = Path(name).open(mode, buffering=0)  # noqa: SIM115

    def _grow(self) -> None:
        """Make the file as large as the memory."""
        descriptor = self._file.fileno()
        if os.fstat(descriptor).st_size < self._size:
            os.ftruncate(descriptor, self._size)
        self._length = self._size

    def flush(self) -> None:
        """Wait until all that was written is on the disk. OSError if the disk fails."""
        if self._writable:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush and release the file. Closing again does nothing."""
        if not self._file.closed:
            with self._file:
                self.flush()
