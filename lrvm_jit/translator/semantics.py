"""What each instruction does, as generated code: one body for each (isa.md: Instruction word).

A body gets the builder and the values of the operands that the instruction reads, in the order
of the instruction table, and returns the value for the one that it writes, if it writes one.
Registers, their rights, pc and the order of reads are not its business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..isa.table import (
    CONDITION_TRUTH,
    DIV_OVERFLOW_MODES,
    DIV_SIGNED,
    DIV_ZERO_MODES,
    Condition,
    Op,
    Reg,
)
from ..kernel.layout import FLAGS_ADD, FLAGS_MUL, FLAGS_RAW, FLAGS_SUB
from .flags import condition

if TYPE_CHECKING:
    from .builder import Builder, Value

SIGN = 0x8000_0000
WORD = 0xFFFF_FFFF


def _cpy(build: Builder, v: Value) -> Value:
    return v


def _ex(build: Builder, a: Value, b: Value) -> tuple[Value, Value]:
    return b, a


def _add(build: Builder, d: Value, v: Value) -> Value:
    build.set_flags(FLAGS_ADD, d, v)
    return build.op("add", d, v)


def _sub(build: Builder, d: Value, v: Value) -> Value:
    build.set_flags(FLAGS_SUB, d, v)
    return build.op("sub", d, v)


def _cmp(build: Builder, a: Value, v: Value) -> None:
    build.set_flags(FLAGS_SUB, a, v)


def _mul(build: Builder, d: Value, v: Value) -> Value:
    build.set_flags(FLAGS_MUL, d, v)
    return build.op("mul", d, v)


def _logic(name: str) -> Callable[[Builder, Value, Value], Value]:
    def body(build: Builder, d: Value, v: Value) -> Value:
        result = build.op(name, d, v)
        build.set_flags(FLAGS_RAW, result, 0)
        return result

    return body


def _shift(name: str) -> Callable[[Builder, Value, Value], Value]:
    def body(build: Builder, d: Value, n: Value) -> Value:
        result = build.op(name, d, build.op("and", n, 31))
        # CF and OF, the two low bits: whether the count is 32 or more.
        far = build.widen(build.compare("ugt", n, 31))
        build.set_flags(FLAGS_RAW, result, build.op("mul", far, 3))
        return result

    return body


def _divide(remainder: bool) -> Callable[[Builder, Value, Value, Value], Value]:
    def body(build: Builder, d: Value, v: Value, mode: Value) -> Value:
        assert isinstance(mode, int)
        signed = bool(mode & DIV_SIGNED)
        by_zero = build.compare("eq", v, 0)
        for_zero = DIV_ZERO_MODES[mode & 0x0C]
        if for_zero is None:
            build.interpret_if(by_zero)
        special = by_zero
        for_overflow = 0
        if signed:
            overflowing = build.bit(
                "and", build.compare("eq", d, SIGN), build.compare("eq", v, WORD)
            )
            chosen = DIV_OVERFLOW_MODES[mode & 0x03]
            if chosen is None:
                build.interpret_if(overflowing)
            for_overflow = chosen or 0
            special = build.bit("or", by_zero, overflowing)
        divisor = build.select(special, 1, v)
        name = ("s" if signed else "u") + ("rem" if remainder else "div")
        result = build.divide(name, d, divisor)
        substitute = build.select(by_zero, for_zero or 0, for_overflow)
        result = build.select(special, substitute, result)
        build.set_flags(FLAGS_RAW, result, build.op("mul", build.widen(special), 3))
        return result

    return body


def _jpr(build: Builder, off: Value) -> None:
    build.jump(build.op("add", build.pc, off))


def _if(build: Builder, flag: Value) -> None:
    assert isinstance(flag, int)
    build.skip_unless(condition(build, flag, flag, CONDITION_TRUTH[Condition.AND]))


def _ifn(build: Builder, flag: Value) -> None:
    assert isinstance(flag, int)
    build.skip_unless(condition(build, flag, flag, CONDITION_TRUTH[Condition.NOR]))


def _if2(build: Builder, a: Value, b: Value, cond: Value) -> None:
    assert isinstance(a, int)
    assert isinstance(b, int)
    assert isinstance(cond, int)
    build.skip_unless(condition(build, a, b, CONDITION_TRUTH[Condition(cond)]))


def _lsa(build: Builder, addr: Value, add: Value) -> Value:
    return build.load(build.op("add", addr, add))


def _lea(build: Builder, addr: Value, add: Value, mul: Value) -> None:
    build.write(Reg.AVR, build.load(build.op("add", addr, build.op("mul", add, mul))))


def _wsa(build: Builder, addr: Value, add: Value, v: Value) -> None:
    build.store(build.op("add", addr, add), v)


def _wea(build: Builder, addr: Value, add: Value, mul: Value) -> None:
    address = build.op("add", addr, build.op("mul", add, mul))
    build.store(address, build.read(Reg.AVR))


def _srm(build: Builder, addr: Value, add: Value, s: Value) -> Value:
    return build.swap(build.op("add", addr, add), s)


def _push(build: Builder, v: Value) -> None:
    build.push(v)


def _pop(build: Builder) -> Value:
    return build.pop()


def _call(build: Builder, addr: Value) -> None:
    build.push(build.pc + 4 & WORD)
    build.jump(addr)


def _cycles(build: Builder) -> Value:
    return build.cycles()


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
"""The other instructions are the interpreter's (`instructions.INTERPRETED_OPS`)."""
