"""The hooks of a board, and how they are called; `lrvm_jit.core.hooks` has the rules."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..arguments import number_within
from ..core import layout
from ..core.bus_tap import BusTap
from ..core.core import Core
from ..core.hooks import Hook, HookAccess, HookEvent, HookKind
from ..exceptions import HardwareError
from ..isa.table import WORD_MASK, Reg

if TYPE_CHECKING:
    from .motherboard import Motherboard


class Hooks:
    """All hooks of a board, by what they are called at."""

    def __init__(self, core: Core, board: Motherboard) -> None:
        self._core = core
        # The board owns this; a board that is no longer used is to be freed at once.
        self._board = weakref.ref(board)
        self._all: list[Hook] = []
        self.tap: BusTap | None = None
        """What the user has between the guest and the components; `apply` after a change."""
        self.between_instructions = False
        """Whether hooks are being called while no instruction is in progress."""
        self.changed_memory = False
        """Whether those that were called last have changed memory, mapping or privileged
        registers."""
        self.error: BaseException | None = None
        """What a hook has raised within an instruction."""

    def add(self, hook: Hook) -> None:
        """Add a hook, after those that are there. ValueError for too many memory ranges."""
        self.forget_removed()
        if hook.kind is HookKind.MEMORY:
            self._core.watchpoints.hook([*self._ranges(), hook.range])
        self._all.append(hook)
        self.apply()

    def apply(self) -> None:
        """Have the bus tell the hooks of accesses, and the engine go over the bus for that."""
        self._core.bus.tap = HookTap(self, self._core, self.tap) if self._for_accesses else self.tap
        self._core.update_mapping_rows()

    def forget_removed(self) -> bool:
        """Let go of hooks that were removed; whether a change of what is looked at is due."""
        if not self._all:
            return False
        kept = [hook for hook in self._all if hook.active]
        if len(kept) == len(self._all):
            return False
        self._all = kept
        self._core.watchpoints.hook(self._ranges())
        self.apply()
        return True

    def clear(self) -> None:
        """Remove all."""
        for hook in self._all:
            hook.remove()

    def _ranges(self) -> list[range]:
        return [hook.range for hook in self.of(HookKind.MEMORY)]

    def of(self, kind: HookKind) -> list[Hook]:
        """The hooks of a kind in the order in which they were added."""
        return [hook for hook in self._all if hook.kind is kind and hook.active]

    @property
    def breakpoints(self) -> frozenset[int]:
        """The addresses of breakpoints with hooks."""
        return frozenset(hook.address for hook in self.of(HookKind.BREAKPOINT))

    @property
    def _for_accesses(self) -> bool:
        return any(hook.kind in (HookKind.MEMORY, HookKind.COMPONENT) for hook in self._all)

    @property
    def wanted(self) -> bool:
        """Whether there are hooks that are called between two instructions."""
        if not self._all:
            return False
        kinds = (HookKind.BREAKPOINT, HookKind.EXCEPTION, HookKind.MODE)
        return any(hook.kind in kinds for hook in self._all)

    def event(self, kind: HookKind, pc: int) -> HookEvent:
        """An event of now."""
        return HookEvent(kind, pc, supervisor=bool(self._core.state.regs_view[Reg.SMT]))

    def call(self, hooks: Iterable[Hook], event: HookEvent) -> None:
        """Call hooks one after the other. What one raises comes out of it."""
        board = self._board()
        assert board is not None
        for hook in tuple(hooks):
            if hook.active:
                hook.function(board, event)

    @contextmanager
    def between(self) -> Iterator[bool]:
        """Hooks are called in this block while no instruction is in progress, if the tap agrees."""
        tap = self.tap
        if tap is not None and not tap.calls_hooks:
            yield False
            return
        state = self._core.state.state_view
        before = state[layout.VERIFY]
        state[layout.VERIFY] = 0
        self.between_instructions = True
        try:
            if tap is not None:
                tap.hooks_begin()
            try:
                yield True
            finally:
                if tap is not None:
                    tap.hooks_ended()
        finally:
            self.between_instructions = False
            self.changed_memory = bool(state[layout.VERIFY])
            state[layout.VERIFY] |= before
            if self.changed_memory:
                # So an exception that comes again is another one.
                state[layout.UNTOUCHED] = 0

    def access(self, hooks: Sequence[Hook], event: HookEvent) -> None:
        """Call hooks within an instruction; an error that is none for the guest is kept."""
        for hook in hooks:
            before = event.word
            try:
                self.call([hook], event)
                event.word = number_within("the word of a hook", event.word, 0, WORD_MASK)
            except HardwareError:
                raise
            except BaseException as error:
                # The access goes on, so that nothing that a component has answered is lost.
                event.word = before
                self.error = self.error or error
                self._core.request_stop()
                return


class HookTap(BusTap):
    """Calls hooks at accesses to components and to memory ranges.

    They stand between the board's own tap and the component, so that a recording holds what they
    make of an answer, and a replay calls neither.
    """

    def __init__(self, hooks: Hooks, core: Core, tap: BusTap | None) -> None:
        self._hooks = hooks
        self._core = core
        self._tap = tap or BusTap()
        self._memory = hooks.of(HookKind.MEMORY)
        self._components = hooks.of(HookKind.COMPONENT)

    @property
    def calls_hooks(self) -> bool:
        return self._tap.calls_hooks

    def hooks_begin(self) -> None:
        self._tap.hooks_begin()

    def hooks_ended(self) -> None:
        self._tap.hooks_ended()

    def run_starts(self) -> None:
        self._tap.run_starts()

    def run_ended(self) -> None:
        self._tap.run_ended()

    def memory_written(self, address: int, words: Sequence[int]) -> None:
        self._tap.memory_written(address, words)

    def read(self, component: int, offset: int, read: Callable[[int], int]) -> int:
        hooked = self._at(component, offset, HookAccess.READ)
        if not hooked:
            return self._tap.read(component, offset, read)

        def asked(offset: int) -> int:
            word = self._core.bus.word(component, offset, read(offset))
            return self._called(hooked, component, offset, HookAccess.READ, word)

        return self._tap.read(component, offset, asked)

    def write(
        self, component: int, offset: int, word: int, write: Callable[[int, int], None]
    ) -> None:
        hooked = self._at(component, offset, HookAccess.WRITE)
        if not hooked:
            self._tap.write(component, offset, word, write)
            return

        def told(offset: int, word: int) -> None:
            write(offset, self._called(hooked, component, offset, HookAccess.WRITE, word))

        self._tap.write(component, offset, word, told)

    def swap(self, component: int, offset: int, word: int, swap: Callable[[int, int], int]) -> int:
        before = self._at(component, offset, HookAccess.WRITE)
        after = self._at(component, offset, HookAccess.READ)
        if not before and not after:
            return self._tap.swap(component, offset, word, swap)

        def asked(offset: int, word: int) -> int:
            word = self._called(before, component, offset, HookAccess.WRITE, word)
            old = self._core.bus.word(component, offset, swap(offset, word))
            return self._called(after, component, offset, HookAccess.READ, old)

        return self._tap.swap(component, offset, word, asked)

    def reset(self, component: int, reset: Callable[[], None]) -> None:
        hooked = [hook for hook in self._components if self._is_for(hook, component)]

        def asked() -> None:
            self._called(hooked, component, 0, HookAccess.RESET, 0)
            reset()

        self._tap.reset(component, asked if hooked else reset)

    @staticmethod
    def _is_for(hook: Hook, component: int) -> bool:
        return hook.active and hook.component in (None, component)

    def _at(self, component: int, offset: int, access: HookAccess) -> list[Hook]:
        """The hooks of an access in the order in which they are called."""
        found: list[Hook] = []
        if self._memory:
            address = self._address(component, offset)
            found = [
                hook
                for hook in self._memory
                if hook.active and hook.takes(access) and address in hook.range
            ]
        if self._components and not self._is_plain(component, offset):
            found += [
                hook
                for hook in self._components
                if self._is_for(hook, component) and hook.takes(access)
            ]
        return found

    def _address(self, component: int, offset: int) -> int | None:
        mapping = self._core.mappings.of(component)
        return None if mapping is None else mapping.first + offset

    def _is_plain(self, component: int, offset: int) -> bool:
        windows = self._core.components[component].windows
        return any(window.offset <= offset < window.end for window in windows)

    def _called(
        self, hooks: Sequence[Hook], component: int, offset: int, access: HookAccess, word: int
    ) -> int:
        """Call hooks at an access; the word that they make of one."""
        address = self._address(component, offset)
        supervisor = bool(self._core.state.regs_view[Reg.SMT])
        pc = self._core.state.regs_view[Reg.PC]
        for kind in (HookKind.MEMORY, HookKind.COMPONENT):
            chosen = [hook for hook in hooks if hook.kind is kind]
            if chosen:
                event = HookEvent(kind, pc, address, component, offset, access, word)
                event.supervisor = supervisor
                self._hooks.access(chosen, event)
                word = event.word
                if self._hooks.error is not None:
                    break
        return word
