"""`python -m lrvm_jit.bench slices`: the speed of each few million instructions of awkward guests.

Guests that write their own code, and guests that are large and flat: what matters is the slowest
slice, not the mean. Measured by the CPU time of the calling thread, engine beside interpreter.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Sequence
from typing import Final

from ..jit.options import TranslatorOptions
from ..machine.motherboard import Motherboard
from ..records import dataclass
from . import written
from .command import CommandParser

EPILOG: Final = """examples:
  python -m lrvm_jit.bench slices                         all guests, 16 slices of each
  python -m lrvm_jit.bench slices "same word" 600 -n 100  two of them, for longer
  python -m lrvm_jit.bench slices --tier baseline         one tier of the translator only

Each row has the interpreter's speed in million instructions a second, then, as multiples of that,
the engine's first slice, its slowest, and the median of all and of the last ten. A number is a
guest of so many functions of 22 instructions, which are called in a row.
"""
SLICE: Final = 3_000_000
"""Instructions."""
FUNCTIONS: Final = (60, 600, 2100)
RAM: Final = 0x10_0000
DATA, STACK = 0xE_0000, 0xF_0000
REGISTERS: Final = ("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "rr0", "rr1", "ac1", "ac2")


def flat(functions: int, size: int = 22, seed: int = 1) -> str:
    """A guest that calls so many functions of about `size` instructions, one after the other, for
    ever; the same for the same seed. Its stack and ac0 must be set (STACK, DATA)."""
    random_one = random.Random(seed)
    far = functions * (size + 2) * 4 > 0xF000
    bodies = [_body(random_one, size) for _ in range(functions)]
    words = (4 if far else 1) * (functions + 1) + 1
    addresses = []
    for body in bodies:
        addresses.append(4 * words)
        words += len(body)
    calls = [line for address in addresses for line in _jump("call", address, far=far)]
    lines = [*calls, "inc c1", *_jump("jp", 0, far=far)]
    return "\n".join([*lines, *(line for body in bodies for line in body)])


def _jump(name: str, address: int, *, far: bool) -> list[str]:
    if not far:
        return [f"{name} {address}"]
    high, low = divmod(address, 1 << 16)
    return [f"cpy avr, {high}", "shl avr, 16", f"bor avr, {low}", f"{name} avr"]


def _body(one: random.Random, size: int) -> list[str]:
    lines: list[str] = []
    while len(lines) < size - 1:
        kind = one.random()
        d, s = one.choice(REGISTERS), one.choice(REGISTERS)
        if kind < 0.45:
            name = one.choice(["add", "sub", "xor", "and", "bor", "cpy", "mul"])
            lines.append(f"{name} {d}, {s if one.random() < 0.6 else one.randrange(1, 65536)}")
        elif kind < 0.55:
            lines.append(f"{one.choice(['shl', 'shr'])} {d}, {one.randrange(1, 31)}")
        elif kind < 0.7:
            condition = one.choice(["ifls", "ifge", "ifeq", "ifnq"])
            lines += [f"cmp {d}, {s}", condition, f"add {d}, {one.randrange(100)}"]
        elif kind < 0.8:
            lines += [f"push {d}", f"xor {d}, {s}", f"pop {s}"]
        elif kind < 0.9:
            lines.append(f"lsa {d}, ac0, {4 * one.randrange(60)}")
        else:
            lines.append(f"wsa ac0, {4 * one.randrange(60)}, {d}")
    return [*lines, "ret"]


@dataclass(frozen=True, slots=True)
class Row:
    """One guest: million instructions a second of each slice."""

    guest: str
    interpreter: tuple[float, ...]
    engine: tuple[float, ...]

    def __str__(self) -> str:
        usual = statistics.median(self.interpreter)
        first, slowest, median, last = (
            value / usual
            for value in (
                self.engine[0],
                min(self.engine),
                statistics.median(self.engine),
                statistics.median(self.engine[-10:]),
            )
        )
        return f"{self.guest:20} {usual:7.0f} {first:8.2f} {slowest:8.2f} {median:8.2f} {last:8.2f}"


def boards(guest: str, engines: Sequence[TranslatorOptions | str]) -> list[Motherboard]:
    """Machines with a guest, about to start."""
    from lrvm_components import Ram
    from lrvm_tools.lasm import assemble

    is_flat = guest.isdecimal()
    words = assemble(flat(int(guest)) if is_flat else written.SOURCES[guest])
    made = []
    for engine in engines:
        board = Motherboard([Ram(RAM if is_flat else written.RAM, image=words)], engine)
        board.map_contiguous(0)
        board.reset()
        board.cpu.regs.ssp = STACK if is_flat else written.STACK
        board.cpu.regs.ac0 = DATA
        made.append(board)
    return made


def measure(guest: str, engine: TranslatorOptions | str, slices: int) -> Row:
    """Slices of the interpreter and of an engine, in turns."""
    pair = boards(guest, ["interpreter", engine])
    speeds: tuple[list[float], list[float]] = [], []
    for _ in range(slices):
        for board, mine in zip(pair, speeds, strict=True):
            start = time.thread_time()
            board.run(max_cycles=SLICE)
            mine.append(SLICE / 1e6 / (time.thread_time() - start))
    for board in pair:
        board.close()
    return Row(guest, tuple(speeds[0]), tuple(speeds[1]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the process's exit status."""
    guests = [*written.SOURCES, *map(str, FUNCTIONS)]
    description = "Measure each few million instructions of guests that are hard to translate."
    parser = CommandParser("slices", description, EPILOG, repeats=16, of="slices of each")
    parser.add_programs(guests, "without any, all of them")
    parser.add_argument("--tier", choices=["baseline", "regions"], help="default: both")
    options = parser.parse(arguments)
    tiers = (options.tier,) if options.tier else TranslatorOptions().tiers
    engine = TranslatorOptions(cache=False, tiers=tiers)
    # What a process does once is not measured.
    measure("60", engine, 1)
    if not options.json:
        print(f"{'guest':20} {'interp.':>7} {'first':>8} {'slowest':>8} {'median':>8} {'last':>8}")
    rows = []
    for guest in options.programs or guests:
        rows.append(measure(guest, engine, options.repeats))
        if not options.json:
            print(rows[-1], flush=True)
    if options.json:
        fields = ("guest", "interpreter", "engine")
        print(json.dumps([{name: getattr(row, name) for name in fields} for row in rows]))
    return 0
