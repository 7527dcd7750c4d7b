"""A JIT-compiled virtual machine: 32-bit CPU, MMU, memory-mapped components."""

from .exceptions import ExceptionCode, GuestException, HardwareCode, HardwareError
from .machine.component import Component, MemoryWindow
from .machine.mapping import Mapping, MappingError, MappingOutcome
from .machine.metadata import Category, Metadata, hardware_id
from .machine.motherboard import Motherboard
from .machine.observer import Interest, RunObserver
from .machine.snapshot import Snapshot
from .machine.snapshot_values import SnapshotError, StateValue
from .machine.statistics import Statistics
from .machine.stop import Stop, StopReason
from .machine.watchpoints import Watch, WatchHit
from .translator.options import TranslatorOptions

__all__ = [
    "Category",
    "Component",
    "ExceptionCode",
    "GuestException",
    "HardwareCode",
    "HardwareError",
    "Interest",
    "Mapping",
    "MappingError",
    "MappingOutcome",
    "MemoryWindow",
    "Metadata",
    "Motherboard",
    "RunObserver",
    "Snapshot",
    "SnapshotError",
    "StateValue",
    "Statistics",
    "Stop",
    "StopReason",
    "TranslatorOptions",
    "Watch",
    "WatchHit",
    "hardware_id",
]
