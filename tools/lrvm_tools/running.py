"""Running a machine from a list of components, and telling what happens (tools.md).

>>> from lrvm_components import BootRom
>>> from lrvm_tools import RunConfig, assemble, execute
>>> rom = BootRom(assemble("halt"))
>>> stop = execute([rom])  # doctest: +ELLIPSIS
=> Component 0000 'BootROM                         ': ✓ 0x00000000 -> 0x00000003 (HW ID: ...)
[lrvm] Cycle 0x00000001: CPU halted at address 0x00000000
>>> stop.reason
<StopReason.HALTED: 'halted'>
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from lrvm_jit import (
    Component,
    GuestException,
    Interest,
    MappingError,
    MappingOutcome,
    Motherboard,
    RunObserver,
    Stop,
    StopReason,
)
from lrvm_jit.arguments import optional_number
from lrvm_jit.core.component import metadata_of
from lrvm_jit.core.metadata import NAME_BYTES, name_bytes

PREFIX: Final = "[lrvm]"
TICK: Final = "\N{CHECK MARK}"
CROSS: Final = "\N{BALLOT X}"
_MOST_EXCEPTION_LINES: Final = 1000
_MOST_REPEATING: Final = 50
"""With `repeated_exceptions`: lines about exceptions, and different ones that come again and
again, after which nothing more is said about any."""


class Writer(Protocol):
    """Where lines go: an open text file, an `io.StringIO`, or anything with such a `write`."""

    def write(self, text: str, /) -> object: ...


class PreparationError(MappingError):
    """Components that could not be mapped; `outcomes` tells what became of each component.

    >>> import io
    >>> from lrvm_jit import Category, Component, Metadata
    >>> from lrvm_tools import PreparationError, prepare
    >>> class Odd(Component):
    ...     def metadata(self):
    ...         return Metadata(1, 6, Category.UNCATEGORIZED, type=0)
    >>> try:
    ...     _ = prepare([Odd()], writer=io.StringIO())
    ... except PreparationError as error:
    ...     print(error.outcomes[0].ok)
    False
    """

    def __init__(self, outcomes: Sequence[MappingOutcome]) -> None:
        self.outcomes = tuple(outcomes)
        super().__init__(self.outcomes)

    def __str__(self) -> str:
        reasons = [str(outcome.result) for outcome in self.outcomes if not outcome.ok]
        return f"{len(reasons)} of {len(self.outcomes)} components could not be mapped: " + (
            "; ".join(reasons)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How `run` runs a machine and what it prints. `RunConfig()` is the default preset.

    >>> from lrvm_tools import RunConfig
    >>> RunConfig(cycle_limit=1000).cycle_limit
    1000
    """

    cycle_limit: int | None = None
    """Attempt at most so many instructions in this run."""
    halt_on_exception: bool = False
    """End the run at the first exception or interruption."""
    print_cycles: bool = False
    """A line before every instruction. It makes the machine step, which is slow."""
    print_exceptions: bool = True
    """A line for every exception and interruption."""
    repeated_exceptions: int | None = None
    """Only so many lines for the same exception at the same address, then one that says so. The
    run goes on at full speed through those that are not shown; None shows all."""
    print_finish: bool = True
    """A line that says where and why the run ended."""
    newline_before_finish: bool = False
    """An empty line before that one, for guests whose last line of text is unfinished."""

    def __post_init__(self) -> None:
        limit = optional_number("cycle_limit", self.cycle_limit, 0)
        object.__setattr__(self, "cycle_limit", limit)
        repeated = optional_number("repeated_exceptions", self.repeated_exceptions, 0)
        object.__setattr__(self, "repeated_exceptions", repeated)

    @classmethod
    def default(cls, cycle_limit: int | None = None) -> RunConfig:
        """Prints exceptions and the finish line."""
        return cls(cycle_limit=cycle_limit)

    @classmethod
    def halt_on_ex(cls, cycle_limit: int | None = None) -> RunConfig:
        """The default, but the first exception ends the run."""
        return cls(cycle_limit=cycle_limit, halt_on_exception=True)

    @classmethod
    def verbose(cls, cycle_limit: int | None = None) -> RunConfig:
        """Prints every cycle, exceptions and the finish line."""
        return cls(cycle_limit=cycle_limit, print_cycles=True)

    @classmethod
    def quiet(cls, cycle_limit: int | None = None) -> RunConfig:
        """Prints nothing."""
        return cls(cycle_limit=cycle_limit, print_exceptions=False, print_finish=False)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is printed."""
        return not (self.print_cycles or self.print_exceptions or self.print_finish)


def prepare(
    components: Iterable[Component], *, engine: str = "auto", writer: Writer | None = None
) -> Motherboard:
    """A board with the components mapped one after the other from 0, reset and ready to run.

    Writes `component_lines`, to standard output unless there is a `writer`. If a component
    cannot be mapped PreparationError is raised after that, and the components are closed.

    >>> import io
    >>> from lrvm_components import BootRom
    >>> from lrvm_tools import prepare
    >>> lines = io.StringIO()
    >>> with prepare([BootRom([0])], writer=lines) as board:
    ...     print("0x00000000 -> 0x00000003" in lines.getvalue())
    True
    """
    board = Motherboard(list(components), engine)
    outcomes = board.map_contiguous(0)
    for line in component_lines(board, outcomes):
        _print(line, writer)
    if not all(outcome.ok for outcome in outcomes):
        board.close()
        raise PreparationError(outcomes)
    board.reset()
    return board


def run(
    board: Motherboard, config: RunConfig | None = None, *, writer: Writer | None = None
) -> Stop:
    """Run a board from its present state and say in `config`'s lines what happens.

    The lines go to standard output unless there is a `writer`. The answer tells the cycles, the
    address of the last instruction attempted and, if `config.halt_on_exception` ended the run,
    the exception; the CPU is not halted then. Whatever a component raises passes through.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import RunConfig, assemble, run
    >>> with Motherboard([BootRom(assemble("halt"))]) as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     print(run(board, RunConfig.quiet()).reason)
    halted
    """
    config = config or RunConfig()
    limit = config.cycle_limit
    if limit is not None and limit < 0:
        raise ValueError(f"cycle limit {limit} must be 0 or more")
    telling = config.print_exceptions or config.print_cycles
    stop = board.run(
        limit,
        halt_on_exception=config.halt_on_exception,
        observer=_Lines(board, config, writer) if telling else None,
    )
    exception = stop.exception
    if exception and config.print_exceptions and not config.print_finish:
        # The finish line, if there is one, says the same.
        _print(exception_line(stop, exception), writer)
    if config.print_finish:
        if config.newline_before_finish:
            _print("", writer)
        _print(finish_line(stop), writer)
        if stop.advice:
            _print(f"{PREFIX} {stop.advice}", writer)
    return stop


def execute(
    components: Iterable[Component],
    config: RunConfig | None = None,
    *,
    engine: str = "auto",
    writer: Writer | None = None,
) -> Stop:
    """`prepare`, then `run`, then close the components. A quiet `config` shows no lines at all.

    The components are the caller's to look at: a RAM still has its words.

    >>> from lrvm_components import BootRom
    >>> from lrvm_tools import RunConfig, assemble, execute
    >>> execute([BootRom(assemble("halt"))], RunConfig.quiet()).reason
    <StopReason.HALTED: 'halted'>
    """
    config = config or RunConfig()
    with prepare(
        components, engine=engine, writer=_NOWHERE if config.is_quiet else writer
    ) as board:
        return run(board, config, writer=writer)


def component_lines(
    board: Motherboard, outcomes: Iterable[MappingOutcome] | None = None
) -> list[str]:
    """A line per component: id, name, tick or cross, where it is mapped or why not, hardware id.

    `outcomes` are those of `Motherboard.map_contiguous`; without them the board's present
    mappings are shown.
    """
    results = {outcome.component: str(outcome.result) for outcome in outcomes or ()}
    lines = []
    for index, component in enumerate(board.components):
        mapping = board.mappings.of(index)
        where = str(mapping) if mapping else results.get(index, "not mapped")
        name = name_bytes(component.name).decode()
        identity = metadata_of(component).hardware_id.to_bytes(8, "big").hex(" ").upper()
        lines.append(
            f"=> Component {index:04} '{name:{NAME_BYTES}}': "
            f"{TICK if mapping else CROSS} {where} (HW ID: {identity})"
        )
    return lines


def finish_line(stop: Stop) -> str:
    """The line that says where and why a run ended."""
    match stop.reason:
        case StopReason.BUDGET:
            what = "cycle limit reached"
        case StopReason.BREAKPOINT:
            what = "breakpoint reached"
        case StopReason.WATCHPOINT:
            what = f"watchpoint: {_watched(stop)}by the instruction"
        case StopReason.STOPPED:
            what = "stopped by the host"
        case StopReason.UNHANDLED:
            assert stop.exception is not None
            line = exception_line(stop, stop.exception).replace(": ", ": unhandled ", 1)
            return f"{line}; it would come again for ever"
        case StopReason.UNMAPPED:
            what = f"{stop.unmapped}, by the instruction"
        case StopReason.HALTED | StopReason.EXCEPTION:
            what = "CPU halted"
    line = f"{_at_cycle(stop)}: {what} at address 0x{stop.address:08X}"
    if stop.exception is not None:
        line += f" because of exception in {stop.exception.mode} mode: {stop.exception}"
    return line


def exception_line(stop: Stop, exception: GuestException) -> str:
    """The line for an exception after which the machine may run on."""
    return (
        f"{_at_cycle(stop)}: exception at address 0x{stop.address:08X} "
        f"in {exception.mode} mode: {exception}"
    )


def _at_cycle(stop: Stop) -> str:
    return f"{PREFIX} Cycle 0x{stop.cycles:08X}"


def _watched(stop: Stop) -> str:
    hit = stop.watch
    return "" if hit is None else f"{hit.access} of 0x{hit.word:08X} at 0x{hit.address:08X} "


class _Lines(RunObserver):
    """Writes the lines about cycles and exceptions while a run goes on."""

    def __init__(self, board: Motherboard, config: RunConfig, writer: Writer | None) -> None:
        self.watches_instructions = config.print_cycles
        self.watches_exceptions = config.print_exceptions
        self._cpu = board.cpu
        self._most = config.repeated_exceptions
        self._writer = writer
        self._seen: Counter[tuple[int, GuestException]] = Counter()
        self._repeating = 0

    def instruction(self) -> None:
        cycle, address = self._cpu.cycles + 1, self._cpu.regs["pc"]
        _print(f"{PREFIX} Running cycle 0x{cycle:08X} at address 0x{address:08X}", self._writer)

    def exception(self, stop: Stop) -> Interest:
        assert stop.exception is not None
        if self._most is not None:
            what = stop.address, stop.exception
            self._seen[what] += 1
            if self._seen[what] > self._most:
                self._repeating += 1
                if self._repeating > _MOST_REPEATING:
                    return self._enough()
                self._say("The same again and again; no more of these are shown")
                return Interest.NOT_THIS
            if self._seen.total() > _MOST_EXCEPTION_LINES:
                return self._enough()
        _print(exception_line(stop, stop.exception), self._writer)
        return Interest.MORE

    def _enough(self) -> Interest:
        self._say("Too many exceptions; no more of them are shown")
        return Interest.NONE

    def _say(self, text: str) -> None:
        _print(f"{PREFIX} {text}", self._writer)


def _print(line: str, writer: Writer | None) -> None:
    (sys.stdout if writer is None else writer).write(line + "\n")


class _Nowhere:
    def write(self, text: str, /) -> None:
        """Forget it."""


_NOWHERE: Final = _Nowhere()
