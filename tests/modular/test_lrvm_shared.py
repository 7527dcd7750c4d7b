"""RAM that processors share as plain memory: one order of all accesses, no query."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import numpy
import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.modular import (
    Data,
    Fail,
    Good,
    Load,
    LrvmProcessor,
    Machine,
    Peripheral,
    Port,
    Query,
    Response,
    Save,
    SharedRam,
    Swap,
    Terminate,
)
from lrvm_jit.modular.lrvm import BATCH, COPY_SHARE
from lrvm_jit.modular.shared_ram import TurnLock
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice
from tests.machine.probes import Probe
from tests.modular.lrvm_kit import LOCKED_ADDITIONS, OTHER, PORT, processor, sharer
from tests.modular.schedulers import SchedulerName


@pytest.mark.parametrize("batch", [1, 3, 50, 1000])
@pytest.mark.parametrize("direct", [(True,) * 4, (True, False, True, False)], ids=["all", "half"])
def test_a_lock_in_shared_memory(
    scheduler: SchedulerName, batch: int, direct: tuple[bool, ...], engine: EngineChoice
) -> None:
    """No addition is lost, wherever a batch ends, also where others use queries."""
    ram = SharedRam(64)
    processors = [
        processor(
            LOCKED_ADDITIONS,
            engine,
            ram.direct() if one else Port(0, ram.size),
            batch=batch,
            registers={"a2": 20},
        )
        for one in direct
    ]
    Machine([ram], processors).run(scheduler).join()
    assert ram.words[:2].tolist() == [0, 80]


def test_no_query_reaches_it(scheduler: SchedulerName, engine: EngineChoice) -> None:
    """It need not even be a peripheral of the machine."""
    ram = SharedRam(64, image=[0, 5])
    processors = [
        sharer(LOCKED_ADDITIONS, ram, engine, registers={"a2": 20}, batch=10) for _ in range(2)
    ]
    Machine([], processors).run(scheduler).join()
    assert ram.words[:2].tolist() == [0, 45]


PING = """
  wsa a0, 4, a2             ; an even number: the other's turn
wait:
  lsa a1, a0, 4
  cmp a1, a2
  ifeq
  jp wait
  add a2, 2
  cmp a2, 20
  ifls
  jp 0
  halt
"""

PONG = """
  lsa a1, a0, 4
  cmp a1, a2
  ifnq
  jp 0
  add a2, 1
  wsa a0, 4, a2             ; an odd number: the first one's turn
  add a2, 1
  cmp a2, 20
  ifls
  jp 0
  halt
"""


def test_processors_that_wait_for_each_other(
    scheduler: SchedulerName, engine: EngineChoice
) -> None:
    """Each gets its turn: nobody keeps the memory to itself."""
    ram = SharedRam(64, image=[0, 99])
    one = sharer(PING, ram, engine, batch=100)
    two = sharer(PONG, ram, engine, batch=100)
    Machine([ram], [one, two]).run(scheduler).join()
    assert ram.words[1] == 19


def change_of_code(engine: EngineChoice, count: int) -> LrvmProcessor:
    """A worker that runs a loop in shared memory until it has counted that far, and a boss
    changes an addition into a halt."""
    code = assemble("loop: add a3, 1\nadd a3, 1\nadd a3, 1\nwsa a0, 0xF0, a3\njpr loop - $")
    ram = SharedRam(0x100, image=code.tolist())
    worker = sharer("jp a0", ram, engine, batch=count // 6)
    boss = sharer(
        "wait: lsa a1, a0, 0xF0\ncmp a1, a2\nifls\njp wait\nwsa a0, 4, a4\nhalt",
        ram,
        engine,
        batch=count // 6,
        registers={"a2": count, "a4": int(assemble("halt")[0])},
    )
    Machine([ram], [worker, boss]).run("cooperative").join()
    assert worker.board.cpu.regs.pc == PORT + 8
    assert worker.board.cpu.regs.a3 % 3 == 1
    return worker


def test_code_that_another_processor_changes(engine: EngineChoice) -> None:
    """Instructions in shared memory are the ones that stand there now."""
    change_of_code(engine, 3000)


def test_translated_code_that_another_processor_changes() -> None:
    """Also where the loop has become native code."""
    options = TranslatorOptions(threshold=10_000, background=False, cache=False)
    stats = change_of_code(options, 60_000).board.stats()
    # From the first look on, until the change.
    assert stats.translated > 30_000


class Patcher(Peripheral):
    """Does something while the 300th query waits for its answer."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.action = action
        self.asked = 0

    def handle(self, query: Query) -> Response:
        self.asked += 1
        if self.asked == 300:
            self.action()
        return Good()


