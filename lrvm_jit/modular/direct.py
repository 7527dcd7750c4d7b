"""Endpoints under the scheduler `cooperative`: a query is a direct call of the target's `handle`.

Every line of the two methods `query` counts: they are what most machines spend their time with.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .contexts import ANSWER_OF, Part, PartContext, PendingQuery, not_a_query, settle, within_swap
from .endpoint import Endpoint
from .errors import DisconnectedError, Unwind
from .messages import Query, Response

if TYPE_CHECKING:
    from .cooperative import Cooperative


class DirectContext(PartContext):
    """A part that shares the thread with all others."""

    def __init__(self, part: Part, kind: str, number: int) -> None:
        super().__init__(part, kind, number)
        self.booted = False
        self.halted = False
        self.swapping = False
        self.waiting = False
        """Whether its turn has been left for the others', because a channel was empty."""

    def refresh(self) -> None:
        """Choose anew how its clients' queries get here: something has changed."""
        for endpoint in self.clients:
            assert isinstance(endpoint, DirectEndpoint)
            endpoint.refresh()

    def begin_swap(self) -> None:
        self.swapping = True
        self.refresh()

    def end_swap(self) -> None:
        self.swapping = False
        self.refresh()


class DirectEndpoint(Endpoint[DirectContext]):
    """An endpoint that leads to a peripheral.

    `query` is the direct call, and little else, as long as nothing speaks against it: the target
    runs, is not in a swap, and no query that was sent before waits for its answer. When one of
    these changes, `refresh` takes the target's `handle` away, or puts it back.
    """

    __slots__ = ("_handle", "_scheduler")

    def __init__(
        self, client: DirectContext, target: DirectContext, scheduler: Cooperative
    ) -> None:
        super().__init__(client, target)
        self._scheduler = scheduler
        self._handle: Callable[[Query], Any] | None = None
        """The target's `handle` if it can be called at once, else None."""

    def refresh(self) -> None:
        """Find out whether the target can be called at once."""
        target = self.target
        careful = not target.booted or target.gone or target.swapping or self.outstanding
        self._handle = None if careful else target.handle

    def query(self, item: Query) -> Response:
        # Python calls what is in a local variable faster than what is in a slot.
        handle = self._handle
        if handle is None:
            return self._careful_query(item)
        try:
            kind = ANSWER_OF[type(item)]
            response: Response = handle(item)
            if type(response) is kind:
                return response
            return settle(self.target, item, response)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if type(item) not in ANSWER_OF:
                raise not_a_query(item) from None
            raise self._failed(error) from error

    def _careful_query(self, item: Query) -> Response:
        if type(item) not in ANSWER_OF:
            raise not_a_query(item)
        self._scheduler.boot(self.target)
        if self.outstanding:
            self.send(item)
            return self.recv()
        if self.target.gone:
            raise self.disconnected()
        if self.target.swapping:
            raise within_swap(self.target, item)
        return self._ask(item)

    def _ask(self, item: Query) -> Response:
        """What `query` does, for those that have made sure that the target can be called."""
        target = self.target
        assert target.handle is not None
        try:
            response: Response = target.handle(item)
            if type(response) is ANSWER_OF[type(item)]:
                return response
            return settle(target, item, response)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._failed(error) from error

    def _failed(self, error: BaseException) -> DisconnectedError:
        """End the target, whose `handle` has raised; returns what the client is told."""
        self._scheduler.fail(self.target, error)
        return self.disconnected()

    def post(self, pending: PendingQuery) -> None:
        self.arrived.append(pending)
        self._scheduler.attend()
        self.refresh()

    def recv(self) -> Response:
        try:
            return super().recv()
        finally:
            self.refresh()

    def try_recv(self) -> Response:
        try:
            return super().try_recv()
        finally:
            self.refresh()

    def wait(self, pending: PendingQuery) -> None:
        target = self.target
        self._scheduler.boot(target)
        while pending.answer is None and self.arrived and not target.gone:
            if target.swapping:
                pending.answer = within_swap(target, pending.query)
                self.arrived.remove(pending)
            else:
                self.serve()

    def poll(self, pending: PendingQuery) -> None:
        self.wait(pending)

    def serve(self) -> None:
        """Have the target answer the query that was sent first."""
        pending = self.arrived.popleft()
        # If the target ends instead, the query has no answer, and `recv` says why.
        with suppress(DisconnectedError):
            pending.answer = self._ask(pending.query)


class NodeEndpoint(DirectEndpoint):
    """An endpoint that leads to a part with instructions of its own, whose `handle` may query
    the client in turn."""

    __slots__ = ()

    def query(self, item: Query) -> Response:
        # The same again, as a call of a method of both would take as long as all of this.
        handle = self._handle
        if handle is None:
            return self._careful_query(item)
        target = self.target
        target.depth += 1
        try:
            kind = ANSWER_OF[type(item)]
            response: Response = handle(item)
            if type(response) is not kind:
                response = settle(target, item, response)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if type(item) not in ANSWER_OF:
                raise not_a_query(item) from None
            raise self._failed(error) from error
        finally:
            target.depth -= 1
        if self.client.gone:
            self._unwind()
        return response

    def _ask(self, item: Query) -> Response:
        target = self.target
        target.depth += 1
        try:
            response = super()._ask(item)
        finally:
            target.depth -= 1
        if self.client.gone:
            self._unwind()
        return response

    def _unwind(self) -> None:
        """Leave the client's method, as the client has ended meanwhile; but not its `halt`."""
        if not self.client.halted:
            raise Unwind


def direct_endpoint(
    client: DirectContext, target: DirectContext, scheduler: Cooperative
) -> DirectEndpoint:
    """The endpoint of a channel that leads from one part to another."""
    kind = DirectEndpoint if target.turn is None else NodeEndpoint
    return kind(client, target, scheduler)
