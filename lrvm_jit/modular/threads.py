"""The scheduler `threads`: every part in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from .channel import Direction, current
from .contexts import (
    ANSWER_OF,
    Part,
    PartContext,
    PendingQuery,
    answer,
    connect,
    contexts_of,
    within_swap,
)
from .endpoint import Endpoint
from .errors import MachineError, Unwind
from .messages import Data, Query, Response
from .scheduler import Scheduler, running

IDLE_TURN: Final = 0.001
"""Seconds between the turns of a peripheral that nobody asks anything. Only if it has a `cycle`:
the others sleep until somebody does."""

GIVE_WAY: Final = 20e-6
"""Seconds that a busy part lets the interpreter go for, when others want to run. Without this
they would have to wait for Python's switch interval, 5 ms, for every message."""


WAKE_UP: Final = 0.1
"""Seconds after which a thread that joins a machine looks whether it has missed something. Python
does not notice a Ctrl-C that comes when it has just decided to sleep; and a wait that was
interrupted when it had the lock never gives it back."""


class _Stop:
    """What arrives at a part that is asked to end."""


_STOP: Final = _Stop()

Arrival = PendingQuery | _Stop | None
"""What arrives in an inbox: a query to answer, a query that was answered, the request to end, or
None: something has happened that the part may be waiting for."""


