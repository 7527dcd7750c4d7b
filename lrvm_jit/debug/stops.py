"""Breakpoints and watchpoints of a debugger: keeping them, arming the board, judging its stops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeVar

from ..core.observer import Interest, RunObserver
from ..core.stop import Stop, StopReason
from ..core.watchpoints import MOST_WATCHED_WORDS, MOST_WATCHPOINTS, Watch
from ..isa.table import REGISTER_NAMES, Reg
from ..machine.motherboard import Motherboard
from .expressions import WORD, ExpressionError
from .inspection import DebugError, Inspection
from .points import Breakpoint, Change, Point, RegisterWatch, WatchKind, Watchpoint
from .program import ProgramInfo

HOLES: Final = re.compile(r"\{([^{}]+)\}")
_COMPONENT: Final = re.compile(r"component[\s:]+(\S.*)$", re.IGNORECASE)
AnyPoint = TypeVar("AnyPoint", Breakpoint, Watchpoint, RegisterWatch)
CATCHES: Final = ("unhandled", "all", "off")


class Stops(Inspection):
    """What stops a debugged program: its points, the exceptions that are caught, and unmapped
    addresses. `say` gets the lines of log points."""

    def __init__(
        self, board: Motherboard, program: ProgramInfo, say: Callable[[str], None] = print
    ) -> None:
        super().__init__(board, program)
        self.points: dict[int, Point] = {}
        self.say = say
        self.catches_unmapped = False
        """Whether accesses to addresses where nothing is mapped are stops."""
        self._unmapped_before = board.unmapped
        self.listener = Listener(self)
        self._next_number = 1
        self._internal: dict[int, Callable[[], bool]] = {}
        self._values: dict[int, int] = {}
        """The watched words before the next instruction."""

    # --- keeping them ----------------------------------------------------------------------------

    def break_at(
        self,
        location: str | int,
        condition: str | None = None,
        *,
        ignore: int = 0,
        temporary: bool = False,
        log: str | None = None,
    ) -> Breakpoint:
        """A breakpoint at a location, the first of its addresses. With `log` it says that, and
        does not stop; `{expression}` in it is replaced by a value.

        DebugError, or ExpressionError for the condition.
        """
        addresses = [location] if isinstance(location, int) else self.locate(location)
        if addresses[0] % 4 or not 0 <= addresses[0] <= WORD:
            raise DebugError(f"0x{addresses[0]:X} is no multiple of 4 within 32 bits")
        parsed = None if condition is None else self.parse(condition)
        if log is not None:
            for hole in HOLES.findall(log):
                self.parse(hole)
        point = Breakpoint(
            self._next_number,
            parsed,
            ignore,
            temporary,
            address=addresses[0],
            log=log,
        )
        return self._add(point)

    def watch(
        self,
        target: str | int,
        kind: WatchKind | str = WatchKind.CHANGE,
        *,
        words: int | None = None,
        condition: str | None = None,
    ) -> Watchpoint | RegisterWatch:
        """Stop after accesses to the word at an address, or at several words from it on; after
        changes of a register, if that is the target's name; or after accesses to a component:
        `component 2`, `component Clock`.

        An address is virtual, and taken for the physical one that it is now; that in a register is
        `[a0]`. While a register is watched, the program is executed step by step, which is slow.
        DebugError.
        """
        try:
            wanted = WatchKind(kind)
        except ValueError:
            kinds = ", ".join(WatchKind)
            raise DebugError(f"a watchpoint is for {kinds}, not for {kind!r}") from None
        text = f"0x{target:08X}" if isinstance(target, int) else target.strip()
        parsed = None if condition is None else self.parse(condition)
        if text.lower() in REGISTER_NAMES:
            return self._watch_register(text.lower(), wanted, words, parsed)
        component = _COMPONENT.match(text)
        if component is not None:
            if words is not None:
                raise DebugError("a component is watched as a whole; name addresses for a part")
            first, words = self._component_range(component[1].strip())
        else:
            if words is None and self.variables is not None and self.variables.knows(text):
                address, words = self.variables.extent(text)
            else:
                address = target if isinstance(target, int) else self.address_of(text)
            first = self._physical(address & ~3 if self.variables is not None else address)
            words = 1 if words is None else words
        if words < 1 or first + 4 * words > 1 << 32:
            raise DebugError(f"{words} words from 0x{first:08X} on cannot be watched")
        others = [other.addresses for other in self._watchpoints()]
        if words + sum(map(len, others)) > MOST_WATCHED_WORDS:
            raise DebugError(f"{words} words are too many: at most {MOST_WATCHED_WORDS} in all")
        if len(others) >= MOST_WATCHPOINTS:
            raise DebugError(f"there are {MOST_WATCHPOINTS} watchpoints already, which is the most")
        point = Watchpoint(
            self._next_number, parsed, first=first, words=words, kind=wanted, text=text
        )
        return self._add(point)

    def _physical(self, address: int) -> int:
        if not 0 <= address <= WORD or address % 4:
            raise DebugError(f"{address:#x} is no address of a word: a multiple of 4 in 32 bits")
        physical = self.board.memory.translate(address)
        if physical is None:
            raise DebugError(f"the MMU does not let 0x{address:08X} be read")
        return physical

    def _component_range(self, text: str) -> tuple[int, int]:
        """Address and words of a component, by its number or (the beginning of) its name."""
        components = self.board.components
        if text.isdigit() and int(text) < len(components):
            numbers = [int(text)]
        else:
            lower = text.lower()
            numbers = [n for n, one in enumerate(components) if one.name.lower().startswith(lower)]
        if len(numbers) != 1:
            known = ", ".join(f"{n} {one.name}" for n, one in enumerate(components))
            raise DebugError(f"{text!r} is no component; there are {known}")
        mapping = self.board.mappings.of(numbers[0])
        if mapping is None:
            raise DebugError(f"component {numbers[0]} is not mapped, so nothing accesses it")
        return mapping.first, mapping.size // 4

    def _watch_register(
        self, name: str, kind: WatchKind, words: int | None, condition: object
    ) -> RegisterWatch:
        if kind not in (WatchKind.CHANGE, WatchKind.WRITE) or words is not None:
            raise DebugError(
                f"{name} is a register: it is watched for changes; the word at the address in it "
                f"is [{name}]"
            )
        if name == "pc":
            raise DebugError("pc changes with every instruction; use breakpoints")
        point = RegisterWatch(self._next_number, register=REGISTER_NAMES.index(name))
        point.condition = condition  # type: ignore[assignment]
        return self._add(point)

    def _add(self, point: AnyPoint) -> AnyPoint:
        self.points[self._next_number] = point
        self._next_number += 1
        return point

    def point(self, number: int) -> Point:
        """The breakpoint or watchpoint of a number. DebugError."""
        try:
            return self.points[number]
        except KeyError:
            raise DebugError(f"there is no breakpoint or watchpoint {number}") from None

    def delete(self, number: int) -> None:
        """Delete a breakpoint or watchpoint. DebugError if there is none."""
        self.point(number)
        del self.points[number]

    @property
    def catches(self) -> str:
        """Which exceptions are stops: `unhandled` (taken while `ev` is 0), `all` or `off`."""
        return self.listener.mode

    @catches.setter
    def catches(self, mode: str) -> None:
        if mode not in CATCHES:
            raise DebugError(f"exceptions are caught {', '.join(CATCHES)}, not {mode!r}")
        self.listener.mode = mode

    def _breakpoints(self) -> Iterator[Breakpoint]:
        return (p for p in self.points.values() if isinstance(p, Breakpoint) and p.enabled)

    def _watchpoints(self) -> Iterator[Watchpoint]:
        return (p for p in self.points.values() if isinstance(p, Watchpoint) and p.enabled)

    def _register_watches(self) -> Iterator[RegisterWatch]:
        return (p for p in self.points.values() if isinstance(p, RegisterWatch) and p.enabled)

    # --- arming the board ------------------------------------------------------------------------

    def _arm(self) -> None:
        """Have the board stop where the points say."""
        addresses = frozenset({p.address for p in self._breakpoints()} | set(self._internal))
        if addresses != self.board.breakpoints:
            self.board.breakpoints = addresses
        watched: dict[int, str] = {}
        for point in self._watchpoints():
            access = _ACCESS[point.kind]
            for at in point.addresses:
                before = watched.get(at, access)
                watched[at] = access if before == access else Watch.ANY
        if watched != dict(self.board.watchpoints):
            self.board.watchpoints = watched
        self.board.unmapped = "stop" if self.catches_unmapped else self._unmapped_before
        self._see()

    def _disarm(self) -> None:
        """Leave the board as it was without points."""
        self.board.breakpoints, self.board.watchpoints = (), {}
        self.board.unmapped = self._unmapped_before

    def _see(self) -> None:
        """Take the words and registers that are watched for what they are before the next
        instruction."""
        self.listener.see()
        self._values = {}
        for point in self._watchpoints():
            if point.kind is WatchKind.READ:
                continue
            for at in point.addresses:
                word = self.board.memory.peek(at)
                if word is not None:
                    self._values[at] = word

    @contextmanager
    def _stops_at(self, stops: Mapping[int, Callable[[], bool]]) -> Iterator[None]:
        self._internal = dict(stops)
        try:
            yield
        finally:
            self._internal = {}

    @property
    def _observer(self) -> RunObserver | None:
        self.listener.caught = None
        self.listener.watches_instructions = any(True for _ in self._register_watches())
        self.listener.watches_exceptions = self.listener.mode != "off"
        wanted = self.listener.watches_instructions or self.listener.watches_exceptions
        return self.listener if wanted else None

    # --- judging its stops -----------------------------------------------------------------------

    def _met_breakpoints(self) -> tuple[Point, ...]:
        met: list[Point] = []
        for point in list(self._breakpoints()):
            if point.address != self.pc or not self._holds(point) or not self._counts(point):
                continue
            if point.log is not None:
                self.say(self.filled(point.log))
            else:
                met.append(point)
        return tuple(met)

    def filled(self, text: str) -> str:
        """A log point's text with values in it."""

        def value(match: re.Match[str]) -> str:
            try:
                return str(self.evaluate(match[1]))
            except ExpressionError as error:
                return f"<{error}>"

        return HOLES.sub(value, text)

    def _holds(self, point: Point) -> bool:
        """Whether its condition holds; one that has no value here stops, to be seen."""
        if point.condition is None:
            return True
        try:
            return bool(point.condition(self))
        except ExpressionError:
            return True

    def unknown_condition(self, point: Point) -> str | None:
        """Why its condition has no value here, so that it has stopped; None if it has one."""
        if point.condition is not None:
            try:
                point.condition(self)
            except ExpressionError as error:
                return f"{point.condition.text!r} of {point.number} has no value here: {error}"
        return None

    @staticmethod
    def _counts(point: Point) -> bool:
        """Count a hit; whether it is one to stop at."""
        point.hits += 1
        if point.ignore:
            point.ignore -= 1
            return False
        return True

    def _met_watchpoints(self, stop: Stop) -> tuple[Change | None, list[Point]]:
        """The watchpoints that an access meets, and the access."""
        hit = stop.watch
        assert hit is not None
        before = self._values
        self._see()
        met: list[Point] = []
        where = hit.address
        for point in self._watchpoints():
            # Words that are watched for reads alone have no values here.
            differing = [] if before == self._values else _differing(point, before, self._values)
            touched = hit.address in point.addresses
            match point.kind:
                case WatchKind.CHANGE:
                    component = hit.address not in self._values and hit.access is Watch.WRITE
                    wanted = bool(differing) or (touched and component)
                case WatchKind.ANY:
                    wanted = touched
                case _:
                    wanted = touched and hit.access == str(point.kind)
                    wanted |= point.kind is WatchKind.WRITE and bool(differing)
            if wanted and self._holds(point):
                met.append(point)
                if differing and not touched:
                    where = differing[0]
        if not met:
            return None, met
        old = before.get(where)
        new = self._values.get(where, hit.word)
        access = str(hit.access) if old == new or old is None else str(Watch.WRITE)
        return self._change(stop, where, access, old, new), met

    def _met_registers(self, stop: Stop) -> tuple[Change | None, list[Point]]:
        """The watches of registers that the last instruction has changed, and the first change."""
        before = self.listener.registers
        now = [int(word) for word in self.board.cpu.regs]
        met: list[Point] = []
        change: Change | None = None
        for point in self._register_watches():
            code = point.register
            if before and before[code] != now[code] and self._holds(point):
                met.append(point)
                if change is None:
                    change = self._change(stop, None, "write", before[code], now[code], code)
        if any(True for _ in self._register_watches()):
            self.listener.see()
        return change, met

    def _change(
        self,
        stop: Stop,
        address: int | None,
        access: str,
        old: int | None,
        new: int,
        register: int | None = None,
    ) -> Change:
        return Change(
            address,
            access,
            old,
            new,
            stop.address,
            self.place(stop.address),
            self.position - 1,
            stop.cycles - 1,
            None if register is None else str(Reg(register)),
        )


