"""Recordings as files that grow.

A line of magic with the version, then blocks: a kind of one byte, the length of the content in
four and its CRC-32 in four, big-endian, and the content, compressed. A block is written in one
piece, so a process that is killed leaves whole blocks but for the last one, which is left out
when the file is read. Nothing of it is executed.

`S`: a position in eight bytes, and a snapshot's file: the state at that position.
`A`: accesses and how far the run had gone, in JSON.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from typing import Any, Final

import numpy

from ..core.snapshot import Snapshot
from ..core.snapshot_file import dump, parse
from ..core.snapshot_values import SnapshotError
from ..input_files import read_file
from .recording import Effects, Kind, MemoryChange, Recording

MAGIC: Final = b"lrvm-jit recording "
VERSION: Final = 1
_HEADER: Final = 9
_LARGEST_BLOCK: Final = 1 << 31
_ACCESSES_A_BLOCK: Final = 4096


class RecordingError(ValueError):
    """A file that is no recording, or cannot be read by this version."""


class RecordingWriter:
    """Writes a recording while it grows. OSErrors name the file."""

    def __init__(self, path: str | os.PathLike[str], recording: Recording) -> None:
        self._path = os.fspath(path)
        self._recording = recording
        self._done = 0
        self._end = -1
        self._descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666
        )
        self._write(b"%s%d\n" % (MAGIC, VERSION))
        for checkpoint in recording.checkpoints:
            self.state(checkpoint.position, checkpoint.snapshot)
        self.flush()

    def state(self, position: int, snapshot: Snapshot) -> None:
        """The host has made the machine this, at a position; what came after it is forgotten."""
        self._done = min(self._done, self._recording.log.after(position))
        self._block(b"S", position.to_bytes(8, "big") + dump(snapshot))

    def noted(self) -> None:
        """An access has been noted."""
        if len(self._recording.log) - self._done >= _ACCESSES_A_BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write what has been noted since the last time."""
        log, end = self._recording.log, self._recording.end
        if self._done == len(log) and end == self._end:
            return
        first = max(self._done, log.dropped)
        items = [log[number] for number in range(first, len(log))]
        # During a run the end is where its last access was.
        end = max(end, items[-1].position if items else 0)
        document: dict[str, Any] = {
            "end": end,
            "accesses": [
                [one.position, int(one.kind), one.component, one.offset, one.answer]
                for one in items
            ],
            "effects": {
                str(number): _effects_document(one.effects)
                for number, one in enumerate(items)
                if one.effects is not None
            },
        }
        self._block(b"A", json.dumps(document, separators=(",", ":")).encode())
        self._done, self._end = len(log), end

    def _block(self, kind: bytes, content: bytes) -> None:
        packed = zlib.compress(content, 1)
        size = len(packed).to_bytes(4, "big")
        self._write(kind + size + zlib.crc32(packed).to_bytes(4, "big") + packed)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from error

    def close(self) -> None:
        """Write the rest and close the file."""
        try:
            self.flush()
        finally:
            os.close(self._descriptor)


def load_recording(path: str | os.PathLike[str]) -> Recording:
    """The recording in a file, as far as it was written.

    RecordingError, a ValueError, for a file that is none, was made by another version, or is
    damaged; OSError if it cannot be read.
    """
    content = read_file(path)
    line, newline, _ = content[: len(MAGIC) + 12].partition(b"\n")
    if not newline or not line.startswith(MAGIC):
        raise RecordingError(f"{path} is no recording")
    if line[len(MAGIC) :] != b"%d" % VERSION:
        shown = line[len(MAGIC) :].decode("ascii", "replace")
        raise RecordingError(
            f"{path} is a recording of version {shown}; this version of lrvm_jit reads {VERSION}"
        )
    recording: Recording | None = None
    at = len(line) + 1
    try:
        while at + _HEADER <= len(content):
            kind = content[at : at + 1]
            size = int.from_bytes(content[at + 1 : at + 5], "big")
            check = int.from_bytes(content[at + 5 : at + 9], "big")
            packed = content[at + _HEADER : at + _HEADER + size]
            if len(packed) < size:
                break  # the process was killed while it wrote this
            at += _HEADER + size
            if zlib.crc32(packed) != check:
                raise RecordingError(f"{path} is damaged at byte {at - size}")
            data = _unpacked(packed)
            if kind == b"S":
                position, snapshot = int.from_bytes(data[:8], "big"), parse(data[8:], str(path))
                if recording is None:
                    recording = Recording(snapshot)
                else:
                    recording.truncate(position)
                    recording.add(position, snapshot, fixed=True)
            elif kind == b"A" and recording is not None:
                _take_accesses(recording, json.loads(data))
            else:
                raise RecordingError(f"{path} has a block of an unknown kind")
    except RecordingError:
        raise
    except SnapshotError as error:
        raise RecordingError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, zlib.error) as error:
        raise RecordingError(f"{path} is no whole recording: {error}") from None
    except RecursionError:
        raise RecordingError(f"{path} is no whole recording: it is nested too deeply") from None
    if recording is None:
        raise RecordingError(f"{path} ends before the state in which its run began")
    return recording


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(packed, _LARGEST_BLOCK)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("a block is too large")
    return data


def _take_accesses(recording: Recording, document: dict[str, Any]) -> None:
    effects = {
        int(number): _effects_of(one, recording) for number, one in document["effects"].items()
    }
    last = recording.log.positions[-1] if recording.log.positions else 0
    for number, (position, kind, component, offset, answer) in enumerate(document["accesses"]):
        if not last <= position or not 0 <= component < 1 << 16 or not 0 <= offset < 1 << 32:
            raise ValueError("an access that cannot be")
        last = position
        recording.log.append(position, Kind(kind), component, offset, answer, effects.get(number))
    recording.end = max(recording.end, int(document["end"]))


def _effects_document(effects: Effects) -> dict[str, Any]:
    return {
        "memory": [
            [one.component, one.window, one.first, _swapped(one.words)] for one in effects.memory
        ],
        "registers": [list(pair) for pair in effects.registers],
        "halted": effects.halted,
        "resets": effects.resets,
    }


def _effects_of(document: dict[str, Any], recording: Recording) -> Effects:
    return Effects(
        tuple(
            MemoryChange(int(component), int(window), int(first), _words(text))
            for component, window, first, text in document["memory"]
        ),
        tuple((int(code), int(word)) for code, word in document["registers"]),
        document["halted"],
        bool(document["resets"]),
    )


def _swapped(words: bytes) -> str:
    data = numpy.frombuffer(words, numpy.uint32).astype(">u4").tobytes()
    return base64.b64encode(data).decode()


def _words(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    words = numpy.frombuffer(data, ">u4").astype(numpy.uint32)
    return words.tobytes()
