"""Watchpoints: a run stops after the instruction that accesses a watched word."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lrvm_jit import Stop, StopReason, TranslatorOptions, Watch, WatchHit
from lrvm_jit.core.watchpoints import MOST_WATCHPOINTS
from tests.engines import COMPILED, EngineChoice, engine_id
from tests.machine.fuzzing import build, outcome_of, random_case
from tests.machine.guest import machine
from tests.machine.paging import ALL, paged
from tests.machine.probes import Probe

LOOP = """
loop:
    add a0, 1
    lsa a1, a7, 0           ; at 4: reads 0x800
    wsa a7, 4, a0           ; at 8: writes 0x804
    jp loop
"""


def hit(stop: Stop) -> tuple[str, int, int, WatchHit | None]:
    return str(stop.reason), stop.cycles, stop.address, stop.watch


def test_reads_and_writes_are_told_apart(engine: EngineChoice) -> None:
    """The run ends after the access, with what it was, and goes on from there."""
    built = machine(LOOP, engine, a7=0x800)
    built.board.watchpoints = {0x800: "write", 0x804: "write"}
    assert hit(built.run()) == ("watchpoint", 3, 8, WatchHit(0x804, Watch.WRITE, 1))
    assert hit(built.run()) == ("watchpoint", 7, 8, WatchHit(0x804, Watch.WRITE, 2))
    built.board.watchpoints = {0x800}
    built.ram.words[0x200] = 77
    assert hit(built.run()) == ("watchpoint", 10, 4, WatchHit(0x800, Watch.READ, 77))
    built.board.watchpoints = {}
    assert hit(built.run(50)) == ("budget", 60, 12, None)
    assert built.ram.words[0x201] == built.a0 == 15


def test_set_while_the_loop_is_translated() -> None:
    """Code that has been translated without it stops as well, and is fast again without it."""
    engine = TranslatorOptions(threshold=300, background=False, cache=False)
    built = machine(LOOP, engine, a7=0x800)
    for _ in range(5):
        built.run(400)
    assert built.board.stats().translated > 400
    built.board.watchpoints = {0x804: "write"}
    before = built.board.cpu.cycles
    stop = built.run(400)
    assert hit(stop) == ("watchpoint", before + 3, 8, WatchHit(0x804, Watch.WRITE, built.a0))
    built.board.watchpoints = set()
    # What relied on that memory is made anew, once it has been hot at more than one look.
    for _ in range(5):
        built.run(400)
    translated = built.board.stats().translated
    built.run(2000)
    assert built.board.stats().translated > translated + 1000


def test_a_store_into_watched_code(engine: EngineChoice) -> None:
    """The word is changed, the run stops, and what then runs is the new word."""
    built = machine("loop: wsa a6, 0, a5\nadd a0, 1\njp loop", engine, a6=4, a5=0x1C00_0007)
    built.board.watchpoints = {4: "write"}
    assert hit(built.run()) == ("watchpoint", 1, 0, WatchHit(4, Watch.WRITE, 0x1C00_0007))
    built.board.watchpoints = {}
    built.run(1)
    assert built.a0 == 7


def test_instructions_and_page_tables_are_read(engine: EngineChoice) -> None:
    """A fetch and a walk are reads of the words that they need."""
    built = machine("add a0, 1\nadd a0, 1\nhalt", engine)
    built.board.watchpoints = {4: "read"}
    stop = built.run()
    assert (stop.reason, stop.cycles, built.a0) == ("watchpoint", 2, 2)
    walking = paged("loop: add a0, 1\njp loop", engine)
    directory = walking.board.cpu.regs.pda
    walking.board.watchpoints = {directory: "read"}
    stop = walking.run()
    assert (stop.reason, stop.cycles) == ("watchpoint", 1)
    assert stop.watch is not None
    assert stop.watch.address == directory


def test_the_address_is_physical(engine: EngineChoice) -> None:
    """Whatever virtual address leads there."""
    built = paged("loop: wsa a1, 0, a0\ninc a0\njp loop", engine)
    words = built.ram.words
    table = words[built.board.cpu.regs.pda // 4] & 0xFF_FFFF
    words[table * 16384 // 4 + 30] = ALL | 20
    built.board.cpu.regs.a1 = 30 * 1024 + 8
    built.board.watchpoints = {20 * 1024 + 8: "write"}
    assert built.run().watch == WatchHit(20 * 1024 + 8, Watch.WRITE, 0)


def test_a_component_that_is_no_memory(engine: EngineChoice) -> None:
    """Its words can be watched too; the component is asked as always, once."""
    probe = Probe()
    built = machine("wsa a7, 4, 9\nlsa a0, a7, 4\nhalt", engine, [probe], a7=0x10000)
    built.board.watchpoints = {0x10004: "any", 0x10008: "any"}
    assert built.run().watch == WatchHit(0x10004, Watch.WRITE, 9)
    stop = built.run()
    assert stop.watch == WatchHit(0x10004, Watch.READ, built.a0)
    assert built.run().reason == "halted"


def test_two_in_one_instruction(engine: EngineChoice) -> None:
    """The first is reported; SRM reads before it writes."""
    built = machine("srm a7, 0, a1\nhalt", engine, a7=0x800, a1=5)
    built.board.watchpoints = {0x800: "any"}
    assert built.run().watch == WatchHit(0x800, Watch.READ, 0)
    assert built.ram.words[0x200] == 5


def test_the_host_is_not_the_guest(engine: EngineChoice) -> None:
    """Reading and writing through the board is no access of the guest."""
    built = machine("add a0, 1\nhalt", engine)
    built.board.watchpoints = {0x100}
    built.board.memory.write(0x100, 3)
    assert built.board.memory.read(0x100) == 3
    assert built.run().reason == "halted"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({2}, "watchpoint 0x2 must be a multiple of 4"),
        ({1 << 32}, "watchpoint 0x100000000 must"),
        ({4: "look"}, "is for 'look'; it must be one of 'read', 'write', 'any'"),
        (range(0, 8 * MOST_WATCHPOINTS + 8, 8), "65 separate ranges of watched or hooked words"),
    ],
)
def test_mistakes_are_named(wanted: dict[int, str], message: str) -> None:
    """And leave the watchpoints as they were."""
    built = machine("halt", "interpreter")
    built.board.watchpoints = {8: "read"}
    with pytest.raises(ValueError, match=message):
        built.board.watchpoints = wanted
    assert built.board.watchpoints == {8: "read"}


def test_as_many_as_there_can_be(engine: EngineChoice) -> None:
    """Next to each other and at the ends of the memory."""
    built = machine(LOOP, engine, a7=0x800)
    watched = [*range(0x700, 0x700 + 4 * 30, 4), *range(0x900, 0x900 + 8 * 30, 8)]
    built.board.watchpoints = [*watched, 0xFFFC, 0x804]
    assert built.run().watch == WatchHit(0x804, Watch.WRITE, 1)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(seed=st.integers(0, 2**64))
def test_same_as_reference(seed: int) -> None:
    """Random machines with random watched words stop at the same accesses on every engine."""

    def scenario(engine: EngineChoice) -> list[object]:
        rng = random.Random(seed)
        case = random_case(rng)
        board, ram, port = build(case, engine)
        top = case.rom_size + case.ram_size + 32
        board.watchpoints = {
            rng.randrange(0, top, 4): rng.choice(("read", "write", "any")) for _ in range(8)
        }
        seen: list[object] = []
        for _ in range(30):
            stop = board.run(max_cycles=rng.choice((1, 3, 10, 40)))
            seen.append((stop, outcome_of(board, ram, port, stop)))
            if stop.reason is StopReason.HALTED:
                break
        return seen

    expected = scenario("reference")
    for compiled in COMPILED:
        assert scenario(compiled) == expected, engine_id(compiled)
