"""The baseline tier of one board: its native context, its code, and when all of that goes."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Sequence
from functools import cache

import numpy
from numpy.typing import NDArray

from ...code_cache import (
    PACKAGE,
    CodeCache,
    chosen_folder,
    load_first,
    package_folder,
    package_trust,
    save_first,
    user_folder,
)
from ...code_cache.host import host_facts
from ...core import baseline_layout as base
from ...core import native_abi as abi
from ...isa.table import Reg
from ...kernel.build.compile import SOURCES, EntryPointSource, load
from .entry import BEGIN, DROP, TRANSLATE
from .memory import PatchedMemory
from .stencils import Stencils, compile_stencils, read_stencils
from .tables import make_tables

FOLDER = "stencils"
STENCIL_SOURCES = ("jit/baseline/*.py", "jit/native_ir.py", "core/native_abi.py", "isa/*.py")
PATCHER = EntryPointSource(
    "lrvm_jit.jit.baseline.entry",
    "patch",
    "the patcher of machine code",
    (*SOURCES, *STENCIL_SOURCES),
)
CODE_BYTES = 16 << 20
MOST_AT_A_TIME = 16_384
"""Instructions translated by one request."""
MOST_WORDS = 1 << 27
"""Boards with more memory than so many words have no baseline tier: it keeps 26 bytes for each
word, most of which are never touched."""


@cache
def is_supported() -> bool:
    """Whether this system has what the tier needs."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def _caches() -> list[CodeCache]:
    chosen = chosen_folder()
    if chosen is not None:
        return [CodeCache(chosen, FOLDER)]
    return [
        CodeCache(package_folder(), FOLDER, trust=package_trust()),
        CodeCache(lambda saving: user_folder(saving=saving), FOLDER),
    ]


@cache
def stencils() -> Stencils:
    """The stencils for this processor, from the cache if it has them."""
    hasher = hashlib.sha256()
    for pattern in STENCIL_SOURCES:
        for path in sorted(PACKAGE.glob(pattern)):
            hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    hasher.update(repr(host_facts()).encode())
    key = hasher.hexdigest()
    for one, content in load_first(_caches(), key):
        try:
            return read_stencils(content)
        except (ValueError, IndexError):
            one.remove(key)
    content = compile_stencils()
    save_first(_caches(), key, content)
    return read_stencils(content)


class BaselineCode:
    """The native context of a board, and the code that its guest has become.

    Only while the kernel does not run, but for what the kernel does itself.
    """

    def __init__(
        self,
        kernel_context: int,
        words: int,
        pins: Sequence[Reg] = abi.DEFAULT_PINS,
        size: int = CODE_BYTES,
    ) -> None:
        """`kernel_context`: address of the kernel's context; `words` of the arena."""
        self.context: NDArray[numpy.int64] = numpy.zeros(abi.CONTEXT_WORDS, numpy.int64)
        self._patch = load(PATCHER)[0]
        self._stencils = stencils()
        self._size = size
        pages = -(-words // 256)
        code = numpy.concatenate([self._stencils.code, numpy.zeros(8, numpy.uint8)])
        self._kept: dict[int, NDArray[numpy.generic]] = {
            abi.SITES: numpy.zeros(base.MOST_SITES * abi.SITE_FIELDS, numpy.int64),
            base.TABLES: numpy.zeros(words, numpy.int64),
            base.TABLES + 1: numpy.zeros(words, numpy.int64),
            base.OWNERS: numpy.zeros(words, numpy.int32),
            base.OWNERS + 1: numpy.zeros(words, numpy.int32),
            base.BLOCKS: numpy.zeros(abi.MOST_BLOCKS * base.BLOCK_FIELDS, numpy.int64),
            base.LINKS: numpy.zeros(base.MOST_LINKS * base.LINK_FIELDS, numpy.int64),
            base.CHANGES: numpy.zeros(words, numpy.uint8),
            base.PAGES: numpy.zeros(pages, numpy.int64),
            base.FLAGS: numpy.zeros(words + 1, numpy.uint8),
            base.WORK: numpy.zeros(base.MOST_WORK, numpy.int64),
            base.STENCILS: make_tables(self._stencils, pins),
            base.STENCIL_CODE: code,
        }
        for word, array in self._kept.items():
            self.context[word] = array.ctypes.data
        for number, register in enumerate(pins):
            self.context[abi.PIN_HOMES + number] = 4 * int(register)
        self._request = numpy.zeros(10, numpy.int64)
        self._request[0] = kernel_context
        self._request[1] = self.context.ctypes.data
        self._process = -1
        self.flushes = 0
        self.prepare()

    @property
    def address(self) -> int:
        return int(self.context.ctypes.data)

    def prepare(self) -> None:
        """Before a run: a child of a fork makes its own code."""
        if self._process == os.getpid():
            return
        self._memory = PatchedMemory(self._size)
        self.context[base.CODE_WRITTEN] = self._memory.written_at
        self.context[base.CODE_RUN] = self._memory.run_at
        self.context[base.CODE_SIZE] = self._size
        self._process = os.getpid()
        self.flush()

    def flush(self) -> None:
        """Forget all code."""
        context = self.context
        count = int(context[base.BLOCK_COUNT])
        rows = self._kept[base.BLOCKS].reshape(-1, base.BLOCK_FIELDS)[1 : count + 1]
        for mode in range(2):
            mine = rows[rows[:, base.BLOCK_MODE] == mode]
            self._kept[base.TABLES + mode][mine[:, base.BLOCK_START]] = 0
            for start, size in mine[:, : base.BLOCK_WORDS + 1].tolist():
                self._kept[base.OWNERS + mode][start : start + size] = 0
        self._kept[base.PAGES][:] = 0
        context[base.BLOCK_COUNT] = context[base.LINK_COUNT] = 0
        context[abi.COUNTERS :] = 0
        context[base.WINDOWS_SEEN : base.WINDOW_NEXT] = -1
        context[abi.FETCH_WORDS] = context[abi.FETCH_TABLE] = 0
        self._do(BEGIN)
        self.flushes += 1

    def translate(
        self, pc: int, *, supervisor: bool, mmu: bool, low: int, words: int, first: int
    ) -> int:
        """Translate what can be reached from pc; how many instructions.

        The fetch window: first virtual address in words, words, arena index.
        """
        self._request[2:9] = pc, supervisor, mmu, low, words, first, MOST_AT_A_TIME
        done = self._do(TRANSLATE)
        if not self.begins_at(first + (pc >> 2) - low, supervisor=supervisor):
            # There was no room left.
            self.flush()
            done = self._do(TRANSLATE)
        return done

    def drop(self, index: int) -> None:
        """Drop the code that an arena word is part of."""
        self._request[2] = index
        self._do(DROP)

    def _do(self, what: int) -> int:
        self._request[9] = what
        return self._patch(self._request.ctypes.data)

    def begins_at(self, index: int, *, supervisor: bool) -> bool:
        """Whether native code begins at an arena word."""
        return bool(self._kept[base.TABLES + supervisor][index])

    @property
    def bytes(self) -> int:
        """Bytes of machine code."""
        return int(self.context[base.CODE_USED])

    @property
    def executed(self) -> int:
        """Instructions that the code has executed."""
        return int(self.context[base.EXECUTED])
