"""What every instruction value does: checking, encoding, decoding, printing.

`instr.py` adds one constructor for each mnemonic and alias; it is generated from the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, Self

from lrvm_jit.isa import (
    ALIASES,
    BY_MNEMONIC,
    EncodingError,
    decode_strict,
    encode,
    format_word,
)
from lrvm_jit.isa.codec import literal_range
from lrvm_jit.isa.spellings import Param
from lrvm_jit.isa.table import Instruction, Operand

from .labels import Label, LabelError, suggestion
from .operands import Target, Value, check, format_operand, open_operands, resolve

NO_LABELS: Final[Mapping[str, int]] = MappingProxyType({})

_ALIASES: Final = {alias.name: alias for alias in ALIASES}


@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class BaseInstr:
    """One instruction as a value; see `Instr`."""

    size: ClassVar[int] = 4
    """Bytes that an instruction takes in the program."""

    mnemonic: str
    operands: tuple[Value, ...]

    def __init__(self, mnemonic: str, operands: Sequence[Target] = ()) -> None:
        """The instruction or alias called `mnemonic`, with all of its operands.

        An alias becomes the instruction that it stands for. Raises EncodingError, which names
        the operand and what it accepts, or LabelError for a name that no label can have.
        """
        row, values = _expand(mnemonic.lower(), operands)
        try:
            checked = tuple(map(check, row.operands, values))
        except (EncodingError, LabelError) as error:
            raise type(error)(f"{mnemonic}: {error}") from None
        object.__setattr__(self, "mnemonic", row.mnemonic)
        object.__setattr__(self, "operands", checked)

    @classmethod
    def decode(cls, word: int) -> Self:
        """The instruction of a word; DecodingError if no assembly line gives that word."""
        decoded = decode_strict(word)
        return cls(decoded.instruction.mnemonic, decoded.operands)

    def encode(self, address: int = 0, labels: Mapping[str, int] = NO_LABELS) -> int:
        """The word of the instruction at `address`, given the address of every label.

        Raises LabelError if a label is unknown or out of reach.
        """
        return encode(
            self.mnemonic,
            *(
                resolve(operand, value, address, labels) if isinstance(value, Label) else value
                for operand, value in self._pairs()
            ),
        )

    def __str__(self) -> str:
        """The instruction as a line of LASM, aliases preferred."""
        if not any(isinstance(value, Label) for value in self.operands):
            return format_word(self.encode())
        # The codec chooses between mnemonic and alias. Meanwhile the largest literal, which no
        # alias contains, holds the label's place.
        word = encode(
            self.mnemonic,
            *(
                literal_range(operand)[1] if isinstance(value, Label) else value
                for operand, value in self._pairs()
            ),
        )
        name = format_word(word).split()[0]
        texts = [format_operand(operand, value) for operand, value in self._pairs()]
        if name in _ALIASES:
            patterns = _ALIASES[name].operands
            texts = [
                text
                for text, pattern in zip(texts, patterns, strict=True)
                if isinstance(pattern, Param)
            ]
        return f"{name} {', '.join(texts)}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    # A Reg equals its code as an integer, but a register is another operand than a literal.

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseInstr):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, tuple[tuple[type, Value], ...]]:
        return self.mnemonic, tuple((type(value), value) for value in self.operands)

    def _pairs(self) -> Iterator[tuple[Operand, Value]]:
        return zip(BY_MNEMONIC[self.mnemonic].operands, self.operands, strict=True)


def _expand(name: str, operands: Sequence[Target]) -> tuple[Instruction, Sequence[Target]]:
    """The table's row of a mnemonic or alias, and one value for each of its operands."""
    if alias := _ALIASES.get(name):
        _check_count(name, open_operands(alias), operands)
        return BY_MNEMONIC[alias.instruction], [
            operands[item.value] if isinstance(item, Param) else item for item in alias.operands
        ]
    row = BY_MNEMONIC.get(name)
    if row is None:
        nearest = suggestion(name, [*BY_MNEMONIC, *_ALIASES])
        raise EncodingError(f"unknown instruction {name!r}{nearest}")
    _check_count(name, row.operands, operands)
    return row, operands


def _check_count(name: str, wanted: Sequence[Operand], given: Sequence[Target]) -> None:
    if len(given) != len(wanted):
        names = ", ".join(operand.name for operand in wanted) or "no operands"
        raise EncodingError(f"{name} takes {names}; {len(given)} given")
