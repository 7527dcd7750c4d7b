"""The book's pictures: `python -m docs.book.pictures docs/images` draws them all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lrvm_components import BootRom, NumberDisplay
from lrvm_jit import Motherboard
from lrvm_tools.lasm import assemble_program
from lrvm_tools.machines import default_machine

from .svg import Drawing

PROGRAM: Final = """\
    cpy a0, 0
    cpy a1, 1
next:
    add a0, a1
    add a1, 1
    cmp a1, 10
    ifle
    jp next
    cpy ac0, 0xf088
    wsa ac0, a0
    halt
"""
"""What the README's picture shows; the first program of the tutorial."""


def machine() -> Drawing:
    """The CPU and its components."""
    d = Drawing(720, 330, "The machine: CPU, MMU, memory map, components")
    d.box(20, 30, 190, 260)
    d.text(36, 54, "CPU", "title")
    d.box(36, 68, 158, 52, "a0-a7 c0 c1 ac0-2\nrr0-7 avr pc af", "tint")
    d.box(36, 130, 158, 52, "kernel registers\nssp usp et era ev", "warm")
    d.box(36, 192, 158, 36, "pda  mtt  smt", "warm")
    d.box(36, 238, 158, 36, "cycle counter", "tint")
    d.box(262, 100, 96, 100, "MMU\nvirtual to\nphysical")
    d.arrow((210, 150), (262, 150))
    d.text(236, 142, "address", "small", "middle")
    d.box(410, 40, 60, 230, "memory\nmap", "tint")
    d.arrow((358, 150), (410, 150))
    names = ("ROM: the program", "RAM", "display", "keyboard", "clock", "your own, in Python")
    for number, name in enumerate(names):
        y = 34 + 41 * number
        d.box(530, y, 170, 32, name, "warm" if number == 5 else "")
        d.arrow((470, y + 16), (530, y + 16))
    d.text(20, 315, "No arrow leads back: devices answer, and never interrupt.", "small")
    return d


def exception() -> Drawing:
    """What an exception does."""
    d = Drawing(720, 260, "An exception: et, era, pc and smt")
    d.box(20, 40, 200, 150)
    d.text(36, 62, "the program", "title")
    for number, line in enumerate(("0x0004  cpy a0, 7", "0x0008  div a0, 0", "0x000C  halt")):
        d.box(32, 74 + 36 * number, 176, 28, line, "warm" if number == 1 else "")
    d.arrow((220, 124), (300, 124))
    d.box(300, 40, 190, 150)
    rows = ("et  = 01 0A 0000", "era = 0x00000008", "smt = 1", "pc  = ev")
    for number, line in enumerate(rows):
        d.text(318, 72 + 30 * number, line)
    d.text(318, 206, "mode, code 0A (division by zero), data", "small")
    d.arrow((490, 124), (570, 124))
    d.box(570, 90, 130, 70, "handler\nat the address\nin ev", "tint")
    d.arrow((635, 160), (635, 232), (120, 232), (120, 192))
    d.text(380, 226, "lsm era, or jp era: the same instruction again", "small", "middle")
    d.text(380, 248, "with 4 added in a register: the next one", "small", "middle")
    return d