class Listener(RunObserver):
    """Stops a run at an exception, or after a change of a watched register."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._board = stops.board
        self.mode = "unhandled"
        self.caught: Stop | None = None
        self.stopped = False
        """Whether it has stopped the run because of a register."""
        self.registers: list[int] = []
        """As they were before the last instruction."""

    def see(self) -> None:
        """Take the registers for what they are before the next instruction."""
        self.registers = [int(word) for word in self._board.cpu.regs]
        self.stopped = False

    def instruction(self) -> None:
        now = [int(word) for word in self._board.cpu.regs]
        if any(
            self.registers[point.register] != now[point.register]
            for point in self._stops.points.values()
            if isinstance(point, RegisterWatch) and point.enabled
        ):
            self.stopped = True
            self._board.stop()

    def exception(self, stop: Stop) -> Interest:
        if self.mode == "unhandled" and self._board.cpu.regs.ev:
            return Interest.NOT_THIS
        self.caught = stop
        self._board.stop()
        return Interest.MORE


def is_register_stop(stop: Stop, listener: Listener) -> bool:
    """Whether a stop of the board may be a change of a watched register."""
    return listener.watches_instructions and stop.reason in (
        StopReason.STOPPED,
        StopReason.BUDGET,
        StopReason.HALTED,
    )


def _differing(point: Watchpoint, before: dict[int, int], now: dict[int, int]) -> list[int]:
    return [at for at in point.addresses if before.get(at) != now.get(at)]


_ACCESS: Final = {
    WatchKind.READ: Watch.READ,
    WatchKind.WRITE: Watch.WRITE,
    WatchKind.CHANGE: Watch.WRITE,
    WatchKind.ANY: Watch.ANY,
}
