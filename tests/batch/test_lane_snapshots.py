"""States between lanes and boards: `batch.restore`, `batch.board`, `batch.reset` of some lanes."""

from __future__ import annotations

import numpy
import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard
from lrvm_jit.batch import Batch
from lrvm_tools import assemble

PROGRAM = assemble("cpy ac0, 0x1000\nloop: add a0, a1\n wsa ac0, 0, a0\n cmp a0, 99\n jp loop")


def board_of(step: int, cycles: int) -> Motherboard:
    board = Motherboard([BootRom(PROGRAM, 0x1000), Ram(0x1000)])
    board.map_contiguous(0)
    board.reset()
    board.cpu.regs.a1 = step
    board.run(cycles)
    return board


def test_lanes_go_on_from_a_snapshot_and_back() -> None:
    """Restored lanes run as the board does, flags included; the others are untouched."""
    template = board_of(1, 0)
    batch = Batch(template, n=5)
    batch.run(max_cycles=10)
    board = board_of(7, 23)
    batch.restore([1, 3], board.snapshot())
    batch.run(max_cycles=18)
    board.run(18)
    for lane, wanted in ((1, board), (3, board), (0, board_of(1, 28)), (4, board_of(1, 28))):
        with batch.board(lane) as copy:
            assert copy.snapshot() == wanted.snapshot()
            copy.run(5)
            wanted_next = wanted.snapshot()
            wanted.run(5)
            assert copy.snapshot() == wanted.snapshot()
            wanted.restore(wanted_next)


def test_reset_of_some_lanes() -> None:
    batch = Batch(board_of(1, 0), n=4)
    batch.run(max_cycles=10)
    batch.reset(numpy.array([False, True, False, True]))
    assert batch.lanes.cycles.tolist() == [10, 0, 10, 0]
    assert batch.regs[:, 0].tolist() == [3, 0, 3, 0]
    assert (batch.ram[1] == 0).all()
    assert batch.ram[:, 0].tolist() == [2, 0, 2, 0]
    batch.reset(slice(0, 1))
    assert batch.lanes.cycles.tolist() == [0, 0, 10, 0]


def test_refusals() -> None:
    batch = Batch(board_of(1, 0), n=2)
    other = Motherboard([BootRom(PROGRAM, 0x1000), Ram(0x2000)])
    with pytest.raises(ValueError, match="8192"):
        batch.restore(0, other.snapshot())
    unmapped = Motherboard([BootRom(PROGRAM, 0x1000), Ram(0x1000)])
    with pytest.raises(ValueError, match="another memory map"):
        batch.restore(0, unmapped.snapshot())
    wrong = ((5, IndexError), ([0, 2], IndexError), (1.5, TypeError), ([True], IndexError))
    for lanes, error in wrong:
        with pytest.raises(error):
            batch.restore(lanes, board_of(1, 0).snapshot())  # type: ignore[arg-type]
