"""Thousands of machines at once."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

import numpy
from numpy.typing import NDArray

from ..arguments import number_within, optional_number, whole_number
from ..core.component import Component, close_all
from ..core.running import RightToRun
from ..core.signals import DeferredSignals, undisturbed
from ..core.snapshot import Snapshot
from ..core.statistics import Statistics
from ..engines import ENGINES
from ..isa.table import Reg
from ..jit.options import TranslatorOptions
from ..machine.motherboard import Motherboard
from ..machine.runner import UNLIMITED
from . import lane_layout
from .batch_statistics import together
from .blocks import SMALLEST_BLOCK, Backend, BehindDevice, Blocks, ByProgram, InOrder
from .component import BatchComponent
from .lane_arrays import LaneArrays, LaneMemory, restore_rows
from .lane_snapshots import Lanes, chosen_lanes, put_lane, put_snapshot
from .lane_threads import LaneThreads
from .programs import Program, Sources, order_by_program, programs_of
from .progress import Progress, ProgressCallback, make_progress
from .proxy import ComponentProxy, check_components
from .result import BatchResult, copies
from .template import (
    PAGE,
    LinkedProgram,
    check_programs,
    components_by_id,
    copied,
    template_of,
)
from .vector.code import VectorCompiler, vector_compiler
from .worker import Worker, largest_block, start_of

DEVICES = ("cpu", "cuda")

if TYPE_CHECKING:
    from ..stream.stream import stream as _stream
    from .gpu.device import DeviceLanes


class StreamLater:
    """`Batch.stream`: `lrvm_jit.stream.stream.stream`, imported when somebody asks for it.

    Streams are made of batches, so their room lies above this one; this is the one way up.
    """

    def __get__(self, batch: object, owner: object = None) -> object:
        from ..stream.stream import stream

        return stream


class Batch:
    """`n` machines of the same kind, the lanes, each with registers and memory of its own.

    ```python
    batch = Batch(words, n=1_000_000, ram_size=4096)
    batch.regs[:, 0] = numpy.arange(1_000_000)
    result = batch.run(max_cycles=100_000)
    ```

    `program`:

    - words: every lane has a ROM with them at address 0, then its RAM, then `components`;
    - a program that knows its source, such as `lrvm_tools.lasm`'s `Assembly`: the same, and
      `BatchResult.where` tells source lines;
    - a sequence of such programs and of rows of words, one for each lane, of any lengths: the
      shorter ones get zeros behind them, which are no instructions;
    - a (n, words) uint32 array: each row is the program of a lane;
    - a `Motherboard`, which is a template: lanes have its memory map, and begin with what its
      memory and its CPU hold now. `programs`, a (n, words) array, replaces the content of its
      component 0, which must be read-only memory, lane by lane. Components that are more than
      plain memory need somebody who serves them for all lanes: `components={id:
      BatchComponent}`.
    - a `LinkedProgram`, such as an executable, which brings its machine with it; `components` are
      those that serve its components of the same names.

    `ram_size` and `rom_size` are in bytes; by default the RAM has 4 KiB, that of an executable
    256 KiB beside its variables, and the ROM is as large as the program, rounded up to 4 KiB.
    `engine` as for a `Motherboard` (the reference engine has no batches). `threads` is the number
    of threads that run lanes, by default one for each CPU. With `device="cuda"` lanes run on an
    NVIDIA GPU (extra `cuda`; ImportError or RuntimeError without one) until they ask a component;
    threads run them from there.

    `regs` is (n, 32) uint32, `ram` (n, words) uint32, `memories` all memory of lanes by component
    id: views of what the lanes work on, to be read and written between runs.
    """

    def __init__(
        self,
        program: Motherboard | LinkedProgram | Program | Sequence[Program],
        n: int | None = None,
        *,
        ram_size: int | None = None,
        rom_size: int | None = None,
        programs: NDArray[Any] | None = None,
        components: Sequence[BatchComponent] | Mapping[int, BatchComponent] = (),
        engine: str | TranslatorOptions = "auto",
        threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        if device not in DEVICES:
            raise ValueError(f"unknown device {device!r}; known are {', '.join(DEVICES)}")
        if engine == "reference":
            raise ValueError("the reference engine runs single machines only; leave it out")
        if isinstance(engine, str) and engine not in ENGINES:
            raise ValueError(f"unknown engine {engine!r}; known engines are {', '.join(ENGINES)}")
        threads = optional_number("threads", threads, 1)
        n = optional_number("n", n, 0)
        self._threads = threads or _cpus()
        self._engine = engine
        own_programs: NDArray[numpy.uint32] | None = None
        self._sources: Sources | None = None
        if isinstance(program, LinkedProgram):
            program, components = program.batch_parts(components, ram_size)
        if isinstance(program, Motherboard):
            if not isinstance(components, Mapping):
                if components:
                    raise TypeError(
                        "with a board as the template, components must be a mapping from the "
                        "ids of the board's components to batch components"
                    )
                components = {}
            template = program
            if programs is not None:
                own_programs = programs_of(programs).own
        else:
            if programs is not None:
                raise TypeError("`programs` goes with a template board; pass them as `program`")
            if isinstance(components, Mapping):
                raise TypeError("without a template board, components must be a sequence")
            check_components(components)
            given = programs_of(program)
            own_programs, self._sources = given.own, given.sources
            template = template_of(
                given.words, PAGE if ram_size is None else ram_size, rom_size, components
            )
            components = {2 + k: component for k, component in enumerate(components)}
        if own_programs is not None and n is None:
            n = len(own_programs)
        if n is None:
            raise TypeError("say how many lanes there are: Batch(..., n=...)")
        if own_programs is not None and len(own_programs) != n:
            raise ValueError(f"there are {len(own_programs)} programs for {n} lanes")
        self._components = components_by_id(template, components)
        if own_programs is not None:
            check_programs(own_programs, template)
        self._template = template
        self.programs = own_programs
        self._arrays = LaneArrays(n, self._memories(n))
        self._copy_template()
        self._control = numpy.zeros(1, numpy.int64)
        self._component_lock = threading.Lock()
        self._workers: list[Worker] = []
        self._vector_compiler: VectorCompiler | None = None
        self._threads_at_work: LaneThreads | None = None
        self._signals = DeferredSignals(self._wake, at_once=lambda: False)
        self._right = RightToRun(
            "the batch is already running; use batch.stop() to end that run",
            signals=self._signals,
            tidy=self._end_threads,
        )
        self._device: DeviceLanes | None = None
        if device == "cuda":
            from .gpu.device import DeviceLanes

            self._device = DeviceLanes(self._arrays)
        self._closed = False
        for number, component in self._components.items():
            if component.window is not None:
                component.rows = self.memories[number]
            component.plug_in(self._arrays)

    # --- making ------------------------------------------------------------------------------

    def _memories(self, n: int) -> list[LaneMemory]:
        memories = []
        for number, component in enumerate(self._template.components):
            if number in self._components:
                part = self._components[number].window
                if part is not None:
                    rows = numpy.zeros((n, part[1]), numpy.uint32)
                    memories.append(LaneMemory(number, 0, rows, True))
                continue
            (window,) = component.windows
            if window.write_error is None:
                rows = numpy.zeros((n, len(window.words)), numpy.uint32)
                memories.append(LaneMemory(number, 0, rows, True))
            elif number == 0 and self.programs is not None and self.programs.size:
                memories.append(LaneMemory(number, 0, self.programs, False))
        return memories

    def _copy_template(self) -> None:
        core = self._template.core
        for memory in self._arrays.memories:
            words = self._first_words(memory)
            # Rows of zeros take no memory until somebody writes to them.
            if memory.writable and words.any():
                memory.rows[:] = words
        self._arrays.copy_cpu(core.state.regs, core.state.state, fresh=True)
        self._never_reset = core.state.never_reset

    def _first_words(self, memory: LaneMemory) -> NDArray[numpy.uint32]:
        """What every lane's memory begins with; a batch component's begins with zeros."""
        if memory.component in self._components:
            return numpy.zeros(memory.rows.shape[1], numpy.uint32)
        return self._template.components[memory.component].windows[0].words

    def _worker(self) -> Worker:
        """A new worker, whose board is like the template."""
        own = [
            ComponentProxy(self._components[number], self._component_lock)
            if number in self._components
            else copied(component)
            for number, component in enumerate(self._template.components)
        ]
        return Worker(
            self._mapped(own),
            self._arrays,
            self._components,
            self._control,
            self._component_lock,
            self._vector_compiler,
        )

    def _compiler(self) -> VectorCompiler | None:
        """What makes vector code for the lanes as they are; None if there can be none."""
        if self._engine == "interpreter" or not self.n or self._device is not None:
            return None
        options = self._engine if isinstance(self._engine, TranslatorOptions) else None
        return vector_compiler(
            options or TranslatorOptions(),
            self._template,
            self._arrays,
            self._components,
            self._vector_compiler,
        )

    def _board(self, components: Sequence[Component]) -> Motherboard:
        return self._mapped([copied(component) for component in components])

    def _mapped(self, components: Sequence[Component]) -> Motherboard:
        """A board of these components with the template's memory map."""
        board = Motherboard(components, self._engine)
        for mapping in self._template.mappings:
            board.map_abs(mapping.first, mapping.last, mapping.component)
        return board

    # --- state -------------------------------------------------------------------------------

    @property
    def n(self) -> int:
        """How many lanes there are."""
        return self._arrays.n

    @property
    def lanes(self) -> LaneArrays:
        """All arrays of the lanes."""
        return self._arrays

    @property
    def regs(self) -> NDArray[numpy.uint32]:
        """(n, 32) registers, by code: `batch.regs[:, Reg.A0]`."""
        return self._arrays.regs

    @property
    def memories(self) -> dict[int, NDArray[numpy.uint32]]:
        """The memory that lanes can write, by component id: (n, words) each."""
        return {
            memory.component: memory.rows for memory in self._arrays.memories if memory.writable
        }

    @property
    def components(self) -> Mapping[int, BatchComponent]:
        """The components that serve all lanes, by id."""
        return MappingProxyType(self._components)

    @property
    def ram(self) -> NDArray[numpy.uint32]:
        """(n, words): the first memory that lanes can write. LookupError if there is none."""
        for rows in self.memories.values():
            return rows
        raise LookupError("the lanes have no memory that they can write")

    @property
    def ram_base(self) -> int:
        """Address at which the guest finds `ram`."""
        for component in self.memories:
            mapping = self._template.mappings.of(component)
            if mapping is not None:
                return mapping.first
        raise LookupError("the lanes have no mapped memory that they can write")

    def address_of(self, component: int) -> int:
        """Address at which a component is mapped. LookupError if it is not."""
        component = whole_number("component", component)
        mapping = self._template.mappings.of(component)
        if mapping is None:
            raise LookupError(f"component {component} is not mapped")
        return mapping.first

    def restore(self, lanes: Lanes, snapshot: Snapshot) -> None:
        """Make some lanes what a snapshot of a board like the template says.

        `lanes` is a number, a slice, a sequence of numbers, or a truth value for each lane.
        RuntimeError during a run, SnapshotError for another kind of machine, ValueError if the
        batch has components, whose lanes cannot be restored.
        """
        self._refuse_while_running("restore")
        self._refuse_components("restored")
        put_snapshot(snapshot, chosen_lanes(lanes, self.n), self._arrays, self._template)
        self._never_reset = False

    def board(self, lane: int) -> Motherboard:
        """A lane as a board of its own, to look at and to debug; it is the caller's to close.

        RuntimeError during a run, ValueError if the batch has components.
        """
        self._refuse_while_running("copy a lane of")
        self._refuse_components("copied")
        number = number_within("lane", lane, 0, self.n - 1)
        board = self._board(self._template.components)
        put_lane(number, self._arrays, board)
        return board

    def _refuse_components(self, what: str) -> None:
        if self._components:
            name = self._template.components[min(self._components)].name
            raise ValueError(f"lanes with a component ({name}) that serves them cannot be {what}")

    def reset(self, lanes: Lanes | None = None) -> None:
        """Reset all CPUs, and components; the lanes' memory gets the template's content.

        With `lanes`, as `restore` takes them, only these.
        """
        self._refuse_while_running("reset")
        if lanes is not None:
            chosen = chosen_lanes(lanes, self.n)
            self._arrays.reset(chosen)
            for memory in self._arrays.memories:
                if memory.writable:
                    memory.rows[chosen] = self._first_words(memory)
            for component in self._components.values():
                component.reset(chosen)
            return
        self._never_reset = False
        self._arrays.reset()
        self._restore_memory(self.n)
        for component in self._components.values():
            component.rewind()

    def back_to_template(self, used: int) -> None:
        """Make all lanes as they were when the batch was made, of which the first `used` have been
        changed since. Components are reset; what they have collected stays."""
        self._refuse_while_running("reset")
        used = number_within("used", used, 0, self.n)
        state = self._template.core.state
        self._arrays.copy_cpu(state.regs, state.state)
        self._restore_memory(used)

    def _restore_memory(self, used: int) -> None:
        """Give the lanes' memory the template's content, and reset components."""
        for memory in self._arrays.memories:
            if memory.writable:
                restore_rows(memory.rows[:used], self._first_words(memory))
        everybody = numpy.arange(self.n, dtype=numpy.int64)
        for component in self._components.values():
            component.reset(everybody)

    def stats(self) -> Statistics:
        """What the engines of all threads have done since the batch was made."""
        return together(self._template.stats(), self._workers)

    # --- running -----------------------------------------------------------------------------

    def run(
        self,
        max_cycles: int | NDArray[Any] | None = None,
        *,
        halt_on_exception: bool = False,
        progress: bool | ProgressCallback = False,
        count: int | None = None,
    ) -> BatchResult:
        """Run every lane until it halts or has attempted `max_cycles` instructions: a number, or
        an array with one for each lane.

        Lanes go on from where they are; one that has halted stays so. With `halt_on_exception` a
        lane stops at its first exception. `progress` shows a bar, or is called with lanes done,
        lanes in all, and instructions so far. With `count` only the first so many lanes run; of the
        others the result says NOT_RUN. Ctrl-C ends the run: the result then says so, and
        `run` can be called again to go on. An exception in a component ends the run as well, and
        comes out of this call.
        """
        budget = _budget(max_cycles, self.n)
        count = self.n if count is None else number_within("count", count, 0, self.n)
        if count < self.n and self._device is not None:
            raise ValueError("on a device all lanes run; leave `count` out")
        if self._never_reset and self.n and self._arrays.halted.all():
            warnings.warn(
                "the template board was never reset, so all lanes are halted; call its reset() "
                "before it becomes a template, or the batch's reset()",
                RuntimeWarning,
                stacklevel=2,
            )
        if self._closed:
            raise RuntimeError("the batch is closed")
        return self._right.exclusively(
            self._run_in_use, budget, halt_on_exception, make_progress(progress), count
        )

    def _run_in_use(
        self, budget: int | NDArray[Any], halt_on_exception: bool, progress: Progress, count: int
    ) -> BatchResult:
        with self._arrays.in_use():
            return self._run(budget, halt_on_exception, progress, count)

    if TYPE_CHECKING:
        stream = staticmethod(_stream)
    else:
        stream = StreamLater()

    def _run(
        self,
        budget: int | NDArray[numpy.int64],
        stop_on_exception: bool,
        progress: Progress,
        count: int,
    ) -> BatchResult:
        begin = time.perf_counter()
        arrays = self._arrays
        arrays.left[:] = budget
        arrays.reason[:] = lane_layout.LANE_NOT_RUN
        self._control[0] = 0
        threads = max(1, min(self._threads, -(-count // SMALLEST_BLOCK)))
        if not self._workers or self._vector_compiler is not None:
            self._vector_compiler = self._compiler()
            for worker in self._workers:
                worker.use(self._vector_compiler)
        while len(self._workers) < threads:
            self._workers.append(self._worker())
        workers = self._workers[:threads]
        blocks = Blocks(count, threads, largest_block(self._components))
        backend = self._backend(count)
        before = sum(worker.instructions for worker in workers)
        for worker in workers:
            worker.begin(start_of(arrays, 0) if self.n else 0)
        elsewhere = 0
        if self._device is not None:
            elsewhere = self._run_on_device(self._device, stop_on_exception, progress)

        def work(worker: Worker) -> None:
            while (block := blocks.take()) is not None and not self._control[0]:
                first, size = block
                backend.run_block(worker, first, size, stop_on_exception)
                worker.finished += size

        def show() -> None:
            progress.show(
                sum(worker.finished for worker in workers),
                count,
                sum(worker.instructions for worker in workers) - before + elsewhere,
            )

        running = LaneThreads([partial(work, worker) for worker in workers], self._control)
        self._threads_at_work = running
        interrupted = False
        with progress:
            try:
                running.start()
                while running.are_running:
                    running.wait(progress.interval)
                    self._signals.deliver()
                    show()
            except KeyboardInterrupt:
                interrupted = True
            except BaseException as error:
                running.fail(error)
            running.end()
            if not running.errors:
                show()
        if running.errors:
            raise running.errors[0]
        instructions = sum(worker.instructions for worker in workers) - before + elsewhere
        interrupted = interrupted or bool(self._control[0])
        return self._result(interrupted, time.perf_counter() - begin, instructions)

    def _backend(self, count: int) -> Backend:
        """What runs the first `count` lanes."""
        if self._device is not None:
            return BehindDevice(self._arrays)
        order = None
        if self.programs is not None and not self._components:
            order = order_by_program(self.programs[:count])
        return InOrder() if order is None else ByProgram(order)

    def _run_on_device(
        self, device: DeviceLanes, stop_on_exception: bool, progress: Progress
    ) -> int:
        """Run the lanes on the device; those that the host must go on with are LANE_NOT_RUN again.
        How many instructions that were."""
        executed = 0

        def between(done: int, instructions: int) -> bool:
            nonlocal executed
            executed = instructions
            try:
                self._signals.deliver()
            except KeyboardInterrupt:
                self._control[0] = 1
            progress.show(done, self.n, instructions)
            return not self._control[0]

        device.run(self._workers[0].board, stop_on_exception, between)
        reason = self._arrays.reason
        waiting = lane_layout.LANE_STOPPED if self._control[0] else lane_layout.LANE_NOT_RUN
        reason[reason == lane_layout.LANE_PENDING] = waiting
        return executed

    def _wake(self) -> None:
        """A signal has come: have the loop look at it."""
        if self._threads_at_work is not None:
            self._threads_at_work.wake()

    def _end_threads(self) -> None:
        """No thread works on the lanes before and after a run, whatever has ended it."""
        if self._threads_at_work is not None:
            self._threads_at_work.end()
            self._threads_at_work = None

    def _result(self, interrupted: bool, seconds: float, instructions: int) -> BatchResult:
        arrays = self._arrays
        exception = numpy.zeros(arrays.n, numpy.uint32)
        raised = numpy.flatnonzero(arrays.reason == lane_layout.LANE_EXCEPTION)
        exception[raised] = arrays.regs[raised, Reg.ET]
        parts = (arrays.reason, arrays.cycles, arrays.regs[:, Reg.PC], arrays.last_pc)
        reason, cycles, pc, address = copies(parts)
        return BatchResult(
            reason=reason,
            cycles=cycles,
            pc=pc,
            address=address,
            exception=exception,
            interrupted=interrupted,
            seconds=seconds,
            instructions=instructions,
            sources=self._sources,
            paged=arrays.regs[:, Reg.MTT] != 0 if self._sources is not None else None,
        )

    def stop(self) -> None:
        """End the run in progress as Ctrl-C does, from a component or another thread."""
        if self._right.is_held:
            self._control[0] = 1

    def _refuse_while_running(self, action: str) -> None:
        if self._right.is_held:
            raise RuntimeError(f"cannot {action} a batch that is running")

    def close(self) -> None:
        """Close the components, all of them whatever errors there are. The lanes' arrays stay."""
        self._refuse_while_running("close")
        if self._closed:
            return
        with undisturbed():
            self._closed = True
            self._workers.clear()
            close_all(self._components.values())

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Batch, {self.n:,} lanes, {self._threads} threads>"


def _budget(max_cycles: int | NDArray[Any] | None, n: int) -> int | NDArray[numpy.int64]:
    """Instructions for each lane."""
    if max_cycles is None:
        return UNLIMITED
    if isinstance(max_cycles, numpy.ndarray) and max_cycles.ndim:
        if max_cycles.shape != (n,) or max_cycles.dtype.kind not in "iu":
            raise ValueError(
                f"max_cycles has shape {max_cycles.shape} and dtype {max_cycles.dtype}; "
                f"wanted ({n},) and whole numbers"
            )
        if n and (max_cycles.min() < 0 or max_cycles.max() > UNLIMITED):
            raise ValueError("max_cycles must be 0 or more for each lane")
        return max_cycles.astype(numpy.int64)
    return min(number_within("max_cycles", max_cycles, 0), UNLIMITED)


def _cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
