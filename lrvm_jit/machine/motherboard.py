"""The motherboard: owns the components, their memory and one CPU."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType

import numpy
from numpy.typing import NDArray

from ..engines import make_engine
from ..exceptions import GuestException
from ..kernel import layout
from .bus import Bus
from .component import Component, MemoryWindow
from .cpu import Cpu, CpuState
from .mapping import Mapping, MappingOutcome, MemoryMap
from .memory import Memory
from .metadata import Metadata
from .stop import Stop, StopReason

UNLIMITED = (1 << 63) - 1


class Motherboard:
    """A machine: components, a memory map, and a CPU run by an engine.

    ```python
    with Motherboard([BootRom(words, size=0x1000), Ram(0x1000)]) as board:
        board.map_contiguous(0)
        board.reset()
        stop = board.run()
    ```

    A component's id is its position in `components`; it belongs to one board for good. `engine`
    is one of `lrvm_jit.engines.ENGINES`. Leaving the `with` block, or `close()`, closes the
    components.
    """

    def __init__(self, components: Sequence[Component], engine: str = "auto") -> None:
        self.components = tuple(components)
        metadata = [_metadata_of(component) for component in self.components]
        windows = [window for component in self.components for window in component.windows]
        _check_components(self.components, metadata)
        self.arena: NDArray[numpy.uint32] = numpy.zeros(
            max(1, sum(len(window.words) for window in windows)), numpy.uint32
        )
        self.mappings = MemoryMap(
            [component.name for component in self.components], [item.size for item in metadata]
        )
        self.bus = Bus(self.components, metadata, self.mappings)
        # Each component has at most one piece before, in and after each window.
        self.state = CpuState(sum(1 + 2 * len(c.windows) for c in self.components) + 1)
        self.cpu = Cpu(self, self.state)
        self.memory = Memory(self.mappings, self.bus, self._memory_changed)
        self.stop_requested = False
        self._breakpoints: set[int] = set()
        self._running = threading.Lock()
        self._closed = False
        self._engine = make_engine(engine, self)
        self._plug_in(windows)

    def _plug_in(self, windows: Iterable[MemoryWindow]) -> None:
        """Move the windows' contents into the arena."""
        base = 0
        for window in windows:
            end = base + len(window.words)
            self.arena[base:end] = window.words
            window.plug_in(self.arena[base:end], base)
            base = end

    # --- memory map ----------------------------------------------------------------------------

    def map(self, address: int, component: int) -> Mapping:
        """Map the whole component `component` from `address` on. Raises a MappingError."""
        self._refuse_while_running("map")
        mapping = self.mappings.map(address, component)
        self._update_regions()
        return mapping

    def map_abs(self, first: int, last: int, component: int) -> Mapping:
        """Map the component's first bytes; `last` is the address of the last mapped word.

        Raises a MappingError.
        """
        self._refuse_while_running("map")
        mapping = self.mappings.map_abs(first, last, component)
        self._update_regions()
        return mapping

    def map_contiguous(
        self, address: int, components: Iterable[int] | None = None
    ) -> list[MappingOutcome]:
        """Map components (all of them by default) one after the other from `address` on.

        One that fails is skipped; the outcomes, in order, tell which.
        """
        self._refuse_while_running("map")
        chosen = range(len(self.components)) if components is None else components
        outcomes = self.mappings.map_contiguous(address, chosen)
        self._update_regions()
        return outcomes

    def _update_regions(self) -> None:
        """Write the region table that the kernel uses."""
        rows = [
            row
            for mapping in self.mappings
            for row in _regions(mapping, self.components[mapping.component])
        ]
        state = self.state.state
        state[layout.REGION_COUNT] = len(rows)
        table = numpy.array(rows, numpy.int64).reshape(-1)
        state[layout.REGIONS : layout.REGIONS + len(table)] = table
        self._memory_changed()

    def _memory_changed(self) -> None:
        """Have the engine check what it has decoded and translated."""
        self.state.state[layout.VERIFY] |= layout.VERIFY_CHANGES

    # --- running -------------------------------------------------------------------------------

    def reset(self) -> None:
        """Reset the CPU, then every component in id order."""
        self._refuse_while_running("reset")
        self.state.reset()
        self.state.state[layout.LAST_PC] = 0
        for component in self.components:
            component.reset()

    def run(self, max_cycles: int | None = None, *, halt_on_exception: bool = False) -> Stop:
        """Run until the CPU halts or something else on the list of StopReason happens.

        `max_cycles`: attempt at most so many instructions in this call. With
        `halt_on_exception` the run ends at the first exception or interruption, after the CPU
        has taken it. An exception in a component, or KeyboardInterrupt, comes out of this call;
        the machine is then as before the instruction, and can be run on.
        """
        if max_cycles is None:
            max_cycles = UNLIMITED
        elif max_cycles < 0:
            raise ValueError(f"max_cycles is {max_cycles}; it must be 0 or more")
        if self._closed:
            raise RuntimeError("the board is closed")
        if not self._running.acquire(blocking=False):
            raise RuntimeError("the board is already running; use board.stop() to end that run")
        try:
            # The host may have changed anything since the last run.
            self._memory_changed()
            reason = self._engine.run(min(max_cycles, UNLIMITED), halt_on_exception)
        finally:
            self.stop_requested = False
            self._running.release()
        return self._stop(reason)

    def _stop(self, reason: StopReason) -> Stop:
        pc = self.cpu.regs["pc"]
        return Stop(
            reason,
            self.cpu.cycles,
            pc,
            pc if reason is StopReason.BREAKPOINT else int(self.state.state[layout.LAST_PC]),
            GuestException.from_word(self.cpu.regs["et"])
            if reason is StopReason.EXCEPTION
            else None,
        )

    def stop(self) -> None:
        """End the current run with reason `stopped`, from a component or another thread.

        Called by a component, the run ends after the instruction in progress. Without a run in
        progress it does nothing.
        """
        if self._running.locked():
            self.stop_requested = True

    @property
    def breakpoints(self) -> frozenset[int]:
        """Virtual addresses before which a run stops. Assign a new set to change them."""
        return frozenset(self._breakpoints)

    @breakpoints.setter
    def breakpoints(self, addresses: Iterable[int]) -> None:
        self._refuse_while_running("change breakpoints of")
        chosen = set(addresses)
        for address in chosen:
            if not 0 <= address <= 0xFFFF_FFFF or address % 4:
                raise ValueError(
                    f"breakpoint {address:#x} must be a multiple of 4 within 0..0xFFFFFFFF"
                )
        self._breakpoints = chosen
        self._engine.set_breakpoints(sorted(chosen))

    @property
    def engine(self) -> str:
        """Name of the engine that runs the CPU."""
        return self._engine.name

    def _refuse_while_running(self, action: str) -> None:
        if self._running.locked():
            raise RuntimeError(f"cannot {action} a board that is running")

    # --- closing -------------------------------------------------------------------------------

    def close(self) -> None:
        """Close every component. The first error is raised after all have been closed."""
        self._refuse_while_running("close")
        if self._closed:
            return
        self._closed = True
        errors: list[Exception] = []
        for component in self.components:
            try:
                component.close()
            except Exception as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("closing the components failed", errors)

    def __enter__(self) -> Motherboard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """A line per component: id, name, where it is mapped."""
        lines = [f"<Motherboard, engine {self.engine}, {len(self.components)} components>"]
        for index, component in enumerate(self.components):
            mapping = self.mappings.of(index)
            lines.append(f"  {index:2} {component.name:32} {mapping or 'not mapped'}")
        return "\n".join(lines)


