"""Errors of whoever writes parts and machines: they say what is wrong and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from lrvm_jit.modular import (
    Channels,
    Load,
    Machine,
    MachineError,
    MachineHandle,
    NodeMachine,
    Processor,
    ProcessorNetwork,
    TwoWayChannel,
)
from tests.modular.kit import LinkedNode, Memory, Script, ask
from tests.modular.schedulers import SchedulerName

# For a type checker they could be anything, so that it lets the mistakes pass.
MEMORY: Any = Memory
SCRIPT: Any = Script


def ended(handle: MachineHandle) -> MachineHandle:
    handle.join(60)
    return handle


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Machine([MEMORY], [Script()]), r"peripherals\[0\] is the class Memory; make an"),
        (lambda: Machine([Memory()], [MEMORY()]), r"processors\[0\] is .* must be a Processor"),
        (lambda: Machine([SCRIPT()], [Script()]), r"peripherals\[0\] is .* must be a Peripheral"),
        (lambda: ProcessorNetwork([], [SCRIPT()]), r"processors\[0\] .* must be a ProcessorNode"),
        (lambda: NodeMachine([LinkedNode(), SCRIPT()]), r"nodes\[1\] .* must be a Node"),
    ],
)
def test_wrong_kinds_of_parts(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_a_part_twice() -> None:
    script = Script()
    with pytest.raises(ValueError, match="twice; make an object for each part"):
        Machine([], [script, script])


def test_no_part_that_runs() -> None:
    with pytest.raises(ValueError, match="Machine needs at least one"):
        Machine([Memory()], [])


def test_unknown_scheduler() -> None:
    with pytest.raises(ValueError, match="'fibres'; there are threads and cooperative"):
        Machine([], [Script()]).run("fibres")  # type: ignore[arg-type]


def test_run_twice(scheduler: SchedulerName) -> None:
    machine = Machine([], [Script()])
    ended(machine.run(scheduler))
    with pytest.raises(MachineError, match="has run already; make a new one"):
        machine.run(scheduler)


def test_step_is_for_cooperative() -> None:
    handle = Machine([], [Script()]).run("threads")
    with pytest.raises(MachineError, match="for the scheduler cooperative"):
        handle.step()
    ended(handle)


def test_no_steps() -> None:
    with pytest.raises(ValueError, match="rounds is 0; it must be 1 or more"):
        Machine([], [Script()]).run("cooperative").step(0)


def test_a_part_cannot_join_its_machine(scheduler: SchedulerName) -> None:
    handles: list[MachineHandle] = []
    to_be_had, ready = TwoWayChannel[int, int].pair()

    def join(_: object, channels: Channels) -> str:
        ready.recv()
        with pytest.raises(MachineError) as caught:
            handles[0].join(60)
        return str(caught.value)

    script = Script(join)
    handles.append(Machine([], [script]).run(scheduler))
    to_be_had.send(1)
    ended(handles[0])
    expected = {
        "threads": "a part cannot join its own machine",
        "cooperative": "the machine runs already: a part, or another thread, has joined it",
    }
    assert script.results == [expected[scheduler]]


def test_a_channel_that_does_not_exist(scheduler: SchedulerName) -> None:
    script = Script(ask(Load(0), 2))
    handle = ended(Machine([Memory(), Memory()], [script]).run(scheduler))
    error = handle.processors[0].error
    assert isinstance(error, IndexError)
    assert "it has 2 channels: 0 is peripheral 0 (Memory), 1 is peripheral 1 (Memory)" in "".join(
        error.__notes__
    )


@pytest.mark.parametrize("use", ["query", "send"])
def test_no_query(scheduler: SchedulerName, use: str) -> None:
    def instruction(_: object, channels: Channels) -> None:
        getattr(channels[0], use)(5)

    handle = ended(Machine([Memory()], [Script(instruction)]).run(scheduler))
    assert str(handle.processors[0].error) == (
        "5 is not a query; send Load, Save or Swap to a part of a machine"
    )
    assert handle.peripherals[0].code == 0


def test_channels_of_a_machine_stay_open(scheduler: SchedulerName) -> None:
    def close(_: object, channels: Channels) -> None:
        channels[0].close()

    handle = ended(Machine([Memory()], [Script(close)]).run(scheduler))
    assert "cannot be closed" in str(handle.processors[0].error)


def test_join_with_a_timeout_names_those_that_run(scheduler: SchedulerName) -> None:
    class Endless(Script):
        def exe_ins(self, channels: Channels) -> None:
            pass

    handle = Machine([Memory()], [Script(), Endless()]).run(scheduler)
    with pytest.raises(TimeoutError, match=r"still running: .*processor 1 \(Endless\)"):
        handle.join(0.01)
    assert handle.processors[1].code is None
    handle.stop()
    assert [part.code for part in ended(handle).processors] == [0, 0]


def test_parts_without_their_methods() -> None:
    class Idle(Processor):
        pass

    with pytest.raises(TypeError, match="exe_ins"):
        Idle()  # type: ignore[abstract]
