"""The engines: different ways to run the same machine, with the same results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..core.statistics import Statistics
from ..core.stop import StopReason
from ..jit.options import TranslatorOptions

if TYPE_CHECKING:
    from ..core.core import Core
    from ..core.instrument import Instrument

ENGINES = ("auto", "reference", "interpreter", "translator")


class Engine(Protocol):
    """What running needs of an engine."""

    name: str
    defers_signals: bool
    """Whether it takes the signals' places (`core.signals`) itself before it asks a component."""

    def run(self, budget: int, stop_on_exception: bool) -> StopReason:
        """Attempt up to `budget` instructions (64 bits), and say why it stopped.

        Calls `core.stop_requested` often enough to stop within some 50 ms. If a component
        raises anything but HardwareError, the instruction is undone and the exception comes out.
        """

    def statistics(self) -> Statistics:
        """What it has done since it was made."""

    def instrument_with(self, instrument: Instrument | None) -> None:
        """Run through compiled code that sees what the kernel does. ValueError if the engine has
        no kernel."""

    def look_at(self, breakpoints: list[int], watched: list[int]) -> None:
        """Stop before the instructions at these virtual addresses, ascending, unless
        `layout.SKIP_BREAKPOINT` is set for the first of a run. `watched` are the arena indices of
        watched words: the mapping table leads accesses to them over the bus already."""


class KernelEngine(Engine, Protocol):
    """What batches and others that run the compiled kernel themselves need of an engine."""

    look_after: int
    """Interpreted instructions after which `look` is of use."""

    @property
    def context_address(self) -> int:
        """Where the kernel's context lies, for its compiled entry point."""

    def serve(self, stop: int) -> None:
        """Deal with a stop of the kernel that is neither an end nor an access to a component."""

    def look(self, start: int | None = None) -> None:
        """See what is worth translating: at pc, or what a program does from `start` on."""

    def take_up(self) -> None:
        """Take up what has been translated meanwhile."""

    def abandon(self, error: BaseException) -> None:
        """A component failed: the instruction in progress has not happened."""


def make_engine(name: str | TranslatorOptions, core: Core) -> Engine:
    """The engine of that name for a core; options make a translator that follows them.

    ValueError names the known ones.

    Imported here, as the compiled engines load numba.
    """
    if name == "reference":
        from .reference import ReferenceEngine

        return ReferenceEngine(core)
    if isinstance(name, TranslatorOptions) or name in ("auto", "translator"):
        from .tiered import TranslatorEngine

        return TranslatorEngine(core, name if isinstance(name, TranslatorOptions) else None)
    if name == "interpreter":
        from .interpreter import InterpreterEngine

        return InterpreterEngine(core)
    raise ValueError(f"unknown engine {name!r}; known engines are {', '.join(ENGINES)}")
