"""Whatever the input: assembled or refused with diagnostics, never a traceback or a hang."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit.isa import CONSTANTS
from lrvm_tools.customasm import diagnostics
from lrvm_tools.lasm import AssemblyError, assemble_program, evaluate, layout, limits
from lrvm_tools.lasm.functions import BUILT_INS
from lrvm_tools.lasm.instructions import FORMS, REGISTERS
from lrvm_tools.lasm.limits import DIAGNOSTICS


def refusal(source: str) -> str:
    with pytest.raises(AssemblyError) as caught:
        assemble_program(source)
    return str(caught.value)


def assembles_or_is_refused(source: str) -> None:
    refused = None
    try:
        assemble_program(source)
    except AssemblyError as error:
        refused = error
    # Any other exception fails the test by itself.
    assert refused is None or (refused.diagnostics and str(refused))


@pytest.mark.parametrize(
    "source",
    [
        "cpy a0, " + "(" * 50_000 + "1" + ")" * 50_000,
        "cpy a0, " + "1 + (" * 10_000,
        "cpy a0, x" + "[x" * 10_000,
        "cpy a0, " + "le(" * 10_000,
        "x = " + "{" * 10_000,
        "cpy a0, " + "1 == 2 ? 1 == 2 ? " * 10_000,
    ],
    ids=lambda source: source[:20],
)
def test_deep_nesting(source: str) -> None:
    assert "the expression is nested too deeply" in refusal(source)


def test_nesting_that_programs_need() -> None:
    depth = 90
    source = "cpy a0, " + "(" * depth + "1" + ")" * depth
    assert assemble_program(source).bytes.hex() == "0c000001"


def test_little_room_on_the_stack() -> None:
    def call(depth: int) -> None:
        if depth:
            call(depth - 1)
        else:
            assembles_or_is_refused(f"cpy a0, {'(' * 90}1{')' * 90}")

    used = len(inspect.stack())
    for room in (300, 200, 150):
        call(sys.getrecursionlimit() - used - room)


@pytest.mark.parametrize(
    "expression",
    [
        "0" + " + 0" * 20_000,
        "-" * 20_000 + "0",
        "!" * 20_000 + "0",
        "0" + "`8" * 20_000,
        "1 == 2 ? 1 : " * 5_000 + "0",
    ],
    ids=lambda expression: expression[:12],
)
def test_long_chains_are_no_deep_nesting(expression: str) -> None:
    assert assemble_program(f"cpy a0, {expression}").bytes.hex() == "0c000000"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cpy a0, 1 << 1000000000", "too large"),
        ("cpy a0, 1 << (1 << 65536)", "too large"),
        ("#d 0x1`(1 << 60)", "too large"),
        ("#d " + "@".join(["0x1"] * 20_000), "too large"),
        ("cpy a0, 0x" + "f" * 1_000_000, "too large"),
        ("cpy a0, " + "9" * 1_000_000, "too large"),
        ("a0 = 3\n" + "".join(f"c{n} = a0 * c{n + 1} * c{n + 1}\n" for n in range(40)), "unknown"),
        ("\n".join(f"d{n} = d{n + 1} * d{n + 1}" for n in range(40)) + "\nd40 = 3", "too large"),
        ("#res 1 << 62", "outside 0.."),
        ("#res 0xF000_0000\nhalt", "the output would be"),
        ("#addr 0xFFFF_FFFF\nhalt", "does not fit into 32 bits"),
        ("#d99999999999999999999 1", "1 to 65536 bits wide"),
        ("#d65536 1\n" * 9_000, "the output would be"),
    ],
    ids=lambda text: text[:24],
)
def test_huge_values(source: str, message: str) -> None:
    assert message in refusal(source)


def test_shifting_everything_out_is_nothing() -> None:
    assert assemble_program("cpy a0, 1 >> (1 << 65536)").bytes.hex() == "0c000000"


def test_endless_recursion() -> None:
    assert "called more than 64 deep" in refusal("#fn f(x) => f(x + 1)\ncpy a0, f(0)")


def test_exponential_recursion() -> None:
    functions = "".join(f"#fn f{n}(x) => f{n + 1}(x) + f{n + 1}(x)\n" for n in range(60))
    text = refusal(f"{functions}#fn f60(x) => x\ncpy a0, f0(0)\ncpy a0, f0(1)")
    assert text.count("evaluating the program takes too long") == 1


@pytest.mark.parametrize("order", [1, -1])
def test_long_chains_of_constants(order: int) -> None:
    lines = [f"k{n} = k{n + 1} + 1" for n in range(3_000)] + ["k3000 = 0"]
    source = "\n".join(lines[::order])
    assert assemble_program(source).symbols["k0"] == 3_000


def test_long_cycle_of_constants_is_one_error() -> None:
    source = "\n".join(f"k{n} = k{(n + 1) % 3_000}" for n in range(3_000))
    text = refusal(source)
    assert text.count("error:") == 1
    assert "k0 -> k1 -> k2 -> ... -> k2998 -> k2999 -> k0" in text


def test_nested_conditions() -> None:
    assert "`#if` is nested more than 64 deep" in refusal("#if 1 == 1 {\n" * 3_000 + "}\n" * 3_000)
    source = "#if 1 == 1 {\n" * 60 + "halt\n" + "}\n" * 60
    assert assemble_program(source).bytes.hex() == "f0000000"


def test_many_unknown_names_are_told_quickly() -> None:
    source = "".join(f"label_number_{n}:\n jp label_numbr_{n}\n" for n in range(1_000))
    assert "did you mean `label_number_0`?" in refusal(source)


@pytest.mark.parametrize(
    "source",
    [
        "\0\x01\x7f",
        "halt \ud800",
        '#d "\ud800"',
        '#d "a\\',
        ";*" * 1_000,
        '"\n' * 1_000,
        "}" * 1_000,
        "{" * 1_000,
        "#" * 1_000,
        "." * 1_000,
        "x:" * 1_000,
        "#if" * 1_000,
        "#if 1 == 1 {" * 100,
        "#fn f(" * 100,
        "x = " * 100,
        ",",
        "\r\r\r",
        "#d8 " + "1," * 1_000,
        "a" * 100_000,
    ],
    ids=lambda source: repr(source[:12]),
)
def test_nonsense(source: str) -> None:
    assembles_or_is_refused(source)


WORDS = [
    *"()[]{}+-*/%&|^!?:.,=<>@#`$;\n\n\n\n",
    *("<<", ">>", "==", "!=", "<=", ">=", "&&", "||", "=>", ";*", "*;", '"', '"a"', "'", "\\"),
    *("x", "y", "x:", ".a:", "..b:", "x =", ".k =", "0", "1", "10", "0x10", "%101", "$1f", "0b1"),
    *("#d ", "#d8 ", "#d32 ", "#res ", "#align ", "#addr ", "#const ", "#if ", "#elif ", "#else "),
    *("#assert ", "#fn ", "#fn f(x) => ", "#once", '#include "x"', "f(", "true", "false", "asm"),
    *FORMS,
    *REGISTERS,
    *list(CONSTANTS)[:10],
    *BUILT_INS,
]


@given(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
def test_any_sequence_of_words(source: str) -> None:
    assembles_or_is_refused(source)


@given(st.text(max_size=200))
def test_any_text(source: str) -> None:
    assembles_or_is_refused(source)


@given(st.data())
def test_any_part_of_a_program(data: st.DataObject) -> None:
    program = """
