"""How lanes are shared out among threads, and who runs a block of them.

A backend decides which lanes of a block a worker runs, and in which order; the worker runs them
alone or side by side, whichever is quicker.
"""

from __future__ import annotations

import threading
from typing import Protocol

import numpy
from numpy.typing import NDArray

from . import lane_layout
from .lane_arrays import LaneArrays
from .worker import Worker

SMALLEST_BLOCK = 32
"""Lanes that a worker takes at least, and a multiple of which it takes: no group of vector code is
wider."""


class Backend(Protocol):
    """Runs blocks of lanes, on the worker of the thread that asks for it."""

    def run_block(self, worker: Worker, first: int, count: int, stop_on_exception: bool) -> None:
        """Run lanes to their ends: `count` of them for each block, every one once in a run."""


class InOrder:
    """Each block has the lanes of these numbers."""

    def run_block(self, worker: Worker, first: int, count: int, stop_on_exception: bool) -> None:
        """See `Backend`."""
        worker.run_block(first, count, stop_on_exception)


class ByProgram:
    """Lanes with equal programs follow each other: what is decoded and translated serves the next
    one. Only for batches without components."""

    def __init__(self, order: NDArray[numpy.int64]) -> None:
        self._order = order

    def run_block(self, worker: Worker, first: int, count: int, stop_on_exception: bool) -> None:
        """See `Backend`."""
        worker.run_lanes(self._order[first : first + count], stop_on_exception)


class BehindDevice:
    """A device has run the lanes; what it could not go on with is the workers'."""

    def __init__(self, arrays: LaneArrays) -> None:
        self._arrays = arrays

    def run_block(self, worker: Worker, first: int, count: int, stop_on_exception: bool) -> None:
        """See `Backend`."""
        waiting = self._arrays.reason[first : first + count] == lane_layout.LANE_NOT_RUN
        queue = numpy.flatnonzero(waiting) + first
        worker.run_block(first, count, stop_on_exception, queue)


class Blocks:
    """Hands out blocks of lanes: large ones first, then smaller, so that all threads end at about
    the same time however different the lanes are. One thread gets large ones only."""

    def __init__(self, n: int, threads: int, most: int) -> None:
        """`most`: lanes of a block at most, a multiple of SMALLEST_BLOCK."""
        self._next = 0
        self._most = most
        self._n = n
        self._threads = threads
        self._lock = threading.Lock()

    def take(self) -> tuple[int, int] | None:
        """First lane and number of lanes of the next block."""
        with self._lock:
            left = self._n - self._next
            if not left:
                return None
            fair = left // (4 * self._threads) if self._threads > 1 else left
            count = min(left, self._most, max(SMALLEST_BLOCK, fair - fair % SMALLEST_BLOCK))
            self._next += count
            return self._next - count, count
