"""What the page of an instruction says by the instruction table: nothing of it is written twice."""

from __future__ import annotations

from html import escape
from typing import Final

from lrvm_jit.isa import ALIASES, BY_MNEMONIC, INSTRUCTIONS, Reg, format_value
from lrvm_jit.isa.codes import ExceptionCode
from lrvm_jit.isa.spellings import Alias, Param
from lrvm_jit.isa.table import (
    Access,
    Control,
    Flag,
    FlagRule,
    Implicit,
    Instruction,
    Kind,
    Op,
    Operand,
    Role,
)

BIT: Final = 20
"""Width of a bit in the diagram."""

_FLAGS: Final = {
    FlagRule.ADD: {
        "CF": "the sum does not fit 32 bits (carry)",
        "OF": "the sum of the two signed numbers does not fit",
    },
    FlagRule.SUB: {
        "CF": "the second operand is larger, unsigned (borrow)",
        "OF": "the difference of the two signed numbers does not fit",
    },
    FlagRule.MUL: {
        "CF": "the unsigned product does not fit 32 bits",
        "OF": "the signed product does not fit 32 bits",
    },
}
_LOGIC: Final = {"CF": "never", "OF": "never"}
_SHIFT: Final = dict.fromkeys(("CF", "OF"), "the count is 32 or more")
_DIVISION: Final = dict.fromkeys(
    ("CF", "OF"), "the mode's substitute was taken for a result that does not exist"
)
_BY_RESULT: Final = {
    Op.AND: _LOGIC,
    Op.BOR: _LOGIC,
    Op.XOR: _LOGIC,
    Op.SHL: _SHIFT,
    Op.SHR: _SHIFT,
    Op.DIV: _DIVISION,
    Op.MOD: _DIVISION,
}
_COMMON: Final = {
    "ZF": "the result is 0",
    "SF": "bit 31 of the result is 1",
    "EF": "the result is even",
    "ZUF": "the upper 16 bits of the result are 0",
    "ZLF": "the lower 16 bits of the result are 0",
}
_ACCESSES: Final = {
    Access.LOAD: (ExceptionCode.MMU_REFUSED_READ,),
    Access.STORE: (ExceptionCode.MMU_REFUSED_WRITE,),
    Access.SWAP: (ExceptionCode.MMU_REFUSED_READ, ExceptionCode.MMU_REFUSED_WRITE),
}


def instruction(mnemonic: str) -> str:
    """Encoding, operation, flags, exceptions and cycles of an instruction. KeyError if none."""
    row = BY_MNEMONIC[mnemonic]
    parts = [
        "## Encoding",
        f"`{_usage(row)}`",
        bit_diagram(row),
        "## Operation",
        f"```text\n{_operation(row)}\n```",
        _operands(row),
        _short_ways(row),
        "## Flags",
        _flags(row),
        "## Exceptions",
        _exceptions(row),
        "## Cycles",
        _cycles(row),
    ]
    return "\n\n".join(part for part in parts if part)


def index(_: str = "") -> str:
    """The list of all instructions, with links to their pages."""
    lines = ["| opcode | instruction | what it does | flags | |", "|---|---|---|---|---|"]
    lines += [
        f"| 0x{row.opcode:02X} | [{row.mnemonic}]({row.mnemonic}.md) | `{_cell(row.effect)}` "
        f"| {'set' if row.writes_flags else ''} "
        f"| {'supervisor only' if row.supervisor_only else ''} |"
        for row in INSTRUCTIONS
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _usage(row: Instruction) -> str:
    return f"{row.mnemonic} {', '.join(operand.name for operand in row.operands)}".strip()


def bit_diagram(row: Instruction) -> str:
    """The instruction word as a drawing: 32 bits, the highest at the left."""
    fields: list[tuple[int, str, str]] = [(5, f"{row.opcode:05b}", "opcode")]
    for place in range(3):
        operand = row.operands[place] if place < len(row.operands) else None
        digit = "0" if operand is None else "1" if operand.kind is Kind.REG else "R"
        fields.append((1, digit, ""))
    left = 24
    for operand in row.operands:
        bits = 8 * operand.kind.size
        fields.append((bits, operand.name, _field_note(operand)))
        left -= bits
    if left:
        fields.append((left, "ignored", ""))
    parts, x = [], 0
    for bits, label, note in fields:
        width = bits * BIT
        kind = "bits-unused" if label == "ignored" else "bits-field"
        parts.append(f'<rect class="{kind}" x="{x}" y="18" width="{width}" height="34"/>')
        step = width / len(label) if label.isdigit() else 0
        if step:
            parts += [_text(x + step * (k + 0.5), 40, digit) for k, digit in enumerate(label)]
        else:
            parts.append(_text(x + width / 2, 40, label))
        if note:
            parts.append(_text(x + width / 2, 66, note, "bits-note"))
        x += width
    for bit in (31, 26, 23, 15, 7, 0):
        parts.append(_text((31 - bit + 0.5) * BIT, 12, str(bit), "bits-note"))
    return (
        f'<div class="bits"><svg viewBox="-1 0 {32 * BIT + 2} 72" role="img" '
        f'aria-label="encoding of {row.mnemonic}">{"".join(parts)}</svg></div>'
    )


def _field_note(operand: Operand) -> str:
    if operand.kind is Kind.REG:
        return "register"
    return (
        "register, or a literal byte"
        if operand.kind is Kind.RL1
        else "register and an unused byte, or 16 bits"
    )


def _text(x: float, y: float, text: str, kind: str = "bits-text") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y}" text-anchor="middle">{escape(text)}</text>'


