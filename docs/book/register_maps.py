"""The register map of a component, from what the component itself declares."""

from __future__ import annotations

import lrvm_components
from lrvm_components import host_registers
from lrvm_jit import Component, batch
from lrvm_jit.batch import BatchComponent
from lrvm_jit.core.register_map import MappedRegister


def components() -> dict[str, type[Component] | type[BatchComponent]]:
    """The ready-made components by the names of their classes."""
    found: dict[str, type[Component] | type[BatchComponent]] = {}
    for module in (lrvm_components, batch):
        for name in module.__all__:
            item = getattr(module, name)
            if isinstance(item, type) and issubclass(item, Component | BatchComponent):
                found[name] = item
    for base in ("BatchComponent", "PerLane"):
        del found[base]
    return found


def register_map(name: str) -> str:
    """Registers and commands of a component as tables. KeyError for a name that is none."""
    if name == "Host":
        return host_registers.tables()
    component = components()[name]
    lines = ["| offset | register | access | |", "|---|---|---|---|"]
    lines += [
        f"| {_offsets(row, component.registers[number + 1 :])} | {row.name} "
        f"| {row.access} | {row.meaning} |"
        for number, row in enumerate(component.registers)
    ]
    if component.commands:
        lines += ["", "| command | number | |", "|---|---|---|"]
        lines += [
            f"| {command.name} | 0x{command.number:02X} | {command.meaning} |"
            for command in component.commands
        ]
    return "\n".join(lines)


def _offsets(row: MappedRegister, following: tuple[MappedRegister, ...]) -> str:
    first = f"0x{row.offset:02X}" if row.offset >= 0 else f"size - {-row.offset}"
    if row.words == 1:
        return first
    if row.words:
        return f"{first} to 0x{row.offset + 4 * row.words - 4:02X}"
    if not following:
        return f"{first} to the end"
    return f"{first} to size - {4 - following[0].offset}"
