"""The realtime clock."""

from __future__ import annotations

import time

from lrvm_components import RealtimeClock


class Time:
    """A clock that stands still until it is set."""

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds

    def __call__(self) -> int:
        return self.nanoseconds


def words(clock: RealtimeClock) -> list[int]:
    return [clock.read(offset) for offset in range(0, 24, 4)]


def test_seconds_are_two_words_high_first() -> None:
    """divergences.md 22: nanoseconds are those of the second, not of anything larger."""
    clock = RealtimeClock(Time(0x1_2345_6789 * 10**9 + 999_999_999), Time(0))
    assert words(clock) == [1, 0x2345_6789, 999_999_999, 0, 0, 0]


def test_elapsed_time_starts_at_the_last_reset() -> None:
    wall, steady = Time(0), Time(50 * 10**9)
    clock = RealtimeClock(wall, steady)
    assert words(clock)[3:] == [0, 0, 0]
    steady.nanoseconds += 0x1_0000_0002 * 10**9 + 345
    assert words(clock)[3:] == [1, 2, 345]
    clock.reset()
    steady.nanoseconds += 10**9 - 1
    assert words(clock) == [0, 0, 0, 0, 0, 999_999_999]


def test_setting_the_time_of_day_does_not_change_the_elapsed_time() -> None:
    wall, steady = Time(9 * 10**9), Time(0)
    clock = RealtimeClock(wall, steady)
    steady.nanoseconds = 5
    wall.nanoseconds = 10**9
    assert words(clock) == [0, 1, 0, 0, 0, 5]


def test_reset_leaves_the_time_of_day() -> None:
    clock = RealtimeClock(Time(7 * 10**9), Time(0))
    clock.reset()
    assert words(clock)[:3] == [0, 7, 0]


def test_each_read_looks_at_the_clock() -> None:
    wall = Time(10**9 - 1)
    clock = RealtimeClock(wall, Time(0))
    assert clock.read(4) == 0
    wall.nanoseconds += 1
    assert (clock.read(4), clock.read(8)) == (1, 0)


def test_a_time_before_1970_is_in_twos_complement() -> None:
    assert words(RealtimeClock(Time(-1), Time(0)))[:3] == [0xFFFF_FFFF, 0xFFFF_FFFF, 999_999_999]


def test_the_systems_clocks_are_the_default() -> None:
    before = time.time_ns()
    clock = RealtimeClock()
    high, low, _, *elapsed = words(clock)
    assert before // 10**9 <= high << 32 | low <= time.time_ns() // 10**9
    assert elapsed[:1] == [0]
