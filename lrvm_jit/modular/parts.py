"""The parts that a machine is made of. Users subclass these.

`channels` is what a part is given to reach others: a sequence of endpoints. `query` on one of
them asks the part at the other end, which answers from its `handle`.

Any method may raise `Terminate(code)` to end its part; any other exception ends it with code -1
and is kept on the machine's handle. However a part ends, its `halt` runs once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

from .channel import TwoWayChannel
from .messages import Metadata, Query, Response

Channels: TypeAlias = Sequence[TwoWayChannel[Query, Response]]


class _Part(ABC):  # noqa: B024 - its subclasses have abstract methods
    """What all parts have in common."""

    def metadata(self) -> Metadata:
        """The part's model name; by default, the name of its class."""
        return Metadata(type(self).__name__)


class _Active(_Part):
    """A part that has channels to others."""

    def boot(self, channels: Channels) -> None:
        """Called once, before everything else."""

    def halt(self, channels: Channels) -> None:
        """Called once, when the part has ended, whatever the reason."""


class _Answering(_Part):
    """A part that answers queries."""

    knows_swap: bool = False
    """Whether `handle`'s answer to a `Swap` stands, whatever it is. Otherwise `handle` may
    return `NotImplemented`, None or `Fail` to say that it does not know the query, and is then
    sent a `Load` and a `Save` with nothing in between."""

    @abstractmethod
    def handle(self, query: Query) -> Response:
        """Answer a query: `Data` or `Fail` to Load and Swap, `Good` or `Fail` to Save."""


class Processor(_Active):
    """Executes instructions, and queries peripherals for it."""

    @abstractmethod
    def exe_ins(self, channels: Channels) -> None:
        """Execute one instruction. Called again and again until the processor ends."""


class Peripheral(_Answering):
    """Answers the queries of processors."""

    interruptible: bool = False
    """Whether Ctrl-C may end `handle` in the middle when an `LrvmProcessor` asks, since it waits
    for somebody; the query is then as good as not asked. Otherwise Ctrl-C waits for the answer."""

    def boot(self) -> None:
        """Called once, before the first query."""

    def cycle(self) -> None:
        """Called once per turn, after a look at each channel. Changes only the own state."""

    def halt(self) -> None:
        """Called once, when the peripheral has ended, whatever the reason."""


class ProcessorNode(Processor, _Answering):
    """A processor of a `ProcessorNetwork`: it is a peripheral of the other processors as well.

    `handle` is called between two instructions, and while an instruction waits for an answer.
    """


class Node(_Active, _Answering):
    """A part of a `NodeMachine`, which has no other kind.

    `handle` is called between two cycles, and while a cycle waits for an answer.
    """

    @abstractmethod
    def cycle(self, channels: Channels) -> None:
        """One turn. Called again and again until the node ends."""
