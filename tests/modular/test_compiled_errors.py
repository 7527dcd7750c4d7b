"""Errors of compiled parts: told alike in each of the ways in which they run; what is refused."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from lrvm_jit.modular import (
    Channels,
    Load,
    Machine,
    MachineError,
    Processor,
    Terminate,
)
from lrvm_jit.modular.compiled import (
    DATA,
    END,
    FAIL,
    GONE,
    GOOD,
    Bus,
    CompiledPeripheral,
    CompiledProcessor,
    State,
)
from tests.modular.ways import COUNT, count, memory, start


def terminate(state: State, bus: Bus) -> None:
    raise Terminate(6)


def out_of_range(state: State, bus: Bus) -> None:
    state[state[0]] = 1


def no_such_peripheral(state: State, bus: Bus) -> None:
    bus.save(1, 0, 0)


def negative_peripheral(state: State, bus: Bus) -> None:
    bus.save(-1, 0, 0)


def complain(state: State, bus: Bus) -> None:
    if state[0] == 5:
        raise ValueError("five is not allowed")


@pytest.mark.parametrize(
    ("exe_ins", "code", "error"),
    [
        (terminate, 6, Terminate),
        (out_of_range, -1, IndexError),
        (no_such_peripheral, -1, IndexError),
        (negative_peripheral, -1, IndexError),
        (complain, -1, ValueError),
    ],
)
def test_errors_of_processors(way: str, exe_ins: Any, code: int, error: type[Exception]) -> None:
    """An error ends its processor only, and is kept; the others go on."""
    other = CompiledProcessor([0, 100, 0], count)
    memories = [CompiledPeripheral(8, memory)]
    handle = start(way, memories, [CompiledProcessor([5], exe_ins), other])
    handle.join()
    failed = handle.processors[0]
    assert (failed.code, type(failed.error)) == (code, error)
    if error is ValueError:
        assert failed.error is not None
        assert failed.error.args == ("five is not allowed",)
    assert other.state[COUNT] == 100


def look_up(state: State, index: int) -> int:
    value: int = state[index + 100]  # too far
    return value


def looks_up(state: State, bus: Bus) -> None:
    state[0] += 1
    if state[0] == 7:
        state[0] = look_up(state, state[0])


def cycles_too_far(state: State) -> None:
    state[state[0]] += 1  # too far


def line_of(function: Any, text: str) -> str:
    lines, first = inspect.getsourcelines(function)
    (number,) = [k for k, line in enumerate(lines) if text in line]
    return f"{function.__name__}, at {__file__}:{first + number}"


def test_errors_say_where() -> None:
    """Compiled, too: part, function and line, and how to find out the index."""
    hint = "; run the machine with compiled=False to see which index"
    peripherals = [
        CompiledPeripheral([0], touchy),
        CompiledPeripheral([3, 0], memory, cycle=cycles_too_far),
    ]
    processors = [
        CompiledProcessor([2, 0, 0, 0, 0], touch),
        CompiledProcessor([5], looks_up),
        CompiledProcessor([5], complain),
        CompiledProcessor([5], negative_peripheral),
    ]
    handle = start("compiled", peripherals, processors)
    handle.join()
    found = [
        [note for note in status.error.__notes__ if not note.endswith("code -1")]
        for status in (*handle.peripherals, *handle.processors)
        if status.error is not None
    ]
    asking = negative_peripheral.__code__.co_firstlineno
    assert found == [
        [f"in handle of peripheral 0 (CompiledPeripheral): {line_of(touchy, 'state[99]')}{hint}"],
        [
            "in cycle of peripheral 1 (CompiledPeripheral): "
            f"{line_of(cycles_too_far, 'too far')}{hint}"
        ],
        [f"in exe_ins of processor 1 (CompiledProcessor): {line_of(look_up, 'too far')}{hint}"],
        [f"in exe_ins of processor 2 (CompiledProcessor): {line_of(complain, 'raise')}"],
        [
            "in exe_ins of processor 3 (CompiledProcessor): negative_peripheral, "
            f"begins at {__file__}:{asking}"
        ],
    ]


def touchy(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """Ends in as many ways as there are addresses."""
    state[0] += 1
    if address == 0:
        return END, 0
    if address == 1:
        return END, 8
    if address == 2:
        return DATA, state[99]
    if address == 3:
        raise Terminate(9)
    if address == 4:
        return 17, 0
    if address == 5:
        return GOOD, 0  # to a load
    return DATA, 0  # to a save


def touch(state: State, bus: Bus) -> int | None:
    if state[0] == 6:
        state[1], state[2] = bus.save(0, state[0], 0)
    else:
        state[1], state[2] = bus.load(0, state[0])
    state[3], state[4] = bus.load(0, 3)
    return 0


@pytest.mark.parametrize(
    ("address", "code", "error"),
    [
        (0, 0, type(None)),
        (1, 8, Terminate),
        (2, -1, IndexError),
        (3, 9, Terminate),
        (4, -1, ValueError),
        (5, -1, TypeError),
        (6, -1, TypeError),
    ],
)
def test_ends_of_peripherals(way: str, address: int, code: int, error: type[Exception]) -> None:
    """A peripheral that ends answers (FAIL, GONE), to the query in which it did and later."""
    halted: list[int] = []
    peripheral = CompiledPeripheral(1, touchy, halt=lambda state: halted.append(int(state[0])))
    processor = CompiledProcessor([address, 0, 0, 0, 0], touch)
    handle = start(way, [peripheral], [processor])
    handle.join()
    assert processor.state.tolist() == [address, FAIL, GONE, FAIL, GONE]
    assert halted == [1]
    ended = handle.peripherals[0]
    assert (ended.code, type(ended.error)) == (code, error)
    assert handle.processors[0].code == 0


def makes_an_object(state: State, bus: Bus) -> None:
    state[0] = len([state[0]] * state[1])


def raises_what_it_computes(state: State, bus: Bus) -> None:
    raise Terminate(state[0])


def names_nothing(state: State, bus: Bus) -> None:
    state[0] = missing  # type: ignore[name-defined]  # noqa: F821


def returns_a_float(state: State, bus: Bus) -> float:
    return float(state[0] / 2)


def returns_one_number(state: State, query: int, address: int, value: int) -> int:
    return int(state[0])


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (makes_an_object, "makes an object; a compiled part has only its state"),
        (raises_what_it_computes, "raises an exception with a computed argument"),
        (names_nothing, "name 'missing' is not defined"),
        (returns_a_float, "exe_ins returns float64; it must return nothing or an integer"),
    ],
)
def test_processors_that_cannot_be_compiled(function: Any, reason: str) -> None:
    """`run` says which part's function it is, and why; in plain Python the machine runs."""
    parts = [CompiledProcessor([0, 3, 0], count), CompiledProcessor(2, function, model="Odd")]
    machine = Machine([], parts)
    expected = rf"numba cannot compile exe_ins of processor 1 \(Odd\), .*'{function.__name__}'"
    with pytest.raises(MachineError, match=expected) as raised:
        machine.run("cooperative")
    assert reason in str(raised.value)
    assert "compiled=False" in str(raised.value)
    handle = machine.run("cooperative", compiled=False)
    handle.step(10)
    handle.stop()
    handle.join()
    assert parts[0].state[0] == 3


