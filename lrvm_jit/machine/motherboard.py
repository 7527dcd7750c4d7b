"""The motherboard: owns the components, their memory and one CPU."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, cast

from ..arguments import optional_number, whole_numbers
from ..core import layout
from ..core.bus_tap import BusTap
from ..core.component import Component, close_all
from ..core.core import Core
from ..core.error_notes import add_note_once
from ..core.hooks import Hook, HookFunction, HookKind, make_hook
from ..core.instrument import Instrument
from ..core.mapping import Mapping as ComponentMapping
from ..core.mapping import MappingOutcome, Mappings
from ..core.memory import Memory
from ..core.observer import RunObserver
from ..core.paged_memory import PagedMemory
from ..core.signals import undisturbed
from ..core.snapshot import (
    ComponentImage,
    Snapshot,
    check_images,
    cpu_of,
    images_of,
    load_states,
    plain_images,
    set_cpu,
)
from ..core.statistics import Statistics
from ..core.stop import Stop, StopReason
from ..core.unmapped import Unmapped
from ..core.watchpoints import Watch
from ..engines import KernelEngine, make_engine
from ..jit.options import TranslatorOptions
from .cpu import Cpu
from .hooks import Hooks
from .runner import Runner


class Motherboard:
    """A machine: components, a memory map, and a CPU run by an engine.

    ```python
    with Motherboard([BootRom(words, size=0x1000), Ram(0x1000)]) as board:
        board.map_contiguous(0)
        board.reset()
        stop = board.run()
    ```

    A component's id is its position in `components`; it belongs to one board, until that is
    closed. `engine` is one of `lrvm_jit.engines.ENGINES`, or `TranslatorOptions` for a translator
    with other settings. `unmapped` is what becomes of a run that accesses an address where nothing
    is mapped: "ignore", "warn" or "stop" (`Unmapped`); it may be set later. Leaving the `with`
    block, or `close()`, closes the components, which may then be part of another board.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> with Motherboard([BootRom(assemble("cpy a0, 5\\nhalt"))]) as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     print(board.run().reason, board.cpu.regs.a0)
    halted 5
    """

    def __init__(
        self,
        components: Sequence[Component],
        engine: str | TranslatorOptions = "auto",
        *,
        unmapped: str = "ignore",
    ) -> None:
        wanted = Unmapped.of(unmapped)
        core = Core(components)
        self._core = core
        self._engine_choice = engine
        self._shared: tuple[PagedMemory, tuple[ComponentImage, ...]] | None = None
        self._hooks = Hooks(core, self)
        self._runner = Runner(core, make_engine(engine, core), self._hooks)
        self._runner.unmapped = wanted
        # Last, so that a board that cannot be made leaves its components as they were.
        core.plug_in()
        self.components = core.components
        self.mappings = Mappings(core.mappings)
        self.cpu = Cpu(core, self._runner)
        self.memory = Memory(core)
        try:
            for component in self.components:
                component.attach(self)
        except BaseException:
            core.unplug()
            raise

    # --- memory map ----------------------------------------------------------------------------

    def map(self, address: int, component: int) -> ComponentMapping:
        """Map the whole component `component` from `address` on. Raises a MappingError."""
        self._runner.refuse_while_running("map")
        with undisturbed():
            mapping = self._core.mappings.map(address, component)
            self._core.update_mapping_rows()
        return mapping

    def map_abs(self, first: int, last: int, component: int) -> ComponentMapping:
        """Map the component's first bytes; `last` is the address of the last mapped word.

        Raises a MappingError.
        """
        self._runner.refuse_while_running("map")
        with undisturbed():
            mapping = self._core.mappings.map_abs(first, last, component)
            self._core.update_mapping_rows()
        return mapping

    def map_contiguous(
        self, address: int, components: Iterable[int] | None = None
    ) -> list[MappingOutcome]:
        """Map components (all of them by default) one after the other from `address` on.

        One that fails is skipped; the outcomes, in order, tell which.
        """
        self._runner.refuse_while_running("map")
        chosen = range(len(self.components)) if components is None else components
        with undisturbed():
            outcomes = self._core.mappings.map_contiguous(address, chosen)
            self._core.update_mapping_rows()
        return outcomes

    # --- state ---------------------------------------------------------------------------------

    def snapshot(self, *, skip_unsaved: bool = False) -> Snapshot:
        """The whole state of the machine as a value: CPU, memory, memory map, components.

        The first one copies all memory that was ever written; later ones share what has not
        changed since. RuntimeError during a run, SnapshotError for a component that cannot be
        saved (see `Component.save_state`); with `skip_unsaved` its state is left out instead, and
        stays what it is when the snapshot is restored.
        """
        if not self._hooks.between_instructions:
            self._runner.refuse_while_running("take a snapshot of")
        memory, plain = self._images()
        images = images_of(self.components, plain, skip_unsaved)
        registers, fields = cpu_of(self._core.state)
        return Snapshot(registers, fields, memory.take(), tuple(self.mappings), images)

    def restore(self, snapshot: Snapshot) -> None:
        """Make the machine what it was when a snapshot was taken of it, or of an equal board.

        Breakpoints and watchpoints stay. RuntimeError during a run. SnapshotError, with nothing
        changed, if the boards' components differ or one refuses its state.
        """
        self._runner.refuse_while_running("restore")
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"restore takes a Snapshot, not {snapshot!r}")
        memory, plain = self._images()
        check_images(plain, snapshot.components)
        memory.check(snapshot.memory)
        with undisturbed():
            load_states(self.components, snapshot.components)
            memory.put(snapshot.memory)
            set_cpu(self._core.state, snapshot)
            if self._core.mappings.replace(snapshot.mappings):
                self._core.update_mapping_rows()

    def _images(self) -> tuple[PagedMemory, tuple[ComponentImage, ...]]:
        """What snapshots of this board have in common; made for the first one."""
        if self._shared is None:
            self._shared = PagedMemory(self._core.arena), plain_images(self.components)
        return self._shared

    def __reduce__(self) -> tuple[Any, ...]:
        """A board is copied and pickled as its components and a snapshot."""
        return _board_like, (
            self.components,
            self._engine_choice,
            self.snapshot(),
            self.breakpoints,
            dict(self.watchpoints),
            self.unmapped,
            self.stops_on_unhandled,
        )

    # --- running -------------------------------------------------------------------------------

    def reset(self) -> None:
        """Reset the CPU, then every component in id order."""
        self._runner.refuse_while_running("reset")
        self._core.state.reset()
        self._core.state.state[layout.LAST_PC] = 0
        for number, component in enumerate(self.components):
            try:
                component.reset()
            except Exception as error:
                add_note_once(error, f"component {number} ({component.name}), the board's reset")
                raise

    def run(
        self,
        max_cycles: int | None = None,
        *,
        halt_on_exception: bool = False,
        observer: RunObserver | None = None,
    ) -> Stop:
        """Run until the CPU halts or something else on the list of StopReason happens.

        `max_cycles`: attempt at most so many instructions in this call. With
        `halt_on_exception` the run ends at the first exception or interruption, after the CPU
        has taken it. `observer` is told of exceptions, or of every instruction, while the run goes
        on. An exception in a component, or KeyboardInterrupt, comes out of this call;
        the machine is then as before the instruction, and can be run on.
        """
        limit = optional_number("max_cycles", max_cycles, 0)
        stop = self._runner.run(limit, halt_on_exception, observer)
        if stop.reason is StopReason.HALTED and self._core.state.never_reset:
            warnings.warn(
                "the board was never reset, so its CPU is halted; call board.reset() first",
                RuntimeWarning,
                stacklevel=2,
            )
        return stop

    def stop(self) -> None:
        """End the current run with reason `stopped`, from a component or another thread.

        Called by a component, the run ends after the instruction in progress. Without a run in
        progress it does nothing.
        """
        self._runner.stop()

    @property
    def breakpoints(self) -> frozenset[int]:
        """Virtual addresses before which a run stops. Assign a new set to change them.

        A run stops at one even before its first instruction, unless the breakpoint there has
        just been reported (docs/machine.md).
        """
        return self._runner.breakpoints

    @breakpoints.setter
    def breakpoints(self, addresses: Iterable[int]) -> None:
        chosen = whole_numbers("breakpoints", "a breakpoint", addresses)
        with undisturbed():
            self._runner.set_breakpoints(chosen)

    @property
    def watchpoints(self) -> Mapping[int, Watch]:
        """Physical addresses of words whose access stops a run, with the kind of access.

        Assign a new mapping to change them, from addresses to `Watch` ("read", "write", "any"),
        or a set of addresses for any access. The run stops after the instruction, with reason
        `watchpoint` and the access in `Stop.watch`. Accesses to these words are as slow as a
        component's. At most 64 separate ranges.
        """
        return self._core.watchpoints.addresses

    @watchpoints.setter
    def watchpoints(self, wanted: Mapping[int, str] | Iterable[int]) -> None:
        self._runner.refuse_while_running("change watchpoints of")
        with undisturbed():
            self._core.watchpoints.set(wanted)
            self._core.update_mapping_rows()
            self._runner.look()

    @property
    def stops_on_unhandled(self) -> bool:
        """Whether runs without a cycle limit end with reason `unhandled` when they would come
        back to one exception for ever, as there is no handler. True unless set."""
        return self._runner.stops_on_unhandled

    @stops_on_unhandled.setter
    def stops_on_unhandled(self, wanted: bool) -> None:
        self._runner.refuse_while_running("change stops_on_unhandled of")
        self._runner.stops_on_unhandled = bool(wanted)

    @property
    def unmapped(self) -> Unmapped:
        """What becomes of a run that accesses an address where nothing is mapped. May be set, to
        "ignore", "warn" or "stop". Such accesses are counted in any case (`stats`)."""
        return self._runner.unmapped

    @unmapped.setter
    def unmapped(self, wanted: str) -> None:
        self._runner.refuse_while_running("change what unmapped accesses do on")
        self._runner.unmapped = Unmapped.of(wanted)

    @property
    def tap(self) -> BusTap | None:
        """What stands between the guest and the components; None for nothing. May be set."""
        return self._hooks.tap

    @tap.setter
    def tap(self, tap: BusTap | None) -> None:
        self._runner.refuse_while_running("change the tap of")
        with undisturbed():
            self._hooks.tap = tap
            self._hooks.apply()

    def on(
        self,
        kind: str,
        function: HookFunction,
        *,
        address: int | None = None,
        words: int | None = None,
        access: str | None = None,
        component: int | None = None,
        code: int | None = None,
    ) -> Hook:
        """Have `function(board, event)` called during runs, whenever something happens.

        | `kind` | when | arguments |
        |---|---|---|
        | "breakpoint" | before the instruction at a virtual address | `address` |
        | "memory" | at accesses to physical words | `address`, `words`, `access` |
        | "exception" | after the CPU has taken one | `code` |
        | "mode" | after a change of the CPU's mode | |
        | "component" | at accesses that a component answers | `component`, `access` |

        `access` is "read", "write" or "any"; what is not given means any. The function gets the
        board and a `HookEvent`, may read and change everything, `pc` and the word of an access
        among it, and end the run by `board.stop()`. What it raises comes out of the run; the rules
        for several hooks at one place are in docs/machine.md. The answer's `remove()` takes it
        off. While a board has no hooks, nothing of this costs anything; the words of a memory
        range are as slow as a component.

        Hooks may be added between runs and by hooks that are called between two instructions:
        RuntimeError otherwise. RuntimeError, too, for a memory range while something records the
        board. TypeError and ValueError for arguments that the kind does not take.
        """
        if not self._hooks.between_instructions:
            self._runner.refuse_while_running("add a hook to")
        arguments = {
            "address": address,
            "words": words,
            "access": access,
            "component": component,
            "code": code,
        }
        hook = make_hook(kind, function, len(self.components), arguments)
        if hook.kind is HookKind.MEMORY and self.tap is not None:
            raise RuntimeError(
                "memory cannot be hooked while a recorder, a debugger or another tap is on the "
                "board: add the hook before"
            )
        with undisturbed():
            self._hooks.add(hook)
            self._runner.look()
        return hook

    def is_hooked(self, address: int) -> bool:
        """Whether accesses to the word at a physical address are told to hooks."""
        return self._core.watchpoints.is_hooked(address)

    @property
    def instrument(self) -> Instrument | None:
        """Compiled code that sees every instruction; None for nothing. May be set; ValueError for
        the engine `reference`."""
        return self._runner.instrument

    @instrument.setter
    def instrument(self, instrument: Instrument | None) -> None:
        self._runner.instrument_with(instrument)

    @property
    def engine(self) -> str:
        """Name of the engine that runs the CPU."""
        return self._runner.engine.name

    # --- for what runs the CPU in its own way: batches, tools that show its insides -----------

    @property
    def core(self) -> Core:
        """State, arena, memory map and bus, as the engine works on them."""
        return self._core

    @property
    def kernel_engine(self) -> KernelEngine:
        """The engine, if it runs the compiled kernel. TypeError for the reference engine."""
        engine = self._runner.engine
        if not hasattr(engine, "context_address"):
            raise TypeError(f"the engine {engine.name!r} does not run the compiled kernel")
        return cast(KernelEngine, engine)

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
            self._hooks.clear()
            try:
                close_all(self.components)
            finally:
                self._core.unplug()

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


def _board_like(
    components: Sequence[Component],
    engine: str | TranslatorOptions,
    snapshot: Snapshot,
    breakpoints: Iterable[int],
    watchpoints: Mapping[int, Watch],
    unmapped: str = "ignore",
    stops_on_unhandled: bool = True,
) -> Motherboard:
    """A board of copied components in the state of the one that they were copied from."""
    board = Motherboard(components, engine, unmapped=unmapped)
    board.stops_on_unhandled = stops_on_unhandled
    board.restore(snapshot)
    board.breakpoints = frozenset(breakpoints)
    board.watchpoints = watchpoints
    return board
