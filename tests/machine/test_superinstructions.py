"""Instruction sequences that the compiled engine decodes together behave as single instructions.

The sequences stand in a loop, so that they run decoded. Each is checked against the same machine
single-stepped, where nothing is taken together, at every number of cycles.
"""

from __future__ import annotations

import pytest

from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine

LOOP = """
  cpy ssp, 0x2000
loop:
  {sequence}
  add c1, 1
  cmp c1, 6
  ifls
  jp loop
  halt
other:
  add rr0, 3
  halt
  halt
"""

SEQUENCES = {
    "compare, test, jump": "add a0, 1\n cmp a0, 3\n ifeq\n jp other",
    "compare, test, jump, carry": "add a0, 1\n cmp a0, 4\n ifge\n jp other",
    "compare, test, jump, both": "add a0, 1\n cmp a0, 3\n ifgt\n jp other",
    "compare with a register": "add a0, 1\n cpy a1, 3\n cmp a0, a1\n ifeq\n jp other",
    "compare, test, jpr, jump": "add a0, 1\n cmp a0, 4\n ifeq\n jpr 8\n jp on\n jp other\non:",
    "compare, test, add, jump": "add a0, 1\n cmp a0, 4\n ifls\n add a1, 5\n jp on\n inc a2\non:",
    "compare and test": "add a0, 1\n cmp a0, 3\n ifnq\n add a1, 1",
    "compare, other flags": "add a0, 1\n cmp a0, 3\n if SF\n jp on\n inc a2\non:",
    "compare, two other flags": "add a0, 1\n cmp a0, 3\n if2 OF, SF, CMP_XOR\n jp on\n inc a2\non:",
    "test, jump": "sub a0, 1\n inc a1\n ifeq\n jp other",
    "test, something, jump": "sub a0, 1\n ifls\n inc a1\n jp on\n inc a2\non:",
    "constant by shift": "cpy a0, 0x1234\n shl a0, 16\n cpy a1, af",
    "constant by shift and add": "cpy a0, 0x1234\n shl a0, 16\n add a0, 0x5678\n cpy a1, af",
    "constant by shift and or": "cpy a0, 0xFFFF\n shl a0, 16\n bor a0, 0xFFFF\n cpy a1, af",
    "constant with carry": "cpy a0, 0xFFFF\n shl a0, 16\n shl a0, 0\n add a0, 0xFFFF\n cpy a1, af",
    "sum overflows": "cpy a0, 0x7FFF\n shl a0, 16\n bor a0, 0xFFFF\n add a0, 1\n cpy a1, af",
    "sum changes sign": "cpy a0, 0xFFFF\n shl a0, 15\n add a0, 0xFFFF\n cpy a1, af",
    "sum carries": "cpy a0, 0xFFFF\n shl a0, 31\n shl a0, 1\n add a0, 1\n cpy a1, af",
    "shift past 31": "cpy a0, 0x8001\n shl a0, 32\n cpy a1, af",
    "shift of 0": "cpy a0, 0\n shl a0, 5\n cpy a1, af",
    "shift of another register": "cpy a0, 3\n shl a2, 2\n add a0, 1",
    "shift by a register": "cpy a0, 3\n shl a0, a0\n add a0, 1",
    "shift right": "cpy a0, 0x300\n shr a0, 4\n add a0, 1",
    "increment before a constant": "inc a0\n cpy a1, 3\n shl a1, 24\n cmp a0, a1",
    "increment of the same register": "inc a0\n cpy a0, 3\n shl a0, 2\n add a0, 9",
    "increment, sum": "inc a0\n sub a1, 4\n shl a1, 2",
    "increment, comparison": "inc a0\n cmp a1, 4\n shl a1, 2",
    "increment, push": "inc a0\n push 4\n shl a0, 2",
    "increment, division": "inc a0\n div a1, 4\n shl a1, 2",
    "decrement before a constant": "dec a0\n cpy a1, 3\n shl a1, 24",
    "increment by 2": "add a0, 2\n cpy a1, 3\n shl a1, 24",
    "increment by a register": "add a0, c1\n cpy a1, 3\n shl a1, 24",
    "privileged compare": "cmp ssp, 0x2000\n ifeq\n jp on\n inc a2\non:",
    "jump to itself once": "inc a0\n cmp a0, 2\n ifls\n jp loop",
}


