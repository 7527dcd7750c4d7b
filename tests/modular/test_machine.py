"""What machines do when nothing goes wrong: layout, order, names, turns."""

from __future__ import annotations

import threading

import pytest

from lrvm_jit.modular import (
    Channels,
    Data,
    DeadlockError,
    EmptyError,
    Fail,
    Good,
    Load,
    Machine,
    Metadata,
    NodeMachine,
    Peripheral,
    Processor,
    ProcessorNetwork,
    Query,
    Response,
    Save,
    Swap,
    Terminate,
)
from tests.modular.kit import (
    LinkedNode,
    Memory,
    Script,
    ScriptNode,
    SwappingMemory,
    ask,
    codes,
    finished,
    polling,
)
from tests.modular.schedulers import SchedulerName


def test_channel_i_leads_to_peripheral_i(scheduler: SchedulerName) -> None:
    memories = [Memory([10 + i]) for i in range(3)]
    scripts = [Script(*(ask(Load(0), i) for i in range(3))) for _ in range(2)]
    handle = finished(Machine(memories, scripts).run(scheduler))
    for script in scripts:
        assert script.results == [Data(10), Data(11), Data(12)]
        assert script.log == ["boot", "halt"]
    for memory in memories:
        assert memory.log == ["boot", Load(0), Load(0), "halt"]
    assert handle.failures == ()
    assert codes(handle) == [0] * 5


def test_responses(scheduler: SchedulerName) -> None:
    script = Script(ask(Save(2, 5)), ask(Load(2)), ask(Load(99)), ask(Save(99, 1)))
    finished(Machine([Memory()], [script]).run(scheduler))
    assert script.results == [Good(), Data(5), Fail(7), Fail(7)]


def test_network_layout(scheduler: SchedulerName) -> None:
    """Peripherals first, then the other processors in order, without oneself."""
    instructions = [lambda part, channels: len(channels)]
    nodes = [
        ScriptNode(*instructions, ask(Load(0)), ask(Load(0), 1), ask(Load(0), 2), visits=2)
        for _ in range(3)
    ]
    for number, node in enumerate(nodes):
        node.memory.cells[0] = number
    finished(ProcessorNetwork([Memory([77])], nodes).run(scheduler))
    for number, node in enumerate(nodes):
        others = [Data(other) for other in range(3) if other != number]
        assert node.results == [3, Data(77), *others]


def test_node_machine_layout(scheduler: SchedulerName) -> None:
    nodes = [LinkedNode(ask(Load(0)), ask(Load(0), 1), visits=2) for _ in range(3)]
    for number, node in enumerate(nodes):
        node.inner.memory.cells[0] = number
    handle = finished(NodeMachine(nodes).run(scheduler))
    for number, node in enumerate(nodes):
        assert node.results == [Data(other) for other in range(3) if other != number]
    assert [part.name for part in handle.processors] == [f"node {i} (Linked)" for i in range(3)]
    assert handle.peripherals == ()


def test_a_machine_does_not_link_its_processors(scheduler: SchedulerName) -> None:
    node = ScriptNode(lambda part, channels: len(channels))
    finished(Machine([Memory()], [node, ScriptNode()]).run(scheduler))
    assert node.results == [1]


class Named(Memory):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def metadata(self) -> Metadata:
        return Metadata("Bank A")

    def handle(self, query: Query) -> Response:
        self.seen.add(threading.current_thread().name)
        return super().handle(query)


def test_threads_are_named_after_number_and_model() -> None:
    memories = [Named(), Named()]
    script = Script(ask(Load(0)), ask(Load(0), 1), lambda *_: threading.current_thread().name)
    finished(Machine(memories, [Script(), script]).run())
    assert script.results[-1] == "processor 1 (Script)"
    assert [memory.seen for memory in memories] == [
        {"peripheral 0 (Bank A)"},
        {"peripheral 1 (Bank A)"},
    ]


def test_cooperative_takes_one_thread() -> None:
    memory, script = Named(), Script(ask(Load(0)), lambda *_: threading.current_thread())
    finished(Machine([memory], [script]).run("cooperative"))
    assert memory.seen == {threading.current_thread().name}
    assert script.results[-1] is threading.current_thread()


class Ticking(Memory):
    """Counts its turns in cell 0."""

    def cycle(self) -> None:
        self.cells[0] += 1


def test_cycle_is_called_in_every_turn(scheduler: SchedulerName) -> None:
    def until_100(part: Script, channels: Channels) -> None:
        answer = channels[0].query(Load(0))
        assert isinstance(answer, Data)
        if answer.value < 100:
            part.at -= 1

    clock = Ticking()
    finished(Machine([clock], [Script(until_100)]).run(scheduler))
    assert clock.cells[0] >= 100


def test_round_robin() -> None:
    """A round of the cooperative scheduler: every processor, then every peripheral, in order."""
    log: list[str] = []

    class Clock(Peripheral):
        def handle(self, query: Query) -> Response:
            log.append("query")
            return Data(0)

        def cycle(self) -> None:
            log.append("cycle")

    class Logging(Processor):
        def __init__(self, name: str) -> None:
            self.name = name

        def exe_ins(self, channels: Channels) -> None:
            log.append(self.name)
            channels[0].query(Load(0))

    handle = Machine([Clock()], [Logging("a"), Logging("b")]).run("cooperative")
    assert log == []
    assert handle.step(2)
    assert log == ["a", "query", "b", "query", "cycle"] * 2
    handle.stop()
    handle.join(60)


