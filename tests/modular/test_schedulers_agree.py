"""Random machines do the same under both schedulers, as long as timing cannot matter."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lrvm_jit.modular import (
    ChannelError,
    Channels,
    Fail,
    Load,
    Machine,
    MachineHandle,
    ProcessorNetwork,
    Query,
    Response,
    Save,
    Swap,
    Terminate,
)
from tests.modular.kit import SIZE, Instruction, Memory, Script, ScriptNode, SwappingMemory
from tests.modular.schedulers import SCHEDULERS, SchedulerName

PERIPHERALS = 3

addresses = st.integers(0, SIZE)  # the last one is refused
values = st.integers(0, 3)
queries = st.one_of(
    st.builds(Load, addresses),
    st.builds(Save, addresses, values),
    st.builds(Swap, addresses, values),
)
steps = st.one_of(
    st.tuples(st.sampled_from(["query", "send"]), st.integers(0, PERIPHERALS - 1), queries),
    st.tuples(st.just("recv"), st.integers(0, PERIPHERALS - 1), st.none()),
    st.tuples(st.just("end"), st.integers(0, 3), st.none()),
    st.tuples(st.just("fail"), st.just(0), st.none()),
)
programs = st.lists(steps, max_size=12)


def instruction(action: str, number: int, query: Query | None) -> Instruction:
    """One step of a program. What the channels say, errors as well, is its result."""

    def execute(_: object, channels: Channels) -> Response | str:
        if action == "end":
            raise Terminate(number)
        if action == "fail":
            raise ValueError("meant to fail")
        try:
            if action == "recv":
                return channels[number].recv()
            assert query is not None
            if action == "query":
                return channels[number].query(query)
            channels[number].send(query)
        except ChannelError as error:
            return f"{type(error).__name__}: {error}"
        return "sent"

    return execute


class Mortal(Memory):
    """Ends when it is told to: value 3 at address 0."""

    def handle(self, query: Query) -> Response:
        if query == Save(0, 3):
            raise Terminate(4)
        return super().handle(query)


def outcome(handle: MachineHandle, scripts: list[Any], memories: list[Any]) -> object:
    handle.join(60)
    return (
        [part.code for part in handle.processors + handle.peripherals],
        [script.results for script in scripts],
        [script.log for script in scripts],
        [(memory.cells, memory.log) for memory in memories],
    )


def three() -> list[Memory]:
    return [Memory(range(SIZE)), SwappingMemory(range(SIZE)), Mortal(range(SIZE))]


def alone(program: list[Any], scheduler: SchedulerName) -> object:
    """One processor with three peripherals."""
    script, memories = Script(*(instruction(*step) for step in program)), three()
    return outcome(Machine(memories, [script]).run(scheduler), [script], memories)


def apart(programs: list[list[Any]], scheduler: SchedulerName) -> object:
    """Several processors; each talks to its own peripheral only."""
    memories = three()
    scripts = [
        Script(*(instruction(a, k if a != "end" else n, q) for a, n, q in program))
        for k, program in enumerate(programs)
    ]
    return outcome(Machine(memories, scripts).run(scheduler), scripts, memories)


class Server(ScriptNode):
    """Executes nothing; ends when asked to at address `SIZE`, and its client needs it no more."""

    def __init__(self) -> None:
        super().__init__(visits=1)

    def handle(self, query: Query) -> Response:
        if query.address == SIZE:
            self.visited = 1
            return Fail(2)
        return self.memory.handle(query)


def served(program: list[Any], scheduler: SchedulerName) -> object:
    """A network: the first one asks two others, which do nothing else."""
    stop = [instruction("query", number, Load(SIZE)) for number in (0, 1)]
    steps = [
        instruction(a, n % 2, q)
        for a, n, q in program
        if a not in ("end", "fail") and not (q is not None and q.address == SIZE)
    ]
    nodes = [ScriptNode(*steps, *stop), Server(), Server()]
    handle = ProcessorNetwork([], nodes).run(scheduler)
    return outcome(handle, nodes, [node.memory for node in nodes])


@settings(max_examples=60, deadline=None)
@given(programs)
def test_one_processor(program: list[Any]) -> None:
    threads, cooperative = (alone(program, scheduler) for scheduler in SCHEDULERS)
    assert threads == cooperative


@settings(max_examples=40, deadline=None)
@given(st.lists(programs, min_size=3, max_size=3))
def test_processors_apart(parts: list[list[Any]]) -> None:
    threads, cooperative = (apart(parts, scheduler) for scheduler in SCHEDULERS)
    assert threads == cooperative


@settings(max_examples=40, deadline=None)
@given(programs)
def test_network(program: list[Any]) -> None:
    threads, cooperative = (served(program, scheduler) for scheduler in SCHEDULERS)
    assert threads == cooperative