start: cpy a0, message ; comment
.loop:
    lsa a1, a0, 4
    #if SIZE == 4 { jp .loop } #else { halt }
#fn twice(x) => { assert(x < 100), x * 2 }
message: #d "text\\n", 0x00, le(0x1234), twice(4)`8
SIZE = 2 + 2
#res (end - start)[3:0] ? 1 : 0
end:
"""
    first = data.draw(st.integers(0, len(program)))
    last = data.draw(st.integers(first, len(program)))
    assembles_or_is_refused(program[:first] + program[last:])


BIG = "0x" + "f" * 8000

WORK = {
    "calls": "#fn f(x) => x <= 0 ? 1 : f(x-1)+f(x-1)\n#d32 f(60)",
    "calls, all different": (
        "#fn f(x, y) => x <= 0 ? y : f(x-1, 2*y)+f(x-1, 2*y+1)\n#d32 f(60, 0)"
    ),
    "large numbers": f"x = {BIG}\ny = {BIG[:4000]}\n" + "#d8 (x / y)`8\n" * 500,
    "large numbers in calls": (
        f"x = {BIG}\n#fn f(n) => n <= 0 ? 0 : (f(n-1) + f(n-1) + x * x)`8\n#d8 f(60)"
    ),
    "long strings": (
        f's = "{"a" * 100_000}"\n#fn f(n) => n <= 0 ? 0 : f(n-1) + f(n-1) + sizeof(ascii(s))\n'
        "#d32 f(60)"
    ),
}


@pytest.mark.parametrize("source", WORK.values(), ids=WORK)
def test_work_is_limited(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a limit each of these takes minutes, or for ever."""
    monkeypatch.setattr(evaluate, "WORK", limits.WORK // 20)
    assert "evaluating the program takes too long" in refusal(source)


@pytest.mark.parametrize(
    "line", ["foo", "foo a0, 1", "#foo", "cpy ao, 1", "jp somewhere", "x = somewhere(1)"]
)
def test_hints_are_found_for_what_is_shown(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    nearest = diagnostics.nearest

    def counting(*given: Any) -> str | None:
        calls.append(given)
        return nearest(*given)

    monkeypatch.setattr(diagnostics, "nearest", counting)
    with pytest.raises(AssemblyError) as caught:
        assemble_program("".join(f"{line}\n".replace("x", f"x{k}") for k in range(1000)))
    assert 0 < len(calls) <= len(caught.value.diagnostics) == DIAGNOSTICS


def test_hints_in_large_programs() -> None:
    """However many names there are, few are compared, the likely ones."""
    names = [f"label_{number:05}" for number in range(9_000)]
    source = "".join(f"{name}:\n" for name in ("wanted", *names)) + "jp wnated\njp m" + "0" * 10
    text = refusal(source)
    assert "did you mean `wanted`?" in text


def test_passes_of_large_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "STATEMENT_VISITS", 30_000)
    labels = "".join(f"l{number}:\n" for number in range(1_000))
    text = refusal(f"#res 4 - end % 8\n{labels}end:\nhalt")
    assert f"still moves after {30_000 // 1_003} passes" in text
