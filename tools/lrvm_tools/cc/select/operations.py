"""Instructions whose result is a value, and stores."""

from __future__ import annotations

from typing import Final

from ..errors import UnsupportedError
from ..ir.module import Instruction, Operand
from ..ir.types import Array, Integer, Struct, Type, first_word
from ..target import (
    ADD_R,
    AND_R,
    CMP_I,
    EQUAL,
    XOR_R,
    Pseudo,
)
from .memory import Address
from .survey import Survey
from .values import WORD, Part, literal

_FLOAT_OPS: Final = frozenset("fadd fsub fmul fdiv frem".split())
_CONVERSIONS: Final = frozenset("fptrunc fpext fptoui fptosi uitofp sitofp".split())
_CLEAN_RESULTS: Final = frozenset("load icmp fcmp zext lshr udiv urem extractvalue".split())
_PURE: Final = frozenset(
    "add sub mul udiv sdiv urem srem and or xor shl lshr ashr icmp fcmp select trunc zext sext "
    "ptrtoint ptrtoaddr inttoptr bitcast addrspacecast getelementptr freeze extractvalue "
    "insertvalue fadd fsub fmul fdiv frem fneg fptrunc fpext fptoui fptosi uitofp sitofp "
    "extractelement insertelement shufflevector".split()
)