@pytest.mark.parametrize("how", ["query", "processor"])
def test_code_that_changes_within_a_batch(
    scheduler: SchedulerName, how: str, engine: EngineChoice
) -> None:
    """A query is where others may change the memory, by queries or as its owners: what comes
    after it runs as changed."""
    halt = int(assemble("halt")[0])
    ram = SharedRam(0x100, image=assemble("loop: wsa a1, 0, a3\nadd a3, 1\njpr loop - $").tolist())
    other = sharer("wsa a0, 4, a4\nhalt", ram, engine, registers={"a4": halt})
    other.boot(())

    def run_other() -> None:
        with pytest.raises(Terminate):
            other.exe_ins(())

    patcher = Patcher(run_other if how == "processor" else lambda: ram.handle(Save(4, halt)))
    one = sharer(
        "jp a0", ram, engine, ports={OTHER: Port(0, 4)}, registers={"a1": OTHER}, batch=10**9
    )
    Machine([patcher], [one]).run(scheduler).join()
    assert patcher.asked == 300
    assert (one.board.cpu.regs.a3, one.board.cpu.regs.pc) == (299, PORT + 8)


class Reader(Peripheral):
    """Answers from the shared RAM, for which it has to have it."""

    def __init__(self, ram: SharedRam) -> None:
        self.ram = ram

    def handle(self, query: Query) -> Response:
        return Data(int(self.ram.words[1]))


def test_the_memory_is_free_during_a_query(scheduler: SchedulerName, engine: EngineChoice) -> None:
    """Whoever answers may need it; and it sees what the guest has stored just now."""
    ram = SharedRam(64)
    one = sharer(
        "wsa a0, 4, 77\nlsa a2, a1, 0\nhalt",
        ram,
        engine,
        ports={OTHER: Port(1, 4)},
        registers={"a1": OTHER},
    )
    Machine([ram, Reader(ram)], [one]).run(scheduler).join()
    assert one.board.cpu.regs.a2 == 77


def test_a_processor_that_fails_lets_go(scheduler: SchedulerName, engine: EngineChoice) -> None:
    class Failing(Peripheral):
        def handle(self, query: Query) -> Response:
            raise Terminate(3)

    ram = SharedRam(64)
    failing = sharer(
        "wsa a0, 8, 5\nlsa a1, a1, 0\nhalt",
        ram,
        engine,
        ports={OTHER: Port(1, 4)},
        registers={"a1": OTHER},
    )
    good = sharer(LOCKED_ADDITIONS, ram, engine, registers={"a2": 20}, batch=10)
    Machine([ram, Failing()], [failing, good]).run(scheduler).join()
    assert ram.words[:3].tolist() == [0, 20, 5]


def test_a_component_that_would_wait_for_its_own_board(
    scheduler: SchedulerName, engine: EngineChoice
) -> None:
    """An error instead of a hang; then the memory is free."""
    ram = SharedRam(64)
    probe = Probe(on_access=lambda kind, *_: kind == "read" and ram.words)
    one = sharer("lsa a2, a1, 0\nhalt", ram, engine, ports={OTHER: probe}, registers={"a1": OTHER})
    handle = Machine([], [one]).run(scheduler)
    handle.join()
    assert "belongs to the batch that is running" in str(handle.processors[0].error)
    assert ram.words.tolist() == [0] * 16


def test_ctrl_c(scheduler: SchedulerName, engine: EngineChoice) -> None:
    """It ends the machine, in the middle of a query too, and the memory is free afterwards."""

    def interrupt() -> None:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)

    ram = SharedRam(64)
    asking = sharer(
        "loop: inc a3\nwsa a0, 4, a3\nwsa a1, 0, a3\njp loop",
        ram,
        engine,
        ports={OTHER: Port(0, 4)},
        registers={"a1": OTHER},
    )
    spinning = sharer("loop: lsa a1, a0, 4\njp loop", ram, engine, batch=1000)
    handle = Machine([Patcher(interrupt)], [asking, spinning]).run(scheduler)
    with pytest.raises(KeyboardInterrupt):
        handle.join()
    assert asking.board.cpu.regs.a3 >= 300
    assert ram.words[1] == asking.board.cpu.regs.a3
    assert [status.code for status in handle.processors] == [0, 0]


