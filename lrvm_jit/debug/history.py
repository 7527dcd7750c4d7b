"""Going forward and back in a machine's run.

Forward, the run is cut into pieces of some twenty milliseconds, with a checkpoint after each. Of
the checkpoints those are kept whose distances to the present grow exponentially, so that there
are few, and going back by whatever distance repeats at most a part of that distance. Going back
restores the last checkpoint before the wanted position and replays from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ..core.observer import RunObserver
from ..core.snapshot import Snapshot
from ..core.stop import Stop, StopReason
from ..machine.motherboard import Motherboard
from .recorder import Recorder
from .recording import Checkpoint, Recording

DEFAULT_MEMORY: Final = 256 << 20
"""Bytes that a history may take unless it is told otherwise."""
WANTED_PIECE: Final = 0.02
"""Seconds between two checkpoints."""
SNAPSHOT_SHARE: Final = 50
"""A piece takes at least so many times as long as its checkpoint."""
LOG_SHARE: Final = 8
"""What is logged in a piece takes at most this part of the memory, unless it is a smallest one."""
FIRST_PIECE: Final = 10_000
SMALLEST_PIECE: Final = 1_000
LARGEST_PIECE: Final = 1 << 36
NEAR: Final = 64
"""Going back leaves checkpoints behind whose distances to the position are halved down to this."""
MOST_STOPS: Final = 200
"""Stops in a stretch that is searched backward, after which it is searched in halves."""

Wanted = Callable[[Stop], bool]


class History:
    """The run of a board from now on, in which one can go back.

    `memory_limit` is in bytes; what is oldest is forgotten first. With a `recording`, the run is
    that one, from its start to its end, and no component is called. The board's breakpoints and
    watchpoints are left to the caller.
    """

    def __init__(
        self,
        board: Motherboard,
        memory_limit: int = DEFAULT_MEMORY,
        recording: Recording | None = None,
    ) -> None:
        self.board = board
        self.memory_limit = memory_limit
        self.sealed = recording is not None
        """Whether the run ends where the recording does: its components are not here."""
        self.interrupted = False
        self.recorder = Recorder(board, recording=recording)
        self._piece = FIRST_PIECE
        self._snapshot_seconds = 1e-4
        self._most_bytes = self._log_bytes = 0

    @property
    def recording(self) -> Recording:
        """What the history consists of."""
        return self.recorder.recording

    @property
    def position(self) -> int:
        """Instructions attempted since the history began."""
        return self.recorder.position

    @property
    def start(self) -> int:
        """The first position that can be reached."""
        return self.recording.start

    @property
    def end(self) -> int:
        """The last position that has been reached: the present of the outside world."""
        return self.recording.end

    # --- forward ---------------------------------------------------------------------------------

    def run(self, limit: int | None = None, observer: RunObserver | None = None) -> Stop:
        """Go on, at most by `limit` instructions, until the board stops.

        In the past that is a replay; from the end on components are asked again. The reason is
        `budget` if it ended by the limit.
        """
        self.recorder.look()
        done = 0
        while True:
            left = LARGEST_PIECE if limit is None else limit - done
            if self.recorder.replaying:
                left = min(left, self._known_ahead())
                if left == 0 and (limit is None or limit > done) and not self.sealed:
                    self._arrive()
                    continue
            stop = self._run_piece(min(left, self._piece), observer)
            done += stop.attempted
            self._meddle()
            over = limit is not None and done >= limit
            over |= self.sealed and self.position >= self.end
            if stop.reason is not StopReason.BUDGET or over:
                self.recorder.note()
                if self.recorder.replaying and self.position == self.end and not self.sealed:
                    self._arrive()
                return stop

    def _known_ahead(self) -> int:
        """How far a replay goes by itself: to the end, or to where the host changed something."""
        here = self.position
        ahead = [
            one.position for one in self.recording.checkpoints if one.fixed and one.position > here
        ]
        return min([*ahead, self.end]) - here

    def _meddle(self) -> None:
        """In a replay, change what the host has changed here."""
        if self.recorder.replaying and self.position < self.end:
            checkpoint = self.recording.before(self.position)
            if checkpoint.fixed and checkpoint.position == self.position > self.start:
                self._restore(checkpoint)

    def interrupt(self) -> None:
        """From another thread: have what is in progress end by KeyboardInterrupt, or the board's
        run with reason `stopped`. It holds for what begins next, if nothing is in progress."""
        self.interrupted = True
        self.board.stop()

    def _look_at_interrupts(self) -> None:
        if self.interrupted:
            self.interrupted = False
            self.recorder.note()
            raise KeyboardInterrupt

    def _run_piece(self, length: int, observer: RunObserver | None) -> Stop:
        self._look_at_interrupts()
        log_bytes = self.recording.log.bytes
        began = time.perf_counter()
        try:
            with self.recorder.trusting():
                stop = self.board.run(length, observer=observer)
        except BaseException:
            self.recorder.note()
            raise
        seconds = time.perf_counter() - began
        if stop.reason is StopReason.BUDGET and stop.attempted == self._piece:
            if not self.recorder.replaying:
                self._checkpoint()
            wanted = max(WANTED_PIECE, SNAPSHOT_SHARE * self._snapshot_seconds)
            # The log is forgotten up to a checkpoint, so what lies between two must be a small part
            # of the memory, however slow the host is just now.
            logged = self.recording.log.bytes - log_bytes
            most = self.memory_limit // LOG_SHARE
            if seconds < wanted / 2 and 2 * logged <= most:
                self._piece = min(2 * self._piece, LARGEST_PIECE)
            elif seconds > 2 * wanted or logged > most:
                self._piece = max(self._piece // 2, SMALLEST_PIECE)
        return stop

    def _checkpoint(self) -> None:
        began = time.perf_counter()
        snapshot = self.board.snapshot(skip_unsaved=True)
        self._snapshot_seconds = time.perf_counter() - began
        self.recording.add(self.position, snapshot)
        self.thin()

    def _arrive(self) -> None:
        """The replay has come to the end: the components are what they were there."""
        last = self.recording.checkpoints[-1]
        if last.position == self.end:
            self.board.restore(last.snapshot)
            self.recorder.restored(self.end)
            self.recorder.note()
        self.recorder.go_live()

    # --- back ------------------------------------------------------------------------------------

    def go_to(self, position: int) -> None:
        """Make the machine what it was at a position, from `start` to `end`.

        Breakpoints and watchpoints stop nothing. LookupError for a position that is not known.
        """
        self.recorder.look()
        if not self.start <= position <= self.end:
            raise LookupError(
                f"position {position} is not between {self.start}, the first that is remembered, "
                f"and {self.end}, the last that was reached"
            )
        self._go_to(position)

    def _go_to(self, position: int) -> None:
        if position == self.position:
            self.recorder.note()
            return
        self._keep_end()
        self._restore_for(position)
        self._replay_to(position, leave_checkpoints=True)
        if position == self.end and not self.sealed:
            self._arrive()
        self.recorder.note()

    def _keep_end(self) -> None:
        """Before leaving the end, keep its state, the components' with it."""
        if not self.recorder.replaying and self.position == self.end:
            self.recording.add(self.end, self.board.snapshot(skip_unsaved=True))

    def _restore_for(self, position: int) -> None:
        """Be somewhere at or before a position, as near as can be."""
        checkpoint = self.recording.before(position)
        if not checkpoint.position <= self.position <= position or not self.recorder.replaying:
            self._restore(checkpoint)

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.board.restore(checkpoint.snapshot)
        self.recorder.restored(checkpoint.position)

    def _replay_to(self, position: int, *, leave_checkpoints: bool = False) -> None:
        stops = 0
        kept: tuple[frozenset[int], dict[int, str]] | None = None
        try:
            with self.recorder.trusting():
                while (left := position - self.position) > 0:
                    # Halfway, so that the next step back has less to repeat.
                    halfway = leave_checkpoints and left > NEAR
                    stop = self.board.run(left - left // 2 if halfway else left)
                    if stop.reason is StopReason.BUDGET and halfway:
                        self.recording.add(self.position, self.board.snapshot(skip_unsaved=True))
                    stops += stop.reason is not StopReason.BUDGET
                    if stop.reason is StopReason.HALTED and not stop.attempted:
                        raise RuntimeError(f"the replay halts before position {position}")
                    if stops > MOST_STOPS and kept is None:
                        kept = self.board.breakpoints, dict(self.board.watchpoints)
                        self.board.breakpoints, self.board.watchpoints = (), {}
        finally:
            if kept is not None:
                self.board.breakpoints, self.board.watchpoints = kept

    def find_back(
        self,
        wanted: Wanted,
        observer: RunObserver | None = None,
        begins: Callable[[], None] = lambda: None,
    ) -> int | None:
        """Go back to the last stop before here that is wanted, and say where that is.

        `wanted` is called at each stop of the board in a stretch of the past that is replayed,
        `begins` before each such stretch.
        None, at the start of what is remembered, if there is no such stop.
        """
        self.recorder.look()
        self._keep_end()
        end = self.position
        while end > self.start:
            begin = self.recording.before(end - 1).position
            found = self._last_stop(begin, end, wanted, observer, begins)
            if found is not None:
                self.thin()
                self._go_to(found)
                return found
            end = begin
        self._restore(self.recording.checkpoints[0])
        self.thin()
        self.recorder.note()
        return None

    def _last_stop(
        self,
        begin: int,
        end: int,
        wanted: Wanted,
        observer: RunObserver | None,
        begins: Callable[[], None],
    ) -> int | None:
        """The position of the last wanted stop from `begin` on and before `end`."""
        found: int | None = None
        while begin < end:
            self._restore_for_exactly(begin)
            begins()
            stops = 0
            last: int | None = None
            with self.recorder.trusting():
                while self.position < end and stops < MOST_STOPS:
                    self._look_at_interrupts()
                    stop = self.board.run(end - self.position, observer=observer)
                    if stop.reason is StopReason.BUDGET and self.position >= end:
                        # A register that somebody watches may have been changed by the last
                        # instruction; of watched words that is a stop of its own.
                        steps = observer is not None and observer.watches_instructions
                        if steps and stop.attempted and wanted(stop):
                            last = self.stop_position(stop)
                        break
                    if stop.reason is StopReason.HALTED:
                        break
                    if stop.reason is not StopReason.BUDGET:
                        stops += 1
                        where = self.stop_position(stop)
                        if where < end and wanted(stop):
                            last = where
            found = last if last is not None else found
            if stops < MOST_STOPS:
                return found
            # Too many: look at the later half of the rest first.
            middle = self.position
            if middle >= end:
                return found
            half = middle + (end - middle) // 2
            if half > middle:
                later = self._last_stop(half, end, wanted, observer, begins)
                if later is not None:
                    return later
            begin, end = middle, half if half > middle else end
        return found

    def _restore_for_exactly(self, position: int) -> None:
        checkpoint = self.recording.before(position)
        self._restore(checkpoint)
        if checkpoint.position < position:
            self._replay_to(position)
            self.recording.add(position, self.board.snapshot(skip_unsaved=True))

    def stop_position(self, stop: Stop) -> int:
        """Where one stands after going back to a stop: at a breakpoint, and before the
        instruction that met a watchpoint, raised an exception, or changed a watched register."""
        here = stop.reason in (StopReason.BREAKPOINT, StopReason.HALTED)
        return self.position - (0 if here or not stop.attempted else 1)

    # --- memory ----------------------------------------------------------------------------------

    def thin(self) -> None:
        """Give up checkpoints that are close together for their distance to the end, and the
        oldest ones if all together take too much memory."""
        recording = self.recording
        points = recording.checkpoints
        kept: list[Checkpoint] = []
        following = recording.end
        here = self.position
        for index in range(len(points) - 1, -1, -1):
            point = points[index]
            previous = points[index - 1].position if index else None
            distance = min(recording.end - point.position, abs(here - point.position))
            # Without this one, how far would lie between its neighbours?
            gap = 0 if previous is None else following - previous
            if (
                point.fixed
                or previous is None
                or point.position >= recording.end
                or gap > max(distance // 4, 1)
            ):
                kept.append(point)
                following = point.position
        kept.reverse()
        recording.checkpoints = kept
        self._limit_memory()

    def _limit_memory(self) -> None:
        recording = self.recording
        newest = recording.checkpoints[-1].snapshot
        # Counting takes long, so it is done when it may be too much.
        self._most_bytes += sum(map(len, newest.memory)) + recording.log.bytes - self._log_bytes
        if self._most_bytes <= self.memory_limit:
            self._log_bytes = recording.log.bytes
            return
        points = recording.checkpoints
        while (size := recording.bytes) > self.memory_limit and len(points) > 2:
            del points[: max(1, len(points) // 8)]
            recording.log.forget_before(points[0].position)
        self._most_bytes = size
        self._log_bytes = recording.log.bytes
        points[0].fixed = True

    def snapshot(self) -> Snapshot:
        """The state of the machine here, with what of the components can be saved."""
        return self.board.snapshot(skip_unsaved=True)

    def close(self) -> None:
        """Take the history off the board, which stays where it is."""
        self.recorder.close()
