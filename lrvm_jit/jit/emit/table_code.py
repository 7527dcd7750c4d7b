"""Code for jumps through tables that are known (`tables`)."""

from __future__ import annotations

from typing import cast

from ...core.layout import NO_SLOT
from ...isa.semantics import Target, execute
from ..analysis.instructions import GuestInstruction
from ..analysis.region import JumpTable
from .builder import Builder, Value
from .frame import Frame


class _AddressOnly:
    """The code generator as a target for a load of which only the address is wanted."""

    def __init__(self, build: Builder) -> None:
        self.op, self.read, self.pc = build.op, build.read, build.pc
        self.address: Value = 0

    def load(self, address: Value) -> Value:
        self.address = address
        return 0

    def write(self, register: int, value: Value) -> None:
        """Nothing is loaded."""


def emit_index(build: Builder, load: GuestInstruction, table: JumpTable) -> Value:
    """Code for the distance, in bytes, of the word that is loaded from the table's first one."""
    assert load.decoded is not None
    wanted = _AddressOnly(build)
    execute(cast(Target, wanted), load.decoded.instruction, load.decoded.operands)
    return build.op("sub", wanted.address, table.base.emit(build))


def measure_table(frame: Frame, table: JumpTable, slot: int, name: str) -> list[str]:
    """Code for the region's beginning: how much of a table can be relied on, all or nothing.

    It must stand where it is known to stand, and all of it must be readable, in plain memory or
    through the slot's window: it may be code that must not be read, a word of it may be watched.
    That the words are what they were is seen to where regions are installed.
    """
    build = Builder(frame, next(iter(frame.region.blocks.values())), None)
    build.lines = []
    plain = [memory for memory in frame.region.plain if memory.holds(table.address)]
    shift, words, base = (
        frame.plain_fields(build.value, plain[0])
        if slot == NO_SLOT and plain
        else frame.slot_fields(build.value, slot)
    )
    inside = build.op("add", table.address, shift)
    frame.declare("usub.sat")
    spare = len(table.targets) - 1
    reach = build.value(f"call i32 @llvm.usub.sat.i32(i32 {words}, i32 {spare})")
    usable = build.compare("ult", build.rotate(inside), reach)
    if table.base.terms:
        there = build.compare("eq", table.base.emit(build), table.address)
        usable = build.bit("and", usable, there)
    length = build.select(usable, len(table.targets), 0)
    offset = build.value(f"zext i32 {inside} to i64")
    first = build.value(f"getelementptr i8, ptr {base}, i64 {offset}")
    return [
        *build.lines,
        f"  %{name} = alloca i32",
        f"  store i32 {length}, ptr %{name}",
        f"  %{name}_at = alloca ptr",
        f"  store ptr {first}, ptr %{name}_at",
    ]
