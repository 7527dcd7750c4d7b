"""Batches on a CUDA device: on numba's simulator equal to the vectors and to the processor."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from numba import cuda

from lrvm_jit.batch import Batch
from lrvm_tools import assemble


def simulate(vectors: int) -> dict[str, Any]:
    """What `tests.batch.simulated_device` reports."""
    # The simulator takes the functions' Python code, so they must be compiled functions here.
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "0"}
    result = subprocess.run(
        [sys.executable, "-m", "tests.batch.simulated_device", str(vectors)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_lanes_end_as_they_should() -> None:
    """Vectors with programs, memory and MMU of their own; lanes that ask components go on on the
    processor, with the same results in every run; a run can be ended between launches. With a
    wrong step the vectors are noticed to be wrong."""
    report = simulate(90)
    assert report["vectors"] >= 80
    assert not report["wrong"], report["wrong"][0]
    on_device, on_processor = report["echo"]
    assert on_device == on_processor
    assert on_device["runs"][1][-1] == ["IBM", "", "WNT"]
    assert on_device["runs"][0][0] == [2, 2, 2]
    interrupted, reasons, first, more = report["stopped"]
    assert interrupted
    assert reasons == [1, 4]
    assert first == [1, 2]
    assert more == 5
    assert report["spoiled"] > 0


@pytest.mark.slow
def test_it_compiles_for_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """To PTX, by NVIDIA's compiler, which needs no driver."""
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed (extra `cuda`)")
    from numba import types
    from numba.cuda import dispatcher

    from lrvm_jit.batch.gpu.kernel import lanes_function

    # Functions of the device are otherwise compiled for the one that is there.
    card = SimpleNamespace(compute_capability=(9, 0))
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: card)

    def array(kind: Any, layout: str = "C", dimensions: int = 1) -> Any:
        return types.Array(kind, dimensions, layout)

    wide, word, byte = types.int64, types.uint32, types.uint8
    kinds = [
        *map(array, (wide, wide, word, wide)),
        array(byte, "A"),
        array(word, "C", 2),
        *map(array, (wide, wide, wide, word, byte, byte)),
    ]
    ptx, _ = cuda.compile_ptx(lanes_function(3), types.void(*kinds), device=False, cc=(9, 0))
    assert ".target sm_90" in ptx
    stack = re.search(r"__local_depot0\[(\d+)\]", ptx)
    assert stack is not None
    assert int(stack[1]) < 2048


@pytest.mark.skipif(cuda.is_available(), reason="there is a device")
def test_without_a_device() -> None:
    with pytest.raises(RuntimeError, match=r"finds no device; .*pip install 'lrvm-jit\[cuda\]'"):
        Batch(assemble("halt"), 1, device="cuda")
    with pytest.raises(ValueError, match="unknown device 'gpu'; known are cpu, cuda"):
        Batch(assemble("halt"), 1, device="gpu")
