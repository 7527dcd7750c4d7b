"""Front ends: the ends of a machine's channels that its parts hold.

The back ends have no object of their own. They belong to the scheduler, which takes the queries
that arrive there, has the part's `handle` answer them, and sends the answers back.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from typing import Generic, TypeVar

from .channel import TwoWayChannel
from .errors import DeadlockError, DisconnectedError, EmptyError, MachineError
from .messages import Query, Response
from .seats import ANSWER_OF, Seat, Ticket, not_a_query

S = TypeVar("S", bound=Seat)


class FrontEnd(TwoWayChannel[Query, Response], Generic[S]):
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
        self.outstanding: deque[Ticket] = deque()
        """Queries whose answer has not been received yet."""
        self.arrived: deque[Ticket] = deque()
        """Queries that wait at the back end."""

    @abstractmethod
    def post(self, ticket: Ticket) -> None:
        """Bring a query to the back end."""

    @abstractmethod
    def wait(self, ticket: Ticket) -> None:
        """Return when the ticket has its answer, or when its target is gone."""

    @abstractmethod
    def poll(self, ticket: Ticket) -> None:
        """Let others get on, so that the ticket gets its answer some day."""

    def send(self, item: Query) -> None:
        """Send a query. Does not wait."""
        if type(item) not in ANSWER_OF:
            raise not_a_query(item)
        if self.target.gone:
            raise self.disconnected()
        ticket = self.ticket(item)
        self.outstanding.append(ticket)
        self.post(ticket)

    def ticket(self, item: Query) -> Ticket:
        """A ticket for a query of the client."""
        return Ticket(self, item, self.client.depth, None)

    def recv(self) -> Response:
        """The response to the oldest query that has not got one; waits for it.

        `DeadlockError` if no query is on its way, as nothing would ever come.
        """
        ticket = self._oldest()
        if ticket is None:
            if self.target.gone:
                raise self.disconnected()
            raise DeadlockError(
                f"recv: {self.client.name} has not asked {self.target.name} anything, so no "
                "response can come; send a query first"
            )
        try:
            if ticket.answer is None:
                self.wait(ticket)
        finally:
            self.outstanding.remove(ticket)
        return self.answer(ticket)

    def try_recv(self) -> Response:
        """The response to the oldest query if it is there already."""
        ticket = self._oldest()
        if ticket is not None and ticket.answer is None:
            self.poll(ticket)
        if ticket is not None and (ticket.answer is not None or self.target.gone):
            self.outstanding.remove(ticket)
            return self.answer(ticket)
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

    def _oldest(self) -> Ticket | None:
        depth = self.client.depth
        for ticket in self.outstanding:
            if ticket.depth == depth:
                return ticket
        return None

    def answer(self, ticket: Ticket) -> Response:
        """What came of a query: the response, or the error of there being none."""
        answer = ticket.answer
        if answer is None and not self.target.gone:
            raise DeadlockError(
                f"recv: {self.target.name} is answering this query, and waits for this recv"
            )
        if answer is None:
            raise self.disconnected()
        if isinstance(answer, Exception):
            raise answer
        return answer
