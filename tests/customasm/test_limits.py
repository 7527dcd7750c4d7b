"""Hostile and mistaken programs end soon, with an error that says what is wrong."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lrvm_tools.lasm import AssemblyError, assemble_program

NESTED = """#ruledef { t {x: a} => x
}
#subruledef a { ({x: b}) => x
 {v} => v`8
}
#subruledef b { ({x: a}) => x
 {v} => v`8
}
"""
LEFT = "#ruledef { t {x: a} => x\n}\n#subruledef a { {x: a}+{y: a} => x @ y\n {v: u8} => v\n}\n"
MANY = """#ruledef { t {x: a} => x
}
#subruledef a {
  x{y: a} => y @ 0x1
  x{z: a} => z @ 0x2
  x => 0x3
}
"""

HOSTILE = {
    "nested parentheses": (NESTED + "t " + "(" * 10 + "1" + ")" * 10, ""),
    "more nested parentheses": (NESTED + "t " + "(" * 40 + "1" + ")" * 40, ""),
    "unclosed parentheses": (NESTED + "t " + "(" * 60 + "1", "no match found"),
    "a thousand parentheses": (NESTED + "t " + "(" * 1000 + "1" + ")" * 1000, "no match found"),
    "left recursion": (LEFT + "t 1+2", "no match found"),
    "exponentially many ways": (MANY + "t " + "x" * 40, "no match found"),
    "a rule that assembles itself": ("#ruledef { a => asm { a }\n}\na", "failed to resolve"),
    "a rule that assembles itself twice": (
        "#ruledef { a => asm { a\n a }\n}\na",
        "failed to resolve",
    ),
    "blocks with labels in blocks with labels": (
        "#ruledef { r {n} => n == 0 ? 0x1 : asm { x: r {n} - 1\n y: r {n} - 1\n z: }\n}\nr 11",
        "evaluating the program takes too long",
    ),
    "a function that calls itself": ("#fn f(a) => f(a + 1)\n#d8 f(1)", "failed to resolve"),
    "a function that calls itself twice": (
        "#fn f(a) => a > 22 ? 1 : f(a + 1) + f(a + 1)\n#d64 f(0)",
        "evaluating the program takes too long",
    ),
    "huge numbers": ("#d8 (1 << 799999999) * (1 << 799999999)", "failed to resolve"),
    "huge powers": ("#d8 (1 << 700000000) / 3", "value out of range"),
    "huge decimal numbers": ("#d8 " + "9" * 1_000_000, "value is out of supported range"),
    "huge sizes": ("#d99999999999999 1", "value is out of supported range"),
    "huge gaps": ("#res 1 << 31\n#d8 1", "value is out of supported range"),
    "huge types": ("#ruledef { a {x: u9999999999999} => x\n}", "value is out of supported range"),
    "far banks": ("#bankdef a { outp = 1 << 60 }\n#d8 1", "value is out of supported range"),
    "filled banks": ("#bankdef a { outp = 0, size = 1 << 60, fill }", "value is out of supported"),
    "deep conditions": ("#if true {\n" * 2000, "nested more than"),
    "deep else": (
        "#if false {\n}" + " #elif false {\n}" * 2000,
        "nested more than",
    ),
    "deep prefixes": ("#d8 " + "-" * 10_000 + "1", "expression recursion depth"),
    "long chains": ("#d32 " + "1+" * 100_000 + "1", ""),
    "long chains of constants": (
        "".join(f"c{n} = c{n + 1} + 1\n" for n in range(3000)) + "c3000 = 1\n#d16 c0",
        "",
    ),
    "unclosed comment": (";*" * 10_000, ""),
    "unclosed string": ('#d "abc', "expected expression"),
    "unclosed block": ("#d8 { " * 40, "expected expression"),
    "zero bits": ("#bankdef a { bits = 0, outp = 0 }", "invalid bits per address"),
}


@pytest.mark.parametrize(("source", "message"), HOSTILE.values(), ids=HOSTILE)
def test_ends(source: str, message: str) -> None:
    if not message:
        assemble_program(source, instruction_set="rules")
        return
    with pytest.raises(AssemblyError) as caught:
        assemble_program(source, instruction_set="rules")
    assert message in str(caught.value)


def test_includes_that_multiply_end(tmp_path: Path) -> None:
    for level in range(20):
        include = f'#include "{level + 1}.asm"\n'
        (tmp_path / f"{level}.asm").write_text(2 * include)
    (tmp_path / "20.asm").write_text("#d8 1\n")
    main = tmp_path / "0.asm"
    with pytest.raises(AssemblyError, match="files are included"):
        assemble_program(main.read_text(), main, instruction_set="rules")


DIRECTIVES = "#d8 |#d |#ruledef |#subruledef r |#bankdef b |#bank b|#if |#else |#fn f|#res |#align "
OTHERS = (
    "#addr |#assert |#const |asm |ld |{x}|{x: u8}|{x: r}|{|}|(|)|[|]|=>|=|:|,|@|`|+|-|?|!|.|;*|*;"
)
VALUES = 'x|y|f|le|1|0x12|-1|"a"|$|\n|\n|\n| |true|outp = 0'
PIECES = [*DIRECTIVES.split("|"), *OTHERS.split("|"), *VALUES.split("|")]


def outcome(source: str) -> AssemblyError | None:
    """What is wrong with a text, if anything is."""
    try:
        assemble_program(source, instruction_set="rules")
    except AssemblyError as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(20))
def test_any_text_is_assembled_or_refused(seed: int) -> None:
    chooser = random.Random(seed)
    for _ in range(25):
        source = "".join(chooser.choice(PIECES) for _ in range(chooser.randint(1, 40)))
        error = outcome(source)
        assert error is None or (error.diagnostics and str(error))


def test_mutations_of_a_program() -> None:
    source = Path(__file__).parent / "language" / "rules.asm"
    lines = source.read_text().split("\n")
    chooser = random.Random(4)
    for _ in range(300):
        start = chooser.randrange(len(lines) - 12)
        text = list("\n".join(lines[start : start + 12]))
        for _ in range(3):
            text[chooser.randrange(len(text))] = chooser.choice('{}()[]=>,:@\n #";x1')
        error = outcome("".join(text))
        assert error is None or error.diagnostics
