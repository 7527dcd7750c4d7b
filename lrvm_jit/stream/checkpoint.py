"""Finished chunks of a stream on disk, for a job that goes on after its process was killed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy
from numpy.typing import DTypeLike, NDArray

from ..core.signals import undisturbed
from ..output_files import naming, remove_stale, write_file
from .chunk import ChunkResult
from .fields import Values, texts_of
from .inputs import Chunk

FORMAT: Final = 2
_LOCK: Final = "lock"
_MANIFEST: Final = "job.json"
_LIST: Final = "chunks.jsonl"
_CHUNK: Final = re.compile(r"chunk-(\d+)\.npz")
_PART: Final = re.compile(r"\.(chunk-\d+\.npz)\.")
"""Temporary files of chunks."""
_MANIFEST_BYTES: Final = 1 << 20

_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, RecursionError)

Types = Mapping[str, tuple[DTypeLike, tuple[int, ...]]]
"""For each output the type of its elements, and the shape of a lane's."""


class CheckpointError(Exception):
    """A checkpoint that belongs to another job, or is in use, or damaged."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the list says of a finished chunk: its lanes, digests of what went in and of its file,
    that file's length, and what became of the lanes."""

    number: int
    first: int
    count: int
    inputs: str
    digest: str
    size: int
    reasons: dict[int, int]
    instructions: int


class Checkpoint:
    """A folder with a file for each finished chunk, `chunks.jsonl`, which lists them, and
    `job.json`, which says of what job they are.

    A chunk is in the list when its file is on the disk. Opening a checkpoint reads the list only;
    a chunk's file is read, and compared with the digest in the list, when its data is wanted. The
    folder is locked as long as it is open, by the process: the lock ends with it.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any], types: Types) -> None:
        """`types` are those of the job's outputs. CheckpointError if the folder has the chunks of
        another job, or is in use, or damaged."""
        self.folder = folder
        self._types = {name: (numpy.dtype(kind), shape) for name, (kind, shape) in types.items()}
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._open_own(_LOCK)
        try:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CheckpointError(
                    f"{folder} is in use by another process; wait for it, or choose another "
                    "checkpoint"
                ) from None
            there = self._look_around()
            self._check({"format": FORMAT, **manifest}, there)
            self._list = self._open_own(_LIST)
            try:
                self._entries = self._read_list()
            except BaseException:
                self._list.close()
                raise
        except BaseException:
            self._lock.close()
            raise
        self.finished = there & set(self._entries)
        """Numbers of the chunks that are there."""

    def _open_own(self, name: str) -> BinaryIO:
        """A file of the folder, made if it is not there, for reading and appending."""
        path = self.folder / name
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR):
                raise _foreign(path) from None
            raise
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise _foreign(path)
        return file

    def _look_around(self) -> set[int]:
        """The numbers of the chunks that have files. CheckpointError for what is no file."""
        numbers = set()
        stale = set()
        with os.scandir(self.folder) as entries:
            for entry in entries:
                found = _CHUNK.fullmatch(entry.name)
                if part := _PART.match(entry.name):
                    stale.add(part[1])
                if found is None and entry.name != _MANIFEST:
                    continue
                # A link would have its target overwritten, which is none of ours.
                if not entry.is_file(follow_symlinks=False):
                    raise _foreign(Path(entry.path))
                if found is not None:
                    numbers.add(int(found[1]))
        for name in stale:
            remove_stale(self.folder / name)
        return numbers

    def _check(self, manifest: dict[str, Any], there: set[int]) -> None:
        path = self.folder / _MANIFEST
        # As it comes back: without tuples and the like.
        manifest = json.loads(json.dumps(manifest))
        try:
            with path.open("rb") as file:
                found = json.loads(file.read(_MANIFEST_BYTES))
        except FileNotFoundError:
            if there:
                raise CheckpointError(
                    f"{self.folder} has chunks, but no {_MANIFEST}; choose another checkpoint"
                ) from None
            write_file(path, json.dumps(manifest, indent=2).encode())
            return
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise CheckpointError(f"{path} is no checkpoint's; choose another checkpoint")
        different = [
            f"{name} was {found.get(name)}, is {manifest.get(name)}"
            for name in {**manifest, **found}
            if found.get(name) != manifest.get(name)
        ]
        if different:
            raise CheckpointError(
                f"{self.folder} belongs to another job: {'; '.join(different)}. Choose another "
                "checkpoint, or delete this one"
            )

    # --- the list ------------------------------------------------------------------------------

    def _read_list(self) -> dict[int, _Entry]:
        """The entries by number; of a chunk that was made again the last one counts."""
        *lines, rest = self._list.read().split(b"\n")
        if rest:
            # The process was killed while it wrote this line.
            self._list.truncate(sum(len(line) + 1 for line in lines))
        entries = {}
        for number, line in enumerate(lines, 1):
            try:
                entry = _parse(line)
            except _UNREADABLE:
                raise CheckpointError(
                    f"{self.folder / _LIST} is damaged in line {number}; delete the line, and the "
                    "lanes of that chunk run again"
                ) from None
            entries[entry.number] = entry
        return entries

    def _append(self, entry: _Entry) -> None:
        path = self.folder / _LIST
        with naming(path):
            size = os.fstat(self._list.fileno()).st_size
            line = _line(entry)
            try:
                if self._list.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self._list.fileno())
            except BaseException:
                self._list.truncate(size)
                raise
        self._entries[entry.number] = entry
        self.finished.add(entry.number)

    # --- chunks --------------------------------------------------------------------------------

    def save(self, chunk: Chunk, inputs: str, result: ChunkResult) -> None:
        """Keep a chunk; `inputs` is the digest of what went in."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, array in result.outputs.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    numpy.lib.format.write_array(file, _plain(array), allow_pickle=False)
        data = buffer.getvalue()
        entry = _Entry(
            chunk.number,
            chunk.first,
            chunk.count,
            inputs,
            _digest(data),
            len(data),
            result.reasons,
            result.instructions,
        )
        with undisturbed():
            write_file(self._path(chunk.number), data)
            self._append(entry)

    def load(self, chunk: Chunk) -> ChunkResult:
        """A finished chunk. CheckpointError if it has other lanes, or is damaged."""
        entry = self._entries[chunk.number]
        self._check_lanes(chunk, entry)
        path = self._path(chunk.number)
        try:
            data = _read(path, entry.size)
            if data is None or _digest(data) != entry.digest:
                raise ValueError("it is not what was written")
            outputs = self._arrays(data, chunk.count)
        except (*_UNREADABLE, EOFError, zipfile.BadZipFile) as error:
            raise CheckpointError(
                f"{path} cannot be read ({error}); delete it to have its lanes run again"
            ) from None
        return ChunkResult(outputs, entry.reasons, entry.instructions)

    def _arrays(self, data: bytes, count: int) -> dict[str, NDArray[Any]]:
        outputs: dict[str, NDArray[Any]] = {}
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [f"{name}.npy" for name in self._types]
            if archive.namelist() != names:
                raise ValueError(f"it has {archive.namelist()}, not {names}")
            for name, (kind, shape) in self._types.items():
                entry = io.BytesIO(archive.read(f"{name}.npy"))
                array = numpy.lib.format.read_array(entry, allow_pickle=False)
                if kind.kind == "T":
                    array = texts_of(json.loads(array.tobytes()))
                if array.dtype != kind or array.shape != (count, *shape):
                    raise ValueError(f"{name} is {array.dtype}{list(array.shape)}")
                outputs[name] = array
        return outputs

    def check(self, chunk: Chunk, inputs: str) -> None:
        """CheckpointError if a finished chunk had other lanes, or other inputs than those with
        this digest."""
        entry = self._entries[chunk.number]
        self._check_lanes(chunk, entry)
        if inputs != entry.inputs:
            raise CheckpointError(
                f"{self.folder} belongs to another job: the inputs of lanes {chunk.first} to "
                f"{chunk.first + chunk.count - 1} have changed. Choose another checkpoint, or "
                "delete this one"
            )

    def _check_lanes(self, chunk: Chunk, entry: _Entry) -> None:
        if (entry.first, entry.count) != (chunk.first, chunk.count):
            raise CheckpointError(
                f"{self.folder} belongs to another job: its chunk {chunk.number} has "
                f"{entry.count} lanes from {entry.first} on, but the inputs now have {chunk.count} "
                f"from {chunk.first} on. Choose another checkpoint, or delete this one"
            )

    def _path(self, number: int) -> Path:
        return self.folder / f"chunk-{number:06}.npz"

    def close(self) -> None:
        """Let others use the folder."""
        self._list.close()
        self._lock.close()


