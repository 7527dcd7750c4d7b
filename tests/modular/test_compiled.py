"""Compiled parts: what their functions see and may do, in each of the ways in which they run."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from lrvm_jit.modular import (
    Channels,
    Data,
    Good,
    Load,
    Peripheral,
    Processor,
    Query,
    Response,
    Terminate,
)
from lrvm_jit.modular.compiled import (
    DATA,
    FAIL,
    GOOD,
    Bus,
    CompiledPeripheral,
    CompiledProcessor,
    State,
)
from tests.interruptions import interrupting
from tests.modular.joining import joining
from tests.modular.ways import COUNT, WAYS, count, memory, start


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
