"""The assemblers: seconds for programs as compilers write them.

Wanted: 30,000 lines of LASM a second, 20,000 lines through the LRVM's rules in 2 s, 10,000 lines of
a 6502 program in 1.5 s.
"""

from __future__ import annotations

import random
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from lrvm_tools.customasm.assembler import assemble
from lrvm_tools.customasm.files import Files
from lrvm_tools.lasm import assemble_program

RULES = str(Path(__file__).parents[1] / "examples" / "instruction_sets" / "lrvm.asm")


def lrvm(lines: int) -> str:
    """A program of moves, arithmetic, memory and jumps, with a label every few lines."""
    chooser = random.Random(1)
    registers = [f"a{number}" for number in range(8)] + [f"rr{number}" for number in range(8)]
    blocks = lines // 10
    text: list[str] = []
    for block in range(blocks):
        one, two, three = chooser.sample(registers, 3)
        target = chooser.randrange(blocks) % 1600
        text += [
            f"block{block}:",
            f"cpy {one}, 0x{chooser.randrange(1 << 16):x}",
            f"shl {one}, {chooser.randrange(32)}",
            f"add {one}, {two}",
            f"lsa {two}, ssp, {chooser.randrange(64) * 4}",
            f"cmp {two}, {three}",
            "ifeq",
            f"jp block{target}",
            f"wsa ssp, {chooser.randrange(64) * 4}, {one}",
            f"cpy avr, block{target}[15:0]",
        ]
    return "\n".join(text) + "\n"


def mos6502(lines: int) -> str:
    chooser = random.Random(2)
    text = ['#include "<std>/cpu/6502.asm"', "#bankdef rom { addr = 0x8000, outp = 0 }"]
    for block in range(lines // 8):
        text += [
            f"block{block}:",
            f"lda #{chooser.randrange(256)}",
            f"sta 0x{chooser.randrange(256):02x}",
            f"ldx table{block},y",
            ".loop: dex",
            "bne .loop",
            f"jmp block{chooser.randrange(lines // 8)}",
            f"table{block}: #d8 {block % 256}",
        ]
    return "\n".join(text) + "\n"


def test_lasm(benchmark: BenchmarkFixture) -> None:
    """10,000 lines by the built-in table."""
    text = lrvm(10_000)
    assert len(benchmark(assemble_program, text).items) == 10_000


def test_rules_of_the_lrvm(benchmark: BenchmarkFixture) -> None:
    """20,000 lines by rules; the bytes are the table's."""
    text = lrvm(20_000)
    result = benchmark.pedantic(  # type: ignore[no-untyped-call]
        assemble, args=([(RULES, None), ("program.asm", text)], Files()), rounds=3
    )
    assert result.data == assemble_program(text).bytes


def test_6502(benchmark: BenchmarkFixture) -> None:
    """10,000 lines of a processor with long and short forms."""
    text = mos6502(10_000)
    result = benchmark.pedantic(  # type: ignore[no-untyped-call]
        assemble, args=([("program.asm", text)], Files()), rounds=3
    )
    assert result.length
