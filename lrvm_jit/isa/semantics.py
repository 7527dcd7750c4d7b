"""What each instruction does: one body for each (isa.md: Instruction word).

A body is written over a `Target`: something that has words, registers, flags, memory and jumps.
The code generator is one (`jit.emit.builder`), words that are followed as sums are another
(`symbolic`). A further compiler is one more target, and no second copy of what is here.

A body gets the target and the values of the operands that the instruction reads, in the order
of the instruction table, and returns the value for the one that it writes, if it writes one.
Registers, their rights, pc and the order of reads are not its business. An instruction without a
body is left to the interpreter by everything that works with bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .codec import Value as Operand
from .table import (
    BY_OPCODE,
    CONDITION_TRUTH,
    DIV_OVERFLOW_MODES,
    DIV_SIGNED,
    DIV_ZERO_MODES,
    WORD_MASK,
    Condition,
    FlagRule,
    Instruction,
    Op,
    Reg,
)

Value = Any
"""A word or a truth value of the target. An int is a constant word, for every target."""


class Target(Protocol):
    """What instructions are executed on."""

    @property
    def pc(self) -> int:
        """Address of the current instruction."""

    # --- words and truth values ----------------------------------------------------------------

    def op(self, name: str, x: Value, y: Value) -> Value:
        """`add sub mul and or xor shl lshr` of words modulo 2^32; shift counts are below 32."""

    def divide(self, name: str, x: Value, y: Value) -> Value:
        """`udiv urem sdiv srem` by a divisor that is fit."""

    def compare(self, predicate: str, x: Value, y: Value) -> Value:
        """The truth of `eq ne ult ule ugt uge slt sgt` of two words."""

    def bit(self, name: str, x: Value, y: Value) -> Value:
        """`and or xor` of truth values."""

    def widen(self, bit: Value) -> Value:
        """A truth value as a word, 1 or 0."""

    def select(self, bit: Value, x: Value, y: Value) -> Value:
        """The word `x` if the truth value holds, else `y`."""

    # --- registers and flags -------------------------------------------------------------------

    def read(self, register: int) -> Value:
        """A register, whatever the mode; pc is the address of the current instruction."""

    def write(self, register: int, value: Value) -> None:
        """Write a register; pc is a jump."""

    def set_flags(self, rule: FlagRule, x: Value, y: Value) -> None:
        """Set the flags by a rule from two words: the operands of ADD, SUB and MUL; for RESULT
        the result, and a word with CF in bit 0 and OF in bit 1."""

    def condition(self, first: int, second: int, truth: int) -> Value:
        """Whether bit 2 * a + b of `truth` is set for flags number `first` and `second`."""

    def cycles(self) -> Value:
        """The cycle counter's low word, the current instruction included."""

    # --- control -------------------------------------------------------------------------------

    def jump(self, address: Value) -> None:
        """The next instruction is the one at this address."""

    def skip_unless(self, condition: Value) -> None:
        """The next instruction is skipped unless the truth value holds."""

    def interpret_if(self, condition: Value) -> None:
        """If it holds the instruction raises an exception, and nothing of it has happened."""

    # --- memory --------------------------------------------------------------------------------

    def load(self, address: Value) -> Value:
        """The word at a virtual address."""

    def store(self, address: Value, value: Value) -> None:
        """Store a word at a virtual address."""

    def swap(self, address: Value, value: Value) -> Value:
        """Load a word and store another one in its place: both must be possible."""

    def push(self, value: Value) -> None:
        """Push a word on the stack of the mode."""

    def pop(self) -> Value:
        """Pop a word from it."""


SIGN = 0x8000_0000


def _cpy(on: Target, v: Value) -> Value:
    return v


def _ex(on: Target, a: Value, b: Value) -> tuple[Value, Value]:
    return b, a


def _add(on: Target, d: Value, v: Value) -> Value:
    on.set_flags(FlagRule.ADD, d, v)
    return on.op("add", d, v)


def _sub(on: Target, d: Value, v: Value) -> Value:
    on.set_flags(FlagRule.SUB, d, v)
    return on.op("sub", d, v)


def _cmp(on: Target, a: Value, v: Value) -> None:
    on.set_flags(FlagRule.SUB, a, v)


def _mul(on: Target, d: Value, v: Value) -> Value:
    on.set_flags(FlagRule.MUL, d, v)
    return on.op("mul", d, v)


def _logic(name: str) -> Callable[[Target, Value, Value], Value]:
    def body(on: Target, d: Value, v: Value) -> Value:
        result = on.op(name, d, v)
        on.set_flags(FlagRule.RESULT, result, 0)
        return result

    return body


def _shift(name: str) -> Callable[[Target, Value, Value], Value]:
    def body(on: Target, d: Value, n: Value) -> Value:
        result = on.op(name, d, on.op("and", n, 31))
        # CF and OF, the two low bits: whether the count is 32 or more.
        far = on.widen(on.compare("ugt", n, 31))
        on.set_flags(FlagRule.RESULT, result, on.op("mul", far, 3))
        return result

    return body


