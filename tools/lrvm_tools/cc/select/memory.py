"""Loads and stores. The machine has words only: narrower and unaligned ones are put together.

Address arithmetic is folded into the accesses where the machine can do it: `lsa` and `wsa` add a
literal below 256 or a register, `lea` and `wea` a multiple of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..errors import UnsupportedError
from ..ir.module import Instruction, Operand
from ..ir.types import Array, Integer, Struct, Type, step
from ..target import (
    ADD_R,
    AND_I,
    AND_R,
    AVR,
    BELOW,
    BOR_R,
    CMP_I,
    CPY_R,
    ITR_I,
    LEA_IRI,
    LEA_RRI,
    LEA_RRR,
    LSA_RI,
    LSA_RR,
    SHL_I,
    SHL_R,
    SHR_I,
    SHR_R,
    WEA_IRI,
    WEA_RRI,
    WSA_RIR,
    WSA_RRR,
    XOR_I,
    XOR_R,
    Pseudo,
)
from .arithmetic import Arithmetic
from .values import WORD, Part, literal

NULL_READ: Final = 0x10
"""Interruption code of a read through a null pointer (with --check)."""
_NULL_PAGE = 64


@dataclass(slots=True)
class Address:
    """base + offset + index * scale; the base is a register, a symbol, a frame object or 0."""

    base: int | str | None
    offset: int = 0
    index: Part | None = None
    scale: int = 1
    is_frame: bool = False
    aligned: bool = False
    """Whether the base is known to be a multiple of 4."""


class Memory(Arithmetic):
    # Addresses.

    def address_of(self, operand: Operand) -> Address:
        """Where a pointer points, with what can be folded into an access."""
        if operand[0] == "global":
            return Address(operand[2], operand[3], aligned=self._symbol_aligned(operand[2]))
        if operand[0] == "local":
            name = operand[2]
            if name in self.objects:
                return Address(self.objects[name], is_frame=True, aligned=True)
            if name in self.lazy and self.definitions[name].op == "getelementptr":
                return self.element_address(self.definitions[name])
        elif operand[0] == "expression" and operand[2].op == "getelementptr":
            return self.element_address(operand[2])
        part = self.part(operand)
        if part < 0:
            return Address(None, ~part, aligned=True)
        return Address(part)

    def _symbol_aligned(self, symbol: str) -> bool:
        variable = self.module.variables.get(symbol)
        return variable is not None and variable.align >= 4

    def element_address(self, instruction: Instruction) -> Address:
        """The address that a getelementptr makes."""
        address = self.address_of(instruction.args[0])
        type_: Type = instruction.extra
        for place, index in enumerate(instruction.args[1:]):
            size = type_.size
            if place:
                if isinstance(type_, Struct):
                    delta, type_ = step(type_, index[2] if index[0] == "int" else 0)
                    address.offset += delta
                    continue
                assert isinstance(type_, Array)
                type_ = type_.element
                size = type_.size
            if index[0] in ("int", "zero"):
                number = index[2] if index[0] == "int" else 0
                bits = index[1].bits
                address.offset += (number - ((number >> (bits - 1)) << bits)) * size
                continue
            part = self.sign_extended(index, 1)[0]
            if part < 0:
                address.offset += ~part * size
            elif address.index is None:
                address.index, address.scale = part, size
            else:
                self._settle_index(address)
                address.index, address.scale = part, size
        address.offset = (address.offset & WORD) - ((address.offset & 1 << 31) << 1)
        return address

    def _settle_index(self, address: Address) -> None:
        """Add the index to the base, so that there is room for another one."""
        assert address.index is not None
        base = self._base(address)
        scaled = self.times(address.index, literal(address.scale))
        address.base = self.binary(ADD_R, base, scaled)
        address.is_frame, address.index, address.offset, address.aligned = False, None, 0, False

    def _base(self, address: Address) -> Part:
        """base + offset as a part."""
        if address.is_frame:
            register = self.new()
            self.emit([Pseudo.FRAME, register, address.base, address.offset])
            return register
        if isinstance(address.base, str):
            return self.address(address.base, address.offset)
        if address.base is None:
            return literal(address.offset)
        if address.offset:
            return self.binary(ADD_R, address.base, literal(address.offset))
        return address.base

    def pointer(self, address: Address) -> Part:
        """The address as a number."""
        base = self._base(address)
        if address.index is None:
            return base
        return self.binary(ADD_R, self.times(address.index, literal(address.scale)), base)

    def _simple(self, address: Address) -> tuple[int, int]:
        """A register and a literal below 256 whose sum is an address without index."""
        offset = address.offset
        if isinstance(address.base, str):
            near = offset & 0xFF if offset >= 0 else 0
            return self.address(address.base, offset - near), near
        if address.base is None:
            return self.reg(literal(offset & ~0xFF)), offset & 0xFF
        if 0 <= offset <= 0xFF:
            return address.base, offset
        key = ("sum", address.base, offset & ~0xFF)
        register = self.local.get(key)
        if register is None:
            register = self.local[key] = self.reg(
                self.binary(ADD_R, address.base, literal(offset & ~0xFF))
            )
        return register, offset & 0xFF

    def _check_null(self, address: Address) -> None:
        if not self.check or address.is_frame or isinstance(address.base, str):
            return
        base = self._base(Address(address.base, 0)) if address.base is not None else literal(0)
        if base >= 0:
            self.emit([CMP_I, base, _NULL_PAGE])
            self.emit([*BELOW])
            self.emit([ITR_I, NULL_READ])

    # Words.

    def load_word(self, address: Address) -> int:
        result = self.new()
        if address.index is not None:
            base = self.reg(self._base(address))
            if address.scale == 1:
                self.emit([LSA_RR, result, base, address.index])
                return result
            if address.scale <= 0xFF:
                self.emit([LEA_RRI, base, address.index, address.scale])
            else:
                self.emit([LEA_RRR, base, address.index, self.reg(literal(address.scale))])
            self.emit([CPY_R, result, AVR])
            return result
        if address.is_frame:
            self.emit([Pseudo.FLOAD, result, address.base, address.offset])
            return result
        if isinstance(address.base, int) and 0xFF < address.offset <= 0xFFFF:
            self.emit([LSA_RR, result, address.base, self.reg(literal(address.offset))])
            return result
        base, offset = self._simple(address)
        self.emit([LSA_RI, result, base, offset])
        return result

    def store_word(self, address: Address, part: Part) -> None:
        if address.index is not None:
            base = self.reg(self._base(address))
            if address.scale == 1:
                self.emit([WSA_RRR, base, address.index, self.reg(part)])
                return
            if address.scale <= 0xFF:
                self.set(AVR, part)
                self.emit([WEA_RRI, base, address.index, address.scale])
                return
            address = Address(self.reg(self.pointer(address)))
        value = self.reg(part)
        if address.is_frame:
            self.emit([Pseudo.FSTORE, address.base, address.offset, value])
            return
        if isinstance(address.base, int) and 0xFF < address.offset <= 0xFFFF:
            self.emit([WSA_RRR, address.base, self.reg(literal(address.offset)), value])
            return
        base, offset = self._simple(address)
        self.emit([WSA_RIR, base, offset, value])

    # Bytes and half-words.

    def _offset_by(self, address: Address, offset: int) -> Address:
        return Address(
            address.base,
            address.offset + offset,
            address.index,
            address.scale,
            address.is_frame,
            address.aligned,
        )

    def _known_place(self, address: Address, align: int) -> int | None:
        """The address modulo 4, where it is known."""
        if address.index is not None and address.scale % 4:
            return 0 if align >= 4 else None
        if address.aligned:
            return address.offset & 3
        return 0 if align >= 4 else None

    def load_narrow(self, address: Address, size: int, align: int) -> Part:
        """One or two bytes, zero-extended. Two are at an even address."""
        place = self._known_place(address, align)
        bits = 8 * size
        if place is not None:
            word = self.load_word(self._offset_by(address, -place))
            shift = 8 * (4 - size - place)
            if place == 0:
                return self.shift(SHR_I, word, shift)
            result = self.shift(SHR_I, word, shift)
            return self.binary(AND_R, result, literal((1 << bits) - 1))
        pointer = self.reg(self.pointer(address))
        if self.block.origin in self.flow.front:
            # With -1 in a register one instruction takes the word that the address lies in.
            low = self.copy(pointer)
            self.emit([AND_I, low, 3])
            minus = self.reg(literal(WORD))
            self.emit([LEA_RRR, pointer, low, minus])
            result = self.copy(AVR)
            self.emit([SHL_I, low, 3])
            self.emit([SHL_R, result, low])
        else:
            self.emit([LEA_IRI, 0, self._quotient(pointer), 4])
            result = self.copy(AVR)
            shift_by = self.copy(pointer)
            self.emit([SHL_I, shift_by, 3])
            self.emit([SHL_R, result, shift_by])
        self.emit([SHR_I, result, 32 - bits])
        return result

    def _quotient(self, pointer: int) -> int:
        """A register with the number of the word that an address lies in."""
        key = ("word", pointer)
        register = self.local.get(key)
        if register is None:
            register = self.local[key] = self.copy(pointer)
            self.emit([SHR_I, register, 2])
        return register

    def store_narrow(self, address: Address, size: int, align: int, part: Part) -> None:
        """One or two bytes: read the word, exchange them, write it. Bits of the part above are
        ignored."""
        place = self._known_place(address, align)
        bits = 8 * size
        mask = literal((1 << bits) - 1)
        if place is not None:
            at = self._offset_by(address, -place)
            word = self.load_word(at)
            shift = 8 * (4 - size - place)
            if part < 0:
                # Clear and set, or only one of them.
                value = ~part & ~mask
                field = ((1 << bits) - 1) << shift
                if value == 0:
                    new = self.binary(AND_R, word, literal(WORD ^ field))
                elif value == (1 << bits) - 1:
                    new = self.binary(BOR_R, word, literal(field))
                else:
                    new = self.binary(AND_R, word, literal(WORD ^ field))
                    self.op(BOR_R, new, literal(value << shift))
                self.store_word(at, new)
                return
            changed = self.shift(SHR_I, word, shift) if shift else self.copy(word)
            changed = self.binary(XOR_R, changed, part)
            self.op(AND_R, changed, mask)
            if shift:
                self.emit([SHL_I, changed, shift])
            new = self.binary(XOR_R, word, changed)
            self.store_word(at, new)
            return
        pointer = self.reg(self.pointer(address))
        quotient = self._quotient(pointer)
        value_register = self.reg(literal(~part & ~mask)) if part < 0 else part
        shift_by = self.copy(pointer)
        self.emit([XOR_I, shift_by, 3 if size == 1 else 2])
        self.emit([SHL_I, shift_by, 3])
        self.emit([LEA_IRI, 0, quotient, 4])
        word = self.copy(AVR)
        difference = self.copy(word)
        self.emit([SHR_R, difference, shift_by])
        if part < 0 and value_register is not None and (~part & ~mask) <= 0xFFFF:
            self.op(XOR_R, difference, literal(~part & ~mask))
        else:
            self.emit([XOR_R, difference, value_register])
        self.emit([AND_I, difference, (1 << bits) - 1])
        self.emit([SHL_R, difference, shift_by])
        self.emit([XOR_R, word, difference])
        self.emit([CPY_R, AVR, word])
        self.emit([WEA_IRI, 0, quotient, 4])

    # Values of any type.

    def load(self, type_: Type, address: Address, align: int) -> list[Part]:
        """The value of a type at an address; narrow integers come zero-extended."""
        self._check_null(address)
        if isinstance(type_, Struct | Array):
            parts: list[Part] = []
            address = self._fixed(address)
            for place in range(len(self.element_types(type_))):
                offset, element = step(type_, place)
                parts += self.load(
                    element, self._offset_by(address, offset), _common(align, offset)
                )
            return parts
        size = (type_.bits + 7) // 8 if isinstance(type_, Integer) else type_.size
        if size == 4 and align >= 4:
            return [self.load_word(address)]
        if size in (1, 2) and align >= size:
            return [self.load_narrow(address, size, align)]
        # Pieces from the end, where the lowest bits are.
        address = self._fixed(address)
        words: list[list[tuple[Part, int]]] = [[] for _ in range(type_.words)]
        done = 0
        for offset, piece in _pieces(size, align):
            at = self._offset_by(address, offset)
            if piece == 4:
                part: Part = self.load_word(at)
            else:
                part = self.load_narrow(at, piece, _common(align, offset))
            word, shift = divmod(8 * done, 32)
            if shift + 8 * piece > 32:
                words[word + 1].append((self.shift(SHR_I, part, 32 - shift), 0))
            words[word].append((part, shift))
            done += piece
        result = []
        for pieces in words:
            value: Part = literal(0)
            for part, shift in pieces:
                part = self.shift(SHL_I, part, shift)
                value = part if value == literal(0) else self.binary(BOR_R, part, value)
            result.append(value)
        return result

    def store(self, type_: Type, parts: list[Part], address: Address, align: int) -> None:
        """Write a value. Bits of narrow integers above their width must be 0 if the width is no
        multiple of 8."""
        if isinstance(type_, Struct | Array):
            address = self._fixed(address)
            begin = 0
            for place in range(len(self.element_types(type_))):
                offset, element = step(type_, place)
                value = parts[begin : begin + element.words]
                self.store(element, value, self._offset_by(address, offset), _common(align, offset))
                begin += element.words
            return
        size = (type_.bits + 7) // 8 if isinstance(type_, Integer) else type_.size
        if size == 4 and align >= 4:
            self.store_word(address, parts[0])
            return
        if size in (1, 2) and align >= size:
            self.store_narrow(address, size, align, parts[0])
            return
        address = self._fixed(address)
        done = 0
        for offset, piece in _pieces(size, align):
            word, shift = divmod(8 * done, 32)
            part = self._logical_right(parts[word], shift)
            if shift + 8 * piece > 32:
                upper = parts[word + 1]
                part = self._funnel(parts[word], upper, shift)
            at = self._offset_by(address, offset)
            if piece == 4:
                self.store_word(at, part)
            else:
                self.store_narrow(at, piece, _common(align, offset), part)
            done += piece

    def _fixed(self, address: Address) -> Address:
        """The address without an index, for several accesses."""
        if address.index is None:
            return address
        align = address.aligned and address.scale % 4 == 0
        offset, address.offset = address.offset, 0
        return Address(self.reg(self.pointer(address)), offset, aligned=align)

    # Copies of known size.

    LONGEST_INLINE_COPY = 32

    def copy_memory(self, target: Operand, source: Operand, size: int, align: int) -> bool:
        """Copy a few aligned words without calling; False if a call is better."""
        if align < 4 or size > self.LONGEST_INLINE_COPY or size % 4:
            return False
        to, of = self._fixed(self.address_of(target)), self._fixed(self.address_of(source))
        words = [self.load_word(self._offset_by(of, offset)) for offset in range(0, size, 4)]
        for place, word in enumerate(words):
            self.store_word(self._offset_by(to, 4 * place), word)
        return True

    def fill_memory(self, target: Operand, byte: Part, size: int, align: int) -> bool:
        if align < 4 or size > self.LONGEST_INLINE_COPY or size % 4 or byte >= 0:
            return False
        to = self._fixed(self.address_of(target))
        word = literal((~byte & 0xFF) * 0x01010101)
        for offset in range(0, size, 4):
            self.store_word(self._offset_by(to, offset), word)
        return True

    def unsupported_type(self, type_: Type) -> UnsupportedError:
        return UnsupportedError(f"values of type {type_} are not supported")


def _common(align: int, offset: int) -> int:
    """The alignment of an address `offset` bytes behind an aligned one."""
    return min(align, offset & -offset) if offset else align


def _pieces(size: int, align: int) -> list[tuple[int, int]]:
    """The accesses that `size` bytes take, last bytes first: (offset, bytes)."""
    pieces = []
    offset = 0
    while offset < size:
        piece = next(n for n in (4, 2, 1) if n <= size - offset and _common(align, offset) >= n)
        pieces.append((offset, piece))
        offset += piece
    return pieces[::-1]
