"""Random machines of compiled parts do the same when they are compiled and in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrvm_jit.modular import MachineHandle, Terminate
from lrvm_jit.modular.compiled import (
    DATA,
    END,
    GOOD,
    LOAD,
    Bus,
    CompiledPeripheral,
    CompiledProcessor,
    State,
)
from tests.modular.ways import memory, start

ACCUMULATOR, COUNTER, TRACE, PROGRAM = range(4)
"""What a state of `interpret` begins with. TRACE is a checksum of all that the processor saw."""

MASK = (1 << 40) - 1


def interpret(state: State, bus: Bus) -> int | None:
    """Executes programs of three numbers an instruction, again and again."""
    at = PROGRAM + 3 * state[COUNTER]
    operation, peripheral, operand = state[at], state[at + 1], state[at + 2]
    state[COUNTER] = (state[COUNTER] + 1) % ((state.size - PROGRAM) // 3)
    status, value = 0, 0
    if operation == 0:
        status, value = bus.load(peripheral, operand)
        state[ACCUMULATOR] = value
    elif operation == 1:
        status, value = bus.save(peripheral, operand, state[ACCUMULATOR] & 0xFFF)
    elif operation == 2:
        status, value = bus.swap(peripheral, operand, state[ACCUMULATOR] & 0xFFF)
    elif operation == 3:
        state[ACCUMULATOR] += operand
    elif operation == 4:
        if state[ACCUMULATOR] & 1:
            state[COUNTER] = 0
    elif operation == 5:
        return int(operand)
    elif operation == 6:
        state[state.size + operand] = 1
    elif operation == 7:
        raise Terminate(4)
    elif operation == 8:
        # Several queries in one instruction.
        for address in range(operand):
            status, value = bus.swap(peripheral, address, value)
    elif operation == 9:
        # All peripherals in one instruction; several may end in it.
        for number in range(peripheral):
            status, value = bus.load(number, operand)
    state[TRACE] = (state[TRACE] * 31 + status * 7 + value) & MASK
    return None


def increment(state: State, bus: Bus) -> int | None:
    """Adds 1 at the address state[1] of peripheral 0, state[0] times."""
    _, value = bus.load(0, state[1])
    bus.save(0, state[1], value + 1)
    state[0] -= 1
    if state[0] < 0:
        return 0
    return None


def clock(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """state[0] is the time; state[1] says when to end, and state[2] with which code."""
    if query == LOAD:
        return DATA, state[0]
    state[0] = value
    return GOOD, 0


def tick(state: State) -> int | None:
    state[0] += 1
    if state[0] == state[1]:
        return int(state[2])
    return None


def fragile(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """Ends in another way at each address from 4 on."""
    state[0] += 1
    if address == 4:
        raise Terminate(9)
    if address == 5:
        return END, value & 3
    if address == 6:
        return 11, 0
    if address == 7:
        return GOOD, value
    if query == LOAD:
        return DATA, state[address]  # address may be out of bounds
    state[address] = value
    return GOOD, 0


def drift(state: State) -> None:
    """At some time it goes out of bounds."""
    state[2] += state[1] & 1
    state[state[2] >> 4] += 1


@dataclass(frozen=True)
class Plan:
    """A machine that can be made more than once."""

    peripherals: list[tuple[str, list[int]]]
    programs: list[list[tuple[int, int, int]]]
    increments: list[tuple[int, int]]
    steps: list[int]

    def run(self, way: str) -> object:
        """Everything that can be seen of the machine while it runs and afterwards."""
        kinds: dict[str, Any] = {
            "memory": (memory, None),
            "clock": (clock, tick),
            "fragile": (fragile, drift),
        }
        log: list[tuple[str, int, list[int]]] = []
        peripherals = []
        for number, (kind, state) in enumerate(self.peripherals):
            handle, cycle = kinds[kind]
            halt = self._logged(log, kind, number)
            peripherals.append(CompiledPeripheral(state, handle, cycle=cycle, halt=halt))
        processors = []
        for number, program in enumerate(self.programs):
            words = [0, 0, 0, *(word for instruction in program for word in instruction)]
            processors.append(
                CompiledProcessor(words, interpret, halt=self._logged(log, "interpret", number))
            )
        for number, (times, address) in enumerate(self.increments):
            halt = self._logged(log, "increment", number)
            processors.append(CompiledProcessor([times, address], increment, halt=halt))
        seen: list[object] = []
        running = start(way, peripherals, processors)
        for rounds in self.steps:
            seen.append(running.step(rounds))
            seen.append([part.state.tolist() for part in peripherals])
            seen.append([part.state.tolist() for part in processors])
            seen.append(_ends(running))
        running.stop()
        running.join()
        return seen, log, _ends(running)

    @staticmethod
    def _logged(log: list[tuple[str, int, list[int]]], kind: str, number: int) -> Any:
        """A `halt` of both kinds of parts."""
        return lambda state, bus=None: log.append((kind, number, state.tolist()))


def _ends(handle: MachineHandle) -> list[object]:
    return [
        (status.name, status.code, [type(error) for error in status.errors])
        for status in (*handle.processors, *handle.peripherals)
    ]


small = st.integers(0, 9)
instructions = st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(-1, 8))
harmless = st.tuples(st.sampled_from([0, 1, 2, 3, 4, 8, 9]), st.integers(0, 1), st.integers(0, 3))
memories = st.tuples(st.just("memory"), st.lists(small, min_size=1, max_size=6))
clocks = st.tuples(st.just("clock"), st.tuples(small, st.integers(0, 90), small).map(list))
fragiles = st.tuples(st.just("fragile"), st.lists(small, min_size=3, max_size=6))

# In every machine the first use of each function comes in the same order, so that all share
# one compiled loop.
plans = st.builds(
    Plan,
    st.tuples(memories, clocks, fragiles, st.lists(memories | clocks | fragiles, max_size=3)).map(
        lambda parts: [*parts[:3], *parts[3]]
    ),
    st.lists(
        st.lists(harmless, min_size=1, max_size=6)
        | st.lists(instructions | harmless, min_size=1, max_size=6),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 6)), min_size=1, max_size=2),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
)


@settings(max_examples=120, deadline=None)
@given(plans)
def test_random_machines(plan: Plan) -> None:
    assert plan.run("compiled") == plan.run("plain")


@pytest.mark.parametrize("rounds", [1, 2, 7, 100])
def test_order_of_access(rounds: int) -> None:
    """Processors that overwrite each other's cell leave what the last one in the round wrote."""
    programs = [[(3, 0, number), (2, 0, 0), (3, 0, 1)] for number in (1, 5, 7)]
    plan = Plan(
        [("memory", [0, 0]), ("clock", [0, 50, 2]), ("fragile", [0, 0, 0])], programs, [], [rounds]
    )
    assert plan.run("compiled") == plan.run("plain")


@pytest.mark.parametrize("operation", range(10))
def test_every_instruction(operation: int) -> None:
    for peripheral in range(6):
        for operand in range(-1, 9):
            plan = Plan(
                [
                    ("memory", [1, 2, 3]),
                    ("clock", [4, 9, 2]),
                    ("fragile", [0, 5, 0]),
                    ("fragile", [0, 6, 0]),
                    ("memory", [7]),
                ],
                [[(3, 0, 5), (operation, peripheral, operand)], [(0, 2, 2)]],
                [(4, 1)],
                [3, 3],
            )
            assert plan.run("compiled") == plan.run("plain")


def test_a_compiled_loop_serves_machines_of_any_number_of_parts() -> None:
    many = Plan(
        [("memory", [0] * 300), ("clock", [0, 99, 2]), ("fragile", [0, 0, 0])],
        [[(3, 0, number), (2, 0, number), (8, 0, 5)] for number in range(60)],
        [(number, number) for number in range(30)],
        [1, 10, 60, 60],
    )
    assert many.run("compiled") == many.run("plain")
