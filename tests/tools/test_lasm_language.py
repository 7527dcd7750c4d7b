"""The language's core, rule by rule: comments, names, numbers, strings, data, functions."""

from __future__ import annotations

import pytest

from lrvm_tools.lasm import AssemblyError, assemble_program


def assembled(source: str) -> str:
    return assemble_program(source).bytes.hex()


def value(expression: str) -> int:
    return assemble_program(f"v = {expression}").symbols["v"]


def refusal(source: str) -> str:
    with pytest.raises(AssemblyError) as caught:
        assemble_program(source)
    return str(caught.value)


class TestLayoutOfTheText:
    def test_comments(self) -> None:
        source = "halt ; one\n;* two\nlines *; halt ;* ;* nested *; *;\n; halt\nhalt;"
        assert assembled(source) == "f0000000" * 3

    def test_block_comment_hides_line_ends(self) -> None:
        assert assembled("cpy a0, ;* and\n on *; 1") == "0c000001"

    def test_semicolon_in_a_string_is_no_comment(self) -> None:
        assert assembled('#d "a;b"') == b"a;b".hex()

    def test_mnemonics_registers_constants_and_directives_ignore_case(self) -> None:
        assert assembled("If zF\nCPY A0, A1\n#D8 1\nhwd a0, 1, hwd_Map_End") == (
            "880000000e00010001e40001a2"
        )

    def test_labels_do_not_ignore_case(self) -> None:
        assert assembled("x: halt\nX: jp x\njp X") == "f00000000c1600000c160004"

    def test_spacing_is_free(self) -> None:
        assert assembled("add a0,1\n\tadd\ta0 ,\t1  \r\nx  : jp x") == ("1c0000011c0000010c160008")

    def test_line_ends_of_windows(self) -> None:
        assert assembled("halt\r\nhalt\r\n") == "f0000000" * 2

    def test_expressions_of_directives_go_on_in_brackets_and_after_operators(self) -> None:
        assert assembled("v = (1 +\n 2\n) *\n 2\n#d8 v, le(\n 0x01\n)") == "0601"

    def test_byte_order_mark_is_skipped(self) -> None:
        assert assembled("\ufeffhalt") == "f0000000"


class TestNames:
    def test_local_labels_belong_to_the_last_label(self) -> None:
        source = "x:\n.a: jp .a\n..b: jp ..b\njp x.a.b\ny:\n.a: jp .a\njp x.a"
        assert assembled(source) == "0c160000 0c160004 0c160004 0c16000c 0c160000".replace(" ", "")

    def test_constant_between_a_label_and_its_local_labels_changes_nothing(self) -> None:
        source = "x:\nk = 1\n.a: jp .a\nj = 2\njp .a\njp x.a"
        assert assembled(source) == "0c160000" * 3

    def test_global_constant_opens_a_scope_for_local_constants(self) -> None:
        source = "one = 1\n.size = 4\n..deep = 6\ntwo = 2\n.size = 8\n"
        source += "#d8 one.size, two.size, .size, one.size.deep"
        assert assembled(source) == "04080806"

    def test_names_may_be_used_before_their_definition(self) -> None:
        source = "cpy a0, end.k\njp end\nend:\n.k = v + 1\nv = 2"
        assert assembled(source) == "0c0000030c160008"

    def test_label_may_be_called_like_a_register_or_an_instruction(self) -> None:
        assert assembled("halt: a0: jp halt\njp a0 + 0") == "0c160000" * 2

    def test_whole_operand_that_names_a_register_is_the_register(self) -> None:
        assert assembled("a0: jp a0") == "0e160000"

    def test_own_symbol_wins_over_named_constant(self) -> None:
        assert assembled("cpy a0, CF\ncpy a0, cf") == "0c000001" * 2
        assert assembled("CF = 5\ncpy a0, CF\ncpy a0, cf") == "0c0000050c000001"

    def test_named_constants_stand_anywhere_in_expressions(self) -> None:
        assert assembled("cpy a0, HWD_NAME_W8 + 1\n#d8 DIV_SIG | DIV_ZRO_MAX") == "0c0000191c"

    def test_name_of_the_program_counter_in_an_expression_is_the_address(self) -> None:
        assert assembled("halt\ncpy a0, pc + 8") == "f00000000c00000c"


