"""Batches: one program, or many, on thousands of machines at once.

>>> from lrvm_jit.batch import Batch
>>> from lrvm_tools import assemble
>>> batch = Batch(assemble("add a0, 1\\nhalt"), n=3)
>>> batch.regs[:, 0] = [10, 20, 30]
>>> _ = batch.run()
>>> batch.regs[:, 0].tolist()
[11, 21, 31]
"""

from typing import TYPE_CHECKING

from ..isa.table import Reg
from .batch import Batch
from .char_components import CharInput, CharOutput, WordInput
from .component import FINE, BatchComponent, PartlyServedError
from .components import CycleClock, RandomSource
from .data_error import DataError
from .lane_arrays import LaneArrays, LaneMemory
from .per_lane import PerLane
from .programs import Program
from .result import BatchResult, LaneReason

if TYPE_CHECKING:
    from ..stream.checkpoint import CheckpointError
    from ..stream.stream import StreamResult

__all__ = [
    "FINE",
    "Batch",
    "BatchComponent",
    "BatchResult",
    "CharInput",
    "CharOutput",
    "CheckpointError",
    "CycleClock",
    "DataError",
    "LaneArrays",
    "LaneMemory",
    "LaneReason",
    "PartlyServedError",
    "PerLane",
    "Program",
    "RandomSource",
    "Reg",
    "StreamResult",
    "WordInput",
]


def __getattr__(name: str) -> object:
    """Streams' names, which are told here too: imported when asked for, as that room uses this."""
    if name == "CheckpointError":
        from ..stream.checkpoint import CheckpointError

        return CheckpointError
    if name == "StreamResult":
        from ..stream.stream import StreamResult

        return StreamResult
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
