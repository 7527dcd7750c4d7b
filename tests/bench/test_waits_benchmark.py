"""`python -m lrvm_jit.bench waits`."""

from __future__ import annotations

import json
import threading
import time

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.bench import waits
from lrvm_jit.bench.__main__ import main


@pytest.mark.slow
def test_a_program_is_measured(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["waits", "fib", "-n", "1", "--json"]) == 0
    [row] = json.loads(capfd.readouterr().out)
    assert row["program"] == "fib"
    assert set(row["longest"]) == set(waits.ENGINES)
    assert all(0 < seconds < 60 for [seconds] in row["longest"].values())


def test_the_thread_sees_what_keeps_it_waiting() -> None:
    """A lock that it needs for its next count stands for the GIL."""
    counter = waits.Counter()
    slept = threading.Event()
    real = time.perf_counter
    calls = iter(range(1000))

    def clock() -> float:
        if next(calls, 1000) == 500:
            time.sleep(0.2)
            slept.set()
        return real()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "perf_counter", clock)
        counter.start()
        assert slept.wait(60)
        assert counter.end() >= 0.2


def test_the_generated_program_runs() -> None:
    """600 functions of 22 instructions, and calls of all of them."""
    board = waits.functions_board(TranslatorOptions(tiers=("baseline",), cache=False))
    once = waits.FUNCTION_COUNT * (waits.FUNCTION_LENGTH + 1) + 2
    board.run(max_cycles=3 * once)
    assert board.cpu.regs["a7"] == 3
    assert board.cpu.regs["pc"] == 0


def test_the_table() -> None:
    row = waits.Row("one", {"auto": [0.004, 0.002, 0.003], "interpreter": [0.001, 0.001, 0.002]})
    assert waits.line(row).split() == ["one", "2.00", "3.00", "1.00", "1.00"]
    assert waits.HEADER.split()[0] == "program"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sive"], "unknown program 'sive'"),
        (["-n", "0"], "--repeats is 0"),
        (["--once", "auto"], "--once takes one program"),
    ],
)
def test_arguments_that_are_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        waits.main(arguments)
    assert message in capsys.readouterr().err
