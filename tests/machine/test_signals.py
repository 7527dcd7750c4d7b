"""Signals during a run: no access of a component is lost, none is made twice."""

from __future__ import annotations

import ctypes
import functools
import queue
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from lrvm_components import Ram
from lrvm_jit import Component, HardwareError, Metadata, Motherboard
from lrvm_jit.core import signals
from lrvm_tools.lasm import assemble_program
from tests.engines import EngineChoice
from tests.interruptions import Elsewhere, at_every_line, handler
from tests.machine.guest import Machine, machine


class Counter(Component):
    """Answers 1, 2, 3, ... and keeps what is written. Nothing brings back a word once given."""

    name = "Counter"

    def __init__(self) -> None:
        self.given = 0
        self.written: list[int] = []
        self.on_access: Callable[[], object] | None = None

    def metadata(self) -> Metadata:
        return Metadata(0x1234, 64, 0x1000, 0)

    def read(self, offset: int) -> int:
        self.given += 1
        if self.on_access is not None:
            self.on_access()
        return self.given

    def write(self, offset: int, word: int) -> None:
        self.written.append(word)
        if self.on_access is not None:
            self.on_access()


class Swapper(Counter):
    """The same, with one call for an SRM."""

    def swap(self, offset: int, word: int) -> int:
        self.write(offset, word)
        self.given += 1
        return self.given


PIPE = """
next:
    cpy ssp, a5
    lsa a0, ac0, 0
    wsa ac0, 4, a0
    srm ac0, 8, a0
    push a0
    jp next
"""
"""Words from the component go back to it: the first of each round is written twice, as it is and
by SRM, and the second by PUSH."""
ROUND = 6


@functools.cache
def program() -> list[int]:
    return list(map(int, assemble_program(PIPE).words))


def pipe(engine: EngineChoice, component: Counter) -> Machine:
    ram = Ram(0x1000, image=program())
    board = Motherboard([ram, component], engine)
    board.map(0, 0)
    board.map(0x10000, 1)
    board.reset()
    board.cpu.regs.ac0, board.cpu.regs.a5 = 0x10000, 0x10040
    return Machine(board, ram, {})


def assert_nothing_lost(piped: Machine, component: Counter) -> None:
    """What the component has seen is what the CPU has done, to the instruction."""
    rounds, within = divmod(piped.board.cpu.cycles, ROUND)
    assert piped.pc == 4 * within
    expected = [word for k in range(1, rounds + 2) for word in (2 * k - 1, 2 * k - 1, 2 * k)]
    assert component.given == 2 * rounds + (within > 1) + (within > 3)
    assert component.written == expected[: 3 * rounds + sum(within > k for k in (2, 3, 4))]


