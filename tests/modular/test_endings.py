"""How parts end: codes, halts, errors, and what those who still need them get to know."""

from __future__ import annotations

import logging
from contextlib import suppress

import pytest

from lrvm_jit.modular import (
    Channels,
    Data,
    DisconnectedError,
    Fail,
    Good,
    Load,
    Machine,
    Metadata,
    NodeMachine,
    Peripheral,
    ProcessorNetwork,
    Query,
    Response,
    Save,
    Swap,
    Terminate,
)
from tests.modular.kit import (
    Instruction,
    LinkedNode,
    Memory,
    Script,
    ScriptNode,
    ask,
    broken,
    codes,
    end,
    gone,
    joined,
    until_gone,
)
from tests.modular.schedulers import SchedulerName


@pytest.mark.parametrize("code", [0, 1, 3, -1, 1000])
def test_terminate_gives_the_code(scheduler: SchedulerName, code: int) -> None:
    script = Script(end(code))
    handle = joined(Machine([Memory()], [script, Script()]).run(scheduler))
    assert codes(handle) == [code, 0, 0]
    assert script.log == ["boot", "halt"]
    assert [part.name for part in handle.failures] == ["processor 0 (Script)"] * bool(code)


def test_other_exceptions_are_minus_1_and_are_kept(
    scheduler: SchedulerName, caplog: pytest.LogCaptureFixture
) -> None:
    handle = joined(Machine([Memory()], [Script(), Script(broken)]).run(scheduler))
    assert codes(handle) == [0, -1, 0]
    failed = handle.processors[1]
    assert isinstance(failed.error, ValueError)
    assert failed.error.__notes__ == ["processor 1 (Script) ended with code -1"]
    assert caplog.messages == ["processor 1 (Script) ended with code -1: ValueError('broken')"]
    assert caplog.records[0].levelno == logging.ERROR


@pytest.mark.parametrize("join", ["join", "join_processors"])
def test_errors_as_a_group(scheduler: SchedulerName, join: str) -> None:
    handle = Machine([Memory()], [Script(broken), Script(end(4)), Script()]).run(scheduler)
    with pytest.raises(ExceptionGroup) as caught:
        getattr(handle, join)(60, raise_errors=True)
    value, terminate = caught.value.exceptions
    assert isinstance(value, ValueError)
    assert isinstance(terminate, Terminate)
    assert terminate.code == 4
    assert "processor 0 (Script) with code -1, processor 1 (Script) with code 4" in str(
        caught.value
    )
    handle.join(60)


def test_errors_of_peripherals_as_a_group(scheduler: SchedulerName) -> None:
    class Halting(Memory):
        def halt(self) -> None:
            raise OSError("disk full")

    handle = Machine([Halting()], [Script(broken)]).run(scheduler)
    handle.join_processors(60)
    with pytest.raises(ExceptionGroup, match="peripheral 0") as caught:
        handle.join_peripherals(60, raise_errors=True)
    assert [type(error) for error in caught.value.exceptions] == [OSError]
    assert codes(handle) == [-1, -1]


def test_a_system_exit_of_a_part_is_an_error_like_others(scheduler: SchedulerName) -> None:
    def leave(*_: object) -> None:
        raise SystemExit(3)

    handle = Machine([Memory()], [Script(leave)]).run(scheduler)
    with pytest.raises(BaseExceptionGroup) as caught:
        handle.join(60, raise_errors=True)
    assert [type(error) for error in caught.value.exceptions] == [SystemExit]
    assert codes(handle) == [-1, 0]


class Mortal(Memory):
    """Fails at the third query."""

    def __init__(self, error: BaseException) -> None:
        super().__init__([5])
        self.left = 2
        self.error = error

    def handle(self, query: Query) -> Response:
        if not self.left:
            raise self.error
        self.left -= 1
        return super().handle(query)


@pytest.mark.parametrize(("error", "code"), [(OSError("worn out"), -1), (Terminate(6), 6)])
def test_a_peripheral_that_fails_is_halted_and_gone(
    scheduler: SchedulerName, error: Exception, code: int
) -> None:
    memory = Mortal(error)
    script = Script(ask(Load(0)), ask(Load(0)), gone(), gone(), ask(Load(0), 1))
    unaware = Script(lambda *_: None)
    handle = joined(Machine([memory, Memory([8])], [script, unaware]).run(scheduler))
    says = f"peripheral 0 (Mortal) has ended, with code {code}"
    assert script.results == [Data(5), Data(5), says, says, Data(8)]
    assert memory.log.count("halt") == 1
    assert codes(handle) == [0, 0, code, 0]
    assert handle.peripherals[0].error is error


