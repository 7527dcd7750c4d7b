"""Every integer instruction of the IR, at every kind of width, against Python's integers."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cc.support import ENGINES, build, output

WIDTHS = (1, 7, 8, 13, 16, 24, 31, 32, 33, 40, 48, 64, 96, 128)
_CELL = 16
"""Bytes of a result: it is extended to 128 bits."""

Oracle = Callable[[int, int, int], int]


def _signed(value: int, bits: int) -> int:
    return value - (value >> (bits - 1) << bits)


def _quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _signed_op(compute: Callable[[int, int], int]) -> Oracle:
    return lambda a, b, bits: compute(_signed(a, bits), _signed(b, bits))


BINARY: dict[str, Oracle] = {
    "add": lambda a, b, bits: a + b,
    "sub": lambda a, b, bits: a - b,
    "mul": lambda a, b, bits: a * b,
    "and": lambda a, b, bits: a & b,
    "or": lambda a, b, bits: a | b,
    "xor": lambda a, b, bits: a ^ b,
    "udiv": lambda a, b, bits: a // b,
    "urem": lambda a, b, bits: a % b,
    "sdiv": _signed_op(_quotient),
    "srem": _signed_op(lambda a, b: a - b * _quotient(a, b)),
    "shl": lambda a, b, bits: a << b,
    "lshr": lambda a, b, bits: a >> b,
    "ashr": lambda a, b, bits: _signed(a, bits) >> b,
}
COMPARE: dict[str, Oracle] = {
    "eq": lambda a, b, bits: a == b,
    "ne": lambda a, b, bits: a != b,
    "ult": lambda a, b, bits: a < b,
    "ule": lambda a, b, bits: a <= b,
    "ugt": lambda a, b, bits: a > b,
    "uge": lambda a, b, bits: a >= b,
    "slt": _signed_op(lambda a, b: a < b),
    "sle": _signed_op(lambda a, b: a <= b),
    "sgt": _signed_op(lambda a, b: a > b),
    "sge": _signed_op(lambda a, b: a >= b),
}
INTRINSIC: dict[str, Oracle] = {
    "umin": lambda a, b, bits: min(a, b),
    "umax": lambda a, b, bits: max(a, b),
    "smin": _signed_op(min),
    "smax": _signed_op(max),
    "uadd.sat": lambda a, b, bits: min(a + b, (1 << bits) - 1),
    "usub.sat": lambda a, b, bits: max(a - b, 0),
    "sadd.sat": lambda a, b, bits: _clamp(_signed(a, bits) + _signed(b, bits), bits),
    "ssub.sat": lambda a, b, bits: _clamp(_signed(a, bits) - _signed(b, bits), bits),
}
OVERFLOW: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
}
UNARY: dict[str, Callable[[int, int], int]] = {
    "ctpop": lambda a, bits: a.bit_count(),
    "ctlz": lambda a, bits: bits - a.bit_length(),
    "cttz": lambda a, bits: (a & -a).bit_length() - 1 if a else bits,
    "bitreverse": lambda a, bits: int(f"{a:0{bits}b}"[::-1], 2),
    "bswap": lambda a, bits: int.from_bytes(a.to_bytes(bits // 8, "big"), "little"),
    "abs": lambda a, bits: abs(_signed(a, bits)),
}


def _clamp(value: int, bits: int) -> int:
    return max(-(1 << (bits - 1)), min(value, (1 << (bits - 1)) - 1))


def _pairs(bits: int) -> list[tuple[int, int]]:
    choose = random.Random(bits)
    top = (1 << bits) - 1
    edges = [0, 1, top, top >> 1, (top >> 1) + 1, top - 1 & top, 0x5A5A5A5A5A & top]
    pairs = [(choose.choice(edges), choose.choice(edges)) for _ in range(5)]
    return pairs + [(choose.randrange(top + 1), choose.randrange(top + 1)) for _ in range(4)]


class _Program:
    """Text of a function that computes many things, and what it should get."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.lines: list[str] = []
        self.expected: list[int] = []
        self.declared: set[str] = set()
        self.count = 0

    def value(self, text: str) -> str:
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        return f"%v{self.count}"

    def result(self, name: str, type_: str, expected: int, bits: int) -> None:
        if type_ != "i128":
            name = self.value(f"zext {type_} {name} to i128")
        place = len(self.expected)
        self.lines.append(
            f"  store i128 {name}, ptr getelementptr (i8, ptr @results, i32 {_CELL * place})"
        )
        self.expected.append(expected & ((1 << bits) - 1))

    def call(self, function: str, type_: str, arguments: str, types: str) -> str:
        self.declared.add(f"declare {type_} @{function}({types})")
        return self.value(f"call {type_} @{function}({arguments})")

    def text(self) -> str:
        size = _CELL * len(self.expected)
        return "\n".join(
            [
                'target datalayout = "E-m:m-p:32:32-i8:8:32-i16:16:32-i64:64-n32-S64"',
                f"@results = global [{size} x i8] zeroinitializer, align 8",
                f"@in = global [2 x i{self.bits}] zeroinitializer, align 8",
                *sorted(self.declared),
                "declare i32 @__lrvm_write(i32, ptr, i32)",
                "define i32 @main() {",
                *self.lines,
                f"  call i32 @__lrvm_write(i32 1, ptr @results, i32 {size})",
                "  ret i32 0",
                "}",
            ]
        )


