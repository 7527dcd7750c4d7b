"""The ways in which a machine of compiled parts can run: it does the same in all of them."""

from __future__ import annotations

from collections.abc import Iterable

from lrvm_jit.modular import Machine, MachineHandle, Peripheral, Processor

WAYS = ("compiled", "plain", "threads")


def start(
    way: str, peripherals: Iterable[Peripheral], processors: Iterable[Processor]
) -> MachineHandle:
    machine = Machine(peripherals, processors)
    if way == "threads":
        return machine.run("threads")
    return machine.run("cooperative", compiled=way == "compiled")
