"""The scheduler `cooperative`: all parts in one thread, round robin, always in the same order.

In a round, every processor executes one instruction and every peripheral has one turn. A query
is a direct call of the other part's `handle`, whoever's turn it is: see `_direct`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from .channel import Lane, context
from .compiled_run import CompiledRun, compiled_run
from .errors import DeadlockError, DisconnectedError, MachineError, Unwind
from .front import FrontEnd
from .messages import Query, Response
from .scheduler import Scheduler, running
from .seats import (
    ANSWER_OF,
    Part,
    Seat,
    Ticket,
    connect,
    not_a_query,
    seats_of,
    settle,
    within_swap,
)

MAX_NESTING: Final = 50
"""How many parts may wait within one another for channels that are not the machine's. Each one
takes some frames of Python's stack, which has room for 1000."""

ROUNDS_BETWEEN_CLOCKS: Final = 256
"""Rounds after which a `join` with a timeout looks at the clock."""


class DirectSeat(Seat):
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
        for front in self.clients:
            assert isinstance(front, DirectFront)
            front.refresh()

    def begin_swap(self) -> None:
        self.swapping = True
        self.refresh()

    def end_swap(self) -> None:
        self.swapping = False
        self.refresh()


class DirectFront(FrontEnd[DirectSeat]):
    """A front end under the scheduler `cooperative`.

    `query` is the direct call, and nothing else, as long as nothing speaks against it: the
    target runs, is not in a swap, and no query that was sent before waits for its answer. When
    one of these changes, `refresh` puts the careful way in its place, or takes it away.
    """

    __slots__ = ("_direct", "_scheduler", "query")

    query: Callable[[Query], Response]  # type: ignore[assignment]

    def __init__(self, client: DirectSeat, target: DirectSeat, scheduler: Cooperative) -> None:
        super().__init__(client, target)
        self._scheduler = scheduler
        self._direct = _direct(self, scheduler)
        self.query = self._careful_query

    def refresh(self) -> None:
        """Choose what `query` is."""
        target = self.target
        careful = not target.booted or target.gone or target.swapping or self.outstanding
        self.query = self._careful_query if careful else self._direct

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
        return self._direct(item)

    def post(self, ticket: Ticket) -> None:
        self.arrived.append(ticket)
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

    def wait(self, ticket: Ticket) -> None:
        target = self.target
        self._scheduler.boot(target)
        while ticket.answer is None and self.arrived and not target.gone:
            if target.swapping:
                ticket.answer = within_swap(target, ticket.query)
                self.arrived.remove(ticket)
            else:
                self.serve()

    def poll(self, ticket: Ticket) -> None:
        self.wait(ticket)

    def serve(self) -> None:
        """Have the target answer the query that was sent first."""
        ticket = self.arrived.popleft()
        # If the target ends instead, the ticket has no answer, and `recv` says why.
        with suppress(DisconnectedError):
            ticket.answer = self._direct(ticket.query)


def _direct(front: DirectFront, scheduler: Cooperative) -> Callable[[Query], Response]:
    """The shortest way from a query to its response: a function that calls the target's `handle`.

    Every line of it counts: it is what most machines spend their time with.
    """
    target, client = front.target, front.client
    handle, answer_of = target.handle, ANSWER_OF.get
    assert handle is not None

    def query(item: Query) -> Response:
        kind = answer_of(type(item))
        if kind is None:
            raise not_a_query(item)
        try:
            response: Response = handle(item)
            if type(response) is kind:
                return response
            return settle(target, item, response)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            scheduler.fail(target, error)
            raise front.disconnected() from error

    if target.turn is None:
        return query

    def query_node(item: Query) -> Response:
        # The target has instructions of its own, and its `handle` may query the client in turn.
        target.depth += 1
        try:
            response = query(item)
        finally:
            target.depth -= 1
        if client.gone and not client.halted:
            raise Unwind
        return response

    return query_node


