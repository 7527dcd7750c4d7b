"""Running: budgets, steps, reasons to stop, and what a stop tells."""

from __future__ import annotations

import random

import pytest

from lrvm_jit import GuestException, StopReason
from tests.engines import EngineChoice
from tests.machine.guest import machine

PROGRAM = """
  cpy ssp, 0x2000
  cpy ev, handler
loop:
  inc a0
  push a0
  cpy a1, 3
  shl a1, 2
  add a1, a0
  wsa 0xF0, 0, a1
  srm 0xF4, 0, a1
  pop a2
  cmp a0, 40
  ifeq
  jp done
  div a3, 0
done:
  halt
handler:
  cycles a4
  call routine
  jp loop
routine:
  ret
"""


@pytest.mark.parametrize("seed", range(5))
def test_random_pieces_equal_one_run(seed: int, engine: EngineChoice) -> None:
    """Budgets in any pieces add up to the same machine, cycle for cycle."""
    whole, pieces = machine(PROGRAM, engine), machine(PROGRAM, engine)
    assert whole.run().reason == "halted"
    numbers = random.Random(seed)
    for _ in range(10_000):
        size = numbers.choice((0, 1, 1, 2, 3, 5, 8, 50))
        before = pieces.board.cpu.cycles
        stop = pieces.run(max_cycles=size)
        if stop.reason == "halted":
            break
        assert stop.reason == "budget"
        assert stop.cycles - before == size
    assert pieces.state == whole.state
    assert pieces.ram.words.tolist() == whole.ram.words.tolist()


def test_a_budget_is_per_run_and_exact(engine: EngineChoice) -> None:
    """max_cycles counts from this run's start; the counter goes on from the reset."""
    spinning = machine("loop: inc a0\njp loop", engine)
    for total, piece in ((1, 1), (8, 7), (8, 0), (1000, 992), (1003, 3)):
        stop = spinning.run(max_cycles=piece)
        assert (stop.reason, stop.cycles, spinning.board.cpu.cycles) == ("budget", total, total)
    assert spinning.a0 == 502


