"""The MMU's walk and its permissions (memory.md: MMU)."""

from __future__ import annotations

import pytest

from lrvm_components import Ram
from lrvm_jit import Motherboard
from lrvm_jit.isa.table import Reg
from lrvm_tools.lasm import assemble_program
from tests.engines import EngineChoice
from tests.machine.paging import (
    ALL,
    DIRECTORY,
    EXECUTE,
    FRAME,
    HIGH,
    HIGH_TABLE,
    LOW_TABLE,
    PASS_SUPERVISOR,
    PASS_USERLAND,
    READ,
    RIGHTS,
    WRITE,
    paged,
    set_page,
)

SOURCES = {"read": "lsa a1, a0", "write": "wsa a0, 0, 9", "execute": "jp a0"}
REFUSAL = {"read": 0x06, "write": 0x07, "execute": 0x08}
ACCESSES = pytest.mark.parametrize(("mode", "access"), RIGHTS)
OFFSET = 0x124


def access_once(mode: str, access: str, directory: int, table: int, engine: EngineChoice) -> str:
    """Do one access at HIGH + OFFSET under these two entries, and tell what came of it.

    `table`: it went to the page that the table names; `through`: to the address itself;
    otherwise the exception as hexadecimal `et`.
    """
    enter = "lsm user\nuser:" if mode == "userland" else "user:"
    program = assemble_program(
        f"cpy ev, handler\n{enter} {SOURCES[access]}\nitr 0\nhandler: halt\n"
    )
    low, far = Ram(0x10000, image=program.words), Ram(0x400)
    board = Motherboard([low, far], engine=engine)
    board.map(0, 0)
    board.map(HIGH, 1)
    board.reset()
    words = low.words
    words[DIRECTORY // 4 : DIRECTORY // 4 + 2] = [ALL | LOW_TABLE >> 14, directory]
    words[LOW_TABLE // 4] = ALL
    words[HIGH_TABLE // 4] = table
    # Different contents; as code, `itr 1` and `itr 2`.
    low.words[(FRAME + OFFSET) // 4] = 0x80010000
    far.words[OFFSET // 4] = 0x80020000
    board.cpu.regs.pda, board.cpu.regs.mtt, board.cpu.regs.a0 = DIRECTORY, 1, HIGH + OFFSET
    assert board.run(max_cycles=100).reason == "halted"
    exception = board.cpu.exception
    assert exception is not None
    if exception.code != 0xF0:
        assert board.cpu.regs.era == (
            HIGH + OFFSET if access == "execute" else program.symbols["user"]
        )
        return f"{board.cpu.regs.et:#010x}"
    assert exception.mode == mode
    memory = board.memory
    found = {
        "read": lambda: {0x80010000: 1, 0x80020000: 2}[board.cpu.regs[Reg.A1]],
        "write": lambda: [
            k for k, at in ((1, FRAME), (2, HIGH)) if memory.read(at + OFFSET) == 9
        ].pop(),
        "execute": lambda: exception.data,
    }[access]()
    return {1: "table", 2: "through"}[found]


def refused(mode: str, access: str) -> str:
    return f"0x{int(mode == 'supervisor'):02x}{REFUSAL[access]:02x}{(HIGH + OFFSET) & 0xFFFF:04x}"


TO_TABLE, TO_FRAME = HIGH_TABLE >> 14, FRAME >> 10


@ACCESSES
def test_the_one_right_that_an_access_needs(mode: str, access: str, engine: EngineChoice) -> None:
    """With no other bit set at either level, the mode's own bit for the access is enough."""
    bit = RIGHTS[mode, access]
    assert access_once(mode, access, bit | TO_TABLE, bit | TO_FRAME, engine) == "table"


@ACCESSES
@pytest.mark.parametrize("level", ["directory", "table"])
def test_a_missing_right_at_either_level(
    mode: str, access: str, level: str, engine: EngineChoice
) -> None:
    """Without it the access is refused with its own code and the address's low 16 bits, even if
    all five others and the other mode's pass-through are there."""
    other_pass = PASS_USERLAND if mode == "supervisor" else PASS_SUPERVISOR
    poor = (ALL & ~RIGHTS[mode, access]) | other_pass
    directory = (poor if level == "directory" else ALL) | TO_TABLE
    table = (poor if level == "table" else ALL) | TO_FRAME
    assert access_once(mode, access, directory, table, engine) == refused(mode, access)


@ACCESSES
@pytest.mark.parametrize("level", ["directory", "table"])
def test_pass_through_at_either_level(
    mode: str, access: str, level: str, engine: EngineChoice
) -> None:
    """The mode's pass-through bit decides before any permission, and before the next level."""
    own_pass = PASS_SUPERVISOR if mode == "supervisor" else PASS_USERLAND
    directory = own_pass | 0xFFFFFF if level == "directory" else ALL | TO_TABLE
    table = own_pass | TO_FRAME if level == "table" else 0
    assert access_once(mode, access, directory, table, engine) == "through"


@ACCESSES
def test_a_table_outside_all_memory(mode: str, access: str, engine: EngineChoice) -> None:
    """Entries where nothing is mapped read 0: refused."""
    assert access_once(mode, access, ALL | 0x30, ALL | TO_FRAME, engine) == refused(mode, access)


def test_numbers_have_24_bits_and_addresses_32(engine: EngineChoice) -> None:
    """Table and page addresses are taken modulo 2^32."""
    wide_table = ALL | 0x40000 | TO_TABLE
    wide_frame = ALL | 0xC00000 | TO_FRAME
    assert access_once("supervisor", "read", wide_table, wide_frame, engine) == "table"


def test_the_directory_wraps_around(engine: EngineChoice) -> None:
    """pda + index * 4 is taken modulo 2^32 too."""
    wrapping = paged("halt", engine)
    wrapping.board.cpu.regs.pda = 0xFFFFFFFC
    words = wrapping.ram.words
    words[0] = ALL | LOW_TABLE >> 14
    # Virtual 0x400000 uses the entry at 0xFFFFFFFC + 4 = 0, which leads to the low table.
    words[FRAME // 4] = 0xF0000000
    words[LOW_TABLE // 4] = ALL | FRAME >> 10
    wrapping.board.cpu.regs.pc = HIGH
    stop = wrapping.run(max_cycles=5)
    assert (stop.reason, stop.pc) == ("halted", HIGH + 4)


def test_the_index_has_12_bits(engine: EngineChoice) -> None:
    """Bits 21-10 select the table's entry: the first, the last, and one for each bit."""
    pages = [0, 4095, *(1 << bit for bit in range(12))]
    reading = paged(
        "loop: pop a0\ncmp a0, 0\nifeq\nhalt\nlsa a1, a0, 8\nadd a2, a1\njp loop",
        engine,
        ssp=0x9000,
    )
    words = reading.ram.words
    for k, page in enumerate(pages):
        # Each of these pages shows another frame, which holds another power of two.
        frame = 0x400 + k * 0x400
        words[HIGH_TABLE // 4 + page] = READ | frame >> 10
        words[(frame + 8) // 4] = 1 << k
        words[0x9000 // 4 + k] = HIGH + page * 1024
    assert reading.run().reason == "halted"
    assert reading.a2 == (1 << len(pages)) - 1


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_an_unaligned_directory(shift: int, engine: EngineChoice) -> None:
    """The entry's address raises 0x05, with the entry's address modulo 4."""
    astray = paged("halt", engine)
    astray.board.cpu.regs.pda = DIRECTORY + shift
    stop = astray.board.run(halt_on_exception=True)
    assert (stop.address, astray.et) == (0, 0x01050000 | shift)


def test_alignment_is_checked_before_translation(engine: EngineChoice) -> None:
    """An unaligned address is 0x05 with its own remainder, though the tables refuse it, too."""
    astray = paged("lsa a1, a0", engine, a0=HIGH + 3)
    set_page(astray, HIGH, FRAME, rights=0)
    astray.board.run(halt_on_exception=True)
    assert astray.et == 0x01050003


STACK = {
    "push a1": (READ | EXECUTE, 0x07),
    "call 0": (READ | EXECUTE, 0x07),
    "pop a1": (WRITE | EXECUTE, 0x06),
    "ret": (WRITE | EXECUTE, 0x06),
}


@pytest.mark.parametrize(("source", "rights", "code"), [(s, *v) for s, v in STACK.items()])
def test_a_refused_stack_keeps_sp(
    source: str, rights: int, code: int, engine: EngineChoice
) -> None:
    """sp, destination and pc are as before."""
    sp = 0x9010
    refusing = paged(source, engine, ssp=sp, a1=0x55, ev=0x200)
    set_page(refusing, 0x9000, 0x9000, rights)
    stop = refusing.board.run(halt_on_exception=True)
    address = sp - 4 if code == 0x07 else sp
    assert (stop.address, stop.pc, refusing.et) == (0, 0x200, 0x01000000 | code << 16 | address)
    assert (refusing.ssp, refusing.a1) == (sp, 0x55)


@pytest.mark.parametrize(
    ("rights", "code"), [(READ, 0x07), (WRITE, 0x06), (EXECUTE, 0x06), (READ | EXECUTE, 0x07)]
)
def test_swap_needs_both_rights(rights: int, code: int, engine: EngineChoice) -> None:
    """SRM reads first, then writes; refused, it changes neither register nor memory."""
    swapping = paged("srm a0, 0, a1", engine, a0=0x9000, a1=0x55, ev=0x200)
    set_page(swapping, 0x9000, 0x9000, rights)
    swapping.ram.words[0x9000 // 4] = 0x77
    swapping.board.run(halt_on_exception=True)
    assert (swapping.et, swapping.a1) == (0x01009000 | code << 16, 0x55)
    assert swapping.ram.words[0x9000 // 4] == 0x77


def test_an_exception_leaves_translation_on(engine: EngineChoice) -> None:
    """The handler runs translated; only smt, pc, et and era change."""
    handling = paged("itr 7\nhalt", engine, ev=HIGH + 8, smt=0)
    set_page(handling, HIGH, FRAME, EXECUTE)
    handling.ram.words[(FRAME + 8) // 4] = 0xF0000000
    stop = handling.run()
    assert (stop.reason, stop.address, handling.et) == ("halted", HIGH + 8, 0x00F00007)
    assert (handling.mtt, handling.pda, handling.smt) == (1, DIRECTORY, 1)