def _program(bits: int) -> _Program:
    program = _Program(bits)
    type_ = f"i{bits}"
    for a, b in _pairs(bits):
        # Through memory, so that nothing is known of them.
        step = f"getelementptr ({type_}, ptr @in, i32 1)"
        program.lines += [
            f"  store volatile {type_} {a}, ptr @in",
            f"  store volatile {type_} {b}, ptr {step}",
        ]
        x = program.value(f"load volatile {type_}, ptr @in")
        y = program.value(f"load volatile {type_}, ptr {step}")
        for op, oracle in BINARY.items():
            left, right, known = a, b, y
            if op in ("shl", "lshr", "ashr"):
                right, known = b % bits, str(b % bits)
                if b % 2 and bits > 1:  # by a register half of the time
                    known = program.value(f"urem {type_} {y}, {bits if bits < 1 << bits else 1}")
            elif op[1:] in ("div", "rem"):
                overflows = op[0] == "s" and a == 1 << (bits - 1) and b == (1 << bits) - 1
                if not b or overflows:
                    continue
            name = program.value(f"{op} {type_} {x}, {known}")
            program.result(name, type_, oracle(left, right, bits), bits)
            if op in ("add", "sub", "mul", "and", "or", "xor"):
                name = program.value(f"{op} {type_} {x}, {b}")
                program.result(name, type_, oracle(a, b, bits), bits)
        for op, oracle in COMPARE.items():
            name = program.value(f"icmp {op} {type_} {x}, {y}")
            program.result(name, "i1", oracle(a, b, bits), 1)
            chosen = program.value(f"select i1 {name}, {type_} {x}, {type_} {y}")
            program.result(chosen, type_, a if oracle(a, b, bits) else b, bits)
            name = program.value(f"icmp {op} {type_} {x}, {b}")
            program.result(name, "i1", oracle(a, b, bits), 1)
        for op, oracle in INTRINSIC.items():
            if bits == 1 and op[0] == "s":
                continue
            pair = f"{type_} {x}, {type_} {y}"
            name = program.call(f"llvm.{op}.{type_}", type_, pair, f"{type_}, {type_}")
            program.result(name, type_, oracle(a, b, bits), bits)
        for op, compute in OVERFLOW.items():
            for sign in "su":
                pair, both = f"{type_} {x}, {type_} {y}", f"{{{type_}, i1}}"
                function = f"llvm.{sign}{op}.with.overflow.{type_}"
                name = program.call(function, both, pair, f"{type_}, {type_}")
                exact = (
                    compute(a, b) if sign == "u" else compute(_signed(a, bits), _signed(b, bits))
                )
                program.result(program.value(f"extractvalue {both} {name}, 0"), type_, exact, bits)
                low = 0 if sign == "u" else -(1 << (bits - 1))
                fits = low <= exact < low + (1 << bits)
                program.result(program.value(f"extractvalue {both} {name}, 1"), "i1", not fits, 1)
        for op, single in UNARY.items():
            if op == "bswap" and bits % 16:
                continue
            more = ", i1 false" if op in ("ctlz", "cttz", "abs") else ""
            function = f"llvm.{op}.{type_}"
            name = program.call(
                function, type_, f"{type_} {x}{more}", f"{type_}{', i1' if more else ''}"
            )
            program.result(name, type_, single(a, bits), bits)
        for other in (1, 8, 17, 32, 64, 100):
            if other < bits:
                name = program.value(f"trunc {type_} {x} to i{other}")
                program.result(name, f"i{other}", a, other)
            elif other > bits:
                name = program.value(f"sext {type_} {x} to i{other}")
                program.result(name, f"i{other}", _signed(a, bits), other)
        if bits in (8, 16, 32, 64):
            for op in ("fshl", "fshr"):
                amount = b % bits
                both_words = a << bits | b
                moved = both_words << amount >> bits if op == "fshl" else both_words >> amount
                for count in (y, str(amount)):
                    name = program.call(
                        f"llvm.{op}.{type_}", type_,
                        f"{type_} {x}, {type_} {y}, {type_} {count}", f"{type_}, {type_}, {type_}",
                    )  # fmt: skip
                    program.result(name, type_, moved, bits)
    return program


@pytest.mark.parametrize("level", ["0", "2"])
@pytest.mark.parametrize("bits", WIDTHS)
def test_integer_instructions(tmp_path: Path, bits: int, level: str) -> None:
    program = _program(bits)
    executable = build(tmp_path, program.text(), "program.ll", level=level, check=False)
    data = output(executable, ENGINES[bits % 2])
    results = [
        int.from_bytes(data[place : place + _CELL], "big") for place in range(0, len(data), _CELL)
    ]
    stores = [line for line in program.lines if line.startswith("  store i128")]
    wrong = [
        (store, hex(got), hex(wanted))
        for store, got, wanted in zip(stores, results, program.expected, strict=True)
        if got != wanted
    ]
    assert not wrong, wrong[:3]
