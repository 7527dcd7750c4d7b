"""Components that serve many lanes in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy
from numpy.typing import NDArray

from ..arguments import number_within
from ..core.metadata import Metadata
from ..core.register_map import DeviceCommand, MappedRegister
from ..exceptions import HardwareCode

if TYPE_CHECKING:
    from .lane_arrays import LaneArrays

LaneNumbers = NDArray[numpy.int64]
Words = NDArray[numpy.uint32]
Errors = NDArray[numpy.int32]
"""For each access the word of a hardware error (`HardwareError.word`), or FINE."""

FINE = -1


@runtime_checkable
class TextReader(Protocol):
    """A component from which each lane reads a text of its own."""

    def load_texts(self, texts: Sequence[str]) -> None:
        """Give the first lanes these texts, from their start on, and all others none."""


@runtime_checkable
class TextWriter(Protocol):
    """A component that keeps the text that each lane has written."""

    def texts(self) -> list[str]:
        """The texts of all lanes."""

    def clear(self) -> None:
        """Forget them."""


class PartlyServedError(Exception):
    """Raised by a component in the place of an exception that it met in the middle of a call.

    The first `served` accesses count, and `words` and `errors`, of the call's length, answer them
    as a return would; the others have not happened. What comes out of `Batch.run` is the
    exception that this one was raised `from`.
    """

    def __init__(
        self, served: int, words: Words | None = None, errors: Errors | None = None
    ) -> None:
        served = number_within("served", served, 0)
        super().__init__(served)
        self.served = served
        self.words = words
        self.errors = errors


class BatchComponent:
    """Base class of what can be plugged into a `Batch`.

    A subclass sets `name`, defines `metadata()`, and overrides `read`, `write` and `reset`. It
    gets arrays of equal length, one element for each access: lane numbers, byte offsets into the
    component, and for writes the words. One lane makes one access at a time, so no lane is there
    twice; the lanes come in any order. Calls come from worker threads, one at a time.

    An exception out of these methods ends the run and comes out of `Batch.run`; the lanes of that
    call then stand before the instruction that asked, and running on tries it again. A component
    that had served some of them raises `PartlyServedError` instead.
    """

    name: str = "BatchComponent"
    registers: tuple[MappedRegister, ...] = ()
    """The register map, for documentation and tools."""
    commands: tuple[DeviceCommand, ...] = ()
    """What its command register takes."""
    window: tuple[int, int] | None = None
    """A part that is plain memory, of each lane its own: its offset in bytes, and how many words.
    Lanes access it without a call; `read` and `write` serve the rest. Fixed for its life."""
    rows: NDArray[numpy.uint32]
    """(n, words): the window of each lane, set by the batch before `plug_in`. It is right, and may
    be changed, for the lanes of a call of `read`, `write` and `reset`, and between runs."""

    sees_lanes: bool = True
    """Whether calls may look at memory and registers of the lanes that ask, in the batch's arrays.
    If no component of a batch does, lanes with much memory are asked for one by one, which spares
    copying them; `rows` and the lanes' `cycles` are right in any case."""

    def metadata(self) -> Metadata | Sequence[int]:
        """The component's metadata, the same for every lane."""
        raise TypeError(f"{type(self).__name__} must define metadata()")

    def plug_in(self, lanes: LaneArrays) -> None:
        """Called once, when the batch is made: `lanes.n` is known, `lanes.cycles` can be kept."""

    def read(self, lanes: LaneNumbers, offsets: Words) -> Words | tuple[Words, Errors]:
        """Answer READs with words, or with words and errors. This base refuses all."""
        errors = numpy.full(len(lanes), HardwareCode.NOT_READABLE << 8, numpy.int32)
        return numpy.zeros(len(lanes), numpy.uint32), errors

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors | None:
        """Serve WRITEs; None if all went well. This base refuses all."""
        return numpy.full(len(lanes), HardwareCode.NOT_WRITABLE << 8, numpy.int32)

    def reset(self, lanes: LaneNumbers) -> None:
        """Back to the state after switching on, for these lanes: the guest has executed RESET, or
        somebody has called `Batch.reset`."""

    def rewind(self) -> None:
        """Called by `Batch.reset` after `reset`: what stands for the world outside the machines,
        such as input and collected output, begins again as well."""

    def close(self) -> None:
        """Release files and threads. Called once, when the batch is closed."""
