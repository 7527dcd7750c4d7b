"""Errors: each names its place, shows it, says what was expected, and helps where it can."""

from __future__ import annotations

import pytest

from lrvm_tools.lasm import AssemblyError, Diagnostic, assemble, assemble_program


def errors(source: str, path: str | None = "prog.lasm") -> tuple[Diagnostic, ...]:
    with pytest.raises(AssemblyError) as caught:
        assemble(source, path)
    return caught.value.diagnostics


def error(source: str) -> Diagnostic:
    (only,) = errors(source)
    return only


class TestText:
    def test_everything_is_shown(self) -> None:
        with pytest.raises(AssemblyError) as caught:
            assemble("loop: halt\n    jp lop ; back\n", "dir/prog.lasm")
        assert str(caught.value) == (
            "dir/prog.lasm:2:8: error: unknown symbol `lop`\n"
            "      jp lop ; back\n"
            "         ^^^\n"
            "hint: did you mean `loop`?"
        )

    def test_fields(self) -> None:
        found = error("loop: halt\n    jp lop")
        assert found == Diagnostic(
            "prog.lasm", 2, 8, 11, "unknown symbol `lop`", "did you mean `loop`?", "    jp lop"
        )

    def test_marks_stay_below_what_they_mark_behind_tabs(self) -> None:
        assert str(error("\tjp\tlop")).splitlines()[1:] == ["  \tjp\tlop", "  \t  \t^^^"]

    def test_long_lines_are_cut_around_the_mark(self) -> None:
        lines = str(error("#d8 " + "1," * 500 + "lop," + "1," * 500 + "1")).splitlines()
        assert len(lines[1]) < 130
        assert lines[1][lines[2].index("^") :].startswith("lop")
        assert lines[2].endswith("^^^")

    def test_characters_that_would_disturb_a_terminal_are_replaced(self) -> None:
        assert "\x1b" not in str(error("halt \x1b[31m"))

    def test_source_without_a_path(self) -> None:
        (found,) = errors("jp lop", None)
        assert str(found).startswith("<source>:1:4: error: ")

    def test_a_span_of_several_lines_is_marked_in_the_first(self) -> None:
        found = error("#d8 1, (1 ==\n 1)")
        assert (found.line, found.column, found.end_column) == (1, 9, 13)


class TestSeveral:
    def test_independent_errors_are_told_in_one_run(self) -> None:
        source = """start:
    cpyy a0, 1
    cpy a0, 65536
    jp strat
v = (1 + 2
    #bogus
    cpy a0, 1 / 0
    #assert 1 == 2
    #d "open
    cpy a0 a1
    halt 5
"""
        assert [(found.line, found.message.split(":")[0]) for found in errors(source)] == [
            (2, "unknown instruction `cpyy`"),
            (3, "operand `v` of `cpy` is 65536, outside 0..65535"),
            (4, "unknown symbol `strat`"),
            (5, "expected `)`, found the end of line"),
            (6, "unknown directive `#bogus`"),
            (7, "division by zero"),
            (8, "assertion failed"),
            (9, "unterminated string"),
            (10, "expected `,` or the end of the line, found `a1`"),
            (11, "`halt` takes no operands, 1 given"),
        ]

    @pytest.mark.parametrize(
        "source",
        [
            "x = (1 +\ncpy a0, x\ncpy a1, x",
            "x = 1 / 0\ncpy a0, x\ncpy a1, x + 1\ny = x\ncpy a0, y",
            "#fn f(x) => x +\ncpy a0, f(1)",
            "#fn f(x => x\ncpy a0, f(1)",
            "#if nothing == 1 { x: }\njp x",
            '#include "missing.lasm"\njp somewhere\ncpy a0, f(1)',
            "x: halt\nx: halt\njp x",
            "halt\nfoo\nend:\n#assert end == 8",
            "k = j\nj = k\ncpy a0, k\ncpy a0, j\nl = k",
            "#ruledef t {\n foo => 0x1\n { } }\nhalt",
        ],
    )
    def test_consequences_are_not_told(self, source: str) -> None:
        assert len(errors(source)) == 1

    def test_a_broken_line_costs_no_other(self) -> None:
        assert [found.line for found in errors("x =\nhalt 1\nx2 = )\nhalt 2")] == [1, 2, 3, 4]

    def test_very_many_are_counted(self) -> None:
        with pytest.raises(AssemblyError) as caught:
            assemble("halt 1\n" * 500)
        assert len(caught.value.diagnostics) == 100
        assert str(caught.value).endswith("and 400 more errors")

    def test_they_come_in_the_order_of_the_source(self) -> None:
        source = "jp later\n#if x\n}\nhalt 1\n)\n"
        lines = [found.line for found in errors(source)]
        assert lines == sorted(lines)


