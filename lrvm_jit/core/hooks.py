"""Hooks: functions of the host that are called while a machine runs (`Motherboard.on`).

Rules (docs/machine.md tells them to users):

- Hooks at one place are called in the order in which they were added. What one changes, the next
  one sees. One that is removed meanwhile is not called any more.
- Within an instruction come the hooks of its accesses, in program order: of the memory range first,
  then of the component. Between two instructions come those of an exception, then of a change
  of mode, then of a breakpoint before the next instruction.
- Between two instructions hooks come before stops of the same place: before an exception ends
  the run (`halt_on_exception`), and before a breakpoint of the board does. `board.stop()` in a
  hook ends the run there, after all hooks of that place.
- A breakpoint's hooks are called once for each arrival. If they move `pc`, the instruction there
  is not executed, and the hooks and breakpoints of the new place are next.
- What a hook within an instruction changes of the CPU takes effect after the instruction, as
  what a component changes.
- A `HardwareError` out of a hook within an instruction refuses the access. Any other error ends
  the run between two instructions, after the hook's own one, and comes out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..arguments import number_within, whole_number
from ..exceptions import GuestException
from ..records import dataclass
from .mapping import ADDRESS_SPACE
from .watchpoints import MOST_WATCHED_WORDS, Watch

if TYPE_CHECKING:
    from ..machine.motherboard import Motherboard


class HookKind(StrEnum):
    """What a hook is called at.

    >>> from lrvm_jit import HookKind
    >>> HookKind.MEMORY == "memory"
    True
    """

    BREAKPOINT = "breakpoint"
    """Before the instruction at a virtual address."""
    MEMORY = "memory"
    """At each access of the guest to a range of physical addresses: after a read, before a write.
    Reading an instruction or a page-table entry is a read."""
    EXCEPTION = "exception"
    """After the CPU has taken an exception or interruption."""
    MODE = "mode"
    """After an instruction that has changed between supervisor mode and userland."""
    COMPONENT = "component"
    """At each access of the guest that a component answers, or its RESET: after a read, before
    a write. Plain memory (`Component.windows`) answers none: hook its addresses."""


class HookAccess(StrEnum):
    """An access that a hook is called at.

    >>> from lrvm_jit import HookAccess
    >>> HookAccess.READ == "read"
    True
    """

    READ = "read"
    WRITE = "write"
    RESET = "reset"


@dataclass(slots=True)
class HookEvent:
    """What a hook is told of. Fields that say nothing about its kind are None, `word` 0.

    >>> from lrvm_jit import HookEvent, HookKind
    >>> HookEvent(HookKind.BREAKPOINT, pc=8).pc
    8
    """

    kind: HookKind
    pc: int
    """Of a breakpoint: the next instruction. Of the others: the one that did it."""
    address: int | None = None
    """The physical address of an access."""
    component: int | None = None
    """Its component,"""
    offset: int | None = None
    """the byte offset there,"""
    access: HookAccess | None = None
    """and what it is."""
    word: int = 0
    """What is read or written; a hook may put another word in its place."""
    exception: GuestException | None = None
    supervisor: bool = True
    """Whether the CPU is in supervisor mode now."""


HookFunction: TypeAlias = Callable[["Motherboard", HookEvent], object]

_TAKEN: Final[dict[HookKind, tuple[str, ...]]] = {
    HookKind.BREAKPOINT: ("address",),
    HookKind.MEMORY: ("address", "words", "access"),
    HookKind.EXCEPTION: ("code",),
    HookKind.MODE: (),
    HookKind.COMPONENT: ("component", "access"),
}
"""The arguments that each kind takes."""


@dataclass(eq=False, slots=True)
class Hook:
    """A function, and where it is called. `remove()` takes it off the board, at any time.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> seen = []
    >>> with Motherboard([BootRom(assemble("inc a0\\ninc a0\\nhalt"))]) as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     _ = board.on("breakpoint", lambda board, event: seen.append(event.pc), address=4)
    ...     _ = board.run()
    >>> seen
    [4]
    """

    kind: HookKind
    function: HookFunction
    address: int = 0
    words: int = 1
    access: Watch = Watch.ANY
    component: int | None = None
    code: int | None = None
    active: bool = True

    def remove(self) -> None:
        """Have it not called any more. May be called again, and from within hooks."""
        self.active = False

    @property
    def range(self) -> range:
        """The word addresses of a memory range."""
        return range(self.address, self.address + 4 * self.words, 4)

    def takes(self, access: HookAccess) -> bool:
        """Whether it is for an access of this kind."""
        return self.access in (Watch.ANY, access)


def make_hook(
    kind: str, function: HookFunction, components: int, arguments: dict[str, Any]
) -> Hook:
    """A hook from what a user gives; arguments that are None were not given.

    TypeError for a function that is none and for arguments that the kind does not take, or lacks;
    ValueError for values outside their range.
    """
    try:
        wanted = HookKind(kind)
    except ValueError:
        raise ValueError(
            f"there are no hooks for {kind!r}; they are for {', '.join(map(str, HookKind))}"
        ) from None
    if not callable(function):
        raise TypeError(f"a hook calls a function of the board and an event, not {function!r}")
    given = {name: value for name, value in arguments.items() if value is not None}
    for name in given:
        if name not in _TAKEN[wanted]:
            takes = ", ".join(_TAKEN[wanted]) or "nothing else"
            raise TypeError(f"a hook for {wanted} has no {name!r}; it takes {takes}")
    hook = Hook(wanted, function)
    if "address" in _TAKEN[wanted]:
        if "address" not in given:
            raise TypeError(f"a hook for {wanted} needs an address")
        hook.address = whole_number("address", given["address"])
        if hook.address % 4 or not 0 <= hook.address < ADDRESS_SPACE:
            raise ValueError(
                f"address {hook.address:#x} must be a multiple of 4 within 0..0xFFFFFFFF"
            )
    if "words" in given:
        room = min(MOST_WATCHED_WORDS, (ADDRESS_SPACE - hook.address) // 4)
        hook.words = number_within("words", given["words"], 1, room)
    if "access" in given:
        try:
            hook.access = Watch(given["access"])
        except ValueError:
            names = ", ".join(repr(str(one)) for one in Watch)
            raise ValueError(f"access is {given['access']!r}; it must be one of {names}") from None
    if "component" in given:
        hook.component = number_within("component", given["component"], 0, components - 1)
    if "code" in given:
        hook.code = number_within("code", given["code"], 0, 0xFF)
    return hook
