"""Ordinary components in a batch: one for each lane."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, SupportsIndex

import numpy
from numpy.typing import NDArray

from ..arguments import whole_number
from ..core.component import Component, close_all, metadata_of
from ..core.core import check_components
from ..core.metadata import Metadata
from ..exceptions import HardwareError
from ..isa.table import WORD_MASK
from .component import FINE, BatchComponent, Errors, LaneNumbers, PartlyServedError, Words

if TYPE_CHECKING:
    from .lane_arrays import LaneArrays


class PerLane(BatchComponent):
    """Gives each lane a component of its own, which `factory(lane)` makes when it is needed.

    ```python
    shown = [[] for _ in range(n)]
    Batch(words, n, components=[PerLane(lambda lane: CharDisplay(shown[lane].append))])
    ```

    Lane 0's component is made at once, because it tells name and metadata; those of the others
    must be the same, or it is a ValueError. Each is reset right after it was made, as by a board's
    reset before the first run. RESET reaches the components that exist, and the others are made
    as they are after a reset. `close` closes all of them.

    A lane sees its component as on a board of its own: memory windows are served as the board
    serves them, a `HardwareError` becomes the guest's hardware exception. Any other exception comes
    out of `Batch.run`; accesses of other lanes that had been served before it count, and running
    on tries the failed one again.

    Each access costs a call into Python, those to windows too: plain memory belongs into
    `ram_size`, or into the template board. A component with `swap` is refused, because SRM is a
    READ and a WRITE in a batch.
    """

    sees_lanes = False

    def __init__(self, factory: Callable[[int], Component]) -> None:
        self._factory = factory
        self._components: dict[int, Component] = {}
        self._n: int | None = None
        self._closed = False
        self._metadata: Metadata | None = None
        first = self._component(0)
        self.name = first.name

    def metadata(self) -> Metadata:
        assert self._metadata is not None
        return self._metadata

    @property
    def components(self) -> Mapping[int, Component]:
        """The components made so far, by lane."""
        return MappingProxyType(self._components)

    def component(self, lane: int) -> Component:
        """The component of a lane, made now if it was not. IndexError if there is no such lane."""
        lane = whole_number("lane", lane)
        if lane < 0 or (self._n is not None and lane >= self._n):
            raise IndexError(f"there is no lane {lane} among {self._n or 0}")
        return self._component(lane)

    def _component(self, lane: int) -> Component:
        component = self._components.get(lane)
        if component is None:
            component = self._factory(lane)
            self._check(component, lane)
            component.plugged_in = True
            component.reset()
            self._components[lane] = component
        return component

    def _check(self, component: Component, lane: int) -> None:
        data = metadata_of(component)
        if component.plugged_in:
            raise ValueError(
                f"{component.name} for lane {lane} belongs to another lane or board already; the "
                "factory must make a new one for each lane"
            )
        if component.swap is not None:
            raise ValueError(
                f"{component.name} defines swap(), but SRM is a READ and a WRITE in a batch; use a "
                "component without swap(), or a BatchComponent"
            )
        check_components([component], [data])
        if self._metadata is None:
            self._metadata = data
        elif (component.name, data) != (self.name, self._metadata):
            raise ValueError(
                f"lane {lane} got {component.name} with {data}, but lane 0 has {self.name} with "
                f"{self._metadata}; name and metadata must be the same for every lane"
            )

    def plug_in(self, lanes: LaneArrays) -> None:
        if self._n is not None and not self._closed:
            raise ValueError(f"{self.name} already belongs to another batch; make a new PerLane")
        self._closed = False
        self._n = lanes.n

    def read(self, lanes: LaneNumbers, offsets: Words) -> tuple[Words, Errors]:
        words: NDArray[numpy.uint32] = numpy.zeros(len(lanes), numpy.uint32)
        errors: NDArray[numpy.int32] = numpy.full(len(lanes), FINE, numpy.int32)
        accesses = zip(lanes.tolist(), offsets.tolist(), strict=True)
        for number, (lane, offset) in enumerate(accesses):
            try:
                component = self._component(lane)
                if _in_window(component, offset):
                    answer = Component.read(component, offset)
                else:
                    answer = component.read(offset)
                words[number] = _word(component, lane, offset, answer)
            except HardwareError as error:
                errors[number] = error.word
            except BaseException as error:
                raise PartlyServedError(number, words, errors) from error
        return words, errors

    def write(self, lanes: LaneNumbers, offsets: Words, words: Words) -> Errors:
        errors: NDArray[numpy.int32] = numpy.full(len(lanes), FINE, numpy.int32)
        accesses = zip(lanes.tolist(), offsets.tolist(), words.tolist(), strict=True)
        for number, (lane, offset, word) in enumerate(accesses):
            try:
                component = self._component(lane)
                if _in_window(component, offset):
                    Component.write(component, offset, word)
                else:
                    component.write(offset, word)
            except HardwareError as error:
                errors[number] = error.word
            except BaseException as error:
                raise PartlyServedError(number, errors=errors) from error
        return errors

    def reset(self, lanes: LaneNumbers) -> None:
        for lane in sorted(self._components.keys() & lanes.tolist()):
            self._components[lane].reset()

    def close(self) -> None:
        self._closed = True
        components = list(self._components.values())
        self._components.clear()
        try:
            close_all(components)
        finally:
            for component in components:
                component.plugged_in = False


def _in_window(component: Component, offset: int) -> bool:
    return any(window.offset <= offset < window.end for window in component.windows)


def _word(component: Component, lane: int, offset: int, answer: SupportsIndex) -> int:
    """A component's answer as an int. ValueError, or TypeError, if it is no word."""
    try:
        word = operator.index(answer)
    except TypeError:
        raise TypeError(_no_word(component, lane, offset, answer)) from None
    if not 0 <= word <= WORD_MASK:
        raise ValueError(_no_word(component, lane, offset, answer))
    return word


def _no_word(component: Component, lane: int, offset: int, answer: object) -> str:
    return (
        f"{component.name} of lane {lane} answered {answer!r} to a read at offset {offset}; "
        f"a word is an integer from 0 to {WORD_MASK}"
    )
