"""A machine that was built from a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from lrvm_jit import Component, Motherboard

from ..images import Image
from .host import Host
from .host_paths import HostFile

ComponentMaker = Callable[[Host], Component]


@dataclass(frozen=True)
class Machine:
    """A board that is mapped and reset, and what is known about where it comes from.

    Use it in a `with` block, or call `close()`, so that components can end their threads and
    release their files.
    """

    board: Motherboard
    source: str
    """What the machine is called in messages: the file's path, or `default machine`."""
    types: tuple[str, ...]
    """The type of each component, by id."""
    program: Image | None
    """The program that the CPU starts: the one in the component at address 0, if it is known."""
    files: tuple[HostFile, ...] = ()
    """The files of the host that its components use."""
    makers: tuple[ComponentMaker, ...] = ()
    """For each component a function that makes another one like it, for another host."""

    def close(self) -> None:
        """Close the components."""
        self.board.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
