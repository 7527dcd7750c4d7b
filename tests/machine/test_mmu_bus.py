"""Page tables in components: every entry is a READ, made when it is needed and as often."""

from __future__ import annotations

import random

import pytest

from lrvm_jit import GuestException
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.paging import ALL, FRAME, PASS_SUPERVISOR
from tests.machine.probes import Probe, refusal

TABLE, DIRECTORY_OFFSET = 0x10000, 0x4000
"""The probe holds the table at its offset 0 and the directory at 0x4000."""


def with_tables(source: str, engine: EngineChoice, **registers: int) -> tuple[Machine, Probe]:
    """A machine whose directory and table lie in a probe; 96 pages are mapped to themselves."""
    probe = Probe(size=0x8000)
    built = machine(source, engine, [probe], pda=TABLE + DIRECTORY_OFFSET, mtt=1, **registers)
    probe.words[DIRECTORY_OFFSET] = ALL | TABLE >> 14
    probe.load(0, [ALL | page for page in range(96)])
    probe.board = built.board
    probe.accesses.clear()
    return built, probe


def walk(address: int) -> list[tuple[str, int]]:
    return [("read", DIRECTORY_OFFSET), ("read", (address >> 10) * 4)]


def accesses(probe: Probe) -> list[tuple[str, int]]:
    return [(access.kind, access.offset) for access in probe.accesses]


PROGRAM = """
  inc a7
  lsa a1, a0
  wsa a0, 4, a1
  srm a0, 4, a7
  push a1
  pop a2
  call next
next:
  halt
"""
EXPECTED = [
    *walk(0),
    *walk(4), *walk(FRAME),
    *walk(8), *walk(FRAME),
    *walk(12), *walk(FRAME), *walk(FRAME),
    *walk(16), *walk(0x2000),
    *walk(20), *walk(0x2000),
    *walk(24), *walk(0x2000),
    *walk(28),
]  # fmt: skip


def test_number_and_order_of_reads(engine: EngineChoice) -> None:
    """Two READs for every fetch, load and store, in program order; SRM walks twice."""
    built, probe = with_tables(PROGRAM, engine, a0=FRAME, ssp=0x2010)
    assert built.run().reason == "halted"
    assert accesses(probe) == EXPECTED


@pytest.mark.parametrize("seed", range(4))
def test_number_and_order_under_any_budget(seed: int, engine: EngineChoice) -> None:
    """The same when the run is cut into pieces."""
    numbers = random.Random(seed)
    built, probe = with_tables(PROGRAM, engine, a0=FRAME, ssp=0x2010)
    while built.run(max_cycles=numbers.randrange(3)).reason != "halted":
        pass
    assert accesses(probe) == EXPECTED


def test_the_walk_sees_the_instruction_in_progress(engine: EngineChoice) -> None:
    """Cycle counter and pc in the callback are those of the instruction that needs the entry."""
    built, probe = with_tables("inc a7\nlsa a1, a0\nhalt", engine, a0=FRAME)
    built.run()
    seen = [(access.cycles, access.pc) for access in probe.accesses]
    assert seen == [(1, 0)] * 2 + [(2, 4)] * 4 + [(3, 8)] * 2


def test_pass_through_saves_the_second_read(engine: EngineChoice) -> None:
    """A pass-through bit in the directory ends the walk after one READ."""
    built, probe = with_tables("lsa a1, a0\nhalt", engine, a0=FRAME)
    probe.words[DIRECTORY_OFFSET] = PASS_SUPERVISOR
    built.run()
    assert accesses(probe) == [("read", DIRECTORY_OFFSET)] * 3


def test_data_in_the_component_of_the_tables(engine: EngineChoice) -> None:
    """Walk and access go to the same component, the access last."""
    built, probe = with_tables("lsa a1, a0\nwsa a0, 4, 9\nhalt", engine, a0=TABLE + 0x5000)
    probe.words[0x5000] = 0x77
    built.run()
    assert built.a1 == 0x77
    data = TABLE + 0x5000
    assert accesses(probe) == [
        *walk(0), *walk(data), ("read", 0x5000),
        *walk(4), *walk(data), ("write", 0x5004),
        *walk(8),
    ]  # fmt: skip


def test_code_and_data_and_tables_on_the_bus(engine: EngineChoice) -> None:
    """The longest instruction there is: a fetch and a swap, each with its walk, all READs."""
    built, probe = with_tables("jp a6", engine, a0=TABLE + 0x5000, a6=TABLE + 0x6000, a1=5)
    probe.load(0x6000, [encode("srm", Reg.A0, 0, Reg.A1), encode("halt")])
    probe.words[0x5000] = 0x77
    assert built.run().reason == "halted"
    code, data = TABLE + 0x6000, TABLE + 0x5000
    assert accesses(probe) == [
        *walk(0),
        *walk(code), ("read", 0x6000),
        *walk(data), ("read", 0x5000), *walk(data), ("write", 0x5000),
        *walk(code), ("read", 0x6004),
    ]  # fmt: skip
    assert (built.a1, probe.words[0x5000]) == (0x77, 5)


