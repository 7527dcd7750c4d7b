"""Two-way channels by themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit.modular import DisconnectedError, EmptyError, TwoWayChannel

End = TwoWayChannel[int, int]


def pair() -> tuple[End, End]:
    return TwoWayChannel[int, int].pair()


def beside(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_items_arrive_in_order() -> None:
    one, other = pair()
    for number in range(5):
        one.send(number)
        other.send(-number)
    assert [other.recv() for _ in range(5)] == [0, 1, 2, 3, 4]
    assert list(one.try_iter()) == [0, -1, -2, -3, -4]


@given(st.lists(st.tuples(st.sampled_from(["send", "recv"]), st.booleans()), max_size=40))
def test_each_item_arrives_once_and_in_order(actions: list[tuple[str, bool]]) -> None:
    """Against two lists, which is what a channel is to one thread."""
    ends = pair()
    expected: tuple[list[int], list[int]] = ([], [])
    for number, (action, which) in enumerate(actions):
        if action == "send":
            ends[which].send(number)
            expected[not which].append(number)
        elif expected[which]:
            assert ends[which].try_recv() == expected[which].pop(0)
        else:
            with pytest.raises(EmptyError):
                ends[which].try_recv()
    assert tuple(list(end.try_iter()) for end in ends) == expected


@given(st.integers(0, 200), st.integers(0, 200))
def test_order_between_threads(there: int, back: int) -> None:
    one, other = pair()
    seen: list[int] = []

    def work() -> None:
        for number in range(back):
            other.send(number)
        seen.extend(other.iter())
        other.close()

    thread = beside(work)
    for number in range(there):
        one.send(number)
    one_seen = [one.recv() for _ in range(back)]
    one.close()
    thread.join()
    assert one_seen == list(range(back))
    assert seen == list(range(there))


def test_query_is_send_then_recv() -> None:
    one, other = pair()
    thread = beside(lambda: other.send(other.recv() + 1))
    assert one.query(41) == 42
    thread.join()
    other.send(1)
    other.send(2)
    assert one.query(0) == 1  # the next item, whatever it answers
    assert one.recv() == 2


@pytest.mark.parametrize("go", ["close", "del", "with"])
def test_what_was_sent_arrives_though_the_sender_is_gone(go: str) -> None:
    one, other = pair()
    one.send(1)
    one.send(2)
    if go == "close":
        one.close()
    elif go == "with":
        with one:
            pass
    else:
        del one
    assert other.recv() == 1
    assert other.try_recv() == 2
    for _ in range(2):
        with pytest.raises(DisconnectedError, match="other end"):
            other.recv()
        with pytest.raises(DisconnectedError, match="other end"):
            other.try_recv()
        with pytest.raises(DisconnectedError, match="other end"):
            other.send(3)
        with pytest.raises(DisconnectedError, match="other end"):
            other.query(3)
    assert list(other.iter()) == []
    assert list(other.try_iter()) == []


def test_an_end_that_goes_wakes_all_who_wait() -> None:
    one, other = pair()
    outcomes: list[str] = []
    waiting = threading.Barrier(4)

    def work() -> None:
        waiting.wait()
        try:
            other.recv()
        except DisconnectedError as error:
            outcomes.append(str(error))

    threads = [beside(work) for _ in range(3)]
    waiting.wait()
    one.close()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 3


def test_a_closed_end_is_of_no_use() -> None:
    one, _other = pair()
    one.close()
    one.close()
    for use in (one.recv, one.try_recv, lambda: one.send(1), lambda: one.query(1)):
        with pytest.raises(DisconnectedError, match="this end of the channel has been closed"):
            use()
