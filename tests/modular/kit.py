"""Parts that tests make machines of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from lrvm_jit.modular import (
    Channels,
    Data,
    DisconnectedError,
    EmptyError,
    Fail,
    Good,
    Load,
    MachineHandle,
    Metadata,
    Node,
    Peripheral,
    Processor,
    ProcessorNode,
    Query,
    Response,
    Save,
    Swap,
    Terminate,
)

Instruction = Callable[[Any, Channels], object]
"""What a scripted part does in one turn; gets the part and its channels."""

SIZE = 8


class Memory(Peripheral):
    """Cells, and a log of all that happened. Does not know Swap."""

    def __init__(self, cells: Iterable[int] = ()) -> None:
        self.cells = [*cells, *[0] * SIZE][:SIZE]
        self.log: list[object] = []

    def boot(self) -> None:
        self.log.append("boot")

    def handle(self, query: Query) -> Response:
        if not 0 <= query.address < SIZE:
            return Fail(7)
        match query:
            case Load(address):
                self.log.append(query)
                return Data(self.cells[address])
            case Save(address, value):
                self.log.append(query)
                self.cells[address] = value
                return Good()
        return Fail(1)

    def halt(self) -> None:
        self.log.append("halt")


class SwappingMemory(Memory):
    """Knows Swap."""

    knows_swap = True

    def handle(self, query: Query) -> Response:
        if isinstance(query, Swap):
            self.log.append(query)
            old, self.cells[query.address] = self.cells[query.address], query.value
            return Data(old)
        return super().handle(query)


class Script(Processor):
    """Executes a list of Python functions, then ends normally. What they return is kept."""

    def __init__(self, *instructions: Instruction, repeat: int = 1) -> None:
        self.instructions = list(instructions) * repeat
        self.results: list[object] = []
        self.log: list[str] = []
        self.at = 0

    def boot(self, channels: Channels) -> None:
        self.log.append("boot")

    def step(self, channels: Channels) -> None:
        if self.at == len(self.instructions):
            raise Terminate(0)
        instruction = self.instructions[self.at]
        self.at += 1
        self.results.append(instruction(self, channels))

    def exe_ins(self, channels: Channels) -> None:
        self.step(channels)

    def halt(self, channels: Channels) -> None:
        self.log.append("halt")


class ScriptNode(ProcessorNode, Script):
    """The same for a network. Answers with its cells; serves until `visits` queries came. Its
    `handle` may use `channels`."""

    def __init__(self, *instructions: Instruction, visits: int = 0, repeat: int = 1) -> None:
        super().__init__(*instructions, repeat=repeat)
        self.memory = Memory()
        self.visits = visits
        self.visited = 0

    def boot(self, channels: Channels) -> None:
        super().boot(channels)
        self.channels = channels

    def handle(self, query: Query) -> Response:
        self.visited += 1
        return self.memory.handle(query)

    def exe_ins(self, channels: Channels) -> None:
        if self.at == len(self.instructions) and self.visited < self.visits:
            return
        self.step(channels)


class LinkedNode(Node):
    """The same again, for a `NodeMachine`."""

    def __init__(self, *instructions: Instruction, visits: int = 0, repeat: int = 1) -> None:
        self.inner = ScriptNode(*instructions, visits=visits, repeat=repeat)

    @property
    def results(self) -> list[object]:
        return self.inner.results

    @property
    def log(self) -> list[str]:
        return self.inner.log

    def metadata(self) -> Metadata:
        return Metadata("Linked")

    def boot(self, channels: Channels) -> None:
        self.inner.boot(channels)

    def cycle(self, channels: Channels) -> None:
        self.inner.exe_ins(channels)

    def handle(self, query: Query) -> Response:
        return self.inner.handle(query)

    def halt(self, channels: Channels) -> None:
        self.inner.halt(channels)


def ask(query: Query, channel: int = 0) -> Instruction:
    """An instruction: one query."""
    return lambda _, channels: channels[channel].query(query)


def end(code: int = 0) -> Instruction:
    """An instruction that ends the part."""

    def instruction(_: object, __: Channels) -> None:
        raise Terminate(code)

    return instruction


def broken(*_: object) -> None:
    """An instruction that fails."""
    raise ValueError("broken")


def gone(channel: int = 0) -> Instruction:
    """An instruction that gives what the error of a query says."""

    def instruction(_: object, channels: Channels) -> str:
        with pytest.raises(DisconnectedError) as caught:
            channels[channel].query(Load(0))
        return str(caught.value)

    return instruction


def until_gone(part: Script, channels: Channels) -> str:
    """An instruction that comes again until nobody answers; gives what the error says."""
    try:
        channels[0].query(Load(0))
    except DisconnectedError as error:
        return str(error)
    part.at -= 1
    return ""


def polling(receive: Callable[[Channels], Any]) -> Instruction:
    """An instruction that calls one of the `try_` methods until something has come."""

    def instruction(_: object, channels: Channels) -> Any:
        while True:
            try:
                return receive(channels)
            except EmptyError:
                pass

    return instruction


def joined(handle: MachineHandle) -> MachineHandle:
    """A machine at its end, whatever that is."""
    handle.join(60)
    return handle


def finished(handle: MachineHandle) -> MachineHandle:
    """A machine at its end, which is a good one."""
    handle.join(60, raise_errors=True)
    return handle


def codes(handle: MachineHandle) -> list[int | None]:
    """With which codes the parts ended: processors, then peripherals."""
    return [part.code for part in handle.processors + handle.peripherals]
