"""Running a machine of compiled parts: what the scheduler `cooperative` does in its rounds, done by
a compiled loop. Everything else, such as booting, ending and halting parts, stays the scheduler's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import compiled_layout as layout
from .compiled import CompiledPeripheral, CompiledProcessor, State
from .contexts import PartContext
from .errors import MachineError
from .messages import Terminate

FIRST_SLICE: Final = 1000
SLICE_SECONDS: Final = 0.02
"""How long the loop runs before Python looks at the world again: Ctrl-C, stop, a timeout."""

S = TypeVar("S", bound=PartContext)
T = TypeVar("T")
Record = tuple[int, int, int, int, int, int, int]


class CompiledRun:
    """The compiled loop of one machine, and the table that it works on.

    `end(context, error)` is called for every part that ends, in the order in which they do.
    """

    def __init__(
        self,
        processors: Sequence[S],
        peripherals: Sequence[S],
        end: Callable[[S, BaseException | None], None],
    ) -> None:
        from .compiled_code import Functions, UncompilableError, loop_of

        self.slice = FIRST_SLICE
        """Rounds that take about `SLICE_SECONDS`."""
        self._end = end
        self._contexts = [*peripherals, *processors]
        self._peripherals = len(peripherals)
        self._states: list[State] = []
        answering = [_peripheral(context).functions for context in peripherals]
        executing = [_processor(context).function for context in processors]
        functions = Functions(
            exe_ins=_distinct(executing),
            handle=_distinct([handle for handle, _ in answering]),
            cycle=_distinct([cycle for _, cycle in answering if cycle is not None]),
        )
        try:
            self._loop = loop_of(functions)
        except UncompilableError as error:
            raise self._explained(error.function, error.reason) from error

        records: list[Record] = []
        for context, (handle, cycle) in zip(peripherals, answering, strict=True):
            state = _peripheral(context).state
            cycle_kind = layout.NO_KIND if cycle is None else functions.cycle.index(cycle)
            records.append(self._record(state, functions.handle.index(handle), cycle_kind))
        for context, exe_ins in zip(processors, executing, strict=True):
            state = _processor(context).state
            records.append(self._record(state, functions.exe_ins.index(exe_ins), layout.NO_KIND))
        head = [0] * layout.HEAD
        head[layout.PERIPHERALS] = len(peripherals)
        self._table = np.array([*head, *sum(records, ())], dtype=np.int64)

    def _record(self, state: State, kind: int, cycle: int) -> Record:
        self._states.append(state)  # The table has only its address.
        return kind, state.ctypes.data, state.size, cycle, 0, 0, 0

    def _explained(self, function: object, reason: str) -> MachineError:
        for context in self._contexts:
            part = context.part
            roles: dict[str, object]
            if isinstance(part, CompiledProcessor):
                roles = {"exe_ins": part.function}
            else:
                handle, cycle = _peripheral(context).functions
                roles = {"handle": handle, "cycle": cycle}
            for role, used in roles.items():
                if used is function:
                    return MachineError(
                        f"numba cannot compile {role} of {context.name}, the function "
                        f"{getattr(function, '__name__', function)!r}: {reason}. Change it, or "
                        "run the machine with compiled=False"
                    )
        raise AssertionError(f"no part has the function {function!r}")

    def run(self, rounds: int) -> int:
        """Run a slice of at most so many rounds, whole ones; returns how many. At least one.

        A round in which a part ends is the slice's last.
        """
        table = self._table
        first, turns, done = 0, min(rounds, self.slice), 0
        start = time.perf_counter()
        while True:
            processors, cycles = self._lists()
            table[: layout.PERIPHERALS] = 0
            error: BaseException | None = None
            try:
                self._loop(table, processors, cycles, first, turns)
            except Exception as raised:
                error = raised
            done += int(table[layout.DONE])
            if error is None and not table[layout.ENDED] and not table[layout.FALLEN]:
                break
            self._end_parts(error)
            # Finish this round, from the next part on.
            current = table[layout.CURRENT]
            processors, cycles = self._lists()
            if current >= self._offset(self._peripherals):
                first = int(np.searchsorted(processors, current, side="right"))
            else:
                first = len(processors) + int(np.searchsorted(cycles, current, side="right"))
            turns = 1
        self._adapt(done, time.perf_counter() - start)
        return done

    def _adapt(self, done: int, seconds: float) -> None:
        if done < self.slice:
            return
        fitting = int(done * SLICE_SECONDS / max(seconds, 1e-6))
        self.slice = max(1, min(fitting, 4 * self.slice))

    def _offset(self, number: int) -> int:
        return layout.HEAD + layout.RECORD * number

    def _lists(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The records of processors that have a turn, and of peripherals that cycle in theirs."""
        processors: list[int] = []
        cycles: list[int] = []
        for number, context in enumerate(self._contexts):
            record = self._offset(number)
            if number >= self._peripherals:
                if not context.gone:
                    processors.append(record)
            elif context.gone:
                self._table[record + layout.KIND] = layout.NO_KIND
            elif self._table[record + layout.CYCLE] != layout.NO_KIND:
                cycles.append(record)
        return np.array(processors, dtype=np.int64), np.array(cycles, dtype=np.int64)

    def _end_parts(self, error: BaseException | None) -> None:
        """Tell the scheduler who has ended: peripherals in handling a query, then who asked."""
        table = self._table
        if table[layout.FALLEN]:
            ranks = {
                int(table[self._offset(number) + layout.RANK]): number
                for number in range(self._peripherals)
            }
            for rank in range(1, int(table[layout.FALLEN]) + 1):
                number = ranks[rank]
                reason = self._reason(number)
                _add_place(reason, self._contexts[number], "handle")
                table[self._offset(number) + layout.RANK] = 0
                self._end(self._contexts[number], reason)
        number = (int(table[layout.CURRENT]) - layout.HEAD) // layout.RECORD
        context = self._contexts[number]
        if error is not None:
            _add_place(error, context, "cycle" if number < self._peripherals else "exe_ins")
            self._end(context, error)
        elif table[layout.ENDED]:
            self._end(context, Terminate(int(table[layout.CODE])))

    def _reason(self, number: int) -> BaseException:
        """What a peripheral has ended with."""
        record = self._offset(number)
        why, code = self._table[record + layout.WHY], int(self._table[record + layout.END_CODE])
        if why == layout.BY_CODE:
            return Terminate(code)
        if why == layout.BY_STATUS:
            if code in (layout.DATA, layout.GOOD):
                return TypeError(layout.WRONG_STATUS)
            return ValueError(layout.UNKNOWN_STATUS)
        from .compiled_numba import raise_error

        try:
            raise_error(code)
        except Exception as error:
            return error
        raise AssertionError("the error that ended a peripheral is not one")