def page_walk() -> Drawing:
    """The two levels of the MMU, with an example."""
    d = Drawing(760, 430, "A page walk for the virtual address 0x00012344")
    d.text(20, 30, "virtual address 0x00012344", "title")
    fields = (
        (20, 220, "31-22", "directory index 0"),
        (240, 260, "21-10", "table index 0x48"),
        (500, 240, "9-0", "place 0x344"),
    )
    for x, width, bits, text in fields:
        d.box(x, 42, width, 34, text, "tint")
        d.text(x + width / 2, 92, f"bits {bits}", "small", "middle")
    for x, title, address, rows in (
        (20, "directory", "pda = 0x4000", ("0: 38 000002", "1: 00 000000", "...")),
        (270, "table 2", "2 * 0x4000 = 0x8000", ("0x47: 00 000000", "0x48: 30 000030", "...")),
        (520, "page 0x30", "0x30 * 0x400 = 0xC000", ("0x340", "0x344", "...")),
    ):
        d.text(x, 140, title, "title")
        d.text(x, 158, address, "small")
        for number, row in enumerate(rows):
            chosen = number == (0 if x == 20 else 1)
            d.box(x, 168 + 36 * number, 200, 36, row, "warm" if chosen else "")
    d.arrow((130, 100), (130, 124))
    d.arrow((370, 100), (370, 124))
    d.arrow((620, 100), (620, 124))
    d.arrow((220, 186), (245, 186), (245, 155), (268, 155))
    d.arrow((470, 222), (495, 222), (495, 155), (518, 155))
    d.text(20, 312, "a decoded op:", "title")
    rights = (
        ("31", "pass", "sv"), ("30", "pass", "user"), ("29", "R", "sv"), ("28", "W", "sv"),
        ("27", "X", "sv"), ("26", "R", "user"), ("25", "W", "user"), ("24", "X", "user"),
    )  # fmt: skip
    for number, (bit, name, mode) in enumerate(rights):
        x = 20 + 56 * number
        d.box(x, 338, 56, 40, f"{name}\n{mode}", "tint")
        d.text(x + 28, 332, bit, "small", "middle")
    d.box(468, 338, 272, 40, "number of the table or page")
    d.text(604, 332, "23-0", "small", "middle")
    d.text(20, 408, "physical address = 0xC000 + 0x344 = 0xC344", "title")
    return d


def memory_map() -> Drawing:
    """The default machine, from its own description."""
    with default_machine(None, engine="reference") as machine:
        board = machine.board
        rows = [
            (mapping.first, mapping.last, board.components[mapping.component].name)
            for mapping in board.mappings
        ]
    d = Drawing(640, 60 + 34 * (len(rows) + 1), "The memory map of the default machine")
    d.text(20, 28, "first address", "small")
    d.text(120, 28, "component", "small")
    d.text(620, 28, "last address", "small", "end")
    y = 38
    for first, last, name in rows:
        d.box(110, y, 400, 30, name, "tint" if "RAM" in name or "ROM" in name else "")
        d.text(20, y + 20, f"0x{first:06X}")
        d.text(620, y + 20, f"0x{last + 3:06X}", anchor="end")
        y += 34
    d.box(110, y, 400, 30, "everything else: reads 0, ignores writes", "none")
    return d


def rooms() -> Drawing:
    """The packages and which of them know which."""
    d = Drawing(760, 420, "The rooms of the project, and which know which")
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
        ("for users", (("lrvm_tools", "assembler, C, commands"), ("lrvm_components", "devices"))),
        ("many machines", (("stream", "any number"), ("batch", "lanes"), ("modular", "parts"),
                           ("debug", "record, trace"))),
        ("one machine", (("machine", "Motherboard, Cpu"), ("engines", "what runs it"))),
        ("compilers", (("jit", "hot code to native"), ("kernel", "compiled interpreter"))),
        ("ground", (("core", "state, bus, memory"), ("isa", "the table, semantics"),
                    ("code_cache", "on disk"))),
    )  # fmt: skip
    for level, (title, boxes) in enumerate(rows):
        y = 24 + 78 * level
        d.text(20, y + 32, title, "small")
        width = (600 - 14 * (len(boxes) - 1)) / len(boxes)
        for number, (name, what) in enumerate(boxes):
            kind = "tint" if level == 3 else "warm" if level == 0 else ""
            d.box(140 + number * (width + 14), y, width, 54, f"{name}\n{what}", kind)
        if level:
            d.arrow((440, y - 22), (440, y - 3))
    return d


