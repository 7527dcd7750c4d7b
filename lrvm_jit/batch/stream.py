"""Any number of lanes, in chunks: `Batch.stream`."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy
from numpy.typing import NDArray

from ..machine.motherboard import Motherboard
from ..translator.options import TranslatorOptions
from .checkpoint import Checkpoint, digest_of
from .cluster import check_client, run_on_cluster
from .component import BatchComponent
from .durable import undisturbed
from .progress import Progress, ProgressCallback, make_progress
from .result import LaneReason
from .stream_chunk import ChunkResult, ChunkRunner, Job, program_of
from .stream_fields import PROGRAM, Values, parse_outputs
from .stream_inputs import Piece, Source, open_inputs
from .stream_outputs import Arrays, Sink, open_sink
from .template import PAGE, LinkedProgram

OUTPUTS: Final = ("a0", "reason", "cycles", "exception")
CHUNK_LANES: Final = 1 << 16
CHUNK_BYTES: Final = 1 << 28
"""A chunk has so many lanes, or as many as fit into so many bytes."""
_STATE_BYTES: Final = 256
_BEHIND: Final = 64
"""Finished chunks of a cluster that may wait for the one before them."""


@dataclass(frozen=True, slots=True)
class StreamResult:
    """What became of a stream. `result["a0"]` is an output, with a row for each lane.

    - `n`: lanes that are done, the first ones. `interrupted`: whether Ctrl-C ended it there.
    - `counts`: how many lanes stopped for each reason.
    - `chunks`: how many chunks are done; `resumed`: how many of them the checkpoint had.
    - `instructions`: of all lanes; `seconds`: of this call.
    - `outputs`: arrays by name; none if `out` took them.
    """

    outputs: Arrays
    n: int
    counts: dict[LaneReason, int]
    chunks: int
    resumed: int
    instructions: int
    seconds: float
    interrupted: bool

    def __getitem__(self, name: str) -> Any:
        try:
            return self.outputs[name]
        except KeyError:
            if self.outputs:
                known = f"there are {', '.join(self.outputs)}; name more with outputs=(...)"
            else:
                known = "the outputs went to what `out` named"
            raise KeyError(f"no output {name!r} here: {known}") from None

    def __len__(self) -> int:
        return self.n

    def __str__(self) -> str:
        ends = ", ".join(
            f"{count:,} {reason.name.lower()}" for reason, count in self.counts.items()
        )
        return (
            f"{self.n:,} lanes ({ends}), {self.instructions:,} instructions "
            f"in {self.seconds:.3g} s{' (interrupted)' if self.interrupted else ''}"
        )


def stream(
    program: Motherboard | LinkedProgram | Sequence[int] | NDArray[Any] | None,
    n: int | None = None,
    inputs: Any = None,
    *,
    outputs: Sequence[str] | None = None,
    out: Any = None,
    max_cycles: int | None = None,
    halt_on_exception: bool = False,
    chunk: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | ProgressCallback = False,
    client: Any = None,
    ram_size: int | None = None,
    rom_size: int | None = None,
    components: Sequence[BatchComponent] | Mapping[int, BatchComponent] = (),
    engine: str | TranslatorOptions = "auto",
    threads: int | None = None,
) -> StreamResult:
    """Run any number of lanes, in chunks of as many as fit into memory.

    ```python
    result = Batch.stream(words, inputs={"a0": numpy.arange(1_000_000)}, outputs=["a1"])
    result["a1"]  # what each lane had in a1 at its end
    ```

    `inputs` maps names to arrays with a row for each lane, or to what is the same for all. Names
    are those of registers, `"ram"` (words from the start of RAM on), `"ram[5]"` and `"ram[0:4]"`
    (words, as in `batch.ram[:, 0:4]`), and with None for `program` `"program"`. Instead of the
    mapping: a function of (first, count) that makes it for these lanes, an iterable of mappings,
    an Arrow table, or the path of a `.npy`, `.npz`, `.arrow` or `.parquet` file. An array alone
    is `a0`, or `ram` if it has two dimensions. Where the inputs do not say how many lanes there
    are, `n` must.

    `outputs` are such names as well, or `"reason"`, `"cycles"`, `"exception"`, `"address"` (see
    `BatchResult`); by default `a0` and the first three of these. They go into new arrays, or to
    `out`: the path of a `.npz`, `.npy`, `.parquet` or `.arrow` file, a mapping from the names to
    arrays, or a function that gets the number of the first lane and a dict of arrays for each
    chunk, in order, and may return True to end the stream.

    `chunk` is the number of lanes in a chunk. `checkpoint` names a folder in which finished
    chunks are kept: the same call goes on behind them after its process was killed. Ctrl-C ends
    the stream; the result then has the finished chunks. `client` is a
    `dask.distributed.Client`, whose cluster then runs the chunks. All else is as for `Batch` and
    `Batch.run`; components are reset before each chunk, and number its lanes from 0.
    """
    if outputs is None:
        outputs = tuple(out) if isinstance(out, Mapping) else OUTPUTS
    fields = parse_outputs(outputs)
    for name, value, least in (("n", n, 0), ("chunk", chunk, 1), ("max_cycles", max_cycles, 0)):
        if value is not None and value < least:
            raise ValueError(f"{name} is {value}; it must be {least} or more")
    if isinstance(program, LinkedProgram):
        program, components = program.batch_parts(components, ram_size)
    ram_size = PAGE if ram_size is None else ram_size
    shared, own = program_of(program)
    if own is not None:
        if n not in (None, len(own)):
            raise ValueError(f"n is {n}, but there are {len(own)} programs")
        n = len(own)
    source = open_inputs(inputs, n)
    try:
        if chunk is None:
            chunk = max(1, min(CHUNK_LANES, CHUNK_BYTES // _lane_bytes(shared, own, ram_size)))
        pieces = _with_programs(source, own, chunk)
        # The first piece is looked at before anything is begun: most mistakes are found there.
        first = next(pieces, None)
        columns = {} if first is None else first.make()
        words = 1
        if shared is None:
            words = _width(own, columns)
        job = Job(
            shared,
            words,
            fields,
            ram_size,
            rom_size,
            max_cycles,
            halt_on_exception,
            engine,
            threads,
            components,
        )
        count = 0 if first is None else first.count
        size = chunk if len(components) and source.kind in ("iterator", "table") else count
        if client is not None:
            check_client(client, job)
        # On a cluster the workers have the lanes, but mistakes are found here.
        runner = ChunkRunner(job, 0 if client is not None else size)
        try:
            values = runner.lanes.check_inputs(columns, count) if first is not None else {}
            if first is not None:
                rest, known = pieces, first
                pieces = chain([_made(known, columns)], rest)
            sink = open_sink(out, runner.lanes.output_types(), source.n)
            book = None
            if checkpoint is not None:
                # Not `n`: it may not be known, and a finished chunk stays what it is.
                inputs_are = {"kind": source.kind, "n": source.n, "names": sorted(values)}
                manifest = {**job.describe(), "chunk": chunk, "inputs": inputs_are}
                book = Checkpoint(Path(checkpoint), manifest)
            try:
                run = _Run(source, pieces, sink, book, runner, make_progress(progress))
                if client is None:
                    return run.result(run.run_here())
                return run.result(run_on_cluster(client, job, size, run.todo(), run.may_begin))
            finally:
                if book is not None:
                    book.close()
        finally:
            runner.close()
    finally:
        source.close()


def _lane_bytes(shared: object, own: NDArray[Any] | None, ram_size: int) -> int:
    """About how much memory a lane takes."""
    if isinstance(shared, Motherboard):
        windows = [window for component in shared.components for window in component.windows]
        return _STATE_BYTES + sum(
            window.words.nbytes for window in windows if window.write_error is None
        )
    return _STATE_BYTES + max(0, ram_size) + (0 if own is None else 4 * own.shape[1])


def _with_programs(source: Source, own: Any, chunk: int) -> Iterator[Piece]:
    for piece in source.pieces(chunk):
        if own is None:
            yield piece
            continue

        def make(piece: Piece = piece) -> Mapping[str, Any]:
            programs = own[piece.first : piece.first + piece.count]
            return {**piece.make(), PROGRAM: programs}

        yield Piece(piece.number, piece.first, piece.count, make)


def _made(piece: Piece, columns: Mapping[str, Any]) -> Piece:
    return Piece(piece.number, piece.first, piece.count, lambda: columns)


def _width(own: NDArray[Any] | None, columns: Mapping[str, Any]) -> int:
    """The words of the lanes' own programs."""
    programs = numpy.asarray(columns.get(PROGRAM)) if own is None else own
    if programs.ndim != 2 or not programs.shape[1]:
        raise TypeError(
            "there is no program; pass one, or with None in its place the input 'program': an "
            "array (lanes, words)"
        )
    return int(programs.shape[1])


