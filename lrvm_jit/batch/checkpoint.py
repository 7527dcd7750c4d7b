"""Finished chunks of a stream on disk, for a job that goes on after its process was killed."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy

from .durable import undisturbed, written
from .stream_chunk import ChunkResult
from .stream_fields import Values
from .stream_inputs import Piece

FORMAT: Final = 1
_MANIFEST: Final = "job.json"
_NOTE: Final = "chunk.json"
_CHUNK: Final = re.compile(r"chunk-(\d+)\.npz")


_DAMAGED: Final = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


class CheckpointError(Exception):
    """A checkpoint that belongs to another job, or is in use, or damaged."""


class Checkpoint:
    """A folder with a file for each finished chunk and `job.json`, which says of what job.

    The folder is locked as long as it is open, by the process: the lock ends with it.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        """CheckpointError if the folder has the chunks of another job, or is in use."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("wb")
        try:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CheckpointError(
                    f"{folder} is in use by another process; wait for it, or choose another "
                    "checkpoint"
                ) from None
            self._check({"format": FORMAT, **manifest})
        except BaseException:
            self._lock.close()
            raise
        self.finished = {
            int(found[1])
            for path in folder.iterdir()
            if (found := _CHUNK.fullmatch(path.name)) is not None
        }
        """Numbers of the chunks that are there."""

    def _check(self, manifest: dict[str, Any]) -> None:
        path = self.folder / _MANIFEST
        # As it comes back: without tuples and the like.
        manifest = json.loads(json.dumps(manifest))
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            if any(_CHUNK.fullmatch(item.name) for item in self.folder.iterdir()):
                raise CheckpointError(
                    f"{self.folder} has chunks, but no {_MANIFEST}; choose another checkpoint"
                ) from None
            with written(path) as file:
                file.write(json.dumps(manifest, indent=2).encode())
            return
        except ValueError:
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

    def save(self, piece: Piece, inputs: str, result: ChunkResult) -> None:
        """Keep a chunk; `inputs` is the digest of what went in."""
        note = {
            "first": piece.first,
            "count": piece.count,
            "inputs": inputs,
            "reasons": result.reasons,
            "instructions": result.instructions,
        }
        with undisturbed():
            with written(self._path(piece)) as file, zipfile.ZipFile(file, "w") as archive:
                archive.writestr(_NOTE, json.dumps(note))
                for name, array in result.outputs.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                        numpy.lib.format.write_array(entry, array, allow_pickle=False)
            self.finished.add(piece.number)

    def load(self, piece: Piece) -> ChunkResult:
        """A finished chunk. CheckpointError if it has other lanes."""
        path = self._path(piece)
        try:
            with zipfile.ZipFile(path) as archive:
                note = json.loads(archive.read(_NOTE))
                self._check_lanes(piece, note)
                outputs = {}
                for name in archive.namelist():
                    if name != _NOTE:
                        # Read whole, its checksum is compared.
                        entry = io.BytesIO(archive.read(name))
                        array = numpy.lib.format.read_array(entry, allow_pickle=False)
                        outputs[name.removesuffix(".npy")] = array
            reasons = {int(reason): count for reason, count in note["reasons"].items()}
            return ChunkResult(outputs, reasons, note["instructions"])
        except _DAMAGED as error:
            raise _damaged(path, error) from None

    def check(self, piece: Piece, inputs: str) -> None:
        """CheckpointError if a finished chunk had other lanes, or other inputs than those with
        this digest."""
        path = self._path(piece)
        try:
            with zipfile.ZipFile(path) as archive:
                note = json.loads(archive.read(_NOTE))
            self._check_lanes(piece, note)
            digest = note["inputs"]
        except _DAMAGED as error:
            raise _damaged(path, error) from None
        if inputs != digest:
            raise CheckpointError(
                f"{self.folder} belongs to another job: the inputs of lanes {piece.first} to "
                f"{piece.first + piece.count - 1} have changed. Choose another checkpoint, or "
                "delete this one"
            )

    def _check_lanes(self, piece: Piece, note: dict[str, Any]) -> None:
        lanes = (note["first"], note["count"])
        if lanes != (piece.first, piece.count):
            raise CheckpointError(
                f"{self.folder} belongs to another job: its chunk {piece.number} has {lanes[1]} "
                f"lanes from {lanes[0]} on, but the inputs now have {piece.count} from "
                f"{piece.first} on. Choose another checkpoint, or delete this one"
            )

    def _path(self, piece: Piece) -> Path:
        return self.folder / f"chunk-{piece.number:06}.npz"

    def close(self) -> None:
        """Let others use the folder."""
        self._lock.close()


def digest_of(values: Values) -> str:
    """A digest of a chunk's inputs."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(values):
        words = values[name]
        digest.update(f"{name} {words.shape}\n".encode())
        digest.update(numpy.ascontiguousarray(words).data)
    return digest.hexdigest()


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read ({error}); delete it to have its lanes run again"
    )