class Operations(Survey):
    def is_narrow(self, type_: Type) -> bool:
        return isinstance(type_, Integer) and type_.bits % 32 != 0

    def is_clean_result(self, instruction: Instruction) -> bool:
        op = instruction.op
        if op == "load":
            # What is read as bytes may have more bits than the type.
            return instruction.type.bits % 8 == 0 or instruction.type == Integer(1)  # type: ignore[attr-defined]
        if op == "extractvalue" or op == "extractelement":
            return instruction.type == Integer(1) and op == "extractvalue"
        if op in _CLEAN_RESULTS:
            return True
        if op in ("and", "or", "xor", "select", "freeze"):
            operands = instruction.args[1:] if op == "select" else instruction.args
            cleans = [self.is_clean(operand) for operand in operands]
            return any(cleans) if op == "and" else all(cleans)
        return False

    def compute(self, instruction: Instruction) -> list[Part]:
        op, args, type_ = instruction.op, instruction.args, instruction.type
        if isinstance(type_, Array) and type_.vector and op in _PURE:
            special = self._vector(instruction)
            if special is not None:
                return special
        if op in _FLOAT_OPS:
            return self.float_arithmetic(op, type_, args[0], args[1])
        if op in _CONVERSIONS:
            return self.float_conversion(op, args[0], type_)
        if op == "fneg":
            return self.float_sign(op, args[0])
        if op in ("icmp", "fcmp"):
            if op == "fcmp" and instruction.extra in ("true", "false"):
                return [literal(instruction.extra == "true")]
            if op == "icmp":
                return [self.truth(self.compare(instruction.extra, *args))]
            return [self.truth((self.float_condition(instruction.extra, *args), True))]
        method = self._methods.get(op)
        if method is not None:
            return method(self, instruction)
        return self.arithmetic(op, type_, args[0], args[1])

    def _vector(self, instruction: Instruction) -> list[Part] | None:
        """An operation on vectors, element by element; None if it moves whole elements only."""
        op, args = instruction.op, instruction.args
        if op in ("insertelement", "shufflevector", "insertvalue", "extractvalue", "freeze"):
            return None
        if op == "bitcast" or (op == "select" and not isinstance(args[0][1], Array)):
            return None
        result: list[Part] = []
        assert isinstance(instruction.type, Array)
        for place in range(instruction.type.count):
            elements = [self._element(operand, place) for operand in args]
            one = Instruction(op, "", instruction.type.element, elements, instruction.extra)
            if op == "getelementptr" and not isinstance(args[0][1], Array):
                one.args[0] = args[0]
            parts = self.compute(one)
            if self.is_narrow(one.type):
                parts = self.masked(parts, one.type.bits)  # type: ignore[attr-defined]
            result += parts
        return result

    def _element(self, operand: Operand, place: int) -> Operand:
        type_ = operand[1]
        if not isinstance(type_, Array):
            return operand
        words = type_.element.words
        return self.made(type_.element, self.parts(operand)[place * words : (place + 1) * words])

    def made(self, type_: Type, parts: list[Part]) -> Operand:
        """An operand for parts that no instruction of the IR has made; narrow ones are clean."""
        name = f" {len(self.values)}"
        self.values[name] = parts
        self.clean.add(name)
        return ("local", type_, name)

    def _load(self, instruction: Instruction) -> list[Part]:
        parts = self.load(
            instruction.type, self.address_of(instruction.args[0]), instruction.extra[0]
        )
        type_ = instruction.type
        if isinstance(type_, Integer) and type_.bits % 8 and type_.bits != 1:
            parts = self.masked(parts, type_.bits)
        return parts

    def write(self, instruction: Instruction) -> None:
        value, pointer = instruction.args
        type_ = value[1]
        if isinstance(type_, Integer) and type_.bits % 8:
            parts = self.zero_extended(value)
        else:
            parts = self.parts(value)
        address = self.address_of(pointer)
        self._check_null(address)
        self.store(type_, parts, address, instruction.extra[0])

    def _element_pointer(self, instruction: Instruction) -> list[Part]:
        return [self.pointer(self.element_address(instruction))]

    def _select(self, instruction: Instruction) -> list[Part]:
        condition, yes, no = instruction.args
        if isinstance(condition[1], Array):
            raise UnsupportedError("a choice by a vector is not supported")
        clean = self.is_narrow(instruction.type) and instruction.name in self.need_clean
        take = self.zero_extended if clean else self.parts
        first, second = self.short(take(yes)), self.short(take(no))
        return self.choose(self.test(condition), first, second)

    def _call(self, instruction: Instruction) -> list[Part]:
        target = instruction.extra.target
        if not instruction.extra.is_assembly and target[0] == "global":
            name = str(target[2])
            if name.startswith("llvm."):
                return self.intrinsic(name[5:], instruction)
        parts = self.call(instruction)
        if isinstance(instruction.type, Struct | Array):
            # Narrow elements come with undefined bits above them.
            cleaned: list[Part] = []
            for element in self.element_types(instruction.type):
                value = parts[len(cleaned) : len(cleaned) + element.words]
                cleaned += (
                    self.masked(value, element.bits) if isinstance(element, Integer) else value
                )
            return cleaned
        return parts

    def _extract_value(self, instruction: Instruction) -> list[Part]:
        aggregate = instruction.args[0]
        begin, type_ = 0, aggregate[1]
        for index in instruction.extra:
            begin += first_word(type_, index)
            type_ = self.element_types(type_)[index]
        return self.parts(aggregate)[begin : begin + type_.words]

    def _insert_value(self, instruction: Instruction) -> list[Part]:
        aggregate, value = instruction.args
        begin, type_ = 0, aggregate[1]
        for index in instruction.extra:
            begin += first_word(type_, index)
            type_ = self.element_types(type_)[index]
        parts = list(self.parts(aggregate))
        parts[begin : begin + type_.words] = self.zero_extended(value)
        return parts

    def _extract_element(self, instruction: Instruction) -> list[Part]:
        vector, index = instruction.args
        words = instruction.type.words
        parts = self.parts(vector)
        if index[0] in ("int", "zero"):
            place = index[2] if index[0] == "int" else 0
            return parts[place * words : (place + 1) * words]
        number = self._spread(parts)
        at = self._place_in(number, index, words)
        return [self.load_word(Address(at, 4 * n)) for n in range(words)]

    def _insert_element(self, instruction: Instruction) -> list[Part]:
        vector, value, index = instruction.args
        words = value[1].words
        parts = list(self.parts(vector))
        new = self.zero_extended(value)
        if index[0] in ("int", "zero"):
            place = index[2] if index[0] == "int" else 0
            parts[place * words : (place + 1) * words] = new
            return parts
        number = self._spread(parts)
        at = self._place_in(number, index, words)
        for place, part in enumerate(new):
            self.store_word(Address(at, 4 * place), part)
        return [self.load_word(Address(number, 4 * n, is_frame=True)) for n in range(len(parts))]

    def _spread(self, parts: list[Part]) -> int:
        """Parts in memory, word by word, for access by a variable index."""
        number = self.frame_object(4 * len(parts), 4)
        for place, part in enumerate(parts):
            self.emit([Pseudo.FSTORE, number, 4 * place, self.reg(part)])
        return number

    def _place_in(self, number: int, index: Operand, words: int) -> int:
        at = self.new()
        self.emit([Pseudo.FRAME, at, number, 0])
        offset = self.times(self.zero_extended(index)[0], literal(4 * words))
        self.op(ADD_R, at, offset)
        return at

    def _shuffle(self, instruction: Instruction) -> list[Part]:
        first, second, mask = instruction.args
        words = instruction.type.element.words  # type: ignore[attr-defined]
        both = [*self.parts(first), *self.parts(second)]
        result: list[Part] = []
        for part in self.parts(mask):
            begin = (~part if part < 0 else 0) * words
            result += both[begin : begin + words] or [literal(0)] * words
        return result

    def _cast(self, instruction: Instruction) -> list[Part]:
        operand, type_, op = instruction.args[0], instruction.type, instruction.op
        if op in ("zext", "sext"):
            return self.extended(operand, type_, op == "sext")
        if op == "trunc":
            return self.truncated(operand, type_)
        if op == "bitcast":
            return self._bitcast(operand, type_)
        parts = self.zero_extended(operand)[: type_.words]
        return [*parts, *[literal(0)] * (type_.words - len(parts))]

    def _bitcast(self, operand: Operand, type_: Type) -> list[Part]:
        source = operand[1]
        if not isinstance(source, Array) and not isinstance(type_, Array):
            return self.parts(operand)
        number = self.frame_object(max(source.size, 4), 8)
        at = Address(number, is_frame=True, aligned=True)
        self.store(source, self.parts(operand), at, 8)
        return self.load(type_, at, 8)

    def _alloca(self, instruction: Instruction) -> list[Part]:
        type_, align = instruction.extra
        self.out.moves_stack = True
        if instruction.args:
            count = self.zero_extended(instruction.args[0])[0]
            size = self.times(count, literal(type_.size))
        else:
            size = literal(type_.size)
        size = self.logic(AND_R, self.binary(ADD_R, size, literal(max(align, 8) + 6)), literal(-8))
        result = self.new()
        self.emit([Pseudo.ALLOCA, result, self.reg(size)])
        if align > 8:
            result = self.reg(
                self.logic(AND_R, self.binary(ADD_R, result, literal(align - 1)), literal(-align))
            )
        if self.check:
            self.check_stack()
        return [result]

    def _freeze(self, instruction: Instruction) -> list[Part]:
        return self.parts(instruction.args[0])

    def _atomic(self, instruction: Instruction) -> list[Part]:
        """There is one thread, and interrupts are the program's own affair."""
        pointer, value = instruction.args
        operation, align = instruction.extra
        type_ = value[1]
        align = align or type_.align
        address = self._fixed(self.address_of(pointer))
        old = [self.copy(part) for part in self.load(type_, address, align)]
        names = {"add": "add", "sub": "sub", "and": "and", "or": "or", "xor": "xor"}
        before = self.made(type_, list(old))
        if operation == "xchg":
            new = self.parts(value)
        elif operation in names:
            new = self.arithmetic(names[operation], type_, before, value)
        elif operation == "nand":
            both = self.parts_and(before, value)
            new = [self.logic(XOR_R, part, literal(WORD)) for part in both]
        elif operation in ("max", "min", "umax", "umin"):
            predicate = {"max": "sgt", "min": "slt", "umax": "ugt", "umin": "ult"}[operation]
            test = self.compare(predicate, before, value)
            new = self.choose(test, list(old), self.short(self.parts(value)))
        else:
            raise UnsupportedError(f"atomic {operation} is not supported")
        self.store(type_, new, address, align)
        return list(old)

    def parts_and(self, left: Operand, right: Operand) -> list[Part]:
        pairs = zip(self.parts(left), self.parts(right), strict=True)
        return [self.logic(AND_R, a, b) for a, b in pairs]

    def _compare_exchange(self, instruction: Instruction) -> list[Part]:
        pointer, expected, new = instruction.args
        type_ = expected[1]
        align = instruction.extra or type_.align
        address = self._fixed(self.address_of(pointer))
        old = [self.copy(part) for part in self.load(type_, address, align)]
        before = self.made(type_, list(old))
        wanted = self.short(self.parts(new))
        test = self.compare("eq", before, expected)
        same = self.truth(test)
        self.emit([CMP_I, self.reg(same), 0])
        stored = self.choose((EQUAL, False), wanted, list(old))
        self.store(type_, stored, address, align)
        return [*old, same]

    def _va_arg(self, instruction: Instruction) -> list[Part]:
        at = self.address_of(instruction.args[0])
        place: Part = self.load_word(at)
        if instruction.type.align >= 8:
            place = self.logic(AND_R, self.binary(ADD_R, place, literal(7)), literal(-8))
        after = self.binary(ADD_R, place, literal(4 * instruction.type.words))
        self.store_word(at, after)
        return self.load(instruction.type, Address(self.reg(place)), 4)

    def _nothing(self, instruction: Instruction) -> list[Part]:
        return []

    _methods: Final = {
        "load": _load,
        "getelementptr": _element_pointer,
        "select": _select,
        "call": _call,
        "extractvalue": _extract_value,
        "insertvalue": _insert_value,
        "extractelement": _extract_element,
        "insertelement": _insert_element,
        "shufflevector": _shuffle,
        **dict.fromkeys(
            "zext sext trunc bitcast ptrtoint inttoptr ptrtoaddr addrspacecast".split(), _cast
        ),
        "alloca": _alloca,
        "freeze": _freeze,
        "atomicrmw": _atomic,
        "cmpxchg": _compare_exchange,
        "va_arg": _va_arg,
        "fence": _nothing,
    }
