"""Translation beside the running guest: the thread, what it delivers too late, its failures."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.engines import tiered as engine_module
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from lrvm_jit.jit.code import cache as cache_module
from lrvm_jit.jit.code import compiler as compiler_module
from lrvm_jit.jit.code import store as store_module
from lrvm_jit.jit.code.job import Job, Outcome
from lrvm_jit.jit.code.store import STORE
from lrvm_jit.jit.code.worker import Results, Worker
from lrvm_jit.jit.emit import function as function_module
from lrvm_jit.machine_code import LoadingError
from lrvm_tools.lasm import assemble
from tests.machine.guest import machine
from tests.translator.background import (
    BACKGROUND,
    FAR_AWAY,
    WAITING,
    HeldWorker,
    in_use,
    new_loop,
    run_until_translated,
    submitted,
)

# --- the thread --------------------------------------------------------------------------------


def test_the_guest_goes_on_until_the_code_is_there() -> None:
    """The run that finds a hot loop does not wait for the compiler; a later one uses the code."""
    source = new_loop()
    built = machine(source, BACKGROUND)
    cycles = run_until_translated(built)
    stats = built.board.stats()
    assert (stats.compiled, stats.regions, stats.failures) == (1, 1, 0)
    other = machine(source, "interpreter")
    other.run(cycles)
    assert built.state == other.state


def test_new_code_gets_its_chance(held: HeldWorker) -> None:
    """The run in which code arrives has interpreted up to there. That is no reason to translate
    the same loop again, with another entry."""
    built = submitted(held)
    for _ in range(3):
        built.run(400)
    held.deliver()
    built.run(400)
    assert held.jobs == []
    built.run(4000)
    assert held.jobs == []
    assert built.board.stats().translated > 3000


def test_one_long_run_takes_up_its_code() -> None:
    """Results are taken between two slices of a run, not only between runs."""
    built = machine(new_loop(), BACKGROUND)
    stopper = threading.Timer(FAR_AWAY, built.board.stop)
    stopper.start()
    ended = threading.Event()

    def watch() -> None:
        while not built.board.stats().translated and stopper.is_alive():
            time.sleep(0.001)
        while not ended.wait(0.01):
            built.board.stop()

    watcher = threading.Thread(target=watch)
    watcher.start()
    built.board.run()
    ended.set()
    stopper.cancel()
    watcher.join(FAR_AWAY)
    assert built.board.stats().translated > 0


def test_one_job_at_a_time(held: HeldWorker) -> None:
    """While a job waits the board asks for no other, and goes on interpreting."""
    built = submitted(held)
    for _ in range(5):
        built.run(400)
    assert len(held.jobs) == 1
    assert built.board.stats().translated == 0
    held.deliver()
    built.run(400)
    built.run(400)
    assert built.board.stats().translated > 300


@pytest.mark.parametrize("how", ["words", "load", "reset", "guest"])
def test_code_that_changes_while_it_is_compiled(how: str, held: HeldWorker) -> None:
    """What comes back belongs to words that are no longer there."""
    built = submitted(held, "loop: add a0, 1\nxor a1, a0\nwsa a7, 0, a6\njp loop", a7=0x8000)
    word = encode("add", Reg.A0, 1000)
    if how == "guest":
        built.board.cpu.regs.a7, built.board.cpu.regs.a6 = 0, word
        built.run(10)
    elif how == "load":
        built.board.memory.load(0, [word])
    elif how == "words":
        built.ram.words[0] = word
    else:
        built.board.reset()
        built.board.memory.load(0, assemble("add a0, 1000\nxor a1, a0\nwsa a7, 0, a6\njp 0"))
        built.board.cpu.regs.a7 = 0x8000
    held.deliver()
    built.board.cpu.regs.pc = built.board.cpu.regs.a0 = 0
    for _ in range(5):
        built.run(400)
    assert built.a0 == 500 * 1000


def test_breakpoints_set_while_code_is_compiled(held: HeldWorker) -> None:
    """The region was made without them; it must not run past one."""
    built = submitted(held)
    built.board.breakpoints = {4}
    held.deliver()
    for _ in range(50):
        stop = built.run(1000)
        assert (stop.reason, stop.pc) == ("breakpoint", 4)
    assert built.board.cpu.cycles < 401 + 3 * 51


def test_page_tables_changed_while_code_is_compiled(held: HeldWorker) -> None:
    """The code has moved to another address; the region is for the old one."""
    built = submitted(held)
    regs = built.board.cpu.regs
    words = built.ram.words
    # Virtual 0x400 is the program's page, virtual 0 another one.
    words[0x8000 // 4] = 0x3F000001
    words[0x4000 // 4 : 0x4000 // 4 + 2] = [0x3F000000 | 0xA000 >> 10, 0x3F000000]
    words[0xA000 // 4] = encode("cpy", Reg.PC, 0x400)
    regs.pda, regs.mtt, regs.pc, regs.a0 = 0x8000, 1, 0x400, 0
    held.deliver()
    # The loop jumps to 0, from where it is sent back to 0x400: four instructions a round.
    for _ in range(5):
        built.run(400)
    assert built.a0 == 500


def test_the_board_is_closed_while_code_is_compiled(held: HeldWorker) -> None:
    built = submitted(held)
    built.board.close()
    held.deliver()
    with pytest.raises(RuntimeError, match="closed"):
        built.run(1)


@pytest.mark.parametrize("dropped", ["before it was compiled", "before it was taken"])
def test_code_for_a_board_that_is_gone(dropped: str, held: HeldWorker) -> None:
    """The board is freed at once; its code does not stay in use for ever."""
    before = in_use()
    built = submitted(held, new_loop())
    if dropped == "before it was taken":
        held.deliver()
        assert len(in_use()) == len(before) + 1
    board = weakref.ref(built.board)
    del built
    gc.collect()
    assert board() is None
    held.deliver()
    assert in_use() == before


# --- the worker --------------------------------------------------------------------------------


def job_of(held: HeldWorker) -> Job:
    """What a board has submitted for a new loop."""
    submitted(held, new_loop())
    [(job, _)] = held.jobs
    held.jobs.clear()
    return job


def done(results: Results) -> Outcome:
    """Wait for an outcome; its code is not kept."""
    outcome = results.get(timeout=FAR_AWAY)
    if outcome.delivery is not None:
        STORE.release(outcome.delivery.code)
    return outcome


def test_the_worker_starts_again_after_it_has_finished(held: HeldWorker) -> None:
    """Finishing waits for the job in progress and forgets the others; a later job gets a new
    thread."""
    worker = Worker()
    results = Results()
    worker.finish()
    threads = threading.active_count()
    for _ in range(3):
        worker.submit(job_of(held), results)
        assert done(results).delivery is not None
        worker.finish()
        assert threading.active_count() <= threads


def test_an_error_in_a_job_does_not_end_the_worker(held: HeldWorker) -> None:
    worker = Worker()
    results = Results()
    broken = job_of(held)
    object.__setattr__(broken, "words", None)
    worker.submit(broken, results)
    assert isinstance(done(results).error, TypeError)
    worker.submit(job_of(held), results)
    assert done(results).delivery is not None
    worker.finish()


# --- failures ----------------------------------------------------------------------------------


@pytest.fixture
def unwarned(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing had failed in this process yet."""
    monkeypatch.setattr(engine_module, "_has_warned", False)


