"""Two-way channels: what two threads, or two parts of a machine, talk over.

A channel is made as a pair of ends. What one end sends, the other receives: once, and in order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, Protocol, TypeVar

from .errors import DisconnectedError, EmptyError

Sent = TypeVar("Sent")
Received = TypeVar("Received")


class Waiter(Protocol):
    """Whoever has to be asked before its thread waits for a channel: a machine's scheduler.

    A thread that runs parts of a machine has other things to do meanwhile.
    """

    def wait_for(self, direction: Direction) -> None:
        """Return when `direction.queue` has something. May raise what ends the wait instead."""

    def pause(self) -> None:
        """A part has found a channel empty: let others get on."""


class _Current(threading.local):
    """What is so in the current thread only."""

    waiter: Waiter | None = None


current: Final = _Current()


class Direction:
    """One direction of a channel. The two ends share two of these, and not each other, so that
    an end that nobody holds any more is gone at once, and its peer learns of it."""

    __slots__ = ("bell", "deaf", "queue")

    def __init__(self) -> None:
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.deaf = False
        """Whether the receiving end is gone."""
        self.bell: SimpleQueue[Any] | None = None
        """Where a waiting part wants to be told, if the receiver is one."""

    def put(self, item: object) -> None:
        """Add an item, and wake who waits for it."""
        self.queue.put(item)
        # A waiter sets `bell` and looks at the queue after that; so one of the two sees the
        # other.
        bell = self.bell
        if bell is not None:
            bell.put(None)


_GONE: Final = object()
"""The last item of a direction: its sender is gone."""


class TwoWayChannel(Generic[Sent, Received]):
    """One end of a channel. `pair` makes both.

    An end is gone when it is closed or nobody holds it any more. What it had sent before can
    still be received; after that, the other end's methods raise `DisconnectedError`.
    """

    __slots__ = ("_closed", "_incoming", "_outgoing")

    _closed: bool
    _incoming: Direction
    _outgoing: Direction

    def __init__(self) -> None:
        raise TypeError("an end has no use alone; TwoWayChannel.pair() makes two")

    @classmethod
    def pair(
        cls,
    ) -> tuple[TwoWayChannel[Sent, Received], TwoWayChannel[Received, Sent]]:
        """Two ends that are connected with each other."""
        there, back = Direction(), Direction()
        first: TwoWayChannel[Sent, Received] = object.__new__(TwoWayChannel)
        second: TwoWayChannel[Received, Sent] = object.__new__(TwoWayChannel)
        first._outgoing = second._incoming = there
        first._incoming = second._outgoing = back
        first._closed = second._closed = False
        return first, second

    def send(self, item: Sent) -> None:
        """Send an item to the other end. Does not wait."""
        self._check_open()
        direction = self._outgoing
        if direction.deaf:
            raise DisconnectedError("send: the other end of the channel is gone")
        direction.put(item)

    def recv(self) -> Received:
        """The next item; waits for it. DisconnectedError if there is none and the peer is gone.

        In a part of a machine, others get on meanwhile; `DeadlockError` if no item can come.
        """
        self._check_open()
        direction = self._incoming
        waiter = current.waiter
        if waiter is not None and direction.queue.empty():
            waiter.wait_for(direction)
        return self._taken(direction.queue.get())

    def try_recv(self) -> Received:
        """The next item if it is there already. EmptyError if not, DisconnectedError if none
        can come any more."""
        self._check_open()
        queue = self._incoming.queue
        waiter = current.waiter
        if waiter is not None and queue.empty():
            waiter.pause()
        try:
            item = queue.get_nowait()
        except Empty:
            raise EmptyError("nothing has arrived on this channel yet") from None
        return self._taken(item)

    def iter(self) -> Iterator[Received]:
        """Items as they come, until the other end is gone."""
        while True:
            try:
                item = self.recv()
            except DisconnectedError:
                return
            yield item

    def try_iter(self) -> Iterator[Received]:
        """The items that are there already."""
        while True:
            try:
                item = self.try_recv()
            except (EmptyError, DisconnectedError):
                return
            yield item

    def query(self, item: Sent) -> Received:
        """Send an item and wait for the next one to come back."""
        self.send(item)
        return self.recv()

    def close(self) -> None:
        """Be gone: the other end gets what was sent, then `DisconnectedError`."""
        if not self._closed:
            self._closed = True
            self._incoming.deaf = True
            self._outgoing.put(_GONE)

    def __enter__(self) -> TwoWayChannel[Sent, Received]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise DisconnectedError("this end of the channel has been closed")

    def _taken(self, item: Any) -> Received:
        if item is _GONE:
            self._incoming.queue.put(_GONE)  # for whoever looks next
            raise DisconnectedError("recv: the other end of the channel is gone")
        received: Received = item
        return received
