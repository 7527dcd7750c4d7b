"""Which way of running lanes is chosen, by measurements that are made up here."""

from __future__ import annotations

from itertools import pairwise

from lrvm_jit.batch.vector.pace import (
    FIRST_PATIENCE,
    LONGEST_PATIENCE,
    REMEMBERED,
    TRIED_ALONE,
    Pace,
    Rate,
    Turn,
)


def take_turns(pace: Pace, blocks: int, alone: float, together: float) -> list[Turn]:
    """Blocks of a thousand instructions, with seconds for each way."""
    turns = []
    for _ in range(blocks):
        turn = pace.next_turn()
        turns.append(turn)
        if turn.in_groups:
            pace.together.note(together, 1000)
        else:
            pace.alone.note(alone, 1000)
    return turns


def test_both_ways_are_measured_first() -> None:
    assert take_turns(Pace(), 2, 2.0, 1.0) == [Turn(True), Turn(False, TRIED_ALONE)]


def test_the_slower_way_is_tried_ever_more_rarely() -> None:
    pace = Pace()
    turns = take_turns(pace, 2000, 2.0, 1.0)[2:]
    tries = [number for number, turn in enumerate(turns) if not turn.in_groups]
    distances = [b - a for a, b in pairwise(tries)]
    assert tries[0] == FIRST_PATIENCE
    assert distances == sorted(distances)
    assert set(distances[-5:]) == {LONGEST_PATIENCE + 1}
    # Alone may be many times slower, so that only some lanes are tried.
    assert all(turns[number].lanes == TRIED_ALONE for number in tries)


def test_a_change_is_noticed() -> None:
    """What was measured while code was interpreted does not count for ever."""
    pace = Pace()
    take_turns(pace, 3, 9.0, 3.0)
    turns = take_turns(pace, 40, 1.0, 3.0)
    assert not any(turn.in_groups for turn in turns[-2:])
    assert all(turn.lanes is None for turn in turns[-2:])
    turns = take_turns(pace, 200, 1.0, 0.1)
    assert turns[-1].in_groups or turns[-2].in_groups


def test_short_measurements_count_little() -> None:
    rate = Rate()
    rate.note(10 * REMEMBERED, 10_000_000)
    usual = rate.each
    rate.note(REMEMBERED / 1000, 10)
    assert usual is not None
    assert usual < (rate.each or 0) < 1.01 * usual
    for _ in range(20):
        rate.note(10 * REMEMBERED, 1_000_000)
    assert (rate.each or 0) > 9 * usual
