"""Standing between the guest and the components of a board."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class BusTap:
    """Gets every access of the guest to a component, instead of it: `board.tap = BusTap()`.

    Each method gets what the component would have been called with, and the component's method,
    which it may call or not; what it answers, or raises, is taken for the component's. This base
    passes everything on. Plain memory (`Component.windows`) is not asked, unless a word of it is
    watched; what the host does through `board.memory` does not come here but for
    `memory_written`. While a board has no tap, nothing of this costs anything.
    """

    @property
    def calls_hooks(self) -> bool:
        """Whether hooks (`lrvm_jit.core.hooks`) are called: not while a replay does again what
        they did."""
        return True

    def hooks_begin(self) -> None:
        """Between two instructions of a run, hooks are called, which may change the machine."""

    def hooks_ended(self) -> None:
        """They have been called; one may have raised an error."""

    def run_starts(self) -> None:
        """A run, or a single step, is about to begin: the machine is between two instructions."""

    def run_ended(self) -> None:
        """It has ended, be it with an error."""

    def read(self, component: int, offset: int, read: Callable[[int], int]) -> int:
        """READ of the component with this id."""
        return read(offset)

    def write(
        self, component: int, offset: int, word: int, write: Callable[[int, int], None]
    ) -> None:
        """WRITE."""
        write(offset, word)

    def swap(self, component: int, offset: int, word: int, swap: Callable[[int, int], int]) -> int:
        """WRITE that answers the old word, for a component that defines `swap`."""
        return swap(offset, word)

    def reset(self, component: int, reset: Callable[[], None]) -> None:
        """The guest resets the component."""
        reset()

    def memory_written(self, address: int, words: Sequence[int]) -> None:
        """`board.memory` has written words at a physical address: a component, if that is during
        a run."""
