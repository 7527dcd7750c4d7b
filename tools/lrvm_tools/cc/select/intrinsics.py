"""LLVM's own functions: `llvm.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..errors import UnsupportedError
from ..ir.module import Instruction, Operand
from ..ir.types import DOUBLE, Array, Float, Integer, Type
from ..target import (
    ADD_R,
    AND_R,
    BELOW,
    BOR_R,
    CF,
    CMP_I,
    CPY_R,
    EQUAL,
    FRAME,
    IF_I,
    ITR_I,
    MUL_R,
    NEGATIVE,
    NOT_EQUAL,
    OF,
    SHL_I,
    SHL_R,
    SHR_I,
    SHR_R,
    SUB_R,
    XOR_R,
    Pseudo,
)
from .calls import Calls
from .floats import letter
from .memory import Address
from .values import WORD, Part, literal

TRAP: Final = 0x12
"""Interruption code of code that should never be reached."""
_IGNORED: Final = frozenset(
    "lifetime.start lifetime.end assume dbg.value dbg.declare dbg.label dbg.assign va_end "
    "donothing sideeffect prefetch invariant.start invariant.end "
    "experimental.noalias.scope.decl var.annotation pseudoprobe stackprotector".split()
)
_SAME: Final = frozenset(
    "expect expect.with.probability threadlocal.address launder.invariant.group "
    "strip.invariant.group arithmetic.fence ssa.copy annotation ptr.annotation canonicalize".split()
)
_MATH: Final = {
    name: name
    for name in "sqrt floor ceil trunc rint nearbyint round sin cos tan exp exp2 exp10 "
    "log log2 log10 pow fma lround llround lrint llrint ldexp roundeven asin acos atan atan2 sinh "
    "cosh tanh".split()
}
_MATH.update(
    {"minnum": "fmin", "maxnum": "fmax", "minimum": "fmin", "maximum": "fmax",
     "minimumnum": "fmin", "maximumnum": "fmax"}
)  # fmt: skip
_MINIMA: Final = {"umin": "ult", "umax": "ugt", "smin": "slt", "smax": "sgt"}


class Intrinsics(Calls):
    def intrinsic(self, name: str, instruction: Instruction) -> list[Part]:
        """The result of a call of `llvm.NAME`."""
        base = name
        while base not in self._table and base not in _IGNORED and base not in _SAME:
            shorter = base.rpartition(".")[0]
            if base in _MATH or base in _MINIMA or not shorter:
                break
            base = shorter
        args = instruction.args
        if base in _IGNORED:
            return [literal(0)] * instruction.type.words
        if base in _SAME:
            return self.parts(args[0])
        if base in _MATH:
            suffix = "f" if letter(args[0][1]) == "s" else ""
            words = [part for argument in args for part in self.parts(argument)]
            return self.library(_MATH[base] + suffix, words, instruction.type.words)
        if base in _MINIMA:
            return self._minimum(_MINIMA[base], args)
        handler = self._table.get(base)
        if handler is None:
            raise UnsupportedError(f"llvm.{name} is not supported")
        return handler(self, instruction)

    def _minimum(self, predicate: str, args: list[Operand]) -> list[Part]:
        type_ = args[0][1]
        extend = self.sign_extended if predicate[0] == "s" else self.zero_extended
        if isinstance(type_, Integer) and type_.bits % 32:
            yes, no = extend(args[0]), extend(args[1])
        else:
            yes, no = self.parts(args[0]), self.parts(args[1])
        yes, no = self.short(yes), self.short(no)
        return self.choose(self.compare_words(predicate, yes, no), yes, no)

    # Memory.

    def _copy(self, instruction: Instruction) -> list[Part]:
        target, source, size = instruction.args[:3]
        moves = "memmove" in str(instruction.extra.target)
        align = min(self._alignment(target), self._alignment(source))
        if size[0] == "int" and self.copy_memory(target, source, size[2], align):
            return []
        words = [self.part(target), self.part(source), self.parts(size)[0]]
        self.library("memmove" if moves else "memcpy", words, 0)
        return []

    def _fill(self, instruction: Instruction) -> list[Part]:
        target, byte, size = instruction.args[:3]
        if size[0] == "int" and self.fill_memory(
            target, self.part(byte), size[2], self._alignment(target)
        ):
            return []
        self.library("memset", [self.part(target), self.part(byte), self.parts(size)[0]], 0)
        return []

    def _alignment(self, pointer: Operand) -> int:
        """4 if an address is known to be a multiple of 4, else 1."""
        address = self.address_of(pointer)
        if address.index is None and address.aligned and address.offset % 4 == 0:
            return 4
        return 1

    def _va_start(self, instruction: Instruction) -> list[Part]:
        self.variable_arguments_begin(instruction.args[0])
        return []

    def _va_copy(self, instruction: Instruction) -> list[Part]:
        word = self.load_word(self.address_of(instruction.args[1]))
        self.store_word(self.address_of(instruction.args[0]), word)
        return []

    def _stack_save(self, instruction: Instruction) -> list[Part]:
        register = self.new()
        self.emit([Pseudo.GETSP, register])
        return [register]

    def _stack_restore(self, instruction: Instruction) -> list[Part]:
        self.emit([Pseudo.SETSP, self.reg(self.part(instruction.args[0]))])
        return []

    def _object_size(self, instruction: Instruction) -> list[Part]:
        minimum = instruction.args[1]
        unknown = 0 if minimum[0] == "int" and minimum[2] else WORD
        return [literal(unknown), *[literal(unknown)] * (instruction.type.words - 1)]

    def _zero(self, instruction: Instruction) -> list[Part]:
        return [literal(0)] * instruction.type.words

    def _frame_address(self, instruction: Instruction) -> list[Part]:
        if instruction.args[0][2]:
            return [literal(0)]
        self.out.moves_stack = True
        return [self.copy(FRAME)]

    def _trap(self, instruction: Instruction) -> list[Part]:
        self.emit([ITR_I, TRAP])
        return []

    def _mask_pointer(self, instruction: Instruction) -> list[Part]:
        return [self.logic(AND_R, self.part(instruction.args[0]), self.part(instruction.args[1]))]

    # Bits.

    def _count_bits(self, instruction: Instruction, name: str) -> list[Part]:
        """ctlz, cttz, ctpop of up to 64 bits."""
        argument = instruction.args[0]
        type_ = argument[1]
        assert isinstance(type_, Integer)
        parts = self.zero_extended(argument)
        words, rest = type_.words, type_.bits % 32
        if rest and name == "ctlz":  # the highest bit to the top, and a stop behind the lowest
            parts = self.shift_parts("shl", parts, 32 - rest)
            parts[0] = self.logic(BOR_R, parts[0], literal((1 << (32 - rest)) - 1))
        elif rest and name == "cttz":
            parts = [*parts[:-1], self.logic(BOR_R, parts[-1], literal(1 << rest))]
        if words > 2:
            number = self.frame_object(4 * words, 4)
            for place, part in enumerate(parts):
                self.emit([Pseudo.FSTORE, number, 4 * place, self.reg(part)])
            at = self.new()
            self.emit([Pseudo.FRAME, at, number, 0])
            how = ("ctlz", "cttz", "ctpop").index(name)
            count = self.library("__lrvm_count_wide", [at, literal(words), literal(how)])
        else:
            count = self.library(f"__lrvm_{name}{32 * words}", parts)
        return [count[0], *[literal(0)] * (words - 1)]

    def _three_way(self, instruction: Instruction) -> list[Part]:
        """scmp, ucmp: -1, 0 or 1."""
        sign = str(instruction.extra.target[2])[5]
        more = self.truth(self.compare(f"{sign}gt", *instruction.args))
        less = self.truth(self.compare(f"{sign}lt", *instruction.args))
        result = self.binary(SUB_R, more, less)
        return [result, *[self.sign_word(result)] * (instruction.type.words - 1)]

    def _swap_bytes(self, instruction: Instruction) -> list[Part]:
        argument = instruction.args[0]
        bits = argument[1].bits
        parts = self.parts(argument)
        if bits == 16:
            clean = self.zero_extended(argument)[0]
            upper = self.shift(SHL_I, clean, 8)
            return [self.binary(BOR_R, upper, self.shift(SHR_I, clean, 8))]
        if bits % 32:
            parts = self.shift_parts("shl", parts, 32 * len(parts) - bits)
        return [self._swap_word(part) for part in reversed(parts)]

    def _swap_word(self, part: Part) -> Part:
        if part < 0:
            return literal(int.from_bytes((~part).to_bytes(4, "big"), "little"))
        mask = literal(0x00FF00FF)
        odd = self.logic(AND_R, self.shift(SHR_I, part, 8), mask)
        even = self.shift(SHL_I, self.logic(AND_R, part, mask), 8)
        swapped = self.binary(BOR_R, odd, even)
        low = self.shift(SHR_I, swapped, 16)
        return self.binary(BOR_R, self.shift(SHL_I, swapped, 16), low)

    def _reverse_bits(self, instruction: Instruction) -> list[Part]:
        argument = instruction.args[0]
        parts = self.zero_extended(argument)
        reverse = [self.library("__lrvm_bitreverse", [part])[0] for part in reversed(parts)]
        return self.shift_parts("lshr", list(reverse), 32 * len(parts) - argument[1].bits)

    def _funnel_shift(self, instruction: Instruction, left: bool) -> list[Part]:
        high, low, amount = instruction.args
        type_ = high[1]
        bits = type_.bits
        if amount[0] in ("int", "zero"):
            count = (amount[2] if amount[0] == "int" else 0) % bits
            if not count:
                return self.parts(high if left else low)
            down = bits - count if left else count
            upper = self.shift_parts("shl", self.parts(high), bits - down)
            lower = self.shift_parts("lshr", self.zero_extended(low), down)
            return [self.logic(BOR_R, a, b) for a, b in zip(upper, lower, strict=True)]
        if bits == 32:
            # Two steps to the other side, as a shift by 32 would be none.
            count = self.part(amount)
            register = self.reg(count)
            other = self.binary(XOR_R, register, literal(31))
            if left:
                upper = [self.shift_by(SHL_R, self.part(high), register)]
                lower_part = self.shift(SHR_I, self.reg(self.part(low)), 1)
                lower = [self.shift_by(SHR_R, lower_part, self.reg(other))]
            else:
                upper_part = self.shift(SHL_I, self.reg(self.part(high)), 1)
                upper = [self.shift_by(SHL_R, upper_part, self.reg(other))]
                lower = [self.shift_by(SHR_R, self.part(low), register)]
            return [self.binary(BOR_R, upper[0], lower[0])]
        if bits == 64:
            name = "__lrvm_fshl64" if left else "__lrvm_fshr64"
            return self.library(
                name, [*self.parts(high), *self.parts(low), self.parts(amount)[0]], 2
            )
        if bits in (8, 16):
            # Both in one word, shifted as one.
            both = self.binary(
                BOR_R,
                self.shift(SHL_I, self.zero_extended(high)[0], bits),
                self.zero_extended(low)[0],
            )
            count_part = self.logic(AND_R, self.part(amount), literal(bits - 1))
            if left:
                moved = self.shift_by(SHL_R, both, self.reg(count_part))
                return [self.shift(SHR_I, moved, bits)]
            return [self.shift_by(SHR_R, both, self.reg(count_part))]
        raise UnsupportedError(f"shifts of two values of {bits} bits are not supported")

    def _absolute(self, instruction: Instruction) -> list[Part]:
        argument = instruction.args[0]
        parts = self.sign_extended(argument)
        negative = self.subtract([literal(0)] * len(parts), parts)
        self.emit([CMP_I, self.reg(parts[-1]), 0])
        return self.choose((NEGATIVE, True), negative, parts)

    # Overflow.

    def _overflow(self, instruction: Instruction) -> list[Part]:
        name = str(instruction.extra.target[2])
        signed = name[5] == "s"
        operation = name[6:9]
        left, right = instruction.args[:2]
        type_ = left[1]
        assert isinstance(type_, Integer)
        if type_.bits == 32:
            form = {"add": ADD_R, "sub": SUB_R, "mul": MUL_R}[operation]
            result = self.copy(self.part(left))
            self.emit([form, result, self.reg_always(self.part(right))])
            return [result, self.flag_value((IF_I, OF if signed else CF))]
        if type_.bits < 32:
            extend = self.sign_extended if signed else self.zero_extended
            a, b = extend(left)[0], extend(right)[0]
            if operation == "mul" and type_.bits > 16:
                return self._overflow_wide(operation, signed, type_, left, right)
            result_part = (
                self.times(a, b)
                if operation == "mul"
                else self.binary(ADD_R if operation == "add" else SUB_R, a, b)
            )
            fitting = self._refit(result_part, type_, signed)
            self.emit([CMP_I, self.reg(self.binary(XOR_R, result_part, fitting)), 0])
            overflows = self.flag_value(NOT_EQUAL)
            return [*self.masked([result_part], type_.bits), overflows]
        return self._overflow_wide(operation, signed, type_, left, right)

    def _refit(self, part: Part, type_: Integer, signed: bool) -> Part:
        """A word cut to a narrower width and extended again."""
        clean = self.masked([part], type_.bits)[0]
        if not signed:
            return clean
        sign = literal(1 << (type_.bits - 1))
        result = self.binary(XOR_R, clean, sign)
        self.op(SUB_R, self.reg(result), sign)
        return result

    def _overflow_wide(
        self, operation: str, signed: bool, type_: Integer, left: Operand, right: Operand
    ) -> list[Part]:
        """Computed exactly in twice the width, then looked at."""
        words = type_.words
        wide = words + (words if operation == "mul" else 1)
        a = self.extended_to(left, wide, signed)
        b = self.extended_to(right, wide, signed)
        if operation == "mul":
            exact = self.library_in_memory("__lrvm_multiply_wide", a, b)
        elif operation == "add":
            exact = self.add(a, b)
        else:
            exact = self.subtract(a, b)
        result = exact[:words]
        top = self.sign_word(result[-1]) if signed else literal(0)
        rest = type_.bits % 32
        again = list(result)
        if rest:
            again[-1] = self._refit(result[-1], Integer(rest), signed)
            top = self.sign_word(again[-1]) if signed else literal(0)
        again += [top] * (wide - words)
        difference: Part = literal(0)
        for one, other in zip(exact, again, strict=True):
            if one != other:
                changed = self.logic(XOR_R, one, other)
                difference = self.logic(BOR_R, difference, changed)
        self.emit([CMP_I, self.reg(difference), 0])
        overflows = self.flag_value(NOT_EQUAL)
        return [*self.masked(result, type_.bits), overflows]

    def extended_to(self, operand: Operand, words: int, signed: bool) -> list[Part]:
        if signed:
            return self.sign_extended(operand, words)
        parts = self.zero_extended(operand)
        return [*parts, *[literal(0)] * (words - len(parts))]

    def _saturating(self, instruction: Instruction) -> list[Part]:
        name = str(instruction.extra.target[2])
        signed, operation = name[5] == "s", name[6:9]
        left, right = instruction.args[:2]
        type_ = left[1]
        assert isinstance(type_, Integer)
        words = type_.words
        a = self.extended_to(left, words + 1, signed)
        if operation == "shl":
            raise UnsupportedError("saturating shifts are not supported")
        b = self.extended_to(right, words + 1, signed)
        exact = self.add(a, b) if operation == "add" else self.subtract(a, b)
        bits = type_.bits
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        for bound, predicate in ((low, "slt"), (high, "sgt")):
            limit = self.short([literal(bound >> 32 * n) for n in range(words + 1)])
            exact = self.choose(self.compare_words(predicate, exact, limit), limit, exact)
        return exact[:words]

    # Floating point.

    def _fabs(self, instruction: Instruction) -> list[Part]:
        return self.float_sign("fabs", instruction.args[0])

    def _copysign(self, instruction: Instruction) -> list[Part]:
        return self.copy_sign(instruction.args[0], instruction.args[1])

    def _multiply_add(self, instruction: Instruction) -> list[Part]:
        a, b, c = instruction.args
        kind = letter(a[1])
        product = self.library(
            f"__mul{kind}f3", [*self.parts(a), *self.parts(b)], instruction.type.words
        )
        return self.library(f"__add{kind}f3", [*product, *self.parts(c)], instruction.type.words)

    def _integer_power(self, instruction: Instruction) -> list[Part]:
        kind = letter(instruction.type)
        words = [*self.parts(instruction.args[0]), self.part(instruction.args[1])]
        return self.library(f"__powi{kind}f2", words, instruction.type.words)

    def _class(self, instruction: Instruction) -> list[Part]:
        argument = instruction.args[0]
        letter(argument[1])
        name = "__lrvm_class64" if argument[1] == DOUBLE else "__lrvm_class32"
        return self.library(name, [*self.parts(argument), self.part(instruction.args[1])])

    def _two_results(self, instruction: Instruction) -> list[Part]:
        """frexp, modf, sincos: the library gives (one of) the results by a pointer."""
        name = str(instruction.extra.target[2]).split(".")[1]
        argument = instruction.args[0]
        suffix = "f" if letter(argument[1]) == "s" else ""
        words = argument[1].words
        second = instruction.type.words - words
        count = 2 if name == "sincos" else 1
        objects = [self.frame_object(8, 8) for _ in range(count)]
        pointers = []
        for number in objects:
            pointers.append(self.new())
            self.emit([Pseudo.FRAME, pointers[-1], number, 0])
        arguments = [*self.parts(argument), *pointers]
        first = self.library(name + suffix, arguments, 0 if count == 2 else words)
        for number, size in zip(objects, (words, second)[-count:], strict=True):
            at = Address(number, is_frame=True, aligned=True)
            loaded = [self.load_word(self._offset_by(at, 4 * n)) for n in range(size)]
            first = [*first, *reversed(loaded)]
        return first

    def _to_saturated(self, instruction: Instruction) -> list[Part]:
        raise UnsupportedError("saturating conversions are not supported")

    # Vectors.

    def _reduce(self, instruction: Instruction) -> list[Part]:
        name = str(instruction.extra.target[2]).split(".")[3]
        vector = instruction.args[-1]
        type_ = vector[1]
        assert isinstance(type_, Array)
        element: Type = type_.element
        if isinstance(element, Float) or name not in ("add", "mul", "and", "or", "xor"):
            raise UnsupportedError(f"reducing a vector by {name} is not supported")
        parts = self.parts(vector)
        result = parts[: element.words]
        for place in range(element.words, len(parts), element.words):
            other = parts[place : place + element.words]
            if name == "add":
                result = self.add(result, other)
            elif name == "mul":
                result = self.multiply(result, other)
            else:
                form = {"and": AND_R, "or": BOR_R, "xor": XOR_R}[name]
                result = [self.logic(form, a, b) for a, b in zip(result, other, strict=True)]
        return result

    _table: Final[dict[str, Callable[[Intrinsics, Instruction], list[Part]]]] = {
        "memcpy": _copy,
        "memcpy.inline": _copy,
        "memmove": _copy,
        "memset": _fill,
        "memset.inline": _fill,
        "va_start": _va_start,
        "va_copy": _va_copy,
        "stacksave": _stack_save,
        "stackrestore": _stack_restore,
        "objectsize": _object_size,
        "is.constant": _zero,
        "returnaddress": _zero,
        "frameaddress": _frame_address,
        "trap": _trap,
        "debugtrap": _trap,
        "ubsantrap": _trap,
        "ptrmask": _mask_pointer,
        "ctlz": lambda self, one: self._count_bits(one, "ctlz"),
        "cttz": lambda self, one: self._count_bits(one, "cttz"),
        "ctpop": lambda self, one: self._count_bits(one, "ctpop"),
        "bswap": _swap_bytes,
        "bitreverse": _reverse_bits,
        "fshl": lambda self, one: self._funnel_shift(one, True),
        "fshr": lambda self, one: self._funnel_shift(one, False),
        "abs": _absolute,
        "scmp": _three_way,
        "ucmp": _three_way,
        **dict.fromkeys(
            "sadd.with.overflow uadd.with.overflow ssub.with.overflow usub.with.overflow "
            "smul.with.overflow umul.with.overflow".split(),
            _overflow,
        ),
        **dict.fromkeys(
            "sadd.sat uadd.sat ssub.sat usub.sat sshl.sat ushl.sat".split(), _saturating
        ),
        "fabs": _fabs,
        "copysign": _copysign,
        "fmuladd": _multiply_add,
        "powi": _integer_power,
        "is.fpclass": _class,
        "frexp": _two_results,
        "modf": _two_results,
        "sincos": _two_results,
        "fptosi.sat": _to_saturated,
        "fptoui.sat": _to_saturated,
        **dict.fromkeys(
            "vector.reduce.add vector.reduce.mul vector.reduce.and vector.reduce.or "
            "vector.reduce.xor".split(),
            _reduce,
        ),
    }


__all__ = ["BELOW", "CPY_R", "EQUAL", "SHR_R", "Intrinsics"]