@pytest.mark.parametrize("most", [None, 1], ids=["run", "single instructions"])
@pytest.mark.parametrize("kind", [Counter, Swapper])
def test_ctrl_c_within_an_access(
    engine: EngineChoice, kind: type[Counter], most: int | None
) -> None:
    """Ctrl-C in the middle of an access waits for its answer, and the instruction is completed."""
    component = kind()
    piped = pipe(engine, component)
    component.on_access = lambda: signal.raise_signal(signal.SIGINT)

    def run_on() -> None:
        while True:
            piped.board.run(most)

    with handler(signal.SIGINT, signal.default_int_handler):
        for _ in range(40):
            before = piped.board.cpu.cycles
            with pytest.raises(KeyboardInterrupt):
                run_on()
            assert_nothing_lost(piped, component)
            assert piped.board.cpu.cycles > before
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_single_instructions_that_ask_nobody_leave_the_handlers(
    engine: EngineChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take longer than they do. A component that is asked finds the handlers deferred."""
    component = Counter()
    piped = pipe(engine, component)
    taken: list[int] = []
    put = signals._set

    def note(number: int, handler: Any) -> Any:
        taken.append(number)
        return put(number, handler)

    monkeypatch.setattr(signals, "_set", note)
    component.on_access = lambda: seen.append(signal.getsignal(signal.SIGINT))
    seen: list[Any] = []
    with handler(signal.SIGINT, signal.default_int_handler):
        piped.board.run(1)
        assert bool(taken) is (engine == "reference")
        piped.board.run(1)
        assert taken
        assert seen == [piped.board.core.signals]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("cut", ["whole", "single instructions"])
def test_an_exception_at_every_line(engine: EngineChoice, cut: str) -> None:
    """Whatever raises, and wherever in the engine: running on loses nothing and repeats nothing,
    and nobody believes that the board is still running."""
    component = Swapper()
    piped = pipe(engine, component)

    def make() -> Callable[[], object]:
        nonlocal component, piped
        component = Swapper()
        piped = pipe(engine, component)
        board = piped.board
        if cut == "whole":
            return lambda: board.run(ROUND)
        return lambda: [board.run(1) for _ in range(ROUND)]

    lines = 0
    # A translation within the run takes more than a thousand lines.
    for _ in at_every_line(make, step=1 if isinstance(engine, str) else 61):
        lines += 1
        piped.board.run(3 * ROUND - piped.board.cpu.cycles)
        assert_nothing_lost(piped, component)
        assert piped.board.cpu.cycles == 3 * ROUND
    assert lines > 10


@pytest.mark.parametrize("refused", ["read", "write"])
def test_an_exception_at_every_line_of_a_refusal(engine: EngineChoice, refused: str) -> None:
    """An access that the component refuses is not made again either."""

    refusals = [HardwareError(0x30), HardwareError(0x31)]

    class Refusing(Counter):
        def read(self, offset: int) -> int:
            self.given += 1
            if refused == "read":
                raise refusals[0]
            return self.given

        def write(self, offset: int, word: int) -> None:
            self.written.append(word)
            raise refusals[1]

    component = Refusing()
    built = machine("halt", engine)

    def make() -> Callable[[], object]:
        nonlocal component, built
        component = Refusing()
        source = "lsa a0, ac0, 0\nhalt\nhandler: inc a1\nhalt"
        if refused == "write":
            source = source.replace("lsa a0, ac0, 0", "wsa ac0, 0, 5")
        built = machine(source, engine, [component], ac0=0x10000, ev=8)
        return built.board.run

    for _ in at_every_line(make, step=1 if isinstance(engine, str) else 61):
        assert built.board.run().reason == "halted"
        assert (component.given, component.written) == ((1, []) if refused == "read" else (0, [5]))
        assert (built.a1, built.board.cpu.cycles) == (1, 3)


class OneStep(Swapper):
    """Between a word and the return stands nothing at which Python looks for exceptions of other
    threads: no call."""

    def read(self, offset: int) -> int:
        if self.on_access is not None:
            self.on_access()
        self.given = given = self.given + 1
        return given

    def write(self, offset: int, word: int) -> None:
        self.written += (word,)

    def swap(self, offset: int, word: int) -> int:
        self.written += (word,)
        self.given = given = self.given + 1
        return given


def test_an_exception_of_another_thread(engine: EngineChoice) -> None:
    """PyThreadState_SetAsyncExc: in a component it is the component's error, elsewhere nothing is
    lost, at whatever moment it comes."""
    # Imports, of C libraries among them, are not for being interrupted: they happen before.
    pipe(engine, OneStep()).board.run(1000)
    component = OneStep()
    piped = pipe(engine, component)
    mine, randomly = ctypes.c_ulong(threading.get_ident()), random.Random(5)
    runs: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def raise_there() -> None:
        while runs.get():
            time.sleep(randomly.choice((0, 1e-4, 1e-3)))
            ctypes.pythonapi.PyThreadState_SetAsyncExc(mine, ctypes.py_object(Elsewhere))

    def say_that_it_runs() -> None:
        component.on_access = None
        runs.put(True)

    thread = threading.Thread(target=raise_there)
    thread.start()
    try:
        for _ in range(100):
            component.on_access = say_that_it_runs
            with pytest.raises(Elsewhere):
                piped.board.run()
            assert_nothing_lost(piped, component)
    finally:
        runs.put(False)
        thread.join()


HANDLED = [
    number for number in ("SIGINT", "SIGTERM", "SIGALRM", "SIGUSR1") if hasattr(signal, number)
]


@pytest.mark.parametrize("name", HANDLED)
def test_a_handler_that_raises(engine: EngineChoice, name: str) -> None:
    """Timeouts by SIGALRM, say: the handler is called between two instructions."""
    number = getattr(signal, name)

    def raising(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(number, frame and frame.f_code.co_name)

    component = Counter()
    piped = pipe(engine, component)
    component.on_access = lambda: signal.raise_signal(number)
    with handler(number, raising):
        for _ in range(10):
            with pytest.raises(TimeoutError) as caught:
                piped.board.run()
            # It still learns where the signal came.
            assert caught.value.args[0] == number
            assert_nothing_lost(piped, component)
        assert signal.getsignal(number) is raising


def test_a_handler_that_goes_on(engine: EngineChoice) -> None:
    """The run is not ended, and has its whole budget: exactly."""
    component, calls = Counter(), []
    piped = pipe(engine, component)

    def counting(number: int, frame: FrameType | None) -> None:
        calls.append(piped.board.cpu.cycles)
        assert_nothing_lost(piped, component)

    component.on_access = lambda: signal.raise_signal(signal.SIGINT)
    with handler(signal.SIGINT, counting):
        stop = piped.board.run(10 * ROUND)
    assert (stop.reason, stop.cycles) == ("budget", 10 * ROUND)
    assert len(calls) == component.given + len(component.written) == 50
    assert piped.board.stats().instructions == 10 * ROUND


def test_a_handler_that_stops_the_board(engine: EngineChoice) -> None:
    component = Counter()
    piped = pipe(engine, component)

    def stopping(number: int, frame: FrameType | None) -> None:
        piped.board.stop()

    component.on_access = lambda: signal.raise_signal(signal.SIGINT)
    with handler(signal.SIGINT, stopping):
        assert piped.board.run().reason == "stopped"
    assert_nothing_lost(piped, component)
    component.on_access = None
    assert piped.board.run(5).reason == "budget"


def test_ctrl_c_at_the_end_of_a_run(engine: EngineChoice) -> None:
    """A signal that comes with the last instruction is not forgotten."""
    component = Counter()
    piped = pipe(engine, component)
    component.on_access = lambda: signal.raise_signal(signal.SIGINT)
    with handler(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        piped.board.run(2)
    assert piped.board.cpu.cycles == 2
    component.on_access = None
    assert piped.board.run(1).reason == "budget"


def test_an_ignored_signal_stays_ignored(engine: EngineChoice) -> None:
    component = Counter()
    piped = pipe(engine, component)
    component.on_access = lambda: signal.raise_signal(signal.SIGINT)
    with handler(signal.SIGINT, signal.SIG_IGN):
        assert piped.board.run(20).reason == "budget"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert_nothing_lost(piped, component)


def test_a_run_outside_the_main_thread(engine: EngineChoice) -> None:
    """Handlers are called in the main thread, whose affair they stay."""
    component, found = Counter(), []
    piped = pipe(engine, component)
    component.on_access = lambda: found.append(signal.getsignal(signal.SIGINT))
    with handler(signal.SIGINT, signal.default_int_handler):
        thread = threading.Thread(target=piped.board.run, args=(20,))
        thread.start()
        thread.join()
    assert set(found) == {signal.default_int_handler}
    assert_nothing_lost(piped, component)


def test_a_python_that_may_not_have_signals(
    engine: EngineChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embedded, or in a sub-interpreter, signal.signal is refused. Runs go on without."""

    def refused(number: int, handler: Any) -> None:
        raise ValueError("signal only works in main thread of the main interpreter")

    monkeypatch.setattr(signals, "_set", refused)
    component = Counter()
    piped = pipe(engine, component)
    assert piped.board.run(20).reason == "budget"
    assert_nothing_lost(piped, component)


def test_a_component_with_a_handler_of_its_own(engine: EngineChoice) -> None:
    """What a component installs stays, and one that it puts back after the run does no harm."""
    component = Counter()
    piped = pipe(engine, component)
    saved: list[Any] = []

    def own(number: int, frame: FrameType | None) -> None:
        saved.append("own")

    def install() -> None:
        component.on_access = None
        saved.append(signal.signal(signal.SIGINT, own))

    component.on_access = install
    with handler(signal.SIGINT, signal.default_int_handler):
        piped.board.run(20)
        assert signal.getsignal(signal.SIGINT) is own
        signal.signal(signal.SIGINT, saved.pop())
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        for _ in range(3):
            component.on_access = lambda: signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                piped.board.run()
            component.on_access = None
            pipe(engine, Counter()).board.run(5)
    assert_nothing_lost(piped, component)


@pytest.mark.parametrize("patient", [True, False])
def test_a_board_within_a_component(
    engine: EngineChoice, patient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the inner run waits for the outer component too; unless that is interruptible, or
    somebody presses it again after a while."""
    monkeypatch.setattr(signals, "PATIENCE", 1e6 if patient else 0.0)
    inner_component, outer_component = Counter(), Counter()
    inner, outer = pipe(engine, inner_component), pipe(engine, outer_component)
    inner_component.on_access = lambda: signal.raise_signal(signal.SIGINT)

    def run_inner() -> None:
        inner.board.run(2 * ROUND)
        inner_component.on_access = None

    outer_component.on_access = run_inner
    with handler(signal.SIGINT, signal.default_int_handler):
        with pytest.raises(KeyboardInterrupt):
            outer.board.run()
        assert_nothing_lost(inner, inner_component)
        assert (inner.board.cpu.cycles == 2 * ROUND) is patient
        # The first access of the outer machine is answered, or will be made again.
        assert outer.board.cpu.cycles == (2 if patient else 1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        outer_component.interruptible = True
        inner_component.on_access = lambda: signal.raise_signal(signal.SIGINT)
        outer_component.on_access = run_inner
        cycles = outer.board.cpu.cycles
        with pytest.raises(KeyboardInterrupt):
            outer.board.run(ROUND)
        assert outer.board.cpu.cycles - cycles < 3


class Waiting(Counter):
    """A keyboard: waits for a key before it answers."""

    interruptible = True

    def __init__(self, keys: Callable[[], object]) -> None:
        super().__init__()
        self.keys = keys

    def read(self, offset: int) -> int:
        self.keys()
        return super().read(offset)


def test_an_interruptible_component(engine: EngineChoice) -> None:
    """Ctrl-C ends its wait; the access is made again by the next run."""
    waits = [0]

    def interrupted() -> None:
        waits[0] += 1
        if waits[0] % 2:
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the wait goes on")

    component = Waiting(interrupted)
    piped = pipe(engine, component)
    with handler(signal.SIGINT, signal.default_int_handler):
        for k in range(10):
            with pytest.raises(KeyboardInterrupt):
                piped.board.run()
            assert component.given == k
    assert piped.board.run(1).reason == "budget"


def test_a_signal_just_before_a_wait(engine: EngineChoice) -> None:
    """Ctrl-C comes when another component is asked, and the next access would wait for ever."""
    waiting = Waiting(lambda: pytest.fail("it waits in spite of Ctrl-C"))
    first = Counter()
    first.on_access = lambda: signal.raise_signal(signal.SIGINT)
    built = machine(
        "next: srm ac1, 0, a0\nlsa a1, ac0, 0\njp next",
        engine,
        [waiting, first],
        ac0=0x10000,
        ac1=0x10040,
    )
    with handler(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        built.board.run()
    assert (first.given, len(first.written), built.board.cpu.cycles) == (1, 1, 1)


def test_a_second_ctrl_c(engine: EngineChoice, monkeypatch: pytest.MonkeyPatch) -> None:
    """A component that does not come back, and does not say so: the second one gets through."""
    monkeypatch.setattr(signals, "PATIENCE", 0.0)
    component = Counter()
    piped = pipe(engine, component)

    def hang() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("nothing gets through")

    component.on_access = hang
    with handler(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        piped.board.run()
    assert (piped.board.cpu.cycles, piped.pc) == (1, 4)
    component.on_access = None
    assert piped.board.run(5).reason == "budget"


def test_ctrl_c_while_a_board_is_closed(engine: EngineChoice) -> None:
    """All components are closed, each once, and then it comes out."""

    class Closing(Counter):
        closed = 0

        def close(self) -> None:
            self.closed += 1
            signal.raise_signal(signal.SIGINT)

    components = [Closing() for _ in range(3)]
    built = machine("halt", engine, components)
    with handler(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        built.board.close()
    built.board.close()
    assert [component.closed for component in components] == [1, 1, 1]


BOMBARDED = """
import os, signal
from lrvm_jit import TranslatorOptions
from tests.machine.test_signals import Counter, Swapper, assert_nothing_lost, pipe

signal.signal(signal.SIGINT, signal.default_int_handler)
component = Swapper()
piped = pipe({engine!r}, component)
going = False

def say_that_it_runs():
    global going
    if not going:
        going = True
        os.write(1, b".")

component.on_access = say_that_it_runs
for _ in range({times}):
    going = False
    try:
        piped.board.run()
    except KeyboardInterrupt:
        pass
assert_nothing_lost(piped, component)
assert piped.board.stats().instructions == piped.board.cpu.cycles
os.write(1, b"!")
"""


def test_many_signals_from_another_process(engine: EngineChoice) -> None:
    """Each run is interrupted by a real SIGINT at some moment, and the next one goes on."""
    times = 250
    script = textwrap.dedent(BOMBARDED).format(engine=engine, times=times)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    moments = random.Random(1)
    with process:
        try:
            for _ in range(times):
                # Only during a run: between two of them Ctrl-C is the script's affair.
                if process.stdout.read(1) != b".":
                    break
                time.sleep(moments.choice((0, 0, 1e-4, 1e-3)))
                process.send_signal(signal.SIGINT)
            end, errors = process.stdout.read(), process.stderr.read().decode()
        finally:
            process.kill()
    assert (end, errors) == (b"!", "")