class TestSuggestions:
    @pytest.mark.parametrize(
        ("source", "wrong", "hint"),
        [
            ("main: jp mian", "unknown symbol `mian`", "did you mean `main`?"),
            ("Label: jp label", "unknown symbol `label`", "did you mean `Label`?"),
            ("x:\n.loop: jp .lopo", "unknown symbol `.lopo`", "did you mean `.loop`?"),
            ("x:\n.loop: jp x.lop", "unknown symbol `x.lop`", "did you mean `x.loop`?"),
            ("div a0, 5, DIV_SIGN", "unknown symbol `DIV_SIGN`", "did you mean `DIV_SIG`?"),
            ("cpy a0, rr9", "unknown symbol `rr9`", "did you mean `rr"),
            ("pushh a0", "unknown instruction `pushh`", "did you mean `push`?"),
            ("zero a0", "unknown instruction `zero`", "did you mean `zro`?"),
            ("#incldue 5", "unknown directive `#incldue`", "did you mean `#include`?"),
            ("cpy a0, strlne(5)", "unknown function `strlne`", "did you mean `strlen`?"),
            ("#fn twice(x) => x\ncpy a0, twic(5)", "unknown function `twic`", "`twice`?"),
            ("cpy ao, 5", "must be a register, not `ao`", "did you mean `a"),
        ],
    )
    def test_nearest_name(self, source: str, wrong: str, hint: str) -> None:
        found = error(source)
        assert wrong in found.message
        assert hint in found.hint

    def test_nothing_is_suggested_that_is_far_off(self) -> None:
        assert error("main: jp elsewhere").hint == ""

    def test_label_without_its_colon(self) -> None:
        assert error("start").hint == "a label has a colon: `start:`"

    def test_register_inside_an_expression(self) -> None:
        assert "`a1` is a register" in error("cpy a0, a1 + 4").hint

    def test_function_without_arguments(self) -> None:
        assert "`strlen` is a function" in error("cpy a0, strlen").hint

    def test_symbol_that_is_no_function(self) -> None:
        assert error("x: cpy a0, x(1)").message == "`x` is not a function"


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        # Definitions
        ("x: halt\nx: halt", (2, 1, 2), "duplicate label `x`"),
        ("x: halt\n.a: halt\n.a: halt", (3, 1, 3), "duplicate label `x.a`"),
        ("x = 1\nx = 2", (2, 1, 2), "duplicate constant `x`"),
        ("x: halt\n#fn x() => 1", (2, 5, 6), "duplicate name `x`"),
        ("#fn x() => 1\n#fn x() => 1", (2, 5, 6), "duplicate function `x`"),
        ("#fn le(x) => 1", (1, 5, 7), "`le` is a built-in function"),
        ("#fn x(a, a) => 1", (1, 10, 11), "duplicate parameter `a`"),
        (".a: halt", (1, 1, 3), "`.a` is local, but no global label comes before it"),
        ("x:\n...a: halt", (2, 1, 5), "`...a` is nested too deeply below `x`"),
        ("x: halt\nx.a: halt", (2, 1, 4), "`x.a` cannot be defined from outside"),
        ("asm: halt", (1, 1, 4), "`asm` is a reserved word"),
        ("k = j\nj = k", (1, 1, 2), "constants define each other: k -> j -> k"),
        ("k = k + 1", (1, 1, 2), "constants define each other: k -> k"),
        # Syntax
        ("cpy a0, (1 + 2", (1, 15, 16), "expected `)`, found the end of file"),
        ("cpy a0, (1 + 2\n", (1, 15, 16), "expected `)`, found the end of line"),
        ("cpy a0, ", (1, 9, 10), "expected an expression, found the end of file"),
        ("cpy a0, 1 +", (1, 12, 13), "expected an expression, found the end of file"),
        ("cpy a0, 1 2", (1, 11, 12), "expected `,` or the end of the line, found `2`"),
        ("#res 1 2", (1, 8, 9), "expected the end of the line, found `2`"),
        ("cpy a0, 1 ? 2", (1, 14, 15), "expected `:` and what holds otherwise"),
        ("cpy a0, 5[1]", (1, 12, 13), "expected `:` and the lowest bit"),
        ("cpy a0, 0x1G", (1, 9, 13), "malformed number: `G` is no hexadecimal digit"),
        ("cpy a0, 12a", (1, 9, 12), "malformed number: `a` is no decimal digit"),
        ("cpy a0, $12g", (1, 9, 13), "malformed number: `g` is no hexadecimal digit"),
        ("cpy a0, 0x", (1, 9, 11), "malformed number: expected hexadecimal digits"),
        ("cpy a0, % 1", (1, 9, 10), "expected an expression, found `%`"),
        ('#d "ab\nhalt', (1, 4, 7), "unterminated string"),
        ('#d "ab\n#d "cd"', (1, 4, 7), "unterminated string"),
        ('#d "a\\q"', (1, 6, 8), "invalid escape `\\q`"),
        ("cpy a0, 'A'", (1, 9, 12), "unexpected character `'`"),
        ("cpy a0, 1 ~ 2", (1, 11, 12), "unexpected character `~`"),
        ("halt ;* open", (1, 6, 8), "unterminated block comment"),
        ("#if 1 == 1 { halt", (1, 12, 13), "this `{` is never closed"),
        ("#if 1 == 1\nhalt", (2, 1, 5), "expected `{` and what the condition guards"),
        ("halt\n}", (2, 1, 2), "expected a label, an instruction or a directive, found `}`"),
        ("#else { halt }", (1, 1, 6), "`#else` without an `#if` before it"),
        ("#elif 1 == 1 { halt }", (1, 1, 6), "`#elif` without an `#if` before it"),
        ("#include file", (1, 10, 14), "expected a file name in double quotes, found `file`"),
        ("#fn f => 1", (1, 7, 9), "expected `(` and the parameters, found `=>`"),
        ("#", (1, 2, 3), "expected the name of a directive, found the end of file"),
        ("#bogus 1", (1, 1, 7), "unknown directive `#bogus`"),
        ("#bits 8", (1, 1, 6), "the directive `#bits` is not supported"),
        ("#d0 1", (1, 1, 4), "data is 1 to 65536 bits wide"),
        # Values
        ("jp .nowhere", (1, 4, 12), "unknown symbol `.nowhere`"),
        ("cpy a0, -1", (1, 9, 11), "operand `v` of `cpy` is -1, outside 0..65535"),
        ("#d8 300", (1, 5, 8), "300 is outside -128..255"),
        ("#d8 0x0012", (1, 5, 11), "the value has 16 bits, more than the 8 of `#d8`"),
        ('#d8 "abc"', (1, 5, 10), "the string has 24 bits, more than the 8 of `#d8`"),
        ("#d 10", (1, 4, 6), "the value has no definite size"),
        ("#res -1", (1, 6, 8), "-1 is outside 0..4294967295"),
        ("#align 0", (1, 8, 9), "0 is outside 1.."),
        ("#addr 1 == 1", (1, 7, 13), "expected an integer, found the boolean `true`"),
        ("#d4 1\ncpy a0, $", (2, 9, 10), "no address here: the position is 4 bits short"),
        ("#fn f(x) => x\ncpy a0, f()", (2, 9, 12), "`f` takes 1 argument, 0 given"),
        ("#fn f(x) => f(x)\ncpy a0, f(1)", (1, 13, 17), "`f` is called more than 64 deep"),
        # The program as a whole
        ("#assert 1 + 1 == 3", (1, 9, 19), "assertion failed"),
        ("halt\n#addr 2\nhalt", (3, 1, 5), "address 0x2 has output already"),
        ("#res 8\n#addr 4\nhalt", (3, 1, 5), "address 0x4 has output already"),
        ("#res x + 4\nx: halt", (2, 1, 2), "labels do not converge: `x` still moves"),
        ("x: #if x == 0 { halt }", (1, 8, 9), "`#if` cannot depend on an address"),
        ("#if $ == 0 { halt }", (1, 5, 6), "`#if` cannot depend on an address"),
        ("#addr 0x4000_0000\nhalt", (2, 1, 5), "the output would be 1073741828 bytes long"),
        ("#res 1 << 40", (1, 6, 13), "1099511627776 is outside 0..4294967295"),
        ("#addr 0xFFFFFFFF\nx: halt", (2, 1, 2), "does not fit into 32 bits"),
    ],
)
def test_place_and_message(source: str, place: tuple[int, int, int], message: str) -> None:
    found = errors(source)[0]
    assert (found.line, found.column, found.end_column) == place
    assert message in found.message


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("x: halt\nx: halt", "it is first defined at prog.lasm:1:1"),
        ("cpy a0, (1 + 2", "it closes the `(` at line 1, column 9"),
        ("cpy a0, // note", "comments start with `;`"),
        ("cpy a0, 'A'", "strings are written in double quotes"),
        ("#assert 1 + 1 == 3", "the left side is 2, the right side 3"),
        ("cpy a0, 1 ? 2 : 3", "compare it, as in `x != 0`"),
        ("halt\n#addr 2\nhalt", "it belongs to what starts at prog.lasm:1:1"),
        ("#fn f(x) => 1 / x\ncpy a0, f(0)", "in the call at prog.lasm:2:9"),
        ("#d 10", "`#d8`, `#d16` or `#d32` gives it one"),
        ("cpy a0, 70000", "a larger value needs a register"),
        ("wsa a0", "write `wsa addr, v` or `wsa addr, add, v`"),
    ],
)
def test_hints(source: str, hint: str) -> None:
    assert hint in error(source).hint


def test_nothing_comes_out_of_a_program_with_errors() -> None:
    with pytest.raises(AssemblyError):
        assemble_program("halt\njp nowhere\nhalt")
