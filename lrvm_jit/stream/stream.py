"""Any number of lanes, in chunks: `Batch.stream`."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy
from numpy.typing import NDArray

from ..arguments import optional_number
from ..batch.component import BatchComponent
from ..batch.programs import Program
from ..batch.progress import Progress, ProgressCallback, make_progress
from ..batch.result import LaneReason
from ..batch.template import PAGE, LinkedProgram
from ..core.signals import undisturbed
from ..jit.options import TranslatorOptions
from ..machine.motherboard import Motherboard
from .checkpoint import Checkpoint, digest_of
from .chunk import ChunkResult, ChunkRunner, Job, program_of
from .chunk_size import ChunkSize, FixedSize
from .cluster import check_client, run_on_cluster
from .fields import PROGRAM, Values, parse_outputs
from .inputs import Chunk, Source, blaming, open_inputs, open_text_inputs
from .outputs import Arrays, Rest, Sink, open_sink

OUTPUTS: Final = ("a0", "reason", "cycles", "exception")
CHUNK_LANES: Final = 1 << 16
CHUNK_BYTES: Final = 1 << 28
"""A chunk of a stream with a checkpoint has so many lanes, or as many as fit into so many bytes."""
MOST_LANES: Final = 1 << 18
"""One of another stream, whose size is measured, has no more."""
_STATE_BYTES: Final = 256
_BEHIND: Final = 64
"""Finished chunks of a cluster that may wait for the one before them."""


@dataclass(frozen=True, slots=True)
class StreamResult:
    """What became of a stream. `result["a0"]` is an output, with a row for each lane.

    - `n`: lanes that are done, the first ones. `interrupted`: whether Ctrl-C ended it there.
    - `partial`: lanes behind them that were done as well, of a chunk that Ctrl-C ended; only a
      file has them.
    - `counts`: how many lanes stopped for each reason.
    - `chunks`: how many chunks are done; `resumed`: how many of them the checkpoint had.
    - `instructions`: of all lanes; `seconds`: of this call.
    - `outputs`: arrays by name; none if `out` took them.
    - `file`: the file with the outputs, if `out` named one. Of a stream that was interrupted it is
      another one if there was one by that name. `files`: all of them, if `out` named several.
    """

    outputs: Arrays
    n: int
    counts: dict[LaneReason, int]
    chunks: int
    resumed: int
    instructions: int
    seconds: float
    interrupted: bool
    partial: int = 0
    file: Path | None = None
    files: tuple[Path, ...] = ()

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
            f"{self.n + self.partial:,} lanes ({ends}), {self.instructions:,} instructions "
            f"in {self.seconds:.3g} s{' (interrupted)' if self.interrupted else ''}"
        )


def stream(
    program: Motherboard | LinkedProgram | Program | Sequence[Program] | None,
    n: int | None = None,
    inputs: Any = None,
    *,
    texts: Any = None,
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
    device: str = "cpu",
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

    With a component that reads texts, such as `CharInput()`, there is the input `"text"`, strings,
    and with one that keeps them, such as `CharOutput()`, the output `"text"`. A `.jsonl` file has
    them as JSON strings, one a line. `texts` are that input beside others: strings, or the path of
    a `.jsonl` file.

    `outputs` are such names as well, or `"reason"`, `"cycles"`, `"exception"`, `"address"` (see
    `BatchResult`); by default `a0` and the first three of these. They go into new arrays, or to
    `out`: the path of a `.npz`, `.npy`, `.parquet`, `.arrow` or `.jsonl` file, a mapping from the
    names to arrays, or a function that gets the number of the first lane and a dict of arrays for
    each chunk, in order, and may return True to end the stream. With a list of paths texts go to
    the `.jsonl` file and all other outputs to the others. A file takes its place when all is done.
    When Ctrl-C ended the stream it has what is done, beside an older file of that name:
    `out.interrupted.npz` for `out.npz`; if lanes of an unfinished chunk are among it (not in a
    `.npy` or `.jsonl` file) an array or column `lane` has the numbers of the lanes.

    `chunk` is the number of lanes in a chunk; by default as many as take half a second, by what
    the chunks before have taken, and fit into 256 MiB; with a checkpoint, which must be cut in the
    same places, or with components 65,536, or as many as fit. `checkpoint` names a folder in which
    finished chunks are kept: the same call goes on behind them after its process was killed. Ctrl-C
    ends the stream; the result then has the finished chunks. Going on costs no more than reading
    the checkpoint's list: its chunks are read, and compared with the list, when new ones have run.
    Damaged inputs raise DataError, damaged checkpoints CheckpointError. `client` is a
    `dask.distributed.Client`, whose cluster then runs the chunks. All else is as for `Batch` and
    `Batch.run`; components are reset before each chunk, and number its lanes from 0.
    """
    if outputs is None:
        outputs = tuple(out) if isinstance(out, Mapping) else OUTPUTS
    fields = parse_outputs(outputs)
    n = optional_number("n", n, 0)
    chunk = optional_number("chunk", chunk, 1)
    max_cycles = optional_number("max_cycles", max_cycles, 0)
    ram_size = optional_number("ram_size", ram_size, 0)
    rom_size = optional_number("rom_size", rom_size, 0)
    threads = optional_number("threads", threads, 1)
    if isinstance(program, LinkedProgram):
        program, components = program.batch_parts(components, ram_size)
    ram_size = PAGE if ram_size is None else ram_size
    shared, own = program_of(program)
    if own is not None:
        if n not in (None, len(own)):
            raise ValueError(f"n is {n}, but there are {len(own)} programs")
        n = len(own)
    source = open_inputs(inputs, n) if texts is None else open_text_inputs(texts, inputs, n)
    try:
        # Components number a chunk's lanes, and a stream that goes on must be cut as it was.
        is_fixed = checkpoint is not None or bool(len(components)) or device != "cpu"
        chunk_size = _chunk_size(chunk, _lane_bytes(shared, own, ram_size), is_fixed)
        chunks = _with_programs(source, own, chunk_size)
        # The first chunk is looked at before anything is begun: most mistakes are found there.
        first = next(chunks, None)
        with blaming(source.path):
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
            device,
        )
        count = 0 if first is None else first.count
        size = count
        if not is_fixed or (len(components) and source.kind in ("iterator", "table")):
            # Chunks may grow; lanes that nobody uses take no memory.
            lanes = chunk_size.most if source.n is None else source.n
            size = max(count, min(chunk_size.most, lanes))
        if client is not None:
            check_client(client, job)
        # On a cluster the workers have the lanes, but mistakes are found here.
        runner = ChunkRunner(job, 0 if client is not None else size)
        try:
            with blaming(source.path):
                values = runner.lanes.check_inputs(columns, count) if first is not None else {}
            if first is not None:
                rest, known = chunks, first
                chunks = chain([_made(known, columns)], rest)
            types = runner.lanes.output_types()
            sink = open_sink(out, types, source.n)
            opened = None
            if checkpoint is not None:
                # Not `n`: it may not be known, and a finished chunk stays what it is.
                inputs_are = {"kind": source.kind, "n": source.n, "names": sorted(values)}
                lanes = chunk_size.most
                manifest = {**job.describe(), "chunk": lanes, "inputs": inputs_are}
                opened = Checkpoint(Path(checkpoint), manifest, types)
            try:
                shown = make_progress(progress)
                run = _Run(source, chunks, sink, opened, runner, shown, chunk_size)
                if client is None:
                    return run.result(run.run_here())
                return run.result(run_on_cluster(client, job, size, run.todo(), run.may_begin))
            finally:
                if opened is not None:
                    opened.close()
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


