"""Every part dies at every point, many times over: nobody hangs, every halt runs once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from lrvm_jit.modular import (
    ChannelError,
    Channels,
    Data,
    Good,
    Load,
    Machine,
    MachineHandle,
    Metadata,
    Node,
    NodeMachine,
    Peripheral,
    Processor,
    ProcessorNetwork,
    ProcessorNode,
    Query,
    Response,
    Save,
    Swap,
    Terminate,
)
from tests.modular.schedulers import SchedulerName

POINTS = ("metadata", "boot", "turn", "first query", "in a query", "after a send", "halt", "never")
ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: Terminate(0),
    lambda: Terminate(9),
    lambda: ValueError("killed"),
    lambda: SystemExit(1),
)
MEANT = (Terminate, ValueError, SystemExit)
TIMES = {"threads": 3, "cooperative": 6}
QUERIES: tuple[Query, ...] = (Load(0), Save(0, 3), Swap(0, 4))


@dataclass
class Fate:
    """When a part dies, and how. Counts what is done with the part."""

    point: str
    error: Callable[[], BaseException]
    halts: int = 0
    queries: int = 0
    turns: int = 0
    dead: bool = False
    haunts: bool = False
    """Whether it was called after its death."""

    def at(self, point: str) -> None:
        if self.dead and point != "halt":
            self.haunts = True
        if point == self.point:
            self.dead = True
            raise self.error()


class Victim:
    """What all parts of these machines do: query everybody, answer everybody, for 5 turns."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.value = 0
        self.channels: Channels = ()

    def metadata(self) -> Metadata:
        self.fate.at("metadata")
        return Metadata(type(self).__name__)

    def boot(self, channels: Channels = ()) -> None:
        self.channels = channels
        self.fate.at("boot")

    def turn(self, channels: Channels) -> None:
        self.fate.at("turn")
        self.fate.turns += 1
        if self.fate.turns > 5:
            raise Terminate(0)
        for channel, query in itertools.product(channels, QUERIES):
            with suppress(ChannelError):
                if self.fate.point == "after a send":
                    channel.send(query)
                    self.fate.at("after a send")
                channel.query(query)

    def handle(self, query: Query) -> Response:
        self.fate.queries += 1
        self.fate.at("first query")
        if self.fate.queries % 2 and self.channels:
            # Nodes ask on: their own instruction may be waiting below.
            with suppress(ChannelError):
                self.channels[0].query(Load(0))
        if self.fate.queries == 5:
            self.fate.at("in a query")
        if isinstance(query, Load):
            return Data(self.value)
        if isinstance(query, Save):
            self.value = query.value
            return Good()
        return NotImplemented  # type: ignore[no-any-return]

    def halt(self, channels: Channels = ()) -> None:
        self.fate.halts += 1
        for channel in channels:
            with suppress(ChannelError):
                channel.query(Load(0))
        self.fate.at("halt")


class VictimProcessor(Victim, Processor):
    def exe_ins(self, channels: Channels) -> None:
        self.turn(channels)


class VictimPeripheral(Victim, Peripheral):
    def cycle(self) -> None:
        self.fate.at("turn")


class VictimProcessorNode(Victim, ProcessorNode):
    def exe_ins(self, channels: Channels) -> None:
        self.turn(channels)


class VictimNode(Victim, Node):
    def handle(self, query: Query) -> Response:
        # Only every eighth query asks on, or all would be busy with each other for long.
        self.channels, channels = (), self.channels
        try:
            return super().handle(query)
        finally:
            self.channels = channels

    def cycle(self, channels: Channels) -> None:
        self.turn(channels)


def machine(fates: list[Fate]) -> Machine:
    return Machine(
        [VictimPeripheral(fate) for fate in fates[:2]],
        [VictimProcessor(fate) for fate in fates[2:]],
    )


def network(fates: list[Fate]) -> ProcessorNetwork:
    return ProcessorNetwork(
        [VictimPeripheral(fates[0])], [VictimProcessorNode(fate) for fate in fates[1:]]
    )


def nodes(fates: list[Fate]) -> NodeMachine:
    return NodeMachine([VictimNode(fate) for fate in fates])


def run(build: Callable[[list[Fate]], Any], fates: list[Fate], scheduler: SchedulerName) -> None:
    handle: MachineHandle = build(fates).run(scheduler)
    handle.join(60)
    assert [fate.halts for fate in fates] == [1] * len(fates)
    assert not any(fate.haunts for fate in fates)
    statuses = handle.processors + handle.peripherals
    assert all(part.code is not None for part in statuses)
    for part in statuses:
        assert (part.code != 0) == bool(part.errors)
        assert all(type(error) in MEANT for error in part.errors), part.errors
    assert sum(bool(part.code) for part in statuses) <= sum(f.point != "never" for f in fates)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("build", [machine, network, nodes])
def test_one_part_dies(
    scheduler: SchedulerName, build: Callable[[list[Fate]], Any], point: str
) -> None:
    for _ in range(TIMES[scheduler]):
        for victim, error in itertools.product(range(4), ERRORS):
            fates = [Fate("never", error) for _ in range(4)]
            fates[victim].point = point
            run(build, fates, scheduler)


@pytest.mark.parametrize("build", [machine, network, nodes])
def test_any_parts_die(scheduler: SchedulerName, build: Callable[[list[Fate]], Any]) -> None:
    chance = random.Random(6)
    for _ in range(TIMES[scheduler] * 20):
        fates = [Fate(chance.choice(POINTS), chance.choice(ERRORS)) for _ in range(4)]
        run(build, fates, scheduler)
