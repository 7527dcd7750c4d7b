"""The debugger's engine, for terminals, editors and Python alike."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from ..core.stop import Stop, StopReason
from ..isa.table import REGISTER_NAMES, Reg
from ..machine.motherboard import Motherboard
from .expressions import WORD
from .history import DEFAULT_MEMORY, History
from .inspection import DebugError
from .points import Change, Event, EventKind, Point
from .program import ProgramInfo
from .recording import Recording
from .stack import Frame, call_target
from .stops import Stops, is_register_stop


class Debugger(Stops):
    """Debugs the program that runs on a board.

    ```python
    debugger = Debugger(board, assemble_program(source))
    debugger.break_at("loop", condition="a0 == 3")
    event = debugger.run()
    debugger.rstep()
    print(debugger.evaluate("[counter] + 1"), debugger.last_change(0x1000))
    ```

    `program` is what `ProgramInfo` takes, or None. From its making on the debugger stands on the
    board's bus and remembers the run (`History`), in at most `memory_limit` bytes; or it shows a
    `recording`, which is replayed without calling components. The board's
    breakpoints and watchpoints are the debugger's until it is closed. Everything of the board may
    be changed between runs; in the past, that makes another future. `say` gets the lines of log
    points. RuntimeError if the board has a recorder or a debugger already.
    """

    def __init__(
        self,
        board: Motherboard,
        program: Any = None,
        *,
        memory_limit: int = DEFAULT_MEMORY,
        recording: Recording | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        known = program if isinstance(program, ProgramInfo) else ProgramInfo(program)
        super().__init__(board, known, say)
        self.history = History(board, memory_limit, recording)
        self._reported: int | None = None
        """Where the last event was: a breakpoint that stands there is passed."""
        self._before = list(board.cpu.regs)
        """The registers at the last event but one."""
        self._now = self._before

    @property
    def position(self) -> int:
        """Instructions attempted since the debugger was made, or since `restart`."""
        return self.history.position

    def changed_registers(self) -> set[int]:
        """Codes of the registers that are not what they were at the event before."""
        pairs = enumerate(zip(self._before, self.board.cpu.regs, strict=True))
        return {code for code, (old, new) in pairs if old != new and code != Reg.PC}

    # --- forward ---------------------------------------------------------------------------------

    def run(self, max_cycles: int | None = None) -> Event:
        """Go on from here until something stops the program, at most by so many instructions."""
        if max_cycles is not None and max_cycles < 0:
            raise DebugError(f"cannot run {max_cycles} instructions")
        return self._go(max_cycles, EventKind.LIMIT)

    def continue_(self) -> Event:
        """Go on from here until something stops the program."""
        return self._go(None, EventKind.LIMIT)

    def step(self, count: int = 1) -> Event:
        """Attempt so many instructions, unless something stops the program before."""
        if count < 0:
            raise DebugError(f"cannot step {count} instructions; rstep goes back")
        return self._go(count, EventKind.STEP)

    def next(self, count: int = 1) -> Event:
        """Like `step`, but a CALL with all that it leads to counts as one."""
        event = self._event(EventKind.STEP)
        for _ in range(count):
            event = self._next()
            if event.kind not in (EventKind.STEP, EventKind.LOCATION):
                break
        return event

    def _next(self) -> Event:
        pc, sp = self.pc, self.sp
        if call_target(self.peek(pc)) is None:
            return self.step()
        with self._stops_at({pc + 4: lambda: self.sp >= sp}):
            return self._go(None, EventKind.LIMIT)

    def finish(self) -> Event:
        """Go on until the function in progress has returned. DebugError if none is."""
        frame, outer = self._frames()
        slot = frame.slot
        assert slot is not None
        with self._stops_at({outer.pc: lambda: self.sp > slot}):
            return self._go(None, EventKind.LIMIT)

    def _frames(self) -> tuple[Frame, Frame]:
        frames = self.backtrace()
        if len(frames) < 2:
            raise DebugError("there is no return address on the stack: this is no called function")
        return frames[0], frames[1]

    def until(self, location: str | None = None) -> Event:
        """Go on to a location, or, without one, past the next instruction's end of a loop: to the
        first instruction behind this one in the same function."""
        if location is not None:
            stops = dict.fromkeys(self.locate(location), lambda: True)
            with self._stops_at(stops):
                return self._go(None, EventKind.LIMIT)
        pc, sp = self.pc, self.sp
        event = self._next()
        while event.kind in (EventKind.STEP, EventKind.LOCATION) and self.pc <= pc:
            if self.sp > sp:
                break  # it has returned
            with self._stops_at({pc + 4: lambda: self.sp >= sp}):
                event = self._go(None, EventKind.LIMIT)
        return event

    def restart(self) -> Event:
        """Go back to where the debugger began. LookupError if that is forgotten."""
        if self.history.start:
            raise DebugError(
                f"the start is forgotten, as the history is full; "
                f"position {self.history.start} is the first that is remembered"
            )
        self.history.go_to(0)
        return self._arrived(EventKind.START)

    def _go(self, limit: int | None, at_limit: EventKind) -> Event:
        self._arm()
        passed = self._reported
        done = 0
        self._reported = None
        while True:
            left = None if limit is None else limit - done
            try:
                stop = self.history.run(left, self._observer)
            except KeyboardInterrupt:
                return self._arrived(EventKind.INTERRUPTED)
            except Exception as error:
                return self._arrived(EventKind.ERROR, error=error)
            done += stop.attempted
            if (
                stop.reason is StopReason.BREAKPOINT
                and not done
                and passed is not None
                and self.position == passed
            ):
                passed = None
                continue
            event = self._judge(stop, at_limit)
            if event is not None:
                return event
            if limit is not None and done >= limit:
                return self._arrived(at_limit)

    def _judge(self, stop: Stop, at_limit: EventKind) -> Event | None:
        """What a stop of the board is to the user; None if the program goes on."""
        if is_register_stop(stop, self.listener):
            stopped = self.listener.stopped
            change, points = self._met_registers(stop)
            met = tuple(point for point in points if self._counts(point))
            if met:
                return self._arrived(EventKind.WATCHPOINT, points=met, change=change)
            if stopped and self.listener.caught is None:
                return None
        match stop.reason:
            case StopReason.BREAKPOINT:
                met = self._met_breakpoints()
                if met:
                    return self._arrived(EventKind.BREAKPOINT, points=met)
                wanted = self._internal.get(self.pc)
                return self._arrived(EventKind.LOCATION) if wanted and wanted() else None
            case StopReason.WATCHPOINT:
                change, points = self._met_watchpoints(stop)
                met = tuple(point for point in points if self._counts(point))
                if met:
                    return self._arrived(EventKind.WATCHPOINT, points=met, change=change)
                return None
            case StopReason.HALTED:
                return self._arrived(EventKind.HALTED)
            case StopReason.UNMAPPED:
                notes = (f"{stop.unmapped}", stop.advice)
                return self._arrived(EventKind.UNMAPPED, address=stop.address, notes=notes)
            case StopReason.BUDGET:
                over = self.history.sealed and self.position >= self.history.end
                return self._arrived(EventKind.END if over else at_limit)
        caught = self.listener.caught
        if caught is None:
            interrupted = self.history.interrupted
            return self._arrived(EventKind.INTERRUPTED if interrupted else EventKind.STOPPED)
        return self._arrived(
            EventKind.EXCEPTION, exception=caught.exception, address=caught.address
        )

    # --- back ------------------------------------------------------------------------------------

    def rstep(self, count: int = 1) -> Event:
        """Take back so many instructions."""
        if count < 0:
            raise DebugError(f"cannot go back {count} instructions; step goes forward")
        wanted = self.position - count
        self.history.go_to(max(wanted, self.history.start))
        return self._arrived(EventKind.STEP if wanted >= self.history.start else EventKind.START)

    def rcontinue(self) -> Event:
        """Go back to the last breakpoint, watchpoint or caught exception before here.

        Conditions count, ignore counts and log points do not. One stands before the instruction
        that met a watchpoint or raised an exception.
        """
        return self._go_back()

    def rnext(self, count: int = 1) -> Event:
        """Like `rstep`, but a CALL with all that it has led to counts as one."""
        event = self._event(EventKind.STEP)
        for _ in range(count):
            event = self._rnext()
            if event.kind not in (EventKind.STEP, EventKind.LOCATION):
                break
        return event

    def _rnext(self) -> Event:
        pc, sp, here = self.pc, self.sp, self.position
        if here == self.history.start:
            return self._arrived(EventKind.START)
        self.history.go_to(here - 1)
        if self.pc == pc - 4 or call_target(self.peek(pc - 4)) is None or self.sp >= sp:
            return self._arrived(EventKind.STEP)
        with self._stops_at({pc - 4: lambda: self.sp == sp}):
            return self._go_back()

    def rfinish(self) -> Event:
        """Go back to the CALL of the function in progress. DebugError if none is."""
        frame, outer = self._frames()
        slot = frame.slot
        assert slot is not None
        with self._stops_at({outer.pc - 4: lambda: self.sp == slot + 4}):
            return self._go_back()

    def go_to(self, position: int) -> Event:
        """Go to a position of the run that has been reached, forward or back. DebugError."""
        try:
            self.history.go_to(position)
        except LookupError as error:
            raise DebugError(str(error.args[0])) from None
        return self._arrived(EventKind.STEP)

    def last_change(self, address: int) -> Change | None:
        """The last write that changed the word at a virtual address; None if there was none since
        the start of what is remembered. One stays where one is. DebugError."""
        physical = self.board.memory.translate(address) if address % 4 == 0 else None
        if physical is None or self.board.memory.peek(physical) is None:
            raise DebugError(f"0x{address:08X} is no word of plain memory that can be read")
        here = self.position
        kept, self.points = self.points, {}
        mode, self.listener.mode = self.listener.mode, "off"
        unmapped, self.catches_unmapped = self.catches_unmapped, False
        found: list[Change] = []
        try:
            self.watch(physical if physical == address else address)
            self._arm()

            def wanted(stop: Stop) -> bool:
                if stop.reason is not StopReason.WATCHPOINT:
                    return False
                change, met = self._met_watchpoints(stop)
                if met and change is not None:
                    found.append(change)
                return bool(met)

            where = self.history.find_back(wanted, None, self._see)
            if where is None:
                return None
            return next(change for change in reversed(found) if change.position == where)
        finally:
            self.points = kept
            self.listener.mode = mode
            self.catches_unmapped = unmapped
            self._arm()
            self.history.go_to(here)

    def _go_back(self) -> Event:
        self._arm()
        met: dict[int, tuple[EventKind, tuple[Point, ...], Change | None, Stop | None]] = {}

        def wanted(stop: Stop) -> bool:
            where = self.history.stop_position(stop)
            if is_register_stop(stop, self.listener):
                change, watched = self._met_registers(stop)
                if watched:
                    met[where] = EventKind.WATCHPOINT, tuple(watched), change, None
                    return True
            match stop.reason:
                case StopReason.BREAKPOINT:
                    points = tuple(
                        point
                        for point in self._breakpoints()
                        if point.address == self.pc and point.log is None and self._holds(point)
                    )
                    if points:
                        met[where] = EventKind.BREAKPOINT, points, None, None
                        return True
                    test = self._internal.get(self.pc)
                    if test is not None and test():
                        met[where] = EventKind.LOCATION, (), None, None
                        return True
                    return False
                case StopReason.WATCHPOINT:
                    change, watched = self._met_watchpoints(stop)
                    if watched:
                        met[where] = EventKind.WATCHPOINT, tuple(watched), change, None
                    return bool(watched)
                case StopReason.UNMAPPED if self.catches_unmapped:
                    met[where] = EventKind.UNMAPPED, (), None, stop
                    return True
                case StopReason.STOPPED if self.listener.caught is not None:
                    met[where] = EventKind.EXCEPTION, (), None, self.listener.caught
                    self.listener.caught = None
                    return True
            return False

        here = self.position
        try:
            where = self.history.find_back(wanted, self._observer, self._see)
        except KeyboardInterrupt:
            self.history.go_to(here)
            return self._arrived(EventKind.INTERRUPTED)
        if where is None:
            return self._arrived(EventKind.START)
        kind, points, change, caught = met[where]
        return self._arrived(
            kind,
            points=points,
            change=change,
            exception=None if caught is None else caught.exception,
            address=0 if caught is None else caught.address,
        )

    # --- changing --------------------------------------------------------------------------------

    def set(self, target: str, value: int) -> None:
        """Set a register, `pc` among them, or a word: `a0`, `[0x1000]`. In the past, that makes
        another future. DebugError, or HardwareError if a component refuses."""
        text = target.strip()
        if text.lower() in REGISTER_NAMES:
            self.board.cpu.regs[text.lower()] = value & WORD
        elif text.startswith("["):
            address = self.address_of(text)
            physical = None if address % 4 else self.board.memory.translate(address & WORD, "write")
            if physical is None:
                raise DebugError(f"the word at {address:#x} cannot be written")
            self.board.memory.write(physical, value & WORD)
        else:
            raise DebugError(f"{text!r} is neither a register nor a word such as [0x1000]")
        self.history.recorder.look()
        self._now = list(self.board.cpu.regs)

    # --- events ----------------------------------------------------------------------------------

    def _event(self, kind: EventKind, **details: Any) -> Event:
        return Event(kind, self.position, self.board.cpu.cycles, self.pc, **details)

    def interrupt(self) -> None:
        """From another thread: end what is in progress, be it forward or back, as Ctrl-C does."""
        self.history.interrupt()

    def _arrived(self, kind: EventKind, **details: Any) -> Event:
        self.history.interrupted = False
        self._reported = self.position
        self._before, self._now = self._now, list(self.board.cpu.regs)
        for point in details.get("points", ()):
            if point.temporary:
                self.points.pop(point.number, None)
            unknown = self.unknown_condition(point)
            if unknown is not None:
                details["notes"] = (*details.get("notes", ()), unknown)
        return self._event(kind, **details)

    def close(self) -> None:
        """Leave the board as it is, without the debugger."""
        if self.board.tap is self.history.recorder:
            self._disarm()
        self.history.close()

    def __enter__(self) -> Debugger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
