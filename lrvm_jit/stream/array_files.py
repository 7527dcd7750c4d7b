"""Arrays in `.npy` and `.npz` files, of which rows are read as they are wanted.

They are read rather than mapped: a mapped file that somebody cuts short ends the process.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy
from numpy.typing import DTypeLike, NDArray

from ..batch.data_error import DataError

_BLOCK: Final = 1 << 20
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
"""Of an entry of a zip archive: the mark, and the lengths of the name and of what follows it."""


@contextmanager
def readable(path: Path, kind: str) -> Iterator[BinaryIO]:
    """Open a regular file and look into it: what goes wrong then is its damage, a DataError.
    OSError if it cannot be opened."""
    # A pipe without a writer would be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DataError(f"{path} is no regular file; copy what it gives into one")
        try:
            yield file
        except DataError:
            raise
        except Exception as error:
            # Whatever readers of damaged files come across: there is no list of it.
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise DataError(f"{path} is no {kind} file that can be read: {said}") from error


class FileHandle:
    """A file that is open as long as an array needs it."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.path = path
        self._descriptor = os.dup(file.fileno())

    def read(self, view: memoryview, at: int) -> None:
        """Fill the view. DataError if the file ends before."""
        while len(view):
            got = os.preadv(self._descriptor, [view[: 1 << 30]], at)
            if not got:
                raise DataError(f"{self.path} has been cut short while it was read")
            view, at = view[got:], at + got

    def __del__(self) -> None:
        os.close(self._descriptor)


class _Header:
    """What stands before the elements of an array in a file."""

    def __init__(self, file: Any) -> None:
        """Reads it. ValueError and others for what is none."""
        version = numpy.lib.format.read_magic(file)
        if version == (1, 0):
            found = numpy.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            found = numpy.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f"version {version[0]}.{version[1]} of the format is not supported")
        self.shape, self.fortran, self.dtype = found
        if self.dtype.hasobject:
            raise ValueError("it holds Python objects")
        if not self.dtype.itemsize or self.dtype.subdtype is not None:
            raise ValueError(f"it has elements of type {self.dtype}, which are no numbers")
        if any(length < 0 for length in self.shape):
            raise ValueError(f"it has the shape {self.shape}")
        self.nbytes = self.dtype.itemsize
        for length in self.shape:
            self.nbytes *= length


class FileArray:
    """An array in a file. It has a shape and a type; a slice of its rows is read.

    DataError for what has been cut off the file since it was opened.
    """

    def __init__(self, file: FileHandle, start: int, header: _Header) -> None:
        """`start` is where the elements begin."""
        self.shape = header.shape
        self.dtype = header.dtype
        self.ndim = len(self.shape)
        self._file = file
        self._start = start
        self._fortran = header.fortran and self.ndim > 1

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return numpy.asarray(self[:] if self.ndim else self._read(0, 1).reshape(()), dtype)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        first, last, _ = rows.indices(len(self))
        count = max(0, last - first)
        width = int(numpy.prod(self.shape[1:], dtype=numpy.int64))
        if not self._fortran:
            return self._read(first * width, count * width).reshape(count, *self.shape[1:])
        columns = [self._read(k * len(self) + first, count) for k in range(width)]
        flat = numpy.stack(columns, axis=1) if columns else numpy.zeros((count, 0), self.dtype)
        return flat.reshape(count, *self.shape[1:], order="F")

    def _read(self, first: int, count: int) -> NDArray[Any]:
        """Elements in the order of the file."""
        array = numpy.zeros(count, self.dtype)
        if count:
            at = self._start + first * self.dtype.itemsize
            self._file.read(memoryview(array.view(numpy.uint8).data), at)
        return array


def open_npy(path: Path) -> NDArray[Any] | FileArray | dict[str, NDArray[Any]]:
    """The array of a `.npy` file; if its elements have fields, an array for each of them."""
    with readable(path, ".npy") as file:
        header = _Header(file)
        start = file.tell()
        size = os.fstat(file.fileno()).st_size
        if size != start + header.nbytes:
            raise ValueError(f"it has {size - start:,} bytes of elements, not {header.nbytes:,}")
        array = FileArray(FileHandle(file, path), start, header)
        if header.dtype.names is not None:
            whole = numpy.asarray(array)
            return {name: whole[name] for name in header.dtype.names}
        return array


def open_npz(path: Path) -> dict[str, NDArray[Any] | FileArray]:
    """The arrays of a `.npz` file by name, read as they are wanted where they are not compressed.
    Checksums are compared at once."""
    with readable(path, ".npz") as file, zipfile.ZipFile(file) as archive:
        handle = FileHandle(file, path)
        arrays: dict[str, NDArray[Any] | FileArray] = {}
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name in arrays:
                raise ValueError(f"it has two arrays {name!r}")
            arrays[name] = _open_entry(handle, file, archive, entry)
        return arrays


def _open_entry(
    handle: FileHandle, file: BinaryIO, archive: zipfile.ZipFile, entry: zipfile.ZipInfo
) -> NDArray[Any] | FileArray:
    with archive.open(entry) as content:
        header = _Header(content)
        start = content.tell()
        if entry.file_size != start + header.nbytes:
            raise ValueError(
                f"{entry.filename} has {entry.file_size - start:,} bytes of elements, not "
                f"{header.nbytes:,}"
            )
        if entry.compress_type != zipfile.ZIP_STORED:
            # Read to its end, so that its checksum is compared.
            data = content.read()
            array = numpy.frombuffer(data, header.dtype)
            return array.reshape(header.shape, order="F" if header.fortran else "C")
    raw = os.pread(file.fileno(), _LOCAL_HEADER.size, entry.header_offset)
    mark, name, extra = _LOCAL_HEADER.unpack(raw)
    if mark != b"PK\3\4":
        raise ValueError(f"{entry.filename} is not where it should be")
    begin = entry.header_offset + _LOCAL_HEADER.size + name + extra
    if _checksum(file, begin, entry.file_size) != entry.CRC:
        raise ValueError(f"the checksum of {entry.filename} is wrong")
    return FileArray(handle, begin + start, header)


def _checksum(file: BinaryIO, start: int, count: int) -> int:
    checksum = 0
    for at in range(start, start + count, _BLOCK):
        checksum = zlib.crc32(
            os.pread(file.fileno(), min(_BLOCK, start + count - at), at), checksum
        )
    return checksum
