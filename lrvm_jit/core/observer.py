"""Being told of what happens during a run, without ending it."""

from __future__ import annotations

from enum import Enum

from .stop import Stop


class Interest(Enum):
    """What an observer wants to hear from now on, until the run ends.

    >>> from lrvm_jit import Interest
    >>> [interest.name for interest in Interest]
    ['MORE', 'NOT_THIS', 'NONE']
    """

    MORE = "more"
    """Everything, as before."""
    NOT_THIS = "not this"
    """No more of this exception at this address. At most 64 can be left out by themselves; with
    one more, no exception is told any longer."""
    NONE = "none"
    """No exceptions at all."""


class RunObserver:
    """Gets calls between the instructions of a run: `board.run(observer=...)`.

    They may look at the board and may call `board.stop()`, but must change nothing. What they
    raise comes out of `run`. The run is one run all the same: its limit counts on, and a
    stop that is asked for meanwhile ends it.

    >>> from lrvm_jit import RunObserver
    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> class Counter(RunObserver):
    ...     watches_instructions = True
    ...     count = 0
    ...     def instruction(self):
    ...         self.count += 1
    >>> counter = Counter()
    >>> with Motherboard([BootRom(assemble("inc a0\\nhalt"))]) as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     _ = board.run(observer=counter)
    >>> counter.count
    2
    """

    watches_instructions = False
    """Whether `instruction` is to be called. It makes the machine step, which is slow."""
    watches_exceptions = True
    """Whether `exception` is to be called."""

    def instruction(self) -> None:
        """The instruction at pc is attempted next, unless this call stops the run."""

    def exception(self, stop: Stop) -> Interest:
        """The CPU has taken an exception or interruption; `stop` is as if the run ended here."""
        return Interest.MORE
