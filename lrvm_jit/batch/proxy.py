"""What stands for a batch's component on a worker's board."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy

from ..core.component import Component, MemoryWindow
from ..core.metadata import Metadata
from .component import BatchComponent


class ComponentProxy(Component):
    """Stands on a worker's board for a component of the batch: its accesses go past the board."""

    def __init__(self, component: BatchComponent, lock: threading.Lock) -> None:
        self.name = component.name
        data = component.metadata()
        self._metadata = data if isinstance(data, Metadata) else Metadata.from_words(data)
        self._component = component
        self._lock = lock
        if component.window is not None:
            offset, words = component.window
            self.windows = (MemoryWindow(offset, numpy.zeros(words, numpy.uint32)),)
        self.lane = numpy.zeros(1, numpy.int64)
        """The lane that is loaded, for `reset`."""

    def metadata(self) -> Metadata:
        return self._metadata

    def reset(self) -> None:
        lane = self.lane.copy()
        with self._lock:
            # The lane is loaded: what it has of the window is here.
            for window in self.windows:
                self._component.rows[lane] = window.words
            self._component.reset(lane)
            for window in self.windows:
                window.words[:] = self._component.rows[lane[0]]


def check_components(components: Sequence[BatchComponent]) -> None:
    """TypeError for what is no batch component, ValueError for one listed twice or with a window
    that does not lie within it."""
    for component in components:
        if not isinstance(component, BatchComponent):
            raise TypeError(
                f"{component!r} is not a BatchComponent; wrap components of single machines in "
                "PerLane"
            )
        if component.window is not None:
            offset, words = component.window
            size = size_of(component)
            if offset < 0 or offset % 4 or words < 1 or offset + 4 * words > size:
                raise ValueError(
                    f"{component.name} has a window of {words} words at offset {offset}, which "
                    f"does not lie within its {size} bytes"
                )
    if len({id(component) for component in components}) != len(components):
        raise ValueError("a component is listed twice; each one has one id")


def size_of(component: BatchComponent) -> int:
    """A component's size in bytes."""
    data = component.metadata()
    return (data if isinstance(data, Metadata) else Metadata.from_words(data)).size
