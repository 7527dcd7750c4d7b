"""`lrvm batch`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from lrvm_tools import assemble
from tests.tools.command import lrvm, on_terminal, process, report

SOURCE = """
    cpy a1, a0
    mul a1, 3
    cmp a0, 7
    ifeq
    div a0, 0
    halt
"""
LANES = 100
A0 = numpy.arange(LANES)


@pytest.fixture(autouse=True)
def _files(folder: Path) -> None:
    (folder / "triple.lasm").write_text(SOURCE)
    (folder / "triple.bin").write_bytes(numpy.array(assemble(SOURCE), ">u4").tobytes())
    (folder / "endless.lasm").write_text("jp 0")
    numpy.save(folder / "in.npy", A0)
    numpy.savez(folder / "in.npz", a0=A0, a5=A0 + 1)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("program", ["triple.lasm", "triple.bin"])
def test_arrays_in_and_out(folder: Path, program: str) -> None:
    before = names(folder)
    result = lrvm(
        "batch", program, "--inputs", "in.npy", "--out", "out.npz", "--outputs", "a1, reason",
        "--halt-on-exception",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, "")
    assert re.fullmatch(
        r"\[lrvm\] 100 lanes \(99 halted, 1 exception\), \d+ instructions in [\d.e-]+ s\n"
        r"\[lrvm\] outputs are in out\.npz\n",
        result.stderr,
    )
    with numpy.load("out.npz") as out:
        assert sorted(out) == ["a1", "reason"]
        assert out["a1"].tolist() == (A0 * 3).tolist()
    assert names(folder) == sorted([*before, "out.npz"])


def test_report(folder: Path) -> None:
    inputs = ["--inputs", "in.npz", "--chunk", "30"]
    document = report("batch", "triple.lasm", *inputs, "--halt-on-exception")
    assert document.pop("seconds") > 0
    assert document == {
        "lanes": LANES,
        "reasons": {"halted": LANES - 1, "exception": 1},
        "instructions": 99 * 5 + 5,
        "chunks": 4,
        "resumed": 0,
        "interrupted": False,
        "out": None,
        "files": [],
        "exit_code": 0,
    }


def test_no_inputs(folder: Path) -> None:
    limits = ["-n", "1_000", "--max-cycles", "3"]
    document = report("batch", "endless.lasm", *limits, "--out", "o.npz")
    assert document["reasons"] == {"budget": 1000}
    with numpy.load("o.npz") as out:
        assert sorted(out) == ["a0", "cycles", "exception", "reason"]
        assert out["cycles"].tolist() == [3] * 1000


def test_quiet(folder: Path) -> None:
    result = lrvm("batch", "triple.lasm", "-n", "5", "-q")
    assert (result.exit_code, result.output) == (0, "")


def test_checkpoint(folder: Path) -> None:
    arguments = ["batch", "triple.lasm", "--inputs", "in.npy", "--chunk", "30"]
    arguments += ["--checkpoint", "state"]
    arguments += ["--halt-on-exception", "--out", "out.npz"]
    assert report(*arguments)["resumed"] == 0
    first = Path("out.npz").read_bytes()
    Path("out.npz").unlink()
    Path("state/chunk-000002.npz").unlink()
    document = report(*arguments)
    assert (document["resumed"], document["chunks"]) == (3, 4)
    with numpy.load("out.npz") as out:
        assert out["a0"].tolist() == A0.tolist()
    assert len(Path("out.npz").read_bytes()) == len(first)
    text = lrvm(*arguments).stderr
    assert "[lrvm] 4 of 4 chunks were in the checkpoint\n" in text
    failed = report(*arguments, "--max-cycles", "9", code=2)
    assert "state belongs to another job: max_cycles was None, is 9." in failed["error"]


def test_interrupting(folder: Path) -> None:
    """The first chunks halt, the others never do."""
    Path("some.lasm").write_text("cmp a0, 40\nifls\nhalt\nagain: jp again")
    arguments = ["batch", "some.lasm", "--inputs", "in.npy", "--chunk", "20", "--out", "out.npz"]
    with process(*arguments, "--json", "--checkpoint", "state") as running:
        while not Path("state/chunk-000001.npz").exists():
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=100)
    assert (running.returncode, stderr) == (130, b"")
    document = json.loads(stdout)
    assert (document["lanes"], document["interrupted"], document["exit_code"]) == (40, True, 130)
    with numpy.load("out.npz") as out:
        assert out["a0"].tolist() == list(range(40))


def test_progress_on_a_terminal(folder: Path) -> None:
    code, shown = on_terminal("batch", "triple.lasm", "-n", "1000")
    assert code == 0
    text = re.sub(r"\x1b\[\??[0-9;]*[a-zA-Z]", "", shown)
    assert "1,000 of 1,000 lanes" in text
    assert "[lrvm] 1,000 lanes (1,000 halted)" in text


def test_an_interrupted_run_beside_older_results(folder: Path) -> None:
    """What was there before stays; what is done, within a chunk too, goes beside it."""
    numpy.savez("out.npz", a0=numpy.arange(200))
    before = Path("out.npz").read_bytes()
    # Some lanes of the only chunk halt.
    Path("some.lasm").write_text("cpy a1, a0\nadd a1, a0\ncmp a0, 40\nifls\nhalt\nagain: jp again")
    code = """
import threading, _thread, time
from lrvm_jit.batch import Batch
from lrvm_tools.cli import main
run = Batch.run

def watched(batch, *given, **options):
    def watch():
        while (batch.lanes.reason == 1).sum() < 20:
            time.sleep(0.01)
        _thread.interrupt_main()
    threading.Thread(target=watch, daemon=True).start()
    return run(batch, *given, **options)

Batch.run = watched
main(["batch", "some.lasm", "--inputs", "in.npy", "--out", OUT, "--outputs", "a1", "--json"])
"""
    for name, beside in (("out.npz", "out.interrupted.npz"), ("new.npz", "new.npz")):
        done = subprocess.run(
            [sys.executable, "-c", code.replace("OUT", repr(name))],
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert (done.returncode, done.stderr) == (130, "")
        document = json.loads(done.stdout)
        lanes = document["lanes"]
        assert 20 <= lanes <= 40
        assert (document["reasons"], document["out"]) == ({"halted": lanes}, beside)
        with numpy.load(beside) as out:
            assert len(set(out["lane"])) == len(out["lane"]) == lanes
            assert out["lane"].max() < 40
            assert out["a1"].tolist() == (2 * out["lane"]).tolist()
    assert Path("out.npz").read_bytes() == before
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]