def test_a_long_run_is_exact(engine: EngineChoice) -> None:
    """More cycles than the compiled engine takes in one go."""
    cycles = 1_000_003 if engine != "reference" else 10_003
    spinning = machine("loop: inc a0\njp loop", engine)
    stop = spinning.run(max_cycles=cycles)
    assert (stop.reason, stop.cycles, spinning.a0) == ("budget", cycles, cycles // 2 + 1)


def test_halted(engine: EngineChoice) -> None:
    """HALT is the last instruction, pc is behind it, and nothing runs after it."""
    halting = machine("inc a0\nhalt\ninc a0", engine)
    stop = halting.run()
    assert stop == type(stop)(StopReason.HALTED, cycles=2, pc=8, address=4)
    assert halting.run() == stop
    assert halting.run(max_cycles=0).reason == "halted"
    assert halting.a0 == 1


def test_a_halt_that_uses_up_the_budget_is_a_halt(engine: EngineChoice) -> None:
    assert machine("inc a0\nhalt", engine).run(max_cycles=2).reason == "halted"


def test_the_host_wakes_a_halted_cpu(engine: EngineChoice) -> None:
    """`halted` may be set either way."""
    halting = machine("halt\ninc a0\nhalt", engine)
    halting.run()
    halting.board.cpu.halted = False
    assert halting.run().cycles == 3
    assert halting.a0 == 1
    halting.board.cpu.halted = False
    halting.board.cpu.halted = True
    assert halting.run().cycles == 3


def test_never_reset_is_halted(engine: EngineChoice) -> None:
    """A CPU that was never reset is halted, with all registers 0 and no cycle counted. As that
    is seldom meant, a warning says what to do."""
    from lrvm_components import Ram
    from lrvm_jit import Motherboard

    board = Motherboard([Ram(0x100)], engine=engine)
    board.map(0, 0)
    assert board.cpu.halted
    assert list(board.cpu.regs) == [0] * 32
    with pytest.warns(RuntimeWarning, match=r"never reset.*call board.reset\(\)"):
        stop = board.run()
    assert (stop.reason, stop.cycles) == ("halted", 0)
    board.reset()
    assert not board.cpu.halted
    assert board.cpu.regs.smt == 1


def test_step(engine: EngineChoice) -> None:
    """One instruction at a time, faulting ones and jumps included."""
    stepping = machine("jp there\nhalt\nthere: itr 1\nhalt", engine)
    cpu = stepping.board.cpu
    stop = cpu.step()
    assert (stop.reason, stop.pc, stop.address, stop.cycles) == ("budget", 8, 0, 1)
    stop = cpu.step()
    assert (stop.reason, stop.pc, stop.address, stop.cycles) == ("budget", 0, 8, 2)
    assert stop.exception is None
    assert cpu.exception == GuestException(supervisor=True, code=0xF0, data=1)


def test_stop_on_exception(engine: EngineChoice) -> None:
    """The stop tells the exception and the faulting instruction; the CPU has taken it, and the
    next run goes on in the handler."""
    faulting = machine(
        "cpy ev, handler\ninc a0\nfault: div a0, 0\nhalt\nhandler: inc a1\nhalt", engine
    )
    stop = faulting.board.run(halt_on_exception=True)
    assert stop.reason is StopReason.EXCEPTION
    assert stop.exception == GuestException(supervisor=True, code=0x0A, data=0)
    assert (stop.address, stop.pc, stop.cycles) == (
        faulting.labels["fault"],
        faulting.labels["handler"],
        3,
    )
    assert faulting.era == stop.address
    assert not faulting.board.cpu.halted
    assert faulting.run().reason == "halted"
    assert (faulting.a0, faulting.a1) == (1, 1)


def test_stop_on_exception_is_for_that_run_only(engine: EngineChoice) -> None:
    """The next run without it runs through exceptions."""
    faulting = machine("cpy ev, handler\nitr 1\nhandler: itr 2\nhalt", engine)
    assert faulting.board.run(halt_on_exception=True).reason == "exception"
    assert faulting.run(max_cycles=50).reason == "budget"
    assert faulting.board.run(halt_on_exception=True).reason == "exception"


def test_exception_with_the_last_cycle_of_the_budget(engine: EngineChoice) -> None:
    faulting = machine("itr 1", engine)
    assert faulting.board.run(max_cycles=1, halt_on_exception=True).reason == "exception"


def test_an_unaligned_fetch_is_an_attempt(engine: EngineChoice) -> None:
    """What cannot be fetched counts as a cycle and is the stop's address."""
    astray = machine("halt", engine, pc=0x102, ev=0x40)
    stop = astray.board.run(halt_on_exception=True)
    assert (stop.address, stop.pc, stop.cycles) == (0x102, 0x40, 1)
    assert astray.et == 0x01050002


def test_the_stop_after_a_reset_names_the_reset(engine: EngineChoice) -> None:
    """RESET of the CPU takes the counter and pc to 0, yet it was the last instruction attempted."""
    resetting = machine("inc a0\ninc a0\nreset 0x0F", engine)
    stop = resetting.run(max_cycles=3)
    assert (stop.reason, stop.cycles, stop.pc, stop.address) == ("budget", 0, 0, 8)


def test_the_budget_counts_through_a_reset(engine: EngineChoice) -> None:
    """A budget is about instructions attempted in the run, not about the counter."""
    resetting = machine("inc a0\nreset 0x0F", engine)
    stop = resetting.run(max_cycles=7)
    assert (stop.reason, stop.cycles, resetting.a0) == ("budget", 1, 1)


@pytest.mark.parametrize("budget", [-1, -(1 << 70)])
def test_a_negative_budget_is_refused(budget: int, engine: EngineChoice) -> None:
    with pytest.raises(ValueError, match=f"{budget}.*0 or more"):
        machine("halt", engine).board.run(max_cycles=budget)


def test_a_budget_beyond_64_bits_is_no_limit(engine: EngineChoice) -> None:
    assert machine("halt", engine).board.run(max_cycles=1 << 80).reason == "halted"


def test_reset_by_the_host(engine: EngineChoice) -> None:
    """board.reset() takes CPU and components back: memory too, and a halted CPU runs again."""
    counting = machine("inc a0\nlsa a1, 0x40\ninc a1\nwsa 0x40, 0, a1\nhalt", engine)
    counting.run()
    first = counting.state
    assert counting.board.memory.read(0x40) == 1
    counting.board.reset()
    assert counting.board.memory.read(0x40) == 0
    assert counting.state[1:] == (0, False)
    counting.run()
    assert counting.state == first


def test_wrap_around_of_pc(engine: EngineChoice) -> None:
    """After the instruction at 0xFFFFFFFC comes the one at 0."""
    from lrvm_components import BootRom, Ram
    from lrvm_jit import Motherboard
    from lrvm_tools.lasm import assemble

    low = Ram(0x400, image=assemble("inc a1\nhalt"))
    high = BootRom(assemble("inc a0\ncall a7\ninc a2"))
    board = Motherboard([low, high], engine=engine)
    board.map(0, 0)
    board.map(0xFFFFFFF4, 1)
    board.reset()
    board.cpu.regs.pc = 0xFFFFFFF4
    board.cpu.regs.ssp = 0x200
    board.cpu.regs.a7 = 0xFFFFFFFC
    stop = board.run()
    assert (stop.reason, stop.pc, stop.cycles) == ("halted", 8, 5)
    assert (board.cpu.regs.a0, board.cpu.regs.a1, board.cpu.regs.a2) == (1, 1, 1)
    assert board.memory.read(0x1FC) == 0xFFFFFFFC


@pytest.mark.parametrize(("offset", "expected"), [(0, 4), (4, 0)])
def test_skips_at_the_end_of_the_address_space(
    offset: int, expected: int, engine: EngineChoice
) -> None:
    """A skip in the last word, or over it, goes on at the bottom; so does a call's return."""
    from lrvm_components import BootRom, Ram
    from lrvm_jit import Motherboard
    from lrvm_tools.lasm import assemble

    low = Ram(0x400, image=assemble("halt\nhalt"))
    tail = ["if ZF", "inc a0"] if offset else ["inc a1", "if ZF"]
    board = Motherboard([low, BootRom(assemble("\n".join(tail)))], engine=engine)
    board.map(0, 0)
    board.map(0xFFFFFFF8, 1)
    board.reset()
    board.cpu.regs.pc = 0xFFFFFFF8
    stop = board.run()
    assert (stop.reason, stop.address) == ("halted", expected)
    assert board.cpu.regs.a0 == 0


@pytest.mark.parametrize(
    "last", ["if ZF", "inc a0\nif ZF", "cmp a0, 1\nif ZF", "call a1", "inc a0"]
)
def test_running_off_the_end_of_memory(last: str, engine: EngineChoice) -> None:
    """Behind the last word of a region is the void: an unknown opcode, wherever the skip ends."""
    from lrvm_components import BootRom
    from lrvm_jit import Motherboard
    from lrvm_tools.lasm import assemble

    words = assemble(last)
    board = Motherboard([BootRom(words)], engine=engine)
    board.map(0x1000, 0)
    board.reset()
    end = 0x1000 + 4 * len(words)
    board.cpu.regs.pc = 0x1000
    board.cpu.regs.a1 = end
    stop = board.run(halt_on_exception=True)
    assert board.cpu.exception == GuestException(supervisor=True, code=0x01, data=0)
    assert stop.address == (end + 4 if "if" in last else end)
