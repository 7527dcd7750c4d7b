"""The instruction table and the bodies say the same of each instruction.

Compilers plan by the table (which flags are set, what memory is touched, where the stack pointer
goes) and generate by the bodies: where the two differ, wrong code comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from lrvm_jit.isa import Decoded, decode, encode
from lrvm_jit.isa.flow import effect_of, jump_target, registers_written
from lrvm_jit.isa.semantics import SEMANTICS, execute
from lrvm_jit.isa.symbolic import Decision, Linear
from lrvm_jit.isa.table import (
    INSTRUCTIONS,
    Access,
    Control,
    FlagRule,
    Implicit,
    Instruction,
    Kind,
    Op,
    Reg,
    Role,
)

WITH_BODY = [row for row in INSTRUCTIONS if row.opcode in SEMANTICS]


@dataclass
class Recorder:
    """A target that notes what a body asks of it."""

    pc: int = 0x400
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: Any) -> str:
            self.asked.append((name, arguments))
            return f"{name}{len(self.asked)}"

        return ask

    def of(self, name: str) -> list[Any]:
        return [arguments for asked, arguments in self.asked if asked == name]


def recorded(row: Instruction) -> tuple[Recorder, list[Any]]:
    """What a body does with registers A0, A1, A2 as operands, literals where it wants them."""
    operands = [1 if operand.selects else Reg(k) for k, operand in enumerate(row.operands)]
    target = Recorder()
    execute(target, row, operands)
    return target, operands


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.mnemonic)
def test_the_table_says_what_the_body_does(row: Instruction) -> None:
    target, operands = recorded(row)
    assert [rule for rule, *_ in target.of("set_flags")] == (
        [] if row.flags is None else [row.flags]
    )
    accesses = {
        Access.NONE: [],
        Access.LOAD: ["pop" if row.stack else "load"],
        Access.STORE: ["push" if row.stack else "store"],
        Access.SWAP: ["swap"],
    }[row.memory]
    assert [
        name for name, _ in target.asked if name in ["load", "store", "swap", "push", "pop"]
    ] == accesses
    assert row.stack == -4 * len(target.of("push")) + 4 * len(target.of("pop"))
    assert (Implicit.STACK_POINTER in row.implicit) == bool(row.stack)
    assert bool(target.of("jump")) == (row.control in (Control.JUMP, Control.CALL))
    assert bool(target.of("skip_unless")) == (row.control is Control.SKIP)

    explicit_reads = [o for o, k in zip(operands, row.operands, strict=True)
                      if k.role.reads and isinstance(o, Reg)]  # fmt: skip
    explicit_writes = [o for o, k in zip(operands, row.operands, strict=True) if k.role.writes]
    reads = [register for (register,) in target.of("read")]
    writes = [register for register, _ in target.of("write")]
    for register in explicit_reads:
        reads.remove(register)
    for register in explicit_writes:
        writes.remove(register)
    assert reads == ([Reg.AVR] if Implicit.READS_AVR in row.implicit else [])
    implicit = {Implicit.WRITES_AVR: Reg.AVR, Implicit.WRITES_SMT: Reg.SMT}
    assert writes == [implicit[use] for use in row.implicit if use in implicit]


def test_instructions_without_a_body_are_those_that_leave_the_normal_course() -> None:
    without = {row.opcode for row in INSTRUCTIONS if row.opcode not in SEMANTICS}
    assert without == {Op.ITR, Op.HWD, Op.HALT, Op.RESET}


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.mnemonic)
def test_short_forms_leave_out_operands_that_exist_and_may_hold_the_value(row: Instruction) -> None:
    names = {operand.name: operand for operand in row.operands}
    for form in row.short_forms:
        for name, value in form.items():
            low, high = names[name].valid
            assert isinstance(value, Reg) or low <= value <= high
            assert names[name].role is Role.READ
            assert names[name].kind is not Kind.REG


def at(mnemonic: str, *operands: int) -> Decoded:
    return decode(encode(mnemonic, *operands))


@pytest.mark.parametrize(
    ("instruction", "target"),
    [
        (at("cpy", Reg.PC, 0x1234), 0x1234),
        (at("jpr", -8), 0xF8),
        (at("call", 0x40), 0x40),
        (at("lsm", 0x40), 0x40),
        (at("add", Reg.PC, 0x20), 0x120),
        (at("sub", Reg.PC, 0x20), 0xE0),
        (at("xor", Reg.PC, 0x104), 0x4),
        (at("shl", Reg.PC, 4), 0x1000),
        (at("cpy", Reg.PC, Reg.PC), 0x100),
        (at("cpy", Reg.PC, Reg.A0), None),
        (at("pop", Reg.PC), None),
        (at("ex", Reg.PC, Reg.A0), None),
        (at("cpy", Reg.A0, 4), None),
        (at("itr", 1), None),
    ],
)
def test_jump_targets_that_the_word_tells(instruction: Decoded, target: int | None) -> None:
    assert jump_target(instruction, 0x100) == target


def test_sums_are_followed() -> None:
    done = effect_of(at("lea", Reg.A0, Reg.A1, 4), 0)
    assert done is not None
    assert done.accesses[0].address == Linear(0, ((Reg.A0, 1), (Reg.A1, 4)))
    assert not done.registers[Reg.AVR].is_followed
    done = effect_of(at("cmp", Reg.A0, 7), 0)
    assert done is not None
    assert done.flags == (FlagRule.SUB, Linear(0, ((Reg.A0, 1),)), Linear(7))
    done = effect_of(at("if2", 0, 1, 4), 0)
    assert done is not None
    assert done.skip_condition == Decision(0, 1, 0b0001)


def test_what_cannot_be_followed_is_never_taken_for_something_known() -> None:
    """The same unknown word twice is a sum; two different ones never cancel out."""
    done = effect_of(at("cpy", Reg.A0, 0), 0)
    assert done is not None
    first, second = done.unknown(), done.unknown()
    assert done.op("sub", first, first) == Linear()
    assert done.op("sub", first, second).known is None
    assert not done.op("sub", first, second).is_followed
    assert done.op("xor", first, second).known is None


def test_a_register_as_flag_number_has_no_static_effect() -> None:
    assert effect_of(at("if", Reg.A0), 0) is None
    assert effect_of(at("div", Reg.A0, 1, Reg.A1), 0) is None
    assert effect_of(decode(0x98000700), 0) is None  # if2 with flag 7


def test_written_registers_include_the_implicit_ones() -> None:
    assert registers_written(at("lea", Reg.A0, 0, 0)) == [Reg.AVR]
    assert registers_written(at("pop", Reg.A3)) == [Reg.A3, Reg.SSP, Reg.USP]
    assert registers_written(at("lsm", 0)) == [Reg.SMT]