def _divide(remainder: bool) -> Callable[[Target, Value, Value, Value], Value]:
    def body(on: Target, d: Value, v: Value, mode: Value) -> Value:
        assert isinstance(mode, int)
        signed = bool(mode & DIV_SIGNED)
        by_zero = on.compare("eq", v, 0)
        for_zero = DIV_ZERO_MODES[mode & 0x0C]
        if for_zero is None:
            on.interpret_if(by_zero)
        special = by_zero
        for_overflow = 0
        if signed:
            overflowing = on.bit("and", on.compare("eq", d, SIGN), on.compare("eq", v, WORD_MASK))
            chosen = DIV_OVERFLOW_MODES[mode & 0x03]
            if chosen is None:
                on.interpret_if(overflowing)
            for_overflow = chosen or 0
            special = on.bit("or", by_zero, overflowing)
        divisor = on.select(special, 1, v)
        name = ("s" if signed else "u") + ("rem" if remainder else "div")
        result = on.divide(name, d, divisor)
        substitute = on.select(by_zero, for_zero or 0, for_overflow)
        result = on.select(special, substitute, result)
        on.set_flags(FlagRule.RESULT, result, on.op("mul", on.widen(special), 3))
        return result

    return body


def _jpr(on: Target, off: Value) -> None:
    on.jump(on.op("add", on.pc, off))


def _if(on: Target, flag: Value) -> None:
    assert isinstance(flag, int)
    on.skip_unless(on.condition(flag, flag, CONDITION_TRUTH[Condition.AND]))


def _ifn(on: Target, flag: Value) -> None:
    assert isinstance(flag, int)
    on.skip_unless(on.condition(flag, flag, CONDITION_TRUTH[Condition.NOR]))


def _if2(on: Target, a: Value, b: Value, cond: Value) -> None:
    assert isinstance(a, int)
    assert isinstance(b, int)
    assert isinstance(cond, int)
    on.skip_unless(on.condition(a, b, CONDITION_TRUTH[Condition(cond)]))


def _lsm(on: Target, addr: Value) -> None:
    on.write(Reg.SMT, 0)
    on.jump(addr)


def _lsa(on: Target, addr: Value, add: Value) -> Value:
    return on.load(on.op("add", addr, add))


def _lea(on: Target, addr: Value, add: Value, mul: Value) -> None:
    on.write(Reg.AVR, on.load(on.op("add", addr, on.op("mul", add, mul))))


def _wsa(on: Target, addr: Value, add: Value, v: Value) -> None:
    on.store(on.op("add", addr, add), v)


def _wea(on: Target, addr: Value, add: Value, mul: Value) -> None:
    address = on.op("add", addr, on.op("mul", add, mul))
    on.store(address, on.read(Reg.AVR))


def _srm(on: Target, addr: Value, add: Value, s: Value) -> Value:
    return on.swap(on.op("add", addr, add), s)


def _push(on: Target, v: Value) -> None:
    on.push(v)


def _pop(on: Target) -> Value:
    return on.pop()


def _call(on: Target, addr: Value) -> None:
    on.push(on.pc + 4 & WORD_MASK)
    on.jump(addr)


def _cycles(on: Target) -> Value:
    return on.cycles()


Body = Callable[..., "Value | tuple[Value, Value] | None"]

SEMANTICS: dict[Op, Body] = {
    Op.CPY: _cpy,
    Op.EX: _ex,
    Op.ADD: _add,
    Op.SUB: _sub,
    Op.MUL: _mul,
    Op.DIV: _divide(remainder=False),
    Op.MOD: _divide(remainder=True),
    Op.AND: _logic("and"),
    Op.BOR: _logic("or"),
    Op.XOR: _logic("xor"),
    Op.SHL: _shift("shl"),
    Op.SHR: _shift("lshr"),
    Op.CMP: _cmp,
    Op.JPR: _jpr,
    Op.LSM: _lsm,
    Op.IF: _if,
    Op.IFN: _ifn,
    Op.IF2: _if2,
    Op.LSA: _lsa,
    Op.LEA: _lea,
    Op.WSA: _wsa,
    Op.WEA: _wea,
    Op.SRM: _srm,
    Op.PUSH: _push,
    Op.POP: _pop,
    Op.CALL: _call,
    Op.CYCLES: _cycles,
}
"""ITR, HWD, HALT and RESET have none: they leave the machine's normal course."""


def execute(on: Target, row: Instruction, operands: Sequence[Operand]) -> None:
    """Operands, body and result of one instruction, which must have a body."""
    sources = [
        on.read(value) if isinstance(value, Reg) else int(value) & WORD_MASK
        for operand, value in zip(row.operands, operands, strict=True)
        if operand.role.reads
    ]
    result = SEMANTICS[row.opcode](on, *sources)
    if result is None:
        return
    targets = [
        value for operand, value in zip(row.operands, operands, strict=True) if operand.role.writes
    ]
    values = result if isinstance(result, tuple) else (result,)
    for register, written in zip(targets, values, strict=True):
        on.write(register, written)


def has_body(opcode: int) -> bool:
    """Whether an instruction can be executed here."""
    return opcode in SEMANTICS and opcode in BY_OPCODE
