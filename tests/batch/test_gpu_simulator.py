"""The kernel's functions serve other targets: they run as device functions of numba's CUDA target,
under its simulator, and every machine ends as the reference engine says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from lrvm_jit.kernel.dispatch import dispatch
from lrvm_jit.kernel.retarget import STAND_INS, retarget
from tests.machine.kernel_rules import kernel_functions


def simulate(*arguments: str) -> dict[str, Any]:
    """What `tests.batch.simulated_gpu` reports."""
    # The simulator takes the functions' Python code, so they must be compiled functions here.
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "0"}
    result = subprocess.run(
        [sys.executable, "-m", "tests.batch.simulated_gpu", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


@pytest.mark.slow
def test_every_thread_runs_its_own_machine() -> None:
    """Vectors; random and written machines with the MMU, changing code, and a component in Python:
    equal to what the vectors and the reference engine say. All ends and requests occur."""
    report = simulate("100", "80")
    assert report["vectors"] >= 90
    assert not report["wrong vectors"], report["wrong vectors"][0]
    found = report["machines"]
    assert not found["wrong"], found["wrong"][0]
    assert found["written"] == ["halted", "halted", "budget"]
    assert set(found["reasons"]) == {"budget", "halted", "exception"}
    assert found["exceptions"] >= 20
    assert found["paged"] >= 20
    requests = found["requests"]
    assert min(requests[kind] for kind in ("read", "write", "hwd")) >= 5
    assert requests["reset"] >= 1


@pytest.mark.slow
def test_a_wrong_function_is_noticed() -> None:
    """With one of the kernel's functions broken, machines of both kinds end differently."""
    report = simulate("20", "5", "spoil")
    assert report["wrong vectors"]
    assert report["machines"]["wrong"]


def test_nothing_of_the_processors_is_left() -> None:
    """Every function that can be reached has been made by the decorator, from a checked source,
    and calls only such functions; the originals are as they were."""
    made: dict[Callable[..., Any], str] = {}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        made[function] = function.__name__
        return function

    before = dict(dispatch.py_func.__globals__)
    assert made[retarget(dispatch, decorate)] == "dispatch"
    assert dispatch.py_func.__globals__ == before

    stand_ins = {function.__name__ for function in STAND_INS.values()}
    assert stand_ins < set(made.values()) <= stand_ins | set(kernel_functions())
    assert len(made) == len(set(made.values())) > 60
    for function in made:
        for name, value in function.__globals__.items():
            if name != "__builtins__" and callable(value) and not isinstance(value, type):
                assert value in made, f"{name} in {made[function]}"
