"""Arithmetic flags in generated code (isa.md: Flags).

No flag is computed before something reads it. The code carries the last operation's kind and
its two operands; conditions are generated from these, and if the region is left they go to
`state` as they are, for the kernel to make its own form of them (`kernel.translations`).
"""

from __future__ import annotations

from typing import Any, Protocol

from ...core.layout import FLAGS_ADD, FLAGS_MUL, FLAGS_RAW, FLAGS_SUB
from ...isa.table import Flag

Value = Any
"""A word or a truth value of the generator; an int is a constant word."""


class FlagsBuilder(Protocol):
    """What the flags are generated with: one machine's words, or those of many lanes."""

    def op(self, name: str, x: Value, y: Value) -> Value: ...
    def compare(self, predicate: str, x: Value, y: Value) -> Value: ...
    def bit(self, name: str, x: Value, y: Value) -> Value: ...
    def bit_of(self, word: Value, mask: int) -> Value: ...
    def does_not_fit(self, name: str, x: Value, y: Value) -> Value: ...
    def flags(self) -> tuple[int | None, Value, Value]: ...
    def all_flags(self) -> Value: ...


OR, NOR = 0b1110, 0b0001
"""Truth tables with a comparison of their own after a subtraction: <= and >."""


def condition(build: FlagsBuilder, first: int, second: int, truth: int) -> Value:
    """An i1: whether bit 2 * a + b of `truth` is set for flags number `first` and `second`."""
    kind, x, y = build.flags()
    if kind == FLAGS_SUB and truth in (OR, NOR) and {first, second} == {Flag.ZF, Flag.CF}:
        return build.compare("ule" if truth == OR else "ugt", x, y)
    a = flag(build, first)
    b = a if first == second else flag(build, second)
    if first == second:
        # Only bits 0 and 3 of the table can be asked for.
        rows = (truth & 1, truth >> 3 & 1)
        if rows == (0, 1):
            return a
        if rows == (1, 0):
            return build.bit("xor", a, "true")
        return "true" if rows == (1, 1) else "false"
    terms: list[Value] = []
    for row in range(4):
        if truth >> row & 1:
            left = a if row & 2 else build.bit("xor", a, "true")
            right = b if row & 1 else build.bit("xor", b, "true")
            terms.append(build.bit("and", left, right))
    result: Value = "false"
    for term in terms:
        result = term if result == "false" else build.bit("or", result, term)
    return result


def flag(build: FlagsBuilder, number: int) -> Value:
    """An i1: one flag."""
    kind, x, y = build.flags()
    if kind is None:
        return build.bit_of(build.all_flags(), Flag(number).mask)
    if number == Flag.CF:
        return _carry(build, kind, x, y)
    if number == Flag.OF:
        return _overflow(build, kind, x, y)
    if number == Flag.ZF and kind == FLAGS_SUB:
        return build.compare("eq", x, y)
    result = _result(build, kind, x, y)
    match number:
        case Flag.ZF:
            return build.compare("eq", result, 0)
        case Flag.SF:
            return build.compare("slt", result, 0)
        case Flag.EF:
            return build.compare("eq", build.op("and", result, 1), 0)
        case Flag.ZUF:
            return build.compare("ult", result, 0x10000)
        case _:
            return build.compare("eq", build.op("and", result, 0xFFFF), 0)


def _result(build: FlagsBuilder, kind: int, x: Value, y: Value) -> Value:
    if kind == FLAGS_RAW:
        return x
    return build.op({FLAGS_ADD: "add", FLAGS_SUB: "sub", FLAGS_MUL: "mul"}[kind], x, y)


def _carry(build: FlagsBuilder, kind: int, x: Value, y: Value) -> Value:
    if kind == FLAGS_RAW:
        return build.bit_of(y, 1)
    if kind == FLAGS_ADD:
        return build.compare("ult", build.op("add", x, y), x)
    if kind == FLAGS_SUB:
        return build.compare("ult", x, y)
    return build.does_not_fit("umul", x, y)


def _overflow(build: FlagsBuilder, kind: int, x: Value, y: Value) -> Value:
    if kind == FLAGS_RAW:
        return build.bit_of(y, 2)
    if kind == FLAGS_MUL:
        return build.does_not_fit("smul", x, y)
    result = _result(build, kind, x, y)
    first = build.op("xor", x, result)
    second = build.op("xor", y if kind == FLAGS_ADD else x, result if kind == FLAGS_ADD else y)
    return build.compare("slt", build.op("and", first, second), 0)