PARTS = {
    "generation": (function_module, "generate", MemoryError("no room for a module")),
    "compilation": (compiler_module, "compile_object", RuntimeError("the text makes no sense")),
    "loading": (store_module, "load", LoadingError("it is damaged")),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.usefixtures("unwarned")
def test_the_guest_goes_on_though_a_translation_fails(
    part: str, folder: Path, held: HeldWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is interpreted then; the process hears of it once, the statistics count each one. What
    has failed is not kept on disk."""
    module, name, error = PARTS[part]

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, name, fail)
    source = new_loop()
    options = TranslatorOptions(threshold=300, optimize=False, tiers=("regions",))
    built, other = machine(source, options), machine(source, "interpreter")

    def live_through() -> None:
        for _ in range(20):
            built.run(400)
            other.run(400)
            held.deliver()
            assert built.state == other.state

    with pytest.warns(RuntimeWarning, match=str(error)) as warned:
        live_through()
    assert len(warned) == 1
    stats = built.board.stats()
    assert (stats.translated, stats.compiled) == (0, 0)
    assert 2 <= stats.failures <= 6, "each of three addresses is tried twice at most"
    assert not (folder / cache_module.FOLDER).exists()
    monkeypatch.undo()
    again = machine(source, WAITING)
    again.run(400)
    again.run(400)
    assert again.board.stats().translated > 0


@pytest.mark.parametrize("threshold", [1, 300])
def test_whoever_waits_for_translations_hears_of_failures(
    threshold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of the run, as runs would differ otherwise. The machine can be run on."""
    source = new_loop()
    options = TranslatorOptions(
        threshold=threshold, cache=False, background=False, optimize=False, tiers=("regions",)
    )
    built, other = machine(source, options), machine(source, "interpreter")

    def fail(*_: object) -> None:
        raise MemoryError("no room for a module")

    with monkeypatch.context() as broken:
        broken.setattr(function_module, "generate", fail)
        with pytest.raises(MemoryError, match="no room"):
            built.run(400)
    assert built.board.stats().failures == 1
    built.run(900)
    built.run(900)
    other.run(built.board.cpu.cycles)
    assert built.state == other.state
    assert built.board.stats().translated > 0


@pytest.mark.usefixtures("unwarned")
def test_the_guest_goes_on_though_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is translated when there is one again."""

    def refuse(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    worker = Worker()
    monkeypatch.setattr(engine_module, "WORKER", worker)
    built = machine(new_loop(), BACKGROUND)
    with monkeypatch.context() as crowded:
        crowded.setattr(threading.Thread, "start", refuse)
        built.run(400)
        with pytest.warns(RuntimeWarning, match="can't start new thread"):
            built.run(10)
        worker.finish()
    assert built.board.stats().failures == 1
    run_until_translated(built)
    worker.finish()
