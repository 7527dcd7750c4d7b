"""From a mnemonic and its operands to an instruction word.

Mnemonics, operands and which of them may be left out, ranges, aliases and encoding come from the
instruction table; this module adds how to explain a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from typing import Final, TypeAlias

from lrvm_jit.isa import ALIASES, BY_MNEMONIC, CONSTANTS, INSTRUCTIONS, Reg, encode, spellings
from lrvm_jit.isa import table as isa

from .evaluate import BuiltInNames
from .values import show_integer

REGISTERS: Final = {str(register): register for register in Reg}
NAMES: Final = BuiltInNames(CONSTANTS, REGISTERS, str(Reg.PC))
"""What expressions may use of the instruction set."""

OperandValue: TypeAlias = Reg | int


@dataclass(frozen=True, slots=True)
class Given:
    """Stands for the written operand of this number."""

    index: int


Template: TypeAlias = tuple[Reg | int | Given, ...]

_FAMILIES: Final[dict[str, type[IntEnum]]] = {"flag": isa.Flag, "condition": isa.Condition}
"""Operands that take the members of an enumeration only, where the table names the family."""


_FAR: Final = {"call": "farcall", "jp": "farjp", "cpy": "setw"}
"""What the shipped include has for values beyond 16 bits."""


class OperandError(Exception):
    """An operand that does not fit; `index` is its number as written."""

    def __init__(self, index: int, message: str, hint: str = "") -> None:
        super().__init__(index, message, hint)
        self.index = index
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a mnemonic.

    `row` is the instruction it stands for, `template` what stands for each operand of that, and
    `parameters` has the operand of `row` for each operand that is written.
    """

    mnemonic: str
    row: isa.Instruction
    template: Template
    parameters: tuple[isa.Operand, ...]

    @property
    def usage(self) -> str:
        """How the form is written: `lsa d, addr`."""
        names = ", ".join(operand.name for operand in self.parameters)
        return f"{self.mnemonic} {names}" if names else self.mnemonic

    def takes_register(self, index: int) -> bool:
        """Whether the written operand of this number must be a register."""
        return self.parameters[index].kind is isa.Kind.REG

    def encode(self, values: Sequence[OperandValue]) -> int:
        """The instruction word for these operands, registers where they must be. Raises
        OperandError."""
        full: list[OperandValue] = []
        for item, operand in zip(self.template, self.row.operands, strict=True):
            if isinstance(item, Given):
                value = values[item.index]
                self._check(item.index, operand, value)
                full.append(value)
            else:
                full.append(item)
        return encode(self.row.mnemonic, *full)

    def _check(self, index: int, operand: isa.Operand, value: OperandValue) -> None:
        if isinstance(value, Reg):
            return
        name = f"operand `{operand.name}` of `{self.mnemonic}`"
        low, high = operand.encodable
        family = _FAMILIES.get(operand.constants)
        if family is not None:
            members = list(family)
            if value not in members:
                names = " ".join(_constant_name(member) for member in members)
                raise OperandError(
                    index,
                    f"{name} is {show_integer(value)}, outside {members[0]:d}..{members[-1]:d}",
                    f"the {operand.constants}s are {names}",
                )
        elif value < low and operand.name == "add" and self.row.memory is not isa.Access.NONE:
            raise OperandError(
                index,
                f"{name} is {show_integer(value)}: the literal of an address offset is "
                f"zero-extended, so it must be {low}..{high}",
                "a register can hold a negative offset",
            )
        elif not low <= value <= high:
            hint = "a larger value needs a register"
            if self.mnemonic in _FAR:
                hint += f': `{_FAR[self.mnemonic]}` of `#include "<std>/lrvm/far.lasm"` uses one'
            if value < low:
                hint = "a literal is zero-extended; a register can hold a negative value"
            if operand.signed:
                hint = "a literal is two's complement; a register can hold a larger value"
            raise OperandError(
                index, f"{name} is {show_integer(value)}, outside {low}..{high}", hint
            )


def _constant_name(member: IntEnum) -> str:
    return f"CMP_{member.name}" if isinstance(member, isa.Condition) else member.name


def _alias_template(alias: spellings.Alias) -> Template:
    return tuple(
        Given(item.value) if isinstance(item, spellings.Param) else item for item in alias.operands
    )


def _short_template(row: isa.Instruction, form: isa.ShortForm) -> Template:
    """The template of a form that leaves operands out."""
    numbers = count()
    return tuple(
        form[operand.name] if operand.name in form else Given(next(numbers))
        for operand in row.operands
    )


def _all_forms() -> dict[str, dict[int, Form]]:
    forms: dict[str, dict[int, Form]] = {}
    for row in INSTRUCTIONS:
        whole = tuple(Given(index) for index in range(len(row.operands)))
        templates = (*(_short_template(row, form) for form in row.short_forms), whole)
        forms[row.mnemonic] = _by_count(row.mnemonic, row, templates)
    for alias in ALIASES:
        row = BY_MNEMONIC[alias.instruction]
        forms[alias.name] = _by_count(alias.name, row, (_alias_template(alias),))
    return forms


def _by_count(
    mnemonic: str, row: isa.Instruction, templates: Sequence[Template]
) -> dict[int, Form]:
    forms = {}
    for template in templates:
        found: dict[int, isa.Operand] = {}
        for item, operand in zip(template, row.operands, strict=True):
            if isinstance(item, Given):
                found.setdefault(item.index, operand)
        parameters = tuple(found[index] for index in sorted(found))
        forms[len(parameters)] = Form(mnemonic, row, template, parameters)
    return forms


FORMS: Final = _all_forms()
"""The forms of each mnemonic and alias by how many operands are written."""


def usages(mnemonic: str) -> str:
    """How a mnemonic is written, all its forms."""
    return " or ".join(f"`{form.usage}`" for form in FORMS[mnemonic].values())


def operand_counts(mnemonic: str) -> str:
    """How many operands a mnemonic takes, in words."""
    counts = sorted(FORMS[mnemonic])
    if counts == [0]:
        return "no operands"
    first, last = counts[0], counts[-1]
    numbers = {0: f"{first}", 1: f"{first} or {last}"}.get(last - first, f"{first} to {last}")
    return f"{numbers} operand{'s' if last > 1 else ''}"
