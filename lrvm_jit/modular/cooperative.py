"""The scheduler `cooperative`: all parts in one thread, round robin, always in the same order.

In a round, every processor executes one instruction and every peripheral has one turn. A query
is a direct call of the other part's `handle`, whoever's turn it is: see `DirectEndpoint`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import length_hint
from typing import Any, Final, TypeAlias

from ..core.running import AlreadyRunningError, RightToRun
from .channel import Direction, current
from .compiled_run import CompiledRun, compiled_run
from .contexts import Part, connect, contexts_of
from .direct import DirectContext, DirectEndpoint, direct_endpoint
from .endpoint import Endpoint
from .errors import DeadlockError, MachineError, Unwind
from .scheduler import Scheduler, running

MAX_NESTING: Final = 50
"""How many parts may wait within one another for channels that are not the machine's. Each one
takes some frames of Python's stack, which has room for 1000."""

ROUNDS_BETWEEN_CLOCKS: Final = 256
"""Rounds after which a `join` with a timeout looks at the clock."""

BURST: Final = 2000
"""About how many turns are called in one loop, if nothing happens that a round has to look at."""

Turn: TypeAlias = tuple[DirectContext, Callable[..., object], tuple[Endpoint[Any], ...] | None]
"""What is called in a round: of a processor with its channels, of a peripheral with nothing."""


