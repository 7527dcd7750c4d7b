"""The baseline tier where it differs from the others: memory that fills up, forks, patched code.

That it does what the reference does is for the tests of all engines: `translator` runs all that
it meets in native code of this tier.
"""

from __future__ import annotations

import os

import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import BY_OPCODE, Op, Reg
from lrvm_jit.jit.baseline.code import is_supported
from lrvm_jit.jit.baseline.forms import REGISTER_PLACES
from lrvm_jit.jit.baseline.tidy import tidy
from lrvm_tools.lasm import assemble

pytestmark = pytest.mark.skipif(not is_supported(), reason="no baseline tier on this system")

BASELINE = TranslatorOptions(tiers=("baseline",))
REFERENCE = "reference"


def board_with(source: str, engine: TranslatorOptions | str, ram: int = 0x20000) -> Motherboard:
    """A machine of RAM that holds a program at 0."""
    board = Motherboard([Ram(ram)], engine)
    board.map_contiguous(0)
    board.reset()
    board.memory.load(0, assemble(source))
    return board


def state_of(board: Motherboard) -> list[int]:
    return [board.cpu.regs[register] for register in Reg] + [board.cpu.cycles]


PATCHED = """
    cpy ac0, patch
    lsa a3, ac0, 0
loop:
    inc a0
    wsa ac0, 0, a3
patch:
    add a1, 5
    add a2, a1
    xor a4, a2
    jp loop
"""


def test_the_same_word_stored_over_code_is_no_change() -> None:
    """No code goes. As native code is left for the store in each round, the interpreter soon has
    the whole loop."""
    native, reference = (board_with(PATCHED, engine) for engine in (BASELINE, REFERENCE))
    for board in (native, reference):
        board.run(6_000)
    assert state_of(native) == state_of(reference)
    assert 0 < native.stats().baseline < 600
    assert native.stats().blocks < 10


def test_a_word_that_always_changes_is_left_to_the_interpreter() -> None:
    """And soon with all of its loop: native code is made a few times and then no more."""
    source = PATCHED.replace("wsa ac0, 0, a3", "xor a3, 1\nwsa ac0, 0, a3")
    native, reference = (board_with(source, engine) for engine in (BASELINE, REFERENCE))
    for board in (native, reference):
        board.run(7_000)
    assert state_of(native) == state_of(reference)
    assert 0 < native.stats().baseline < 700
    assert native.stats().blocks < 40


def functions(count: int) -> str:
    """A program of so many functions that are called in a row, three times."""
    lines = ["cpy ssp, 1", "shl ssp, 16", "cpy c0, 3", "loop:"]
    lines += [f"call f{k}" for k in range(count)]
    lines += ["dec c0", "ifnq", "jp loop", "halt"]
    for k in range(count):
        lines += [f"f{k}: push a0", f"add a1, {k}", "mul a1, 3", "wsa ac0, 0, a1", "pop a0"]
        lines += [f"cmp a1, {k}", "ifls", "inc a2", "xor a3, a1", "ret"]
    return "\n".join(lines)


def test_memory_that_fills_up() -> None:
    """All code goes, and what runs is made again."""
    source = functions(150)
    small = TranslatorOptions(tiers=("baseline",), max_bytes=1 << 16)
    boards = [board_with(source, engine) for engine in (small, BASELINE, "interpreter")]
    for board in boards:
        board.cpu.regs["ac0"] = 0x1F000
        board.run()
        assert board.cpu.halted
    assert state_of(boards[0]) == state_of(boards[1]) == state_of(boards[2])
    assert boards[0].stats().block_bytes <= 1 << 16
    assert boards[0].stats().blocks < boards[1].stats().blocks
    assert boards[1].stats().baseline > 0.99 * boards[1].stats().instructions


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_has_code_of_its_own() -> None:
    """Parent and child change the same word differently, and neither sees the other's code."""
    source = "loop: inc a0\npatch: add a1, 5\njp loop"
    board, reference = board_with(source, BASELINE), board_with(source, REFERENCE)
    for one in (board, reference):
        one.run(3_000)
    child = os.fork()
    if child == 0:
        board.memory.write(4, encode("add", Reg.A1, 7))
        board.run(3_000)
        os._exit(board.cpu.regs["a1"] != 5_000 + 7_000)
    assert os.waitpid(child, 0)[1] == 0
    for one in (board, reference):
        one.run(3_000)
    assert state_of(board) == state_of(reference)


def test_every_instruction_has_stencils_or_is_the_interpreters() -> None:
    """A new instruction must be decided about."""
    interpreted = {Op.LSM, Op.ITR, Op.SRM, Op.HWD, Op.CYCLES, Op.HALT, Op.RESET}
    assert REGISTER_PLACES.keys() | interpreted == set(map(Op, BY_OPCODE))
    assert not REGISTER_PLACES.keys() & interpreted


def test_options_name_known_tiers() -> None:
    with pytest.raises(ValueError, match="'quick'"):
        TranslatorOptions(tiers=("quick",))
    rom = BootRom(assemble("halt"), 64)
    assert Motherboard([rom], TranslatorOptions(tiers=())).stats().blocks == 0


def test_instructions_that_do_nothing() -> None:
    """Their stencils are empty."""
    source = "cpy a2, a2\ncpy ac0, ac0\ncmp a2, a1\nadd a1, 1\ncpy rr0, a2\nhalt"
    native, reference = (board_with(source, engine) for engine in (BASELINE, REFERENCE))
    for board in (native, reference):
        for number, name in enumerate(("a0", "a1", "a2", "ac0"), start=5):
            board.cpu.regs[name] = number
        board.run()
    assert state_of(native) == state_of(reference)


COMPILED = """
\t.text
stencil:                                # @stencil
\ttestl\t%r14d, %r14d
\tjne\t.LBB0_2
\tjmp\tnext@PLT                        # TAILCALL
.LBB0_2:
\tincq\t%r13
\tjmp\tskip@PLT
.Lfunc_end0:
\t.size\tstencil, .Lfunc_end0-stencil
other:
\tbtq\t$32, %r14
\tjb\t.LBB1_1
\tincq\t%r13
\tjmp\tnext@PLT
.LBB1_1:
\tjmp\tjump@PLT
"""


def test_stencils_are_tidied() -> None:
    """Falling off the end is going on; a jump to a jump is one jump."""
    assert tidy(COMPILED) == {
        "stencil": [
            "\ttestl\t%r14d, %r14d",
            "\tje\t.Lnext_stencil",
            "\tincq\t%r13",
            "\tjmp\tskip",
            ".Lnext_stencil:",
        ],
        "other": ["\tbtq\t$32, %r14", "\tjb\tjump", "\tincq\t%r13", ".Lnext_other:"],
    }
