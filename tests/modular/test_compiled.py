"""Compiled parts: what their functions see and may do, in each of the ways in which they run."""

from __future__ import annotations

import inspect
import re
import threading
from typing import Any

import numpy as np
import pytest

from lrvm_jit.modular import (
    Channels,
    Data,
    Good,
    Load,
    Machine,
    MachineError,
    Peripheral,
    Processor,
    Query,
    Response,
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
from tests.interruptions import interrupting
from tests.modular.joining import joining
from tests.modular.ways import WAYS, memory, start


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def once_each(state: State, bus: Bus) -> int | None:
    """Queries of each kind, good ones and refused ones; the state keeps all answers."""
    state[0], state[1] = bus.load(0, 3)
    state[2], state[3] = bus.save(0, 3, 44)
    state[4], state[5] = bus.swap(0, 3, 55)
    state[6], state[7] = bus.load(0, 3)
    state[8], state[9] = bus.load(0, 8)
    state[10], state[11] = bus.save(0, -1, 1)
    state[12], state[13] = bus.swap(0, 9, 1)
    return 0


def test_answers(way: str) -> None:
    peripheral = CompiledPeripheral([0, 0, 0, 33, 0, 0, 0, 0], memory)
    processor = CompiledProcessor(14, once_each)
    start(way, [peripheral], [processor]).join(raise_errors=True)
    assert processor.state.reshape(7, 2).tolist() == [
        [DATA, 33],
        [GOOD, 0],
        [DATA, 44],
        [DATA, 55],
        [FAIL, 7],
        [FAIL, 7],
        [FAIL, 7],
    ]
    assert peripheral.state.tolist() == [0, 0, 0, 55, 0, 0, 0, 0]


COUNT, LIMIT, CODE = range(3)


def count(state: State, bus: Bus) -> int | None:
    state[COUNT] += 1
    if state[COUNT] == state[LIMIT]:
        return int(state[CODE])
    return None


def test_codes(way: str) -> None:
    """A number that an instruction returns is the code with which the processor ends."""
    processors = [CompiledProcessor([0, 1 + number, number], count) for number in range(3)]
    handle = start(way, [], processors)
    handle.join()
    assert [status.code for status in handle.processors] == [0, 1, 2]
    assert [processor.state[COUNT] for processor in processors] == [1, 2, 3]
    assert [type(status.error) for status in handle.processors] == [
        type(None),
        Terminate,
        Terminate,
    ]


def forever(state: State, bus: Bus) -> None:
    state[COUNT] += 1


def test_an_instruction_may_return_nothing_at_all(way: str) -> None:
    processor = CompiledProcessor(1, forever)
    handle = start(way, [], [processor])
    if way != "threads":
        assert handle.step(10)
        assert processor.state[COUNT] == 10
    handle.stop()
    handle.join(raise_errors=True)
    assert handle.processors[0].code == 0


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


def tick(state: State) -> int | None:
    state[0] += 1
    if state[0] == 4:
        return 3
    return None


def read(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    return DATA, state[0]


def wait(state: State, bus: Bus) -> int | None:
    """Counts its instructions until the peripheral is gone."""
    status, _ = bus.load(0, 0)
    if status == FAIL:
        return 0
    state[0] += 1
    return None


def test_a_cycle_that_ends_its_peripheral(way: str) -> None:
    processor = CompiledProcessor(1, wait)
    peripheral = CompiledPeripheral(1, read, cycle=tick)
    handle = start(way, [peripheral], [processor])
    handle.join()
    assert handle.peripherals[0].code == 3
    assert peripheral.state[0] == 4
    if way != "threads":
        assert processor.state[0] == 4


@pytest.mark.parametrize("way", WAYS[:2])
def test_turns_of_a_round(way: str) -> None:
    """Processors first, then each peripheral's cycle, until all processors have ended."""
    clock = CompiledPeripheral(1, read, cycle=lambda state: None)
    with_clock = CompiledPeripheral(1, read, cycle=advance)
    processors = [CompiledProcessor([0, 5, 0], note_time), CompiledProcessor([0, 3, 0], note_time)]
    handle = start(way, [with_clock, clock], processors)
    assert handle.step(2)
    assert with_clock.state[0] == 2
    assert not handle.step(100)
    assert with_clock.state[0] == 5
    assert [processor.state[2] for processor in processors] == [0 + 1 + 2 + 3 + 4, 0 + 1 + 2]


def advance(state: State) -> None:
    state[0] += 1


def note_time(state: State, bus: Bus) -> int | None:
    _, now = bus.load(0, 0)
    state[2] += now
    state[0] += 1
    return 0 if state[0] == state[1] else None


def test_boot_and_halt_are_python(way: str) -> None:
    """They may do anything, also query others; and end their part."""
    log: list[tuple[str, int]] = []

    def boot(state: State, bus: Bus) -> None:
        log.append(("boot", int(bus.swap(0, 1, 5)[1])))

    def halt(state: State, bus: Bus) -> None:
        log.append(("halt", int(bus.load(0, 1)[1])))

    def refuse(state: State, bus: Bus) -> int:
        return 12

    handle = start(
        way,
        [CompiledPeripheral([0, 4], memory, boot=lambda state: None)],
        [
            CompiledProcessor([0, 3, 0], count, boot=boot, halt=halt),
            CompiledProcessor([0, 3, 0], count, boot=refuse),
        ],
    )
    handle.join()
    assert log == [("boot", 4), ("halt", 5)]
    assert [status.code for status in handle.processors] == [0, 12]


def test_it_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Python method of the parts is called in the rounds."""

    def fail(*_: object) -> None:
        raise AssertionError("called")

    monkeypatch.setattr(CompiledProcessor, "exe_ins", fail)
    monkeypatch.setattr(CompiledPeripheral, "handle", fail)
    monkeypatch.setattr(CompiledPeripheral, "cycle", fail)
    processor = CompiledProcessor([0, 5, 0], note_time)
    start("compiled", [CompiledPeripheral(1, read, cycle=advance)], [processor]).join(
        raise_errors=True
    )
    assert processor.state.tolist() == [5, 5, 10]


def test_plain_runs_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrvm_jit.modular.cooperative.compiled_run", None)
    processor = CompiledProcessor([0, 5, 0], count)
    start("plain", [], [processor]).join(raise_errors=True)
    assert processor.state.tolist() == [5, 5, 0]


class Cells(Peripheral):
    def handle(self, query: Query) -> Response:
        return Data(30 + query.address) if isinstance(query, Load) else Good()


class Asking(Processor):
    def __init__(self) -> None:
        self.answers: list[Response] = []

    def exe_ins(self, channels: Channels) -> None:
        self.answers += [channels[0].query(Load(1)), channels[1].query(Load(5))]
        raise Terminate(0)


def load_both(state: State, bus: Bus) -> int:
    _, state[0] = bus.load(0, 2)
    _, state[1] = bus.load(1, 6)
    return 0


def test_compiled_parts_beside_ordinary_ones(way: str) -> None:
    asking, processor = Asking(), CompiledProcessor(2, load_both)
    peripherals = [CompiledPeripheral([10, 11, 12], memory), Cells()]
    start(way, peripherals, [asking, processor]).join(raise_errors=True)
    assert asking.answers == [Data(11), Data(35)]
    assert processor.state.tolist() == [12, 36]


class TwiceAsFast(CompiledProcessor):
    """A subclass that does something else than its function."""

    def exe_ins(self, channels: Channels) -> None:
        super().exe_ins(channels)
        super().exe_ins(channels)


def test_subclasses_that_override_are_obeyed(way: str) -> None:
    processor = TwiceAsFast(1, forever)
    handle = start(way, [], [processor])
    if way != "threads":
        handle.step(10)
        assert processor.state[0] == 20
    handle.stop()
    handle.join()
    assert processor.state[0] % 2 == 0


def helped(state: State, bus: Bus) -> int | None:
    state[0] = twice(state[0]) + 1
    store(bus, state[0])
    return 0 if state[0] > 100 else None


def twice(value: int) -> int:
    return 2 * value


def store(bus: Bus, value: int) -> None:
    bus.save(0, low_bits(value), value)


def low_bits(value: int, mask: int = 3) -> int:
    return value & mask


def test_functions_may_call_others(way: str) -> None:
    peripheral = CompiledPeripheral(4, memory)
    start(way, [peripheral], [CompiledProcessor(1, helped)]).join(raise_errors=True)
    assert peripheral.state.tolist() == [0, 1, 0, 127]


def wrap(state: State, bus: Bus) -> int:
    with_overflow = state[0] * state[0] + state[1]
    state[2] = with_overflow
    state[3] = state[1] // state[4]
    state[4] = -state[1] % 7
    state[5] = -state[1] >> 3
    return 0


@pytest.mark.filterwarnings("ignore:.*encountered.*:RuntimeWarning")
def test_arithmetic_is_the_same(way: str) -> None:
    """64 bits that wrap around, and division as in numpy."""
    processor = CompiledProcessor([2**62 + 3, 1002, 0, 0, 0, 0], wrap)
    start(way, [], [processor]).join(raise_errors=True)
    product = (2**62 + 3) ** 2 + 1002
    expected = [product % 2**64 - 2**64, 0, -1002 % 7, -1002 >> 3]
    assert processor.state[2:].tolist() == expected


def test_a_timeout_and_a_later_stop(way: str) -> None:
    processor = CompiledProcessor(1, forever)
    handle = start(way, [], [processor])
    with pytest.raises(TimeoutError, match="CompiledProcessor"):
        handle.join(0.05)
    before = processor.state[0]
    timer = threading.Timer(0.05, handle.stop)
    timer.start()
    handle.join(raise_errors=True)
    timer.join()
    assert processor.state[0] > before > 0
    assert handle.processors[0].code == 0


def test_interrupts(way: str) -> None:
    """Ctrl-C ends the machine, and every part is halted."""
    halted: list[str] = []
    handle = start(
        way,
        [CompiledPeripheral(1, read, cycle=advance, halt=lambda state: halted.append("clock"))],
        [CompiledProcessor(1, forever, halt=lambda state, bus: halted.append("processor"))],
    )
    with interrupting(joining), pytest.raises(KeyboardInterrupt):
        handle.join()
    assert sorted(halted) == ["clock", "processor"]


def test_peripherals_that_are_ended_from_outside() -> None:
    processor = CompiledProcessor(1, wait)
    handle = start("compiled", [CompiledPeripheral(1, read)], [processor])
    handle.step(5)
    handle.join_peripherals()
    assert not handle.step(5)
    assert processor.state[0] == 5


def test_machines_share_a_loop_and_no_state() -> None:
    first, second = (CompiledProcessor([0, limit, 0], count) for limit in (3, 5000))
    handles = [start("compiled", [], [part]) for part in (first, second)]
    for _ in range(5000):
        for handle in handles:
            handle.step()
    assert (first.state[0], second.state[0]) == (3, 5000)


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


def test_states() -> None:
    array = np.arange(5)
    assert CompiledProcessor(array, count).state is array
    assert CompiledProcessor([1, 2], count).state.tolist() == [1, 2]
    assert CompiledProcessor(3, count).state.tolist() == [0, 0, 0]
    assert CompiledPeripheral([], memory).state.size == 0


def test_functions_that_numba_has_decorated(way: str) -> None:
    from numba import njit

    processor = CompiledProcessor([0, 4, 0], njit(count))
    start(way, [], [processor]).join(raise_errors=True)
    assert processor.state[0] == 4


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