def test_entries_that_change_between_two_reads(engine: EngineChoice) -> None:
    """Each walk goes by what it is answered: SRM loads from one page and stores to another."""
    built, probe = with_tables("srm a0, 0, a1\nhalt", engine, a0=FRAME, a1=5)
    built.ram.words[FRAME // 4] = 0x77
    entry = (FRAME >> 10) * 4

    def change(kind: str, offset: int, value: int) -> None:
        if offset == entry:
            probe.words[entry] = ALL | 0xB000 >> 10

    probe.on_access = change
    built.run()
    assert built.a1 == 0x77
    assert built.ram.words[[FRAME // 4, 0xB000 // 4]].tolist() == [0x77, 5]


FAILING = {
    "load": ("lsa a1, a0", FRAME),
    "store": ("wsa a0, 0, 9", FRAME),
    "push": ("push 9", 0x2000),
    "pop": ("pop a1", 0x2000),
    "fetch": ("jp a6", 0x3000),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_hardware_error_from_a_table(case: str, engine: EngineChoice) -> None:
    """It is raised as 0xA0 with its 16 bits; the instruction has no other effect."""
    source, address = FAILING[case]
    built, probe = with_tables(
        f"cpy ev, 12\n{source}\nhalt\nhalt", engine, a0=FRAME, a6=0x3000, a1=5, ssp=0x2010
    )
    probe.fail["read", (address >> 10) * 4] = refusal(0x2345)
    assert built.run().reason == "halted"
    assert built.board.cpu.exception == GuestException(True, 0xA0, 0x2345)
    assert built.era == (0x3000 if case == "fetch" else 4)
    assert (built.a1, built.ssp) == (5, 0x2010)
    assert built.ram.words[FRAME // 4] == 0


def test_a_hardware_error_from_the_directory(engine: EngineChoice) -> None:
    """Nothing can be fetched: each attempt is one READ, one cycle, one exception."""
    built, probe = with_tables("halt", engine)
    probe.fail["read", DIRECTORY_OFFSET] = refusal(0x2000)
    stop = built.run(max_cycles=5)
    assert (stop.reason, stop.cycles, built.et) == ("budget", 5, 0x01A02000)
    assert accesses(probe) == [("read", DIRECTORY_OFFSET)] * 5


def test_a_failing_table_undoes_the_instruction(engine: EngineChoice) -> None:
    """A plain exception on the last of several READs: the whole instruction is repeated."""
    built, probe = with_tables("inc a7\nsrm a0, 0, a1\nhalt", engine, a0=FRAME, a1=5)
    built.ram.words[FRAME // 4] = 0x77
    count = 0

    def fail_late(kind: str, offset: int, value: int) -> None:
        nonlocal count
        count += 1
        if count == 8:
            raise RuntimeError("the seventh and eighth READ walk for the store")

    probe.on_access = fail_late
    with pytest.raises(RuntimeError, match="eighth"):
        built.run()
    assert (built.pc, built.board.cpu.cycles, built.a1, built.a7) == (4, 1, 5, 1)
    assert built.ram.words[FRAME // 4] == 0x77
    assert built.run().reason == "halted"
    assert (built.a1, built.ram.words[FRAME // 4]) == (0x77, 5)
    assert accesses(probe)[8:14] == [*walk(4), *walk(FRAME), *walk(FRAME)]


def test_a_device_remaps_the_page_it_is_written_through(engine: EngineChoice) -> None:
    """A device changes page tables in RAM from its WRITE; the next access goes by them."""
    from tests.machine.paging import low_entry, paged, set_page

    device = Probe()
    remapping = paged(
        "lsa a1, a0\nwsa a6, 0, 1\nlsa a2, a0\nhalt", engine, [device], a0=0x9000, a6=0x10000
    )
    set_page(remapping, 0x10000, 0x10000)
    set_page(remapping, 0x9000, FRAME)
    remapping.ram.words[[FRAME // 4, 0x9000 // 4]] = [1, 2]
    device.on_access = lambda *_: remapping.board.memory.write(low_entry(0x9000), ALL | 0x24)
    assert remapping.run().reason == "halted"
    assert (remapping.a1, remapping.a2) == (1, 2)


def test_a_component_page(engine: EngineChoice) -> None:
    """A page of a component under another address: the offset is the physical one."""
    from tests.machine.paging import paged, set_page

    device = Probe(size=0x1000)
    using = paged(
        "lsa a1, a0, 4\nwsa a0, 8, a1\nlsa a1, a0, 4\nwsa a0, 12, a1\nhalt",
        engine,
        [device],
        a0=0x9000,
    )
    device.accesses.clear()
    device.words[0x804] = 7
    set_page(using, 0x9000, 0x10800)
    assert using.run().reason == "halted"
    assert device.log == [
        ("read", 0x804, 7),
        ("write", 0x808, 7),
        ("read", 0x804, 7),
        ("write", 0x80C, 7),
    ]


def test_a_page_over_the_edge_of_a_component(engine: EngineChoice) -> None:
    """One page may show the end of a component and the beginning of the next."""
    from tests.machine.paging import paged, set_page

    first, second = Probe(size=0x200, name="first"), Probe(size=0x200, name="second")
    using = paged(
        "wsa a0, a1, 1\nwsa a0, a2, 2\nlsa a3, a0, a1\nlsa a4, a0, a2\nhalt",
        engine,
        [first, second],
        a0=0x9000,
        a1=0x1FC,
        a2=0x200,
    )
    set_page(using, 0x9000, 0x10000)
    assert using.run().reason == "halted"
    assert (first.words, second.words) == ({0x1FC: 1}, {0: 2})
    assert (using.a3, using.a4) == (1, 2)
