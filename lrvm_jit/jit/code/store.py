"""Machine code that is in use in this process, shared by all boards that run the same code."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict, deque
from contextlib import suppress
from enum import Enum

from ...code_cache import CodeCache
from ...locks import SharedLock
from ...machine_code import NativeCode, load
from ...records import dataclass
from ..analysis.region import SYMBOL
from .cache import host_key

UNUSED_BYTES = 8 << 20
"""Code that no board uses is kept up to this size, for the next board with the same program."""


class Origin(Enum):
    """Where a region's machine code came from."""

    PROCESS = "process"
    DISK = "disk"
    COMPILER = "compiler"


@dataclass(slots=True)
class SharedCode:
    """Loaded machine code with a count of its users."""

    key: str
    native: NativeCode
    users: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Code for a region, how it was got, and the seconds of compiling and loading."""

    code: SharedCode
    origin: Origin
    seconds: float


class CodeStore:
    """Thread-safe: boards release code while the background thread loads more."""

    def __init__(self) -> None:
        self._lock = SharedLock()
        self._codes: dict[str, SharedCode] = {}
        self._unused: OrderedDict[str, SharedCode] = OrderedDict()
        self._unused_bytes = 0
        self._abandoned: deque[dict[int, SharedCode]] = deque()

    def get(self, text: str, pipeline: str, cache: CodeCache) -> Delivery:
        """The machine code of an IR module: what is loaded, or kept on disk, or compiled now.

        The caller must `release` it.
        """
        start = time.perf_counter()
        self.release_abandoned()
        digest = hashlib.sha256(f"{pipeline}\n{text}".encode())
        digest.update(host_key().encode())
        key = digest.hexdigest()
        code = self._take(key)
        if code is not None:
            return Delivery(code, Origin.PROCESS, time.perf_counter() - start)
        origin = Origin.DISK
        native = self._from_disk(key, cache)
        if native is None:
            # Imported here, as most short runs compile nothing.
            from .compiler import compile_object

            origin = Origin.COMPILER
            data = compile_object(text, pipeline)
            native = load(data, SYMBOL)
            cache.save(key, data)
        code = self._put(key, native)
        return Delivery(code, origin, time.perf_counter() - start)

    def known(self, key: str, cache: CodeCache) -> Delivery | None:
        """The machine code under a key, if it is loaded or kept on disk. The caller must `release`
        it."""
        start = time.perf_counter()
        code, origin = self._take(key), Origin.PROCESS
        if code is None:
            native, origin = self._from_disk(key, cache), Origin.DISK
            if native is None:
                return None
            code = self._put(key, native)
        return Delivery(code, origin, time.perf_counter() - start)

    @staticmethod
    def _from_disk(key: str, cache: CodeCache) -> NativeCode | None:
        data = cache.load(key)
        if data is None:
            return None
        try:
            return load(data, SYMBOL)
        except ValueError:
            return None

    def _take(self, key: str) -> SharedCode | None:
        with self._lock:
            code = self._codes.get(key)
            if code is not None:
                code.users += 1
                if key in self._unused:
                    del self._unused[key]
                    self._unused_bytes -= code.native.size
            return code

    def _put(self, key: str, native: NativeCode) -> SharedCode:
        with self._lock:
            other = self._codes.get(key)
            if other is None:
                code = SharedCode(key, native, users=1)
                self._codes[key] = code
                return code
        # Another thread was faster.
        native.release()
        taken = self._take(key)
        return taken if taken is not None else self._put(key, native)

    def abandon(self, codes: dict[int, SharedCode]) -> None:
        """Release all codes of a table at the next `get`.

        For finalizers. They run wherever Python collects garbage, perhaps in a thread that is
        inside this store and holds its lock; and what a signal raises in them is lost, so they
        must be short.
        """
        self._abandoned.append(codes)

    def release_abandoned(self) -> None:
        """Release what has been abandoned."""
        with suppress(IndexError):
            while True:
                codes = self._abandoned.popleft()
                for code in codes.values():
                    self.release(code)

    def release(self, code: SharedCode) -> None:
        """The user no longer runs the code. What nobody uses goes when too much has gathered."""
        gone: list[SharedCode] = []
        with self._lock:
            code.users -= 1
            if code.users == 0:
                self._unused[code.key] = code
                self._unused_bytes += code.native.size
            while self._unused_bytes > UNUSED_BYTES:
                _, oldest = self._unused.popitem(last=False)
                self._unused_bytes -= oldest.native.size
                del self._codes[oldest.key]
                gone.append(oldest)
        for old in gone:
            old.native.release()


STORE = CodeStore()
