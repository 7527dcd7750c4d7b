"""The baseline tier as the translator engine uses it: when there is code, and when it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import baseline_layout as base
from ..core import layout
from ..isa.table import Reg
from ..jit.analysis.heat import Heat
from ..jit.baseline.code import MOST_WORDS, BaselineCode, is_supported, load_ahead

if TYPE_CHECKING:
    from ..core.core import Core
    from ..core.kernel_arrays import KernelArrays
    from ..jit.code.installation import Installation, Installed

COST_OF_PLACE, COST_OF_WORD = 1 << 14, 1 << 18
"""Instructions executed before native code is entered again at a place where that was not worth it,
and a word translated again that has changed too often, for each of them: twenty times what is lost
by it."""
NATIVE_PART = 8
BLOCKS_OF_LOOK = 512
"""Looking at so many takes some hundredths of the time that lies between two looks."""
MOST_APART = 16
LONGEST_PATIENCE = 64
"""This times as many at most."""


class BaselineTier:
    """The baseline of one board, which is made when the board runs first."""

    def __init__(
        self,
        core: Core,
        arrays: KernelArrays,
        context: int,
        most_bytes: int,
        installation: Installation,
        *,
        wanted: bool,
    ) -> None:
        """`context`: address of the kernel's context. Without `wanted`, and where it is not
        supported, the board has none. Native code goes on in the regions of `installation`."""
        self._core = core
        self._state = core.state.state_view
        self._regs = core.state.regs_view
        self._arrays = arrays
        self._context = context
        self._most_bytes = most_bytes
        self._wanted = wanted and is_supported() and len(core.arena) <= MOST_WORDS
        if self._wanted:
            # With the kernel: it belongs to the process, and no run shall wait for it.
            load_ahead()
        self._installation = installation
        installation.follow(self)
        self._mapped = b""
        """The mapped address ranges that the code relies on."""
        self._patience = 1
        self.looks_apart = 1
        """How many times as many instructions as usual are to lie between two looks at what is hot:
        more where many blocks are to be looked at, and where the interpreter does nearly all."""
        self._native_counted = 0
        """Instructions of native code at the last count."""
        self._alone_then = 0
        """How much was left alone when that was last looked at, and"""
        self._cost = 0
        """how many instructions are to be executed before that is tried again, at least."""
        self._retried_at = self._native_then = 0
        """Instructions executed in all, and by native code, at the last retry."""
        self._is_looked_at = False
        self.code: BaselineCode | None = None
        self._counted = 0
        """Instructions executed in all when the counters were last read."""
        self.heat = Heat(len(core.arena)) if self._wanted else None
        """What the counters have told; None where there is no baseline."""

    def prepare(self) -> None:
        """Before a run: have what code there is fit to run."""
        if not self._wanted:
            return
        state = self._arrays.state
        if self.code is None:
            self.code = BaselineCode(
                self._context, state, len(self._arrays.arena), self._most_bytes, self._enter_all
            )
            self.code.leaves_alone = not self._is_looked_at
        self.code.prepare()
        if self._core.mapped != self._mapped:
            self.code.flush()
            self._mapped = self._core.mapped

    def forget(self, *, is_looked_at: bool) -> None:
        """Breakpoints or watched words are others, or none: code jumps across them.

        While there are some, native code is left wherever it comes near to one. Such a place is not
        left alone for that: a region passes by, once the counters have told that it is hot.
        """
        self._is_looked_at = is_looked_at
        if self.code is not None:
            self.code.leaves_alone = not is_looked_at
            self.code.flush()

    def translate_here(self) -> bool:
        """Make native code of what is at pc, where the kernel has just stopped. Whether there is
        a baseline."""
        if self.code is None:
            return False
        state = self._state
        self.code.translate(
            self._regs[Reg.PC],
            supervisor=bool(state[layout.WINDOW_KEY] >> 32 & 1),
            mmu=self._regs[Reg.MTT] != 0,
            low=state[layout.FETCH_LOW],
            words=state[layout.FETCH_WORDS],
            first=state[layout.FETCH_BASE],
        )
        return True

    def between_slices(self, executed: int) -> None:
        """Where the interpreter does what native code lost time with, try that again now and then:
        less often while most of what was `executed` in all is the interpreter's."""
        code = self.code
        if code is None or not code.context[base.ALONE_COUNT]:
            return
        if code.context[base.ALONE_COUNT] != self._alone_then:
            self._alone_then = int(code.context[base.ALONE_COUNT])
            self._installation.give_up_at(code.places_alone)
            places, changed = code.alone
            self._cost = COST_OF_PLACE * places + COST_OF_WORD * changed
        if executed < self._retried_at + self._patience * self._cost:
            return
        native = code.executed - self._native_then
        is_worth_it = 2 * native > executed - self._retried_at
        self._patience = 1 if is_worth_it else min(2 * self._patience, LONGEST_PATIENCE)
        self._retried_at, self._native_then = executed, code.executed
        self._alone_then = 0
        code.retry(self._arrays.ops)

    def begin_anew(self, installed: Installed) -> None:
        """Blocks of what has become a region count from now on."""
        if self.code is not None and self.heat is not None:
            self.heat.add_blocks(self.code.take_counts(), 0)
            self.heat.begin_anew(installed.indices)

    def count(self, executed: int) -> None:
        """Read the counters of blocks and regions; `executed` instructions were in all."""
        if self.code is None or self.heat is None:
            return
        blocks = self.code.take_counts()
        self.heat.add_blocks(blocks, executed - self._counted)
        if NATIVE_PART * (self.code.executed - self._native_counted) < executed - self._counted:
            self.looks_apart = min(2 * self.looks_apart, MOST_APART)
        else:
            self.looks_apart = 1 + len(blocks.starts) // BLOCKS_OF_LOOK
        self._counted, self._native_counted = executed, self.code.executed
        for installed in self._installation:
            done = self._installation.take_executed(installed)
            installed.recent = done + installed.recent // 2
            if done:
                self.heat.add_region(installed.indices, done)

    # --- for the installation of regions ---------------------------------------------------------

    def enter(self, installed: Installed) -> None:
        """Native code that comes to an entry of a region goes on there."""
        if self.code is None:
            return
        delta = self._installation.delta(installed)
        for selector, index in self._installation.entries(installed):
            self.code.enter_region(
                index,
                (index - delta) << 2,
                supervisor=installed.region.supervisor,
                row=installed.row,
                selector=selector,
            )

    def leave(self, index: int) -> None:
        """No native code begins at an arena word any more."""
        if self.code is not None:
            self.code.drop(index)

    def _enter_all(self) -> None:
        for installed in self._installation:
            self.enter(installed)
