"""Reading the text of LLVM IR.

llvmlite checks and prints the modules that come here, so this reader trusts the grammar, and
raises CompileError for what it does not know. The speed of compiling depends on it: each line is
cut into tokens by one regular expression.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any, Final

from ..errors import CompileError, UnsupportedError
from .module import Block, Callee, Function, Instruction, Module, Operand, Variable
from .types import (
    DOUBLE,
    FLOAT,
    I1,
    I32,
    LABEL,
    METADATA,
    POINTER,
    VOID,
    Array,
    Float,
    Integer,
    Struct,
    Type,
    Void,
    step,
)
from .types import Function as FunctionType

_TOKEN: Final = re.compile(
    r'[%@](?:"[^"]*"|[-\w$.]+)|c?"[^"]*"|-?\d+\.\d+(?:[eE][-+]?\d+)?|0x[KLMHR]?[0-9A-Fa-f]+'
    r"|-?\d+|[A-Za-z_][\w.]*|!(?:[-\w$.]|\\[0-9A-F]{2})*|#\w+|\.\.\.|[^\s;]|;.*"
)
_WORD: Final = re.compile(r"[A-Za-z_]")
_ESCAPE: Final = re.compile(r"\\([0-9A-Fa-f]{2}|\\)")
_MASK = 0xFFFF_FFFF

_VALUE_WORDS: Final = frozenset(
    "true false null undef poison none zeroinitializer getelementptr ptrtoint inttoptr ptrtoaddr "
    "bitcast trunc add sub mul xor shl addrspacecast blockaddress dso_local_equivalent no_cfi asm "
    "splat icmp select extractelement insertelement shufflevector zext sext".split()
)
_FLAGS: Final = frozenset(
    "nuw nsw exact inbounds nusw disjoint samesign fast nnan ninf nsz arcp contract afn reassoc "
    "nneg".split()
)
_BINARY: Final = frozenset(
    "add sub mul udiv sdiv urem srem and or xor shl lshr ashr fadd fsub fmul fdiv frem".split()
)
_CASTS: Final = frozenset(
    "trunc zext sext fptrunc fpext fptoui fptosi uitofp sitofp ptrtoint inttoptr bitcast "
    "addrspacecast ptrtoaddr".split()
)
_LINKAGES: Final = frozenset(
    "private internal available_externally linkonce weak common appending extern_weak linkonce_odr "
    "weak_odr external".split()
)
_FLOATS: Final = {"half": Float("half"), "float": FLOAT, "double": DOUBLE}
_SIMPLE_TYPES: Final[dict[str, Type]] = {
    "ptr": POINTER,
    "void": VOID,
    "label": LABEL,
    "metadata": METADATA,
    "token": Void("token"),
    "opaque": Void("opaque"),
    **_FLOATS,
    **{f"i{bits}": Integer(bits) for bits in (1, 8, 16, 32, 64)},
}
_DEBUG_RECORD = "    #dbg_"


def unescape(text: str) -> bytes:
    """The bytes of a string without its quotes."""
    return _ESCAPE.sub(
        lambda match: "\\" if match[1] == "\\" else chr(int(match[1], 16)), text
    ).encode("latin-1")


def _name(token: str) -> str:
    """A name without its sigil and quotes."""
    if token[1] == '"':
        return unescape(token[2:-1]).decode("utf-8", "surrogateescape")
    return token[1:]


def parse_module(text: str) -> Module:
    """The module of an IR text. Raises CompileError for what it cannot read."""
    return _Parser().module(text)


class _Parser:
    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.at = 0
        self.types: dict[str, Type] = {}
        self.type_texts: dict[str, str] = {}
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
        for op in _BINARY:
            self.parsers[op] = self._binary
        for op in _CASTS:
            self.parsers[op] = self._cast
        for op in ("select", "freeze", "fneg", "extractelement", "insertelement", "shufflevector"):
            self.parsers[op] = self._operands
        self.parsers["va_arg"] = self._va_arg

    # Lines.

    def _start(self, line: str) -> None:
        self.tokens = _TOKEN.findall(line)
        if self.tokens and self.tokens[-1][0] == ";":
            self.tokens.pop()
        self.tokens.append("")
        self.at = 0

    def _next(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def _expect(self, wanted: str) -> None:
        token = self._next()
        if token != wanted:
            raise CompileError(f"the IR has {token!r} where {wanted!r} was expected")

    def _accept(self, wanted: str) -> bool:
        if self.tokens[self.at] == wanted:
            self.at += 1
            return True
        return False

    def module(self, text: str) -> Module:
        module = Module()
        lines = text.split("\n")
        # Types first: whatever uses them may stand before them.
        for line in lines:
            if line.startswith("%"):
                name, found, rest = line.partition(" = type ")
                if found:
                    self.type_texts[_name(name)] = rest
        number = 0
        try:
            while number < len(lines):
                line = lines[number]
                number += 1
                if line.startswith("define"):
                    end = lines.index("}", number)
                    function = self._function(line, lines[number:end])
                    module.functions[function.name] = function
                    number = end + 1
                elif line.startswith("@"):
                    self._global(line, module)
                elif line.startswith("declare"):
                    self._start(line)
                    self.at = 1
                    linkage = self._linkage()
                    while not self.tokens[self.at].startswith("@"):
                        self.at += 1
                    module.declared[_name(self._next())] = linkage
                elif line.startswith("!"):
                    name, _, rest = line.partition(" = ")
                    module.metadata[name] = rest
                elif line.startswith("module asm"):
                    raise UnsupportedError("assembly outside of functions is not supported")
        except (IndexError, ValueError, KeyError) as error:
            shown = lines[number - 1].strip()[:200]
            raise CompileError(f"cannot read the IR ({error}): {shown}") from None
        return module

    def _linkage(self) -> str:
        if self.tokens[self.at] in _LINKAGES:
            return self._next()
        return ""

    def _global(self, line: str, module: Module) -> None:
        self._start(line)
        name = _name(self._next())
        self._expect("=")
        linkage = self._linkage()
        while (word := self._next()) not in ("global", "constant", "alias", "ifunc"):
            if word == "thread_local" or not word:
                break
            if self._accept("("):
                self._skip_group()
        if word == "thread_local":  # one thread: a variable like others
            if self._accept("("):
                self._skip_group()
            while (word := self._next()) not in ("global", "constant"):
                pass
        if word == "ifunc":
            raise UnsupportedError(f"{name}: functions chosen at start-up are not supported")
        type_ = self._type()
        if word == "alias":
            self._expect(",")
            module.aliases[name] = (self._operand(), linkage)
            return
        initial = None
        if linkage not in ("external", "extern_weak"):
            initial = self._value(type_)
        section, align, debug = "", type_.align, ""
        while self._accept(","):
            word = self._next()
            if word == "section":
                section = unescape(self._next()[1:-1]).decode()
            elif word == "align":
                align = int(self._next())
            elif word == "!dbg":
                debug = self._next()
        if name == "llvm.used" or name == "llvm.compiler.used":
            return
        module.variables[name] = Variable(
            name,
            type_,
            initial,
            word == "constant" or " constant " in line[:200],
            linkage,
            section,
            align,
            debug,
        )

    def _function(self, line: str, body: list[str]) -> Function:
        self._start(line)
        self.at = 1
        linkage = self._linkage()
        while self.tokens[self.at] not in ("(",) and not self._is_type():
            self._skip_attribute()
        result = self._type()
        name = _name(self._next())
        self._expect("(")
        parameters: list[tuple[Type, str]] = []
        variadic = False
        while not self._accept(")"):
            if self._accept("..."):
                variadic = True
                continue
            type_ = self._type()
            self._skip_attributes(("%",))
            token = self.tokens[self.at]
            if token.startswith("%"):
                self.at += 1
                parameters.append((type_, _name(token)))
            else:
                parameters.append((type_, str(len(parameters))))
            self._accept(",")
        section = debug = ""
        while (token := self._next()) and token != "{":
            if token == "section":
                section = unescape(self._next()[1:-1]).decode()
            elif token == "!dbg":
                debug = self._next()
            elif token == "personality":
                raise UnsupportedError(f"{name}: language exceptions are not supported")
        function = Function(name, result, parameters, variadic, linkage, section, [], debug)
        # The first block may have no label line; its implicit number is not used by anyone but
        # by phis, which count it after the parameters.
        count = sum(parameter.isdigit() for _, parameter in parameters)
        block = Block(str(count))
        function.blocks.append(block)
        waiting = ""
        for text in body:
            if not text.startswith("  "):
                if not text or text[0] == ";":
                    continue
                label = text.partition(";")[0].rstrip()
                label = label[:-1]
                if label.startswith('"'):
                    label = unescape(label[1:-1]).decode()
                if block.instructions or len(function.blocks) > 1:
                    block = Block(label)
                    function.blocks.append(block)
                else:
                    block.label = label
                continue
            if text.startswith(_DEBUG_RECORD):
                function.records.append((block.label, len(block.instructions), text.strip()))
                continue
            if waiting:
                waiting += text
                if text.startswith("  ]"):
                    text, waiting = waiting, ""
                else:
                    continue
            elif text.endswith("["):
                waiting = text
                continue
            block.instructions.append(self._instruction(text))
        return function

    def _instruction(self, text: str) -> Instruction:
        self._start(text)
        name = ""
        op = self._next()
        if op[0] == "%":
            name = _name(op)
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
            debug = _TOKEN.match(text, position + 5)
            instruction.debug = debug[0] if debug else ""
        return instruction

    # Types.

    def _is_type(self) -> bool:
        token = self.tokens[self.at]
        return (
            token in _SIMPLE_TYPES
            or token[0] in "%[<{"
            or (token[0] == "i" and token[1:].isdigit())
        )

    def _type(self) -> Type:
        token = self._next()
        type_ = _SIMPLE_TYPES.get(token)
        if type_ is None:
            type_ = self._long_type(token)
        elif token == "ptr" and self.tokens[self.at] == "addrspace":
            self.at += 4
        if self.tokens[self.at] == "(":
            self.at += 1
            parameters: list[Type] = []
            variadic = False
            while not self._accept(")"):
                if self._accept("..."):
                    variadic = True
                else:
                    parameters.append(self._type())
                self._accept(",")
            return FunctionType(type_, tuple(parameters), variadic)
        return type_

    def _long_type(self, token: str) -> Type:
        if token[0] == "i" and token[1:].isdigit():
            return Integer(int(token[1:]))
        if token[0] == "%":
            name = _name(token)
            if name not in self.types:
                saved = self.tokens, self.at
                self._start(self.type_texts[name])
                self.types[name] = self._type()
                self.tokens, self.at = saved
            return self.types[name]
        if token == "[" or (token == "<" and self.tokens[self.at] != "{"):
            if self.tokens[self.at] == "vscale":
                raise UnsupportedError("scalable vectors are not supported")
            count = int(self._next())
            self._expect("x")
            element = self._type()
            self._expect("]" if token == "[" else ">")
            return Array(count, element, token == "<")
        packed = token == "<"
        if packed:
            token = self._next()
        if token == "{":
            fields = []
            while not self._accept("}"):
                fields.append(self._type())
                self._accept(",")
            if packed:
                self._expect(">")
            return Struct(tuple(fields), packed)
        raise UnsupportedError(f"the type {token} is not supported")

    # Values.

    def _skip_group(self) -> None:
        depth = 1
        while depth:
            token = self._next()
            depth += (token == "(") - (token == ")")

    def _skip_attribute(self) -> None:
        token = self._next()
        if token == "align" and self.tokens[self.at] != "(":
            self.at += 1
        elif self._accept("("):
            self._skip_group()
        elif token.startswith('"') and self._accept("="):
            self.at += 1

    def _skip_attributes(self, ends: tuple[str, ...] = ()) -> None:
        while True:
            token = self.tokens[self.at]
            if not token or not (token[0].isalpha() or token[0] == '"') or token in _VALUE_WORDS:
                return
            if token[0] == "c" and token[1:2] == '"':
                return
            self._skip_attribute()

    def _operand(self) -> Operand:
        return self._value(self._type())

    def _value(self, type_: Type) -> Operand:
        token = self._next()
        first = token[0]
        if first == "%":
            return ("local", type_, _name(token))
        if first == "@":
            return ("global", type_, _name(token), 0)
        if first.isdigit() or first == "-":
            return self._number(type_, token)
        if token == "null" or token == "false" or token == "none":
            return ("int", type_, 0)
        if token == "true":
            return ("int", I1, 1)
        if token in ("zeroinitializer", "undef", "poison"):
            return ("zero", type_)
        if token[:2] == 'c"':
            data = unescape(token[2:-1])
            return ("bytes", type_, data)
        if first in "[{<":
            return self._list(type_, token)
        if first == "!" or type_ == METADATA:
            return ("metadata", type_)
        if token == "splat":
            self._expect("(")
            element = self._operand()
            self._expect(")")
            assert isinstance(type_, Array)
            return ("list", type_, [element] * type_.count)
        return self._expression(type_, token)

    def _list(self, type_: Type, token: str) -> Operand:
        packed = token == "<" and self._accept("{")
        closing = "}" if packed else {"[": "]", "{": "}", "<": ">"}[token]
        elements = []
        while not self._accept(closing):
            elements.append(self._operand())
            self._accept(",")
        if packed:
            self._expect(">")
        return ("list", type_, elements)

    def _number(self, type_: Type, token: str) -> Operand:
        if isinstance(type_, Integer):
            return ("int", type_, int(token) & ((1 << type_.bits) - 1))
        if token[:2] == "0x":
            if token[2] in "KLMR":
                raise UnsupportedError("long double wider than double is not supported")
            if token[2] == "H":
                return ("int", type_, int(token[3:], 16))
            bits = int(token, 16)
            number = struct.unpack(">d", bits.to_bytes(8, "big"))[0]
        else:
            number = float(token)
            bits = int.from_bytes(struct.pack(">d", number), "big")
        if type_ == FLOAT:
            if bits >> 52 & 0x7FF == 0x7FF:  # infinities and NaNs, whose payload is kept
                bits = bits >> 63 << 31 | 0x7F80_0000 | bits >> 29 & 0x7F_FFFF
            else:
                bits = int.from_bytes(struct.pack(">f", number), "big")
        elif type_ != DOUBLE:
            raise UnsupportedError(f"constants of type {type_} are not supported")
        return ("int", type_, bits)

    def _expression(self, type_: Type, token: str) -> Operand:
        if token == "blockaddress":
            self._expect("(")
            function = _name(self._next())
            self._expect(",")
            label = _name(self._next())
            self._expect(")")
            return ("block", type_, function, label)
        if token in ("dso_local_equivalent", "no_cfi"):
            return self._value(type_)
        if token == "getelementptr":
            self._skip_flags()
            if self._accept("inrange"):
                self._expect("(")
                self._skip_group()
            self._expect("(")
            source = self._type()
            self._expect(",")
            operands = self._operand_list(")")
            return fold_address(operands, source) or (
                "expression",
                type_,
                Instruction("getelementptr", "", type_, operands, source),
            )
        while self.tokens[self.at] in _FLAGS:
            self.at += 1
        if token in _CASTS:
            self._expect("(")
            operand = self._operand()
            self._expect("to")
            target = self._type()
            self._expect(")")
            if token in ("ptrtoint", "inttoptr", "bitcast", "addrspacecast", "ptrtoaddr"):
                if operand[0] == "int":
                    return ("int", target, operand[2])
                if target.words == 1 and target.size == 4:
                    return (operand[0], target, *operand[2:])
            return ("expression", target, Instruction(token, "", target, [operand]))
        if token in _BINARY:
            self._expect("(")
            left, right = self._operand_list(")")
            return _fold_binary(token, type_, left, right) or (
                "expression",
                type_,
                Instruction(token, "", type_, [left, right]),
            )
        raise UnsupportedError(f"the constant expression {token} is not supported")

    def _operand_list(self, end: str) -> list[Operand]:
        operands = []
        while not self._accept(end):
            operands.append(self._operand())
            self._accept(",")
        return operands

    # Instructions.

    def _skip_flags(self) -> None:
        while self.tokens[self.at] in _FLAGS:
            self.at += 1

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
        while self.tokens[self.at] in _FLAGS:
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
            labels.append(_name(self._next()))
            self._expect("]")
            self._accept(",")
        return Instruction(op, name, type_, values, labels)

    def _label(self) -> str:
        self._expect("label")
        return _name(self._next())

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


def fold_address(operands: list[Operand], source: Type) -> Operand | None:
    """A getelementptr of constants as an address or a number; None if it has others."""
    base = operands[0]
    offset = 0
    type_ = source
    for place, index in enumerate(operands[1:]):
        if index[0] == "zero":
            index = ("int", I32, 0)
        if index[0] != "int":
            return None
        number = index[2]
        bits = index[1].bits
        number -= (number >> (bits - 1)) << bits
        if place == 0:
            offset += number * type_.size
        else:
            delta, type_ = step(type_, number)
            offset += delta
    if base[0] == "global":
        return ("global", POINTER, base[2], base[3] + offset)
    if base[0] in ("int", "zero"):
        return ("int", POINTER, ((base[2] if base[0] == "int" else 0) + offset) & _MASK)
    return None


def _fold_binary(op: str, type_: Type, left: Operand, right: Operand) -> Operand | None:
    if left[0] == "global" and right[0] == "int" and op in ("add", "sub"):
        change = right[2] - ((right[2] >> 31) << 32)
        return (*left[:3], left[3] + (change if op == "add" else -change))
    if left[0] == "global" and right[0] == "global" and op == "sub" and left[2] == right[2]:
        return ("int", type_, (left[3] - right[3]) & _MASK)
    return None
