"""Breakpoints: a run stops before the instruction, and the next one goes on past it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lrvm_jit import Stop
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
    """A run stops at its first instruction; the one that goes on from there goes past it."""
    counting = counter(engine, "loop")
    for cycles, a0 in ((0, 0), (4, 1), (8, 2)):
        stop = counting.run()
        assert (stop.reason, stop.cycles, counting.a0) == ("breakpoint", cycles, a0)
        assert (stop.pc, stop.address) == (0, 0)
    assert (stop.attempted, counting.run(0).reason) == (4, "budget")


def reported(stop: Stop) -> bool:
    """Whether a run has ended at a breakpoint before its first instruction."""
    return stop.reason == "breakpoint" and stop.attempted == 0


def nothing(counting: Machine) -> None:
    """The next run goes past the breakpoint at which this one has stopped,"""


def look_and_change_others(counting: Machine) -> None:
    """whatever is done to other registers, to memory and to other breakpoints,"""
    board = counting.board
    board.cpu.regs.a0 = 7
    board.memory.write(0x800, 1)
    board.breakpoints = {*board.breakpoints, counting.labels["end"]}
    board.watchpoints = {0x900}
    assert board.run(0).reason == "budget"


def set_again(counting: Machine) -> None:
    """even if the breakpoint itself is set anew,"""
    where = counting.board.breakpoints
    counting.board.breakpoints = ()
    counting.board.breakpoints = where


def write_pc(counting: Machine) -> None:
    """but not if the host has put the CPU there,"""
    counting.board.cpu.regs.pc = counting.board.cpu.regs.pc


def restore_all(counting: Machine) -> None:
    """as when a whole state is restored,"""
    counting.board.cpu.regs[:] = list(counting.board.cpu.regs)


def reset_and_return(counting: Machine) -> None:
    """or if it was reset,"""
    counting.board.reset()
    counting.board.cpu.step()


def step_round(counting: Machine) -> None:
    """or has come by again in single steps."""
    for _ in range(4):
        assert counting.board.cpu.step().reason == "budget"


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (nothing, False),
        (look_and_change_others, False),
        (set_again, False),
        (write_pc, True),
        (restore_all, True),
        (reset_and_return, True),
        (step_round, True),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_goes_past_the_breakpoint_it_stands_on(
    change: Callable[[Machine], None], again: bool, engine: EngineChoice
) -> None:
    """A breakpoint that was reported is not reported twice, unless the CPU has come there anew."""
    counting = counter(engine, "middle")
    stop = counting.run()
    assert (stop.reason, stop.cycles, reported(stop)) == ("breakpoint", 1, False)
    change(counting)
    assert counting.board.cpu.regs.pc == 4
    stop = counting.run()
    assert (stop.reason, reported(stop)) == ("breakpoint", again)
    if again:
        assert not reported(counting.run())


def test_set_where_the_cpu_stands(engine: EngineChoice) -> None:
    """After a run that ended there for another reason it is reported, once."""
    counting = counter(engine)
    counting.run(1)
    counting.board.breakpoints = {4}
    assert reported(counting.run())
    stop = counting.run()
    assert (stop.reason, stop.attempted) == ("breakpoint", 4)


def test_after_a_component_has_failed(engine: EngineChoice) -> None:
    """The instruction under a breakpoint that was undone is made again without a second report;
    a breakpoint set then is a new one."""
    probe = Probe()
    built = machine("cpy a2, 1\nwsa a1, 0, a0\nhalt", engine, [probe], a1=0x10000)
    built.board.breakpoints = {4}
    assert built.run().reason == "breakpoint"
    write = probe.write

    def fail(offset: int, word: int) -> None:
        raise KeyError("broken")

    probe.write = fail  # type: ignore[method-assign]
    with pytest.raises(KeyError, match="broken"):
        built.run()
    built.board.breakpoints = {8}
    with pytest.raises(KeyError, match="broken"):
        built.run()
    built.board.breakpoints = {4, 8}
    probe.write = write  # type: ignore[method-assign]
    assert reported(built.run())
    assert built.run().pc == 8


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
    reports it."""
    counting = counter(engine, "middle")
    stop = counting.run(max_cycles=1)
    assert (stop.reason, stop.pc) == ("budget", counting.labels["middle"])
    assert reported(counting.run())
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
