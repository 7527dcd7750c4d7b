"""SRM on a component with `swap`: one call, with all that may go wrong before, in and after it."""

from __future__ import annotations

import os
import random
from unittest import mock

import pytest

from lrvm_components import Ram
from lrvm_jit import GuestException, Motherboard
from lrvm_jit.isa.table import Op
from lrvm_tools.lasm import assemble
from tests.engines import ENGINES, EngineChoice, engine_id
from tests.machine import fuzzing
from tests.machine.guest import Machine, machine
from tests.machine.paging import (
    ALL,
    EXECUTE,
    HIGH,
    PASS_SUPERVISOR,
    READ,
    USER_READ,
    WRITE,
    low_entry,
    paged,
    set_page,
)
from tests.machine.probes import Probe, refusal

LONG = int(os.environ.get("LRVM_FUZZ") or 0)
SWAPPER = 0x10000
"""Where the machines here map the component, physically."""


class Swapper(Probe):
    """A probe that exchanges words in one call."""

    def swap(self, offset: int, word: int) -> int:
        old = self.words.get(offset, 0)
        self._note("swap", offset, word)
        self.words[offset] = word
        return old


def with_swapper(source: str, engine: EngineChoice, **registers: int) -> tuple[Machine, Swapper]:
    swapper = Swapper(words={4: 0x44, 8: 0x88})
    built = machine(source, engine, [swapper], a0=SWAPPER, **registers)
    swapper.board = built.board
    swapper.accesses.clear()
    return built, swapper


def with_pages(source: str, engine: EngineChoice, **registers: int) -> tuple[Machine, Swapper]:
    """The component at the virtual address in a0, with all rights, its table in RAM."""
    swapper = Swapper(words={4: 0x44, 8: 0x88})
    built = paged(source, engine, [swapper], a0=HIGH, **registers)
    set_page(built, HIGH, SWAPPER)
    swapper.board = built.board
    swapper.accesses.clear()
    return built, swapper


def test_one_call(engine: EngineChoice) -> None:
    """The word is exchanged, and other instructions read and write as ever."""
    built, swapper = with_swapper(
        "srm a0, 4, a1\nlsa a3, a0, 4\nwsa a0, 8, a1\nsrm a0, 8, a3\nhalt", engine, a1=7
    )
    assert built.run().reason == "halted"
    assert swapper.log == [("swap", 4, 7), ("read", 4, 7), ("write", 8, 0x44), ("swap", 8, 7)]
    assert (built.a1, built.a3) == (0x44, 0x44)
    assert [(access.cycles, access.pc) for access in swapper.accesses] == [
        (1, 0),
        (2, 4),
        (3, 8),
        (4, 12),
    ]
    assert built.board.cpu.cycles == 5


@pytest.mark.parametrize("seed", range(4))
def test_under_any_budget(seed: int, engine: EngineChoice) -> None:
    numbers = random.Random(seed)
    built, swapper = with_swapper(
        "loop: srm a0, 4, a1\ninc a1\ncmp a1, 0x60\nifls\njp loop\nhalt", engine
    )
    while built.run(max_cycles=numbers.randrange(4)).reason != "halted":
        pass
    # Two words circle, 0 and 0x44, and every turn adds 1 to one of them.
    given = [0]
    while given[-1] < 0x60:
        given.append((0x44 if len(given) == 1 else given[-2]) + 1)
    assert swapper.log == [("swap", 4, word) for word in given[:-1]]
    assert built.a1 == given[-1]


@pytest.mark.parametrize(
    ("register", "value"),
    [("pc", 4), ("af", 0x8E), ("ssp", 0x123), ("smt", 1), ("a0", SWAPPER)],
)
def test_the_stored_register(register: str, value: int, engine: EngineChoice) -> None:
    """Whatever register is stored, also those that are computed when they are read."""
    built, swapper = with_swapper(
        f"cmp a1, a1\nsrm a0, 4, {register}\nhalt\nhalt", engine, ssp=0x123, ev=8
    )
    swapper.words[4] = 8
    built.run()
    assert swapper.log == [("swap", 4, value)]


def test_a_register_that_cannot_be_written(engine: EngineChoice) -> None:
    """The words are exchanged, then the exception is raised (isa.md: SRM)."""
    built, swapper = with_swapper("cpy ev, stop\nsrm a0, 4, era\nstop: halt", engine)
    built.run()
    assert built.board.cpu.exception == GuestException(True, 0x04, 0x1B)
    assert swapper.log == [("swap", 4, 0)]


