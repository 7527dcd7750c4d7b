"""The instruction set's reference page, made from the table.

`python -m lrvm_jit.isa.page` prints it; the project keeps it as docs/instruction-set.md, and a
test compares the two.
"""

from __future__ import annotations

from .codec import format_value
from .spellings import ALIASES, CONSTANTS, Alias, Param
from .table import (
    CONDITION_TRUTH,
    FIRST_PRIVILEGED_READ,
    INSTRUCTIONS,
    READ_ONLY_REGISTERS,
    Flag,
    Instruction,
    Kind,
    Reg,
)

_KIND_NOTES = {
    Kind.REG: "a register",
    Kind.RL1: "a register or a literal of one byte",
    Kind.RL2: "a register or a literal of two bytes",
}

_FLAG_MEANINGS = {
    Flag.ZF: "result is 0",
    Flag.CF: "the unsigned result does not fit 32 bits",
    Flag.OF: "the signed result does not fit 32 bits",
    Flag.SF: "bit 31 of the result",
    Flag.EF: "the result is even",
    Flag.ZUF: "the upper 16 bits of the result are 0",
    Flag.ZLF: "the lower 16 bits of the result are 0",
}


def page() -> str:
    """The page as Markdown."""
    lines = [
        "# Instruction set",
        "",
        "<!-- Made by `python -m lrvm_jit.isa.page`; change lrvm_jit/isa/table.py instead. -->",
        "",
        "A word is 32 bits. Its five high bits are the opcode, then three bits say of each",
        "operand whether it is a register (1) or a literal (0); three bytes of operands follow.",
        "",
        "## Instructions",
        "",
        "| opcode | mnemonic | operands | effect | flags | mode | own exceptions |",
        "|---|---|---|---|---|---|---|",
        *(_row(row) for row in INSTRUCTIONS),
        "",
        "Operands: "
        + "; ".join(f"`{kind.value}` is {note}" for kind, note in _KIND_NOTES.items())
        + ".",
        "Literals are zero-extended, but for JPR's, which is sign-extended.",
        "",
        "## Registers",
        "",
        "| code | name | userland reads | writable |",
        "|---|---|---|---|",
        *(_register(reg) for reg in Reg),
        "",
        "## Flags",
        "",
        "| flag | number | bit in af | set when |",
        "|---|---|---|---|",
        *(
            f"| {flag.name} | {flag.value} | 0x{flag.mask:02X} | {_FLAG_MEANINGS[flag]} |"
            for flag in Flag
        ),
        "",
        "## Conditions of IF2",
        "",
        "| condition | code | holds of a, b = 00 01 10 11 |",
        "|---|---|---|",
        *(
            f"| CMP_{condition.name} | {condition.value} | "
            f"{' '.join(str(truth >> pair & 1) for pair in range(4))} |"
            for condition, truth in CONDITION_TRUTH.items()
        ),
        "",
        "## Aliases",
        "",
        "| alias | stands for |",
        "|---|---|",
        *(f"| {_usage(alias)} | {_meaning(alias)} |" for alias in ALIASES),
        "",
        "## Named constants",
        "",
        "| name | value |",
        "|---|---|",
        *(f"| {name} | 0x{value:02X} |" for name, value in CONSTANTS.items()),
    ]
    return "\n".join(lines) + "\n"


def _row(row: Instruction) -> str:
    operands = ", ".join(f"{operand.name} ({operand.kind.value})" for operand in row.operands)
    faults = ", ".join(f"0x{code:02X}" for code in row.faults)
    effect = row.effect.replace("|", "\\|")
    return (
        f"| 0x{row.opcode:02X} | {row.mnemonic} | {operands} | {effect} "
        f"| {'set' if row.writes_flags else ''} "
        f"| {'supervisor' if row.supervisor_only else 'both'} | {faults} |"
    )


def _register(reg: Reg) -> str:
    if reg in READ_ONLY_REGISTERS:
        writable = "no"
    else:
        writable = "supervisor" if reg >= FIRST_PRIVILEGED_READ else "both modes"
    return (
        f"| 0x{reg:02X} | {reg} | {'yes' if reg < FIRST_PRIVILEGED_READ else 'no'} | {writable} |"
    )


def _usage(alias: Alias) -> str:
    return " ".join([alias.name, ", ".join("ab"[: alias.parameters])]).strip()


def _meaning(alias: Alias) -> str:
    operands = (
        "ab"[item.value] if isinstance(item, Param) else format_value(item)
        for item in alias.operands
    )
    return f"{alias.instruction} {', '.join(operands)}"


if __name__ == "__main__":
    print(page(), end="")
