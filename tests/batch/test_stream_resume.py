"""Going on where a stream was interrupted: each attempt gets something done, however short."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy
import pytest

from lrvm_jit.batch import Batch, StreamResult
from lrvm_jit.stream.checkpoint import Checkpoint
from tests.batch.streams import SUM, sums

CHUNKS = 12
A0 = numpy.arange(10 * CHUNKS)


def run(folder: Path, inputs: Any = None, **options: Any) -> StreamResult:
    if inputs is None:
        inputs = {"a0": A0, "c0": 2}
    defaults: dict[str, Any] = {
        "outputs": ["a1"],
        "ram_size": 64,
        "chunk": 10,
        "checkpoint": folder,
    }
    defaults["halt_on_exception"] = True
    return Batch.stream(SUM, None, inputs, **{**defaults, **options})


def test_new_chunks_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the checkpoint has is read when there is something new in it."""
    done: list[str] = []
    save, load = Checkpoint.save, Checkpoint.load

    def saving(self: Checkpoint, *given: Any) -> None:
        save(self, *given)
        done.append("save")

    def loading(self: Checkpoint, *given: Any) -> Any:
        done.append("load")
        return load(self, *given)

    inputs: Any = {"a0": A0, "c0": 2}
    run(tmp_path / "state", inputs)
    (tmp_path / "state" / "chunk-000007.npz").unlink()
    monkeypatch.setattr(Checkpoint, "save", saving)
    monkeypatch.setattr(Checkpoint, "load", loading)
    result = run(tmp_path / "state", inputs)
    assert done == ["save", *["load"] * (CHUNKS - 1)]
    assert result["a1"].tolist() == sums(A0, 2).tolist()


def test_interrupted_as_soon_as_something_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes with each chunk that is saved, and with each that is read to be handed over."""
    save, load = Checkpoint.save, Checkpoint.load

    def saving(self: Checkpoint, *given: Any) -> None:
        save(self, *given)
        signal.raise_signal(signal.SIGINT)

    def loading(self: Checkpoint, *given: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return load(self, *given)

    monkeypatch.setattr(Checkpoint, "save", saving)
    monkeypatch.setattr(Checkpoint, "load", loading)
    for attempt in range(1, CHUNKS + 1):
        result = run(tmp_path / "state")
        assert result.interrupted
        assert len(list((tmp_path / "state").glob("chunk-*.npz"))) == attempt
    # All has run: handing it over comes to its end.
    result = run(tmp_path / "state")
    assert not result.interrupted
    assert (result.n, result.chunks, result.resumed) == (10 * CHUNKS, CHUNKS, CHUNKS)
    assert result["a1"].tolist() == sums(A0, 2).tolist()