class TestNumbers:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("10", 10),
            ("0x1F", 31),
            ("$1f", 31),
            ("$F0", 0xF0),
            ("$dead_beef", 0xDEADBEEF),
            ("0b1010", 10),
            ("%1010", 10),
            ("0o17", 15),
            ("1_000_000", 1000000),
            ("0x1_0", 16),
            ("007", 7),
        ],
    )
    def test_forms(self, written: str, expected: int) -> None:
        assert value(written) == expected

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("7 % 4", 3),
            ("7%4", 3),
            ("7 %11", 7),
            ("7 % %11", 1),
            ("x%11", 7),
            ("(7)%4", 3),
            ("0x7[3:0]%4", 3),
            ("2 + $10", 18),
            ("-%11", -3),
        ],
    )
    def test_percent_and_dollar_after_a_value(self, written: str, expected: int) -> None:
        assert assemble_program(f"x = 7\nv = {written}").symbols["v"] == expected

    def test_number_right_after_a_mnemonic(self) -> None:
        assert assembled("jp $10\npush %101\n#d8 $7f, %1") == "0c160010c80005007f01"

    def test_dollar_is_the_current_address(self) -> None:
        source = "halt\ncpy a0, $\ncpy a0, $ + 4\n#d8 $, $ - 12, 16 % $"
        assert assembled(source) == "f00000000c0000040c00000c0c0102"

    def test_limit(self) -> None:
        assert value("1 << 65536") == 1 << 65536
        assert value("-(1 << 65536)") == -(1 << 65536)
        assert "too large" in refusal("v = (1 << 65536) + 1")
        assert "too large" in refusal("v = 1 << 65537")
        assert "too large" in refusal("v = " + "9" * 20000)
        assert value("9" * 19000) == int("9" * 4000) * 10**15000 + int("9" * 4000) * 10**11000 + (
            int("9" * 4000) * 10**7000 + int("9" * 4000) * 10**3000 + int("9" * 3000)
        )


class TestStrings:
    def test_string_is_a_big_endian_number(self) -> None:
        assert value('"AB"') == 0x4142
        assert value('"é"') == 0xC3A9
        assert value('""') == 0

    def test_escapes(self) -> None:
        source = r'#d "\n\r\t\0\\\"' + r"\'" + r'\x41\u{e9}\u{1F600}"'
        assert assembled(source) == ("\n\r\t\0\\\"'A\u00e9\U0001f600".encode()).hex()

    def test_string_may_span_lines(self) -> None:
        assert assembled('#d "a\nb", "c"') == b"a\nbc".hex()

    @pytest.mark.parametrize(
        "escape", [r"\q", r"\x4", r"\x80", r"\u{110000}", r"\u{D800}", r"\u41"]
    )
    def test_malformed_escape(self, escape: str) -> None:
        assert "invalid escape" in refusal(f'#d "ab{escape}"')


class TestData:
    def test_sizes_of_values(self) -> None:
        source = '#d 0x001, 0b1, %111, 0o7, $f, "a", 5`4, 0x12[7:4], 0x1 @ 0b1111, le(0x1234)'
        bits = "00000000000111111111111011000010101000100011111"
        bits += "0011010000010010"
        padded = bits + "0" * (-len(bits) % 8)
        assert assembled(source) == f"{int(padded, 2):0{len(padded) // 4}x}"

    @pytest.mark.parametrize("expression", ["10", "1 + 0x2", "-0x1", "x", "1 == 1", "strlen(0)"])
    def test_value_without_size(self, expression: str) -> None:
        assert refusal(f"x: #d {expression}")

    def test_constant_keeps_its_size(self) -> None:
        assert assembled("v = 0x0010\n#d v, v`8") == "001010"

    def test_choice_keeps_the_size_of_what_it_chooses(self) -> None:
        assert assembled("#d 1 == 1 ? 0x01 : 0x0002, 1 == 2 ? 0x01 : 0x0002") == "010002"

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("#d8 -1, -128, 255", "ff80ff"),
            ("#d16 -2", "fffe"),
            ("#d32 -3, 1", "fffffffd00000001"),
            ("#d64 1 << 63", "8000000000000000"),
            ("#d24 0x010203", "010203"),
            ("#d1 1, 0, 1, 0, 1, 0, 1, 0", "aa"),
            ('#d32 "ab"', "00006162"),
            ("#d12 0xabc, 0xdef", "abcdef"),
            ("#d8 1, 2,", "0102"),
        ],
    )
    def test_widths(self, source: str, expected: str) -> None:
        assert assembled(source) == expected

    @pytest.mark.parametrize(
        "source", ["#d8 256", "#d8 -129", "#d8 0x012", '#d8 "ab"', "#d16 1 << 16", "#d4 0x00"]
    )
    def test_value_wider_than_the_directive(self, source: str) -> None:
        assert refusal(source)


