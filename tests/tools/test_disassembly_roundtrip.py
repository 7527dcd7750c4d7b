"""Words -> text -> words, for every shape of word: nothing may get lost on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrvm_jit.isa import ALIASES, BY_MNEMONIC, CONSTANTS, format_word
from lrvm_tools.disassembly import analyse, disassemble
from lrvm_tools.program import Data, DecodingError, Instr, Item, Label, Program, Reg

EDGES = (0x00, 0x01, 0x06, 0x07, 0x08, Reg.PC, 0x1F, 0x20, 0xFF)

VECTORS = Path(__file__).parents[1] / "data" / "lasm.jsonl"

Assemble = Callable[[str], bytes]


@pytest.fixture(scope="session")
def assemble() -> Assemble:
    from lrvm_tools.lasm import assemble_program

    return lambda text: assemble_program(text).bytes


def sweep() -> Iterator[int]:
    """Every opcode with every R bit and edge operands in every byte."""
    for first_byte, *rest in product(range(0x100), EDGES, EDGES, EDGES):
        yield int.from_bytes(bytes([first_byte, *rest]), "big")


def test_strict_decoding_refuses_exactly_what_prints_as_data() -> None:
    """And what it accepts encodes to the same word."""
    accepted = 0
    for word in sweep():
        text = format_word(word)
        try:
            instruction = Instr.decode(word)
        except DecodingError:
            assert text == f"#d32 0x{word:08x}"
        else:
            accepted += 1
            assert instruction.encode() == word
            assert text == str(instruction)
            assert not text.startswith("#")
    assert accepted > 10_000


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0x0C160010, "jp 0x10"),
        (0x0C000000, "cpy a0, 0x0"),
        (0x2C000000, "mul a0, 0x0"),
        (0x56000000, "zro a0"),
        (0x56000100, "xor a0, a1"),
        (0x54000000, "xor a0, 0x0"),
        (0x1C000001, "inc a0"),
        (0x1E000100, "add a0, a1"),
        (0x24160001, "dec pc"),
        (0x88000000, "ifeq"),
        (0x90010000, "ifge"),
        (0x98000101, "ifle"),
        (0x98010001, "ifor 0x1, 0x0"),
        (0x9C000101, "ifor a0, 0x1"),
        (0xD4160000, "ret"),
        (0xAE000000, "lea a0, a0, 0x0"),
        (0x70800000, "jpr -0x8000"),
        (0x707FFF00, "jpr 0x7fff"),
        # Unknown opcode, unused bits, an unused R bit, registers and flags that do not exist.
        (0x00000000, "#d32 0x00000000"),
        (0xF0000001, "#d32 0xf0000001"),
        (0xF1000000, "#d32 0xf1000000"),
        (0x0E000101, "#d32 0x0e000101"),
        (0x0C200000, "#d32 0x0c200000"),
        (0x08000000, "#d32 0x08000000"),
        (0x88090000, "#d32 0x88090000"),
        (0x98000100, "#d32 0x98000100"),
        (0x98000108, "#d32 0x98000108"),
        (0x98070101, "#d32 0x98070101"),
    ],
)
def test_printing_rules(word: int, text: str) -> None:
    """lasm.md: Typed assembler, and isa.md: Instruction word."""
    assert disassemble([word]) == text


def test_the_sweep_assembles_to_the_same_words(assemble: Assemble) -> None:
    """All that print as instructions; lines of raw words are all alike, so a few of them do."""
    words = [
        word
        for index, word in enumerate(sweep())
        if index % 1000 == 0 or not format_word(word).startswith("#")
    ]
    assert assemble(disassemble(words)) == b"".join(word.to_bytes(4, "big") for word in words)


def test_the_output_of_the_original_assembler_survives(assemble: Assemble) -> None:
    images = [
        bytes.fromhex(vector["bytes"])
        for vector in map(json.loads, VECTORS.read_text(encoding="utf-8").splitlines())
        if "bytes" in vector
    ]
    assert len(images) > 50
    for image in images:
        assert assemble(disassemble(image)) == image
        assert assemble(analyse(image).to_lasm(addresses=True)) == image


@settings(deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_survive(assemble: Assemble, image: bytes, addresses: bool) -> None:
    """Also with addresses, labels and strings, and if the last word is not whole."""
    assert assemble(disassemble(image, addresses)) == image
    assert assemble(analyse(image).to_lasm(addresses)) == image


def jumps() -> st.SearchStrategy[int]:
    """Words that jump, call, skip and return within a small image."""
    target = st.integers(0, 30).map(lambda index: 4 * index)
    return st.one_of(
        target.map(lambda address: Instr.jp(address).encode()),
        target.map(lambda address: Instr.call(address).encode()),
        target.map(lambda address: Instr.cpy(Reg.EV, address).encode()),
        target.map(lambda address: Instr.lsm(address).encode()),
        target.map(lambda distance: Instr.jpr(distance - 60).encode()),
        target.map(lambda distance: Instr.add(Reg.PC, distance).encode()),
        target.map(lambda address: Instr.jp(address).encode() | 1 << 24),
        st.sampled_from([Instr.ifeq(), Instr.ret(), Instr.halt()]).map(Instr.encode),
        st.binary(min_size=4, max_size=4).map(lambda data: int.from_bytes(data, "big")),
        st.sampled_from([b"Hey,", b"you\n", b'"\\";', "né€".encode()[:4]]).map(
            lambda data: int.from_bytes(data, "big")
        ),
    )


@settings(deadline=None)
@given(st.lists(jumps(), max_size=32))
def test_recovered_labels_and_strings_assemble_back(assemble: Assemble, words: list[int]) -> None:
    found = analyse(words)
    assert found.program.encode().tolist() == words
    data = b"".join(word.to_bytes(4, "big") for word in words)
    assert assemble(found.to_lasm()) == data
    assert assemble(found.to_lasm(addresses=True)) == data


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(max_size=5))
def test_any_text_survives(assemble: Assemble, text: str, more: bytes) -> None:
    program = Program([Data((text, more)), Label("end")]).word("end")
    assert assemble(program.to_lasm()) == program.to_bytes()


def test_labels_in_every_place_assemble_as_encoded(assemble: Assemble) -> None:
    items: list[Item] = [
        Label("start"),
        Instr.jp("end"),
        Instr.jpr("end"),
        Instr.jpr(Label("start") + 8),
        Instr.lsa(Reg.A0, Label("start") + 4, Reg.A1),
        Instr.add(Reg.A0, "start"),
        Instr.call(Label("end") - 4),
    ]
    program = Program(items).set_register(Reg.A0, Label("end") + 4).read_word("end")
    program.text("odd").word("end", Label("end") - 4).label("end").add(Instr.jpr("start"))
    assert assemble(program.to_lasm()) == program.to_bytes()
    assert assemble(program.to_lasm(addresses=True)) == program.to_bytes()


def test_any_allowed_label_name_assembles(assemble: Assemble) -> None:
    """Labels may be called like mnemonics, aliases, constants and built-in functions."""
    names = [*BY_MNEMONIC, *(alias.name for alias in ALIASES), *CONSTANTS]
    names += ["le", "utf8", "incbin", "strlen", "assert", "struct", "ASM", "True", "_", "x1"]
    program = Program()
    for name in names:
        program.label(name).add(Instr.jp(name), Instr.jpr(name), Instr.cpy(Reg.A0, Label(name).low))
    assert assemble(program.to_lasm()) == program.to_bytes()
