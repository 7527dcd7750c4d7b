"""Endpoints: the ends of a machine's channels that its parts hold.

The back ends have no object of their own. They belong to the scheduler, which takes the queries
that arrive there, has the part's `handle` answer them, and sends the answers back.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from typing import Generic, TypeVar

from .channel import TwoWayChannel
from .contexts import ANSWER_OF, PartContext, PendingQuery, not_a_query
from .errors import DeadlockError, DisconnectedError, EmptyError, MachineError
from .messages import Query, Response

S = TypeVar("S", bound=PartContext)


class Endpoint(TwoWayChannel[Query, Response], Generic[S]):
    """A part's end of a channel to another part. Every query gets one response, in order.

    An answer goes to the call that asked: if a part queries others in its `handle`, while its
    own instruction waits for an answer on the same channel, both get their own.
    """

    __slots__ = ("arrived", "client", "outstanding", "target")

    def __init__(self, client: S, target: S) -> None:
        # Not for `close` of the base class, which is for ends that somebody owns.
        self._closed = True
        self.client = client
        self.target = target
        self.outstanding: deque[PendingQuery] = deque()
        """Queries whose answer has not been received yet."""
        self.arrived: deque[PendingQuery] = deque()
        """Queries that wait at the back end."""

    @abstractmethod
    def post(self, pending: PendingQuery) -> None:
        """Bring a query to the back end."""

    @abstractmethod
    def wait(self, pending: PendingQuery) -> None:
        """Return when the query has its answer, or when its target is gone."""

    @abstractmethod
    def poll(self, pending: PendingQuery) -> None:
        """Let others get on, so that the query gets its answer some day."""

    def send(self, item: Query) -> None:
        """Send a query. Does not wait."""
        if type(item) not in ANSWER_OF:
            raise not_a_query(item)
        if self.target.gone:
            raise self.disconnected()
        pending = self.pending(item)
        self.outstanding.append(pending)
        self.post(pending)

    def pending(self, item: Query) -> PendingQuery:
        """What waits for the answer to a query of the client."""
        return PendingQuery(self, item, self.client.depth, None)

    def recv(self) -> Response:
        """The response to the oldest query that has not got one; waits for it.

        `DeadlockError` if no query is on its way, as nothing would ever come.
        """
        pending = self._oldest()
        if pending is None:
            if self.target.gone:
                raise self.disconnected()
            raise DeadlockError(
                f"recv: {self.client.name} has not asked {self.target.name} anything, so no "
                "response can come; send a query first"
            )
        try:
            if pending.answer is None:
                self.wait(pending)
        finally:
            self.outstanding.remove(pending)
        return self.answer(pending)

    def try_recv(self) -> Response:
        """The response to the oldest query if it is there already."""
        pending = self._oldest()
        if pending is not None and pending.answer is None:
            self.poll(pending)
        if pending is not None and (pending.answer is not None or self.target.gone):
            self.outstanding.remove(pending)
            return self.answer(pending)
        if self.target.gone:
            raise self.disconnected()
        raise EmptyError(f"no response of {self.target.name} has arrived")

    def close(self) -> None:
        """Not allowed: these channels live as long as the parts at their ends."""
        raise MachineError("the channels of a machine cannot be closed; they end with their parts")

    def disconnected(self) -> DisconnectedError:
        """The error that says that the target is gone."""
        target = self.target.status
        return DisconnectedError(f"{target.name} has ended, with code {target.code}")

    def _oldest(self) -> PendingQuery | None:
        depth = self.client.depth
        for pending in self.outstanding:
            if pending.depth == depth:
                return pending
        return None

    def answer(self, pending: PendingQuery) -> Response:
        """What came of a query: the response, or the error of there being none."""
        answer = pending.answer
        if answer is None and not self.target.gone:
            raise DeadlockError(
                f"recv: {self.target.name} is answering this query, and waits for this recv"
            )
        if answer is None:
            raise self.disconnected()
        if isinstance(answer, Exception):
            raise answer
        return answer