@pytest.mark.parametrize(
    ("code", "exception"), [(0x20, (0x02, 0x20)), (0xFF, (0x02, 0xFF)), (0x1F, None)]
)
def test_a_register_that_does_not_exist(
    code: int, exception: tuple[int, int] | None, engine: EngineChoice
) -> None:
    """The load is made, the store is not."""
    built, swapper = with_swapper("cpy ev, stop\nsrm a0, 4, a1\nstop: halt", engine)
    at = int((built.ram.words == assemble("srm a0, 4, a1")[0]).argmax())
    built.ram.words[at] = built.ram.words[at] & 0xFFFF_FF00 | code
    built.run()
    last = built.board.cpu.exception
    assert (last and (last.code, last.data)) == exception
    assert [kind for kind, *_ in swapper.log] == ["read" if exception else "swap"]


def test_a_register_that_userland_cannot_read(engine: EngineChoice) -> None:
    built, swapper = with_swapper(
        "cpy ev, stop\nlsm user\nuser: srm a0, 4, ssp\nstop: halt", engine
    )
    built.run()
    assert built.board.cpu.exception == GuestException(False, 0x03, 0x18)
    assert swapper.log == [("read", 4, 0x44)]


def test_a_refused_exchange(engine: EngineChoice) -> None:
    """A HardwareError becomes the guest's exception; it is asked once, the register is kept."""
    built, swapper = with_swapper("cpy ev, stop\nsrm a0, 4, a1\nstop: halt", engine, a1=5)
    swapper.fail["swap", 4] = refusal(0x3142)
    built.run()
    assert built.board.cpu.exception == GuestException(True, 0xA0, 0x3142)
    assert swapper.log == [("swap", 4, 5)]
    assert (built.a1, built.era) == (5, 4)


def test_a_failing_component(engine: EngineChoice) -> None:
    """Another error comes out of run() with the instruction undone, and it can be tried again."""
    built, swapper = with_swapper("inc a3\nsrm a0, 4, a1\nhalt", engine, a1=5)
    swapper.fail["swap", 4] = KeyError("broken")
    with pytest.raises(KeyError, match="broken"):
        built.run()
    assert (built.a1, built.pc, built.board.cpu.cycles) == (5, 4, 1)
    swapper.fail.clear()
    assert built.run().reason == "halted"
    assert (built.a1, built.board.cpu.cycles) == (0x44, 3)


@pytest.mark.parametrize("answer", [-1, 1 << 32, None])
def test_an_answer_that_is_no_word(answer: object, engine: EngineChoice) -> None:
    built, swapper = with_swapper("srm a0, 4, a1\nhalt", engine, a1=5)
    swapper.words[4] = answer  # type: ignore[assignment]
    with pytest.raises((ValueError, TypeError), match=r"Probe answered .* offset 4"):
        built.run()
    assert (built.a1, built.pc, built.board.cpu.cycles) == (5, 0, 0)


def test_the_component_may_stop_the_run(engine: EngineChoice) -> None:
    """The exchange is completed before the run ends."""
    built, swapper = with_swapper("srm a0, 4, a1\ninc a3\nhalt", engine, a1=5)
    swapper.on_access = lambda *_: built.board.stop()
    assert built.run().reason == "stopped"
    assert (built.a1, built.a3, built.pc) == (0x44, 0, 4)


def test_through_the_mmu(engine: EngineChoice) -> None:
    built, swapper = with_pages("srm a0, 4, a1\nsrm a0, 4, a1\nhalt", engine, a1=5)
    assert built.run().reason == "halted"
    assert swapper.log == [("swap", 4, 5), ("swap", 4, 0x44)]
    assert (built.a1, built.board.cpu.cycles) == (5, 3)


