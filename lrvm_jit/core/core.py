"""What an engine works on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from . import layout
from .bus import Bus
from .component import Component, metadata_of
from .cpu_state import CpuState
from .mapping import MemoryMap
from .mapping_rows import mapping_rows
from .metadata import Metadata
from .pending import Pending
from .signals import DeferredSignals
from .watchpoints import MOST_WATCHPOINTS, Watch, Watchpoints


class Core:
    """Components on their bus, the memory map, the arena, and the CPU's state.

    `arena` is uint32: the memory of all windows, one after the other. `stop_requested` may be
    set by any thread while an engine runs: then `ends_here` says what is wanted. Nothing here
    refers back to the board, so that a board that is no longer used is freed at once, with its
    memory.
    """

    def __init__(self, components: Sequence[Component]) -> None:
        self.components = tuple(components)
        metadata = [metadata_of(component) for component in self.components]
        check_components(self.components, metadata)
        windows = [window for component in self.components for window in component.windows]
        self.arena: NDArray[numpy.uint32] = numpy.zeros(
            max(1, sum(len(window.words) for window in windows)), numpy.uint32
        )
        self.mappings = MemoryMap(
            [component.name for component in self.components], [item.size for item in metadata]
        )
        self.bus = Bus(self.components, metadata, self.mappings)
        # Each component has at most one piece before, in and after each window.
        # Each range of watched words cuts one in two and has one of its own.
        rows = sum(1 + 2 * len(c.windows) for c in self.components)
        self.state = CpuState(rows + 2 * MOST_WATCHPOINTS)
        self.pending = Pending(self.state)
        self.watchpoints = Watchpoints(self.mappings)
        self.mapped = b""
        """The mapping table as it is now, to be compared with what somebody has made of it."""
        self.stop_requested = False
        self._end_requested = False
        self.signals = DeferredSignals(self._look_at_signals, self._may_be_interrupted)

    # --- ending a run ------------------------------------------------------------------------

    def request_stop(self) -> None:
        """Have the run end between two instructions."""
        self._end_requested = True
        self.stop_requested = True

    def _look_at_signals(self) -> None:
        self.stop_requested = True

    def ends_here(self) -> bool:
        """Between two instructions, as `stop_requested` is set: have the handlers of signals that
        wait called, which may raise, and say whether somebody wants the run to end."""
        self.stop_requested = self._end_requested
        self.signals.deliver()
        return self._end_requested

    def forget_requests(self) -> None:
        """A run begins, or is over."""
        self._end_requested = self.stop_requested = False
        self.pending.thread = 0

    def _may_be_interrupted(self) -> bool:
        """Whether a component is being asked that wants to be interrupted."""
        state = self.state.state_view
        if state[layout.RESUME] == layout.RESUME_NONE:
            return False
        if state[layout.REQUEST_KIND] not in layout.ACCESSES:
            return False
        return self.components[state[layout.REQUEST_COMPONENT]].interruptible

    def note(self, component: int, offset: int, access: Watch, word: int) -> None:
        """The guest has accessed a word: if it is watched, the run ends after the instruction."""
        if self.watchpoints.note(component, offset, access, word):
            self.request_stop()

    def update_mapping_rows(self) -> None:
        """Write the mapping table that the kernel uses, after a change of what is mapped or
        watched."""
        rows = [
            row
            for mapping in self.mappings
            for row in mapping_rows(
                mapping,
                self.components[mapping.component],
                self.watchpoints.pieces(mapping.component),
            )
        ]
        state = self.state.state
        state[layout.MAPPING_COUNT] = len(rows)
        table = numpy.array(rows, numpy.int64).reshape(-1)
        state[layout.MAPPINGS : layout.MAPPINGS + len(table)] = table
        self.mapped = table.tobytes()
        # What was translated for other bounds of memory is not entered.
        state[layout.PLAIN_LAYOUT] = -1
        self.state.host_changed()

    def watched_words(self) -> list[int]:
        """Arena indices of the watched words that are plain memory."""
        words: list[int] = []
        for number, component in enumerate(self.components):
            for first, end in self.watchpoints.pieces(number):
                for window in component.windows:
                    low, high = max(first, window.offset), min(end, window.end)
                    if low < high:
                        base = window.base - window.offset // 4
                        words += range(base + low // 4, base + high // 4)
        return words

    def plug_in(self) -> None:
        """Make the components this board's own, and move the windows' contents into the arena."""
        base = 0
        for component in self.components:
            component.plugged_in = True
            for window in component.windows:
                end = base + len(window.words)
                # Zeros are there already; writing them would claim the memory.
                if window.words.any():
                    self.arena[base:end] = window.words
                window.plug_in(self.arena[base:end], base)
                base = end

    def unplug(self) -> None:
        """The components belong to no board any more, and can be part of another one."""
        for component in self.components:
            component.plugged_in = False
            for window in component.windows:
                window.unplug()


def check_components(components: Sequence[Component], metadata: Sequence[Metadata]) -> None:
    """ValueError or TypeError unless these can be plugged in, with this metadata, together."""
    if len({id(component) for component in components}) != len(components):
        raise ValueError("a component is listed twice; each one has one id")
    for component, data in zip(components, metadata, strict=True):
        if not isinstance(component.name, str):
            raise TypeError(f"a component's name must be a string, not {component.name!r}")
        if component.plugged_in:
            raise ValueError(f"{component.name} already belongs to another board")
        if component.swap is not None and component.windows:
            raise ValueError(f"{component.name} has both windows and swap(); choose one of them")
        end = 0
        for window in component.windows:
            if window.plugged_in:
                raise ValueError(f"a window of {component.name} already belongs to another board")
            if window.offset < end:
                raise ValueError(f"the windows of {component.name} overlap or are not in order")
            end = window.end
            if end > data.size:
                raise ValueError(
                    f"{component.name} has a window up to byte {end}, "
                    f"but its size is {data.size} bytes"
                )