class Cooperative(Scheduler):
    """Runs all parts in the thread that joins the machine."""

    name = "cooperative"

    def __init__(
        self, processors: Sequence[Part], peripherals: Sequence[Part], linked: bool
    ) -> None:
        self._processors, self._peripherals = contexts_of(processors, peripherals, DirectContext)
        connect(
            self._processors, self._peripherals, linked, partial(direct_endpoint, scheduler=self)
        )
        super().__init__(
            [context.status for context in self._processors],
            [context.status for context in self._peripherals],
        )
        self._alive = len(processors)
        self._running: DirectContext | None = None
        """Whose turn it is, or whose `boot` or `halt` is called."""
        self._to_halt: list[DirectContext] = []
        """Parts that have ended while a method of theirs was going on."""
        self._attention = True
        """Whether a round takes more than to call all `_turns`: somebody has ended, or a query was
        sent and not called."""
        self._turns: list[Turn] = []
        """Those of all parts that have not ended; empty if that has to be found out anew."""
        self._compiled: CompiledRun | None = None
        """Runs the rounds, if all parts are compiled ones."""
        self._all_booted = False
        self._nesting = 0
        self._right = RightToRun(
            "the machine runs already: a part, or another thread, has joined it",
            tidy=self._forget_whose_turn,
        )
        self._stop_asked = False

    # What the handle asks for.

    def compile(self) -> None:
        self._compiled = compiled_run(self._processors, self._peripherals, self._end)

    def start(self) -> None:
        """Nothing: the parts boot when somebody joins the machine."""

    def step(self, rounds: int) -> bool:
        self._exclusively(lambda: self._run(rounds))
        return self._alive > 0

    def join_processors(self, deadline: float | None) -> None:
        self._exclusively(lambda: self._run_to_the_end(deadline))

    def _run_to_the_end(self, deadline: float | None) -> None:
        self._boot_all()
        while self._alive:
            self._run(self._rounds_of_join(deadline))
            if self._alive and deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"still running: {running(self.processors)}")

    def _rounds_of_join(self, deadline: float | None) -> int:
        """Rounds until a `join` has to look at the clock."""
        if deadline is None:
            return sys.maxsize
        return self._compiled.slice if self._compiled else ROUNDS_BETWEEN_CLOCKS

    def join_peripherals(self, deadline: float | None) -> None:
        self._exclusively(self._end_peripherals)

    def _end_peripherals(self) -> None:
        self._boot_all()
        for context in self._peripherals:
            while any(endpoint.arrived for endpoint in context.clients) and not context.gone:
                self._look(context)
            self._end(context, None)

    def stop(self) -> None:
        self._stop_asked = self._attention = True

    def _exclusively(self, work: Callable[[], None]) -> None:
        """Run the machine in this thread, and end it if that is interrupted."""
        try:
            self._right.exclusively(self._with_waiter, work)
        except AlreadyRunningError as error:
            raise MachineError(str(error)) from None

    def _with_waiter(self, work: Callable[[], None]) -> None:
        outer = current.waiter
        try:
            current.waiter = self
            work()
            self._halt_the_ended()
        except KeyboardInterrupt:
            self._running = None
            for context in (*self._processors, *self._peripherals):
                context.depth, context.waiting = 0, False
                self._end(context, None)
            self._halt_the_ended()
            raise
        finally:
            current.waiter = outer

    def _forget_whose_turn(self) -> None:
        self._running = None

    # Rounds.

    def _run(self, rounds: int) -> None:
        """Give every part so many turns, or fewer if all processors end."""
        self._boot_all()
        left, longest = rounds, BURST
        while left > 0 and self._alive:
            if self._attention:
                self._prepare()
            # Not before: `stop` may be called in another thread, and asks for attention last.
            if self._stop_asked:
                for context in self._processors:
                    self._end(context, None)
                return
            if self._compiled is not None and not self._attention:
                self._running = None
                left -= self._compiled.run(left)
                continue
            left -= self._burst(min(left, longest, 1 + BURST // len(self._turns)))
            # Where something happens all the time, long ones would be prepared in vain.
            longest = 1 if self._attention else min(2 * longest, BURST)
            self._halt_the_ended()

    def _burst(self, rounds: int) -> int:
        """Give every part so many turns, or fewer: a round in which something needs attention is
        the last one. Returns how many."""
        turns = self._turns
        entries = iter(turns * rounds)
        try:
            for self._running, turn, channels in entries:
                if channels is None:
                    turn()
                else:
                    turn(channels)
                if self._attention:
                    break
            else:
                return rounds
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._running is None:
                raise  # It is no part's error.
            self._finish_round(error)
        else:
            self._finish_round(None)
        return rounds - length_hint(entries) // len(turns)

    def _finish_round(self, error: BaseException | None) -> None:
        """Give those their turns that come after the running part, and see who needs attention.

        The error is that of the running part, if it has failed.
        """
        context = self._running
        assert context is not None
        self._running = None
        if error is not None:
            self._end(context, error)
        if context.turn is None:
            self._second_half(self._peripherals[context.status.number + 1 :])
        else:
            self._first_half(self._processors[context.status.number + 1 :])
            self._second_half(self._peripherals)

    def _first_half(self, contexts: Sequence[DirectContext]) -> None:
        for context in contexts:
            if not (context.gone or context.waiting):
                assert context.turn is not None
                self._guarded(context, partial(context.turn, context.channels))

    def _second_half(self, peripherals: Sequence[DirectContext]) -> None:
        for context in peripherals:
            if not (context.gone or context.waiting):
                self._look(context)
            if context.cycle is not None and not (context.gone or context.waiting):
                self._guarded(context, context.cycle)
        for context in self._processors:
            self._look(context)

    def _guarded(self, context: DirectContext, method: Callable[[], object]) -> None:
        """Call a method of a part, and end the part if it raises."""
        outer, self._running = self._running, context
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
            self._end(context, error)

    def _look(self, context: DirectContext) -> None:
        """One look at each channel that leads to a part, for queries that were sent."""
        for endpoint in context.clients:
            if endpoint.arrived and not (context.gone or context.swapping):
                self._attention = True  # There may be more.
                assert isinstance(endpoint, DirectEndpoint)
                self._guarded(context, endpoint.serve)
                self._halt_the_ended()

    def _prepare(self) -> None:
        """Find out what is called in a round as long as nothing needs attention."""
        self._attention = any(f.arrived for s in self._peripherals for f in s.clients)
        if self._turns:
            return
        processors: list[Turn] = [
            (context, context.turn, context.channels)
            for context in self._processors
            if context.turn is not None and not context.gone
        ]
        peripherals: list[Turn] = [
            (context, context.cycle, None)
            for context in self._peripherals
            if context.cycle is not None and not context.gone
        ]
        self._turns = processors + peripherals

    # Waiting for channels that are not the machine's.

    def wait_for(self, direction: Direction) -> None:
        """Let the others have turns until something is in the channel."""
        if self._left_behind():
            return
        while direction.queue.empty():
            if not self._let_others_run():
                raise DeadlockError(
                    "recv: the channel is empty, and no other part can go on that might send: all "
                    "have ended or wait, in turns that this one is nested in. If several parts "
                    "wait for each other within one turn, use the scheduler threads"
                )

    def pause(self) -> None:
        if not self._left_behind():
            self._let_others_run()

    def _left_behind(self) -> bool:
        """Whether no part has its turn: a second Ctrl-C ended the run before it could tidy up.

        The thread's channels are then its own again, and wait as any queue does.
        """
        if self._running is not None:
            return False
        current.waiter = None
        return True

    def _let_others_run(self) -> bool:
        """One round of all that do not wait. Returns whether there was one."""
        context = self._running
        assert context is not None
        others = [s for s in (*self._processors, *self._peripherals) if s is not context]
        if self._nesting == MAX_NESTING or not any(map(_can_go_on, others)):
            return False
        self._nesting += 1
        context.waiting = True
        try:
            self._first_half(self._processors)
            self._second_half(self._peripherals)
        finally:
            context.waiting = False
            self._nesting -= 1
        if (context.gone or self._stop_asked) and not context.halted:
            raise Unwind
        return True

    # The ways of parts.

    def _boot_all(self) -> None:
        if not self._all_booted:
            for context in (*self._peripherals, *self._processors):
                self.boot(context)
            self._all_booted = True

    def boot(self, context: DirectContext) -> None:
        """Boot a part, if that has not begun yet."""
        if context.booted or context.gone:
            return
        context.booted = True
        context.refresh()
        if context.failed_early:
            self._end(context, None)
        else:
            self._guarded(context, context.call_boot)

    def fail(self, context: DirectContext, error: BaseException) -> None:
        """End a part whose `handle` has raised."""
        self._end(context, error)

    def attend(self) -> None:
        """Something has happened that the next round has to look at."""
        self._attention = True

    def _end(self, context: DirectContext, error: BaseException | None) -> None:
        """End a part, halt it as soon as no method of it is going on."""
        if isinstance(error, Unwind) or (error is None and context.gone):
            return
        context.end(error)
        if context.gone:
            return
        context.gone = self._attention = True
        self._turns = []
        if context.turn is not None:
            self._alive -= 1
        context.refresh()
        self._to_halt.append(context)
        self._halt_the_ended()

    def _halt_the_ended(self) -> None:
        """Call the halts that are due: of those that have ended and left all their methods."""
        for context in list(self._to_halt):
            if not (context.depth or context.waiting or context is self._running or context.halted):
                self._to_halt.remove(context)
                context.halted = True
                self._guarded(context, context.call_halt)


def _can_go_on(context: DirectContext) -> bool:
    """Whether a part does something in its turn."""
    if context.gone or context.waiting:
        return False
    return (
        context.turn is not None
        or context.cycle is not None
        or any(endpoint.arrived for endpoint in context.clients)
    )
