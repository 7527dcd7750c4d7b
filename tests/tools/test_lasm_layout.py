"""Where things go: alignment, reserved space, addresses, and sizes that depend on addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_tools.lasm import AssemblyError, assemble_program


def assembled(source: str) -> str:
    return assemble_program(source).bytes.hex()


def symbols(source: str) -> dict[str, int]:
    return assemble_program(source).symbols


class TestAlignment:
    def test_labels_are_aligned_with_zeros(self) -> None:
        assert assembled("#d8 1\nx: #d8 2\ny: #d8 3") == "010000000200000003"

    def test_local_labels_are_aligned_too(self) -> None:
        assert symbols("x: #d8 1\n.a: #d8 2\n..b:") == {"x": 0, "x.a": 4, "x.a.b": 8}

    def test_constants_are_not(self) -> None:
        assert symbols('x: #d "hello"\nlength = $ - x\n.next = $\n#d8 0')["length"] == 5

    def test_bits_are_filled_up(self) -> None:
        assert assembled("#d4 1\nx: halt") == "10000000f0000000"

    @pytest.mark.parametrize(("bits", "zeros"), [(8, 0), (16, 1), (24, 2), (32, 3), (64, 7)])
    def test_align(self, bits: int, zeros: int) -> None:
        assert assembled(f"#d8 1\n#align {bits}\n#d8 2") == "01" + "00" * zeros + "02"

    def test_align_of_what_is_aligned(self) -> None:
        assert assembled("halt\n#align 32\nhalt") == "f0000000" * 2


class TestSpace:
    def test_reserved_space_is_zero(self) -> None:
        assert assembled("#d8 1\n#res 2\n#d8 2") == "01000002"

    def test_space_at_the_end_is_no_output(self) -> None:
        assembly = assemble_program("halt\nx: #res 16\ny:")
        assert assembly.bytes.hex() == "f0000000"
        assert assembly.symbols == {"x": 4, "y": 20}

    def test_addr(self) -> None:
        assert assembled("#addr 8\nx: jp x") == "00" * 8 + "0c160008"

    def test_addr_may_go_back_to_free_space(self) -> None:
        assert assembled("#addr 8\nhalt\n#addr 0\n#d32 1, 2") == "0000000100000002f0000000"

    @pytest.mark.parametrize(
        "source",
        [
            "halt\n#addr 0\nhalt",
            "halt\n#addr 3\n#d8 1",
            "#addr 4\nhalt\n#addr 0\n#d64 1",
            "#res 8\n#addr 0\nhalt",
            "#d4 1\n#addr 0\n#d4 1",
        ],
    )
    def test_addr_may_not_go_back_over_output(self, source: str) -> None:
        with pytest.raises(AssemblyError, match="has output already"):
            assemble_program(source)

    def test_halves_of_a_byte_from_two_sides(self) -> None:
        assert assembled("#d4 1\n#d12 0x234\n#d8 5") == "123405"

    def test_addresses_without_output_may_be_anywhere(self) -> None:
        source = "cpy a0, (screen >> 16)`16\n#addr 0xFFFF_0000\nscreen: #res 0x1000\nend:"
        assert symbols(source) == {"screen": 0xFFFF0000, "end": 0xFFFF1000}


class TestSizesThatDependOnAddresses:
    def test_reserved_space_between_labels(self) -> None:
        source = "#res end - start\nstart: #d32 1, 2\nend:"
        assert symbols(source) == {"start": 8, "end": 16}

    def test_chain_of_dependencies(self) -> None:
        source = "#res b\n#res c\na: halt\nb = (d - a) / 2\nc = b * 2\nd: halt\n#res d\ne:"
        assert symbols(source) == {"a": 8, "b": 2, "c": 4, "d": 12, "e": 28}

    def test_data_of_a_size_that_depends_on_a_label(self) -> None:
        source = "#d end > 8 ? 0x00000001 : 0x01\nx: #d32 1, 2\nend:"
        assert symbols(source) == {"x": 4, "end": 12}

    def test_address_of_each_element(self) -> None:
        assert assembled("#d $`8, $`16, $`8\nx: #d8 $, $") == "000001030405"

    def test_program_that_does_not_settle(self) -> None:
        with pytest.raises(AssemblyError, match="labels do not converge: `x` still moves"):
            assemble_program("#res x < 100 ? 200 : 0\nx: halt")

    def test_align_and_addr_with_expressions(self) -> None:
        source = "#align w * 2\n#d8 1\n#align w * 2\nx:\n#addr x + w\ny:\nw = 32"
        assert symbols(source) == {"x": 8, "y": 40, "w": 32}


@given(st.lists(st.integers(0, 9), max_size=20))
def test_labels_are_where_the_sizes_before_them_say(sizes: list[int]) -> None:
    source = "".join(
        f"l{number}: #d {' @ '.join(['0x00'] * size) or '0`0'}\n"
        for number, size in enumerate(sizes)
    )
    address = 0
    for number, size in enumerate(sizes):
        assert symbols(source)[f"l{number}"] == address
        address += (size + 3) // 4 * 4