def _operation(row: Instruction) -> str:
    lines = [part.strip() for part in row.effect.split("; ")]
    return "\n".join(lines)


def _operands(row: Instruction) -> str:
    if not row.operands:
        return "It has no operands."
    lines = ["| operand | is | |", "|---|---|---|"]
    for operand in row.operands:
        if operand.kind is Kind.REG:
            kind = "a register"
        else:
            low, high = operand.valid
            kind = f"a register, or a literal from {low} to {high}"
            if operand.signed:
                kind += ", sign-extended"
        lines.append(f"| `{operand.name}` | {kind} | {_role(operand)} |")
    order = [operand.name for operand in row.operands if operand.role is Role.READ]
    late = (Role.READ_LAST, Role.READ_WRITE, Role.LATE_READ_WRITE)
    order += [operand.name for operand in row.operands if operand.role in late]
    text = "\n".join(lines)
    if len(order) > 1:
        names = ", then ".join(f"`{name}`" for name in order)
        text += f"\n\nRegisters are read in the order {names}."
    return text + _implicit(row)


def _role(operand: Operand) -> str:
    if operand.role.reads and operand.role.writes:
        return "read and written"
    return "written" if operand.role.writes else "read"


def _implicit(row: Instruction) -> str:
    notes = {
        Implicit.READS_AVR: "`avr` is read",
        Implicit.WRITES_AVR: "`avr` is written",
        Implicit.STACK_POINTER: "the stack pointer of the mode, `ssp` or `usp`, is read and moved",
        Implicit.READS_PC: "the instruction's own address is read",
        Implicit.WRITES_SMT: "`smt` becomes 0",
    }
    found = [notes[item] for item in row.implicit]
    return f"\n\nWithout being named, {' and '.join(found)}." if found else ""


def _short_ways(row: Instruction) -> str:
    lines = []
    for form in row.short_forms:
        names = [operand.name for operand in row.operands if operand.name not in form]
        rest = ", ".join(f"`{name}` = {_shown(value)}" for name, value in form.items())
        lines.append(f"- `{row.mnemonic} {', '.join(names)}`: {rest}")
    for alias in ALIASES:
        if alias.instruction == row.mnemonic:
            lines.append(f"- `{_alias_usage(alias)}` is `{_alias_meaning(alias)}`")
    return "Shorter ways to write it:\n\n" + "\n".join(lines) if lines else ""


def _shown(value: Reg | int) -> str:
    return f"the register `{value}`" if isinstance(value, Reg) else str(value)


def _alias_usage(alias: Alias) -> str:
    return f"{alias.name} {', '.join('ab'[: alias.parameters])}".strip()


def _alias_meaning(alias: Alias) -> str:
    shown = (
        "ab"[item.value] if isinstance(item, Param) else format_value(item)
        for item in alias.operands
    )
    return f"{alias.instruction} {', '.join(shown)}"


def _flags(row: Instruction) -> str:
    if row.flags is None:
        return "It leaves the flags alone."
    own = _BY_RESULT[row.opcode] if row.flags is FlagRule.RESULT else _FLAGS[row.flags]
    rules = {"ZF": _COMMON["ZF"], **own, **_COMMON}
    lines = ["| flag | is set when |", "|---|---|"]
    lines += [f"| {flag.name} | {rules[flag.name]} |" for flag in Flag]
    return "All seven are written anew, from the result.\n\n" + "\n".join(lines)


def _exceptions(row: Instruction) -> str:
    codes: list[tuple[ExceptionCode, str]] = []
    if row.supervisor_only:
        codes.append((ExceptionCode.SUPERVISOR_ONLY, "in userland, before anything else"))
    codes += [(code, "") for code in row.faults]
    if row.operands:
        codes.append((ExceptionCode.UNKNOWN_REGISTER, "a register code above 0x1F"))
    if any(operand.role.reads for operand in row.operands):
        codes.append((ExceptionCode.REGISTER_NOT_READABLE, "a register that the mode may not read"))
    if any(operand.role.writes for operand in row.operands):
        codes.append(
            (ExceptionCode.REGISTER_NOT_WRITABLE, "a register that the mode may not write")
        )
    if row.memory is not Access.NONE:
        codes.append((ExceptionCode.UNALIGNED_ADDRESS, "an address that is no multiple of 4"))
        codes += [(code, "with the MMU on") for code in _ACCESSES[row.memory]]
        codes.append((ExceptionCode.HARDWARE, "the component at the address refuses"))
    if not codes:
        return "None, besides those of [fetching](../architecture/exceptions.md#fetching)."
    lines = ["| code | exception | |", "|---|---|---|"]
    lines += [
        f"| 0x{code:02X} | {code.name.lower().replace('_', ' ')} | {note} |" for code, note in codes
    ]
    lines.append("")
    lines.append(
        "Those of [fetching](../architecture/exceptions.md#fetching) come before; what the codes "
        "mean stands in [Exceptions](../architecture/exceptions.md)."
    )
    return "\n".join(lines)


def _cycles(row: Instruction) -> str:
    text = "1, as every instruction that is attempted, also if it raises an exception."
    if row.skips:
        text += " An instruction that it skips is not attempted and does not count."
    if row.control is Control.RESET:
        text += " If it resets the CPU, the counter is 0 after it."
    return text