def instruction_path() -> Drawing:
    """The way of an instruction through the rooms."""
    d = Drawing(760, 400, "The way of an instruction")
    d.box(20, 20, 130, 50, "source\nadd a0, 5", "warm")
    d.box(190, 20, 180, 50, "lrvm_tools.lasm\nparse, lay out, emit")
    d.box(410, 20, 150, 50, "isa.codec\n0x1C000005", "tint")
    d.box(600, 20, 140, 50, "core.memory\na word", "warm")
    d.arrow((150, 45), (190, 45))
    d.arrow((370, 45), (410, 45))
    d.arrow((560, 45), (600, 45))
    d.arrow((640, 70), (640, 116))
    d.box(530, 116, 210, 54, "kernel.decode\nhandler and operands")
    d.arrow((530, 143), (490, 143))
    d.box(280, 116, 210, 54, "kernel.dispatch\nthe loop over decoded ops", "tint")
    d.arrow((400, 170), (400, 222))
    d.box(280, 222, 210, 54, "kernel.step\nexact, for what is rare")
    d.arrow((280, 134), (240, 134))
    d.text(260, 126, "hot", "small", "middle")
    d.box(20, 116, 220, 54, "jit.analysis\nwhich code belongs together")
    d.arrow((130, 170), (130, 222))
    d.box(20, 222, 220, 54, "jit.emit\nisa.semantics as LLVM code")
    d.arrow((130, 276), (130, 328))
    d.box(20, 328, 220, 54, "jit.code\nnative code", "tint")
    d.arrow((240, 355), (260, 355), (260, 152), (279, 152))
    d.text(268, 350, "ENTER", "small")
    d.box(530, 222, 210, 54, "engines.reference\nthe specification itself", "tint")
    d.arrow((710, 70), (710, 96), (752, 96), (752, 200), (640, 200), (640, 221))
    d.text(530, 306, "All of them give the same results,", "small")
    d.text(530, 322, "to the last cycle.", "small")
    return d


def readme() -> Drawing:
    """The first program: assembled, run, looked at, and run by the million."""
    program = assemble_program(PROGRAM)
    shown: list[str] = []
    display = NumberDisplay(shown.append)
    with Motherboard([BootRom(program.words), display], engine="reference") as board:
        board.map(0, 0)
        board.map(0xF080, 1)
        board.reset()
        stop = board.run()
        total = board.cpu.regs.a0
    d = Drawing(760, 344, f"A program that adds up numbers: its machine code, its output {total}")
    d.style += (
        "\n.t { fill: #d7e3e8 } .k { fill: #7fd6c2 } .c { fill: #8fa3b0 } .w { fill: #ffd479 }"
    )
    d.parts.append('<rect x="16" y="16" width="728" height="312" rx="8" fill="#16222c"/>')
    d.text(36, 46, "$ lrvm asm sum.lasm --format listing", "w")
    y = 70
    for item in program.items:
        if item.data:
            d.text(36, y, f"{item.address:04x}", "c")
            d.text(88, y, item.data.hex(" "), "t")
            d.text(204, y, item.source.strip(), "k")
            y += 20
    d.text(36, y + 12, "$ lrvm run sum.lasm", "w")
    d.text(36, y + 32, shown[0].strip(), "t")
    lines = (
        (">>> stop = board.run()", "w"),
        (">>> print(stop.reason, stop.cycles)", "w"),
        (f"{stop.reason} {stop.cycles}", "t"),
        (">>> board.cpu.regs.a0", "w"),
        (f"{total}", "t"),
        (">>> Batch(program, n=1_000_000).run()", "w"),
    )
    for number, (text, kind) in enumerate(lines):
        d.text(400, 70 + 20 * number, text, kind)
    for row in range(12):
        for column in range(40):
            shade = "#2d6f64" if (row * 7 + column * 3) % 5 else "#7fd6c2"
            d.parts.append(
                f'<rect x="{400 + 8.2 * column:g}" y="{184 + 10 * row}" width="6.6" height="8" '
                f'fill="{shade}"/>'
            )
    return d


def icon() -> Drawing:
    """The site's icon: a chip."""
    d = Drawing(32, 32, "lrvm-jit")
    d.parts.append('<rect x="7" y="7" width="18" height="18" rx="3" fill="#00897b"/>')
    for k in (10, 15, 20):
        for x, y, w, h in ((k, 2, 2, 5), (k, 25, 2, 5), (2, k, 5, 2), (25, k, 5, 2)):
            d.parts.append(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="#00897b"/>')
    return d


PICTURES: Final[dict[str, Callable[[], Drawing]]] = {
    "exception": exception,
    "icon": icon,
    "instruction-path": instruction_path,
    "machine": machine,
    "memory-map": memory_map,
    "page-walk": page_walk,
    "readme": readme,
    "rooms": rooms,
}
"""The functions that draw, by the names of the files."""


def main() -> None:
    """Draw all of them into the folder that the command line names."""
    folder = Path(sys.argv[1])
    for name, draw in PICTURES.items():
        (folder / f"{name}.svg").write_text(draw().svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