def test_an_unprepared_processor_ends_with_the_error(scheduler: SchedulerName) -> None:
    script = Script(ask(Load(0)), repeat=3)
    handle = joined(Machine([Mortal(OSError("worn out"))], [script]).run(scheduler))
    assert codes(handle) == [-1, -1]
    assert isinstance(handle.processors[0].error, DisconnectedError)
    assert script.log == ["boot", "halt"]


def test_a_swap_whose_second_step_fails(scheduler: SchedulerName) -> None:
    class ReadOnly(Memory):
        def handle(self, query: Query) -> Response:
            return Fail(9) if isinstance(query, Save) else super().handle(query)

    script = Script(ask(Swap(0, 1)), ask(Load(0)))
    joined(Machine([ReadOnly([3])], [script]).run(scheduler))
    assert script.results == [Fail(9), Data(3)]


def test_join_peripherals_alone_ends_them(scheduler: SchedulerName) -> None:
    script, memory = Script(until_gone), Memory()
    handle = Machine([memory], [script]).run(scheduler)
    handle.join_peripherals(60)
    assert memory.log[-1] == "halt"
    joined(handle)
    assert codes(handle) == [0, 0]


def test_halt_may_use_the_peripherals(scheduler: SchedulerName) -> None:
    class Saving(Script):
        def halt(self, channels: Channels) -> None:
            self.results.append(channels[0].query(Save(0, 9)))

    memory, scripts = Memory(), [Saving(end(2)), Saving(broken), Saving()]
    handle = joined(Machine([memory], scripts).run(scheduler))
    assert codes(handle) == [2, -1, 0, 0]
    assert [script.results for script in scripts] == [[Good()]] * 3
    assert memory.log[-1] == "halt"


def test_both_errors_are_kept_if_halt_fails_too(scheduler: SchedulerName) -> None:
    class Sad(Script):
        def halt(self, channels: Channels) -> None:
            raise KeyError("halt")

    handle = joined(Machine([Memory()], [Sad(end(2)), Sad()]).run(scheduler))
    assert codes(handle) == [2, -1, 0]
    assert [[type(e) for e in part.errors] for part in handle.processors] == [
        [Terminate, KeyError],
        [KeyError],
    ]


def test_metadata_may_end_a_processor(scheduler: SchedulerName) -> None:
    class Nameless(Script):
        def metadata(self) -> Metadata:
            raise Terminate(5)

    script = Nameless(ask(Load(0)))
    assert codes(joined(Machine([Memory()], [script]).run(scheduler))) == [5, 0]
    assert (script.log, script.results) == (["halt"], [])


def test_metadata_may_end_a_peripheral(scheduler: SchedulerName) -> None:
    class Nameless(Memory):
        def metadata(self) -> Metadata:
            return "Memory"  # type: ignore[return-value]

    memory = Nameless()
    handle = joined(Machine([memory], [Script(gone())]).run(scheduler))
    assert codes(handle) == [0, -1]
    assert memory.log == ["halt"]
    assert "it must return Metadata(model)" in str(handle.peripherals[0].error)