def test_through_pages_that_pass(engine: EngineChoice) -> None:
    """Entries that leave the address alone, at the first level for code and for data."""
    built, swapper = with_pages("srm a0, 4, a1\nhalt", engine, a1=5)
    built.board.cpu.regs.a0 = SWAPPER
    built.ram.words[0x8000 // 4] = PASS_SUPERVISOR
    assert built.run().reason == "halted"
    assert swapper.log == [("swap", 4, 5)]
    assert built.a1 == 0x44


@pytest.mark.parametrize(
    ("rights", "code", "log"),
    [
        (READ, 0x07, ["read"]),
        (WRITE, 0x06, []),
        (EXECUTE, 0x06, []),
        (USER_READ, 0x06, []),
    ],
)
def test_rights_of_the_page(rights: int, code: int, log: list[str], engine: EngineChoice) -> None:
    """A page that may only be read is read; then the store raises."""
    built, swapper = with_pages("cpy ev, stop\nsrm a0, 4, a1\nstop: halt", engine, a1=5)
    set_page(built, HIGH, SWAPPER, rights)
    built.run()
    assert built.board.cpu.exception == GuestException(True, code, 4)
    assert [kind for kind, *_ in swapper.log] == log
    assert built.a1 == 5


def test_a_component_that_unmaps_its_page(engine: EngineChoice) -> None:
    """The store belongs to the exchange: what the component does to the tables meanwhile counts
    for the next instruction."""
    built, swapper = with_pages("cpy ev, stop\nsrm a0, 4, a1\nsrm a0, 4, a1\nstop: halt", engine)

    def unmap(kind: str, offset: int, word: int) -> None:
        built.board.memory.write(0xC000, 0)

    swapper.on_access = unmap
    built.run()
    assert swapper.log == [("swap", 4, 0)]
    assert built.a1 == 0x44
    assert built.board.cpu.exception == GuestException(True, 0x06, 4)
    assert built.era == 8


def test_code_in_the_component(engine: EngineChoice) -> None:
    """A fetch is a READ, also that of an SRM; with and without MMU."""
    for make in (with_swapper, with_pages):
        built, swapper = make("jp a0", engine, a1=5)
        base = built.board.cpu.regs.a0
        swapper.load(0, assemble("srm a0, 0x20, a1\nhalt").tolist())
        assert built.run().reason == "halted"
        assert [(kind, offset) for kind, offset, _ in swapper.log] == [
            ("read", 0),
            ("swap", 0x20),
            ("read", 4),
        ]
        assert built.pc == base + 8


def test_page_tables_in_the_component(engine: EngineChoice) -> None:
    """Then each entry is a READ of its own, and so load and store are as well."""
    built, swapper = with_pages("srm a0, 4, a1\nhalt", engine, a1=5)
    table = SWAPPER + 0x4000
    swapper = Swapper(size=0x8000, words={4: 0x44})
    built = paged("srm a0, 4, a1\nhalt", engine, [swapper], a0=HIGH, a1=5)
    built.ram.words[0x8000 // 4 + 1] = ALL | table // 16384
    swapper.words[0x4000] = ALL | SWAPPER >> 10
    swapper.accesses.clear()
    assert built.run().reason == "halted"
    assert swapper.log == [
        ("read", 0x4000, ALL | SWAPPER >> 10),
        ("read", 4, 0x44),
        ("read", 0x4000, ALL | SWAPPER >> 10),
        ("write", 4, 5),
    ]
    assert built.a1 == 0x44


def test_an_entry_that_is_not_mapped(engine: EngineChoice) -> None:
    """An unmapped entry is 0 and refuses the read itself."""
    built, swapper = with_pages("cpy ev, stop\nsrm a0, 4, a1\nstop: halt", engine)
    built.ram.words[0x8000 // 4 + 1] = ALL | 0x10_0000 // 16384
    built.run()
    assert built.board.cpu.exception == GuestException(True, 0x06, 4)
    assert swapper.log == []
    assert low_entry(0) == 0x4000


def test_windows_and_swap_exclude_each_other() -> None:
    class Both(Ram):
        def swap(self, offset: int, word: int) -> int:
            return 0

    with pytest.raises(ValueError, match=r"RAM has both windows and swap\(\)"):
        Motherboard([Both(16)])


def case_with_many_swaps(seed: int) -> fuzzing.Case:
    """A random machine whose accesses to memory are SRM, many of them of the component."""
    rng = random.Random(seed)
    case = fuzzing.random_case(rng)
    for at, word in enumerate(case.program):
        if word >> 27 in (Op.LSA, Op.LEA, Op.WSA, Op.WEA, Op.SRM):
            case.program[at] = Op.SRM << 27 | word & 0x07FF_FFFF
    for register in range(24):
        if rng.random() < 0.4:
            offset = rng.randrange(0, fuzzing.PORT_SIZE, 4)
            case.regs[register] = case.rom_size + case.ram_size + offset
        elif rng.random() < 0.3:
            case.regs[register] = 0
    return case


def test_random_machines() -> None:
    """One call is the same as two accesses, wherever they happen: on the reference engine without
    `swap`, and on all engines with it."""
    swaps = 0

    def read_and_write(port: fuzzing.Port, offset: int, word: int) -> int:
        nonlocal swaps
        swaps += 1
        old = port.read(offset)
        port.write(offset, word)
        return old

    # Few machines come to an SRM of a component; these do, and some of the others.
    seeds = [*range(60), 99, 110, 224, 226, 236, 239, 318, 392]
    for seed in seeds if not LONG else range(8000 * LONG):
        case = case_with_many_swaps(seed)
        plain, sliced = (fuzzing.run(case, "reference", sliced=cut) for cut in (False, True))
        with mock.patch.object(fuzzing.Port, "swap", read_and_write):
            for engine in ENGINES:
                where = f"{engine_id(engine)}, seed {seed}"
                assert fuzzing.run(case, engine) == plain, where
                assert fuzzing.run(case, engine, sliced=True) == sliced, f"{where}, in slices"
    # The seeds are always the same, so this is no matter of luck.
    assert swaps > 400
