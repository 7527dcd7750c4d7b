"""Jumps through tables in the lanes' own memory: translated code relies on what stands there."""

from __future__ import annotations

import numpy
import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.batch import Batch
from lrvm_jit.isa.table import Reg
from lrvm_tools.lasm import assemble_program

SOURCE = """
    cpy ac0, code
fetch:
    lsa a0, ac0, 0
    add ac0, 4
    lsa pc, ac2, a0
one:
    add a1, 1
    jp fetch
two:
    xor a1, 0x55
    jp fetch
three:
    mul a1, 3
    cmp a4, 0
    ifeq
    jp fetch
    lsa a5, ac2, 0              ; lanes with a4: the first two entries change places
    lsa a6, ac2, 4
    wsa ac2, 4, a5
    wsa ac2, 0, a6
    jp fetch
again:
    cpy ac0, code
    sub a3, 1
    ifnq
    jp fetch
    halt
code: #d32 0, 4, 0, 8, 4, 4, 0, 12
"""
TABLE = 0x1000
ROUNDS = 3000
OPTIONS = TranslatorOptions(threshold=20_000, background=False, cache=False, tiers=("regions",))


def tables(n: int, order: str) -> numpy.ndarray:
    """A table for each lane, `again` always last."""
    labels = assemble_program(SOURCE).symbols
    names = ["one", "two", "three"]
    rows = []
    for lane in range(n):
        turn = {"alike": 0, "by turns": lane % 3, "in two halves": 2 * lane // n}[order]
        rows.append([labels[name] for name in (*names[turn:], *names[:turn], "again")])
    return numpy.array(rows, numpy.uint32)


def assert_as_single(
    source: str,
    filled: numpy.ndarray,
    changes: list[bool],
    threads: int,
    offset: int = 0,
) -> None:
    """Lanes with these tables in their RAM, and with the offset in every other one's rr0, end as
    single machines do."""
    n = len(filled)
    words = assemble_program(source).words
    with Batch(words, n=n, ram_size=256, engine=OPTIONS, threads=threads) as batch:
        batch.ram[:, :4] = filled
        batch.regs[:, Reg.A3] = ROUNDS
        batch.regs[:, Reg.A4] = changes
        batch.regs[:, Reg.AC2] = TABLE
        batch.regs[:, Reg.RR0] = numpy.arange(n) % 2 * offset
        batch.run(max_cycles=10_000_000)
        assert batch.stats().translated
        found = batch.regs.copy(), batch.ram.copy()
    for lane in range(n):
        board = Motherboard([BootRom(words, 0x1000), Ram(256)], "interpreter")
        board.map_contiguous(0)
        board.reset()
        board.memory.load(TABLE, filled[lane])
        board.cpu.regs.a3, board.cpu.regs.a4 = ROUNDS, int(changes[lane])
        board.cpu.regs.ac2, board.cpu.regs.rr0 = TABLE, lane % 2 * offset
        board.run(max_cycles=10_000_000)
        assert found[0][lane].tolist() == list(board.cpu.regs), lane
        assert (found[1][lane] == board.memory.dump(TABLE, TABLE + 252)).all(), lane


@pytest.mark.parametrize("order", ["alike", "by turns", "in two halves"])
@pytest.mark.parametrize("changing", [0, 1, 7])
@pytest.mark.parametrize("threads", [1, 2])
def test_tables_in_the_lanes_memory(order: str, changing: int, threads: int) -> None:
    """Every lane does what its table says, and what it has made of it meanwhile."""
    changes = [bool(changing and lane % changing == 0) for lane in range(24)]
    assert_as_single(SOURCE, tables(24, order), changes, threads)


def test_a_table_beside_the_code() -> None:
    """All lanes have it; the register that has its address is the same in all."""
    source = SOURCE.replace("fetch:", "cpy ac2, handlers\nfetch:", 1)
    source += "handlers: #d32 one, two, three, again\n"
    assert_as_single(source, tables(24, "by turns"), [False] * 24, 1)


def test_another_table_in_each_lane() -> None:
    """The register that has the table's address differs from lane to lane."""
    source = SOURCE.replace(
        "fetch:",
        """
        add rr0, handlers
        cpy ac2, rr0
    fetch:
        """,
        1,
    )
    source += "handlers: #d32 one, two, three, again, two, three, one, again\n"
    assert_as_single(source, tables(24, "alike"), [False] * 24, 1, offset=16)
