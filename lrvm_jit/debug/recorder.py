"""Noting what comes from outside during runs, and running again without the outside.

What a machine does follows from its state and from what its components answer. A recorder stands
on the board's bus, notes each answer with the position of the instruction, and what the component
changed besides: words of its windows, words that it wrote through `board.memory`, registers. What
the host changes between runs is found by comparing, and kept as a state. While replaying, the
recorder gives the answers, and no component is called.

Not noted, because nobody tells when they happen: writes to windows by other threads during a run.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

import numpy

from ..core.bus_tap import BusTap
from ..core.snapshot import Snapshot
from ..exceptions import HardwareError
from ..machine.motherboard import Motherboard
from .recording import Access, Effects, Kind, MemoryChange, Recording
from .recording_file import RecordingWriter

_NO_MEMORY: list[MemoryChange] = []


class ReplayError(RuntimeError):
    """A replay has not gone the way of the recording: the machine is another one, or a component
    changes memory in a way that nobody notices."""


class Recorder(BusTap):
    """Records a board's runs from now on, in memory, and in a file if a path is given.

    The file is there from the start and grows by blocks, so that a process that is killed leaves
    what it had flushed: at the end of each run and every few thousand accesses. Close the
    recorder, or use it as a context manager, to take it off the board. With a `recording` the
    board is restored to where that began, and replays it. RuntimeError if the board has a tap
    already, SnapshotError if it is no board like the recording's.
    """

    def __init__(
        self,
        board: Motherboard,
        path: str | os.PathLike[str] | None = None,
        *,
        recording: Recording | None = None,
    ) -> None:
        if board.tap is not None:
            raise RuntimeError("the board has a tap already: another recorder, or a debugger")
        self.board = board
        if recording is not None:
            board.restore(recording.checkpoints[0].snapshot)
        self._last = board.snapshot(skip_unsaved=True)
        self.recording = Recording(self._last) if recording is None else recording
        self._last_position = self.recording.start
        self._anchor = board.cpu.attempted - self._last_position
        self._replaying = False
        self._cursor = 0
        self._compares = True
        self._written: list[MemoryChange] = _NO_MEMORY
        self._inside = False
        self._writer = None if path is None else RecordingWriter(path, self.recording)
        board.tap = self
        if recording is not None:
            self.restored(recording.start)

    # --- where it is -----------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Instructions attempted since the recording began."""
        return self.board.cpu.attempted - self._anchor

    @property
    def replaying(self) -> bool:
        """Whether components are not asked, as the answers are known."""
        return self._replaying

    def restored(self, position: int) -> None:
        """The board has been restored to what it was at a position."""
        self._anchor = self.board.cpu.attempted - position
        self._cursor = self.recording.log.after(position)
        self._replaying = True

    def go_live(self) -> None:
        """Ask the components from now on."""
        self._replaying = False

    @contextmanager
    def trusting(self) -> Iterator[None]:
        """Runs in this block need not be compared: nobody has changed the machine before them."""
        before, self._compares = self._compares, False
        try:
            yield
        finally:
            self._compares = before

    # --- hooks ---------------------------------------------------------------------------------

    @property
    def calls_hooks(self) -> bool:
        return not self._replaying

    def hooks_begin(self) -> None:
        self._before_hooks = self.board.snapshot(skip_unsaved=True)

    def hooks_ended(self) -> None:
        before, now = self._before_hooks, self.board.snapshot(skip_unsaved=True)
        if _same_machine(now, before):
            return
        # They have changed the machine, as the host does between two runs.
        position = self.position
        self.recording.add(position, now, fixed=True)
        if self._writer is not None:
            self._writer.state(position, now)

    # --- ends of runs ----------------------------------------------------------------------------

    def run_starts(self) -> None:
        if self._compares:
            self.look()

    def look(self) -> bool:
        """See whether the host has changed the machine since the last run, and if so go on from
        there; what was recorded after this position is forgotten. Whether it had."""
        now = self.board.snapshot(skip_unsaved=True)
        if _same_machine(now, self._last):
            return False
        position = self.position
        if now.cycles != self._last.cycles:
            # A reset, or a snapshot of another time: the count goes on from where it was.
            position = self._last_position
            self._anchor = self.board.cpu.attempted - position
        self.recording.truncate(position)
        self.recording.add(position, now, fixed=True)
        self._last, self._last_position = now, position
        self._replaying = False
        if self._writer is not None:
            self._writer.state(position, now)
        return True

    def run_ended(self) -> None:
        position = self.position
        recording = self.recording
        if not self._replaying:
            # Accesses of an instruction that a component's error has undone.
            recording.log.truncate(position)
            recording.end = max(recording.end, position)
            if self._writer is not None:
                self._writer.flush()
        else:
            # An answer may have been given to an instruction that was undone.
            self._cursor = recording.log.after(position)
        if self._compares:
            self.note()

    def note(self) -> Snapshot:
        """Take the present state for what the machine itself has come to."""
        self._last = self.board.snapshot(skip_unsaved=True)
        self._last_position = self.position
        return self._last

    # --- accesses --------------------------------------------------------------------------------

    def read(self, component: int, offset: int, read: Callable[[int], int]) -> int:
        if self._is_plain(component, offset):
            return read(offset)
        if self._replaying:
            return self._answer(Kind.READ, component, offset)
        return self._ask(Kind.READ, component, offset, lambda: read(offset))

    def write(
        self, component: int, offset: int, word: int, write: Callable[[int, int], None]
    ) -> None:
        if self._is_plain(component, offset):
            write(offset, word)
        elif self._replaying:
            self._answer(Kind.WRITE, component, offset)
        else:
            self._ask(Kind.WRITE, component, offset, lambda: write(offset, word))

    def swap(self, component: int, offset: int, word: int, swap: Callable[[int, int], int]) -> int:
        if self._replaying:
            return self._answer(Kind.SWAP, component, offset)
        return self._ask(Kind.SWAP, component, offset, lambda: swap(offset, word))

    def reset(self, component: int, reset: Callable[[], None]) -> None:
        if self._replaying:
            self._answer(Kind.RESET, component, 0)
        else:
            self._ask(Kind.RESET, component, 0, reset)

    def memory_written(self, address: int, words: Sequence[int]) -> None:
        if not self._inside:
            return  # between runs, where states are compared
        for mapping in self.board.mappings:
            if mapping.first <= address <= mapping.last:
                offset = address - mapping.first
                windows = self.board.components[mapping.component].windows
                for number, window in enumerate(windows):
                    if window.offset <= offset < window.end:
                        first = (offset - window.offset) // 4
                        data = numpy.array(words, numpy.uint32).tobytes()
                        self._written.append(MemoryChange(mapping.component, number, first, data))

    def _is_plain(self, component: int, offset: int) -> bool:
        """Whether the access comes here only because the word is watched. What hooks make of it
        is noted like a component's answer."""
        mapping = self.board.mappings.of(component)
        if mapping is not None and self.board.is_hooked(mapping.first + offset):
            return False
        for window in self.board.components[component].windows:
            if window.offset <= offset < window.end:
                return True
        return False

    def _ask(self, kind: Kind, component: int, offset: int, call: Callable[[], int | None]) -> int:
        """Have the component do it, and note what it does."""
        board = self.board
        windows = board.components[component].windows
        before = [window.words.copy() for window in windows]
        self._written, self._inside = [], True
        error: HardwareError | None = None
        word = 0
        try:
            answer = call()
            word = 0 if answer is None else answer
        except HardwareError as refusal:
            error = refusal
        finally:
            self._inside = False
        changes = self._written
        for number, (window, old) in enumerate(zip(windows, before, strict=True)):
            where = numpy.flatnonzero(window.words != old)
            if len(where):
                first, last = int(where[0]), int(where[-1])
                data = window.words[first : last + 1].tobytes()
                changes.append(MemoryChange(component, number, first, data))
        effects = None
        pending = board.cpu.pending
        if pending is not None:
            registers, halted, resets = pending
            effects = Effects(tuple(changes), tuple(registers.items()), halted, resets)
        elif changes:
            effects = Effects(tuple(changes))
        # An answer that is no word ends the run with an error, and is cut off with it.
        if error is not None:
            noted = -1 - error.word
        else:
            noted = operator.index(word) if hasattr(word, "__index__") else 0
        noted = max(min(noted, 0xFFFF_FFFF), -0x1_0000)
        self.recording.log.append(self.position, kind, component, offset, noted, effects)
        if self._writer is not None:
            self._writer.noted()
        if error is not None:
            raise error
        return word

    def _answer(self, kind: Kind, component: int, offset: int) -> int:
        """Do again what the component did."""
        number = self._cursor
        log = self.recording.log
        access = log[number] if number < len(log) else None
        position = self.position
        if access is None or (access.position, access.kind, access.component, access.offset) != (
            position,
            kind,
            component,
            offset,
        ):
            raise ReplayError(
                f"at position {position} the guest makes a {kind.name.lower()} of component "
                f"{component} at offset 0x{offset:X}, and {_described(access)} was recorded"
            )
        self._cursor = number + 1
        if access.effects is not None:
            self._do(access.effects)
        if access.answer < 0:
            raise HardwareError.from_word(-1 - access.answer)
        return access.answer

    def _do(self, effects: Effects) -> None:
        board = self.board
        for change in effects.memory:
            words = numpy.frombuffer(change.words, numpy.uint32)
            window = board.components[change.component].windows[change.window]
            window.words[change.first : change.first + len(words)] = words
        if effects.memory:
            board.memory.changed()
        if effects.resets:
            board.cpu.reset()
        for code, word in effects.registers:
            board.cpu.regs[code] = word
        if effects.halted is not None:
            board.cpu.halted = effects.halted

    # --- closing ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Take the recorder off the board and finish its file."""
        if self.board.tap is self:
            self.board.tap = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _same_machine(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots agree in all but the components' own state, which may be a clock's."""
    return (one.registers, one.cpu, one.memory, one.mappings) == (
        other.registers,
        other.cpu,
        other.memory,
        other.mappings,
    )


def _described(access: Access | None) -> str:
    if access is None:
        return "none"
    return (
        f"a {access.kind.name.lower()} of component {access.component} at offset "
        f"0x{access.offset:X} at position {access.position}"
    )
