"""Going back by replay: the machine at each position is what it was, and nothing is asked twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

from lrvm_jit import HookEvent, Motherboard, Snapshot
from lrvm_jit.debug import (
    Debugger,
    History,
    Recorder,
    RecordingError,
    ReplayError,
    load_recording,
)
from lrvm_jit.debug import history as history_module
from tests.debug.machines import RAM, asking, counting
from tests.engines import EngineChoice

LENGTH = 300


def state(board: Motherboard) -> tuple[bytes, tuple[bytes, ...], int, bool]:
    taken: Snapshot = board.snapshot(skip_unsaved=True)
    return taken.registers, taken.memory, board.cpu.cycles, board.cpu.halted


def test_every_position_is_as_it_was(engine: EngineChoice) -> None:
    """With components that answer at random, write memory, set registers and refuse."""
    board, oracle, shown = asking(engine)
    with board, Debugger(board) as debugger:
        states = [state(board)]
        for _ in range(LENGTH):
            debugger.step()
            states.append(state(board))
        asked, text = oracle.calls, list(shown)
        assert asked > 50
        assert board.cpu.regs.c0 > 10  # refusals that the guest has handled
        for position in random.Random(3).sample(range(LENGTH + 1), 60):
            debugger.go_to(position)
            assert state(board) == states[position], position
        debugger.go_to(LENGTH)
        assert (oracle.calls, shown) == (asked, text)
        debugger.step(20)  # in the present the components are asked again
        assert oracle.calls > asked


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
def test_long_runs_and_steps_back(engine: EngineChoice) -> None:
    """Checkpoints are few, and a step back from far away is exact."""
    board, _ = counting(engine, 30_000 if engine != "reference" else 3_000)
    with board, Debugger(board) as debugger:
        debugger.run()
        end = debugger.position
        assert end > 20_000
        for distance in (1, 1, 2, 100, 5000, 3):
            debugger.rstep(distance)
            end -= distance
            assert (debugger.position, board.cpu.cycles) == (end, end)
        assert len(debugger.history.recording.checkpoints) < 150


@pytest.mark.parametrize("share", [history_module.SNAPSHOT_SHARE, 10**9])
def test_memory_is_bounded(share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And be the host so slow that snapshots seem to take for ever."""
    monkeypatch.setattr(history_module, "SNAPSHOT_SHARE", share)
    board, _, _ = asking("interpreter")
    with board:
        history = History(board, memory_limit=2_000_000)
        history.run(300_000)
        assert history.recording.bytes < 3_000_000
        assert history.start > 0
        history.go_to(history.start)
        with pytest.raises(LookupError, match="first that is remembered"):
            history.go_to(history.start - 1)


def test_changes_in_the_past_make_another_future(engine: EngineChoice) -> None:
    board, _ = counting(engine)
    with board, Debugger(board) as debugger:
        debugger.run(200)
        debugger.go_to(100)
        board.cpu.regs.a0 = 1000  # behind the debugger's back
        debugger.step()
        assert debugger.history.end == debugger.position == 101
        debugger.run(50)
        assert board.cpu.regs.a0 > 1000
        debugger.rstep(60)
        assert debugger.position == 91
        assert board.cpu.regs.a0 < 20
        debugger.go_to(100)
        assert board.cpu.regs.a0 == 1000
        debugger.rstep(20)
        debugger.run(40)  # over the change
        assert board.cpu.regs.a0 > 1000


def test_reset_by_host_is_a_change() -> None:
    board, _ = counting("interpreter")
    with board, Debugger(board) as debugger:
        debugger.run(50)
        board.reset()
        debugger.run(30)
        assert (debugger.position, board.cpu.cycles) == (80, 30)
        debugger.rstep(40)
        assert (debugger.position, board.cpu.cycles) == (40, 40)


def test_components_come_back_with_the_present() -> None:
    """A component's own state is that of the end when the end is reached again."""
    board, oracle, _ = asking("interpreter")
    with board, Debugger(board) as debugger:
        debugger.run(100)
        debugger.rstep(50)
        debugger.run(50)
        before = oracle.calls
        debugger.run(40)
        assert oracle.calls > before


# --- recordings in files -------------------------------------------------------------------------


def recorded(path: Path, engine: EngineChoice) -> list[tuple[bytes, tuple[bytes, ...], int, bool]]:
    """The states at some positions of a run that is recorded."""
    board, _, _ = asking(engine)
    states = []
    with board, Recorder(board, path):
        for length in (7, 30, 1, 200):
            board.run(length)
            states.append(state(board))
        board.cpu.regs.a6 = 99  # the host meddles
        board.memory.write(0x1400, 5)
        board.run(100)
        states.append(state(board))
    return states