def test_peripherals_that_cannot_be_compiled() -> None:
    parts: Any = [CompiledPeripheral(1, memory), CompiledPeripheral(1, returns_one_number)]  # type: ignore[arg-type]
    with pytest.raises(MachineError, match=r"handle of peripheral 1 .* two integers"):
        Machine(parts, [CompiledProcessor(3, count)]).run("cooperative")


def test_values_that_fit_no_state() -> None:
    """An ordinary processor may send numbers that a compiled peripheral cannot take."""

    class Sender(Processor):
        def exe_ins(self, channels: Channels) -> None:
            channels[0].query(Load(2**70))

    handle = start("compiled", [CompiledPeripheral(1, memory)], [Sender()])
    handle.join()
    assert isinstance(handle.peripherals[0].error, OverflowError)


@pytest.mark.parametrize("returned", [0.5, 1.0, (1, 2)])
@pytest.mark.parametrize("role", ["exe_ins", "cycle", "handle"])
def test_what_is_no_code_is_refused_in_every_way(role: str, returned: Any) -> None:
    """Compiled before the machine starts, plain when the function returns it; 0.5 was code 0."""

    def of_state(state: Any) -> Any:
        return returned

    def of_bus(state: Any, bus: Any) -> Any:
        return returned

    def of_query(state: Any, query: int, address: int, value: int) -> Any:
        return (DATA, returned)

    def good(state: Any, query: int, address: int, value: int) -> Any:
        return (DATA, 0)

    def ask(state: Any, bus: Any) -> Any:
        bus.load(0, 0)
        state[0] += 1
        return 0 if state[0] == 3 else None

    def machine() -> Machine:
        peripheral = CompiledPeripheral(
            1,
            of_query if role == "handle" else good,
            cycle=of_state if role == "cycle" else None,
        )
        return Machine([peripheral], [CompiledProcessor(1, of_bus if role == "exe_ins" else ask)])

    with pytest.raises(MachineError, match=f"{role} returns .*; it must return"):
        machine().run("cooperative")
    handle = machine().run("cooperative", compiled=False)
    with pytest.raises(ExceptionGroup) as caught:
        handle.join(raise_errors=True)
    assert re.search(f"{role} returned .*; it must return", str(caught.value.exceptions[0]))