def _chunk_size(chunk: int | None, lane_bytes: int, is_fixed: bool) -> ChunkSize:
    """The size of chunks: what was asked for; by measurement; or, where results depend on it, one
    that follows from the job alone."""
    if chunk is not None:
        return FixedSize(chunk)
    fitting = max(1, CHUNK_BYTES // lane_bytes)
    if is_fixed:
        return FixedSize(min(CHUNK_LANES, fitting))
    return ChunkSize(min(MOST_LANES, fitting))


def _with_programs(source: Source, own: Any, size: ChunkSize) -> Iterator[Chunk]:
    for chunk in source.chunks(size):
        if own is None:
            yield chunk
            continue

        def make(chunk: Chunk = chunk) -> Mapping[str, Any]:
            programs = own[chunk.first : chunk.first + chunk.count]
            return {**chunk.make(), PROGRAM: programs}

        yield Chunk(chunk.number, chunk.first, chunk.count, make)


def _made(chunk: Chunk, columns: Mapping[str, Any]) -> Chunk:
    return Chunk(chunk.number, chunk.first, chunk.count, lambda: columns)


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
        chunks: Iterator[Chunk],
        sink: Sink,
        checkpoint: Checkpoint | None,
        runner: ChunkRunner,
        progress: Progress,
        chunk_size: ChunkSize,
    ) -> None:
        self._source = source
        self._chunk_size = chunk_size
        self._coming = chunks
        self._sink = sink
        self._checkpoint = checkpoint
        self._runner = runner
        self._progress = progress
        self._begin = time.perf_counter()
        self._waiting: dict[int, tuple[Chunk, ChunkResult | None]] = {}
        """Finished chunks that have not been delivered; None: the checkpoint has it."""
        self._unchecked: set[int] = set()
        """Those of the checkpoint whose inputs are still to be compared."""
        self._wanted = True
        self._partial: tuple[Chunk, ChunkResult] | None = None
        """The chunk that Ctrl-C ended."""
        self._more = 0
        self._begun = 0
        self._taken = 0
        """Chunks of this call that were begun, and that have been delivered since."""
        self._delivered = 0
        self._resumed = 0
        self._lanes = 0
        self._done = 0
        """Lanes delivered, and all that are done."""
        self._executed = 0
        """Instructions in this call."""
        self._instructions = 0
        self._reasons: Counter[int] = Counter()

    # --- work ----------------------------------------------------------------------------------

    def todo(self) -> Iterator[tuple[Chunk, Values]]:
        """The chunks that have to run, with their inputs.

        What the checkpoint has is not read here: going on where a stream was interrupted costs no
        more than its list, and then comes something new.
        """
        last: Chunk | None = None
        for chunk in self._coming:
            if not self._wanted:
                return
            if self._checkpoint is not None and chunk.number in self._checkpoint.finished:
                last = self._skip(chunk)
                continue
            if last is not None:
                self._compare(last)
                last = None
            self._begun += 1
            yield chunk, self._inputs(chunk)
        if last is not None:
            self._compare(last)

    def _skip(self, chunk: Chunk) -> Chunk | None:
        """Leave out a finished chunk; the answer is one whose inputs the caller has to compare."""
        self._done += chunk.count
        if chunk.number == 0 or self._source.is_made:
            self._compare(chunk)
            # Without its inputs, which would fill the memory.
            chunk = Chunk(chunk.number, chunk.first, chunk.count, dict)
            self._waiting[chunk.number] = (chunk, None)
            return None
        self._waiting[chunk.number] = (chunk, None)
        if self._source.is_cheap:
            # When its data is wanted.
            self._unchecked.add(chunk.number)
            return None
        # What is made by a function may take long: then the first and the last must do.
        return chunk

    def _inputs(self, chunk: Chunk) -> Values:
        with blaming(self._source.path):
            return self._runner.lanes.check_inputs(chunk.make(), chunk.count)

    def _compare(self, chunk: Chunk) -> None:
        assert self._checkpoint is not None
        self._checkpoint.check(chunk, digest_of(self._inputs(chunk)))

    def may_begin(self) -> bool:
        """Whether there is room for the results of another chunk."""
        return self._wanted and self._begun - self._taken < _BEHIND

    def run_here(self) -> Iterator[tuple[Chunk, Values, ChunkResult]]:
        """Run the chunks in this process."""
        for chunk, values in self.todo():
            result = self._runner.run(values, chunk.count, self._show_within(chunk.count))
            if result.interrupted:
                self._partial = (chunk, result)
                raise KeyboardInterrupt
            yield chunk, values, result

    # --- results -------------------------------------------------------------------------------

    def result(self, finished: Iterator[tuple[Chunk, Values, ChunkResult]]) -> StreamResult:
        """Take finished chunks until there are no more."""
        interrupted = False
        try:
            with self._progress:
                try:
                    try:
                        for chunk, values, result in finished:
                            self._take(chunk, values, result)
                            if not self._wanted:
                                break
                    finally:
                        finished.close()  # type: ignore[attr-defined]
                    if not self._sink.may_wait:
                        self._deliver()
                except KeyboardInterrupt:
                    interrupted = True
                outputs = self._finish(interrupted)
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
            partial=self._more,
            file=self._sink.file,
            files=self._sink.files,
        )

    def _finish(self, interrupted: bool) -> Arrays:
        """Deliver what is left, and end the outputs. When all has run Ctrl-C changes nothing any
        more: however often it comes, this must come to an end."""
        if interrupted and self._sink.may_wait:
            with suppress(KeyboardInterrupt):  # the second one; the checkpoint keeps the rest
                self._deliver()
        outputs = None
        try:
            with undisturbed():
                if not interrupted:
                    self._deliver()
                self._show(0, 0)
                outputs = self._sink.finish(self._lanes, self._rest(), interrupted)
        except KeyboardInterrupt:
            if outputs is None:
                raise
        return outputs

    def _rest(self) -> Rest | None:
        """The lanes that are done of the chunk that Ctrl-C ended, if the sink can take them."""
        if self._partial is None or not self._sink.takes_rest:
            return None
        chunk, result = self._partial
        assert result.done is not None
        done = numpy.flatnonzero(result.done)
        if not len(done):
            return None
        self._more = len(done)
        self._instructions += result.instructions
        self._reasons.update(result.reasons)
        return Rest(chunk.first + done, {name: rows[done] for name, rows in result.outputs.items()})

    def _take(self, chunk: Chunk, values: Values, result: ChunkResult) -> None:
        self._chunk_size.note(chunk.count, result.seconds)
        with undisturbed():
            if self._checkpoint is not None:
                self._checkpoint.save(chunk, digest_of(values), result)
            self._executed += result.instructions
            self._waiting[chunk.number] = (chunk, result)
            self._done += chunk.count
        self._deliver()
        self._show(0, 0)

    def _deliver(self) -> None:
        """Pass on what is next in line."""
        while self._wanted and self._delivered in self._waiting:
            chunk, result = self._waiting[self._delivered]
            resumed = result is None
            if result is None:
                assert self._checkpoint is not None
                if chunk.number in self._unchecked:
                    self._compare(chunk)
                result = self._checkpoint.load(chunk)
            if self._sink.may_wait:
                with undisturbed():
                    self._put(chunk, result, resumed)
            else:
                self._put(chunk, result, resumed)

    def _put(self, chunk: Chunk, result: ChunkResult, resumed: bool) -> None:
        self._wanted = self._sink.put(chunk.first, result.outputs)
        del self._waiting[self._delivered]
        self._delivered += 1
        self._resumed += resumed
        self._taken += not resumed
        self._lanes += chunk.count
        self._instructions += result.instructions
        self._reasons.update(result.reasons)

    # --- progress ------------------------------------------------------------------------------

    def _show(self, more: int, instructions: int) -> None:
        lanes = self._done + more
        total = self._source.n
        self._progress.show(lanes, lanes if total is None else total, self._executed + instructions)

    def _show_within(self, count: int) -> ProgressCallback | bool:
        """What shows the progress within a chunk."""
        if type(self._progress) is Progress:
            return False
        return lambda done, total, instructions: self._show(min(done, count), instructions)
