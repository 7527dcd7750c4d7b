"""Machines from files: component types by name, `machine.toml`, and the default machine.

>>> from lrvm_tools.machines import component_types
>>> component_types()["ram"].settings["size"].required
True
"""

from .context import Context
from .default import DEFAULT_MACHINE_FILE, default_machine
from .errors import MachineError
from .file import load_machine
from .host import Host
from .host_paths import HostFile
from .machine import Machine
from .types import ComponentType, Setting, component_types

__all__ = [
    "DEFAULT_MACHINE_FILE",
    "ComponentType",
    "Context",
    "Host",
    "HostFile",
    "Machine",
    "MachineError",
    "Setting",
    "component_types",
    "default_machine",
    "load_machine",
]
