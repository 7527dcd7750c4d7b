"""Encoding, decoding and printing of single instruction words, derived from the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..arguments import whole_number
from ..records import dataclass
from .spellings import ALIASES, Alias, Param
from .table import BY_MNEMONIC, BY_OPCODE, WORD_MASK, Instruction, Kind, Operand, Reg

Value = Reg | int
"""An operand's value: a register, or a literal."""

_ALIASES_OF: Final[dict[str, list[Alias]]] = {}
# The alias with the fewest parameters is the most specific one, so it is tried first.
for _alias in sorted(ALIASES, key=lambda alias: alias.parameters):
    _ALIASES_OF.setdefault(_alias.instruction, []).append(_alias)


class EncodingError(ValueError):
    """An instruction that cannot exist: wrong operand count, kind or range."""


class DecodingError(ValueError):
    """A word that no assembly line gives: unknown opcode, unknown register or unused bits set."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An instruction word taken apart: the table's row and one value per operand."""

    instruction: Instruction
    operands: tuple[Value, ...]


def literal_range(operand: Operand) -> tuple[int, int]:
    """Smallest and largest literal that may be written for `operand` (empty for a register)."""
    return operand.encodable


def encode_operand(operand: Operand, value: Value) -> tuple[int, bytes]:
    """Return the R bit and the parameter bytes of one operand.

    Raises EncodingError that names the operand and what it accepts.
    """
    if isinstance(value, Reg):
        return 1, bytes([value]) + bytes(operand.kind.size - 1)
    if operand.kind is Kind.REG:
        raise EncodingError(f"operand {operand.name!r} must be a register, not {value!r}")
    refusal = f"operand {operand.name!r} must be a register or an integer, not {value!r}"
    if isinstance(value, bool):
        raise EncodingError(refusal)
    try:
        value = whole_number("operand", value)
    except TypeError:
        raise EncodingError(refusal) from None
    low, high = literal_range(operand)
    if not low <= value <= high:
        hint = ""
        if value < 0 and not operand.signed:
            hint = "; the literal is zero-extended, a register can hold a negative value"
        raise EncodingError(f"operand {operand.name!r}: {value} is outside {low}..{high}{hint}")
    return 0, (value & high).to_bytes(operand.kind.size, "big")


def encode(mnemonic: str, *operands: Value) -> int:
    """Encode one instruction or alias to its word.

    `operands` are `Reg` members for registers and ints for literals, in the table's order, all
    of them given. Raises EncodingError.
    """
    name = mnemonic.lower()
    row = BY_MNEMONIC.get(name)
    if row is None:
        return _encode_alias(name, operands)
    if len(operands) != len(row.operands):
        wanted = ", ".join(operand.name for operand in row.operands) or "no operands"
        raise EncodingError(f"{name} takes {wanted}; {len(operands)} given")
    word = row.opcode << 27
    shift = 24
    for position, (operand, value) in enumerate(zip(row.operands, operands, strict=True)):
        bit, data = encode_operand(operand, value)
        shift -= 8 * len(data)
        word |= bit << (26 - position) | int.from_bytes(data, "big") << shift
    return word


def _encode_alias(name: str, operands: Sequence[Value]) -> int:
    for alias in ALIASES:
        if alias.name == name:
            if len(operands) != alias.parameters:
                raise EncodingError(
                    f"{name} takes {alias.parameters} operands; {len(operands)} given"
                )
            full = [
                operands[item.value] if isinstance(item, Param) else item for item in alias.operands
            ]
            if name == "zro" and not isinstance(operands[0], Reg):
                raise EncodingError(f"zro takes a register, not {operands[0]!r}")
            return encode(alias.instruction, *full)
    raise EncodingError(f"unknown instruction {name!r}")


def decode(word: int) -> Decoded:
    """Take a word apart the way the CPU does: unused bits are ignored.

    Literals of signed operands are returned negative where they are. Raises DecodingError for
    an unknown opcode or a register code above 0x1F.
    """
    word = whole_number("word", word)
    row = BY_OPCODE.get(word >> 27)
    if row is None:
        raise DecodingError(f"unknown opcode 0x{word >> 27:02x} in word 0x{word:08x}")
    values: list[Value] = []
    shift = 24
    for position, operand in enumerate(row.operands):
        size = operand.kind.size
        shift -= 8 * size
        raw = (word >> shift) & ((1 << (8 * size)) - 1)
        if operand.kind is Kind.REG or (word >> (26 - position)) & 1:
            code = raw >> (8 * (size - 1))
            if code >= len(Reg):
                raise DecodingError(
                    f"unknown register 0x{code:02x} as operand {operand.name!r} "
                    f"of {row.mnemonic} in word 0x{word:08x}"
                )
            values.append(Reg(code))
        elif operand.signed and raw >> (8 * size - 1):
            values.append(raw - (1 << (8 * size)))
        else:
            values.append(raw)
    return Decoded(row, tuple(values))


def decode_strict(word: int) -> Decoded:
    """Like `decode`, but refuses a word that assembling its text would not give back, and flag
    numbers and conditions that do not exist.

    Raises DecodingError.
    """
    decoded = decode(word)
    again = encode(decoded.instruction.mnemonic, *decoded.operands)
    if again != word:
        raise DecodingError(
            f"word 0x{word:08x} sets unused bits; {decoded.instruction.mnemonic} "
            f"with these operands is 0x{again:08x}"
        )
    for operand, value in zip(decoded.instruction.operands, decoded.operands, strict=True):
        if isinstance(value, Reg):
            continue
        low, high = operand.valid
        if not low <= value <= high:
            what = {"flag": "flag number", "condition": "IF2 condition"}[operand.constants]
            raise DecodingError(f"bad {what} {value} in word 0x{word:08x}")
    return decoded


def format_word(word: int) -> str:
    """The LASM line of a word, aliases preferred; `#d32 0x...` where no instruction gives it.

    Assembling the line gives the word back, always.
    """
    word &= WORD_MASK
    try:
        decoded = decode_strict(word)
    except DecodingError:
        return f"#d32 0x{word:08x}"
    row = decoded.instruction
    for alias in _ALIASES_OF.get(row.mnemonic, ()):
        parameters = _match_alias(alias, decoded.operands)
        if parameters is not None:
            return _line(alias.name, parameters)
    return _line(row.mnemonic, decoded.operands)


def _match_alias(alias: Alias, operands: Sequence[Value]) -> list[Value] | None:
    """The alias's parameters if it can stand for these operands, else None."""
    parameters: dict[int, Value] = {}
    for pattern, value in zip(alias.operands, operands, strict=True):
        if isinstance(pattern, Param):
            known = parameters.setdefault(pattern.value, value)
            if known != value or type(known) is not type(value):
                return None
        elif pattern != value or isinstance(pattern, Reg) != isinstance(value, Reg):
            return None
    return [parameters[key] for key in sorted(parameters)]


def _line(name: str, operands: Sequence[Value]) -> str:
    text = ", ".join(format_value(value) for value in operands)
    return f"{name} {text}" if text else name


def format_value(value: Value) -> str:
    """An operand as LASM writes it: a register's name, or a hexadecimal literal."""
    if isinstance(value, Reg):
        return str(value)
    return f"-0x{-value:x}" if value < 0 else f"0x{value:x}"