class TestFunctions:
    @pytest.mark.parametrize(
        ("expression", "expected"),
        [
            ('utf8("é")', "c3a9"),
            ('ascii("aé€")', "61e900"),
            ('utf16be("aé")', "006100e9"),
            ('utf16le("a")', "6100"),
            ('utf32be("a")', "00000061"),
            ("le(0x123456)", "563412"),
            ("le(1`16)", "0100"),
            ('le("ab")', "6261"),
        ],
    )
    def test_data_from_built_in_functions(self, expression: str, expected: str) -> None:
        assert assembled(f"#d {expression}") == expected

    def test_lengths(self) -> None:
        assert value('strlen("aé")') == 3
        assert value("sizeof(0x00123)") == 20
        assert value('sizeof(utf16be("ab"))') == 32

    def test_assert(self) -> None:
        assert value('{ assert(1 < 2), assert(2 > 1, "no"), 7 }') == 7
        assert "assertion failed: too big" in refusal('v = assert(1 > 2, "too big")')

    def test_user_functions(self) -> None:
        source = "#fn add(a, b) => a + twice(b)\n#fn twice(x) => x * 2\nv = add(1, 20)"
        assert assemble_program(source).symbols["v"] == 41

    def test_function_without_parameters_sees_the_place_of_its_call(self) -> None:
        source = "#fn next() => $ + 4\nx:\n.k = 3\ncpy a0, next()\ncpy a0, next()\n"
        source += "#fn local() => .k\ncpy a0, local()"
        assert assembled(source) == "0c0000040c0000080c000003"

    def test_parameters_hide_symbols(self) -> None:
        assert assemble_program("x = 1\n#fn f(x) => x\nv = f(5)").symbols["v"] == 5

    def test_recursion_that_ends(self) -> None:
        source = "#fn sum(n) => n == 0 ? 0 : n + sum(n - 1)\nv = sum(10)"
        assert assemble_program(source).symbols["v"] == 55

    def test_const_directive(self) -> None:
        assert assemble_program("#const a = 4\n#const .b = a + 1").symbols == {"a": 4, "a.b": 5}


class TestConditions:
    def test_arms(self) -> None:
        source = "#if v == 1 { #d8 1 }\n#elif v == 2\n{\n#d8 2\n}\n#else { #d8 3 }\nv = "
        assert [assembled(f"{source}{v}") for v in (1, 2, 3)] == ["01", "02", "03"]

    def test_nesting(self) -> None:
        source = "#if 1 == 1 {\n#if 2 == 1 { #d8 1 }\n#else {\n#if 3 == 3 { #d8 3 } }\n}"
        assert assembled(source) == "03"

    def test_conditions_may_need_what_other_conditions_define(self) -> None:
        source = "#if b == 2 { c = 3 }\n#if a == 1 { b = 2 }\na = 1\n#d8 c"
        assert assembled(source) == "03"

    def test_arm_not_taken_is_not_assembled(self) -> None:
        assert assembled("#if 1 == 2 {\nfoo bar, baz\ncpy a0, nowhere\nx: halt\n}\nx: halt") == (
            "f0000000"
        )

    def test_condition_must_be_a_boolean(self) -> None:
        assert "expected a boolean" in refusal("#if 1 { halt }")

    def test_assert_directive(self) -> None:
        assert assembled("x: halt\n#assert x == 0 && end == 4\nend:") == "f0000000"


class TestInstructionsOnALine:
    @pytest.mark.parametrize("source", ["halt halt", "x: cpy a0, 1 jp x", "cpy a0 a1"])
    def test_one_instruction_a_line(self, source: str) -> None:
        assert refusal(source)

    def test_several_labels_on_a_line(self) -> None:
        assert assembled("x: y: .z: jp y.z") == "0c160000"
