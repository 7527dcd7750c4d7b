"""Parts that wait for each other, and recv where nothing can come."""

from __future__ import annotations

import pytest

from lrvm_jit.modular import (
    Channels,
    Data,
    DeadlockError,
    Good,
    Load,
    Machine,
    NodeMachine,
    ProcessorNetwork,
    Query,
    Response,
    Save,
    Swap,
    Terminate,
    TwoWayChannel,
)
from lrvm_jit.modular.cooperative import MAX_NESTING
from tests.modular.kit import (
    Instruction,
    LinkedNode,
    Memory,
    Script,
    ScriptNode,
    ask,
    broken,
    finished,
    joined,
    polling,
)
from tests.modular.schedulers import SchedulerName

ROUNDS = 30


@pytest.mark.parametrize(("query", "calls"), [(Load(0), 1), (Save(0, 1), 1), (Swap(0, 1), 3)])
def test_two_query_each_other_at_once(scheduler: SchedulerName, query: Query, calls: int) -> None:
    nodes = [ScriptNode(ask(query), repeat=ROUNDS, visits=calls * ROUNDS) for _ in range(2)]
    finished(ProcessorNetwork([], nodes).run(scheduler))
    assert all(len(node.results) == ROUNDS for node in nodes)
    assert all(node.visited == calls * ROUNDS for node in nodes)


@pytest.mark.parametrize("count", [3, 8])
def test_all_query_all(scheduler: SchedulerName, count: int) -> None:
    others = range(count - 1)
    nodes = [
        LinkedNode(*(ask(Load(0), i) for i in others), visits=5 * (count - 1), repeat=5)
        for _ in range(count)
    ]
    finished(NodeMachine(nodes).run(scheduler))
    assert all(len(node.results) == 5 * (count - 1) for node in nodes)


class Ring(ScriptNode):
    """Passes a query on to the next one, until it has been passed on often enough."""

    def __init__(self, number: int, count: int) -> None:
        # Each question makes all the others answer, and then oneself.
        super().__init__(ask(Load(2 * count), self.next(number, count)), visits=2 * count)
        self.number, self.count = number, count

    @staticmethod
    def next(number: int, count: int) -> int:
        """The channel to the next one: one's own number is left out."""
        return number if number + 1 < count else 0

    def handle(self, query: Query) -> Response:
        self.visited += 1
        if query.address == 0:
            return Data(0)
        answer = self.channels[self.next(self.number, self.count)].query(Load(query.address - 1))
        assert isinstance(answer, Data)
        return Data(answer.value + 1)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_rings(scheduler: SchedulerName, count: int) -> None:
    """Every query goes around twice, and all go around at once: each part waits in its own
    instruction, and in several of its `handle`s, for the answers of the others."""
    nodes = [Ring(number, count) for number in range(count)]
    finished(ProcessorNetwork([], nodes).run(scheduler))
    assert [node.results for node in nodes] == [[Data(2 * count)]] * count


def test_answers_go_to_the_call_that_asked(scheduler: SchedulerName) -> None:
    """A node has sent queries; before it receives the answers, its `handle` asks as well, on the
    same channel."""

    class Both(ScriptNode):
        def __init__(self) -> None:
            super().__init__(self.pipeline, visits=2)
            self.memory.cells = list(range(10, 18))

        def pipeline(self, _: object, channels: Channels) -> list[Response]:
            channels[0].send(Load(2))
            channels[0].send(Load(3))
            return [channels[0].recv(), channels[0].recv()]

        def handle(self, query: Query) -> Response:
            if query.address in (2, 3):
                inner = self.channels[0].query(Load(query.address + 2))
                assert isinstance(inner, Data)
                return Data(inner.value + 100)
            return super().handle(query)

    nodes = [Both(), Both()]
    finished(ProcessorNetwork([], nodes).run(scheduler))
    assert [node.results for node in nodes] == [[[Data(114), Data(115)]]] * 2


def test_a_swap_that_needs_its_own_part_is_refused(scheduler: SchedulerName) -> None:
    """`handle` of one asks the other for the Load of a Swap, and that asks back: nothing may come
    between the steps, and the steps wait for it."""

    class Asking(ScriptNode):
        refused = ""

        def handle(self, query: Query) -> Response:
            self.visited += 1
            if isinstance(query, Load) and query.address > 0:
                try:
                    return self.channels[0].query(Load(query.address - 1))
                except DeadlockError as error:
                    self.refused = str(error)
                    return Data(50)
            return self.memory.handle(query)

    one, other = Asking(ask(Swap(2, 7))), Asking(visits=3)
    finished(ProcessorNetwork([], [one, other]).run(scheduler))
    assert one.results == [Data(50)]
    assert "processor 1 (Asking) cannot answer Load(address=0)" in one.refused
    assert other.memory.cells[2] == 7


def test_nothing_comes_between_though_a_node_waits(scheduler: SchedulerName) -> None:
    """`handle` of a node asks a peripheral for the Load of a Swap. Until that answers, another
    processor sends a Save to the node: the node has it, and must not do it yet."""
    sent, has_sent = TwoWayChannel[int, int].pair()
    asked, was_asked = TwoWayChannel[int, int].pair()

    class Slow(Memory):
        def handle(self, query: Query) -> Response:
            asked.send(1)
            has_sent.recv()
            return super().handle(query)

    class Asking(ScriptNode):
        def handle(self, query: Query) -> Response:
            if isinstance(query, Load):
                self.channels[0].query(Load(0))
            return super().handle(query)

    def interfere(_: object, channels: Channels) -> None:
        was_asked.recv()
        channels[1].send(Save(1, 9))
        sent.send(1)

    def receive(_: object, channels: Channels) -> Response:
        return channels[1].recv()

    target = Asking(visits=4)
    nodes = [target, ScriptNode(ask(Swap(1, 5), 1)), ScriptNode(interfere, receive)]
    finished(ProcessorNetwork([Slow()], nodes).run(scheduler))
    assert target.memory.log == [Load(1), Save(1, 5), Save(1, 9)]
    assert [node.results for node in nodes[1:]] == [[Data(0)], [None, Good()]]


