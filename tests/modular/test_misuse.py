"""Errors of whoever writes parts and machines: they say what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrvm_components import Ram
from lrvm_jit import Motherboard
from lrvm_jit.modular import (
    Channels,
    Load,
    LrvmProcessor,
    Machine,
    MachineError,
    MachineHandle,
    NodeMachine,
    Port,
    Processor,
    ProcessorNetwork,
    SharedRam,
    TwoWayChannel,
)
from lrvm_jit.modular.compiled import CompiledProcessor
from lrvm_tools.lasm import assemble
from tests.modular.kit import Instruction, LinkedNode, Memory, Script, ask, codes, joined
from tests.modular.schedulers import SchedulerName

# For a type checker they could be anything, so that it lets the mistakes pass.
MEMORY: Any = Memory
SCRIPT: Any = Script
MACHINE: Any = Machine
COMPILED: Any = CompiledProcessor
IDLE: Any = type("Idle", (Processor,), {})
HALT = assemble("halt")
LRVM: Any = LrvmProcessor


def compiled(state: object) -> CompiledProcessor:
    processor: CompiledProcessor = COMPILED(state, lambda state, bus: None)
    return processor


def with_two_ports() -> LrvmProcessor:
    ram = SharedRam(16)
    return LrvmProcessor(Motherboard([Ram(16), ram.direct(), ram.direct()]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Machine([MEMORY], [Script()]), TypeError, r"s\[0\] is the class Memory; make an"),
        (lambda: Machine([Memory()], [MEMORY()]), TypeError, r"s\[0\] is .* must be a Processor"),
        (lambda: Machine([SCRIPT()], [Script()]), TypeError, r"s\[0\] is .* must be a Peripheral"),
        (lambda: ProcessorNetwork([], [SCRIPT()]), TypeError, r"s\[0\] .* must be a ProcessorNode"),
        (lambda: NodeMachine([LinkedNode(), SCRIPT()]), TypeError, r"nodes\[1\] .* must be a Node"),
        (lambda: Machine([], [Script()] * 2), ValueError, "twice; make an object for each part"),
        (lambda: Machine([Memory()], []), ValueError, "Machine needs at least one"),
        (IDLE, TypeError, "exe_ins"),
        (TwoWayChannel, TypeError, r"TwoWayChannel\.pair\(\)"),
        (lambda: MACHINE([], [Script()]).run("fibres"), ValueError, "'fibres'; there are threads"),
        (lambda: Machine([], [Script()]).run("cooperative").step(0), ValueError, "rounds is 0; it"),
        (lambda: compiled(-1), ValueError, "size of a state is -1"),
        (lambda: compiled(np.zeros(3, np.uint8)), TypeError, "of uint8; .*astype"),
        (lambda: compiled(np.zeros((2, 2), np.int64)), TypeError, r"2 dimension\(s\)"),
        (lambda: compiled(np.zeros(6, np.int64)[::2]), ValueError, "contiguous"),
        (lambda: compiled(np.broadcast_to(np.int64(1), 1)), ValueError, "read-only"),
        (lambda: COMPILED(1, 3), TypeError, r"3 is not a function; .*exe_ins\(state, bus\)"),
        (lambda: LRVM(Motherboard([Ram(16)]), ram_size=64), ValueError, "give them to the board"),
        (lambda: LRVM(Motherboard([Ram(16)]), ports={}), ValueError, "give them to the board"),
        (
            lambda: LRVM(Motherboard([Ram(16)]), engine="reference"),
            ValueError,
            "give them to the board",
        ),
        (lambda: LrvmProcessor(HALT, batch=0), ValueError, "batch is 0"),
        (lambda: LrvmProcessor([1, 2], ram_size=4), ValueError, "content of 8 bytes does not fit"),
        (lambda: LRVM(HALT, ram_size=64, ports={32: Port(0, 16)}), ValueError, "overlaps"),
        (lambda: Port(-1, 16), ValueError, "channel -1 is negative"),
        (lambda: Port(0), ValueError, "size or its metadata"),
        (lambda: Port(0, 4, metadata=Port(0, 4).metadata()), ValueError, "size or its metadata"),
        (lambda: SharedRam(6), ValueError, "size 6 must be a multiple of 4 bytes"),
        (lambda: SharedRam(0), ValueError, "size 0"),
        (lambda: SharedRam(4, image=[1, 2]), ValueError, "image of 8 bytes does not fit the 4"),
        (with_two_ports, ValueError, "two direct ports to one SharedRam"),
    ],
)
def test_refused_at_once(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def use(method: str, *arguments: object) -> Instruction:
    """An instruction that calls a method of channel 0."""
    return lambda _, channels: getattr(channels[0], method)(*arguments)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (ask(Load(0), 2), "it has 2 channels: 0 is peripheral 0 (Memory), 1 is peripheral 1 (Mem"),
        (use("query", 5), "5 is not a query; send Load, Save or Swap to a part of a machine"),
        (use("send", 5), "5 is not a query; send Load, Save or Swap to a part of a machine"),
        (use("close"), "cannot be closed"),
    ],
)
def test_refused_in_an_instruction(
    scheduler: SchedulerName, instruction: Instruction, message: str
) -> None:
    """The part ends with the error; the others do not."""
    handle = joined(Machine([Memory(), Memory()], [Script(instruction)]).run(scheduler))
    assert codes(handle) == [-1, 0, 0]
    error = handle.processors[0].error
    assert error is not None
    assert message in "\n".join([str(error), *error.__notes__])


def test_run_twice(scheduler: SchedulerName) -> None:
    machine = Machine([], [Script()])
    joined(machine.run(scheduler))
    with pytest.raises(MachineError, match="has run already; make a new one"):
        machine.run(scheduler)


def test_step_is_for_cooperative() -> None:
    handle = Machine([], [Script()]).run("threads")
    with pytest.raises(MachineError, match="for the scheduler cooperative"):
        handle.step()
    joined(handle)


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
    joined(handles[0])
    expected = {
        "threads": "a part cannot join its own machine",
        "cooperative": "the machine runs already: a part, or another thread, has joined it",
    }
    assert script.results == [expected[scheduler]]


def test_join_with_a_timeout_names_those_that_run(scheduler: SchedulerName) -> None:
    class Endless(Script):
        def exe_ins(self, channels: Channels) -> None:
            pass

    handle = Machine([Memory()], [Script(), Endless()]).run(scheduler)
    with pytest.raises(TimeoutError, match=r"still running: .*processor 1 \(Endless\)"):
        handle.join(0.01)
    assert handle.processors[1].code is None
    handle.stop()
    assert codes(joined(handle)) == [0, 0, 0]
