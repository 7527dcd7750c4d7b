"""Ctrl-C, requests to stop from other threads, and threads beside a running guest."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.engines import EngineChoice
from tests.interruptions import interrupting
from tests.machine.guest import Machine, machine
from tests.machine.paging import ALL, paged
from tests.machine.probes import Probe

FAR_AWAY = 600
"""Seconds within which anything here happens; what they guard against is a hang."""


@contextmanager
def in_another_thread(action: Callable[[], object]) -> Iterator[threading.Thread]:
    """Run something beside the block, and wait for it at the end."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    yield thread
    thread.join(FAR_AWAY)
    assert not thread.is_alive()


def spinning(engine: EngineChoice) -> Machine:
    return machine("loop: add a0, 1\nadd a1, 1\njp loop", engine)


def component_loop(engine: EngineChoice) -> Machine:
    return machine(
        "loop: add a0, 1\nwsa a2, 0, a0\nadd a1, 1\njp loop", engine, [Probe()], a2=0x10000
    )


def paging_loop(engine: EngineChoice) -> Machine:
    """Every access walks tables in a component: the slowest loop there is."""
    probe = Probe(size=0x8000)
    built = machine("loop: add a0, 1\nadd a1, 1\njp loop", engine, [probe], pda=0x14000, mtt=1)
    probe.words[0x4000] = ALL | 4
    probe.words[0] = ALL
    return built


def fault_loop(engine: EngineChoice) -> Machine:
    """A handler that cannot be fetched: nothing but exceptions."""
    return machine("itr 0", engine, ev=3)


LOOPS = [spinning, component_loop, paging_loop, fault_loop]


@pytest.mark.parametrize("make", LOOPS)
def test_a_signal_stops_an_endless_loop(
    make: Callable[[EngineChoice], Machine], engine: EngineChoice
) -> None:
    """KeyboardInterrupt comes out of run(), between two instructions: the registers belong to the
    cycle counter. Then the machine runs on."""
    looping = make(engine)
    with interrupting(lambda: looping.board.cpu.cycles), pytest.raises(KeyboardInterrupt):
        looping.board.run()
    cycles = looping.board.cpu.cycles
    again = make(engine)
    if cycles < 300_000:
        again.run(max_cycles=cycles)
        assert looping.state == again.state
    assert cycles > 0
    if make is not fault_loop:
        assert looping.a0 - looping.a1 in (0, 1)
    assert looping.run(max_cycles=1000).cycles == cycles + 1000
    looping.board.close()


def test_a_signal_in_a_process_of_its_own(engine: EngineChoice) -> None:
    """From the terminal's point of view: the process takes SIGINT and goes on with its business."""
    script = f"""
    from lrvm_jit import TranslatorOptions
    from tests.machine.guest import machine
    from tests.machine.probes import Probe
    probe = Probe(on_access=lambda kind, *_: kind == "write" and print("running", flush=True))
    looping = machine(
        "wsa a2, 0, 1\\nloop: inc a0\\nwsa a1, 0, a0\\njp loop",
        {engine!r},
        [probe],
        a1=0x8000,
        a2=0x10000,
    )
    try:
        looping.board.run()
    except KeyboardInterrupt:
        spread = looping.a0 - looping.board.memory.read(0x8000)
        print("interrupted", spread in (0, 1), flush=True)
    print(looping.run(max_cycles=500).reason)
    looping.board.close()
    print(probe.closed)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=FAR_AWAY)
    finally:
        process.kill()
    assert output.startswith("interrupted True\n"), errors
    # The write is not made again, even if the signal came while it was made.
    assert output.splitlines()[1:] == ["budget", "1"], errors
    assert process.returncode == 0


@pytest.mark.parametrize("make", LOOPS)
def test_stop_from_another_thread(
    make: Callable[[EngineChoice], Machine], engine: EngineChoice
) -> None:
    """board.stop() ends the run between two instructions, with the reason `stopped`."""
    looping = make(engine)

    def stop() -> None:
        # Until the run has begun, stopping has no effect; so it is asked again.
        while not stopped.wait(0.01):
            looping.board.stop()

    stopped = threading.Event()
    with in_another_thread(stop):
        result = looping.board.run()
        stopped.set()
    assert result.reason == "stopped"
    assert result.cycles == looping.board.cpu.cycles
    if make is not fault_loop:
        assert looping.a0 - looping.a1 in (0, 1)
    assert looping.run(max_cycles=7).cycles == result.cycles + 7


def test_a_second_run_from_another_thread_is_refused(engine: EngineChoice) -> None:
    """One run at a time; the refused one says how to end the other."""
    probe, started, refusals = Probe(), threading.Event(), []
    looping = machine("wsa a2, 0, 1\nloop: jp loop", engine, [probe], a2=0x10000)
    probe.on_access = lambda *_: started.set()

    def run_too() -> None:
        started.wait(FAR_AWAY)
        try:
            looping.board.run()
        except RuntimeError as error:
            refusals.append(str(error))
        looping.board.stop()

    with in_another_thread(run_too):
        assert looping.board.run().reason == "stopped"
    assert refusals == ["the board is already running; use board.stop() to end that run"]


def test_python_threads_run_beside_the_kernel() -> None:
    """The compiled kernel releases the GIL: with thread switches as good as off, another thread
    comes to its turn only because a guest is spinning."""
    looping, go = spinning("interpreter"), threading.Event()
    looping.run(max_cycles=10)

    def stop() -> None:
        go.wait(FAR_AWAY)
        looping.board.stop()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        with in_another_thread(stop):
            go.set()
            # Some seconds' worth of cycles, if nobody stops it.
            reason = looping.run(max_cycles=1 << 32).reason
    finally:
        sys.setswitchinterval(interval)
    assert reason == "stopped"


def test_machines_in_threads(engine: EngineChoice) -> None:
    """Each thread its machine: they do not disturb each other."""
    machines = [spinning(engine) for _ in range(4)]
    for k, one in enumerate(machines):
        one.board.cpu.regs.a0 = 1000 * k

    def run(one: Machine) -> None:
        for _ in range(20):
            one.run(max_cycles=300)

    threads = [threading.Thread(target=run, args=(one,)) for one in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(FAR_AWAY)
    assert [one.a0 for one in machines] == [2000, 3000, 4000, 5000]
    assert [one.board.cpu.cycles for one in machines] == [6000] * 4


def test_a_machine_moves_from_thread_to_thread(engine: EngineChoice) -> None:
    """A board belongs to no thread."""
    moving = paged("loop: add a0, 1\nadd a1, 1\njp loop", engine)
    for _ in range(3):
        thread = threading.Thread(target=moving.run, args=(30,))
        thread.start()
        thread.join(FAR_AWAY)
    moving.run(max_cycles=30)
    assert (moving.a0, moving.board.cpu.cycles) == (40, 120)