def digest_of(values: Values) -> str:
    """A digest of a chunk's inputs."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(values):
        rows = values[name]
        digest.update(f"{name} {rows.shape}\n".encode())
        digest.update(numpy.ascontiguousarray(_plain(rows)).data)
    return digest.hexdigest()


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """An array as it can be in a file: texts as the bytes of a list in JSON."""
    if array.dtype.kind != "T":
        return array
    return numpy.frombuffer(json.dumps(array.tolist()).encode(), numpy.uint8)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _line(entry: _Entry) -> bytes:
    """An entry as a line of the list: JSON, behind its digest."""
    fields = [getattr(entry, name) for name in _Entry.__slots__]
    text = json.dumps(fields, separators=(",", ":")).encode()
    return _digest(text).encode() + b" " + text + b"\n"


def _parse(line: bytes) -> _Entry:
    digest, _, text = line.partition(b" ")
    if _digest(text).encode() != digest:
        raise ValueError("the digest differs")
    entry = _Entry(*json.loads(text))
    return replace(entry, reasons={int(reason): n for reason, n in entry.reasons.items()})


def _read(path: Path, size: int) -> bytes | None:
    """The bytes of a regular file of this size; None for any other."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return None
        data = file.read(size + 1)
    return data if len(data) == size else None


def _foreign(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} is no regular file, so this is no checkpoint's folder; choose another"
    )
