"""Random machines for comparing engines: programs, registers, memory, page tables, components."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from lrvm_components import BootRom, Ram
from lrvm_jit import Component, HardwareError, Metadata, Motherboard, Stop
from lrvm_jit.isa import INSTRUCTIONS, Reg
from lrvm_jit.isa.table import Instruction, Kind, Op
from tests.engines import EngineChoice

ROM_SIZES = (64, 128, 1024, 4096)
RAM_SIZES = (64, 256, 1024, 8192)
PAGED_ROM, PAGED_RAM = 16384, 8192
PORT_SIZE = 32
MOST_STOPS = 100
EDGE_WORDS = (0, 1, 2, 3, 4, 8, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFC, 0xFFFF_FFFF, 0x10000)


class MeddlingError(Exception):
    """What a port fails with."""


class Port(Component):
    """Answers reads from a counter, refuses some accesses, and notes everything it is asked.

    At the accesses in `meddling` it also does something to its board, by itself or with the
    register of that number.
    """

    name = "Port"

    def __init__(self) -> None:
        self.accesses: list[tuple[str, int, int]] = []
        self.instructions: list[int] = []
        self.meddling: dict[int, tuple[str, int, int]] = {}
        self.board: Motherboard | None = None

    def note(self, kind: str, offset: int, word: int) -> None:
        self.accesses.append((kind, offset, word))
        if self.board is None or not self.meddling:
            return
        self.instructions.append(self.board.stats().instructions)
        action, register, value = self.meddling.get(len(self.accesses), ("", 0, 0))
        if action == "stop":
            self.board.stop()
        elif action == "set":
            self.board.cpu.regs[register] = value
        elif action == "reset":
            self.board.cpu.reset()
        elif action == "halt":
            self.board.cpu.halted = bool(value & 1)
        elif action == "fail":
            self.board.cpu.regs[register] = value
            raise MeddlingError

    def metadata(self) -> Metadata:
        return Metadata(7, PORT_SIZE, 0xFFFF_FFFF, 0)

    def read(self, offset: int) -> int:
        self.note("read", offset, 0)
        if offset == 12:
            raise HardwareError(0x20, 5)
        return (len(self.accesses) * 0x9E37_79B9 + offset) & 0xFFFF_FFFF

    def write(self, offset: int, word: int) -> None:
        self.note("write", offset, word)
        if offset == 16:
            raise HardwareError(0x30)

    def reset(self) -> None:
        self.note("reset", 0, 0)


@dataclass
class Case:
    """Everything that determines a run."""

    program: list[int]
    rom_size: int
    ram_size: int
    ram: list[int]
    regs: list[int]
    budget: int
    slices: list[int]
    breakpoints: list[int] = field(default_factory=list)
    meddling: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    """What the port does to the board, by the number of the access."""


@dataclass
class Outcome:
    """Everything that can be seen after a run."""

    regs: list[int]
    cycles: int
    halted: bool
    ram: bytes
    accesses: list[tuple[str, int, int]]
    last: tuple[str, int, int]
    instructions: list[int] = field(default_factory=list)
    """As the statistics of a board tell: in accesses to the port, and in the end."""


def random_case(rng: random.Random) -> Case:
    """A machine whose program is mostly meaningful and sometimes noise."""
    paged = rng.random() < 0.35
    rom_size = PAGED_ROM if paged else rng.choice(ROM_SIZES)
    ram_size = PAGED_RAM if paged else rng.choice(RAM_SIZES)
    top = rom_size + ram_size + PORT_SIZE
    length = min(rom_size // 4, rng.choice((2, 6, 12, 24, 40)))
    program = [_random_word(rng, length, top) for _ in range(length)]
    ram = [_random_value(rng, top, program) for _ in range(rng.randrange(ram_size // 4 + 1))]
    regs = [_random_value(rng, top, program) for _ in range(32)]
    regs[Reg.PC] = 0 if rng.random() < 0.8 else rng.randrange(0, top, 4)
    regs[Reg.AF] = rng.randrange(256) if rng.random() < 0.3 else 0
    regs[Reg.SMT] = int(rng.random() < 0.7)
    regs[Reg.MTT] = 0
    regs[Reg.EV] = rng.randrange(0, 4 * length, 4) if rng.random() < 0.8 else regs[Reg.EV]
    for stack in (Reg.SSP, Reg.USP):
        if rng.random() < 0.8:
            regs[stack] = rom_size + rng.randrange(0, ram_size, 4)
    if paged:
        _add_page_tables(rng, ram, regs)
    budget = rng.choice((1, 2, 5, 20, 100, 400))
    slices = [rng.choice((0, 1, 2, 3, 4, 5, 7, 13, 50)) for _ in range(40)]
    breakpoints = (
        [rng.randrange(0, 4 * length, 4) for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.2
        else []
    )
    return Case(program, rom_size, ram_size, ram, regs, budget, slices, breakpoints)


def meddling_case(rng: random.Random) -> Case:
    """The same with a port that does things to the board, and a program that meets it often."""
    case = random_case(rng)
    case.budget = rng.choice((20, 100, 400))
    top = case.rom_size + case.ram_size + PORT_SIZE
    for access in range(1, 100):
        if rng.random() < 0.15:
            action = rng.choice(("stop", "set", "set", "set", "reset", "halt", "fail"))
            value = _random_value(rng, top, case.program)
            case.meddling[access] = action, rng.choice((*range(32), Reg.PC, Reg.PC)), value
    accesses = (Op.LSA, Op.LEA, Op.WSA, Op.WEA, Op.SRM, Op.PUSH, Op.POP)
    for at in range(len(case.program)):
        if rng.random() < 0.6:
            operands = int.from_bytes(bytes(rng.randrange(Reg.PC) for _ in range(3)))
            case.program[at] = rng.choice(accesses) << 27 | 0x0700_0000 | operands
    for register in (*range(Reg.PC), Reg.SSP, Reg.USP):
        if rng.random() < 0.5:
            case.regs[register] = case.rom_size + case.ram_size + rng.randrange(0, PORT_SIZE, 4)
        elif rng.random() < 0.5 and register < Reg.PC:
            case.regs[register] = 0
    return case


def _random_value(rng: random.Random, top: int, program: list[int]) -> int:
    kind = rng.random()
    if kind < 0.35:
        return rng.randrange(0, top, 4)
    if kind < 0.55:
        return rng.choice(EDGE_WORDS)
    if kind < 0.65:
        return rng.choice(program)
    if kind < 0.85:
        return rng.randrange(256)
    return rng.randrange(1 << 32)


def _random_word(rng: random.Random, length: int, top: int) -> int:
    if rng.random() < 0.04:
        return rng.randrange(1 << 32)
    row = rng.choice(INSTRUCTIONS)
    if row.mnemonic in ("halt", "reset") and rng.random() < 0.7:
        row = rng.choice(INSTRUCTIONS)
    if rng.random() < 0.15:
        return _loop_word(rng, length)
    return _instruction_word(rng, row, length, top)


def _loop_word(rng: random.Random, length: int) -> int:
    """Words of the sequences that the kernel has superinstructions for, so that they meet often."""
    r = rng.randrange(3)
    return rng.choice(
        (
            0x0C16_0000 | 4 * rng.randrange(length),  # jp
            0x1C00_0001 | r << 16,  # inc
            rng.choice((0x1C, 0x24, 0x4C)) << 24 | r << 16 | rng.randrange(1 << 16),  # add sub bor
            0x0C00_0000 | r << 16 | rng.randrange(1 << 16),  # cpy
            0x5C00_0000 | r << 16 | rng.choice((0, 1, 16, 24, 31, 32)) << 8,  # shl
            0x6C00_0000 | r << 16 | rng.randrange(4),  # cmp
            0x6E00_0000 | r << 16 | rng.randrange(3) << 8,  # cmp of registers
            0x8800_0000 | rng.randrange(2) << 16,  # if
            0x9000_0000 | rng.randrange(2) << 16,  # ifn
            0x9800_0100 | rng.choice((1, 4)),  # ifle, ifgt
        )
    )


def _instruction_word(rng: random.Random, row: Instruction, length: int, top: int) -> int:
    word = row.opcode << 27
    shift = 24
    for position, operand in enumerate(row.operands):
        size = 8 * operand.kind.size
        shift -= size
        register = operand.kind is Kind.REG or rng.random() < 0.6
        if register:
            code = rng.randrange(24) if rng.random() < 0.9 else rng.randrange(36)
            raw = code << (size - 8)
            word |= 1 << (26 - position)
        elif operand.constants in ("flag", "condition"):
            raw = rng.randrange(8)
        elif row.jumps or rng.random() < 0.3:
            raw = 4 * rng.randrange(length)
        else:
            raw = rng.choice((rng.randrange(256), rng.randrange(top), rng.randrange(1 << 16)))
        word |= (raw & ((1 << size) - 1)) << shift
    return word


def _add_page_tables(rng: random.Random, ram: list[int], regs: list[int]) -> None:
    """Turn the MMU on, with a table and a directory in the RAM, or a directory in the port.

    The table stands at the RAM's start, address 16384, which is table number 1.
    """
    ram.extend([0] * (PAGED_RAM // 4 - len(ram)))
    pages = (PAGED_ROM + PAGED_RAM) // 1024

    def entry(number: int) -> int:
        kind = rng.random()
        rights = 0x3F if kind < 0.75 else 0xC0 if kind < 0.85 else rng.randrange(256)
        return rights << 24 | number

    for page in range(pages + 2):
        identity = rng.random() < (0.8 if page < 2 else 0.5)
        ram[page] = entry(page if identity else rng.randrange(pages + 1))
    directory = PAGED_RAM // 8
    for k in range(4):
        ram[directory + k] = entry(1)
    regs[Reg.PDA] = PAGED_ROM + 4 * directory
    if rng.random() < 0.05:
        regs[Reg.PDA] = PAGED_ROM + PAGED_RAM + 4 * rng.randrange(4)
    regs[Reg.MTT] = 1


def build(case: Case, engine: EngineChoice) -> tuple[Motherboard, Ram, Port]:
    """The case's machine, before its first instruction."""
    ram, port = Ram(case.ram_size, hw_id=2), Port()
    board = Motherboard([BootRom(case.program, size=case.rom_size), ram, port], engine=engine)
    board.map_contiguous(0)
    board.reset()
    ram.words[: len(case.ram)] = case.ram
    board.cpu.regs[:] = case.regs
    port.accesses.clear()
    port.board, port.meddling = board, case.meddling
    return board, ram, port


def run(case: Case, engine: EngineChoice, *, sliced: bool = False) -> Outcome:
    """Run a case at once, or in its slices; breakpoints are run over and counted as stops."""
    board, ram, port = build(case, engine)
    board.breakpoints = frozenset(case.breakpoints)
    left = case.budget
    slices = list(case.slices) if sliced else []
    for _ in range(MOST_STOPS):
        piece = min(left, slices.pop(0)) if slices else left
        before = board.cpu.cycles
        stop = None
        try:
            stop = board.run(max_cycles=piece)
        except MeddlingError:
            left -= max(board.cpu.cycles - before, 0)
            continue
        left -= stop.attempted
        if left <= 0 or board.cpu.halted:
            break
    return outcome_of(board, ram, port, stop)


def outcome_of(board: Motherboard, ram: Ram, port: Port, stop: Stop | None) -> Outcome:
    """What can be seen of a machine."""
    return Outcome(
        regs=list(board.cpu.regs),
        cycles=board.cpu.cycles,
        instructions=[*port.instructions, board.stats().instructions],
        halted=board.cpu.halted,
        ram=ram.words.tobytes(),
        accesses=list(port.accesses),
        last=(str(stop.reason), stop.pc, stop.address) if stop else ("failed", 0, 0),
    )
