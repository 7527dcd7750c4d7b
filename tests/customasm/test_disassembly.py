"""Disassembly by rules: what is printed gives the image back, and the rest is named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lrvm_jit.isa.codec import format_word
from lrvm_tools.customasm.assembler import assemble
from lrvm_tools.customasm.disassembly import disassemble, disassemble_file
from lrvm_tools.customasm.files import Files

EXAMPLES = Path(__file__).parents[2] / "examples" / "instruction_sets"

CASES = {
    "constants": ("nop => 0x12", "12", "nop"),
    "typed": ("ld {x: u8} => 0x1 @ x @ 0x2", "1ab2", "ld 0xab"),
    "signed": ("ld {x: s8} => 0x11 @ x", "11ff", "ld -0x1"),
    "slices": ("ld {x} => 0x1 @ x[11:8] @ x[7:0]", "1abc", "ld 0xabc"),
    "little endian": ("ld {x: u16} => 0x11 @ le(x)", "113412", "ld 0x1234"),
    "split": ("ld {x: u8} => x[3:0] @ 0x5 @ x[7:4] @ 0x6", "b5a6", "ld 0xab"),
    "twice": ("ld {x: u8} => x @ 0x5 @ x[3:0]", "ab5b", "ld 0xab"),
    "variables": ("ld {x: u8} => { y = x, 0x11 @ y }", "11ab", "ld 0xab"),
    "functions": ("ld {x: u8} => f(x)\n}\n#fn f(a) => 0x11 @ a\n#ruledef {", "11ab", "ld 0xab"),
    "sums": ("ld {x} => 0x11 @ (x + 1)`8", "1105", "ld 0x4"),
    "distances": ("nop => 0x00\njr {x} => 0x22 @ (x - $)`8", "0022ff", "nop\njr 0x0"),
    "nested": (
        "ld {r: reg},{x: reg} => 0x1 @ r @ x @ 0x0\n}\n#subruledef reg {\na => 0x1\nb => 0x2",
        "1120",
        "ld a,b",
    ),
    "nested sizes": (
        "ld {x: v} => x\n}\n#subruledef v {\n{x: u8} => 0x1 @ x @ 0x0\n#{x: u4} => 0x2 @ x",
        "1ab023",
        "ld 0xab\nld #0x3",
    ),
    "assertions": ("ld {x: u8} => { assert(x < 16), 0x11 @ x }", "110f1110", "ld 0xf"),
}


def listed(rules: str, image: str) -> tuple[list[str], list[int]]:
    result = assemble([("rules.asm", f"#ruledef {{\n{rules}\n}}\n")], Files())
    listing = disassemble(bytes.fromhex(image), result)
    return [line.strip() for line in listing.lines], listing.unknown


@pytest.mark.parametrize(("rules", "image", "text"), CASES.values(), ids=CASES)
def test_rules_read_backwards(rules: str, image: str, text: str) -> None:
    lines, unknown = listed(rules, image)
    if rules == CASES["assertions"][0]:
        # What the rule would refuse is no instruction.
        assert lines == ["ld 0xf", "#d8 0x11", "#d8 0x10"]
        assert unknown == [2, 3]
    else:
        assert (lines, unknown) == (text.split("\n"), [])


@pytest.mark.parametrize(
    "body",
    ["x == 0 ? 0x11 : 0x22", "(x * 3)`8", "asm { nop }", "(x & 15)`8", "strlen(x)`8"],
)
def test_rules_without_inverse_are_left_out(body: str) -> None:
    lines, unknown = listed(f"nop => 0x99\nld {{x}} => {body}", "1199")
    assert lines == ["#d8 0x11", "nop"]
    assert unknown == [0]


def test_recursive_rules_are_left_out() -> None:
    rules = "ld {x: l} => 0x1 @ x\n}\n#subruledef l {\n{a: u4} => a\n{a: u4},{b: l} => a @ b"
    lines, unknown = listed(rules, "12")
    assert (lines, unknown) == (["ld 0x2"], [])


def test_any_image_comes_back() -> None:
    rules = assemble([("6502.asm", '#include "<std>/cpu/6502.asm"')], Files())
    image = random.Random(5).randbytes(3000)
    listing = disassemble(image, rules)
    text = '#include "<std>/cpu/6502.asm"\n' + listing.text
    assert assemble([("again.asm", text)], Files()).data == image


def test_words_of_the_lrvm() -> None:
    path = str(EXAMPLES / "lrvm.asm")
    rules = assemble([(path, None)], Files())
    words = [random.Random(7).getrandbits(32) for _ in range(300)]
    image = b"".join(word.to_bytes(4, "big") for word in words)
    lines = iter(disassemble(image, rules).lines[1:])
    for word in words:
        # Words that are no instructions are told as bytes.
        if format_word(word).startswith("#d32"):
            data = b"".join(bytes([int(next(lines).split()[1], 16)]) for _ in range(4))
            assert data == word.to_bytes(4, "big")
        else:
            text = f"#bank lrvm\n{next(lines)}\n"
            assert assemble([(path, None), ("x", text)], Files()).data.hex() == f"{word:08x}"


def test_file(tmp_path: Path) -> None:
    (tmp_path / "rules.asm").write_text("#ruledef { nop => 0x12\n}\n")
    (tmp_path / "image.bin").write_bytes(b"\x12\x13")
    text, note = disassemble_file(
        str(tmp_path / "image.bin"), [str(tmp_path / "rules.asm")], {}, False
    )
    assert text == "    nop\n    #d8 0x13\n"
    assert note == "no rule explains what stands at 0x1"
