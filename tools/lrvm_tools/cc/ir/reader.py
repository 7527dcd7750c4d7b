"""Reading types and values in the text of LLVM IR."""

from __future__ import annotations

import re
import struct
from typing import Final

from ..errors import CompileError, UnsupportedError
from .module import Instruction, Operand
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

TOKEN: Final = re.compile(
    r'[%@](?:"[^"]*"|[-\w$.]+)|c?"[^"]*"|-?\d+\.\d+(?:[eE][-+]?\d+)?|0x[KLMHR]?[0-9A-Fa-f]+'
    r"|-?\d+|[A-Za-z_][\w.]*|!(?:[-\w$.]|\\[0-9A-F]{2})*|#\w+|\.\.\.|[^\s;]|;.*"
)
_ESCAPE: Final = re.compile(r"\\([0-9A-Fa-f]{2}|\\)")
_MASK = 0xFFFF_FFFF

_VALUE_WORDS: Final = frozenset(
    "true false null undef poison none zeroinitializer getelementptr ptrtoint inttoptr ptrtoaddr "
    "bitcast trunc add sub mul xor shl addrspacecast blockaddress dso_local_equivalent no_cfi asm "
    "splat icmp select extractelement insertelement shufflevector zext sext".split()
)
FLAGS: Final = frozenset(
    "nuw nsw exact inbounds nusw disjoint samesign fast nnan ninf nsz arcp contract afn reassoc "
    "nneg".split()
)
BINARY: Final = frozenset(
    "add sub mul udiv sdiv urem srem and or xor shl lshr ashr fadd fsub fmul fdiv frem".split()
)
CASTS: Final = frozenset(
    "trunc zext sext fptrunc fpext fptoui fptosi uitofp sitofp ptrtoint inttoptr bitcast "
    "addrspacecast ptrtoaddr".split()
)
LINKAGES: Final = frozenset(
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


def unescape(text: str) -> bytes:
    """The bytes of a string without its quotes."""
    return _ESCAPE.sub(
        lambda match: "\\" if match[1] == "\\" else chr(int(match[1], 16)), text
    ).encode("latin-1")


def name_of(token: str) -> str:
    """A name without its sigil and quotes."""
    if token[1] == '"':
        return unescape(token[2:-1]).decode("utf-8", "surrogateescape")
    return token[1:]


class Reader:
    """A line of IR, token by token."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.at = 0
        self.types: dict[str, Type] = {}
        self.type_texts: dict[str, str] = {}

    # Lines.

    def _start(self, line: str) -> None:
        self.tokens = TOKEN.findall(line)
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
            name = name_of(token)
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
            return ("local", type_, name_of(token))
        if first == "@":
            return ("global", type_, name_of(token), 0)
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
            function = name_of(self._next())
            self._expect(",")
            label = name_of(self._next())
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
        while self.tokens[self.at] in FLAGS:
            self.at += 1
        if token in CASTS:
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
        if token in BINARY:
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

    def _skip_flags(self) -> None:
        while self.tokens[self.at] in FLAGS:
            self.at += 1


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