def test_replay_of_a_file(engine: EngineChoice, tmp_path: Path) -> None:
    """On another board, whose components would answer otherwise, and are not asked."""
    states = recorded(tmp_path / "run", engine)
    board, oracle, shown = asking(engine)
    with board:
        history = History(board, recording=load_recording(tmp_path / "run"))
        for position, wanted in zip((7, 37, 38, 238, 338), states, strict=True):
            history.go_to(position)
            if position != 238:  # there the host's change is part of it
                assert state(board) == wanted
        history.go_to(100)
        assert history.run().reason == "budget"
        assert (history.position, state(board)) == (338, states[-1])
        assert (oracle.calls, shown) == (0, [])


def test_cut_and_damaged_recordings(tmp_path: Path) -> None:
    """Cut anywhere, what is whole is read; a changed byte is an error that names the file."""
    recorded(tmp_path / "run", "interpreter")
    content = (tmp_path / "run").read_bytes()
    ends = set()
    for length in range(0, len(content), max(1, len(content) // 60)):
        cut = tmp_path / "cut"
        cut.write_bytes(content[:length])
        with suppress(RecordingError):
            ends.add(load_recording(cut).end)
    assert len(ends) > 2
    generator = random.Random(5)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[generator.randrange(30, len(content) - 1000)] ^= 1 << generator.randrange(8)
        cut.write_bytes(damaged)
        with pytest.raises(RecordingError, match="cut"):
            load_recording(cut)
    cut.write_bytes(b"#!/bin/sh\n")
    with pytest.raises(RecordingError, match="no recording"):
        load_recording(cut)
    cut.write_bytes(content.replace(b"recording 1\n", b"recording 9\n", 1))
    with pytest.raises(RecordingError, match="version 9"):
        load_recording(cut)


def test_killed_while_recording(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os, signal
        from tests.debug.machines import asking
        from lrvm_jit.debug import Recorder
        board, _, _ = asking("reference")
        Recorder(board, {str(tmp_path / "run")!r})
        board.run(150)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    recording = load_recording(tmp_path / "run")
    assert recording.end == 150
    board, oracle, _ = asking("reference")
    with board:
        History(board, recording=recording).go_to(150)
        assert (board.cpu.cycles, oracle.calls) == (150, 0)


def test_another_machine_is_refused(tmp_path: Path) -> None:
    recorded(tmp_path / "run", "interpreter")
    board, _ = counting("interpreter")
    with board, pytest.raises(ValueError, match="components"):
        History(board, recording=load_recording(tmp_path / "run"))
    board, _, _ = asking("interpreter")
    recording = load_recording(tmp_path / "run")
    recording.log.asked[3] += 4
    with board:
        history = History(board, recording=recording)
        with pytest.raises(ReplayError, match="was recorded"):
            history.go_to(200)


def test_one_tap_at_a_time() -> None:
    board, _ = counting("interpreter")
    with board, Debugger(board), pytest.raises(RuntimeError, match="has a tap already"):
        Recorder(board)


def test_what_hooks_change_is_recorded(engine: EngineChoice) -> None:
    """Of each kind: going back finds it, and calls none of them."""
    board, oracle, _ = asking(engine)
    called = 0

    def count(board: Motherboard, event: HookEvent) -> None:
        nonlocal called
        called += 1

    def change(board: Motherboard, event: HookEvent) -> None:
        count(board, event)
        event.word ^= called
        board.cpu.regs.rr7 += called

    board.on("memory", change, address=RAM)
    board.on("component", change, component=2, access="read")
    board.on("exception", change)
    board.on("breakpoint", change, address=0x20)
    board.on("breakpoint", count, address=0x24)
    with Debugger(board) as debugger:
        states = [(list(board.cpu.regs), board.memory.dump(RAM, RAM + 0x20).tolist())]
        for _ in range(60):
            debugger.step()
            states.append((list(board.cpu.regs), board.memory.dump(RAM, RAM + 0x20).tolist()))
        before, calls = called, oracle.calls
        assert before > 10
        for position in (59, 20, 60, 33, 0, 47):
            debugger.go_to(position)
            now = list(board.cpu.regs), board.memory.dump(RAM, RAM + 0x20).tolist()
            assert now == states[position]
        debugger.restart()
        debugger.step(60)
        assert (called, oracle.calls) == (before, calls)
        with pytest.raises(RuntimeError, match="memory cannot be hooked while"):
            board.on("memory", count, address=RAM)
