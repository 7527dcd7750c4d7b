"""The stencils as they are kept: machine code, and the patcher's tables."""

from __future__ import annotations

from typing import Final

import numpy
from numpy.typing import NDArray

from ...records import dataclass

HEADER: Final = 2


@dataclass(frozen=True, slots=True)
class Stencils:
    """`code` is uint8, `tables` int64 (`jit.baseline.tables`)."""

    code: NDArray[numpy.uint8]
    tables: NDArray[numpy.int64]

    def pack(self) -> bytes:
        """As bytes, for the cache."""
        header = numpy.array([len(self.tables), len(self.code)], numpy.int64)
        return header.tobytes() + self.tables.tobytes() + self.code.tobytes()

    @classmethod
    def unpack(cls, content: bytes) -> Stencils:
        """Back from bytes. ValueError if they are none of `pack`."""
        if len(content) < 8 * HEADER:
            raise ValueError("stencils without a header")
        tables, code = numpy.frombuffer(content, numpy.int64, HEADER).tolist()
        if min(tables, code) < 0 or len(content) != 8 * (HEADER + tables) + code:
            raise ValueError("stencils of another length")
        return cls(
            numpy.frombuffer(content, numpy.uint8, code, 8 * (HEADER + tables)),
            numpy.frombuffer(content, numpy.int64, tables, 8 * HEADER),
        )