def start(sequence: str, engine: EngineChoice) -> Machine:
    return machine(LOOP.format(sequence=sequence), engine, a1=7)


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_any_budget_ends_as_single_steps_do(sequence: str, engine: EngineChoice) -> None:
    """Stopping after any number of cycles leaves the same state, whatever was decoded together."""
    stepped = start(sequence, engine)
    for cycles in range(1, 300):
        stop = stepped.board.cpu.step()
        at_once = start(sequence, engine)
        same_stop = at_once.run(max_cycles=cycles)
        assert at_once.state == stepped.state, f"after {cycles} cycles"
        assert (same_stop.pc, same_stop.address, same_stop.cycles) == (
            stop.pc,
            stop.address,
            stop.cycles,
        )
        if stop.reason == "halted":
            break
    assert stepped.board.cpu.halted


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_engines_agree(sequence: str) -> None:
    """The compiled engine ends as the plain one does."""
    machines = [start(sequence, engine) for engine in ("reference", "interpreter")]
    for one in machines:
        assert one.run().reason == "halted"
    assert machines[0].state == machines[1].state
    assert machines[0].ram.words.tolist() == machines[1].ram.words.tolist()


@pytest.mark.parametrize("position", range(4))
def test_jump_into_the_middle(position: int, engine: EngineChoice) -> None:
    """Each instruction of a sequence can be entered by itself after the whole has run."""
    entered = machine(
        """
      jp sequence
    again:
      jp rr7
    sequence:
      inc a0
      cpy a1, 3
      shl a1, 2
      add a1, 1
      dec c0
      ifeq
      halt
      jp again
    """,
        engine,
        c0=2,
    )
    entered.board.cpu.regs.rr7 = entered.labels["sequence"] + 4 * position
    assert entered.run().reason == "halted"
    # The second pass starts with a1 = 13 and leaves out the first instructions.
    assert entered.a0 == (2 if position == 0 else 1)
    assert entered.a1 == {0: 13, 1: 13, 2: 53, 3: 14}[position]


@pytest.mark.parametrize("position", range(4))
def test_overwriting_any_word_of_a_sequence(position: int, engine: EngineChoice) -> None:
    """A store into a sequence that has run is seen when the sequence runs again."""
    replaced = machine(
        """
      cpy rr0, sequence
      lsa rr2, new
    sequence:
      inc a0
      cpy a1, 3
      shl a1, 2
      add a1, 1
      inc c0
      cmp c0, 2
      ifeq
      halt
      wsa rr0, rr1, rr2
      jp sequence
    new:
      bor a7, 0x77
    """,
        engine,
        rr1=4 * position,
    )
    assert replaced.run().reason == "halted"
    assert replaced.a7 == 0x77
    assert replaced.a0 == (1 if position == 0 else 2)
    assert replaced.a1 == {0: 13, 1: 53, 2: 4, 3: 12}[position]


@pytest.mark.parametrize("position", range(3))
def test_overwriting_a_compare_and_jump(position: int, engine: EngineChoice) -> None:
    """The same for comparison, test and jump."""
    replaced = machine(
        """
      cpy rr0, sequence
      lsa rr2, new
    sequence:
      cmp a0, 9
      ifeq
      jp wrong
      inc c0
      cmp c0, 2
      ifeq
      halt
      cmp a1, 1              ; ZF clear
      wsa rr0, rr1, rr2
      jp sequence
    wrong:
      inc a3
      halt
    new:
      bor a7, 0x77
    """,
        engine,
        rr1=4 * position,
    )
    assert replaced.run().reason == "halted"
    assert (replaced.a7, replaced.a3, replaced.c0) == {
        0: (0x77, 0, 2),
        1: (0x77, 1, 1),
        2: (0, 0, 2),
    }[position]


def test_sequences_across_a_page_boundary(engine: EngineChoice) -> None:
    """Words beyond a 1 KiB page are no less right when the loop's sequences straddle it."""
    for shift in range(1, 8):
        source = f"""
          jp loop
          #addr {0x400 - 4 * shift}
        loop:
          inc a0
          cpy a1, 2
          shl a1, 2
          add a1, 1
          cmp a0, a1
          ifls
          jp loop
          halt
        """
        straddling = machine(source, engine)
        assert straddling.run().reason == "halted"
        assert (straddling.a0, straddling.a1) == (9, 9)
        assert straddling.board.cpu.cycles == 1 + 9 * 7 - 1 + 1