def compiled_run(
    processors: Sequence[S],
    peripherals: Sequence[S],
    end: Callable[[S, BaseException | None], None],
) -> CompiledRun | None:
    """The compiled loop of a machine; None if not all of its parts are compiled ones, or if the
    environment variable NUMBA_DISABLE_JIT is set.

    MachineError if numba cannot compile one of their functions.
    """
    if not all(_is_compiled(context.part) for context in (*processors, *peripherals)):
        return None
    from numba import config

    if config.DISABLE_JIT:
        return None
    return CompiledRun(processors, peripherals, end)


def _add_place(error: BaseException, context: PartContext, role: str) -> None:
    """Say which function of a part failed, and where: at the line that numba has put into the
    traceback, or else where the function begins. An end by `Terminate` is no failure."""
    if isinstance(error, Terminate):
        return
    part = context.part
    if isinstance(part, CompiledProcessor):
        function: object = part.function
    else:
        assert isinstance(part, CompiledPeripheral)
        function = part.functions[role == "cycle"]
    code = getattr(function, "__code__", None)
    name, file, line = getattr(function, "__name__", repr(function)), "", 0
    if code is not None:
        file, line = code.co_filename, code.co_firstlineno
    where = "begins at"
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None and last.tb_frame.f_code.co_filename not in _OWN_FILES:
        name, file = last.tb_frame.f_code.co_name, last.tb_frame.f_code.co_filename
        line, where = last.tb_lineno, "at"
    hint = ""
    if isinstance(error, IndexError) and str(error) == layout.WRONG_INDEX:
        hint = "; run the machine with compiled=False to see which index"
    error.add_note(f"in {role} of {context.name}: {name}, {where} {file}:{line}{hint}")


_OWN_FILES: Final = (__file__, "<compiled machine>")


def _is_compiled(part: object) -> bool:
    """Whether a part's work is done by its functions: no subclass does something else instead."""
    for kind, methods in (
        (CompiledProcessor, ["exe_ins"]),
        (CompiledPeripheral, ["handle", "cycle"]),
    ):
        if isinstance(part, kind):
            return not any(
                method in vars(part) or getattr(type(part), method) is not getattr(kind, method)
                for method in methods
            )
    return False


def _distinct(items: Sequence[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))


def _processor(context: PartContext) -> CompiledProcessor:
    assert isinstance(context.part, CompiledProcessor)
    return context.part


def _peripheral(context: PartContext) -> CompiledPeripheral:
    assert isinstance(context.part, CompiledPeripheral)
    return context.part
