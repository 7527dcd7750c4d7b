"""Assembler, disassembler and running tools for the LRVM machine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrvm_jit import hardware_id

    from .disassembly import disassemble
    from .lasm import AssemblyError, assemble
    from .program import Instr, Label, Program, Reg
    from .running import PreparationError, RunConfig, execute, prepare, run

__all__ = [
    "AssemblyError",
    "Instr",
    "Label",
    "PreparationError",
    "Program",
    "Reg",
    "RunConfig",
    "assemble",
    "disassemble",
    "execute",
    "hardware_id",
    "prepare",
    "run",
]

_HOMES = {
    "AssemblyError": "lrvm_tools.lasm",
    "Instr": "lrvm_tools.program",
    "Label": "lrvm_tools.program",
    "PreparationError": "lrvm_tools.running",
    "Program": "lrvm_tools.program",
    "Reg": "lrvm_tools.program",
    "RunConfig": "lrvm_tools.running",
    "assemble": "lrvm_tools.lasm",
    "disassemble": "lrvm_tools.disassembly",
    "execute": "lrvm_tools.running",
    "hardware_id": "lrvm_jit",
    "prepare": "lrvm_tools.running",
    "run": "lrvm_tools.running",
}
"""Loaded when first used: the command, which is in this package, has to be there to answer Ctrl-C
while the rest is loaded."""


_MODULES = ("disassembly", "lasm", "program", "running")
"""That are there after `import lrvm_tools`."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
