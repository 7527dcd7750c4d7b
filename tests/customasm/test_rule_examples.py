"""The instruction sets in `examples/`: the LRVM's as rules, and a small machine."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lrvm_jit.isa import ALIASES, INSTRUCTIONS, Reg
from lrvm_jit.isa.codec import literal_range
from lrvm_jit.isa.spellings import Param
from lrvm_jit.isa.table import Instruction, Kind, Operand
from lrvm_tools.customasm.assembler import assemble
from lrvm_tools.customasm.files import Files
from lrvm_tools.lasm import assemble_program, assemble_program_file

EXAMPLES = Path(__file__).parents[2] / "examples"
RULES = str(EXAMPLES / "instruction_sets" / "lrvm.asm")


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("**/*.lasm")), ids=lambda path: path.relative_to(EXAMPLES).stem
)
def test_rules_of_the_lrvm_give_the_bytes_of_the_table(path: Path) -> None:
    expected = assemble_program_file(path).bytes
    assert assemble([(RULES, None), (str(path), None)], Files()).data == expected


def operand(chooser: random.Random, row: Operand) -> str:
    if row.kind is Kind.REG or chooser.random() < 0.5:
        return str(chooser.choice(list(Reg)))
    low, high = literal_range(row)
    if row.constants == "flag":
        low, high = 0, 6
    elif row.constants == "condition":
        low, high = 1, 7
    number = chooser.choice((low, high, chooser.randint(low, high)))
    return chooser.choice(("{}", "0x{:x}", "0b{:b}", "({})", "{} + 0")).format(number)


def line(chooser: random.Random) -> str:
    """A line with any instruction, alias or shorter form."""
    row: Instruction = chooser.choice(INSTRUCTIONS)
    name, rows = row.mnemonic, list(row.operands)
    if chooser.random() < 0.3:
        alias = chooser.choice(ALIASES)
        row = next(each for each in INSTRUCTIONS if each.mnemonic == alias.instruction)
        taken = {
            item: operand
            for item, operand in zip(alias.operands, row.operands, strict=True)
            if isinstance(item, Param)
        }
        name, rows = alias.name, list(taken.values())
        if name == "zro":
            rows = rows[:1]
    elif name in ("div", "mod", "lsa", "lea", "wea", "wsa"):
        shortest = 1 if name in ("lea", "wea") else 2
        rows = rows[: chooser.randint(shortest, 3)]
        if name == "wsa" and len(rows) == 2:
            rows = [row.operands[0], row.operands[2]]
    if name == "zro":
        operands = [str(chooser.choice(list(Reg)))]
    else:
        operands = [operand(chooser, each) for each in rows]
    text = chooser.choice((",", ", ", " , ")).join(operands)
    name = chooser.choice((name, name.upper()))
    return f"{name} {text}".strip()


def test_random_lines() -> None:
    chooser = random.Random(11)
    lines = [line(chooser) for _ in range(10_000)]
    lines = [text.replace("(-", "(0-") for text in lines if "0b-" not in text and "0x-" not in text]
    assert len(lines) > 9_000
    source = "\n".join(lines)
    expected = assemble_program(source).bytes
    assert assemble([(RULES, None), ("lines.asm", source)], Files()).data == expected


def test_small_machine() -> None:
    # By hand from the comments in tiny8.asm: operation, registers, and a byte where one follows.
    folder = EXAMPLES / "instruction_sets"
    roots = [(str(folder / name), None) for name in ("tiny8.asm", "multiply.asm")]
    assert assemble(roots, Files()).data.hex() == (
        "200c"  # mov a, 12
        "240d"  # mov b, 13
        "2800"  # mov c, 0
        "a0"  # shr a
        "f1"  # jump.nc .skip, as jr: to 9 from 8
        "79"  # add c, b
        "a5"  # shl b
        "1c"  # mov d, a
        "8c00"  # add d, 0
        "b206"  # jump.nz .next, as jp: 6 is too far
        "6812"  # st [product], c
        "0f"  # halt
        "00"
    )


def test_subset_of_the_6502() -> None:
    # Bytes from the processor's data sheet.
    source = """#include "<std>/cpu/6502.asm"
#bankdef rom { addr = 0xc000, outp = 0 }
reset:  sei             ; 78
        cld             ; d8
        ldx #0xff       ; a2 ff
        txs             ; 9a
        inx             ; e8
.clear: lda #-1         ; a9 ff
        sta 0x00,x      ; 95 00
        sta 0x0200,x    ; 9d 00 02
        sta <0x10       ; 85 10
        inx             ; e8
        bne .clear      ; d0 f4
        lda (0x20),y    ; b1 20
        ora (0x20,x)    ; 01 20
        jmp (0xfffc)    ; 6c fc ff
        ldx 0x10,y      ; b6 10
        asl             ; 0a
        ror a           ; 6a
        jsr later       ; 20 21 c0
        rts             ; 60
later:  brk             ; 00
"""
    expected = "".join(part.split(";")[1] for part in source.split("\n")[2:] if ";" in part)
    data = assemble([("rom.asm", source)], Files()).data
    assert data.hex(" ") == " ".join(expected.split())


def test_branches_of_the_6502_reach_128_bytes_back() -> None:
    text = '#include "<std>/cpu/6502.asm"\nx:\n#res {}\nbne x\n'
    assert assemble([("near.asm", text.format(126))], Files()).data[-1] == 0x80
    with pytest.raises(Exception, match="failed to resolve instruction"):
        assemble([("far.asm", text.format(127))], Files())
