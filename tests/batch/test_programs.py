"""Programs that differ from lane to lane: lists of any lengths, their sources, and their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

from lrvm_jit.batch import Batch, CharOutput, LaneReason
from lrvm_jit.batch.programs import order_by_program
from lrvm_jit.isa import Reg
from lrvm_tools import assemble
from lrvm_tools.lasm import assemble_program, assemble_program_file

LONG = "cpy a0, 1\nadd a0, 2\nadd a0, 3\nadd a0, 4\nhalt"
SHORT = "\ndiv a0, 0"
"""Faults in its second line."""


def test_lists_of_different_lengths() -> None:
    programs: list[Any] = [
        assemble(LONG),
        assemble("cpy a0, 7\nhalt").tolist(),
        assemble("cpy a0, 8\nhalt").astype(">u4").tobytes(),
        assemble_program(SHORT),
        assemble("cpy a0, 9"),  # runs into the zeros behind it
    ]
    batch = Batch(programs, ram_size=64)
    result = batch.run(max_cycles=100, halt_on_exception=True)
    assert batch.n == 5
    assert batch.regs[:, Reg.A0].tolist() == [10, 7, 8, 0, 9]
    assert result.reason.tolist() == [1, 1, 1, 3, 3]
    assert "Unknown opcode 0x00" in str(result.exception_of(4))
    assert result.where(0) is None


def test_source_lines(tmp_path: Path) -> None:
    """Of an exception, of a HALT and of a loop; equal whether lanes are sorted or not."""
    (tmp_path / "short.lasm").write_text(SHORT)
    short = assemble_program_file(tmp_path / "short.lasm")
    long = assemble_program(LONG)
    loop = assemble_program("cpy a1, 1\nnop: add a1, 1\njp nop")
    order = [short, long, loop] * 12
    for components in ([], [CharOutput()]):
        result = Batch(order, ram_size=64, threads=2, components=components).run(
            max_cycles=4, halt_on_exception=True
        )
        for lane in range(36):
            place = result.where(lane)
            assert place is not None
            assert place[1] == (2, 4, 2)[lane % 3]
        place = result.where(0)
        assert place[0] == str(tmp_path / "short.lasm")
        assert result.where(-36) == place
    with pytest.raises(IndexError):
        result.where(36)


def test_one_source_for_all_lanes() -> None:
    result = Batch(assemble_program(SHORT), 3).run(halt_on_exception=True)
    assert [result.where(lane)[1] for lane in range(3)] == [2, 2, 2]


def test_no_line_where_the_mmu_may_move_addresses() -> None:
    batch = Batch([assemble_program(LONG)] * 2, ram_size=64)
    batch.regs[1, Reg.MTT] = 1
    result = batch.run(max_cycles=0)
    assert (result.where(0)[1], result.where(1)) == (1, None)


def test_streams_take_them() -> None:
    programs: list[Any] = [assemble_program(LONG), assemble("cpy a0, 7\nhalt")]
    result = Batch.stream(programs, outputs=["a0"], chunk=1)
    assert result["a0"].tolist() == [10, 7]


@pytest.mark.parametrize(
    ("programs", "message"),
    [
        ([[1, 2], []], "the program of lane 1: the program has no words"),
        ([[1, 2], [1, -1]], "the program of lane 1: word 1 is -1"),
        ([[1, 2], 5], "the program of lane 1: words must be a sequence of whole numbers"),
        ([[1, 2], "halt"], "the program of lane 1: .*not the string 'halt'"),
        ([], "the program has no words"),
        (["halt"], "a word must be a whole number, not 'halt'"),
    ],
)
def test_mistakes(programs: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Batch(programs)


def test_another_number_of_lanes() -> None:
    with pytest.raises(ValueError, match="there are 2 programs for 3 lanes"):
        Batch([[1], [2, 3]], 3)


def test_equal_programs_run_one_after_the_other() -> None:
    """In an order that keeps lanes of equal programs in theirs; and only where it gains."""
    rows = numpy.array([[k % 5, 7, k % 5] for k in range(50)], numpy.uint32)
    order = order_by_program(rows)
    assert order is not None
    assert sorted(order.tolist()) == list(range(50))
    groups = (order % 5).reshape(5, 10)
    assert (groups == groups[:, :1]).all()
    assert (numpy.diff(order.reshape(5, 10)) > 0).all()
    assert order_by_program(rows[order]) is None
    assert order_by_program(rows[:1]) is None
    assert order_by_program(rows[:0]) is None
    different = numpy.arange(50, dtype=numpy.uint32)[:, None]
    assert order_by_program(different) is None


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
def test_the_order_changes_no_result(engine: str) -> None:
    """Three programs in a mixed order; with a component lanes run in the order of their numbers."""
    sources = [f"cpy c0, 30\nnext: add a0, {k}\ndec c0\nifnq\njp next\nhalt" for k in (1, 2, 3)]
    words = [assemble(source) for source in sources]
    which = numpy.random.default_rng(1).integers(0, 3, 500)
    programs = [words[k] for k in which]
    plain = Batch(programs, ram_size=64, threads=2, engine=engine)
    asking = Batch(programs, ram_size=64, threads=2, engine=engine, components=[CharOutput()])
    for batch in (plain, asking):
        for _ in range(2):
            batch.reset()
            result = batch.run()
            assert batch.regs[:, Reg.A0].tolist() == (30 * (which + 1)).tolist()
            assert (result.reason == LaneReason.HALTED).all()
    assert (plain.lanes.cycles == asking.lanes.cycles).all()
