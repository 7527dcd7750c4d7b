"""Code and data on pages: several names for one page, sequences across pages, many pages."""

from __future__ import annotations

import pytest

from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice
from tests.machine.paging import FRAME, HIGH, READ, paged, set_page

OTHER = 0xA400
"""A second physical page, next to FRAME."""


def test_two_virtual_pages_of_one_physical_page(engine: EngineChoice) -> None:
    """A store by one name is read by the other, and executed, decoded or not."""
    aliasing = paged(
        """
    loop:
      inc c0
      wsa a0, 0x20, c0
      lsa a1, a3, 0x20
      add a2, a1
      call a3              ; runs the page under its second name
      cmp c0, 3
      ifeq
      wsa a0, 4, a6        ; patches it under its first
      cmp c0, 5
      ifls
      jp loop
      halt
    """,
        engine,
        a0=0x9000,
        a3=HIGH + 0x1000,
        a6=encode("add", Reg.A4, 100),
        ssp=0x2000,
    )
    set_page(aliasing, 0x9000, FRAME)
    set_page(aliasing, HIGH + 0x1000, FRAME)
    aliasing.board.memory.load(FRAME, assemble("cpy a5, 1\nadd a4, 1\nret"))
    assert aliasing.run().reason == "halted"
    assert aliasing.a2 == 1 + 2 + 3 + 4 + 5
    assert aliasing.a4 == 3 + 200


def test_code_decoded_at_one_address_runs_at_another(engine: EngineChoice) -> None:
    """Relative jumps and pc in a page follow the name under which the page runs."""
    twice = paged("call a0\nwsa 0xF0, 0, a1\ncall a2\nhalt", engine, a0=0x9000, a2=HIGH, ssp=0x2000)
    for virtual in (0x9000, HIGH):
        set_page(twice, virtual, FRAME)
    body = assemble("jpr 8\nhalt\ncpy a1, pc\njpr 8\nhalt\ncall 0\nret")
    body[5] = encode("call", Reg.A3)
    twice.board.memory.load(FRAME, body[[0, 1, 2, 3, 4, 6]])
    assert twice.run().reason == "halted"
    assert twice.ram.words[0xF0 // 4] == 0x9008
    assert twice.a1 == HIGH + 8


def test_a_loop_across_pages_that_lie_apart(engine: EngineChoice) -> None:
    """Neighbours in virtual memory, far apart and in the other order in physical memory."""
    body = assemble("inc a0\ncpy a1, 3\nshl a1, 2\nadd a1, 1\ncmp a0, a1\nifls\njpr -24\nhalt")
    for split in range(1, 8):
        looping = paged("jp a7", engine, a7=HIGH + 0x400 - 4 * split)
        set_page(looping, HIGH, OTHER)
        set_page(looping, HIGH + 0x400, FRAME)
        looping.board.memory.load(OTHER + 0x400 - 4 * split, body[:split])
        looping.board.memory.load(FRAME, body[split:])
        assert looping.run(max_cycles=1000).reason == "halted", split
        assert (looping.a0, looping.a1) == (13, 13)
        assert looping.board.cpu.cycles == 1 + 13 * 7


def test_the_second_page_of_a_sequence_is_refused(engine: EngineChoice) -> None:
    """An instruction whose successor lies on a refused page is executed; the fetch then faults."""
    for tail in ("cmp a0, 0", "cmp a0, 0\nifeq", "cpy a0, 5\nshl a0, 3", "inc a1\ncpy a0, 5"):
        words = assemble(tail)
        falling = paged("jp a7", engine, a7=HIGH + 0x400 - 4 * len(words), ev=0x3C0)
        set_page(falling, HIGH, FRAME)
        set_page(falling, HIGH + 0x400, OTHER, READ)
        falling.board.memory.load(FRAME + 0x400 - 4 * len(words), words)
        falling.board.memory.load(OTHER, assemble("cpy pc, a2\nshl a0, 1\nhalt"))
        stop = falling.board.run(halt_on_exception=True)
        assert (stop.address, falling.et) == (HIGH + 0x400, 0x01080400)
        assert stop.cycles == 1 + len(words) + 1


ACCESSES = {
    "load": "lsa avr, a1\nadd a3, avr",
    "pop": "cpy ssp, a1\npop avr\nadd a3, avr",
    "store": "lsa avr, a1, 4\nadd avr, 1\nwsa a1, 4, avr",
}


@pytest.mark.parametrize("access", ACCESSES)
def test_neighbouring_pages_that_lie_apart(access: str, engine: EngineChoice) -> None:
    """Data at the inner edge of each of three pages, up and down: no page's frame is taken for
    its neighbour's. The frames' physical neighbours hold other words."""
    thrice = "\n".join([ACCESSES[access]] * 3)
    walking = paged(
        f"""
      cpy a1, 0x93F8
      call thrice
      cpy a1, 0x9400
      call thrice
      cpy a1, 0x97F8
      call thrice
      cpy a1, 0x9800
      call thrice
      cpy a1, 0x97F8
      call thrice
      cpy a1, 0x9400
      call thrice
      halt
    thrice:
      cpy a6, ssp
      {thrice}
      cpy ssp, a6
      ret
    """,
        engine,
        ssp=0x2000,
    )
    words = walking.ram.words
    words[0xA000 // 4 : 0xC000 // 4] = 1000
    for virtual, frame in ((0x9000, 0xA400), (0x9400, 0xB400), (0x9800, 0xAC00)):
        set_page(walking, virtual, frame)
    edges = [0xA7F8, 0xB400, 0xB7F8, 0xAC00]
    for k, edge in enumerate(edges):
        words[edge // 4 : edge // 4 + 2] = 1 << 4 * k, 0
    assert walking.run().reason == "halted"
    if access == "store":
        assert [words[edge // 4 + 1] for edge in edges] == [3, 6, 6, 3]
    else:
        assert walking.a3 == 0x3663


def test_more_pages_than_any_cache_holds(engine: EngineChoice) -> None:
    """A walk over 512 virtual pages that share 4 frames, twice, with stores in between."""
    walking = paged(
        """
    again:
      cpy a0, 0x40
      shl a0, 16
      cpy c0, 0
    loop:
      lsa a1, a0
      inc a1
      wsa a0, 0, a1
      add a0, 1024
      inc c0
      cmp c0, 512
      ifls
      jp loop
      inc c1
      cmp c1, 2
      ifls
      jp again
      halt
    """,
        engine,
    )
    for page in range(512):
        set_page(walking, HIGH + page * 1024, FRAME + page % 4 * 0x400)
    assert walking.run().reason == "halted"
    assert walking.ram.words[[(FRAME + k * 0x400) // 4 for k in range(4)]].tolist() == [256] * 4
