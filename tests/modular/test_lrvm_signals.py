"""Ctrl-C while LRVM processors query peripherals: nothing is lost, and all is let go."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from lrvm_components import CharKeyboard, Ram
from lrvm_jit.modular import (
    ComponentPeripheral,
    Data,
    EmptyError,
    Good,
    Load,
    LrvmProcessor,
    Machine,
    Metadata,
    Peripheral,
    Port,
    Query,
    Response,
    SharedRam,
    TwoWayChannel,
)
from lrvm_tools import assemble
from tests.engines import EngineChoice
from tests.interruptions import at_every_line, handler

PORT = 0x1000
SHARED = 0x2000


class Counter(Peripheral):
    """Answers 1, 2, 3, ... and keeps what is saved."""

    def __init__(self) -> None:
        self.given = 0
        self.saved: list[int] = []
        self.on_query: Callable[[], object] | None = None

    def metadata(self) -> Metadata:
        return Metadata("Counter")

    def handle(self, query: Query) -> Response:
        if isinstance(query, Load):
            self.given += 1
        else:
            self.saved.append(query.value)
        if self.on_query is not None:
            self.on_query()
        return Data(self.given) if isinstance(query, Load) else Good()


PIPE = assemble("next: lsa a0, ac0, 0\nwsa ac0, 4, a0\nwsa ac1, 0, a0\njp next")


def piping(engine: EngineChoice, ram: SharedRam | None) -> LrvmProcessor:
    return LrvmProcessor(
        PIPE,
        ram_size=0x100,
        ports={PORT: Port(0, 8), SHARED: Ram(64) if ram is None else ram.direct()},
        registers={"ac0": PORT, "ac1": SHARED},
        engine=engine,
    )


@pytest.mark.parametrize("at", [1, 2, 3, 50, 255, 256, 257, 600])
def test_ctrl_c_in_a_query(engine: EngineChoice, at: int) -> None:
    """Under cooperative it comes in the middle of the peripheral's answer: the instruction is
    completed, and the shared memory is nobody's."""
    counter, ram = Counter(), SharedRam(64)
    processor = piping(engine, ram)

    def count() -> None:
        if counter.given + len(counter.saved) == at:
            signal.raise_signal(signal.SIGINT)

    counter.on_query = count
    with handler(signal.SIGINT, signal.default_int_handler):
        handle = Machine([counter], [processor]).run("cooperative")
        with pytest.raises(KeyboardInterrupt):
            handle.join()
    cycles = processor.board.cpu.cycles
    rounds, within = divmod(cycles, 4)
    assert counter.given == rounds + (within > 0)
    assert counter.saved == list(range(1, rounds + (within > 1) + 1))
    assert ram.words[0] == rounds + (within > 2)
    assert handle.failures == ()


def test_ctrl_c_while_a_peripheral_waits(engine: EngineChoice) -> None:
    """A keyboard behind a port is interruptible as it is on a board."""

    def typed() -> str:
        signal.raise_signal(signal.SIGINT)
        pytest.fail("Ctrl-C does not end the wait")

    keyboard = CharKeyboard(typed)
    processor = LrvmProcessor(
        assemble("wsa ac0, 4, 1\nhalt"),
        ram_size=0x100,
        ports={PORT: Port(0, 8)},
        registers={"ac0": PORT},
        engine=engine,
    )
    with handler(signal.SIGINT, signal.default_int_handler):
        handle = Machine([ComponentPeripheral(keyboard)], [processor]).run("cooperative")
        with pytest.raises(KeyboardInterrupt):
            handle.join()
    assert processor.board.cpu.cycles == 0


def test_an_exception_at_every_line() -> None:
    """Whatever raises, and be it taken for a part's error: the machine is not running for ever,
    and ends when it is asked to; this thread's own channels wait for nobody of it."""
    counter, processor = Counter(), piping("interpreter", None)
    handle = Machine([counter], [processor]).run("cooperative")

    def make() -> Callable[[], object]:
        nonlocal counter, processor, handle
        counter, processor = Counter(), piping("interpreter", None)
        processor.batch = 8
        handle = Machine([counter], [processor]).run("cooperative")
        handle.step()
        return handle.step

    lines = 0
    for _ in at_every_line(make):
        lines += 1
        handle.step(2)
        handle.stop()
        handle.join()
        assert not processor.board._runner._right.is_held
        assert counter.saved == list(range(1, len(counter.saved) + 1))
        assert counter.given - len(counter.saved) in (0, 1)
        here, _there = TwoWayChannel[int, int].pair()
        with pytest.raises(EmptyError):
            here.try_recv()
    assert lines > 50
