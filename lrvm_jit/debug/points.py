"""Breakpoints and watchpoints, and what stopped a debugged program."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ..exceptions import GuestException
from .expressions import Expression
from .program import Place


class WatchKind(StrEnum):
    """Which accesses to a watched word are a stop."""

    READ = "read"
    WRITE = "write"
    CHANGE = "change"
    """Writes after which the word is another one."""
    ANY = "any"


@dataclass(slots=True)
class Point:
    """What breakpoints and watchpoints have in common."""

    number: int
    condition: Expression | None = None
    """It counts only where this is not 0."""
    ignore: int = 0
    """So many times it is passed yet."""
    temporary: bool = False
    """Deleted by its first stop."""
    enabled: bool = True
    hits: int = 0
    """How often its condition has held, going forward."""


@dataclass(slots=True)
class Breakpoint(Point):
    """Before the instruction at a virtual address."""

    address: int = 0
    log: str | None = None
    """Instead of stopping, say this; `{expression}` in it is replaced by a value."""


@dataclass(slots=True)
class Watchpoint(Point):
    """After an instruction that accesses one of some words of physical memory."""

    first: int = 0
    words: int = 1
    kind: WatchKind = WatchKind.CHANGE
    text: str = ""
    """What the user called it."""

    @property
    def addresses(self) -> range:
        """The words' addresses."""
        return range(self.first, self.first + 4 * self.words, 4)


@dataclass(slots=True)
class RegisterWatch(Point):
    """After an instruction that changes a register."""

    register: int = 0
    """Its code."""


class EventKind(StrEnum):
    """Why a debugged program stands where it stands."""

    STEP = "step"
    """As many instructions as were asked for are done."""
    LIMIT = "limit"
    BREAKPOINT = "breakpoint"
    WATCHPOINT = "watchpoint"
    EXCEPTION = "exception"
    UNMAPPED = "unmapped"
    """The program has accessed an address where nothing is mapped."""
    HALTED = "halted"
    STOPPED = "stopped"
    """`board.stop()` was called."""
    INTERRUPTED = "interrupted"
    """Ctrl-C."""
    ERROR = "error"
    """A component failed; the instruction has not happened."""
    LOCATION = "location"
    """Where `next`, `finish`, `until` and their like wanted to go."""
    END = "end"
    """A recording goes no further."""
    START = "start"
    """Nothing before this is remembered."""


@dataclass(frozen=True, slots=True)
class Change:
    """An access to a watched word, or the change of a register, by the instruction at `pc`."""

    address: int | None
    """The word's; None for a register."""
    access: str
    old: int | None
    new: int
    pc: int
    place: Place | None
    position: int
    """Before the instruction."""
    cycles: int
    register: str | None = None
    """The register's name."""


@dataclass(frozen=True, slots=True)
class Event:
    """Where the program stands, and why."""

    kind: EventKind
    position: int
    cycles: int
    pc: int
    points: tuple[Point, ...] = ()
    change: Change | None = None
    exception: GuestException | None = None
    address: int = 0
    """The instruction that raised the exception, or accessed what is not mapped."""
    error: BaseException | None = None
    notes: tuple[str, ...] = field(default=())
    """What the user should know besides."""
