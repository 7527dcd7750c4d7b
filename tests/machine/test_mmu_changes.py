"""Translation is exact at every access: tables, registers and mode may change at any time.

The compiled engine keeps translations; none of them may outlive what it came from.
"""

from __future__ import annotations

import pytest

from lrvm_components import BootRom, FlashMemory, Ram
from lrvm_jit import Motherboard
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice
from tests.machine.paging import (
    ALL,
    DIRECTORY,
    EXECUTE,
    FRAME,
    HIGH,
    HIGH_TABLE,
    LOW_TABLE,
    READ,
    USER_EXECUTE,
    USER_READ,
    WRITE,
    low_entry,
    paged,
    set_page,
)

OTHER = 0xA400
"""A second physical page, next to FRAME."""
ENTRY = low_entry(0x9000)


def test_a_load_after_a_store_to_its_entry(engine: EngineChoice) -> None:
    """The very next access uses the new entry, each time round. There are three loads of the
    old page before it, as the third is the one that goes without a look-up."""
    swapping = paged(
        """
    loop:
      lsa a1, a0
      lsa a1, a0
      lsa a1, a0
      add a2, a1
      srm a5, 0, a6        ; swap the page
      inc c0
      cmp c0, 6
      ifls
      jp loop
      halt
    """,
        engine,
        a0=0x9000,
        a5=ENTRY,
        a6=ALL | OTHER >> 10,
    )
    set_page(swapping, 0x9000, FRAME)
    swapping.ram.words[[FRAME // 4, OTHER // 4]] = [1, 100]
    assert swapping.run().reason == "halted"
    assert swapping.a2 == 303


def test_a_store_after_a_store_to_its_entry(engine: EngineChoice) -> None:
    """Stores go where the entry points at their moment."""
    swapping = paged(
        """
    loop:
      inc a1
      wsa a0, a7, a1
      wsa a0, a7, a1
      wsa a0, a7, a1
      srm a5, 0, a6
      add a7, 4
      cmp a1, 6
      ifls
      jp loop
      halt
    """,
        engine,
        a0=0x9000,
        a5=ENTRY,
        a6=ALL | OTHER >> 10,
    )
    set_page(swapping, 0x9000, FRAME)
    swapping.run()
    words = swapping.ram.words
    assert words[FRAME // 4 : FRAME // 4 + 6].tolist() == [1, 0, 3, 0, 5, 0]
    assert words[OTHER // 4 : OTHER // 4 + 6].tolist() == [0, 2, 0, 4, 0, 6]


def test_the_stack_after_a_store_to_its_entry(engine: EngineChoice) -> None:
    """Pops and pushes, too."""
    swapping = paged(
        "pop a1\npush a1\n" * 3 + "wsa a5, 0, a6\npop a2\npush 9\ncall next\nnext: halt",
        engine,
        ssp=0x9010,
        a5=ENTRY,
        a6=ALL | OTHER >> 10,
    )
    set_page(swapping, 0x9000, FRAME)
    words = swapping.ram.words
    words[[(FRAME + 0x10) // 4, (OTHER + 0x10) // 4]] = [1, 2]
    swapping.run()
    assert (swapping.a1, swapping.a2, swapping.ssp) == (1, 2, 0x900C)
    assert words[(OTHER + 0x10) // 4] == 9
    assert words[(OTHER + 0xC) // 4] == swapping.labels["next"]
    assert words[(FRAME + 0x10) // 4] == 1


def test_the_next_fetch_after_a_store_to_its_entry(engine: EngineChoice) -> None:
    """A code page remapped under the running code: the next word comes from the other page."""
    remapping = paged(
        """
    loop:
      inc c0
      cmp c0, 3
      ifeq
      wsa a5, 0, a6
      inc a1
      jp loop
    """,
        engine,
        a5=low_entry(0),
        a6=ALL | FRAME >> 10,
    )
    words = remapping.ram.words
    words[FRAME // 4 : FRAME // 4 + 7] = assemble("halt\nhalt\nhalt\nhalt\ninc a2\nhalt")[
        [0] * 4 + [4, 5, 5]
    ]
    stop = remapping.run()
    assert (stop.reason, stop.address) == ("halted", 20)
    assert (remapping.a1, remapping.a2, remapping.c0) == (2, 1, 3)


def test_a_right_withdrawn_from_running_code(engine: EngineChoice) -> None:
    """Without X the next fetch is refused, at the instruction after the store."""
    revoking = paged(
        "loop: inc c0\ncmp c0, 3\nifeq\nwsa a5, 0, a6\njp loop",
        engine,
        a5=low_entry(0),
        a6=ALL & ~EXECUTE,
    )
    stop = revoking.board.run(halt_on_exception=True)
    assert (stop.address, revoking.et, revoking.c0) == (16, 0x01080010, 3)


def test_a_store_through_the_entry_that_it_overwrites(engine: EngineChoice) -> None:
    """The store still goes by the old entry, the next access by the new one."""
    overwriting = paged(
        "lsa a1, a0\nwsa a0, 0, a6\nlsa a2, a0\nhalt", engine, a0=0x9000 + (ENTRY & 0x3FF)
    )
    overwriting.board.cpu.regs.a6 = ALL | FRAME >> 10
    set_page(overwriting, 0x9000, ENTRY & ~0x3FF)
    overwriting.ram.words[(FRAME + (ENTRY & 0x3FF)) // 4] = 0x77
    overwriting.run()
    assert (overwriting.a1, overwriting.a2) == (ALL | ENTRY >> 10, 0x77)


def test_a_directory_entry_rewritten(engine: EngineChoice) -> None:
    """All pages below it move at once."""
    moving = paged(
        "loop: lsa a1, a0\nadd a2, a1\nwsa a5, 0, a6\ninc c0\ncmp c0, 2\nifls\njp loop\nhalt",
        engine,
        a0=HIGH,
        a5=DIRECTORY + 4,
        a6=ALL | LOW_TABLE >> 14,
    )
    set_page(moving, HIGH, FRAME)
    moving.ram.words[FRAME // 4] = 0x100
    moving.run()
    # By the low table virtual 0x400000 is the page of virtual 0, the program's first word.
    assert moving.a2 == 0x100 + int(assemble("lsa a1, a0")[0])


def test_another_directory(engine: EngineChoice) -> None:
    """A write to pda takes effect with the next fetch."""
    second = 0x8800
    switching = paged(
        "lsa a1, a0\ncpy pda, a6\nlsa a2, a0\nex pda, a7\nlsa a3, a0\nhalt",
        engine,
        a0=HIGH,
        a6=second,
        a7=DIRECTORY,
    )
    set_page(switching, HIGH, FRAME)
    words = switching.ram.words
    words[FRAME // 4] = 0x100
    words[second // 4 : second // 4 + 2] = [ALL | LOW_TABLE >> 14] * 2
    switching.run()
    assert (switching.a1, switching.a3) == (0x100, 0x100)
    assert switching.a2 == words[0]
    assert switching.a7 == second


def test_switching_translation_on_and_off(engine: EngineChoice) -> None:
    """A write to mtt takes effect with the next fetch; any value but 0 is on."""
    switching = paged(
        "lsa a1, a0\ncpy mtt, 0\nlsa a2, a0\ncpy mtt, 8\nlsa a3, a0\nhalt", engine, a0=0x9000
    )
    set_page(switching, 0x9000, FRAME)
    switching.ram.words[[FRAME // 4, 0x9000 // 4]] = [1, 2]
    switching.run()
    assert switching.board.cpu.regs[1:4] == [1, 2, 1]


def test_translations_belong_to_a_mode(engine: EngineChoice) -> None:
    """What supervisor mode may read does not become readable in userland, nor the reverse."""
    changing = paged(
        """
      lsa a1, a0           ; allowed here
      lsm user
    user:
      lsa a2, a3           ; allowed there
      lsa a2, a0
      halt
    handler:
      lsa a4, a3
      halt
    """,
        engine,
        a0=0x9000,
        a3=0x9400,
    )
    changing.board.cpu.regs.ev = changing.labels["handler"]
    set_page(changing, 0x9000, FRAME, READ)
    set_page(changing, 0x9400, FRAME, USER_READ)
    changing.ram.words[FRAME // 4] = 5
    stop = changing.board.run(halt_on_exception=True)
    assert (stop.address, changing.et) == (12, 0x00069000)
    stop = changing.board.run(halt_on_exception=True)
    assert (stop.address, changing.et) == (changing.labels["handler"], 0x01069400)
    assert (changing.a1, changing.a2, changing.a4) == (5, 5, 0)


def test_a_handler_does_not_inherit_what_userland_may_read(engine: EngineChoice) -> None:
    """The exception changes the mode with the next fetch, and with it all translations."""
    inheriting = paged(
        """
      lsm user
    user:
      lsa a2, a3           ; allowed to userland alone
      pop a4
      itr 0
    handler:
      inc c0
      cmp c0, 3
      ifeq
      halt
      cmp c0, 1
      ifeq
      lsa a5, a3
      pop a5
      halt
    """,
        engine,
        a3=0x9400,
        usp=0x9400,
        ssp=0x9400,
    )
    inheriting.board.cpu.regs.ev = inheriting.labels["handler"]
    set_page(inheriting, 0x9400, FRAME, USER_READ)
    inheriting.ram.words[FRAME // 4] = 5
    stop = inheriting.run(max_cycles=100)
    assert (stop.reason, inheriting.c0, inheriting.et) == ("halted", 3, 0x01069400)
    assert (inheriting.a2, inheriting.a4, inheriting.a5) == (5, 5, 0)


def test_a_handler_on_a_page_that_only_userland_may_execute(engine: EngineChoice) -> None:
    """The handler's first fetch is supervisor mode's, though userland runs on the same page."""
    sharing = paged("lsm a0", engine, a0=0x9000, ev=0x9008)
    set_page(sharing, 0x9000, FRAME, USER_EXECUTE)
    sharing.board.memory.load(FRAME, assemble("inc a1\nitr 0\nhalt"))
    stop = sharing.run(max_cycles=6)
    assert (stop.reason, stop.pc, sharing.a1) == ("budget", 0x9008, 1)
    assert (sharing.era, sharing.et) == (0x9008, 0x01089008)


def test_userland_code_pages(engine: EngineChoice) -> None:
    """LSM to a page without userland's X faults at the target, in userland."""
    entering = paged("lsm a0", engine, a0=0x9000, ev=0x3C0)
    set_page(entering, 0x9000, FRAME, ALL & ~USER_EXECUTE)
    stop = entering.board.run(halt_on_exception=True)
    assert (stop.address, entering.et, entering.smt) == (0x9000, 0x00089000, 1)


@pytest.mark.parametrize("how", ["words", "memory", "component"])
def test_the_host_changes_tables_between_runs(how: str, engine: EngineChoice) -> None:
    """Whatever way the host writes an entry, the next run goes by it."""
    reading = paged("loop: lsa a1, a0\njp loop", engine, a0=0x9000)
    set_page(reading, 0x9000, FRAME)
    reading.ram.words[[FRAME // 4, OTHER // 4]] = [1, 2]
    reading.run(max_cycles=50)
    assert reading.a1 == 1
    entry = ALL | OTHER >> 10
    if how == "words":
        reading.ram.words[ENTRY // 4] = entry
    elif how == "memory":
        reading.board.memory.write(ENTRY, entry)
    else:
        reading.ram.write(ENTRY, entry)
    reading.run(max_cycles=50)
    assert reading.a1 == 2


def test_the_host_changes_registers_between_runs(engine: EngineChoice) -> None:
    """mtt, pda and smt as the host sets them hold from the next instruction on."""
    reading = paged("loop: lsa a1, a0\njp loop", engine, a0=0x9000, ev=0x3C0)
    set_page(reading, 0x9000, FRAME, READ)
    words = reading.ram.words
    words[[FRAME // 4, 0x9000 // 4]] = [1, 2]
    regs = reading.board.cpu.regs
    reading.run(max_cycles=50)
    assert regs.a1 == 1
    regs.mtt = 0
    reading.run(max_cycles=50)
    assert regs.a1 == 2
    regs.mtt = 1
    reading.run(max_cycles=50)
    assert regs.a1 == 1
    words[0x8800 // 4] = ALL | HIGH_TABLE >> 14
    words[HIGH_TABLE // 4] = ALL
    words[HIGH_TABLE // 4 + 0x24] = ALL | 0x24
    regs.pda = 0x8800
    reading.run(max_cycles=50)
    assert regs.a1 == 2
    regs.pda, regs.smt = DIRECTORY, 0
    stop = reading.board.run(halt_on_exception=True)
    assert (stop.address, regs.et) == (0, 0x00069000)


@pytest.mark.parametrize("kind", ["rom", "flash"])
def test_tables_in_other_memories(kind: str, engine: EngineChoice) -> None:
    """Entries may lie in any memory; those in a ROM cannot change, those in flash can."""
    table = [ALL | page for page in range(64)]
    holder = BootRom(table, size=0x4000) if kind == "rom" else FlashMemory(0x4000, image=table)
    low = Ram(0x10000, image=assemble("lsa a1, a0\nwsa a5, 0, a6\nlsa a2, a0\nhalt\nhalt"))
    board = Motherboard([low, holder], engine=engine)
    board.map(0, 0)
    board.map(0x10000, 1)
    board.reset()
    low.words[DIRECTORY // 4] = ALL | 4
    low.words[[0x9000 // 4, FRAME // 4]] = [1, 2]
    regs = board.cpu.regs
    regs.a0, regs.a5, regs.a6 = 0x9000, 0x8000 + 0x24 * 4, ALL | FRAME >> 10
    regs.pda, regs.mtt, regs.ev = DIRECTORY, 1, 8
    # Virtual page 0x20 is the table itself.
    holder.words[0x20] = ALL | 0x40
    assert board.run(max_cycles=20).reason == "halted"
    assert regs.a1 == 1
    if kind == "rom":
        assert (regs.et, regs.a2) == (0x01A03100, 1)
    else:
        assert (regs.et, regs.a2) == (0, 2)


def test_writes_need_the_write_right_even_after_reads(engine: EngineChoice) -> None:
    """A translation found for reading is none for writing, nor for executing."""
    reading = paged(
        "lsa a1, a0\npop a1\nwsa a0, 0, 9\nhalt", engine, a0=0x9000, ssp=0x9000, ev=0x3C0
    )
    set_page(reading, 0x9000, FRAME, READ)
    stop = reading.board.run(halt_on_exception=True)
    assert (stop.address, reading.et) == (8, 0x01079000)
    assert reading.ram.words[FRAME // 4] == 0
    writing = paged("wsa a0, 0, 9\nlsa a1, a0\nhalt", engine, a0=0x9000, ev=0x3C0)
    set_page(writing, 0x9000, FRAME, WRITE)
    writing.board.run(halt_on_exception=True)
    assert (writing.et, writing.ram.words[FRAME // 4]) == (0x01069000, 9)
    jumping = paged("wsa a0, 0, 9\nlsa a1, a0\njp a0", engine, a0=0x9000, ev=0x3C0)
    set_page(jumping, 0x9000, FRAME, READ | WRITE)
    jumping.board.run(halt_on_exception=True)
    assert jumping.et == 0x01089000
