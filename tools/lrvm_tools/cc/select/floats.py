"""Floating point, by the routines of compiler-rt. Values are their bits in one or two words."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..ir.module import Operand
from ..ir.types import DOUBLE, FLOAT, Float, Integer, Type
from ..target import (
    AND_R,
    BOR_R,
    CMP_I,
    EQUAL,
    NEGATIVE,
    NOT_EQUAL,
    NOT_NEGATIVE,
    NOT_POSITIVE,
    POSITIVE,
    XOR_R,
    Condition,
)
from .memory import Memory
from .values import Part, literal

_OPERATIONS = {"fadd": "add", "fsub": "sub", "fmul": "mul", "fdiv": "div"}
# What a comparison routine returns for numbers that are not ordered makes the condition false
# (true for the u... ones).
_COMPARISONS: dict[str, tuple[str, Condition]] = {
    "oeq": ("eq", EQUAL),
    "une": ("ne", NOT_EQUAL),
    "olt": ("lt", NEGATIVE),
    "ole": ("le", NOT_POSITIVE),
    "ogt": ("gt", POSITIVE),
    "oge": ("ge", NOT_NEGATIVE),
    "ult": ("ge", NEGATIVE),
    "ule": ("gt", NOT_POSITIVE),
    "ugt": ("le", POSITIVE),
    "uge": ("lt", NOT_NEGATIVE),
    "uno": ("unord", NOT_EQUAL),
    "ord": ("unord", EQUAL),
}


def letter(type_: Type) -> str:
    """How the library's routines call a type: s or d."""
    if type_ == FLOAT:
        return "s"
    if type_ == DOUBLE:
        return "d"
    raise UnsupportedError(f"arithmetic with {getattr(type_, 'name', type_)} is not supported")


class Floats(Memory):
    def float_arithmetic(self, op: str, type_: Type, left: Operand, right: Operand) -> list[Part]:
        arguments = [*self.parts(left), *self.parts(right)]
        if op == "frem":
            return self.library("fmodf" if letter(type_) == "s" else "fmod", arguments, type_.words)
        return self.library(f"__{_OPERATIONS[op]}{letter(type_)}f3", arguments, type_.words)

    def float_condition(self, predicate: str, left: Operand, right: Operand) -> Condition:
        """Compare and set the flags; the condition that tells the result."""
        arguments = [*self.parts(left), *self.parts(right)]
        kind = letter(left[1])
        if predicate in ("one", "ueq"):
            equal = self.flag_of(self.library(f"__eq{kind}f2", arguments)[0], EQUAL)
            unordered = self.flag_of(self.library(f"__unord{kind}f2", arguments)[0], NOT_EQUAL)
            self.op(BOR_R, equal, unordered)
            self.emit([CMP_I, equal, 0])
            return EQUAL if predicate == "one" else NOT_EQUAL
        name, condition = _COMPARISONS[predicate]
        result = self.library(f"__{name}{kind}f2", arguments)[0]
        self.emit([CMP_I, self.reg(result), 0])
        return condition

    def flag_of(self, part: Part, condition: Condition) -> int:
        """1 if the part compared with 0 has a condition, else 0."""
        self.emit([CMP_I, self.reg(part), 0])
        return self.flag_value(condition)

    def float_sign(self, op: str, operand: Operand) -> list[Part]:
        """fneg or fabs: the sign bit flipped or cleared."""
        parts = self.parts(operand)
        if op == "fneg":
            top = self.logic(XOR_R, parts[-1], literal(1 << 31))
        else:
            top = self.logic(AND_R, parts[-1], literal((1 << 31) - 1))
        return [*parts[:-1], top]

    def copy_sign(self, magnitude: Operand, sign: Operand) -> list[Part]:
        parts = self.float_sign("fabs", magnitude)
        bit = self.logic(AND_R, self.parts(sign)[-1], literal(1 << 31))
        return [*parts[:-1], self.logic(BOR_R, parts[-1], bit)]

    def float_conversion(self, op: str, operand: Operand, target: Type) -> list[Part]:
        source = operand[1]
        if op == "fpext" and isinstance(source, Float) and source.name == "half":
            single = self.library("__extendhfsf2", self.parts(operand), 1)
            return single if target == FLOAT else self.library("__extendsfdf2", single, 2)
        if op == "fptrunc" and isinstance(target, Float) and target.name == "half":
            return self.library(f"__trunc{letter(source)}fhf2", self.parts(operand), 1)
        if op == "fpext":
            letter(target)
            return self.library("__extendsfdf2", self.parts(operand), 2)
        if op == "fptrunc":
            letter(source)
            return self.library("__truncdfsf2", self.parts(operand), 1)
        if op in ("fptosi", "fptoui"):
            assert isinstance(target, Integer)
            unsigned = "uns" if op == "fptoui" else ""
            size, words = _integer_code(target)
            # A narrow unsigned result may be computed as a signed word.
            if op == "fptoui" and target.bits < 32:
                unsigned = ""
            name = f"__fix{unsigned}{letter(source)}f{size}"
            return self.library(name, self.parts(operand), words)[: target.words]
        assert isinstance(source, Integer)
        size, words = _integer_code(source)
        signed = op == "sitofp"
        signed_routine = True if source.bits < 32 else signed
        parts = self.sign_extended(operand, words) if signed else self.zero_extended(operand)
        parts = [*parts, *[literal(0)] * (words - len(parts))]
        name = f"__float{'' if signed_routine else 'un'}{size}{letter(target)}f"
        return self.library(name, parts, target.words)


def _integer_code(type_: Integer) -> tuple[str, int]:
    if type_.bits <= 32:
        return "si", 1
    if type_.bits <= 64:
        return "di", 2
    if type_.bits <= 128:
        return "ti", 4
    raise UnsupportedError(f"conversions between floats and i{type_.bits} are not supported")