class _Flag:
    """An event that is set once, and whose `wait` may be interrupted.

    `threading.Event` does not survive Ctrl-C in its `wait`: its lock may stay locked for ever.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        self._is_set = True
        self._lock.release()

    def wait(self, deadline: float | None) -> bool:
        """Whether it is set, at the latest at that time of `time.monotonic`."""
        while not self._is_set:
            left = WAKE_UP if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return False
            if self._lock.acquire(timeout=min(left, WAKE_UP)):
                self._lock.release()
        return True


class ThreadContext(PartContext):
    """A part with its thread, and the inbox where everything for it arrives, in order."""

    def __init__(self, part: Part, kind: str, number: int, waking: set[object]) -> None:
        super().__init__(part, kind, number)
        self.inbox: SimpleQueue[Arrival] = SimpleQueue()
        self.ended = _Flag()
        self._begun = _Flag()
        self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._stopping = False
        self._leaving = False
        """Whether the part is about to end, or has ended."""
        self._halting = False
        self._asleep = False
        self._waking = waking
        self._handling: PendingQuery | None = None
        self._swap_depth: int | None = None

    # What others call, from their threads.

    def post(self, arrival: Arrival) -> None:
        """Put something into the inbox."""
        if self._asleep:
            self._waking.add(self)
        self.inbox.put(arrival)

    def stop(self) -> None:
        """Ask the part to end: between two instructions, or when it has answered everything."""
        self.post(_STOP)

    def cancel(self, wait: bool) -> None:
        """Make the part one that has ended, unless its thread has started. With `wait`, the
        thread may have been started just now."""
        if not self._begun.wait(time.monotonic() + (0.1 if wait else 0.0)):
            self._end(None)
            self.ended.set()

    # The part's life, in its own thread.

    def _run(self) -> None:
        self._begun.set()
        if self.gone:
            return
        current.waiter = self
        error: BaseException | None = None
        try:
            if not self.failed_early:
                self.call_boot()
                self._live()
        except Unwind:
            pass
        except BaseException as raised:
            error = raised
        try:
            self._end(error)
            self._halting = True
            self.call_halt()
        except BaseException as raised:  # KeyboardInterrupt, raised by the part itself
            self.status.record(raised)
        finally:
            del error
            current.waiter = None
            self._waking.discard(self)
            self.ended.set()

    def _live(self) -> None:
        turn, channels, waking = self.turn, self.channels, self._waking
        if turn is None:
            self._live_as_peripheral()
            return
        empty = self.inbox.empty
        while not (self._stopping or self.gone):
            turn(channels)
            if not empty():
                self._look()
            if waking:
                self._give_way()

    def _live_as_peripheral(self) -> None:
        cycle, empty = self.cycle, self.inbox.empty
        queues = [endpoint.arrived for endpoint in self.clients]
        arrival: Arrival = None
        while not (self._stopping and empty() and not any(queues)):
            if cycle is not None:
                cycle()
            if not any(queues):
                arrival = self._next() if cycle is None else self._next_of_turn()
                while cycle is None and type(arrival) is PendingQuery and empty():
                    # The usual case, made short: one client asks, and waits for the answer.
                    self._answer(arrival)
                    arrival = self._hand_over(arrival, arrival.endpoint.client)
                self._sort(arrival)
            while not empty():
                self._sort(self.inbox.get())
            for queue in queues:
                if queue:
                    self._serve(queue.popleft())

    def _end(self, error: BaseException | None) -> None:
        """From here on nobody can ask this part. Who waits for its answer learns of it."""
        self.end(error)
        self.gone = self._leaving = True
        for endpoint in self.clients:
            endpoint.client.post(None)

    # Waiting, and what is done meanwhile.

    def ask(self, endpoint: ThreadEndpoint, query: Query) -> PendingQuery:
        """Send a query of this part, and return when it has its answer or never will."""
        if self._leaving:
            self.check()
        pending = PendingQuery(endpoint, query, self.depth, self._handling)
        arrival = self._hand_over(pending, endpoint.target)
        if arrival is not pending:
            self._take(arrival)
            self.wait_for_answer(pending)
        return pending

    def wait_for_answer(self, pending: PendingQuery) -> None:
        """Return when a query of this part has its answer or never will."""
        target = pending.endpoint.target
        while pending.answer is None and not target.gone:
            arrival = self._next()
            if arrival is not pending:
                self._take(arrival)
        if self._leaving and self._must_unwind(stopping=pending.answer is None):
            raise Unwind

    def wait_for(self, direction: Direction) -> None:
        """Return when something is in a channel that does not belong to the machine."""
        direction.bell = self.inbox
        try:
            while direction.queue.empty():
                if self._must_unwind():
                    raise Unwind
                self._take(self._next())
        finally:
            direction.bell = None

    def pause(self) -> None:
        """Answer who has asked meanwhile."""
        self._look()
        if self._waking:
            self._give_way()
        self.check()

    def check(self) -> None:
        """Leave the part's method if the part has ended or is asked to."""
        if self._must_unwind():
            raise Unwind

    def _must_unwind(self, stopping: bool = True) -> bool:
        return not self._halting and (self.gone or (stopping and self._stopping))

    def _next(self) -> Arrival:
        """The next thing from the inbox; waits for it."""
        self._asleep = True
        arrival = self.inbox.get()
        self._asleep = False
        if self._waking:
            self._waking.discard(self)
        return arrival

    def _hand_over(self, pending: PendingQuery, other: ThreadContext) -> Arrival:
        """Post a query to another part, and wait for what comes next.

        The other wakes up at once, and needs the interpreter. So nothing may lie between the last
        two calls, or it would have to go to sleep again: that makes a query half as long again.
        """
        put, get = other.inbox.put, self.inbox.get
        if other._asleep:
            self._waking.add(other)
        self._asleep = True
        put(pending)
        arrival = get()
        self._asleep = False
        if self._waking:
            self._waking.discard(self)
        return arrival

    def _next_of_turn(self) -> Arrival:
        """The same for a peripheral that has to get on with its turns: None if nothing comes."""
        try:
            return self.inbox.get(timeout=IDLE_TURN)
        except Empty:
            return None

    def _look(self) -> None:
        """Deal with what has arrived, without waiting."""
        while not self.inbox.empty():
            self._take(self.inbox.get())

    def _give_way(self) -> None:
        self._waking.discard(self)
        if self._waking:
            time.sleep(GIVE_WAY)

    def _sort(self, arrival: Arrival) -> None:
        """Put a query at the back end of its channel."""
        if arrival is _STOP:
            self._stopping = self._leaving = True
        elif isinstance(arrival, PendingQuery) and arrival.endpoint.target is self:
            if self._swap_depth is not None and self._is_part_of_swap(arrival):
                arrival.answer = within_swap(self, arrival.query)
                arrival.endpoint.client.post(arrival)
            else:
                arrival.endpoint.arrived.append(arrival)

    def _take(self, arrival: Arrival) -> None:
        """Deal with an arrival at once; queries are answered."""
        self._sort(arrival)
        for endpoint in self.clients:
            while endpoint.arrived and self._swap_depth is None:
                self._serve(endpoint.arrived.popleft())

    # Answering.

    def _serve(self, pending: PendingQuery) -> None:
        """Have the part answer a query, and send the answer back."""
        if not self.gone:  # else who asked has been told
            self._answer(pending)
            pending.endpoint.client.post(pending)

    def _answer(self, pending: PendingQuery) -> None:
        outer, self._handling = self._handling, pending
        self.depth += 1
        try:
            pending.answer = answer(self, pending.query)
        except Unwind:
            raise
        except BaseException as error:
            self._end(error)
            raise Unwind from error
        finally:
            self.depth -= 1
            self._handling = outer

    def pending(self, endpoint: ThreadEndpoint, query: Query) -> PendingQuery:
        """What waits for the answer to a query that this part sends now."""
        return PendingQuery(endpoint, query, self.depth, self._handling)

    def begin_swap(self) -> None:
        self._swap_depth = self.depth

    def end_swap(self) -> None:
        self._swap_depth = None
        self.inbox.put(None)  # so that those who had to wait are seen

    def _is_part_of_swap(self, pending: PendingQuery) -> bool:
        """Whether a query comes of the swap that is going on: `handle` has asked another part,
        and that asks this one. It cannot wait for the swap's end, which waits for it."""
        cause = pending.cause
        while cause is not None:
            if cause.endpoint.client is self and cause.depth >= (self._swap_depth or 0):
                return True
            cause = cause.cause
        return False


