"""Calls and parameters: docs/c-abi.md."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UnsupportedError
from ..ir.module import Callee, Instruction, Operand
from ..ir.types import Integer, Type
from ..target import ADD_R, ARGUMENTS, SHL_I, STACK, VARIADIC, WSA_RIR, WSA_RRR, Pseudo
from .conditions import Conditions
from .inline import InlineAssembly, parse_constraints
from .values import Part, literal


class Calls(Conditions):
    def incoming(self) -> None:
        """Take the parameters from where the caller has put them."""
        word = 0
        arrived: list[tuple[list[Part], Type, str]] = []
        if self.source.variadic:
            self.va_register = self.copy(VARIADIC)
        for type_, name in self.source.parameters:
            parts: list[Part] = []
            for _ in range(type_.words):
                register = self.new()
                if word < len(ARGUMENTS):
                    self.set(register, ARGUMENTS[word])
                else:
                    self.emit([Pseudo.INCOMING, register, word - len(ARGUMENTS)])
                parts.append(register)
                word += 1
            arrived.append((parts, type_, name))
        self.out.arguments = max(word - len(ARGUMENTS), 0)
        for parts, type_, name in arrived:
            if name in self.need_clean and isinstance(type_, Integer) and type_.bits % 32:
                parts = self.masked(parts, type_.bits)
                self.clean.add(name)
            self.values[name] = parts

    va_register: int = -1

    def call(self, instruction: Instruction) -> list[Part]:
        callee: Callee = instruction.extra
        if callee.is_assembly:
            return self.assembly(instruction)
        target = callee.target
        assert len(target) > 2
        words: list[Part] = []
        for argument in instruction.args[: callee.fixed]:
            words += self.parts(argument)
        pointer = -1
        if target[0] != "global" or target[3]:
            pointer = self.reg(self.part(target))
        stacked = 4 * max(len(words) - len(ARGUMENTS), 0)
        if callee.variadic:
            stacked = self._variable_arguments(instruction.args, callee, stacked)
        for place, part in enumerate(words[len(ARGUMENTS) :]):
            self._outgoing(4 * place, part)
        self.out.outgoing = max(self.out.outgoing, stacked)
        for register, part in zip(ARGUMENTS, words, strict=False):
            self.set(register, part)
        used: tuple[int, ...] = ARGUMENTS[: len(words)]
        if callee.variadic:
            used = (*used, VARIADIC)
        results = instruction.type.words
        if results > len(ARGUMENTS):
            raise UnsupportedError(f"a result of {results} words does not fit the registers")
        code = Pseudo.CALLR if pointer >= 0 else Pseudo.CALL
        called = pointer if pointer >= 0 else target[2]
        self.emit([code, called, used, ARGUMENTS[:results]])
        self.after_call()
        return [self.copy(register) for register in ARGUMENTS[:results]]

    def _variable_arguments(
        self, arguments: Sequence[Operand], callee: Callee, stacked: int
    ) -> int:
        """Lay the variable arguments out as clang's va_arg for the front end's target expects:
        aligned as if all arguments, the fixed ones too, stood one after the other."""
        offset = 0
        for argument in arguments[: callee.fixed]:
            offset = _place(offset, argument[1]) + 4 * argument[1].words
        begin = -(-stacked // 8) * 8
        at = begin + offset % 8
        first = at
        for number, argument in enumerate(arguments[callee.fixed :], callee.fixed):
            parts = self.parts(argument)
            at = _place(at, argument[1])
            type_ = argument[1]
            if number in callee.upper and isinstance(type_, Integer) and type_.words == 1:
                parts = [self.shift(SHL_I, parts[0], -8 * (-(-type_.bits // 8)) % 32)]
            for place, part in enumerate(reversed(parts)):
                self._outgoing(at + 4 * place, part)
            at += 4 * len(parts)
        self.set(VARIADIC, STACK)
        self.op(ADD_R, VARIADIC, literal(first))
        return at

    def _outgoing(self, offset: int, part: Part) -> None:
        """Store a word of the arguments on the stack."""
        value = self.reg(part)
        if offset <= 0xFF:
            self.emit([WSA_RIR, STACK, offset, value])
        else:
            self.emit([WSA_RRR, STACK, self.reg(literal(offset)), value])
        self.out.outgoing = max(self.out.outgoing, offset + 4)

    def variable_arguments_begin(self, pointer: Operand) -> None:
        """va_start"""
        self.store_word(self.address_of(pointer), self.va_register)

    def assembly(self, instruction: Instruction) -> list[Part]:
        """Inline assembly: its operands in registers of the allocator's choice."""
        callee: Callee = instruction.extra
        text, constraints = callee.target
        plan = parse_constraints(text, constraints)
        inputs: list[Part] = []
        outputs = [self.new() for _ in plan.outputs]
        if sum(1 for output in plan.outputs if not output.indirect) != instruction.type.words:
            raise UnsupportedError("an operand of assembly that is wider than a register")
        arguments = iter(instruction.args)
        memory: list[tuple[Operand, int]] = []
        for output, register in zip(plan.outputs, outputs, strict=True):
            if output.indirect:
                memory.append((next(arguments), register))
        literals: dict[int, str] = {}
        for number, constraint in enumerate(plan.inputs):
            argument = next(arguments)
            if not text.strip() and constraint.tied < 0:
                literals[number] = "0"  # nobody sees it
                inputs.append(literal(0))
                continue
            if argument[1].words != 1:
                raise UnsupportedError("an operand of assembly that is wider than a register")
            if constraint.literal_only or (constraint.literal and argument[0] in ("int", "global")):
                literals[number] = self._literal_text(argument)
                inputs.append(literal(0))
                continue
            value = self.copy(self.part(argument))
            if constraint.tied >= 0:
                self.set(outputs[constraint.tied], value)
                value = outputs[constraint.tied]
            inputs.append(value)
        fixed_before = [
            (constraint.register, part)
            for constraint, part in zip(plan.inputs, inputs, strict=True)
            if constraint.register >= 0
        ]
        registers = [
            constraint.register if constraint.register >= 0 else part
            for constraint, part in zip(plan.inputs, inputs, strict=True)
        ]
        for register, part in fixed_before:
            self.set(register, part)
        results = [
            output.register if output.register >= 0 else register
            for output, register in zip(plan.outputs, outputs, strict=True)
        ]
        code = InlineAssembly(plan, literals, instruction.debug)
        self.emit([Pseudo.ASM, code, results, registers])
        for output, register in zip(plan.outputs, outputs, strict=True):
            if output.register >= 0:
                self.set(register, output.register)
        for pointer, register in memory:
            self.store_word(self.address_of(pointer), register)
        self.local = {}
        return [
            register
            for output, register in zip(plan.outputs, outputs, strict=True)
            if not output.indirect
        ]

    def _literal_text(self, argument: Operand) -> str:
        if argument[0] == "int":
            return f"0x{argument[2] & 0xFFFF_FFFF:x}"
        if argument[0] == "zero":
            return "0"
        raise UnsupportedError("an operand of assembly that is no constant number")

    def give_back(self, operand: Operand | None) -> tuple[int, ...]:
        """Put the function's result where the caller expects it."""
        if operand is None:
            return ()
        parts = self.parts(operand)
        if len(parts) > len(ARGUMENTS):
            raise UnsupportedError(f"a result of {len(parts)} words does not fit the registers")
        for register, part in zip(ARGUMENTS, parts, strict=False):
            self.set(register, part)
        return ARGUMENTS[: len(parts)]


def _place(offset: int, type_: Type) -> int:
    """Where an argument of a type goes at the earliest."""
    if type_.align >= 8:
        return -(-offset // 8) * 8
    return offset
