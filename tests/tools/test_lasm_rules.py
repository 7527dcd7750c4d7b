"""LASM programs with rules, banks and `asm` blocks of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrvm_jit.isa import Reg, encode
from lrvm_tools.lasm import AssemblyError, assemble, assemble_program
from lrvm_tools.lasm.whole import assemble_whole

FAR = '#include "<std>/lrvm/far.lasm"\n'


def test_rules_beside_instructions() -> None:
    source = """
    #ruledef {
        load {v},{w} => asm {
            CPY a0, {v}
            add a0, {w}
        }
        word {v: u32} => v
    }
    start: load 5,start
    halt
    word 0x12345678
    """
    assert assemble(source).tolist() == [
        encode("cpy", Reg.A0, 5),
        encode("add", Reg.A0, 0),
        encode("halt"),
        0x12345678,
    ]


def test_a_known_mnemonic_with_other_operands_may_be_a_rule() -> None:
    source = "#ruledef { add {a},{b},{c} => (a + b + c)`32\n}\nadd 1,2,3\nadd a0, 1"
    assert assemble(source).tolist() == [6, encode("add", Reg.A0, 1)]


def test_built_in_instructions_win() -> None:
    source = "#ruledef { halt => 0x00000000\n}\nhalt"
    assert assemble(source).tolist() == [encode("halt")]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("7", [encode("cpy", Reg.A0, 7)]),
        ("0xffff", [encode("cpy", Reg.A0, 0xFFFF)]),
        (
            "0x12345678",
            [
                encode("cpy", Reg.A0, 0x1234),
                encode("shl", Reg.A0, 16),
                encode("bor", Reg.A0, 0x5678),
            ],
        ),
        (
            "-2",
            [
                encode("cpy", Reg.A0, 0xFFFF),
                encode("shl", Reg.A0, 16),
                encode("bor", Reg.A0, 0xFFFE),
            ],
        ),
    ],
)
def test_setw(value: str, words: list[int]) -> None:
    assert assemble(f"{FAR}setw a0, {value}").tolist() == words


@pytest.mark.parametrize(("name", "last"), [("farcall", "call"), ("farjp", "jp")])
def test_far(name: str, last: str) -> None:
    source = f"{FAR}{name} there\n#addr 0x54320\nthere: halt"
    assert assemble(source)[:4].tolist() == [
        encode("cpy", Reg.AVR, 5),
        encode("shl", Reg.AVR, 16),
        encode("bor", Reg.AVR, 0x4320),
        encode(last, Reg.AVR),
    ]


def test_too_large_literals_point_to_the_include() -> None:
    for line, macro in (
        ("call 0x12345", "farcall"),
        ("jp 65536", "farjp"),
        ("cpy a0, 65536", "setw"),
    ):
        with pytest.raises(AssemblyError) as caught:
            assemble(line)
        assert f'`{macro}` of `#include "<std>/lrvm/far.lasm"`' in caught.value.diagnostics[0].hint


LANGUAGE = {
    "labels are aligned": ("#d8 1\nx: #d32 x", [0x01000000, 4]),
    "local labels are aligned": ("y:\n#d8 1\n.x: #d32 .x", [0x01000000, 4]),
    "constants are not aligned": ("#d8 1\nx = 5\n#d24 x", [0x01000005]),
    "constants hide no local labels": ("x:\n.y: #d32 1\nk = 5\n#d32 .y, k", [1, 0, 5]),
    "percent after a value": ("#d32 7 %10, 7 %3", [7, 1]),
    "escaped quotes": ('#d "a\\"bc"', [0x61226263]),
    "slices follow each other": ("#d 0x12345678[15:0][7:0]`4[3:0] @ 0x0000000", [0x80000000]),
    "deep expressions": (f"#d32 {60 * '('}1{60 * ')'}", [1]),
    "constants from the last to the first": (
        "".join(f"c{n} = c{n + 1} + 1\n" for n in range(20)) + "c20 = x\n#d32 c0\nx:",
        [24],
    ),
    "strings have no sign": ('#d32 "é", utf8("é")', [0xC3A9, 0xC3A9]),
    "named constants": ("#d32 cmp_and, DIV_SIG", [2, 0x10]),
    "named constants can be hidden": ("CMP_AND = 9\n#d32 CMP_AND", [9]),
    "labels like registers": ("a0: #d32 7\n#d32 a0 + 1", [7, 1]),
    "instructions": ("IFEQ\nlsa rr0, a1 , 4", [encode("if", 0), encode("lsa", Reg.RR0, Reg.A1, 4)]),
}


@pytest.mark.parametrize(("source", "words"), LANGUAGE.values(), ids=LANGUAGE)
def test_the_language_stays_lasm(source: str, words: list[int]) -> None:
    # The same with a rule in it, which takes the long way, and without.
    long = "#ruledef { never_used => 0x1\n}\n" + source
    assert assemble(long).tolist() == words
    if "%" not in source:
        assert assemble(source).tolist() == words


def test_banks() -> None:
    source = """
    #bankdef rom { addr = 0, size = 0x100, outp = 0 }
    #bankdef ram { addr = 0x10000, size = 0x100 }
    buffer: #res 16
    end:
    #bank rom
    cpy a0, end[31:16]
    cpy a1, end[15:0]
    """
    assembly = assemble_program(source)
    assert assembly.words.tolist() == [encode("cpy", Reg.A0, 1), encode("cpy", Reg.A1, 16)]
    assert assembly.symbols == {"buffer": 0x10000, "end": 0x10010}
    assert [row[:3] for row in assembly.source_map] == [("rom", 0, 32), ("rom", 32, 32)]


def test_asm_blocks_without_rules() -> None:
    assert assemble("#d asm { halt }").tolist() == [encode("halt")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("add a0", "`add` takes 2 operands, 1 given"),
        ("add 5, a0", "must be a register"),
        ("addd a0, 5", "did you mean `add`?"),
        ("add a0, 65536", "is 65536, outside 0..65535"),
        ("twice 5", "the nearest rule is `twice {a},{b}`"),
        ("add a0, nothing", "unknown symbol `nothing`"),
        ("add a0, (1", "in the operands of `add`: expected `)`"),
    ],
)
def test_errors(line: str, message: str) -> None:
    source = f"#ruledef {{ twice {{a}},{{b}} => a`16 @ b`16\n}}\n{line}\n"
    with pytest.raises(AssemblyError) as caught:
        assemble(source)
    assert message in str(caught.value)
    assert caught.value.diagnostics[0].line == 3


def test_several_errors_are_told() -> None:
    source = "#ruledef { x => 0x1\n}\nadd a0, 65536\nadd a0, nothing\n#d8 256\nadd a0, 65537"
    with pytest.raises(AssemblyError) as caught:
        assemble(source)
    assert [found.line for found in caught.value.diagnostics] == [3, 4, 5, 6]


def test_files_out_of_reach(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.lasm").write_text("halt\n")
    source = '#ruledef { x => 0x1\n}\n#include "../secret.lasm"\n'
    with pytest.raises(AssemblyError, match="out of reach"):
        assemble(source, inner / "main.lasm")
    assert assemble(source, inner / "main.lasm", [tmp_path]).tolist() == [encode("halt")]


def test_files_of_include_paths(tmp_path: Path) -> None:
    (tmp_path / "macros.lasm").write_text("#ruledef { stop => asm { halt }\n}\n")
    source = '#include "macros.lasm"\nstop\n'
    assert assemble(source, None, [tmp_path]).tolist() == [encode("halt")]


def test_files_of_the_package_are_in_reach(tmp_path: Path) -> None:
    source = '#include "<std>/cpu/6502.asm"\n#d asm { lda #1 }\n'
    assert assemble_program(source, tmp_path / "main.lasm").bytes == b"\xa9\x01"
    with pytest.raises(AssemblyError, match="navigate out"):
        assemble('#include "<std>/../secret.lasm"\n', tmp_path / "main.lasm")


def test_unknown_instruction_set() -> None:
    with pytest.raises(ValueError, match="must be None or 'rules'"):
        assemble_program("halt", instruction_set="lrvm")  # type: ignore[arg-type]


VECTORS = Path(__file__).parents[1] / "data" / "lasm.jsonl"


def test_the_long_way_gives_the_same_bytes() -> None:
    # Programs with rules go through the rooms of CustomASM, all others do not.
    compared = 0
    for line in VECTORS.read_text().splitlines():
        row = json.loads(line)
        if "bytes" in row:
            assert assemble_whole(row["source"], None, ()).bytes.hex() == row["bytes"]
            compared += 1
    assert compared > 90


def test_a_lone_carriage_return_ends_a_line() -> None:
    source = "#ruledef { stop => asm { halt }\r}\rstop\rhalt"
    assert assemble(source).tolist() == [encode("halt")] * 2
