"""Integer arithmetic of any width, in words of 32 bits."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UnsupportedError
from ..ir.module import Operand
from ..ir.types import Integer, Type
from ..target import (
    ADD_R,
    AND_R,
    ARGUMENTS,
    BELOW,
    BOR_R,
    DIV_I,
    DIV_R,
    IMMEDIATE,
    MOD_I,
    MOD_R,
    MUL_R,
    SHL_I,
    SHL_R,
    SHR_I,
    SHR_R,
    SUB_R,
    XOR_R,
    Pseudo,
)
from .values import WORD, Part, Values, literal

_LOGIC = {"and": AND_R, "or": BOR_R, "xor": XOR_R}
_SIGNED_DIVISION = 0x10


class Arithmetic(Values):
    def library(self, name: str, arguments: Sequence[Part], results: int = 1) -> list[Part]:
        """Call a routine of the library with words; the words of its result."""
        if len(arguments) > len(ARGUMENTS):
            raise UnsupportedError(f"{name} takes too many words")
        for register, part in zip(ARGUMENTS, arguments, strict=False):
            self.set(register, part)
        used = ARGUMENTS[: len(arguments)]
        self.emit([Pseudo.CALL, name, used, ARGUMENTS[:results]])
        self.after_call()
        return [self.copy(register) for register in ARGUMENTS[:results]]

    def after_call(self) -> None:
        """What is known of registers no longer is worth keeping over a call."""
        self.out.makes_calls = True
        self.local = {}

    def arithmetic(self, op: str, type_: Type, left: Operand, right: Operand) -> list[Part]:
        """An integer operation; bits above the width are undefined afterwards."""
        assert isinstance(type_, Integer)
        if op in _LOGIC:
            form = _LOGIC[op]
            return [
                self.logic(form, a, b)
                for a, b in zip(self.parts(left), self.parts(right), strict=True)
            ]
        if op == "add":
            return self.add(self.parts(left), self.parts(right))
        if op == "sub":
            return self.subtract(self.parts(left), self.parts(right))
        if op == "mul":
            return self.multiply(self.parts(left), self.parts(right))
        if op in ("shl", "lshr", "ashr"):
            return self.shift_wide(op, type_, left, right)
        return self.divide(op, type_, left, right)

    def logic(self, form: int, left: Part, right: Part) -> Part:
        if left < 0:
            left, right = right, left
        if left < 0:
            a, b = ~left, ~right
            return literal(a & b if form == AND_R else a | b if form == BOR_R else a ^ b)
        if right == literal(0):
            return literal(0) if form == AND_R else left
        if right == literal(WORD):
            if form == AND_R:
                return left
            if form == BOR_R:
                return right
            if self.block.origin not in self.flow.front:  # NOT x is -1 - x
                result = self.copy(right)
                self.op(SUB_R, result, left)
                return result
        return self.binary(form, left, right)

    def add(self, left: list[Part], right: list[Part]) -> list[Part]:
        if len(left) == 1:
            return [self.binary(ADD_R, left[0], right[0])]
        if left[0] < 0:
            left, right = right, left
        small = _small_negative(right)
        if small is not None:  # x - 1 is shorter than x + 0xFFFF_FFFF_FFFF_FFFF
            return self.subtract(left, small)
        result: list[Part] = [self._lowest(ADD_R, left[0], right[0])]
        for a, b in zip(left[1:], right[1:], strict=True):
            is_last = len(result) + 1 == len(left)
            result.append(self._carry(ADD_R, a, b, is_last, len(result) > 1))
        return result

    def subtract(self, left: list[Part], right: list[Part]) -> list[Part]:
        if len(left) == 1:
            return [self.binary(SUB_R, left[0], right[0])]
        result: list[Part] = [self._lowest(SUB_R, left[0], right[0])]
        for a, b in zip(left[1:], right[1:], strict=True):
            is_last = len(result) + 1 == len(left)
            result.append(self._carry(SUB_R, a, b, is_last, len(result) > 1))
        return result

    def _lowest(self, form: int, left: Part, right: Part) -> int:
        """The lowest word of a sum or difference, with the carry flag set as it must be."""
        other = right if right < 0 and ~right <= 0xFFFF else self.reg(right)
        result = self.copy(left)
        if other < 0:
            self.emit([IMMEDIATE[form], result, ~other])
        else:
            self.emit([form, result, other])
        return result

    def _carry(self, form: int, left: Part, right: Part, last: bool, in_register: bool) -> Part:
        """The next word of a sum or difference, with the carry of the one before: in the carry
        flag, or in a register for the third word and on, where two steps can carry."""
        one = literal(1)
        before = self._carry_register if in_register else -1
        if not in_register and last:
            # CPY and constants of one word keep the flags.
            result = self.new()
            flag = self._flag_safe_copy(result, left)
            if flag is not None:
                self.op(form, result, flag)
            else:
                self.emit([*BELOW])
                self.op(form, result, one)
            self.op(form, result, right)
            return result
        if not in_register:
            before = self.flag_value(BELOW)
        result = self.copy(left)
        self.op(form, result, before)
        if last:
            self.op(form, result, right)
            return result
        carry = self.flag_value(BELOW)
        # Adding a literal 0 would not set the flag.
        self.emit([form, result, self.reg_always(right)])
        again = self.flag_value(BELOW)
        self.op(BOR_R, carry, again)
        self._carry_register = carry
        return result

    _carry_register: int = -1

    def reg_always(self, part: Part) -> int:
        return part if part >= 0 else self.copy(part)

    def _flag_safe_copy(self, register: int, part: Part) -> Part | None:
        """Copy without touching the flags; if that cannot be, the carry in a register."""
        if part < 0 and ~part > 0xFFFF:
            carry = self.flag_value(BELOW)
            self.set(register, part)
            return carry
        self.set(register, part)
        return None

    def flag_value(self, condition: tuple[int, ...]) -> int:
        """A register with 1 if a condition of the flags holds, else 0. The flags are kept."""
        result = self.copy(literal(0))
        self.emit([*condition])
        self.emit([Pseudo.CCPY_I, result, 1])
        return result

    def multiply(self, left: list[Part], right: list[Part]) -> list[Part]:
        if len(left) == 1:
            return [self.times(left[0], right[0])]
        if len(left) == 2:
            if left[0] < 0:
                left, right = right, left
            if right[1] == literal(0) and ~right[0] in {1 << bit for bit in range(1, 32)}:
                return self.shift_parts("shl", left, (~right[0]).bit_length() - 1)
            low, high = self.library("__lrvm_multiply", [left[0], right[0]], 2)
            for a, b in ((left[0], right[1]), (left[1], right[0])):
                if literal(0) not in (a, b):
                    high = self.binary(ADD_R, high, self.times(a, b))
            return [low, high]
        return self.library_in_memory("__lrvm_multiply_wide", left, right)

    def library_in_memory(
        self, name: str, left: list[Part], right: list[Part], *more: Part
    ) -> list[Part]:
        """Call a routine with the addresses of the result and of two numbers, and their words."""
        words = len(left)
        objects = [self.frame_object(4 * words, 4) for _ in range(3)]
        for number, parts in zip(objects[1:], (left, right), strict=True):
            for place, part in enumerate(parts):
                self.emit([Pseudo.FSTORE, number, 4 * place, self.reg(part)])
        addresses = []
        for number in objects:
            addresses.append(self.new())
            self.emit([Pseudo.FRAME, addresses[-1], number, 0])
        self.library(name, [*addresses, literal(words), *more], 0)
        result: list[Part] = []
        for place in range(words):
            result.append(self.new())
            self.emit([Pseudo.FLOAD, result[-1], objects[0], 4 * place])
        return result

    def times(self, left: Part, right: Part) -> Part:
        if left < 0:
            left, right = right, left
        if left < 0:
            return literal(~left * ~right)
        if right < 0:
            value = ~right
            if value == 0:
                return right
            if value == WORD:
                result = self.copy(literal(0))
                self.op(SUB_R, result, left)
                return result
            if value & (value - 1) == 0:
                return self.shift(SHL_I, left, value.bit_length() - 1)
        return self.binary(MUL_R, left, right)

    # Shifts.

    def arithmetic_right(self, part: Part, count: int) -> Part:
        """A word shifted right by a known count, with copies of its sign."""
        if not count:
            return part
        if part < 0:
            value = ~part
            return literal((value - ((value >> 31) << 32)) >> count)
        result = self.copy(part)
        self.emit([SHR_I, result, count])
        sign = literal(1 << (31 - count))
        self.op(XOR_R, result, sign)
        self.op(SUB_R, result, sign)
        return result

    def arithmetic_right_by(self, part: Part, count: int) -> Part:
        result = self.copy(part)
        self.emit([SHR_R, result, count])
        sign = self.copy(literal(1 << 31))
        self.emit([SHR_R, sign, count])
        self.op(XOR_R, result, sign)
        self.op(SUB_R, result, sign)
        return result

    def shift_parts(self, op: str, parts: list[Part], count: int) -> list[Part]:
        """Words shifted by a known count. `ashr` takes them sign-extended."""
        words = len(parts)
        skip, bits = divmod(count, 32)
        if op == "shl":
            fill: Part = literal(0)
            source = [fill] * (skip + 1) + parts
            pairs = [(source[n], source[n + 1]) for n in range(words)]
            return [self._funnel(low, high, 32 - bits) if bits else high for low, high in pairs]
        fill = self.sign_word(parts[-1]) if op == "ashr" and skip else literal(0)
        source = parts[skip:] + [fill] * (skip + 1)
        result = []
        for place in range(words):
            if place == words - 1 - skip and bits:
                top = source[place]
                right = self.arithmetic_right if op == "ashr" else self._logical_right
                result.append(right(top, bits))
            elif bits and place < words - skip:
                result.append(self._funnel(source[place], source[place + 1], bits))
            else:
                result.append(source[place])
        return result

    def _logical_right(self, part: Part, count: int) -> Part:
        if part < 0:
            return literal(~part >> count)
        return self.shift(SHR_I, part, count)

    def _funnel(self, low: Part, high: Part, count: int) -> Part:
        """The word at bit `count` of two; 0 < count < 32."""
        lower = self._logical_right(low, count)
        upper = literal(~high << (32 - count)) if high < 0 else self.shift(SHL_I, high, 32 - count)
        return self.logic(BOR_R, upper, lower)

    def shift_wide(self, op: str, type_: Integer, left: Operand, right: Operand) -> list[Part]:
        if op == "ashr":
            parts = self.sign_extended(left)
        elif op == "lshr":
            parts = self.zero_extended(left)
        else:
            parts = self.parts(left)
        amount = self.zero_extended(right)[0]
        if amount < 0:
            count = ~amount
            if count >= type_.bits:
                return parts
            return self.shift_parts(op, parts, count)
        if len(parts) == 1:
            if op == "ashr":
                return [self.arithmetic_right_by(parts[0], amount)]
            return [self.shift_by(SHL_R if op == "shl" else SHR_R, parts[0], amount)]
        if len(parts) == 2:
            return self.library(f"__lrvm_{op}", [*parts, amount], 2)
        return self.library_in_memory(
            "__lrvm_shift_wide",
            parts,
            [literal(0)] * len(parts),
            amount,
            literal("shl lshr ashr".split().index(op)),
        )

    def shift_by(self, form: int, part: Part, amount: int) -> Part:
        result = self.copy(part)
        self.emit([form, result, amount])
        return result

    # Division.

    def divide(self, op: str, type_: Integer, left: Operand, right: Operand) -> list[Part]:
        signed = op[0] == "s"
        extend = self.sign_extended if signed else self.zero_extended
        a, b = extend(left), extend(right)
        if len(a) == 1:
            if b[0] < 0 and not signed and ~b[0] and ~b[0] & (~b[0] - 1) == 0:
                if op == "udiv":
                    return [self._logical_right(a[0], (~b[0]).bit_length() - 1)]
                return [self.logic(AND_R, a[0], literal(~b[0] - 1))]
            result = self.copy(a[0])
            with_register, with_literal = (DIV_R, DIV_I) if op[1:] == "div" else (MOD_R, MOD_I)
            mode = _SIGNED_DIVISION if signed else 0
            if 0 < -b[0] <= 0x100:
                self.emit([with_literal, result, ~b[0], mode])
            else:
                self.emit([with_register, result, self.reg(b[0]), mode])
            return [result]
        if len(a) == 2:
            if b[0] >= 0 or b[1] >= 0:
                # The routines of the library do not raise the machine's exception.
                probe = self.copy(literal(1))
                self.emit([DIV_R, probe, self.reg(self.binary(BOR_R, b[0], b[1])), 0])
            name = "div" if op[1:] == "div" else "mod"
            return self.library(f"__{'' if signed else 'u'}{name}di3", [*a, *b], 2)
        code = ("udiv", "sdiv", "urem", "srem").index(op)
        return self.library_in_memory("__lrvm_divide_wide", a, b, literal(code))

    # Conversions between widths.

    def extended(self, operand: Operand, target: Type, signed: bool) -> list[Part]:
        words = target.words
        if signed:
            return self.sign_extended(operand, words)
        parts = self.zero_extended(operand)
        return [*parts, *[literal(0)] * (words - len(parts))]

    def truncated(self, operand: Operand, target: Type) -> list[Part]:
        return self.parts(operand)[: target.words]


def _small_negative(parts: list[Part]) -> list[Part] | None:
    """The parts of -x if x is a constant from -65535 to -1."""
    if all(part == literal(WORD) for part in parts[1:]) and parts[0] < 0:
        value = 0x1_0000_0000 - ~parts[0]
        if value <= 0xFFFF:
            return [literal(value), *[literal(0)] * (len(parts) - 1)]
    return None
