"""Values in registers: parts, constants, addresses of symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..errors import UnsupportedError
from ..ir.module import Function, Instruction, Module, Operand
from ..ir.types import Array, Integer, Struct, Type
from ..machine_code import FrameObject, MachineBlock, MachineFunction
from ..target import (
    ADD_I,
    ADD_R,
    AND_I,
    AND_R,
    BOR_R,
    CPY_R,
    IMMEDIATE,
    MUL_I,
    MUL_R,
    SHL_I,
    SHR_I,
    SUB_I,
    SUB_R,
    XOR_R,
    Instr,
    Pseudo,
    constant,
)
from .flow import Flow

Part = int
"""A word of a value: a register's number, or the inverted bits (`~value`) of a literal."""
WORD: Final = 0xFFFF_FFFF
_COMMUTATIVE: Final = frozenset({ADD_R, MUL_R, AND_R, BOR_R, XOR_R})


def literal(value: int) -> Part:
    """The part of a constant word."""
    return ~(value & WORD)


def split(value: int, words: int) -> list[Part]:
    """The parts of a constant, lowest first."""
    return [literal(value >> 32 * word) for word in range(words)]


def words_of(type_: Type) -> int:
    return type_.words


class Values:
    """What all of a function's selection shares: the code written so far and where values are."""

    def __init__(self, module: Module, source: Function, flow: Flow, check: bool) -> None:
        self.module = module
        self.source = source
        self.flow = flow
        self.check = check
        self.out = MachineFunction(
            source.name,
            source.linkage in ("private", "internal"),
            source.linkage.startswith(("weak", "link")),
        )
        self.values: dict[str, list[Part]] = {}
        self.definitions: dict[str, Instruction] = {}
        self.uses: dict[str, int] = {}
        self.lazy: set[str] = set()
        """Results that are computed where they are used."""
        self.need_clean: set[str] = set()
        """Results whose bits above their width must be 0."""
        self.clean: set[str] = set()
        """Results whose bits above their width are known to be 0."""
        self.objects: dict[str, int] = {}
        """Frame objects of the variables on the stack, by the name of their address."""
        self.block = MachineBlock("", "")
        self.emit = self.block.code.append
        self.local: dict[tuple[object, ...], int] = {}
        """Registers of this block that hold a known value."""
        self.pool: dict[tuple[object, ...], int] = {}
        """Registers that hold a constant in a loop, set in front of it."""

    # Code.

    def use(self, block: MachineBlock) -> None:
        """Write to another block from now on."""
        self.block = block
        self.emit = block.code.append
        self.local = {}

    def new_block(self, hint: str, late: bool = False) -> MachineBlock:
        """A further block of the current IR block; it is laid out after those before it."""
        old = self.block
        block = MachineBlock(f"{hint}.{len(self.out.blocks)}", old.origin, old.depth)
        block.late = late
        self.out.blocks.append(block)
        return block

    def new(self) -> int:
        return self.out.new_register()

    def op(self, form: int, register: int, part: Part) -> None:
        """`register op= part`, with the shortest form of the instruction."""
        if part >= 0:
            self.emit([form, register, part])
            return
        value = ~part
        if form == ADD_R and value >= 0xFFFF_0001:
            self.emit([SUB_I, register, 0x1_0000_0000 - value])
        elif form == SUB_R and value >= 0xFFFF_0001:
            self.emit([ADD_I, register, 0x1_0000_0000 - value])
        elif form == AND_R and value > 0xFFFF:
            self._and_literal(register, value)
        elif value <= 0xFFFF:
            if form == MUL_R and value & (value - 1) == 0 and value:
                if value > 1:
                    self.emit([SHL_I, register, value.bit_length() - 1])
            elif value or form in (MUL_R, AND_R) or form not in IMMEDIATE:
                self.emit([IMMEDIATE[form], register, value])
        else:
            self.emit([form, register, self.reg(part)])

    def _and_literal(self, register: int, value: int) -> None:
        if value == WORD:
            return
        inverted = value ^ WORD
        if self.block.origin in self.flow.front:  # one instruction, with the mask in a register
            self.emit([AND_R, register, self.reg(literal(value))])
        elif inverted & (inverted + 1) == 0:  # clears low bits
            bits = inverted.bit_length()
            self.emit([SHR_I, register, bits])
            self.emit([SHL_I, register, bits])
        elif value & (value + 1) == 0:  # keeps low bits
            bits = 32 - value.bit_length()
            self.emit([SHL_I, register, bits])
            self.emit([SHR_I, register, bits])
        else:
            self.emit([AND_R, register, self.reg(literal(value))])

    def binary(self, form: int, left: Part, right: Part) -> Part:
        """A new register with `left op right`."""
        if left < 0 and form in _COMMUTATIVE:
            left, right = right, left
        result = self.copy(left)
        self.op(form, result, right)
        return result

    def copy(self, part: Part) -> int:
        """A new register with the part's value."""
        result = self.new()
        self.set(result, part)
        return result

    def set(self, register: int, part: Part) -> None:
        """`register = part`."""
        if part >= 0:
            if part != register:
                self.emit([CPY_R, register, part])
        else:
            self.emit([Pseudo.CONST, register, ~part])

    def shift(self, form: int, part: Part, count: int) -> Part:
        """A part shifted by a known number of bits below 32."""
        if not count:
            return part
        result = self.copy(part)
        self.emit([form, result, count])
        return result

    # Constants and addresses.

    def reg(self, part: Part) -> int:
        """The part in a register, which must not be written."""
        if part >= 0:
            return part
        return self.known("const", [Pseudo.CONST, 0, ~part], ~part)

    def known(self, kind: str, instruction: Instr, *key: object) -> int:
        """A register that an instruction has set to a value known when linking at the latest.

        In loops the instruction stands in front of the outermost one, if it is worth it.
        """
        full = (kind, *key)
        register = self.local.get(full)
        if register is not None:
            return register
        cheap = kind == "const" and len(constant(0, instruction[2])) == 1
        place = None if cheap else self.flow.front.get(self.block.origin)
        if place is None:
            register = self.new()
            self.emit([instruction[0], register, *instruction[2:]])
        else:
            register = self.pool.get((*full, place))
            if register is None:
                register = self.new()
                self.pool[*full, place] = register
                self.front_code.setdefault(place, []).append(
                    [instruction[0], register, *instruction[2:]]
                )
        # A constant is cheaper to make again than to keep in memory.
        self.out.again[register] = [instruction[0], register, *instruction[2:]]
        self.local[full] = register
        return register

    @property
    def front_code(self) -> dict[str, list[Instr]]:
        """What has to stand at the end of blocks, in front of loops."""
        return self.flow.front_code

    def address(self, symbol: str, offset: int) -> int:
        """A register with the address of a symbol plus an offset."""
        return self.known("address", [Pseudo.ADDR, 0, symbol, offset], symbol, offset)

    def frame_object(self, size: int, align: int) -> int:
        """The number of a new frame object."""
        self.out.objects.append(FrameObject(max(-(-size // 4) * 4, 4), max(align, 4)))
        return len(self.out.objects) - 1

    # Values.

    def parts(self, operand: Operand) -> list[Part]:
        """The words of a value, lowest first; elements of an aggregate in their order."""
        kind = operand[0]
        if kind == "local":
            name = operand[2]
            found = self.values.get(name)
            if found is not None:
                return found
            if name in self.lazy:
                return self.compute(self.definitions[name])
            if name in self.objects:
                register = self.new()
                self.emit([Pseudo.FRAME, register, self.objects[name], 0])
                return [register]
            return self.define(name, operand[1])
        if kind == "int":
            return split(operand[2], words_of(operand[1]))
        if kind == "zero":
            return [literal(0)] * words_of(operand[1])
        if kind == "global":
            return [self.address(operand[2], operand[3])]
        if kind == "list":
            return [part for element in operand[2] for part in self.parts(element)]
        if kind == "bytes":
            return [literal(byte) for byte in operand[2]]
        if kind == "block":
            symbol = f"{operand[2]}:{operand[3]}"
            if operand[2] == self.source.name:
                self.out.exported[symbol] = operand[3]
            return [self.address(symbol, 0)]
        if kind == "expression":
            return self.compute(operand[2])
        raise UnsupportedError(f"a {kind} cannot be used as a value")

    def define(self, name: str, type_: Type) -> list[Part]:
        """Registers for a result that is set later."""
        self.values[name] = parts = [self.new() for _ in range(words_of(type_))]
        return parts

    def part(self, operand: Operand) -> Part:
        """The only word of a value."""
        return self.parts(operand)[0]

    def compute(self, instruction: Instruction) -> list[Part]:
        """The result of an instruction that has no effect, computed here."""
        raise NotImplementedError

    def is_clean(self, operand: Operand) -> bool:
        """Whether the bits above the value's width are 0."""
        if operand[0] == "local":
            type_ = operand[1]
            if isinstance(type_, Integer) and type_.bits % 32 == 0:
                return True
            return operand[2] in self.clean
        return operand[0] in ("int", "zero")

    def zero_extended(self, operand: Operand) -> list[Part]:
        """The words of an integer with zeros above its width."""
        parts = self.parts(operand)
        type_ = operand[1]
        if not isinstance(type_, Integer) or self.is_clean(operand):
            return parts
        return self.masked(parts, type_.bits)

    def masked(self, parts: Sequence[Part], bits: int) -> list[Part]:
        """The words with everything above `bits` cleared."""
        rest = bits % 32
        if not rest:
            return list(parts)
        top = parts[-1]
        if top < 0:
            return [*parts[:-1], literal(~top & ((1 << rest) - 1))]
        return [*parts[:-1], self.binary(AND_R, top, literal((1 << rest) - 1))]

    def sign_extended(self, operand: Operand, words: int | None = None) -> list[Part]:
        """The words of an integer with its sign above its width, to `words` words."""
        type_ = operand[1]
        assert isinstance(type_, Integer)
        wanted = words if words is not None else type_.words
        if operand[0] in ("int", "zero"):
            value = operand[2] if operand[0] == "int" else 0
            value -= (value >> (type_.bits - 1)) << type_.bits
            return split(value, wanted)
        parts = self.zero_extended(operand)[:wanted]
        rest = type_.bits % 32
        if rest and len(parts) == type_.words:
            sign = literal(1 << (rest - 1))
            top = self.binary(XOR_R, parts[-1], sign)
            self.op(SUB_R, top, sign)
            parts = [*parts[:-1], top]
        if len(parts) < wanted:
            sign_word = self.sign_word(parts[-1])
            parts = [*parts, *[sign_word] * (wanted - len(parts))]
        return parts

    def sign_word(self, part: Part) -> Part:
        """All ones if the part is negative, else 0."""
        if part < 0:
            return literal(-(~part >> 31))
        top = self.shift(SHR_I, part, 31)
        result = self.copy(literal(0))
        self.op(SUB_R, result, top)
        return result

    def element_types(self, type_: Type) -> list[Type]:
        """The types of an aggregate's elements."""
        if isinstance(type_, Struct):
            return list(type_.fields)
        if isinstance(type_, Array):
            return [type_.element] * type_.count
        return [type_]


__all__ = ["ADD_I", "AND_I", "MUL_I", "Part", "Values", "literal", "split"]
