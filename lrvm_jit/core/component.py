"""The component interface: what the bus talks to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy
from numpy.typing import NDArray

from ..arguments import whole_number
from ..exceptions import HardwareCode, HardwareError
from .metadata import Metadata
from .register_map import DeviceCommand, MappedRegister
from .signals import undisturbed
from .snapshot_values import SnapshotError, StateValue

if TYPE_CHECKING:
    from ..machine.motherboard import Motherboard


class MemoryWindow:
    """A part of a component that is plain memory, served inside the compiled kernel.

    `words` is the live content, a uint32 array. When the component is plugged into a board the
    content moves into the board's arena and `words` becomes a view of it: take `words` anew
    after that instead of keeping the old array.

    `read_error` / `write_error`: the hardware error that such an access raises, or None where
    the access is allowed. They are fixed for the component's life.

    >>> import numpy
    >>> from lrvm_jit import MemoryWindow
    >>> MemoryWindow(0, numpy.zeros(4, numpy.uint32)).end
    16
    """

    __slots__ = ("base", "offset", "read_error", "words", "write_error")

    def __init__(
        self,
        offset: int,
        words: NDArray[numpy.uint32],
        read_error: HardwareError | None = None,
        write_error: HardwareError | None = None,
    ) -> None:
        offset = whole_number("offset", offset)
        if offset < 0 or offset % 4:
            raise ValueError(f"window offset {offset} must be a multiple of 4, from 0 up")
        if words.dtype != numpy.uint32 or words.ndim != 1 or not len(words):
            raise ValueError("window words must be a non-empty one-dimensional uint32 array")
        self.offset = offset
        self.words = words
        self.read_error = read_error
        self.write_error = write_error
        self.base = -1

    @property
    def plugged_in(self) -> bool:
        """Whether the content lies in a board's arena."""
        return self.base >= 0

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has its words to itself and is on no board."""
        return type(self), (self.offset, self.words.copy(), self.read_error, self.write_error)

    def plug_in(self, words: NDArray[numpy.uint32], base: int) -> None:
        """Take a view of the arena, from index `base` on, as the live content. For boards."""
        self.words = words
        self.base = base

    def unplug(self) -> None:
        """Belong to no board any more. The content stays where it is until the next one."""
        self.base = -1

    @property
    def end(self) -> int:
        """First byte offset after the window."""
        return self.offset + 4 * len(self.words)


class Component:
    """Base class of everything that can be plugged into a `Motherboard`.

    A subclass sets `name` and defines `metadata()`; it overrides `read`, `write` and `reset`
    for what is not plain memory, and lists its plain memory in `windows`. Offsets are in bytes,
    multiples of 4, below the size. `read` and `write` raise `HardwareError` to refuse an
    access; any other exception stops the machine with the instruction undone and comes out of
    `run()`. While the guest runs, a component changes its own windows as it likes, and other
    memory through `Motherboard.memory`, so that the engine drops what it had decoded there.

    >>> from lrvm_jit import Category, Component, Metadata
    >>> class Seven(Component):
    ...     name = "Seven"
    ...     def metadata(self):
    ...         return Metadata(7, 4, Category.UNCATEGORIZED, type=0)
    ...     def read(self, offset):
    ...         return 7
    >>> Seven().read(0)
    7
    """

    name: str = "Component"
    windows: Sequence[MemoryWindow] = ()
    registers: tuple[MappedRegister, ...] = ()
    """The register map, for documentation and tools; the bus does not look at it."""
    commands: tuple[DeviceCommand, ...] = ()
    """What its command register takes."""
    plugged_in: bool = False
    """Whether it belongs to a board. Set by boards."""
    interruptible: bool = False
    """Whether Ctrl-C may end `read` or `write` in the middle, since they wait for somebody, as a
    keyboard does. KeyboardInterrupt is then raised there, the access has not happened, and the
    next run makes it again. Otherwise Ctrl-C waits for the answer, so that nothing is lost."""
    swap: Callable[[int, int], int] | None = None
    """A component that must exchange words in one piece defines `swap(offset, word)`, which
    writes the word and answers the old one. SRM then calls it instead of `read` and `write`,
    unless the page-table entries on its way lie in a component themselves. Such a component has
    no windows."""

    def metadata(self) -> Metadata | Sequence[int]:
        """The component's eight metadata words, as `Metadata` or as they are."""
        raise TypeError(f"{type(self).__name__} must define metadata()")

    def read(self, offset: int) -> int:
        """Answer a READ. This base serves the windows and refuses everything else."""
        for window in self.windows:
            if window.offset <= offset < window.end:
                if window.read_error is not None:
                    raise HardwareError(window.read_error.code, window.read_error.data)
                return int(window.words[(offset - window.offset) >> 2])
        raise HardwareError(HardwareCode.NOT_READABLE)

    def write(self, offset: int, word: int) -> None:
        """Serve a WRITE. This base serves the windows and refuses everything else."""
        for window in self.windows:
            if window.offset <= offset < window.end:
                if window.write_error is not None:
                    raise HardwareError(window.write_error.code, window.write_error.data)
                window.words[(offset - window.offset) >> 2] = word
                return
        raise HardwareError(HardwareCode.NOT_WRITABLE)

    def attach(self, board: Motherboard) -> None:
        """The component has become part of a board, which is complete but not mapped yet.

        Called once for each board. A component that has to do with more than its own registers
        keeps the board here: to stop a run, to read and write memory, to set registers. In a batch
        and in a modular machine there is no board, and this is not called.
        """

    def reset(self) -> None:
        """Back to the state after switching on; cannot fail."""

    def save_state(self) -> StateValue:
        """What a snapshot keeps of the component besides its windows' memory: bytes, or a dict of
        plain values; None if there is nothing else.

        A component that overrides `read` or `write` must define this to be saved. SnapshotError
        if it does not.
        """
        kind = type(self)
        if kind.read is Component.read and kind.write is Component.write:
            return None
        raise SnapshotError(
            f"{kind.__name__} does not define save_state(); if it has no state but its windows', "
            "let that return None, else see load_state() as well"
        )

    def load_state(self, state: Any) -> None:
        """Take back what `save_state` has given, at another time or on an equal component.

        Whatever it raises refuses the state; the component must then be as before.
        """
        raise SnapshotError(f"{type(self).__name__} does not define load_state()")

    def close(self) -> None:
        """Release files and threads. Called once, when the board is closed."""

    def __getstate__(self) -> dict[str, Any]:
        """A copy, whether pickled or not, belongs to no board."""
        return {key: value for key, value in vars(self).items() if key != "plugged_in"}


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Release what is held."""


def close_all(components: Iterable[Closable]) -> None:
    """Close each. An error, or a group of them, is raised after all have been closed. Signals
    wait until then."""
    errors: list[BaseException] = []
    with undisturbed():
        for component in components:
            try:
                component.close()
            except BaseException as error:
                errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("closing the components failed", errors)


def metadata_of(component: Component) -> Metadata:
    """A component's metadata, in whichever form it gives them.

    TypeError for what is no component, ValueError for words that are no metadata.
    """
    if not isinstance(component, Component):
        raise TypeError(f"{component!r} is not a Component")
    data = component.metadata()
    return data if isinstance(data, Metadata) else Metadata.from_words(data)