class Cooperative(Scheduler):
    """Runs all parts in the thread that joins the machine."""

    name = "cooperative"

    def __init__(
        self, processors: Sequence[Part], peripherals: Sequence[Part], linked: bool
    ) -> None:
        self._processors, self._peripherals = seats_of(processors, peripherals, DirectSeat)
        connect(self._processors, self._peripherals, linked, partial(DirectFront, scheduler=self))
        super().__init__(
            [seat.status for seat in self._processors], [seat.status for seat in self._peripherals]
        )
        self._alive = len(processors)
        self._running: DirectSeat | None = None
        """Whose turn it is, or whose `boot` or `halt` is called."""
        self._to_halt: list[DirectSeat] = []
        """Parts that have ended while a method of theirs was going on."""
        self._attention = True
        """Whether a round takes more than to call all turns: the lists below are not current,
        somebody has ended, or a query was sent and not called."""
        self._turns: list[tuple[DirectSeat, Callable[..., object], tuple[FrontEnd[Any], ...]]] = []
        self._cycles: list[tuple[DirectSeat, Callable[[], object]]] = []
        self._compiled: CompiledRun | None = None
        """Runs the rounds, if all parts are compiled ones."""
        self._nesting = 0
        self._busy = False
        self._stop_asked = False

    # What the handle asks for.

    def compile(self) -> None:
        self._compiled = compiled_run(self._processors, self._peripherals, self._end)

    def start(self) -> None:
        """Nothing: the parts boot when somebody joins the machine."""

    def step(self, rounds: int) -> bool:
        with self._exclusively():
            self._run(rounds)
        return self._alive > 0

    def join_processors(self, deadline: float | None) -> None:
        with self._exclusively():
            self._boot_all()
            while self._alive:
                self._run(self._compiled.slice if self._compiled else ROUNDS_BETWEEN_CLOCKS)
                if self._alive and deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError(f"still running: {running(self.processors)}")

    def join_peripherals(self, deadline: float | None) -> None:
        with self._exclusively():
            self._boot_all()
            for seat in self._peripherals:
                while any(front.arrived for front in seat.clients) and not seat.gone:
                    self._look(seat)
                self._end(seat, None)

    def stop(self) -> None:
        self._stop_asked = self._attention = True

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Run the machine in this thread, and end it if that is interrupted."""
        if self._busy:
            raise MachineError("the machine runs already: a part, or another thread, has joined it")
        outer, context.waiter = context.waiter, self
        self._busy = True
        try:
            yield
            self._halt_the_ended()
        except KeyboardInterrupt:
            self._running = None
            for seat in (*self._processors, *self._peripherals):
                seat.depth, seat.waiting = 0, False
                self._end(seat, None)
            self._halt_the_ended()
            raise
        finally:
            self._running = None
            self._busy = False
            context.waiter = outer

    # Rounds.

    def _run(self, rounds: int) -> None:
        """Give every part so many turns, or fewer if all processors end."""
        self._boot_all()
        left = rounds
        while left > 0 and self._alive:
            if self._stop_asked:
                for seat in self._processors:
                    self._end(seat, None)
                return
            turns, cycles = self._list_turns()
            if self._compiled is not None and not self._attention:
                self._running = None
                left -= self._compiled.run(left)
                continue
            try:
                for left in range(left - 1, -1, -1):  # noqa: B007, B020 - used after an end
                    for self._running, turn, channels in turns:
                        turn(channels)
                    if self._attention:
                        break
                    for self._running, cycle in cycles:
                        cycle()
                else:
                    return
                self._second_half(self._peripherals)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._go_on_after(error)
            self._halt_the_ended()

    def _go_on_after(self, error: BaseException) -> None:
        """A turn has failed. The others get theirs all the same."""
        seat = self._running
        assert seat is not None
        self._running = None
        self._end(seat, error)
        if seat.turn is None:
            self._second_half(self._peripherals[seat.status.number + 1 :])
        else:
            self._first_half(self._processors[seat.status.number + 1 :])
            self._second_half(self._peripherals)

    def _first_half(self, seats: Sequence[DirectSeat]) -> None:
        for seat in seats:
            if not (seat.gone or seat.waiting):
                assert seat.turn is not None
                self._guarded(seat, partial(seat.turn, seat.channels))

    def _second_half(self, peripherals: Sequence[DirectSeat]) -> None:
        for seat in peripherals:
            if not (seat.gone or seat.waiting):
                self._look(seat)
            if seat.cycle is not None and not (seat.gone or seat.waiting):
                self._guarded(seat, seat.cycle)
        for seat in self._processors:
            self._look(seat)

    def _guarded(self, seat: DirectSeat, method: Callable[[], object]) -> None:
        """Call a method of a part, and end the part if it raises."""
        outer, self._running = self._running, seat
        error: BaseException | None = None
        try:
            method()
        except KeyboardInterrupt:
            raise
        except BaseException as raised:
            error = raised
        finally:
            self._running = outer
        if error is not None:
            self._end(seat, error)

    def _look(self, seat: DirectSeat) -> None:
        """One look at each channel that leads to a part, for queries that were sent."""
        for front in seat.clients:
            if front.arrived and not (seat.gone or seat.swapping):
                self._attention = True  # There may be more.
                assert isinstance(front, DirectFront)
                with suppress(Unwind):
                    front.serve()

    def _list_turns(
        self,
    ) -> tuple[
        list[tuple[DirectSeat, Callable[..., object], tuple[FrontEnd[Any], ...]]],
        list[tuple[DirectSeat, Callable[[], object]]],
    ]:
        """What is called in a round as long as nothing needs attention."""
        self._attention = any(f.arrived for s in self._peripherals for f in s.clients)
        self._turns = [
            (seat, seat.turn, seat.channels)
            for seat in self._processors
            if seat.turn is not None and not seat.gone
        ]
        self._cycles = [
            (seat, seat.cycle)
            for seat in self._peripherals
            if seat.cycle is not None and not seat.gone
        ]
        return self._turns, self._cycles

    # Waiting for channels that are not the machine's.

    def wait_for(self, lane: Lane) -> None:
        """Let the others have turns until something is in the channel."""
        while lane.queue.empty():
            if not self._let_others_run():
                raise DeadlockError(
                    "recv: the channel is empty, and no other part can go on that might send: all "
                    "have ended or wait, in turns that this one is nested in. If several parts "
                    "wait for each other within one turn, use the scheduler threads"
                )

    def pause(self) -> None:
        self._let_others_run()

    def _let_others_run(self) -> bool:
        """One round of all that do not wait. Returns whether there was one."""
        seat = self._running
        assert seat is not None
        others = [s for s in (*self._processors, *self._peripherals) if s is not seat]
        if self._nesting == MAX_NESTING or not any(map(_can_go_on, others)):
            return False
        self._nesting += 1
        seat.waiting = True
        try:
            self._first_half(self._processors)
            self._second_half(self._peripherals)
        finally:
            seat.waiting = False
            self._nesting -= 1
        if (seat.gone or self._stop_asked) and not seat.halted:
            raise Unwind
        return True

    # The ways of parts.

    def _boot_all(self) -> None:
        for seat in (*self._peripherals, *self._processors):
            self.boot(seat)

    def boot(self, seat: DirectSeat) -> None:
        """Boot a part, if that has not begun yet."""
        if seat.booted or seat.gone:
            return
        seat.booted = True
        seat.refresh()
        if seat.failed_early:
            self._end(seat, None)
        else:
            self._guarded(seat, seat.call_boot)

    def fail(self, seat: DirectSeat, error: BaseException) -> None:
        """End a part whose `handle` has raised."""
        self._end(seat, error)

    def attend(self) -> None:
        """Something has happened that the next round has to look at."""
        self._attention = True

    def _end(self, seat: DirectSeat, error: BaseException | None) -> None:
        """End a part, halt it as soon as no method of it is going on."""
        if isinstance(error, Unwind) or (error is None and seat.gone):
            return
        seat.end(error)
        if seat.gone:
            return
        seat.gone = self._attention = True
        if seat.turn is not None:
            self._alive -= 1
        # It may still be due in the round that is going on.
        self._turns[:] = [
            entry if entry[0] is not seat else (seat, _nothing, ()) for entry in self._turns
        ]
        self._cycles[:] = [
            entry if entry[0] is not seat else (seat, _nothing) for entry in self._cycles
        ]
        seat.refresh()
        self._to_halt.append(seat)
        self._halt_the_ended()

    def _halt_the_ended(self) -> None:
        """Call the halts that are due: of those that have ended and left all their methods."""
        for seat in list(self._to_halt):
            if not (seat.depth or seat.waiting or seat is self._running or seat.halted):
                self._to_halt.remove(seat)
                seat.halted = True
                self._guarded(seat, seat.call_halt)


def _nothing(*_: object) -> None:
    """The turn of a part that has ended."""


def _can_go_on(seat: DirectSeat) -> bool:
    """Whether a part does something in its turn."""
    if seat.gone or seat.waiting:
        return False
    return (
        seat.turn is not None
        or seat.cycle is not None
        or any(front.arrived for front in seat.clients)
    )
