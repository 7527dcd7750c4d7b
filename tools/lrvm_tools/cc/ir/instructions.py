"""Reading instructions in the text of LLVM IR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import UnsupportedError
from .module import Callee, Instruction, Operand
from .reader import BINARY, CASTS, FLAGS, TOKEN, Reader, name_of, unescape
from .types import (
    I1,
    METADATA,
    POINTER,
    VOID,
    Array,
    Struct,
    Type,
    step,
)
from .types import Function as FunctionType


class InstructionReader(Reader):
    def __init__(self) -> None:
        super().__init__()
        self.parsers: dict[str, Callable[[str, str], Instruction]] = {
            "icmp": self._compare,
            "fcmp": self._compare,
            "load": self._load,
            "store": self._store,
            "getelementptr": self._getelementptr,
            "phi": self._phi,
            "br": self._branch,
            "switch": self._switch,
            "indirectbr": self._indirect_branch,
            "call": self._call,
            "ret": self._return,
            "alloca": self._alloca,
            "extractvalue": self._extract_value,
            "insertvalue": self._insert_value,
            "atomicrmw": self._atomic,
            "cmpxchg": self._compare_exchange,
            "fence": self._nothing,
            "unreachable": self._nothing,
        }
        for op in BINARY:
            self.parsers[op] = self._binary
        for op in CASTS:
            self.parsers[op] = self._cast
        for op in ("select", "freeze", "fneg", "extractelement", "insertelement", "shufflevector"):
            self.parsers[op] = self._operands
        self.parsers["va_arg"] = self._va_arg

    def _instruction(self, text: str) -> Instruction:
        self._start(text)
        name = ""
        op = self._next()
        if op[0] == "%":
            name = name_of(op)
            self._expect("=")
            op = self._next()
        if op in ("tail", "musttail", "notail"):
            op = self._next()
        parser = self.parsers.get(op)
        if parser is None:
            raise UnsupportedError(f"{op} is not supported")
        instruction = parser(op, name)
        position = text.rfind("!dbg ")
        if position > 0:
            debug = TOKEN.match(text, position + 5)
            instruction.debug = debug[0] if debug else ""
        return instruction

    def _binary(self, op: str, name: str) -> Instruction:
        self._skip_flags()
        type_ = self._type()
        left = self._value(type_)
        self._expect(",")
        return Instruction(op, name, type_, [left, self._value(type_)])

    def _compare(self, op: str, name: str) -> Instruction:
        self._skip_flags()
        predicate = self._next()
        type_ = self._type()
        left = self._value(type_)
        self._expect(",")
        right = self._value(type_)
        result: Type = Array(type_.count, I1, True) if isinstance(type_, Array) else I1
        return Instruction(op, name, result, [left, right], predicate)

    def _cast(self, op: str, name: str) -> Instruction:
        self._skip_flags()
        operand = self._operand()
        self._expect("to")
        return Instruction(op, name, self._type(), [operand])

    def _memory_suffix(self) -> int:
        """The alignment at a memory access's end, 0 if none is given."""
        while token := self._next():
            if token == "align":
                return int(self._next())
        return 0

    def _load(self, op: str, name: str) -> Instruction:
        """extra: (alignment, volatile)"""
        atomic = self._accept("atomic")
        volatile = self._accept("volatile")
        type_ = self._type()
        self._expect(",")
        pointer = self._operand()
        align = self._memory_suffix() or type_.align
        return Instruction(op, name, type_, [pointer], (align, volatile or atomic))

    def _store(self, op: str, name: str) -> Instruction:
        """extra: (alignment, volatile)"""
        atomic = self._accept("atomic")
        volatile = self._accept("volatile")
        value = self._operand()
        self._expect(",")
        pointer = self._operand()
        align = self._memory_suffix() or value[1].align
        return Instruction(op, "", VOID, [value, pointer], (align, volatile or atomic))

    def _getelementptr(self, op: str, name: str) -> Instruction:
        """extra: the type that is indexed"""
        while self.tokens[self.at] in FLAGS:
            self.at += 1
        if self._accept("inrange"):
            self._expect("(")
            self._skip_group()
        source = self._type()
        self._expect(",")
        operands = [self._operand()]
        while self._accept(","):
            if self.tokens[self.at].startswith("!"):
                break
            operands.append(self._operand())
        return Instruction(op, name, POINTER, operands, source)

    def _phi(self, op: str, name: str) -> Instruction:
        """extra: the label that each operand comes from"""
        self._skip_flags()
        type_ = self._type()
        values, labels = [], []
        while self._accept("["):
            values.append(self._value(type_))
            self._expect(",")
            labels.append(name_of(self._next()))
            self._expect("]")
            self._accept(",")
        return Instruction(op, name, type_, values, labels)

    def _label(self) -> str:
        self._expect("label")
        return name_of(self._next())

    def _branch(self, op: str, name: str) -> Instruction:
        """extra: the labels; the first one is taken if the condition holds"""
        if self.tokens[self.at] == "label":
            return Instruction("jump", "", VOID, [], [self._label()])
        condition = self._operand()
        self._expect(",")
        first = self._label()
        self._expect(",")
        return Instruction(op, "", VOID, [condition], [first, self._label()])

    def _switch(self, op: str, name: str) -> Instruction:
        """extra: (label of the default, [(value, label), ...])"""
        value = self._operand()
        self._expect(",")
        default = self._label()
        self._expect("[")
        cases = []
        while not self._accept("]"):
            case = self._operand()
            self._expect(",")
            cases.append((int(case[2]), self._label()))
        return Instruction(op, "", VOID, [value], (default, cases))

    def _indirect_branch(self, op: str, name: str) -> Instruction:
        """extra: the labels"""
        address = self._operand()
        self._expect(",")
        self._expect("[")
        labels = []
        while not self._accept("]"):
            labels.append(self._label())
            self._accept(",")
        return Instruction(op, "", VOID, [address], labels)

    def _call(self, op: str, name: str) -> Instruction:
        """extra: a Callee"""
        self._skip_flags()
        while not self._is_type():
            self._skip_attribute()
        type_ = self._type()
        if self.tokens[self.at] == "addrspace":
            self.at += 4
        variadic, fixed = False, None
        result = type_
        if isinstance(type_, FunctionType):
            variadic, fixed, result = type_.variadic, len(type_.parameters), type_.result
        target: Any
        if self._accept("asm"):
            while not self.tokens[self.at].startswith('"'):
                self.at += 1
            text = unescape(self._next()[1:-1]).decode("utf-8")
            self._expect(",")
            target = (text, unescape(self._next()[1:-1]).decode("utf-8"))
        else:
            target = self._value(POINTER)
        self._expect("(")
        arguments: list[Operand] = []
        upper: set[int] = set()
        while not self._accept(")"):
            kind = self._type()
            if kind == METADATA:
                while self.tokens[self.at] not in (",", ")"):
                    if self._next() == "(":
                        self._skip_group()
                arguments.append(("metadata", kind))
            else:
                begin = self.at
                self._skip_attributes()
                if variadic and "inreg" in self.tokens[begin : self.at]:
                    upper.add(len(arguments))
                arguments.append(self._value(kind))
            self._accept(",")
        count = len(arguments) if fixed is None else fixed
        callee = Callee(target, variadic, count, frozenset(upper))
        return Instruction(op, name, result, arguments, callee)

    def _return(self, op: str, name: str) -> Instruction:
        type_ = self._type()
        return Instruction(op, "", type_, [] if type_ == VOID else [self._value(type_)])

    def _alloca(self, op: str, name: str) -> Instruction:
        """extra: (type, alignment); the operand is how many, if it is not one"""
        self._accept("inalloca")
        type_ = self._type()
        align, operands = type_.align, []
        while self._accept(","):
            if self._accept("align"):
                align = int(self._next())
            elif self._is_type():
                operands.append(self._operand())
            else:
                break
        return Instruction(op, name, POINTER, operands, (type_, align))

    def _indices(self) -> list[int]:
        indices = []
        while self._accept(","):
            if self.tokens[self.at].startswith("!"):
                break
            indices.append(int(self._next()))
        return indices

    def _extract_value(self, op: str, name: str) -> Instruction:
        """extra: the indices"""
        aggregate = self._operand()
        indices = self._indices()
        type_ = aggregate[1]
        for index in indices:
            type_ = step(type_, index)[1]
        return Instruction(op, name, type_, [aggregate], indices)

    def _insert_value(self, op: str, name: str) -> Instruction:
        """extra: the indices"""
        aggregate = self._operand()
        self._expect(",")
        value = self._operand()
        return Instruction(op, name, aggregate[1], [aggregate, value], self._indices())

    def _atomic(self, op: str, name: str) -> Instruction:
        """extra: (operation, alignment)"""
        self._accept("volatile")
        operation = self._next()
        pointer = self._operand()
        self._expect(",")
        value = self._operand()
        return Instruction(op, name, value[1], [pointer, value], (operation, self._memory_suffix()))

    def _compare_exchange(self, op: str, name: str) -> Instruction:
        """extra: alignment"""
        self._accept("weak")
        self._accept("volatile")
        operands = [self._operand()]
        for _ in range(2):
            self._expect(",")
            operands.append(self._operand())
        result = Struct((operands[1][1], I1))
        return Instruction(op, name, result, operands, self._memory_suffix())

    def _operands(self, op: str, name: str) -> Instruction:
        self._skip_flags()
        operands = [self._operand()]
        while self._accept(","):
            if self.tokens[self.at].startswith("!"):
                break
            operands.append(self._operand())
        type_ = operands[1 if op == "select" else 0][1]
        if op == "extractelement":
            type_ = type_.element
        elif op == "shufflevector":
            type_ = Array(operands[2][1].count, type_.element, True)
        return Instruction(op, name, type_, operands)

    def _va_arg(self, op: str, name: str) -> Instruction:
        operand = self._operand()
        self._expect(",")
        return Instruction(op, name, self._type(), [operand])

    def _nothing(self, op: str, name: str) -> Instruction:
        return Instruction(op, "", VOID, [])