# Channels that a machine's author makes.


def test_recv_lets_the_others_run(scheduler: SchedulerName) -> None:
    one, other = TwoWayChannel[int, int].pair()
    waiting = Script(lambda *_: other.recv(), lambda *_: other.recv())
    sending = Script(lambda *_: None, lambda *_: one.send(4), lambda *_: one.send(5))
    finished(Machine([], [waiting, sending]).run(scheduler))
    assert waiting.results == [4, 5]


def test_a_waiting_part_answers_meanwhile(scheduler: SchedulerName) -> None:
    one, other = TwoWayChannel[int, int].pair()
    waiting = ScriptNode(lambda *_: other.recv())
    asking = ScriptNode(ask(Load(0)), ask(Swap(0, 3)), lambda *_: one.send(1))
    finished(ProcessorNetwork([], [waiting, asking]).run(scheduler))
    assert waiting.results == [1]
    assert asking.results[:2] == [Data(0), Data(0)]


def test_polling_lets_the_others_run(scheduler: SchedulerName) -> None:
    one, other = TwoWayChannel[int, int].pair()
    waiting = ScriptNode(polling(lambda _: other.try_recv()))
    asking = ScriptNode(ask(Load(0)), lambda *_: one.send(1))
    finished(ProcessorNetwork([], [waiting, asking]).run(scheduler))
    assert waiting.results == [1]


def waits_for(end: TwoWayChannel[int, int]) -> Instruction:
    def instruction(*_: object) -> str:
        with pytest.raises(DeadlockError) as caught:
            end.recv()
        return str(caught.value)

    return instruction


def test_cooperative_recv_raises_when_nobody_can_answer() -> None:
    one, other = TwoWayChannel[int, int].pair()
    alone = Script(waits_for(other))
    finished(Machine([Memory()], [alone, Script(ask(Load(0)))]).run("cooperative"))
    assert "no other part can go on" in str(alone.results[0])
    both = [Script(waits_for(other)), Script(waits_for(one))]
    finished(Machine([Memory()], both).run("cooperative"))
    assert all(script.results for script in both)


def test_cooperative_nesting_has_a_limit() -> None:
    """More parts that wait within one another than the limit: an error, and no overflow."""
    ends = [TwoWayChannel[int, int].pair() for _ in range(MAX_NESTING + 20)]
    parts = [Script(waits_for(end)) for end, _ in ends]
    finished(Machine([], parts).run("cooperative"))
    assert all(part.results for part in parts)


def test_deep_but_within_the_limit() -> None:
    """A chain: each waits for the next one, the last one sends."""
    links = [TwoWayChannel[int, int].pair() for _ in range(MAX_NESTING - 1)]

    def link(number: int) -> Instruction:
        def instruction(*_: object) -> None:
            received = links[number + 1][0].recv() if number + 1 < len(links) else 0
            links[number][1].send(received + 1)

        return instruction

    head = Script(lambda *_: links[0][0].recv())
    finished(Machine([], [head, *(Script(link(n)) for n in range(len(links)))]).run("cooperative"))
    assert head.results == [MAX_NESTING - 1]


def test_endless_recursion_is_an_error(scheduler: SchedulerName) -> None:
    class Mirror(ScriptNode):
        def handle(self, query: Query) -> Response:
            return self.channels[0].query(query)

    mirrors = [Mirror(ask(Load(0))), Mirror(visits=1)]
    handle = joined(ProcessorNetwork([], mirrors).run(scheduler))
    errors = [error for part in handle.processors for error in part.errors]
    assert any(isinstance(error, RecursionError) for error in errors)


def test_stop_ends_a_part_that_waits_for_ever() -> None:
    """Under `threads` nobody knows that nothing will come; but such a part can be stopped."""
    _one, other = TwoWayChannel[int, int].pair()
    begun, begin = TwoWayChannel[int, int].pair()

    def wait(*_: object) -> None:
        begin.send(1)
        other.recv()
        raise Terminate(1)

    script = Script(wait)
    handle = Machine([Memory()], [script]).run("threads")
    begun.recv()
    handle.stop()
    handle.join(60, raise_errors=True)
    assert script.log == ["boot", "halt"]


@pytest.mark.parametrize("last", [[], [1]])
def test_handle_of_a_sent_query_may_wait(scheduler: SchedulerName, last: list[int]) -> None:
    """It is called between the turns of others, and one of them sends what it waits for."""
    one, other = TwoWayChannel[int, int].pair()

    class Waiting(Memory):
        def handle(self, query: Query) -> Response:
            return Data(other.recv())

    poll = polling(lambda channels: channels[0].try_recv())
    asking = Script(lambda _, channels: channels[0].send(Load(0)), *[lambda *_: None] * 5, poll)
    sending = Script(*[lambda *_: None] * 3, lambda *_: one.send(5))
    parts = [asking, sending, *(Script(broken) for _ in last)]
    handle = joined(Machine([Waiting()], parts).run(scheduler))
    assert asking.results[-1] == Data(5)
    assert [part.name for part in handle.failures] == ["processor 2 (Script)"] * len(last)
