"""Extended operations: their lengths, their effects, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrvm_jit.isa import Op, decode
from lrvm_tools.program import (
    EncodingError,
    Instr,
    Label,
    Program,
    Reg,
    read_word,
    read_word_to,
    set_register,
    write_literal,
    write_register,
)

words = st.integers(0, 0xFFFFFFFF)
addresses = st.integers(0, 0x3FFFFFFF).map(lambda index: 4 * index)

READ_ONLY = {Reg.AF, Reg.ET, Reg.ERA}
IMMEDIATE = {Reg.PC, Reg.SMT, Reg.MTT}
SETTABLE = [reg for reg in Reg if reg not in READ_ONLY | IMMEDIATE]
OLD_FLAGS = 0x92
NEW_FLAGS = 0x100
"""Not a possible value of af: shows that it was rewritten, whatever to."""


class TinyMachine:
    """Runs the six instructions that extended operations consist of, by their definitions."""

    def __init__(self, memory: dict[int, int] | None = None) -> None:
        self.registers = {reg: 0x1000_0001 * (reg + 1) & 0xFFFFFFFF for reg in Reg}
        self.registers[Reg.AF] = OLD_FLAGS
        self.registers[Reg.PC] = 0
        self.memory = dict(memory or {})

    def run(self, instructions: tuple[Instr, ...]) -> TinyMachine:
        for word in Program(instructions).encode().tolist():
            self.step(word)
            self.registers[Reg.PC] += 4
        return self

    def step(self, word: int) -> None:
        decoded = decode(word)
        reg, *values = decoded.operands
        assert isinstance(reg, Reg)
        read = [self.registers[value] if isinstance(value, Reg) else value for value in values]
        match decoded.instruction.opcode:
            case Op.CPY:
                self.registers[reg] = read[0]
            case Op.ADD:
                self.registers[reg] = (self.registers[reg] + read[0]) & 0xFFFFFFFF
                self.registers[Reg.AF] = NEW_FLAGS
            case Op.SHL:
                self.registers[reg] = (self.registers[reg] << read[0]) & 0xFFFFFFFF
                self.registers[Reg.AF] = NEW_FLAGS
            case Op.LEA:
                address = (self.registers[reg] + read[0] * read[1]) & 0xFFFFFFFF
                self.registers[Reg.AVR] = self.memory[address]
            case Op.WEA:
                address = (self.registers[reg] + read[0] * read[1]) & 0xFFFFFFFF
                self.memory[address] = self.registers[Reg.AVR]
            case _:
                raise AssertionError(decoded)

    def changed(self) -> set[Reg]:
        before = TinyMachine().registers
        return {reg for reg in Reg if self.registers[reg] != before[reg]} - {Reg.PC}


@given(st.sampled_from(SETTABLE), words)
def test_set_register(register: Reg, value: int) -> None:
    instructions = set_register(register, value)
    assert len(instructions) == 3
    machine = TinyMachine().run(instructions)
    assert machine.registers[register] == value
    assert machine.changed() <= {register, Reg.AF}


@given(addresses, words)
def test_read_word(address: int, value: int) -> None:
    instructions = read_word(address)
    assert len(instructions) == 4
    machine = TinyMachine({address: value}).run(instructions)
    assert machine.registers[Reg.AVR] == value
    assert machine.changed() <= {Reg.AVR, Reg.AF}
    assert machine.memory == {address: value}


@given(st.sampled_from(SETTABLE), addresses, words)
def test_read_word_to(register: Reg, address: int, value: int) -> None:
    instructions = read_word_to(register, address)
    assert len(instructions) == 5
    machine = TinyMachine({address: value}).run(instructions)
    assert machine.registers[register] == value
    assert machine.changed() <= {register, Reg.AVR, Reg.AF}


@given(addresses, st.sampled_from(Reg), st.sampled_from([Reg.RR0, Reg.A3, Reg.USP]))
def test_write_register(address: int, source: Reg, scratch: Reg) -> None:
    """Any register as it was before, also the flags, avr and the scratch register itself."""
    instructions = write_register(address, source, scratch)
    assert len(instructions) == 5
    before = TinyMachine().registers[source]
    machine = TinyMachine().run(instructions)
    assert machine.memory == {address: before}
    assert machine.changed() <= {scratch, Reg.AVR, Reg.AF}


@given(addresses, words, st.sampled_from([Reg.RR0, Reg.A3]))
def test_write_literal(address: int, value: int, scratch: Reg) -> None:
    instructions = write_literal(address, value, scratch)
    assert len(instructions) == 7
    machine = TinyMachine().run(instructions)
    assert machine.memory == {address: value}
    assert machine.changed() <= {scratch, Reg.AVR, Reg.AF}


def test_the_scratch_register_is_rr0_unless_another_is_named() -> None:
    assert write_register(4, Reg.A0) == write_register(4, Reg.A0, Reg.RR0)
    assert write_literal(4, 1) == write_literal(4, 1, Reg.RR0)


def test_negative_values_are_twos_complement() -> None:
    assert set_register(Reg.A0, -2) == set_register(Reg.A0, 0xFFFFFFFE)


@pytest.mark.parametrize("register", sorted(READ_ONLY))
@pytest.mark.parametrize("operation", [set_register, read_word_to])
def test_read_only_registers_are_refused(
    operation: Callable[[Reg, int], object], register: Reg
) -> None:
    with pytest.raises(EncodingError, match=f"{register} cannot be written"):
        operation(register, 0)


@pytest.mark.parametrize("register", sorted(IMMEDIATE))
def test_registers_that_take_effect_at_once_are_refused(register: Reg) -> None:
    """`cpy smt, 0`, the first of three, would leave supervisor mode before the other two."""
    with pytest.raises(EncodingError, match=f"{register} takes effect while"):
        set_register(register, 1)
    with pytest.raises(EncodingError, match=f"{register} takes effect while"):
        write_literal(0, 1, register)
    assert read_word_to(register, 0)[-1] == Instr.cpy(register, Reg.AVR)


def test_avr_is_no_scratch_register() -> None:
    with pytest.raises(EncodingError, match="scratch register must be another"):
        write_register(0, Reg.A0, Reg.AVR)


@pytest.mark.parametrize("value", [1 << 32, -(1 << 31) - 1, 1.5, None])
def test_values_are_32_bits(value: int) -> None:
    kind = ValueError if isinstance(value, int) else TypeError
    with pytest.raises(kind, match="a value or address must be"):
        set_register(Reg.A0, value)


def test_the_register_is_a_register() -> None:
    with pytest.raises(EncodingError, match="the register must be a Reg, not 5"):
        set_register(5, 5)  # type: ignore[arg-type]


def test_labels_are_addresses_beyond_16_bits() -> None:
    program = Program().set_register(Reg.A0, "far").read_word_to(Reg.A1, Label("far") + 4)
    program.extend([Instr.halt()] * 0x8000).label("far").word(7, 8)
    far = program.labels["far"]
    assert far == 0x20020
    assert program[:3] == Program(set_register(Reg.A0, "far"))
    machine = TinyMachine({far + 4: 8})
    for word in program.encode()[:8].tolist():
        machine.step(word)
    assert machine.registers[Reg.A0] == far
    assert machine.registers[Reg.A1] == 8


def test_the_builder_appends_the_same_instructions() -> None:
    program = (
        Program()
        .set_register(Reg.A0, 1)
        .read_word(2)
        .read_word_to(Reg.A1, 3)
        .write_register(4, Reg.A2)
        .write_literal(5, 6, Reg.A4)
    )
    assert list(program) == [
        *set_register(Reg.A0, 1),
        *read_word(2),
        *read_word_to(Reg.A1, 3),
        *write_register(4, Reg.A2),
        *write_literal(5, 6, Reg.A4),
    ]