def test_step_says_whether_there_is_more() -> None:
    script = Script(ask(Load(0)), ask(Load(0)))
    memory = Memory()
    handle = Machine([memory], [script]).run("cooperative")
    assert handle.step()
    assert script.results == [Data(0)]
    assert not handle.step(100)
    assert script.log == ["boot", "halt"]
    assert memory.log[-1] != "halt"  # until somebody joins
    handle.join(60)
    assert memory.log[-1] == "halt"


def test_join_processors_leaves_the_peripherals(scheduler: SchedulerName) -> None:
    memory = Memory()
    handle = Machine([memory], [Script(ask(Load(0)))]).run(scheduler)
    handle.join_processors(60)
    assert codes(handle) == [0, None]
    handle.join_peripherals(60)
    assert memory.log[-1] == "halt"
    handle.join(60)  # once more does no harm
    assert memory.log.count("halt") == 1


def test_what_was_sent_is_handled_before_the_peripherals_end(scheduler: SchedulerName) -> None:
    def send_all(_: object, channels: Channels) -> None:
        for number in range(5):
            channels[0].send(Save(number, number + 1))

    memory = Memory()
    finished(Machine([memory], [Script(send_all)]).run(scheduler))
    assert memory.cells[:5] == [1, 2, 3, 4, 5]


def test_send_and_recv(scheduler: SchedulerName) -> None:
    """Responses come in the order of the queries, and `query` takes its turn among them."""

    def pipeline(_: object, channels: Channels) -> list[Response]:
        memory = channels[0]
        for number in range(4):
            memory.send(Load(number))
        first = memory.query(Load(4))
        return [first, *(memory.recv() for _ in range(4))]

    def none(_: object, channels: Channels) -> list[object]:
        found: list[object] = list(channels[0].try_iter())
        with pytest.raises(DeadlockError, match="send a query first"):
            channels[0].recv()
        with pytest.raises(EmptyError):
            channels[0].try_recv()
        return found

    def send(_: object, channels: Channels) -> None:
        channels[0].send(Load(7))

    poll = polling(lambda channels: channels[0].try_recv())
    script = Script(pipeline, send, poll, none, ask(Load(1)))
    finished(Machine([Memory(range(10, 18))], [script]).run(scheduler))
    assert script.results == [[Data(10 + n) for n in range(5)], None, Data(17), [], Data(11)]


def test_swap_known_and_unknown(scheduler: SchedulerName) -> None:
    plain, knowing = Memory([1]), SwappingMemory([2])
    script = Script(ask(Swap(0, 5)), ask(Swap(0, 6), 1), ask(Load(0)), ask(Swap(99, 1)))
    finished(Machine([plain, knowing], [script]).run(scheduler))
    assert script.results == [Data(1), Data(2), Data(5), Fail(7)]
    assert plain.log[1:4] == [Load(0), Save(0, 5), Load(0)]
    assert knowing.log == ["boot", Swap(0, 6), "halt"]


@pytest.mark.parametrize("unknown", [None, NotImplemented, Fail(3)])
def test_ways_not_to_know_swap(scheduler: SchedulerName, unknown: Response) -> None:
    class Plain(Memory):
        def handle(self, query: Query) -> Response:
            return unknown if isinstance(query, Swap) else super().handle(query)

    memory = Plain([4])
    script = Script(ask(Swap(0, 9)))
    finished(Machine([memory], [script]).run(scheduler))
    assert script.results == [Data(4)]
    assert memory.cells[0] == 9


def test_a_refusal_stands_if_the_peripheral_knows_swap(scheduler: SchedulerName) -> None:
    class Refusing(Memory):
        knows_swap = True

    memory = Refusing([4])
    script = Script(ask(Swap(0, 9)))
    finished(Machine([memory], [script]).run(scheduler))
    assert script.results == [Fail(1)]
    assert memory.log == ["boot", "halt"]


def test_nothing_comes_between_the_two_steps_of_a_swap(scheduler: SchedulerName) -> None:
    """Four processors take a lock with Swap and add to a sum that only the lock protects."""
    rounds = 50

    class Adder(Processor):
        def __init__(self) -> None:
            self.left = rounds

        def exe_ins(self, channels: Channels) -> None:
            memory = channels[0]
            if not self.left:
                raise Terminate(0)
            if memory.query(Swap(0, 1)) == Data(0):
                total = memory.query(Load(1))
                assert isinstance(total, Data)
                memory.query(Save(1, total.value + 1))
                memory.query(Save(0, 0))
                self.left -= 1

    memory = Memory()
    finished(Machine([memory], [Adder() for _ in range(4)]).run(scheduler))
    assert memory.cells[:2] == [0, 4 * rounds]
    swaps = [i for i, entry in enumerate(memory.log) if entry == Save(0, 1)]
    assert len(swaps) >= 4 * rounds
    assert all(memory.log[i - 1] == Load(0) for i in swaps)


def test_boot_may_query(scheduler: SchedulerName) -> None:
    class Booting(ScriptNode):
        def boot(self, channels: Channels) -> None:
            super().boot(channels)
            self.results.append([channel.query(Load(0)) for channel in channels])

    nodes = [Booting(visits=2) for _ in range(3)]
    finished(ProcessorNetwork([Memory([5])], nodes).run(scheduler))
    assert [node.results for node in nodes] == [[[Data(5), Data(0), Data(0)]]] * 3


def test_a_handle_in_a_with_stops_the_machine(scheduler: SchedulerName) -> None:
    class Endless(Script):
        def exe_ins(self, channels: Channels) -> None:
            channels[0].query(Load(0))

    endless, memory = Endless(), Memory()
    with Machine([memory], [endless]).run(scheduler) as handle:
        pass
    assert codes(handle) == [0, 0]
    assert endless.log == ["boot", "halt"]
    assert memory.log[-1] == "halt"
