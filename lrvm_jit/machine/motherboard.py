"""The motherboard: owns the components, their memory and one CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType

import numpy

from ..engines import make_engine
from ..kernel import layout
from ..translator.options import TranslatorOptions
from .component import Component, close_all
from .core import Core
from .cpu import Cpu
from .mapping import Mapping as ComponentMapping
from .mapping import MappingOutcome
from .memory import Memory
from .runner import Runner
from .signals import undisturbed
from .statistics import Statistics
from .stop import Stop
from .watchpoints import Watch


class Motherboard:
    """A machine: components, a memory map, and a CPU run by an engine.

    ```python
    with Motherboard([BootRom(words, size=0x1000), Ram(0x1000)]) as board:
        board.map_contiguous(0)
        board.reset()
        stop = board.run()
    ```

    A component's id is its position in `components`; it belongs to one board for good. `engine`
    is one of `lrvm_jit.engines.ENGINES`, or `TranslatorOptions` for a translator with other
    settings. Leaving the `with` block, or `close()`, closes the components.
    """

    def __init__(
        self, components: Sequence[Component], engine: str | TranslatorOptions = "auto"
    ) -> None:
        core = Core(components)
        self._core = core
        self._runner = Runner(core, make_engine(engine, core))
        # Last, so that a board that cannot be made leaves its components as they were.
        core.plug_in()
        self.components = core.components
        self.mappings = core.mappings
        self.cpu = Cpu(core.state, self._runner)
        self.memory = Memory(core)

    # --- memory map ----------------------------------------------------------------------------

    def map(self, address: int, component: int) -> ComponentMapping:
        """Map the whole component `component` from `address` on. Raises a MappingError."""
        self._runner.refuse_while_running("map")
        mapping = self.mappings.map(address, component)
        self._update_regions()
        return mapping

    def map_abs(self, first: int, last: int, component: int) -> ComponentMapping:
        """Map the component's first bytes; `last` is the address of the last mapped word.

        Raises a MappingError.
        """
        self._runner.refuse_while_running("map")
        mapping = self.mappings.map_abs(first, last, component)
        self._update_regions()
        return mapping

    def map_contiguous(
        self, address: int, components: Iterable[int] | None = None
    ) -> list[MappingOutcome]:
        """Map components (all of them by default) one after the other from `address` on.

        One that fails is skipped; the outcomes, in order, tell which.
        """
        self._runner.refuse_while_running("map")
        chosen = range(len(self.components)) if components is None else components
        outcomes = self.mappings.map_contiguous(address, chosen)
        self._update_regions()
        return outcomes

    def _update_regions(self) -> None:
        """Write the region table that the kernel uses."""
        rows = [
            row
            for mapping in self.mappings
            for row in _regions(
                mapping,
                self.components[mapping.component],
                self._core.watchpoints.offsets(mapping.component),
            )
        ]
        state = self._core.state.state
        state[layout.REGION_COUNT] = len(rows)
        table = numpy.array(rows, numpy.int64).reshape(-1)
        state[layout.REGIONS : layout.REGIONS + len(table)] = table
        self._core.state.host_changed()

    # --- running -------------------------------------------------------------------------------

    def reset(self) -> None:
        """Reset the CPU, then every component in id order."""
        self._runner.refuse_while_running("reset")
        self._core.state.reset()
        self._core.state.state[layout.LAST_PC] = 0
        for component in self.components:
            component.reset()

    def run(self, max_cycles: int | None = None, *, halt_on_exception: bool = False) -> Stop:
        """Run until the CPU halts or something else on the list of StopReason happens.

        `max_cycles`: attempt at most so many instructions in this call. With
        `halt_on_exception` the run ends at the first exception or interruption, after the CPU
        has taken it. An exception in a component, or KeyboardInterrupt, comes out of this call;
        the machine is then as before the instruction, and can be run on.
        """
        return self._runner.run(max_cycles, halt_on_exception)

    def stop(self) -> None:
        """End the current run with reason `stopped`, from a component or another thread.

        Called by a component, the run ends after the instruction in progress. Without a run in
        progress it does nothing.
        """
        self._runner.stop()

    @property
    def breakpoints(self) -> frozenset[int]:
        """Virtual addresses before which a run stops. Assign a new set to change them."""
        return self._runner.breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: Iterable[int]) -> None:
        self._runner.set_breakpoints(addresses)

    @property
    def watchpoints(self) -> Mapping[int, Watch]:
        """Physical addresses of words whose access stops a run, with the kind of access.

        Assign a new mapping to change them, from addresses to `Watch` ("read", "write", "any"),
        or a set of addresses for any access. The run stops after the instruction, with reason
        `watchpoint` and the access in `Stop.watch`. Accesses to these words are as slow as a
        component's. At most 64.
        """
        return self._core.watchpoints.addresses

    @watchpoints.setter
    def watchpoints(self, wanted: Mapping[int, str] | Iterable[int]) -> None:
        self._runner.refuse_while_running("change watchpoints of")
        self._core.watchpoints.set(wanted)
        self._update_regions()

    @property
    def engine(self) -> str:
        """Name of the engine that runs the CPU."""
        return self._runner.engine_name

    def stats(self) -> Statistics:
        """What the engine has done since the board was made: instructions, translations, exits."""
        return self._runner.statistics()

    # --- closing -------------------------------------------------------------------------------

    def close(self) -> None:
        """Close every component. The first error is raised after all have been closed."""
        self._runner.refuse_while_running("close")
        if self._runner.closed:
            return
        with undisturbed():
            self._runner.closed = True
            close_all(self.components)

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


def _regions(
    mapping: ComponentMapping, component: Component, watched: Sequence[int]
) -> Iterator[list[int]]:
    """Rows of the region table for a mapping: plain windows, and the bus in between.

    The words at the `watched` offsets are reached over the bus.
    """

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
            here = start
            for offset in watched:
                if start <= offset < stop:
                    if offset > here:
                        yield row(here, offset, window.base + (here - start) // 4, read, write)
                    yield row(offset, offset + 4, -1, layout.BUS, layout.BUS)
                    here = offset + 4
            if stop > here:
                yield row(here, stop, window.base + (here - start) // 4, read, write)
        at = stop
    if mapping.size > at:
        yield row(at, mapping.size, -1, layout.BUS, layout.BUS)