def _metadata_of(component: Component) -> Metadata:
    if not isinstance(component, Component):
        raise TypeError(f"{component!r} is not a Component")
    data = component.metadata()
    return data if isinstance(data, Metadata) else Metadata.from_words(data)


def _check_components(components: Sequence[Component], metadata: Sequence[Metadata]) -> None:
    if len({id(component) for component in components}) != len(components):
        raise ValueError("a component is listed twice; each one has one id")
    for component, data in zip(components, metadata, strict=True):
        if not isinstance(component.name, str):
            raise TypeError(f"a component's name must be a string, not {component.name!r}")
        end = 0
        for window in component.windows:
            if window.plugged_in:
                raise ValueError(f"{component.name} already belongs to another board")
            if window.offset < end:
                raise ValueError(f"the windows of {component.name} overlap or are not in order")
            end = window.end
            if end > data.size:
                raise ValueError(
                    f"{component.name} has a window up to byte {end}, "
                    f"but its size is {data.size} bytes"
                )


def _regions(mapping: Mapping, component: Component) -> Iterator[list[int]]:
    """Rows of the region table for a mapping: plain windows, and the bus in between."""

    def row(start: int, stop: int, base: int, read: int, write: int) -> list[int]:
        return [
            mapping.first + start,
            mapping.first + stop,
            base,
            mapping.component,
            start,
            read,
            write,
        ]

    at = 0
    for window in component.windows:
        start, stop = min(window.offset, mapping.size), min(window.end, mapping.size)
        if start > at:
            yield row(at, start, -1, layout.BUS, layout.BUS)
        if stop > start:
            read, write = (
                layout.PLAIN if error is None else error.word
                for error in (window.read_error, window.write_error)
            )
            yield row(start, stop, window.base, read, write)
        at = stop
    if mapping.size > at:
        yield row(at, mapping.size, -1, layout.BUS, layout.BUS)
