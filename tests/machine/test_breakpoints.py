"""Breakpoints: a run stops before the instruction, and the next run goes on past it."""

from __future__ import annotations

import pytest

from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.probes import Probe

COUNT = """
loop:
  inc a0
middle:
  cmp a0, 5
test:
  ifls
jump:
  jp loop
end:
  halt
"""


def counter(engine: EngineChoice, *labels: str) -> Machine:
    counting = machine(COUNT, engine)
    counting.board.breakpoints = {counting.labels[label] for label in labels}
    return counting


@pytest.mark.parametrize("label", ["middle", "test", "jump"])
def test_stops_before_the_instruction_each_time(label: str, engine: EngineChoice) -> None:
    """On a word in the middle of a loop the run stops once in each round, before executing it."""
    counting = counter(engine, label)
    address = counting.labels[label]
    rounds = 4 if label == "jump" else 5
    for k in range(1, rounds + 1):
        stop = counting.run()
        assert (stop.reason, stop.pc, stop.address) == ("breakpoint", address, address)
        assert counting.a0 == k
        assert stop.cycles == 4 * (k - 1) + address // 4
    assert counting.run().reason == "halted"
    assert counting.a0 == 5


def test_at_the_first_instruction(engine: EngineChoice) -> None:
    """A run starts past a breakpoint at pc, and stops there when it comes by again."""
    counting = counter(engine, "loop")
    stop = counting.run()
    assert (stop.reason, stop.cycles, counting.a0) == ("breakpoint", 4, 1)


def test_several(engine: EngineChoice) -> None:
    """All of them stop the run, in the order in which the program meets them."""
    counting = counter(engine, "middle", "jump", "end")
    met = [counting.run().pc for _ in range(10)]
    labels = counting.labels
    assert met == [labels["middle"], labels["jump"]] * 4 + [labels["middle"], labels["end"]]
    assert counting.run().reason == "halted"


def test_an_instruction_that_is_skipped_does_not_stop(engine: EngineChoice) -> None:
    """A skip is no execution, so its breakpoint stays silent."""
    skipping = machine("if ZF\nskipped: inc a0\nhalt", engine)
    skipping.board.breakpoints = {skipping.labels["skipped"]}
    assert skipping.run().reason == "halted"


@pytest.mark.parametrize("label", ["loop", "middle", "test", "jump"])
def test_set_after_the_code_has_run(label: str, engine: EngineChoice) -> None:
    """A breakpoint works on code that has been decoded, and in the middle of a sequence."""
    counting = counter(engine)
    assert counting.run(max_cycles=9).reason == "budget"
    counting.board.breakpoints = {counting.labels[label]}
    stop = counting.run()
    assert (stop.reason, stop.pc) == ("breakpoint", counting.labels[label])
    assert counting.a0 < 5


def test_removed(engine: EngineChoice) -> None:
    """Without it the program runs on as if it had never been there."""
    counting = counter(engine, "test")
    assert counting.run().reason == "breakpoint"
    counting.board.breakpoints = ()
    assert counting.board.breakpoints == frozenset()
    stop = counting.run()
    assert (stop.reason, stop.cycles, counting.a0) == ("halted", 20, 5)


def test_the_guest_does_not_see_it(engine: EngineChoice) -> None:
    """A breakpoint does not live in guest memory."""
    reading = machine("lsa a0, target\ntarget: inc a1\nhalt", engine)
    word = reading.board.memory.read(4)
    reading.board.breakpoints = {4}
    assert reading.run().reason == "breakpoint"
    assert reading.board.memory.read(4) == reading.a0 == word


def test_budget_and_breakpoint_at_once(engine: EngineChoice) -> None:
    """If the budget ends where the breakpoint stands, the budget is the reason; and the next run
    starts past it."""
    counting = counter(engine, "middle")
    stop = counting.run(max_cycles=1)
    assert (stop.reason, stop.pc) == ("budget", counting.labels["middle"])
    stop = counting.run()
    assert (stop.reason, stop.cycles, counting.a0) == ("breakpoint", 5, 2)


def test_a_step_executes_the_instruction_under_a_breakpoint(engine: EngineChoice) -> None:
    """A debugger steps from breakpoint to breakpoint."""
    counting = counter(engine, "loop", "middle")
    assert counting.board.cpu.step().reason == "budget"
    assert counting.board.cpu.step().reason == "budget"
    assert (counting.a0, counting.board.cpu.cycles) == (1, 2)


def test_on_a_handler(engine: EngineChoice) -> None:
    """An exception leads to the breakpoint at its handler, with et and era set."""
    faulting = machine("cpy ev, handler\nitr 3\nhandler: inc a0\nhalt", engine)
    faulting.board.breakpoints = {faulting.labels["handler"]}
    stop = faulting.run()
    assert (stop.reason, stop.cycles, faulting.et, faulting.a0) == ("breakpoint", 2, 0x01F00003, 0)
    assert faulting.run().reason == "halted"


def test_on_the_target_of_a_return_and_of_a_call(engine: EngineChoice) -> None:
    """Jumps of every kind meet it."""
    calling = machine("call routine\nback: halt\nroutine: ret", engine, ssp=0x1000)
    calling.board.breakpoints = {calling.labels["back"], calling.labels["routine"]}
    assert calling.run().pc == calling.labels["routine"]
    assert calling.run().pc == calling.labels["back"]


def test_on_an_instruction_that_uses_the_bus(engine: EngineChoice) -> None:
    """The access happens once: after the stop, not before it."""
    probe = Probe()
    using = machine("loop: inc a0\nstore: wsa a1, 0, a0\njp loop", engine, [probe], a1=0x10000)
    using.board.breakpoints = {using.labels["store"]}
    for k in range(3):
        assert using.run().reason == "breakpoint"
        assert len(probe.accesses) - 1 == k
    assert [value for kind, _, value in probe.log if kind == "write"] == [1, 2]


def test_in_the_void_and_far_away(engine: EngineChoice) -> None:
    """Breakpoints at addresses that hold no memory are as good as others."""
    lost = machine("cpy ev, handler\njp a0\nhandler: halt", engine, a0=0xFFFFFFFC)
    lost.board.breakpoints = {0xFFFFFFFC, 0xFFFFFFF8}
    stop = lost.run()
    assert (stop.reason, stop.pc, stop.cycles) == ("breakpoint", 0xFFFFFFFC, 2)
    assert lost.run().reason == "halted"


@pytest.mark.parametrize("address", [2, -4, 1 << 32])
def test_impossible_addresses_are_refused(address: int, engine: EngineChoice) -> None:
    """The message names the address and the range, and the old set stays."""
    counting = counter(engine, "end")
    with pytest.raises(ValueError, match=rf"{address:#x}.*0\.\.0xFFFFFFFF"):
        counting.board.breakpoints = {0, address}
    assert counting.board.breakpoints == {counting.labels["end"]}
