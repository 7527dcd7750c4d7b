"""Machines to debug, with components whose answers cannot be known before."""

from __future__ import annotations

import random

from lrvm_components import BootRom, CharDisplay, LineKeyboard, Ram
from lrvm_jit import Category, Component, HardwareError, Metadata, Motherboard
from lrvm_tools.lasm import Assembly, assemble_program
from tests.engines import EngineChoice

RAM, ORACLE, DISPLAY, KEYBOARD = 0x1000, 0x2000, 0x3000, 0x4000

COUNTING = """
start:
    cpy ssp, 0x1800
    cpy a0, 0
    cpy ac0, 0x1000
loop:
    call bump
    wsa ac0, 0, a0
    cmp a0, LAST
    ifnq
    jp loop
    div a0, 0
    halt
bump:
    inc a0
    ret
"""
"""Counts up in a0 and in the word at 0x1000, then divides by zero without a handler."""

ASKING = """
    cpy ev, handler
    cpy ssp, 0x1800
    cpy ac0, 0x1000         ; RAM
    cpy ac1, 0x2000         ; oracle
    cpy ac2, 0x3000         ; display
    cpy a4, 0x4000          ; keyboard
loop:
    lsa a0, ac1, 0          ; whatever the oracle says
    wsa ac0, 0, a0
    add a1, a0
    wsa ac1, 4, a1          ; it writes to RAM + 0x10
    wsa ac1, 8, a1          ; it sets a5
    lsa a2, ac1, 12         ; it refuses
    and a0, 0x3f
    add a0, 0x21
    wsa ac2, 0, a0
    wsa a4, 0xfc, 0xaa      ; a line
    lsa a3, a4, 0
    jp loop
handler:
    add era, 4
    inc c0
    cpy rr0, era
    add rr0, 4
    jp rr0
""".replace("    add era, 4\n", "")


class Oracle(Component):
    """Answers at random, and does all that a component may do."""

    name = "Oracle"

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.calls = 0
        self.board: Motherboard | None = None

    def metadata(self) -> Metadata:
        return Metadata(0x1234, 16, Category.PLATFORM_SPECIFIC, type=1)

    def attach(self, board: Motherboard) -> None:
        self.board = board

    def read(self, offset: int) -> int:
        self.calls += 1
        if offset == 12:
            raise HardwareError(0x42, self._random.randrange(256))
        return self._random.getrandbits(32)

    def write(self, offset: int, word: int) -> None:
        self.calls += 1
        assert self.board is not None
        if offset == 4:
            self.board.memory.load(RAM + 0x10, [word, self._random.getrandbits(32)])
        else:
            self.board.cpu.regs.a5 = self._random.getrandbits(32)

    def save_state(self) -> None:
        return None


def counting(engine: EngineChoice, last: int = 100) -> tuple[Motherboard, Assembly]:
    program = assemble_program(COUNTING.replace("LAST", str(last)), "counting.lasm")
    board = Motherboard([BootRom(program.words, 0x1000), Ram(0x1000)], engine)
    board.map_contiguous(0)
    board.reset()
    return board, program


def asking(engine: EngineChoice) -> tuple[Motherboard, Oracle, list[str]]:
    """A machine that asks, the oracle that it asks, and what it has shown."""
    program = assemble_program(ASKING)
    oracle, shown = Oracle(1), list[str]()
    lines = random.Random(2)
    board = Motherboard(
        [
            BootRom(program.words, 0x1000),
            Ram(0x1000),
            oracle,
            CharDisplay(shown.append),
            LineKeyboard(0x100, lambda: f"{lines.random()}\n"),
        ],
        engine,
    )
    for number, address in enumerate((0, RAM, ORACLE, DISPLAY, KEYBOARD)):
        board.map(address, number)
    board.reset()
    return board, oracle, shown