def test_others_learn_that_a_node_has_ended(scheduler: SchedulerName) -> None:
    nodes = [ScriptNode(end(3)), ScriptNode(until_gone)]
    linked = [LinkedNode(end(3)), LinkedNode(until_gone)]
    for handle in (ProcessorNetwork([], nodes).run(scheduler), NodeMachine(linked).run(scheduler)):
        assert codes(joined(handle)) == [3, 0]
    assert nodes[1].results[-1] == "processor 0 (ScriptNode) has ended, with code 3"
    assert linked[1].results[-1] == "node 0 (Linked) has ended, with code 3"


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_node_whose_handle_fails_leaves_its_instruction(
    scheduler: SchedulerName, stubborn: bool
) -> None:
    """It waits for an answer, has to answer meanwhile, and fails at that: it has ended. Its halt
    runs when it has left the instruction, which it also does if it catches everything."""

    class Fragile(ScriptNode):
        def handle(self, query: Query) -> Response:
            raise OSError("fragile")

    class Asking(ScriptNode):
        """Asks back before it answers."""

        caught = ""

        def handle(self, query: Query) -> Response:
            try:
                self.channels[0].query(Load(0))
            except DisconnectedError as error:
                self.caught = str(error)
            self.visited += 1
            return Data(1)

    def ask_and_note(part: Script, channels: Channels) -> None:
        try:
            if stubborn:
                with suppress(BaseException):
                    channels[0].query(Load(0))
            channels[0].query(Load(0))
            part.log.append("not left")
        finally:
            part.log.append("left")

    fragile, asking = Fragile(ask_and_note, visits=1), Asking(visits=1)
    handle = joined(ProcessorNetwork([], [fragile, asking]).run(scheduler))
    assert codes(handle) == [-1, 0]
    assert isinstance(handle.processors[0].error, OSError)
    assert asking.caught == "processor 0 (Fragile) has ended, with code -1"
    assert fragile.log == ["boot", "left", "halt"]


def test_a_peripherals_cycle_may_end_it(scheduler: SchedulerName) -> None:
    class Bomb(Memory):
        def cycle(self) -> None:
            if self.cells[0]:
                raise Terminate(8)

    bomb = Bomb()
    handle = joined(Machine([bomb], [Script(ask(Save(0, 1)), until_gone)]).run(scheduler))
    assert codes(handle) == [0, 8]
    assert bomb.log[-1] == "halt"


def test_wrong_responses_name_what_was_wrong(scheduler: SchedulerName) -> None:
    class Wrong(Peripheral):
        def handle(self, query: Query) -> Response:
            return Good()

    handle = joined(Machine([Wrong()], [Script(gone())]).run(scheduler))
    assert str(handle.peripherals[0].error) == (
        "handle of peripheral 0 (Wrong) answered Load(address=0) with Good(); "
        "it must return Data or Fail for a Load"
    )


def test_a_method_kept_from_before_knows_that_the_target_is_gone(scheduler: SchedulerName) -> None:
    class Once(Memory):
        def handle(self, query: Query) -> Response:
            self.log.append(query)
            raise Terminate(3)

    class Keeping(Script):
        def boot(self, channels: Channels) -> None:
            self.query = channels[0].query

    def ask_again(part: Keeping, _: Channels) -> str:
        with pytest.raises(DisconnectedError) as caught:
            part.query(Load(1))
        return str(caught.value)

    keeping, memory = Keeping(ask_again, ask_again), Once()
    joined(Machine([memory], [keeping]).run(scheduler))
    assert keeping.results == ["peripheral 0 (Once) has ended, with code 3"] * 2
    assert memory.log == ["boot", Load(1), "halt"]


def test_halt_comes_when_a_node_has_failed_in_its_handle() -> None:
    """And not only when the next part ends; also that of the part whose turn is the last one."""

    class Failing(ScriptNode):
        def handle(self, query: Query) -> Response:
            raise ValueError("broken")

    asking, failing = ScriptNode(gone(), ask(Swap(0, 1)), visits=1), Failing(visits=1)
    with ProcessorNetwork([], [asking, failing]).run("cooperative") as handle:
        handle.step(1)
        assert failing.log == ["boot", "halt"]
        assert asking.log == ["boot"]


def test_all_have_their_turn_in_the_round_in_which_one_ends() -> None:
    """Whoever it is, and also if others end in the same round."""
    log: list[str] = []

    def noted(name: str) -> Instruction:
        return lambda *_: log.append(name)

    class Clock(Memory):
        def __init__(self, name: str, turns: int) -> None:
            super().__init__()
            self.name, self.turns = name, turns

        def cycle(self) -> None:
            log.append(self.name)
            self.turns -= 1
            if not self.turns:
                raise Terminate(0)

    processors = [Script(noted(name), repeat=turns) for name, turns in (("a", 3), ("b", 1))]
    peripherals = [Clock("x", 2), Clock("y", 2), Clock("z", 9)]
    with Machine(peripherals, [*processors, Script(noted("c"), repeat=9)]).run("cooperative") as it:
        it.step(1)
        assert "".join(log) == "abcxyz"
        it.step(4)
        assert "".join(log[6:]) == "acxyz" + "acz" + "cz" * 2
