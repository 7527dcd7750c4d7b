"""Operands of instruction values: what each accepts, and the literal that a label becomes."""

from __future__ import annotations

import operator
from collections.abc import Mapping

from lrvm_jit.isa import BY_MNEMONIC, EncodingError, Reg, format_value
from lrvm_jit.isa.codec import literal_range
from lrvm_jit.isa.spellings import Alias, Param
from lrvm_jit.isa.table import Kind, Operand

from .labels import Half, Label, LabelError

Value = Reg | int | Label
"""An operand as an instruction holds it."""

RegOrInt = Reg | int
"""What an operand accepts where no address may stand."""
Target = Reg | int | Label | str
"""What an operand accepts where an address may stand; a string names a label."""


def takes_label(operand: Operand) -> bool:
    """True if an address may be written here: for two-byte literals, and for `addr`."""
    return operand.kind is Kind.RL2 or (operand.kind is Kind.RL1 and operand.name == "addr")


def open_operands(alias: Alias) -> tuple[Operand, ...]:
    """The operands of the alias's instruction that the alias takes as its own."""
    found: dict[Param, Operand] = {}
    row = BY_MNEMONIC[alias.instruction]
    for pattern, operand in zip(alias.operands, row.operands, strict=True):
        if isinstance(pattern, Param):
            # One that stands twice must suit both; its first place, a register's, is stricter.
            found.setdefault(pattern, operand)
    return tuple(found.values())


def check(operand: Operand, value: object) -> Value:
    """`value` in its canonical form; EncodingError naming the operand and what it accepts."""
    if isinstance(value, Reg):
        return value
    if isinstance(value, str | Label) and takes_label(operand):
        label = Label(value) if isinstance(value, str) else value
        if operand.signed and label.half is not Half.BOTH:
            raise EncodingError(f"operand {operand.name!r} is a distance, not half an address")
        return label
    if operand.kind is Kind.REG:
        raise EncodingError(f"operand {operand.name!r} must be a Reg, not {value!r}")
    return _check_literal(operand, value)


def _check_literal(operand: Operand, value: object) -> int:
    low, high = operand.valid
    kinds = "a Reg, a label" if takes_label(operand) else "a Reg"
    literal = as_integer(value)
    if literal is None or not low <= literal <= high:
        hint = ""
        if literal is not None and literal < 0 and not operand.signed:
            hint = "; the literal is zero-extended, a register can hold a negative value"
        raise EncodingError(
            f"operand {operand.name!r} must be {kinds} or an integer in {low}..{high}, "
            f"not {value!r}{hint}"
        )
    # One value for each word: jpr 0xfffc is jpr -4.
    return literal - (high + 1) if operand.signed and literal > high // 2 else literal


def as_integer(value: object) -> int | None:
    """`value` as an int if it is of an integer type (numpy's too, but not bool), else None."""
    if isinstance(value, bool | Reg):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def resolve(operand: Operand, label: Label, address: int, labels: Mapping[str, int]) -> int:
    """The literal that `label` becomes in an instruction at `address`.

    Raises LabelError if it is unknown or out of reach.
    """
    low, high = literal_range(operand)
    value = label.resolve(labels)
    what = "is"
    if operand.signed:
        # A literal in the upper half would be read as negative, so a distance ends before it.
        value, high, what = value - address, high // 2, "is at a distance of"
    if not low <= value <= high:
        raise LabelError(
            f"label {str(label)!r} {what} {value}, outside {low}..{high} "
            f"of operand {operand.name!r}"
        )
    return value


def format_operand(operand: Operand, value: Value) -> str:
    """An operand as LASM writes it. `$` is the address of the instruction itself."""
    if not isinstance(value, Label):
        return format_value(value)
    return f"{value} - $" if operand.signed else str(value)
