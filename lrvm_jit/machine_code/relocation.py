"""Relocations: what bytes of a section become once it is known where everything is.

The numbers and formulas are those of the processors' ABIs ("System V ABI, AMD64 supplement",
table "Relocation Types"; "ELF for the Arm 64-bit Architecture", "Relocation").
S is where the symbol is, A the addend, P the place that is changed, G the symbol's slot in a table
of addresses, Page(x) x without its lowest 12 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from ..records import dataclass
from .elf import LoadingError

WORD: Final = 0xFFFFFFFF
ADDRESS: Final = 0xFFFFFFFFFFFFFFFF


class Via(Enum):
    """What a relocation leads to instead of the symbol itself."""

    SYMBOL = auto()
    STUB = auto()
    """A jump, if the symbol is too far away."""
    SLOT = auto()
    """A word in memory with the symbol's address."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of relocation."""

    name: str
    width: int
    """Bytes that it changes."""
    apply: Callable[[int, int, int], int]
    """The new bytes as a number, of: S + A (or G + A), P, and the old bytes as a number.
    OverflowError if the target is out of reach."""
    via: Via = Via.SYMBOL


def _reach(value: int, bits: int) -> int:
    """A signed number that must fit into so many bits."""
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise OverflowError
    return value


def _absolute_64(target: int, place: int, old: int) -> int:
    return target & ADDRESS


def _absolute_32(target: int, place: int, old: int) -> int:
    if not 0 <= target <= WORD:
        raise OverflowError
    return target


def _absolute_32_signed(target: int, place: int, old: int) -> int:
    return _reach(target, 32) & WORD


def _relative_32(target: int, place: int, old: int) -> int:
    return _reach(target - place, 32) & WORD


def _relative_64(target: int, place: int, old: int) -> int:
    return target - place & ADDRESS


X86_64: Final = {
    1: Kind("R_X86_64_64", 8, _absolute_64),
    2: Kind("R_X86_64_PC32", 4, _relative_32),
    4: Kind("R_X86_64_PLT32", 4, _relative_32, Via.STUB),
    9: Kind("R_X86_64_GOTPCREL", 4, _relative_32, Via.SLOT),
    10: Kind("R_X86_64_32", 4, _absolute_32),
    11: Kind("R_X86_64_32S", 4, _absolute_32_signed),
    24: Kind("R_X86_64_PC64", 8, _relative_64),
    41: Kind("R_X86_64_GOTPCRELX", 4, _relative_32, Via.SLOT),
    42: Kind("R_X86_64_REX_GOTPCRELX", 4, _relative_32, Via.SLOT),
}


def _field(old: int, value: int, first: int, bits: int) -> int:
    """An instruction with the low bits of a number in the field that starts at bit `first`."""
    mask = (1 << bits) - 1
    return old & ~(mask << first) & WORD | (value & mask) << first


def _branch(first: int, bits: int) -> Callable[[int, int, int], int]:
    """The distance in instructions, in a field of so many bits."""

    def apply(target: int, place: int, old: int) -> int:
        return _field(old, _reach(target - place, bits + 2) >> 2, first, bits)

    return apply


def _address(old: int, value: int) -> int:
    """`adr` and `adrp`: 21 bits in two fields."""
    return _field(_field(old, value, 29, 2), value >> 2, 5, 19)


def _byte_distance(target: int, place: int, old: int) -> int:
    return _address(old, _reach(target - place, 21))


def _page_distance(target: int, place: int, old: int) -> int:
    return _address(old, _reach((target >> 12) - (place >> 12), 21))


def _within_page(scale: int) -> Callable[[int, int, int], int]:
    """The lowest twelve bits, in units of 1 << scale bytes: `add`, loads and stores."""

    def apply(target: int, place: int, old: int) -> int:
        if target & (1 << scale) - 1:
            raise OverflowError
        return _field(old, (target & 0xFFF) >> scale, 10, 12)

    return apply


def _sixteen_bits(group: int, last: bool) -> Callable[[int, int, int], int]:
    """`movz` and `movk`: sixteen bits of an address. `last`: there may be no bits above them."""

    def apply(target: int, place: int, old: int) -> int:
        if last and not 0 <= target >> 16 * group <= 0xFFFF:
            raise OverflowError
        return _field(old, target >> 16 * group, 5, 16)

    return apply


AARCH64: Final = {
    257: Kind("R_AARCH64_ABS64", 8, _absolute_64),
    258: Kind("R_AARCH64_ABS32", 4, _absolute_32),
    260: Kind("R_AARCH64_PREL64", 8, _relative_64),
    261: Kind("R_AARCH64_PREL32", 4, _relative_32),
    263: Kind("R_AARCH64_MOVW_UABS_G0", 4, _sixteen_bits(0, True)),
    264: Kind("R_AARCH64_MOVW_UABS_G0_NC", 4, _sixteen_bits(0, False)),
    265: Kind("R_AARCH64_MOVW_UABS_G1", 4, _sixteen_bits(1, True)),
    266: Kind("R_AARCH64_MOVW_UABS_G1_NC", 4, _sixteen_bits(1, False)),
    267: Kind("R_AARCH64_MOVW_UABS_G2", 4, _sixteen_bits(2, True)),
    268: Kind("R_AARCH64_MOVW_UABS_G2_NC", 4, _sixteen_bits(2, False)),
    269: Kind("R_AARCH64_MOVW_UABS_G3", 4, _sixteen_bits(3, False)),
    274: Kind("R_AARCH64_ADR_PREL_LO21", 4, _byte_distance),
    275: Kind("R_AARCH64_ADR_PREL_PG_HI21", 4, _page_distance),
    277: Kind("R_AARCH64_ADD_ABS_LO12_NC", 4, _within_page(0)),
    278: Kind("R_AARCH64_LDST8_ABS_LO12_NC", 4, _within_page(0)),
    279: Kind("R_AARCH64_TSTBR14", 4, _branch(5, 14)),
    280: Kind("R_AARCH64_CONDBR19", 4, _branch(5, 19)),
    282: Kind("R_AARCH64_JUMP26", 4, _branch(0, 26), Via.STUB),
    283: Kind("R_AARCH64_CALL26", 4, _branch(0, 26), Via.STUB),
    284: Kind("R_AARCH64_LDST16_ABS_LO12_NC", 4, _within_page(1)),
    285: Kind("R_AARCH64_LDST32_ABS_LO12_NC", 4, _within_page(2)),
    286: Kind("R_AARCH64_LDST64_ABS_LO12_NC", 4, _within_page(3)),
    299: Kind("R_AARCH64_LDST128_ABS_LO12_NC", 4, _within_page(4)),
    311: Kind("R_AARCH64_ADR_GOT_PAGE", 4, _page_distance, Via.SLOT),
    312: Kind("R_AARCH64_LD64_GOT_LO12_NC", 4, _within_page(3), Via.SLOT),
}

KINDS: Final = {"x86_64": X86_64, "aarch64": AARCH64}

# A jump to the address that stands behind it, eight bytes: `jmp *0(%rip)`, and
# `ldr x16, #8; br x16`, which the ABI leaves to such stubs.
STUBS: Final = {
    "x86_64": b"\xff\x25\0\0\0\0",
    "aarch64": b"\x50\0\0\x58\0\x02\x1f\xd6",
}
STUB_SIZE: Final = 16


def kind_of(machine: str, number: int) -> Kind:
    """The kind of relocation with a number. LoadingError for one that is not known."""
    kind = KINDS[machine].get(number)
    if kind is None:
        raise LoadingError(f"relocations of kind {number} are not known for {machine}")
    return kind
