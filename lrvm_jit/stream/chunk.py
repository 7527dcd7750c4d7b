"""One chunk of a stream after the other on one batch, so that its code stays translated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy
from numpy.typing import NDArray

from ..batch.programs import programs_of
from ..batch.progress import ProgressCallback
from ..batch.result import LaneReason
from ..core.component import metadata_of
from ..jit.options import TranslatorOptions
from ..machine.motherboard import Motherboard
from .fields import Field, Lanes, Values

if TYPE_CHECKING:
    from ..batch.batch import Batch


@dataclass(frozen=True)
class Job:
    """What all chunks have in common. Plain data, unless there are a board or components."""

    program: NDArray[numpy.uint32] | Motherboard | None
    """None if each lane has its own,"""
    program_words: int
    """of so many words."""
    outputs: tuple[Field, ...]
    ram_size: int
    rom_size: int | None
    max_cycles: int | None
    halt_on_exception: bool
    engine: str | TranslatorOptions
    threads: int | None
    components: Any = ()
    device: str = "cpu"

    def describe(self) -> dict[str, Any]:
        """What the results depend on, for JSON. Engines, threads and devices make no difference."""
        components = self.components
        if not isinstance(components, Sequence):
            components = [component for _, component in sorted(components.items())]
        return {
            "program": _digest_of_program(self.program, self.program_words),
            "ram_size": None if isinstance(self.program, Motherboard) else self.ram_size,
            "rom_size": None if isinstance(self.program, Motherboard) else self.rom_size,
            "components": [type(component).__qualname__ for component in components],
            "max_cycles": self.max_cycles,
            "halt_on_exception": self.halt_on_exception,
            "outputs": [output.name for output in self.outputs],
        }


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What became of a chunk. `reasons` counts lanes by `LaneReason`."""

    outputs: dict[str, NDArray[Any]]
    reasons: dict[int, int] = field(default_factory=dict)
    instructions: int = 0
    interrupted: bool = False
    done: NDArray[numpy.bool_] | None = None
    """Of an interrupted chunk the lanes that ended all the same, which `reasons` counts."""
    seconds: float = 0.0
    """That its run has taken; 0 of one that a checkpoint had."""


class ChunkRunner:
    """Runs chunks of a job, each on machines that are as new."""

    def __init__(self, job: Job, size: int) -> None:
        """For chunks of `size` lanes; larger ones make it grow. ValueError, TypeError for a job
        that cannot be."""
        self._job = job
        self._make(size)

    def _make(self, size: int) -> None:
        # A batch has `stream` among its methods.
        from ..batch.batch import Batch

        job = self._job
        program: Any = job.program
        if program is None:
            program = numpy.zeros((size, job.program_words), numpy.uint32)
        self.batch: Batch = Batch(
            program,
            size,
            ram_size=job.ram_size,
            rom_size=job.rom_size,
            components=job.components,
            engine=job.engine,
            threads=job.threads,
            device=job.device,
        )
        self.lanes = Lanes(self.batch, job.outputs, job.program is None)
        self._used = 0

    def run(self, values: Values, count: int, progress: ProgressCallback | bool) -> ChunkResult:
        """Run `count` lanes with inputs that `lanes` has checked."""
        if count > self.batch.n:
            self._make(count)
        self._begin(count)
        self.lanes.put(values, count)
        self._used = count
        result = self.batch.run(
            self._job.max_cycles,
            halt_on_exception=self._job.halt_on_exception,
            progress=progress,
            count=count,
        )
        ends = result.reason[:count]
        done = None
        if result.interrupted:
            done = (ends != LaneReason.NOT_RUN) & (ends != LaneReason.STOPPED)
            ends = ends[done]
        counts = numpy.bincount(ends)
        reasons = {reason: int(counts[reason]) for reason in numpy.flatnonzero(counts).tolist()}
        return ChunkResult(
            self.lanes.take(result, count),
            reasons,
            result.instructions,
            result.interrupted,
            done,
            result.seconds,
        )

    def _begin(self, count: int) -> None:
        """Make all lanes as they were when the batch was made; those behind `count` do nothing."""
        if self._used:
            self.batch.back_to_template(self._used)
        self.batch.lanes.halted[count:] = 1

    def close(self) -> None:
        """Close the components."""
        self.batch.close()


def program_of(
    program: Any,
) -> tuple[NDArray[numpy.uint32] | Motherboard | None, NDArray[Any] | None]:
    """A program for all lanes, or the array of the lanes' own programs."""
    if program is None or isinstance(program, Motherboard):
        return program, None
    if isinstance(program, numpy.ndarray) and program.ndim == 2:
        # As it is: a chunk's rows are looked at when they are wanted.
        return None, program
    found = programs_of(program)
    return (found.words, None) if found.own is None else (None, found.own)


def _digest_of_program(program: object, width: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    if program is None:
        return f"one for each lane, {width} words"
    if not isinstance(program, Motherboard):
        digest.update(numpy.ascontiguousarray(program).tobytes())
        return digest.hexdigest()
    core = program.core
    for component in program.components:
        digest.update(repr(metadata_of(component)).encode())
        for window in component.windows:
            digest.update(repr((window.offset, len(window.words))).encode())
            digest.update(numpy.ascontiguousarray(window.words).tobytes())
    for mapping in program.mappings:
        digest.update(repr((mapping.first, mapping.last, mapping.component)).encode())
    digest.update(core.state.regs.tobytes())
    digest.update(repr((program.cpu.cycles, program.cpu.halted)).encode())
    return digest.hexdigest()
