"""Machines: which parts there are, and who has channels to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

from .contexts import Part
from .cooperative import Cooperative
from .errors import MachineError
from .handle import MachineHandle
from .parts import Node, Peripheral, Processor, ProcessorNode
from .scheduler import Scheduler
from .threads import Threads

SchedulerName: TypeAlias = Literal["threads", "cooperative"]

SCHEDULERS: Final[dict[str, Callable[[Sequence[Part], Sequence[Part], bool], Scheduler]]] = {
    "threads": Threads,
    "cooperative": Cooperative,
}


class _AnyMachine:
    """What all machines have in common: they run once, under a scheduler."""

    linked: bool
    """Whether the processors have channels to each other."""

    def __init__(self, processors: Sequence[Part], peripherals: Sequence[Part]) -> None:
        if not processors:
            raise ValueError(f"a {type(self).__name__} needs at least one part that runs")
        parts = [*peripherals, *processors]
        for part in parts:
            if sum(other is part for other in parts) > 1:
                raise ValueError(f"{part!r} is in the machine twice; make an object for each part")
        self.processors = tuple(processors)
        self.peripherals = tuple(peripherals)
        self._ran = False

    def run(self, scheduler: SchedulerName = "threads", *, compiled: bool = True) -> MachineHandle:
        """Start the machine; a machine runs once.

        `threads`: every part starts at once, in a thread of its own. `cooperative`: the parts
        take turns, in the thread that calls `join()` or `step()` of the handle; in a `Machine` of
        compiled parts, as one compiled loop, unless `compiled` is False.
        """
        if scheduler not in SCHEDULERS:
            raise ValueError(
                f"unknown scheduler {scheduler!r}; there are {' and '.join(SCHEDULERS)}"
            )
        if self._ran:
            raise MachineError("this machine has run already; make a new one, of new parts")
        chosen = SCHEDULERS[scheduler](self.processors, self.peripherals, self.linked)
        if compiled and not self.linked:
            chosen.compile()
        self._ran = True
        chosen.start()
        return MachineHandle(chosen)


class Machine(_AnyMachine):
    """Processors and the peripherals that they share.

    `channels[i]` of every processor leads to `peripherals[i]`.
    """

    linked = False

    def __init__(self, peripherals: Iterable[Peripheral], processors: Iterable[Processor]) -> None:
        super().__init__(
            _all("processors", processors, Processor), _all("peripherals", peripherals, Peripheral)
        )


class ProcessorNetwork(_AnyMachine):
    """Processors that share peripherals, and are peripherals of each other.

    `channels[i]` of every processor leads to `peripherals[i]`; after these come the channels to
    the other processors, in order, without the processor itself.
    """

    linked = True

    def __init__(
        self, peripherals: Iterable[Peripheral], processors: Iterable[ProcessorNode]
    ) -> None:
        super().__init__(
            _all("processors", processors, ProcessorNode),
            _all("peripherals", peripherals, Peripheral),
        )


class NodeMachine(_AnyMachine):
    """Parts of one kind only, every one linked to every other.

    `channels` of a node lead to the other nodes, in order, without the node itself.
    """

    linked = True

    def __init__(self, nodes: Iterable[Node]) -> None:
        super().__init__(_all("nodes", nodes, Node), ())


def _all(name: str, parts: Iterable[Any], kind: type) -> tuple[Any, ...]:
    """The parts as a tuple. TypeError if one of them is of another kind."""
    found = tuple(parts)
    for number, part in enumerate(found):
        if isinstance(part, type):
            raise TypeError(f"{name}[{number}] is the class {part.__name__}; make an object of it")
        if not isinstance(part, kind):
            raise TypeError(f"{name}[{number}] is {part!r}; it must be a {kind.__name__}")
    return found
