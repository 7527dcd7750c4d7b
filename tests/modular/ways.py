"""The ways in which a machine of compiled parts can run: it does the same in all of them."""

from __future__ import annotations

from collections.abc import Iterable

from lrvm_jit.modular import Machine, MachineHandle, Peripheral, Processor
from lrvm_jit.modular.compiled import DATA, FAIL, GOOD, LOAD, Bus, State

WAYS = ("compiled", "plain", "threads")


def start(
    way: str, peripherals: Iterable[Peripheral], processors: Iterable[Processor]
) -> MachineHandle:
    machine = Machine(peripherals, processors)
    if way == "threads":
        return machine.run("threads")
    return machine.run("cooperative", compiled=way == "compiled")


def memory(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """The `handle` of a peripheral that keeps its state's numbers; other addresses are code 7."""
    if not 0 <= address < state.size:
        return FAIL, 7
    if query == LOAD:
        return DATA, state[address]
    state[address] = value
    return GOOD, 0


COUNT, LIMIT, CODE = range(3)


def count(state: State, bus: Bus) -> int | None:
    state[COUNT] += 1
    if state[COUNT] == state[LIMIT]:
        return int(state[CODE])
    return None
