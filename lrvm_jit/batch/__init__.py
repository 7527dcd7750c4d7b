"""Batches: one program, or many, on thousands of machines at once."""

from ..isa.table import Reg
from .batch import Batch
from .checkpoint import CheckpointError
from .component import FINE, BatchComponent, PartlyServedError
from .components import CharOutput, CycleClock, RandomSource, WordInput
from .data_error import DataError
from .lane_arrays import LaneArrays, LaneMemory
from .per_lane import PerLane
from .result import BatchResult, LaneReason
from .stream import StreamResult

__all__ = [
    "FINE",
    "Batch",
    "BatchComponent",
    "BatchResult",
    "CharOutput",
    "CheckpointError",
    "CycleClock",
    "DataError",
    "LaneArrays",
    "LaneMemory",
    "LaneReason",
    "PartlyServedError",
    "PerLane",
    "RandomSource",
    "Reg",
    "StreamResult",
    "WordInput",
]
