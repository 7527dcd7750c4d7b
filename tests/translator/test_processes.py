"""Processes that end or fork, whatever the translator is doing then."""

from __future__ import annotations

import os

import pytest

from tests.translator.processes import process


@pytest.mark.parametrize(
    "end",
    [
        "",
        "others = [machine(large_loop(k), BACKGROUND) for k in range(8)]\n"
        "for one in others: one.run(2000)",
        "threading.Thread(target=built.board.run, daemon=True).start()",
        "threading.Thread(target=run_until_translated, args=(built,)).start()",
    ],
    ids=["one job", "many jobs", "running", "waited for"],
)
def test_a_process_that_ends_while_it_compiles(end: str) -> None:
    """It ends at once or after the job in progress, without a word and without a crash."""
    assert process("built = machine(large_loop(7), BACKGROUND)\nbuilt.run(2000)\n", end) == ""


FORKING = """
def translate(*started):
    for built in (machine(new_loop(), BACKGROUND), machine(new_loop(), WAITING), *started):
        run_until_translated(built)

def fork(*started):
    pid = os.fork()
    if pid == 0:
        # What this guards against is a child that waits for a lock for ever.
        signal.alarm(30)
        translate(*started)
        os._exit(0)
    return os.waitpid(pid, 0)[1]
"""

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@forks
def test_a_forked_child_translates() -> None:
    """It has no worker thread at first; the parent's goes on. So do workers of a pool."""
    script = """
        import multiprocessing

        def work(number):
            built = machine(f"loop: add a0, {number}\\nxor a1, a0\\njp loop", BACKGROUND)
            built.run(run_until_translated(built))
            return built.a0 % number

        translate()
        print([fork() for _ in range(2)])
        translate()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(work, range(40, 44)))
    """
    assert process(FORKING, script) == "[0, 0]\n[0, 0, 0, 0]\n"


@forks
def test_a_child_forked_while_the_parent_compiles() -> None:
    """The child's compiler is not locked, though a thread was inside it; the machine whose code
    was being compiled is translated in both processes."""
    script = """
        from llvmlite.binding import ffi

        def inside_llvm():
            if ffi.lib._lock._lock.acquire(blocking=False):
                ffi.lib._lock._lock.release()
                return False
            return True

        ends = []
        for k in range(3):
            built = machine(large_loop(k), BACKGROUND)
            built.run(2000)
            until(inside_llvm, "the worker compiles")
            ends.append(fork(built))
            run_until_translated(built)
        print(ends)
    """
    assert process(FORKING, script) == "[0, 0, 0]\n"


@forks
def test_a_child_forked_while_another_thread_has_the_store() -> None:
    """The fork waits until the store is whole."""
    script = """
        translate()
        in_use()
        held, go_on = threading.Event(), threading.Event()
        before = STORE._unused_bytes

        def hold():
            with STORE._lock:
                # In the middle of a release.
                STORE._unused_bytes += 1 << 30
                held.set()
                go_on.wait(0.2)
                STORE._unused_bytes -= 1 << 30

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        pid = os.fork()
        if pid == 0:
            signal.alarm(30)
            os._exit(STORE._unused_bytes != before)
        print(os.waitpid(pid, 0)[1])
        go_on.set()
        thread.join()
        translate()
    """
    assert process(FORKING, script) == "0\n"