def test_two_memories_in_any_order(scheduler: SchedulerName) -> None:
    """Processors that share two memories never wait for each other in a circle, in whatever
    order they have them."""
    first, second = SharedRam(64), SharedRam(64)
    source = LOCKED_ADDITIONS.replace("lsa a3, a0, 4", "lsa a3, a4, 4").replace(
        "wsa a0, 4, a3", "wsa a4, 4, a3"
    )
    processors = [
        LrvmProcessor(
            assemble(source),
            ram_size=0x1000,
            ports=ports,
            registers={"a0": PORT, "a4": OTHER, "a2": 30},
            batch=7,
        )
        for ports in (
            {PORT: first.direct(), OTHER: second.direct()},
            {OTHER: second.direct(), PORT: first.direct()},
        )
    ]
    Machine([], processors).run(scheduler).join()
    assert (first.words[0], second.words[1]) == (0, 60)


def test_memories_are_taken_in_one_order() -> None:
    """Which is why."""
    taken: list[int] = []

    class Noting(TurnLock):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

        def acquire(self, *, first: bool = False) -> None:
            super().acquire(first=first)
            taken.append(self.number)

    memories = [SharedRam(64) for _ in range(4)]
    for number, ram in enumerate(memories):
        ram.lock = Noting(number)
    for order in ((0, 1, 2, 3), (3, 1, 2, 0), (2, 3, 0, 1)):
        ports = {0x10000 * (at + 1): memories[number].direct() for at, number in enumerate(order)}
        one = LrvmProcessor(assemble("halt"), ports=ports)
        one.boot(())
        with pytest.raises(Terminate):
            one.exe_ins(())
    assert taken == [0, 1, 2, 3] * 3


def test_queries() -> None:
    """As a peripheral it answers like RAM, and refuses what is no word of it."""
    ram = SharedRam(16, image=[1, 2])
    assert ram.handle(Load(4)) == Data(2)
    assert ram.handle(Save(4, 7)) == Good()
    assert ram.handle(Swap(4, 9)) == Data(7)
    assert ram.words.tolist() == [1, 9, 0, 0]
    for address in (-4, 2, 16):
        assert ram.handle(Load(address)) == Fail(0x2100)
        assert ram.handle(Save(address, 1)) == Fail(0x3100)
        assert ram.handle(Swap(address, 1)) == Fail(0x3100)
    assert ram.handle(Save(4, 1 << 32)) == Fail(0x3100)
    assert ram.handle(Swap(4, -1)) == Fail(0x3100)


def test_the_words_are_a_copy() -> None:
    ram = SharedRam(16)
    ram.words[0] = 5
    assert ram.words[0] == 0


def test_nothing_resets_it(engine: EngineChoice) -> None:
    """Neither the boot of a processor nor the guest's RESET of components."""
    ram = SharedRam(64, image=[3])
    one = sharer("wsa a0, 4, 5\nreset 0x10\nlsa a1, a0, 0\nhalt", ram, engine)
    Machine([ram], [one]).run(scheduler="cooperative").join()
    assert one.board.cpu.regs.a1 == 3
    assert ram.words[:2].tolist() == [3, 5]


def test_larger_memories_have_longer_batches() -> None:
    """So that copying them takes a small part of the time."""
    small, large = SharedRam(64), SharedRam(1 << 20)
    assert sharer("halt", small).batch == BATCH
    assert sharer("halt", large).batch == COPY_SHARE * len(large.words) > BATCH
    assert sharer("halt", large, batch=5).batch == 5


def test_content_stays_where_it_is_used() -> None:
    """A processor that is alone with the memory works on it in place, batch after batch."""
    ram = SharedRam(64)
    one = sharer(LOCKED_ADDITIONS, ram, registers={"a2": 200}, batch=10)
    port = one.board.components[1]
    Machine([ram], [one]).run(scheduler="cooperative").join()
    assert numpy.shares_memory(ram.content, port.windows[0].words)


# --- the lock ------------------------------------------------------------------------------------


def test_the_lock_goes_round() -> None:
    """First come, first served; who asks to be first comes before those who wait."""
    lock = TurnLock()
    order: list[str] = []
    threads = []

    def take(name: str, first: bool) -> None:
        lock.acquire(first=first)
        order.append(name)
        lock.release()

    with lock:
        for waiting, (name, first) in enumerate([("a", False), ("b", False), ("c", True)]):
            thread = threading.Thread(target=take, args=(name, first))
            thread.start()
            threads.append(thread)
            while len(lock._waiting) <= waiting:
                pass  # until it has joined the queue
    for thread in threads:
        thread.join()
    assert order == ["c", "a", "b"]


def test_the_lock_excludes() -> None:
    lock = TurnLock()
    inside = 0
    most = 0
    done = []

    def work() -> None:
        nonlocal inside, most
        for _ in range(500):
            with lock:
                inside += 1
                most = max(most, inside)
                inside -= 1
        done.append(True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside, len(done)) == (1, 0, 4)
