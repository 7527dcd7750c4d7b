"""A worker: one machine in whose arrays lanes run, and the Python side of their requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Sized

import numpy
from numpy.typing import NDArray

from ..core import layout
from ..core.error_notes import add_note_once
from ..exceptions import HardwareError
from ..isa.table import RESET_KEEPS_CPU, Reg
from ..kernel.build.compile import KERNEL, SOURCES, EntryPointSource, load
from ..machine.motherboard import Motherboard
from . import lane_layout as lanes
from .answers import checked_answer
from .component import FINE, BatchComponent, LaneNumbers, PartlyServedError, Words
from .lane_arrays import LaneArrays
from .proxy import ComponentProxy
from .vector.backend import VectorLanes
from .vector.code import VectorCompiler
from .vector.pace import Pace, Turn

BATCH_LOOP = EntryPointSource(
    "lrvm_jit.batch.lanes",
    "run_lanes",
    "the batch loop",
    (*SOURCES, "batch/lanes.py", "batch/lane_layout.py"),
)
PAUSE_AFTER = 20_000_000
"""Instructions between two looks of Python at what has been translated meanwhile: some
milliseconds."""
COMPILE_AFTER = 0.05
"""Seconds that lanes have taken one after the other before code for many at once is compiled,
which takes as long or longer."""
MOST_STARTS = 8
"""Different addresses at which lanes begin that vector code is made for."""
LONGEST_TURN = 1 << 20
"""Instructions that a lane executes alone at most before vector code is tried again."""
MOST_REQUESTS = 4096
"""Lanes that a worker takes at most at a time: so many requests are answered in one call."""
MOST_LANES = 4 * MOST_REQUESTS
"""The same where there is nobody to be asked: fewer turns of Python."""


def largest_block(components: Sized) -> int:
    """Lanes that a worker takes at most at a time, in a batch with these components."""
    return MOST_REQUESTS if len(components) else MOST_LANES


LARGE_LANE = 128 << 10
"""Bytes of memory of a lane from which on it is not put aside when it asks a component, as copying
it to and fro would take longer than asking for one lane alone."""


class Worker:
    """Runs blocks of lanes on a board made for it. One thread at a time."""

    def __init__(
        self,
        board: Motherboard,
        arrays: LaneArrays,
        components: dict[int, BatchComponent],
        control: NDArray[numpy.int64],
        lock: threading.Lock,
        compiler: VectorCompiler | None = None,
    ) -> None:
        """`components` by id; `control` is the flag that stops all workers; `lock` is held while
        a component is called; `compiler` makes code for lanes side by side."""
        self.board = board
        self._arrays = arrays
        self._components = components
        self._lock = lock
        self._engine = board.kernel_engine
        self._state = board.core.state.state_view
        self._ports = [item for item in board.components if isinstance(item, ComponentProxy)]
        self._run, _ = load(BATCH_LOOP)
        self._queue = numpy.zeros(largest_block(components), numpy.int64)
        self._saved = numpy.zeros(
            (largest_block(components) if components else 1, lanes.SAVED_FIELDS), numpy.int64
        )
        self._segments = self._segment_table()
        memory = 4 * int(self._segments[:, lanes.SEGMENT_WORDS].sum())
        self._asks_at_once = (
            memory >= LARGE_LANE
            and bool(components)
            and not any(component.sees_lanes for component in components.values())
        )
        self._control = control
        context = numpy.zeros(lanes.LANE_CONTEXT_WORDS, numpy.int64)
        for field, value in (
            (lanes.ENTER_AT, load(KERNEL)[1]),
            (lanes.WORKER, self._engine.context_address),
            (lanes.REGS_AT, arrays.regs.ctypes.data),
            (lanes.REGS_STRIDE, arrays.regs.strides[1]),
            (lanes.FLAGS_AT, arrays.flags.ctypes.data),
            (lanes.CYCLES_AT, arrays.cycles.ctypes.data),
            (lanes.LEFT_AT, arrays.left.ctypes.data),
            (lanes.LAST_PC_AT, arrays.last_pc.ctypes.data),
            (lanes.REASON_AT, arrays.reason.ctypes.data),
            (lanes.HALTED_AT, arrays.halted.ctypes.data),
            (lanes.SEGMENTS, self._segments.ctypes.data),
            (lanes.SEGMENT_COUNT, len(self._segments)),
            (lanes.QUEUE, self._queue.ctypes.data),
            (lanes.SAVED, self._saved.ctypes.data),
            (lanes.CONTROL, control.ctypes.data),
            (lanes.THRESHOLD, self._engine.look_after),
            (lanes.SEED, 1),
            (lanes.PAUSE_AFTER, PAUSE_AFTER),
        ):
            context[field] = value
        self._context_array = context
        self._context = memoryview(context)  # type: ignore[arg-type]
        self._looked_at_start = False
        self._failure: BaseException | None = None
        self._compiler = compiler
        self._groups: VectorLanes | None = None
        self._executed_in_groups = 0
        """By groups that are no longer used."""
        self._pace = Pace()
        self._seconds_alone = 0.0
        self._turn_began = 0.0
        self.finished = 0
        """Lanes that this worker has run to their end since the run began."""

    def _segment_table(self) -> NDArray[numpy.int64]:
        rows = []
        for memory in self._arrays.memories:
            window = self.board.components[memory.component].windows[0]
            rows.append(
                [
                    window.base + memory.first_word,
                    memory.rows.shape[1],
                    memory.rows.ctypes.data,
                    memory.rows.strides[0],
                    int(memory.writable),
                ]
            )
        return numpy.array(rows, numpy.int64).reshape(-1, lanes.SEGMENT_FIELDS)

    @property
    def instructions(self) -> int:
        """Executed since the worker was made."""
        return self._context[lanes.INSTRUCTIONS] + self.in_groups

    @property
    def in_groups(self) -> int:
        """Executed side by side since the worker was made."""
        now = self._groups.instructions if self._groups is not None else 0
        return self._executed_in_groups + now

    def run_block(
        self,
        first: int,
        count: int,
        stop_on_exception: bool,
        queue: LaneNumbers | None = None,
    ) -> None:
        """Run the lanes from `first` on, or those of them in the queue, to their ends, or until the
        flag is set."""
        context = self._context
        context[lanes.FIRST_LANE] = first
        context[lanes.STOP_ON_RAISE] = stop_on_exception
        if queue is None:
            queue = numpy.arange(first, first + count, dtype=numpy.int64)
        try:
            while len(queue):
                queue = self._run_some(queue, first, count)
        except BaseException:
            self._abandon(self._waiting(lanes.LANE_PENDING, first, count), first)
            lost = self._waiting(lanes.LANE_YIELDED, first, count)
            self._arrays.reason[lost] = lanes.LANE_STOPPED
            raise
        self._raise_failure()
        self._engine.take_up()

    def _run_some(self, queue: LaneNumbers, first: int, count: int) -> LaneNumbers:
        """Run lanes of a block, alone or in groups, whichever has been quicker. Returns those that
        have not ended."""
        groups = self._groups_for(first, count)
        turn = Turn(False)
        if groups is not None:
            turn = self._pace.next_turn() if self._may_choose else Turn(True)
        lot = queue[: turn.lanes]
        begin, before = time.thread_time(), self.instructions
        self._turn_began = begin
        if groups is not None and turn.in_groups:
            self._run_in_groups(groups, lot, first, count)
            rate = self._pace.together
        else:
            self._run_alone(lot, first, count)
            rate = self._pace.alone
        # Not the time on the wall: others may have the processor, and compiling has been done.
        seconds = time.thread_time() - begin
        rate.note(seconds, self.instructions - before)
        if rate is self._pace.alone:
            self._seconds_alone += seconds
        left = self._waiting(lanes.LANE_YIELDED, first, count)
        rest = queue[len(lot) :]
        return numpy.concatenate([left, rest]) if len(rest) else left

    def _run_in_groups(
        self, groups: VectorLanes, queue: LaneNumbers, first: int, count: int
    ) -> None:
        """Run lanes side by side to their ends, with the scalar path's help."""
        turn = 0
        while len(queue):
            left = groups.run(queue)
            if left.is_empty:
                return
            self._run_alone(left.rest, first, count, groups.margin)
            turn += 1
            some_time = min(1 << turn >> 1, LONGEST_TURN)
            self._run_alone(left.some, first, count, groups.margin, some_time)
            queue = self._waiting(lanes.LANE_YIELDED, first, count)

    def run_lanes(self, queue: LaneNumbers, stop_on_exception: bool) -> None:
        """Run lanes in this order, as `run_block` does, in a batch without components."""
        context = self._context
        context[lanes.FIRST_LANE] = 0
        context[lanes.STOP_ON_RAISE] = stop_on_exception
        context[lanes.RESUMING] = 0
        self._run_queue(queue)
        self._raise_failure()
        self._engine.take_up()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _run_alone(
        self,
        queue: NDArray[numpy.int64],
        first: int,
        count: int,
        margin: int = 0,
        yield_after: int = 0,
    ) -> None:
        """Run lanes of a block one after the other: to their ends, or each for `yield_after`
        instructions and `margin` at least, whatever happens."""
        if not len(queue):
            return
        context = self._context
        context[lanes.RESUMING] = 0
        context[lanes.MARGIN] = margin
        context[lanes.YIELD_AFTER] = max(yield_after, margin) if yield_after else 0
        context[lanes.ASKING] = lanes.ASK_AT_ONCE if self._asks_at_once else lanes.ASK_LATER
        self._run_queue(queue)
        context[lanes.MARGIN] = 0
        context[lanes.YIELD_AFTER] *= not self._asks_at_once
        if self._asks_at_once:
            # Of these somebody has asked in vain.
            self._abandon(self._waiting(lanes.LANE_PENDING, first, count), first)
            return
        # After a component's failure too: all other instructions in progress are completed.
        while self._components and len(waiting := self._waiting(lanes.LANE_PENDING, first, count)):
            waiting = self._answer(waiting, first)
            context[lanes.RESUMING] = 1
            self._run_queue(waiting)
        context[lanes.YIELD_AFTER] = 0

    def _waiting(self, reason: int, first: int, count: int) -> NDArray[numpy.int64]:
        """Lanes of a block that have stopped for a reason."""
        block = self._arrays.reason[first : first + count]
        return numpy.flatnonzero(block == reason) + first

    # --- side by side ------------------------------------------------------------------------

    def use(self, compiler: VectorCompiler | None) -> None:
        """Have code for lanes side by side from somebody, who may be the same as before."""
        if compiler is not self._compiler:
            self._executed_in_groups = self.in_groups
            self._compiler, self._groups = compiler, None

    def _groups_for(self, first: int, count: int) -> VectorLanes | None:
        """What runs the lanes of a block side by side; None if there is nothing yet."""
        compiler = self._compiler
        if compiler is None:
            return None
        if self._groups is None:
            code = compiler.made
            if code is None and self._is_worth_compiling():
                code = compiler.code(self._starts(first, count))
            if code is None:
                return None
            self._groups = VectorLanes(code, self._arrays, self._control)
        return self._groups

    def _starts(self, first: int, count: int) -> list[int]:
        """Where lanes begin, and where some of a block are that have not ended."""
        reasons = self._arrays.reason[first : first + count]
        going = (reasons == lanes.LANE_NOT_RUN) | (reasons == lanes.LANE_YIELDED)
        pcs = self._arrays.regs[first : first + count, Reg.PC][going]
        return [self._start, *numpy.unique(pcs)[:MOST_STARTS].tolist()]

    @property
    def _may_choose(self) -> bool:
        """Whether lanes may run alone though there is code for groups."""
        return self._compiler is None or not self._compiler.always

    def _is_worth_compiling(self) -> bool:
        compiler = self._compiler
        if compiler is None or compiler.is_made:
            return False
        spent = self._seconds_alone + time.thread_time() - self._turn_began
        return compiler.always or spent > COMPILE_AFTER

    def _run_queue(self, queue: NDArray[numpy.int64]) -> None:
        context = self._context
        self._queue[: len(queue)] = queue
        context[lanes.POSITION] = 0
        context[lanes.QUEUE_END] = len(queue)
        context[lanes.LOADED] = 0
        address = int(self._context_array.ctypes.data)
        while True:
            code = self._run(address)
            if code == lanes.LANES_PAUSE:
                self._engine.take_up()
                if self._is_worth_compiling():
                    # All lanes of the queue come back soon, to go on side by side.
                    context[lanes.YIELD_AFTER] = 1
            elif code == lanes.LANES_LOOK:
                self._look()
            elif code == lanes.LANES_ASK:
                self._ask_at_once(int(self._queue[context[lanes.POSITION]]))
            elif code in (lanes.LANES_DONE, lanes.LANES_STOPPED):
                return
            elif code < 0:
                raise RuntimeError("the kernel failed; this is an error in lrvm_jit")
            else:
                self._serve(code, int(self._queue[context[lanes.POSITION]]))

    def _serve(self, code: int, lane: int) -> None:
        """Deal with a rare stop, of the lane that is loaded."""
        state = self._state
        if code == layout.REQUEST_RESET:
            # Components may look at the counter, which starts anew if the CPU is reset too.
            restart = state[layout.REQUEST_COMPONENT] & RESET_KEEPS_CPU == 0
            self._arrays.cycles[lane] = 0 if restart else state[layout.CYCLES]
            for port in self._ports:
                port.lane[0] = lane
        try:
            self._engine.serve(code)
        except BaseException as error:
            self._engine.abandon(error)
            add_note_once(error, f"lane {lane} of a batch")
            self._fail(error)

    def _look(self) -> None:
        """Have translated what lanes spend their time on: first whole programs."""
        self._context[lanes.INTERPRETED] = 0
        self._engine.take_up()
        if self._looked_at_start:
            self._engine.look()
        else:
            self._looked_at_start = True
            self._engine.look(self._start)

    def begin(self, start: int) -> None:
        """A run begins, of programs that begin at `start`."""
        self._start = start
        self.finished = 0

    # --- requests ----------------------------------------------------------------------------

    def _ask_at_once(self, lane: int) -> None:
        """Ask a component for the lane that is loaded."""
        state, component = self._state, self._components[self._state[layout.REQUEST_COMPONENT]]
        one = numpy.array([lane], numpy.int64)
        offset = numpy.array([state[layout.REQUEST_OFFSET]], numpy.uint32)
        kind, given = state[layout.REQUEST_KIND], None
        if kind == layout.REQUEST_WRITE:
            given = numpy.array([state[layout.REQUEST_VALUE]], numpy.uint32)
        number = state[layout.REQUEST_COMPONENT]
        served = 0
        # What is said to be right in a call; the rest of the lane is here, and not in the arrays.
        self._arrays.cycles[lane] = state[layout.CYCLES]
        windows = self.board.components[number].windows
        for window in windows:
            component.rows[lane] = window.words
        try:
            answer, served = self._ask(number, one, offset, given)
            if served:
                state[layout.ANSWER] = int(checked_answer(component, answer, 1)[0])
        except BaseException as error:
            self._note(error, number, one, offset, kind)
            self._fail(error)
        for window in windows:
            window.words[:] = component.rows[lane]
        if not served:
            self._context[lanes.ASKING] = lanes.ASK_NO_MORE

    def _answer(self, waiting: NDArray[numpy.int64], first: int) -> NDArray[numpy.int64]:
        """Ask each component for all lanes that wait for it. Returns those that have an answer."""
        saved = self._saved[waiting - first]
        field = lanes.SAVED_FIRST
        targets = saved[:, layout.REQUEST_COMPONENT - field]
        kinds = saved[:, layout.REQUEST_KIND - field]
        offsets = saved[:, layout.REQUEST_OFFSET - field].astype(numpy.uint32)
        words = saved[:, layout.REQUEST_VALUE - field].astype(numpy.uint32)
        answers = numpy.zeros(len(waiting), numpy.int64)
        served = numpy.ones(len(waiting), numpy.bool_)
        for number in numpy.unique(targets).tolist():
            component = self._components[number]
            chosen = targets == number
            for kind in (layout.REQUEST_READ, layout.REQUEST_WRITE):
                group = numpy.flatnonzero(chosen & (kinds == kind))
                if not len(group):
                    continue
                lane_numbers = waiting[group]
                given = words[group] if kind == layout.REQUEST_WRITE else None
                try:
                    answer, count = self._ask(number, lane_numbers, offsets[group], given)
                    if count:
                        answers[group] = checked_answer(component, answer, len(group))
                except BaseException as error:
                    self._note(error, number, lane_numbers, offsets[group], kind)
                    self._fail(error)
                    count = 0
                served[group[count:]] = False
        self._saved[waiting - first, layout.ANSWER - field] = answers
        if not served.all():
            self._abandon(waiting[~served], first)
        return waiting[served]

    def _ask(
        self, number: int, lanes: LaneNumbers, offsets: Words, words: Words | None
    ) -> tuple[object, int]:
        """READ, or WRITE of `words`: the answer, and how many of the accesses it is good for."""
        component = self._components[number]
        none: Words = numpy.zeros(len(lanes), numpy.uint32)
        with self._lock:
            try:
                if words is None:
                    return component.read(lanes, offsets), len(lanes)
                return (none, component.write(lanes, offsets, words)), len(lanes)
            except HardwareError as error:
                raise TypeError(
                    f"{component.name} raised a HardwareError; a batch component answers with an "
                    f"array of errors instead: its `word` for each access it refuses, else {FINE}"
                ) from error
            except PartlyServedError as partly:
                failure = partly.__cause__ or partly
                kind = layout.REQUEST_READ if words is None else layout.REQUEST_WRITE
                left = slice(partly.served, None)
                self._note(failure, number, lanes[left], offsets[left], kind)
                self._fail(failure)
                return (none if words is not None else partly.words, partly.errors), partly.served

    def _note(
        self,
        error: BaseException,
        number: int,
        waiting: LaneNumbers,
        offsets: Words,
        kind: int,
    ) -> None:
        """Say in an error which component failed, and for which lane, the first that waits."""
        if not len(waiting):
            return
        lane, offset = int(waiting[0]), int(offsets[0])
        mapping = self.board.mappings.of(number)
        assert mapping is not None
        regs = self._arrays.regs[lane]
        others = f", and for {len(waiting) - 1} other lanes in this call" * (len(waiting) > 1)
        add_note_once(
            error,
            f"component {number} ({self._components[number].name}), "
            f"{'read' if kind == layout.REQUEST_READ else 'write'} at offset 0x{offset:X}, "
            f"{'physical ' * bool(regs[Reg.MTT])}address 0x{mapping.first + offset:08X}, "
            f"by the instruction at pc 0x{regs[Reg.PC]:08X} of lane {lane}{others}",
        )

    def _fail(self, error: BaseException) -> None:
        """A component failed: the run ends, and the first failure comes out of it."""
        if self._failure is None:
            self._failure = error
        self._control[0] = 1

    def _abandon(self, waiting: NDArray[numpy.int64], first: int) -> None:
        """A component failed: the instructions in progress have not happened."""
        arrays = self._arrays
        saved = self._saved[waiting - first]
        arrays.cycles[waiting] -= 1
        arrays.last_pc[waiting] = saved[:, layout.PREVIOUS_PC - lanes.SAVED_FIRST]
        arrays.reason[waiting] = lanes.LANE_STOPPED


def start_of(arrays: LaneArrays, lane: int) -> int:
    """Where a lane's program goes on."""
    return int(arrays.regs[lane, Reg.PC])