class ThreadEndpoint(Endpoint[ThreadContext]):
    """An endpoint under the scheduler `threads`."""

    __slots__ = ()

    def query(self, item: Query) -> Response:
        if self.outstanding or self.target.gone or type(item) not in ANSWER_OF:
            return super().query(item)
        # The same as `send` and `recv`, without the book-keeping that lies between them.
        pending = self.client.ask(self, item)
        answer = pending.answer
        return answer if type(answer) is Data else self.answer(pending)

    def pending(self, item: Query) -> PendingQuery:
        self.client.check()
        return self.client.pending(self, item)

    def post(self, pending: PendingQuery) -> None:
        self.target.post(pending)

    def wait(self, pending: PendingQuery) -> None:
        self.client.wait_for_answer(pending)

    def poll(self, pending: PendingQuery) -> None:
        self.client.pause()


class Threads(Scheduler):
    """Runs every part in its own thread."""

    name = "threads"

    def __init__(
        self, processors: Sequence[Part], peripherals: Sequence[Part], linked: bool
    ) -> None:
        self._waking: set[object] = set()
        self._processors, self._peripherals = contexts_of(
            processors, peripherals, partial(ThreadContext, waking=self._waking)
        )
        connect(self._processors, self._peripherals, linked, ThreadEndpoint)
        super().__init__(
            [context.status for context in self._processors],
            [context.status for context in self._peripherals],
        )

    def start(self) -> None:
        contexts = [*self._peripherals, *self._processors]
        self._waking.add(self)  # Those that run already give way to the start of the others.
        try:
            for context in contexts:
                context.thread.start()
        except BaseException as error:
            # No more threads to be had, or Ctrl-C. Nobody gets a handle to join the machine with.
            for context in contexts:
                context.cancel(wait=isinstance(error, KeyboardInterrupt))
            self.stop()
            self.join_processors(None)
            self.join_peripherals(None)
            raise
        finally:
            self._waking.discard(self)

    def join_processors(self, deadline: float | None) -> None:
        self._join(self._processors, deadline)

    def join_peripherals(self, deadline: float | None) -> None:
        for context in self._peripherals:
            context.stop()
        self._join(self._peripherals, deadline)

    def stop(self) -> None:
        # The peripherals after them: the processors' halts may need them.
        for context in self._processors:
            context.stop()

    def step(self, rounds: int) -> bool:
        raise MachineError(
            "step() is for the scheduler cooperative; under threads the parts run by themselves"
        )

    def _join(self, contexts: Sequence[ThreadContext], deadline: float | None) -> None:
        if any(context.thread is threading.current_thread() for context in contexts):
            raise MachineError("a part cannot join its own machine")
        for context in contexts:
            # An interrupted `Thread.join` of this Python may take the thread for ended, so the
            # event is what is waited for; the thread has nothing left to do after it.
            if not context.ended.wait(deadline):
                statuses = [*self.processors, *self.peripherals]
                raise TimeoutError(f"still running: {running(statuses)}")
            if context.thread.is_alive():
                context.thread.join()
