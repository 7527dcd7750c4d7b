"""Ctrl-C: a real SIGINT, while the main thread joins the machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from lrvm_jit.modular import (
    Channels,
    Data,
    Load,
    Machine,
    NodeMachine,
    ProcessorNetwork,
    Query,
    Response,
    TwoWayChannel,
)
from tests.modular.joining import joining
from tests.modular.kit import LinkedNode, Memory, Script, ScriptNode
from tests.modular.schedulers import SchedulerName


@pytest.fixture(autouse=True)
def _default_handler() -> Generator[None, None, None]:
    outer = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, outer)


class Endless:
    """Never ends by itself. One of them interrupts the machine once."""

    turns = 0
    interrupts_at: int | None = None

    def step(self, channels: Channels) -> None:
        self.turns += 1
        for channel in channels:
            channel.query(Load(0))
        if self.interrupts_at is not None and self.turns >= self.interrupts_at and joining():
            self.interrupts_at = None
            os.kill(os.getpid(), signal.SIGINT)


class EndlessScript(Endless, Script):
    pass


class EndlessScriptNode(Endless, ScriptNode):
    pass


class EndlessNode(LinkedNode):
    inner: EndlessScriptNode

    def __init__(self) -> None:
        super().__init__()
        self.inner = EndlessScriptNode()


def machine() -> tuple[Any, list[Any], list[Memory]]:
    parts, memories = [EndlessScript(), EndlessScript()], [Memory(), Memory()]
    parts[1].interrupts_at = 5
    return Machine(memories, parts), parts, memories


def network() -> tuple[Any, list[Any], list[Memory]]:
    parts, memories = [EndlessScriptNode(), EndlessScriptNode()], [Memory()]
    parts[1].interrupts_at = 5
    return ProcessorNetwork(memories, parts), parts, memories


def nodes() -> tuple[Any, list[Any], list[Memory]]:
    parts = [EndlessNode() for _ in range(3)]
    parts[1].inner.interrupts_at = 5
    return NodeMachine(parts), parts, []


@pytest.mark.parametrize("build", [machine, network, nodes])
@pytest.mark.parametrize("join", ["join", "join_processors", "step"])
def test_ctrl_c_ends_the_machine(
    scheduler: SchedulerName,
    build: Callable[[], tuple[Any, list[Any], list[Memory]]],
    join: str,
) -> None:
    built, parts, memories = build()
    if join == "step" and scheduler == "threads":
        pytest.skip("threads have no step")
    handle = None

    def run() -> None:
        nonlocal handle
        handle = built.run(scheduler)
        if join == "step":
            handle.step(100_000)
        else:
            getattr(handle, join)(60)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert [part.log for part in parts] == [["boot", "halt"]] * len(parts)
    assert [memory.log[-1] for memory in memories] == ["halt"] * len(memories)


def test_ctrl_c_ends_parts_that_wait() -> None:
    """One waits for a channel that stays empty, one polls within its instruction."""
    _one, other = TwoWayChannel[int, int].pair()

    def poll(_: object, channels: Channels) -> None:
        while True:
            channels[0].query(Load(0))

    class Interrupting(Memory):
        interrupted = False

        def handle(self, query: Query) -> Response:
            if len(self.log) >= 100 and not self.interrupted and joining():
                self.interrupted = True
                os.kill(os.getpid(), signal.SIGINT)
            return super().handle(query)

    waiting, polling = Script(lambda *_: other.recv()), Script(poll)
    handle = Machine([Interrupting()], [waiting, polling]).run("threads")
    with pytest.raises(KeyboardInterrupt):
        handle.join(60)
    assert waiting.log == polling.log == ["boot", "halt"]
    assert handle.failures == ()


def test_the_halts_may_still_use_the_peripherals(scheduler: SchedulerName) -> None:
    class Saving(EndlessScript):
        def halt(self, channels: Channels) -> None:
            super().halt(channels)
            self.results.append(channels[0].query(Load(0)))

    script = Saving()
    script.interrupts_at = 5
    handle = Machine([Memory([6])], [script]).run(scheduler)
    with pytest.raises(KeyboardInterrupt):
        handle.join(60)
    assert script.results == [Data(6)]
    assert handle.failures == ()


def test_interrupted_many_times(scheduler: SchedulerName) -> None:
    """At whatever point the signal happens to be seen."""
    for turn in range(100):
        script, memory = EndlessScript(), Memory()
        script.interrupts_at = turn % 7
        handle = Machine([memory], [script]).run(scheduler)
        with pytest.raises(KeyboardInterrupt):
            handle.join(60)
        assert script.log == ["boot", "halt"]
        assert memory.log[-1] == "halt"


def test_ctrl_c_while_the_threads_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` has not returned, so nobody could join the machine: it ends as well."""
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        if thread.name.startswith("processor 0"):
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    parts, memory = [EndlessScript(), EndlessScript()], Memory()
    with pytest.raises(KeyboardInterrupt):
        Machine([memory], parts).run()
    assert parts[0].log == ["boot", "halt"]
    assert parts[1].log == []
    assert memory.log[-1] == "halt"


def test_no_threads_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refused(thread: threading.Thread) -> None:
        if thread.name.startswith("processor 1"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    parts, memory = [EndlessScript(), EndlessScript()], Memory()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Machine([memory], parts).run()
    assert parts[0].log[-1:] in (["halt"], [])
    assert memory.log[-1] == "halt"
