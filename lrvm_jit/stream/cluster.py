"""The chunks of a stream on a Dask cluster.

Dask schedules: it gives chunks to workers, and those of a worker that is lost to others. What
goes to the workers is plain data, and each of them keeps the batches of the last jobs.
"""

from __future__ import annotations

import uuid
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from ..locks import SharedLock
from ..machine.motherboard import Motherboard
from .chunk import ChunkResult, ChunkRunner, Job
from .fields import Values
from .inputs import Chunk
from .optional import import_distributed

_KEPT_JOBS: Final = 4
_lock = SharedLock()
_idle: OrderedDict[str, list[ChunkRunner]] = OrderedDict()
"""In a worker process: batches of jobs that no thread is using."""

Todo = Iterator[tuple[Chunk, Values]]


def check_client(client: Any, job: Job) -> None:
    """TypeError for what is no client, or a job that cannot travel."""
    distributed = import_distributed("client")
    if not isinstance(client, distributed.Client):
        raise TypeError(
            f"client is a {type(client).__name__}; it must be a dask.distributed.Client"
        )
    if client.asynchronous:
        raise TypeError("client is asynchronous; make one with Client(..., asynchronous=False)")
    if isinstance(job.program, Motherboard) or len(job.components):
        raise TypeError(
            "boards and components stay in their process; a stream with a client takes the words "
            "of a program"
        )


def run_on_cluster(
    client: Any, job: Job, size: int, todo: Todo, may_begin: Callable[[], bool]
) -> Iterator[tuple[Chunk, Values, ChunkResult]]:
    """Run chunks on a cluster's workers; they come as they are finished, in any order. No more
    are handed out than keep the workers busy, and none while `may_begin` says no."""
    as_completed = import_distributed("client").as_completed
    # A worker's own threads run chunks beside each other.
    job = replace(job, threads=job.threads or 1)
    name = f"lrvm-{uuid.uuid4().hex}"
    running: dict[Any, tuple[Chunk, Values]] = {}
    finished = as_completed([], with_results=True)
    try:
        while True:
            wanted = 2 * max(1, sum(client.nthreads().values()))
            while len(running) < wanted and may_begin():
                following = next(todo, None)
                if following is None:
                    break
                future = _submit(client, name, job, size, *following)
                running[future] = following
                finished.add(future)
            if not running:
                return
            future, result = next(finished)
            yield *running.pop(future), result
    finally:
        client.cancel(list(running))


def _submit(client: Any, name: str, job: Job, size: int, chunk: Chunk, values: Values) -> Any:
    with warnings.catch_warnings():
        # Inputs that are scattered would be lost with the worker that holds them.
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return client.submit(
            run_chunk,
            name,
            job,
            size,
            dict(values),
            chunk.count,
            key=f"{name}-{chunk.number}",
            pure=False,
        )


def run_chunk(name: str, job: Job, size: int, values: Values, count: int) -> ChunkResult:
    """Run a chunk in a worker, on a batch that this process has for the job `name`."""
    with _lock:
        runners = _idle.setdefault(name, [])
        _idle.move_to_end(name)
        while len(_idle) > _KEPT_JOBS:
            _idle.popitem(last=False)
        runner = runners.pop() if runners else None
    if runner is None:
        runner = ChunkRunner(job, size)
    result = runner.run(values, count, False)
    if result.interrupted:
        raise RuntimeError("the worker was interrupted while it ran a chunk")
    with _lock:
        _idle.setdefault(name, []).append(runner)
    return result