class _Run:
    """A stream that is running."""

    def __init__(
        self,
        source: Source,
        pieces: Iterator[Piece],
        sink: Sink,
        book: Checkpoint | None,
        runner: ChunkRunner,
        progress: Progress,
    ) -> None:
        self._source = source
        self._pieces = pieces
        self._sink = sink
        self._book = book
        self._runner = runner
        self._progress = progress
        self._begin = time.perf_counter()
        self._waiting: dict[int, tuple[Piece, ChunkResult | None]] = {}
        """Finished chunks that have not been delivered; None: the checkpoint has it."""
        self._wanted = True
        self._begun = 0
        self._delivered = 0
        self._resumed = 0
        self._lanes = 0
        self._executed = 0
        """Instructions in this call."""
        self._instructions = 0
        self._reasons: Counter[int] = Counter()

    # --- work ----------------------------------------------------------------------------------

    def todo(self) -> Iterator[tuple[Piece, Values]]:
        """The pieces that have to run, with their inputs."""
        last: Piece | None = None
        for piece in self._pieces:
            if not self._wanted:
                return
            self._begun += 1
            if self._book is not None and piece.number in self._book.finished:
                # What is made by a function may take long: then the first and the last must do.
                if self._source.is_cheap or piece.number == 0:
                    self._compare(piece)
                else:
                    last = piece
                self._waiting[piece.number] = (piece, None)
                self._deliver()
                continue
            if last is not None:
                self._compare(last)
                last = None
            yield piece, self._inputs(piece)
        if last is not None:
            self._compare(last)

    def _inputs(self, piece: Piece) -> Values:
        return self._runner.lanes.check_inputs(piece.make(), piece.count)

    def _compare(self, piece: Piece) -> None:
        assert self._book is not None
        self._book.check(piece, digest_of(self._inputs(piece)))

    def may_begin(self) -> bool:
        """Whether there is room for the results of another chunk."""
        return self._wanted and self._begun - self._delivered < _BEHIND

    def run_here(self) -> Iterator[tuple[Piece, Values, ChunkResult]]:
        """Run the chunks in this process."""
        for piece, values in self.todo():
            result = self._runner.run(values, piece.count, self._show_within(piece.count))
            if result.interrupted:
                raise KeyboardInterrupt
            yield piece, values, result

    # --- results -------------------------------------------------------------------------------

    def result(self, finished: Iterator[tuple[Piece, Values, ChunkResult]]) -> StreamResult:
        """Take finished chunks until there are no more."""
        interrupted = False
        try:
            with self._progress:
                try:
                    for piece, values, result in finished:
                        self._take(piece, values, result)
                        if not self._wanted:
                            break
                except KeyboardInterrupt:
                    interrupted = True
                finally:
                    finished.close()  # type: ignore[attr-defined]
                self._show(0, 0)
            with undisturbed():
                outputs = self._sink.finish(self._lanes)
        except BaseException:
            self._sink.abandon()
            raise
        return StreamResult(
            outputs=outputs,
            n=self._lanes,
            counts={
                reason: self._reasons[reason] for reason in LaneReason if self._reasons[reason]
            },
            chunks=self._delivered,
            resumed=self._resumed,
            instructions=self._instructions,
            seconds=time.perf_counter() - self._begin,
            interrupted=interrupted,
        )

    def _take(self, piece: Piece, values: Values, result: ChunkResult) -> None:
        with undisturbed():
            if self._book is not None:
                self._book.save(piece, digest_of(values), result)
            self._executed += result.instructions
            self._waiting[piece.number] = (piece, result)
            if self._sink.may_wait:
                self._deliver()
        self._deliver()
        self._show(0, 0)

    def _deliver(self) -> None:
        """Pass on what is next in line."""
        while self._wanted and self._delivered in self._waiting:
            piece, result = self._waiting[self._delivered]
            if result is None:
                assert self._book is not None
                result = self._book.load(piece)
                self._resumed += 1
            if self._sink.may_wait:
                with undisturbed():
                    self._put(piece, result)
            else:
                self._put(piece, result)

    def _put(self, piece: Piece, result: ChunkResult) -> None:
        self._wanted = self._sink.put(piece.first, result.outputs)
        del self._waiting[self._delivered]
        self._delivered += 1
        self._lanes += piece.count
        self._instructions += result.instructions
        self._reasons.update(result.reasons)

    # --- progress ------------------------------------------------------------------------------

    def _show(self, more: int, instructions: int) -> None:
        lanes = self._lanes + more
        total = self._source.n
        self._progress.show(lanes, lanes if total is None else total, self._executed + instructions)

    def _show_within(self, count: int) -> ProgressCallback | bool:
        """What shows the progress within a chunk."""
        if type(self._progress) is Progress:
            return False
        return lambda done, total, instructions: self._show(min(done, count), instructions)
