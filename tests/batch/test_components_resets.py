"""Resets of batch components, by the guest and by the host."""

from __future__ import annotations

import pytest

from lrvm_jit import Component
from lrvm_jit.batch.component import LaneNumbers
from tests.batch.lanes_and_machines import (
    BUDGET,
    Recorder,
    SingleRecorder,
    assert_same,
    batch_of,
    engines,
    sample,
    single,
    threads,
)


class BrokenError(Exception):
    pass


RESETS = """
    cpy ac0, 0x2000
    lsa a2, ac0, 0
    cmp a2, 0
    ifnq
    halt
    cpy a2, 1
    wsa ac0, 0, a2
    cpy avr, 3
    cpy a3, a0
    mod a3, 3, 0
    cmp a3, 1
    ifeq
    reset 0x11              ; the second one alone
    cmp a3, 2
    ifeq
    reset 0x02              ; all others, and the CPU
    halt
"""


@engines
@threads
@pytest.mark.parametrize("n", [1, 50])
def test_resets_by_the_guest(n: int, engine: str, threads: int) -> None:
    """A lane's RESET reaches the components it names, for this lane only."""
    first, second = Recorder(), Recorder(name="Second")
    batch = batch_of(RESETS, n, [first, second], engine, threads)
    result = batch.run(BUDGET)
    for lane in sample(n):
        models: list[Component] = [SingleRecorder(), SingleRecorder(name="Second")]
        board = single(RESETS, lane, models)
        assert_same(batch, result, lane, board)
        for recorder, model in zip((first, second), models, strict=True):
            assert isinstance(model, SingleRecorder)
            # The board has been reset before the run.
            assert [lane] * (model.resets - 1) == [
                number for call in recorder.resets for number in call if number == lane
            ]


def test_resets_and_close_by_the_host() -> None:
    """`Batch.reset` reaches all lanes in one call, `close` each component once."""
    recorder = Recorder()
    with batch_of("halt", 5, [recorder]) as batch:
        batch.run()
        batch.reset()
        assert recorder.resets == [[0, 1, 2, 3, 4]]
    batch.close()
    assert recorder.closed == 1


@engines
def test_a_reset_that_fails(engine: str) -> None:
    """The instruction has not happened; other lanes' instructions in progress are completed."""

    class Failing(Recorder):
        fails = True

        def reset(self, lanes: LaneNumbers) -> None:
            if self.fails and lanes[0] == 5:
                self.fails = False
                raise BrokenError
            super().reset(lanes)

    recorder = Failing()
    source = """
        cpy ac0, 0x2000
        cmp a0, 5
        ifls
        wsa ac0, 0, a0
        cmp a0, 5
        ifge
        reset 0x10
        halt
    """
    batch = batch_of(source, 12, [recorder], engine)
    with pytest.raises(BrokenError):
        batch.run(BUDGET)
    assert recorder.resets == []
    assert [recorder.log(lane) for lane in range(5)] == [[("write", 0, lane)] for lane in range(5)]
    assert (batch.regs[5, 22], batch.lanes.cycles[5]) == (24, 5)
    result = batch.run(BUDGET)
    assert sorted(lane for call in recorder.resets for lane in call) == list(range(5, 12))
    assert all(len(recorder.log(lane)) == 1 for lane in range(5))
    for lane in range(12):
        assert_same(batch, result, lane, single(source, lane, [SingleRecorder()]))
