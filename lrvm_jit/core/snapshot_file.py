"""Snapshots as files.

A line of magic with the version, the SHA-256 of all that follows, the length of a header in JSON,
the header, and the memory's pages: distinct ones once each, compressed. Numbers are big-endian.
Nothing of it is executed when it is read, and everything is checked before it is used.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import zlib
from typing import TYPE_CHECKING, Any, Final

from ..input_files import read_file
from ..isa.table import REGISTER_COUNT, WORD_MASK
from ..output_files import OutputFile
from .mapping import Mapping
from .paged_memory import PAGE_WORDS
from .snapshot_values import SnapshotError, decode_state

if TYPE_CHECKING:
    from .snapshot import Snapshot

MAGIC: Final = b"lrvm-jit snapshot "
VERSION: Final = 1
_DIGEST: Final = hashlib.sha256().digest_size
_LARGEST_MEMORY: Final = 1 << 36
"""Bytes of all components together: far more than sixteen that fill the address space."""


def save(snapshot: Snapshot, path: str | os.PathLike[str]) -> None:
    """Write a snapshot. Raises OSError."""
    with OutputFile(path) as output:
        output.write(dump(snapshot))


def dump(snapshot: Snapshot) -> bytes:
    """A snapshot as the bytes of its file."""
    numbers: dict[bytes, int] = {}
    order = [numbers.setdefault(page, len(numbers)) for page in snapshot.memory]
    header = {
        "registers": list(memoryview(snapshot.registers).cast("I")),
        "cpu": list(snapshot.cpu),
        "mappings": [[one.component, one.first, one.last] for one in snapshot.mappings],
        "components": [
            {
                "name": one.name,
                "metadata": list(one.metadata),
                "state": None if one.state is None else base64.b64encode(one.state).decode(),
            }
            for one in snapshot.components
        ],
        "page words": PAGE_WORDS,
        "pages": order,
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    packed = zlib.compress(b"".join(_big_endian(page) for page in numbers), 1)
    body = len(text).to_bytes(8, "big") + text + packed
    return b"%s%d\n" % (MAGIC, VERSION) + hashlib.sha256(body).digest() + body


def load(path: str | os.PathLike[str]) -> Snapshot:
    """Read a snapshot. Raises SnapshotError and OSError."""
    return parse(read_file(path), str(path))


def parse(content: bytes, path: str) -> Snapshot:
    """The snapshot in a file's bytes; `path` is what messages call it. Raises SnapshotError."""
    line, newline, rest = content[: len(MAGIC) + 12].partition(b"\n")
    if not newline or not line.startswith(MAGIC):
        raise SnapshotError(f"{path} is no snapshot")
    version = line[len(MAGIC) :]
    if version != b"%d" % VERSION:
        shown = version.decode("ascii", "replace")
        raise SnapshotError(
            f"{path} is a snapshot of version {shown}; this version of lrvm_jit reads {VERSION}"
        )
    rest = content[len(line) + 1 :]
    digest, body = rest[:_DIGEST], rest[_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        raise SnapshotError(f"{path} is damaged: its checksum is not that of its content")
    try:
        return _parsed(body)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, zlib.error) as error:
        # Made by somebody who knows how to compute a checksum.
        raise SnapshotError(f"{path} is no whole snapshot: {error}") from None
    except RecursionError:
        raise SnapshotError(f"{path} is no whole snapshot: it is nested too deeply") from None


def _parsed(body: bytes) -> Snapshot:
    from .snapshot import CPU_FIELDS, ComponentImage, Snapshot

    length = int.from_bytes(body[:8], "big")
    header: dict[str, Any] = json.loads(body[8 : 8 + length])
    registers = _numbers(header["registers"], WORD_MASK)
    cpu = tuple(_numbers(header["cpu"], (1 << 63) - 1, -(1 << 63)))
    order = _numbers(header["pages"], _LARGEST_MEMORY)
    words = _numbers([header["page words"]], 1 << 24)[0]
    if len(registers) != REGISTER_COUNT or len(cpu) != len(CPU_FIELDS) or words != PAGE_WORDS:
        raise ValueError("a part of it has the wrong length")
    distinct = max(order, default=-1) + 1
    most = distinct * 4 * PAGE_WORDS
    if most > _LARGEST_MEMORY:
        raise ValueError("its memory is too large")
    unpacker = zlib.decompressobj()
    memory = unpacker.decompress(body[8 + length :], most + 1)
    if len(memory) > most or unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("its memory is not as long as it says")
    pages = _distinct_pages(memory, order, distinct)
    components = []
    for item in header["components"]:
        state = None if item["state"] is None else base64.b64decode(item["state"], validate=True)
        if state is not None:
            decode_state(state)
        if not isinstance(item["name"], str):
            raise TypeError("a component's name is no text")
        metadata = tuple(_numbers(item["metadata"], WORD_MASK))
        if len(metadata) != 8:
            raise ValueError("metadata are eight words")
        components.append(ComponentImage(item["name"], metadata, state))
    mappings = []
    for row in header["mappings"]:
        component, first, last = _numbers(row, WORD_MASK)
        if component >= len(components) or first % 4 or last % 4 or first > last:
            raise ValueError("a mapping that cannot be")
        mappings.append(Mapping(component, first, last))
    return Snapshot(
        b"".join(word.to_bytes(4, sys.byteorder) for word in registers),
        cpu,
        tuple(pages[number] for number in order),
        tuple(mappings),
        tuple(components),
    )


def _distinct_pages(memory: bytes, order: list[int], distinct: int) -> list[bytes]:
    """The pages; only the memory's last one may be shorter, and that is whichever is not whole."""
    size = 4 * PAGE_WORDS
    short = -len(memory) % size
    if distinct * size - short != len(memory):
        raise ValueError("its memory is not as long as it says")
    pages: list[bytes] = []
    at = 0
    for number in range(distinct):
        # A short page stands for the memory's end alone, so it occurs once.
        whole = not short or number != order[-1]
        part = memory[at : at + (size if whole else size - short)]
        at += len(part)
        pages.append(_big_endian(part))
    if at != len(memory) or (short and order.count(order[-1]) != 1):
        raise ValueError("its memory is not as long as it says")
    return pages


def _big_endian(page: bytes) -> bytes:
    """Words of the host as big-endian ones, or the other way round."""
    if sys.byteorder == "big":
        return page
    import numpy

    return numpy.frombuffer(page, numpy.uint32).byteswap().tobytes()


def _numbers(values: Any, high: int, low: int = 0) -> list[int]:
    if not isinstance(values, list):
        raise TypeError("a list is missing")
    for value in values:
        if type(value) is not int or not low <= value <= high:
            raise ValueError("a number is out of range")
    return values
