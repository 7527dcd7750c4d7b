"""A JIT-compiled virtual machine: 32-bit CPU, MMU, memory-mapped components."""

from .core.component import Component, MemoryWindow
from .core.hooks import Hook, HookAccess, HookEvent, HookKind
from .core.mapping import Mapping, MappingError, MappingOutcome
from .core.metadata import Category, Metadata, hardware_id
from .core.observer import Interest, RunObserver
from .core.register_map import DeviceCommand, MappedRegister, RegisterAccess
from .core.snapshot import Snapshot
from .core.snapshot_values import SnapshotError, StateValue
from .core.statistics import Statistics
from .core.stop import Stop, StopReason
from .core.unmapped import Unmapped, UnmappedAccess, UnmappedWarning
from .core.watchpoints import Watch, WatchHit
from .exceptions import ExceptionCode, GuestException, HardwareCode, HardwareError
from .jit.options import TranslatorOptions
from .machine.motherboard import Motherboard

__version__ = "0.1.0"

__all__ = [
    "Category",
    "Component",
    "DeviceCommand",
    "ExceptionCode",
    "GuestException",
    "HardwareCode",
    "HardwareError",
    "Hook",
    "HookAccess",
    "HookEvent",
    "HookKind",
    "Interest",
    "MappedRegister",
    "Mapping",
    "MappingError",
    "MappingOutcome",
    "MemoryWindow",
    "Metadata",
    "Motherboard",
    "RegisterAccess",
    "RunObserver",
    "Snapshot",
    "SnapshotError",
    "StateValue",
    "Statistics",
    "Stop",
    "StopReason",
    "TranslatorOptions",
    "Unmapped",
    "UnmappedAccess",
    "UnmappedWarning",
    "Watch",
    "WatchHit",
    "hardware_id",
]
