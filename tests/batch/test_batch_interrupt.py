"""What interrupts a batch: no thread is left on its lanes, no word of a component is lost."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from lrvm_jit.batch import Batch, CharOutput, WordInput
from lrvm_tools import assemble
from tests.interruptions import at_every_line, handler

ECHO = assemble("""
    cpy ac0, 0x2000
next:
    lsa a0, ac0, 16
    cmp a0, 0
    ifeq
    halt
    lsa a0, ac0, 12
    add a1, a0
    wsa ac0, 0, a0
    jp next
""")
"""Shows its input, and adds it up."""
LANES = 40
TEXTS = [f"{lane} is what lane {lane} says" for lane in range(LANES)]


def lane_threads() -> list[threading.Thread]:
    return [item for item in threading.enumerate() if item.name.startswith("lrvm_jit batch")]


class Echo:
    """A batch of ECHO, and what must come of it."""

    def __init__(self, output: CharOutput | None = None) -> None:
        self.output = output or CharOutput()
        self.batch = Batch(
            ECHO, LANES, threads=2, components=[self.output, WordInput.from_texts(TEXTS)]
        )

    def check(self) -> None:
        """Run to the end: everything is there, once."""
        assert not lane_threads()
        result = self.batch.run()
        assert set(result.reason) == {1}
        assert self.output.texts() == TEXTS
        assert self.batch.regs[:, 0].tolist() == [0] * LANES
        assert self.batch.regs[:, 1].tolist() == [sum(map(ord, text)) for text in TEXTS]
        assert result.cycles.tolist() == [5 + 7 * len(text) for text in TEXTS]
        self.batch.close()


def test_an_exception_at_every_line() -> None:
    """In the thread that has called `run`: the threads have ended when it comes out, and the next
    run finds the lanes as they have left them."""
    echo = Echo()

    def make() -> Callable[[], object]:
        nonlocal echo
        echo = Echo()
        # The workers are made in the first run, which takes some thousand lines.
        echo.batch.run(0)
        return lambda: echo.batch.run(20, progress=lambda *numbers: None)

    lines = 0
    for _ in at_every_line(make):
        lines += 1
        echo.check()
    assert lines > 50


def test_ctrl_c_again_and_again() -> None:
    """In the midst of components, progress and the rest; each run goes on from there."""

    class Interrupting(CharOutput):
        calls = 0

        def write(self, lanes: Any, offsets: Any, words: Any) -> Any:
            self.calls += 1
            if self.calls % 3 == 0:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                # The lanes would be done before that thread gets to run.
                time.sleep(0.01)
            return super().write(lanes, offsets, words)

    echo = Echo(Interrupting())
    interrupted = 0
    with handler(signal.SIGINT, signal.default_int_handler):
        for _ in range(1000):
            try:
                result = echo.batch.run()
                interrupted += result.interrupted
            except KeyboardInterrupt:
                interrupted += 1
            assert not lane_threads()
            if echo.batch.lanes.halted.all():
                break
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert interrupted > 2
    echo.check()


def test_a_handler_that_goes_on() -> None:
    """A signal whose handler raises nothing does not end the run."""
    calls: list[int] = []
    echo = Echo()
    with handler(signal.SIGINT, lambda number, frame: calls.append(number)):
        result = echo.batch.run(progress=lambda *numbers: signal.raise_signal(signal.SIGINT))
    assert not result.interrupted
    assert calls
    echo.check()


def test_a_handler_that_raises() -> None:
    def raising(number: int, frame: object) -> None:
        raise TimeoutError("on purpose")

    forever = Batch(assemble("jp 0"), LANES, threads=2)
    with handler(signal.SIGINT, raising), pytest.raises(TimeoutError, match="on purpose"):
        forever.run(progress=lambda *numbers: signal.raise_signal(signal.SIGINT))
    assert not lane_threads()
    assert forever.run(10).reason.tolist() == [2] * LANES


def test_no_threads_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes out, and those that have started end."""
    start = threading.Thread.start

    def refused(thread: threading.Thread) -> None:
        if thread.name == "lrvm_jit batch 0":
            raise RuntimeError("can't start new thread")
        start(thread)

    forever = Batch(assemble("jp 0"), LANES, threads=2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            forever.run()
    assert not lane_threads()
    assert forever.run(10).reason.tolist() == [2] * LANES


def test_ctrl_c_while_a_batch_is_closed() -> None:
    class Closing(CharOutput):
        closed = 0

        def close(self) -> None:
            self.closed += 1
            signal.raise_signal(signal.SIGINT)

    components = [Closing(), Closing()]
    batch = Batch(ECHO, 1, components=components)
    with handler(signal.SIGINT, signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        batch.close()
    batch.close()
    assert [component.closed for component in components] == [1, 1]
