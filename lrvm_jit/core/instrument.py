"""Compiled code between an engine and the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Instrument(Protocol):
    """Runs the kernel in its own way, to see what it does: `board.instrument = ...`.

    Budgets, requests and stops must be those of the kernel's entry point.
    """

    def begin(self, kernel_context: int) -> tuple[Callable[[int], int], int]:
        """A run begins. Answers what is called instead of the kernel's entry point, and with
        which argument."""

    def slice_ended(self) -> None:
        """The kernel has come back, after some tenths of a million instructions at most."""
