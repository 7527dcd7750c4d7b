"""Writes `instr.py`: one typed constructor for each row and alias of the instruction table.

Run `python -m lrvm_tools.program.generate_instr` after changing the table. A test fails while the
committed `instr.py` is not what it would write.
"""

from __future__ import annotations

import keyword
import textwrap
from pathlib import Path
from typing import Final

from lrvm_jit.isa import ALIASES, BY_MNEMONIC, INSTRUCTIONS, Reg, format_value
from lrvm_jit.isa.spellings import Alias, Param
from lrvm_jit.isa.table import Condition, Flag, Kind, Operand

from .operands import open_operands, takes_label

HEADER: Final = '''\
"""Instructions as values. Generated from the instruction table by `generate_instr.py`."""

from __future__ import annotations

from typing import Self

from lrvm_jit.isa import Reg

from .instruction import BaseInstr
from .operands import RegOrInt, Target


class Instr(BaseInstr):
    """One instruction as a value; one that cannot exist cannot be constructed.

    The constructor of a mnemonic that is a Python keyword ends in an underscore. A string where
    an address may stand names a label; JPR takes the distance to it.

    >>> from lrvm_tools.program import Instr, Reg
    >>> str(Instr.cpy(Reg.A0, 5)), hex(Instr.cpy(Reg.A0, 5).encode())
    ('cpy a0, 0x5', '0xc000005')
    >>> Instr.jp("loop") == Instr("cpy", (Reg.PC, "loop"))
    True
    >>> Instr.if_(9)
    Traceback (most recent call last):
    ...
    lrvm_jit.isa.codec.EncodingError: if: operand 'flag' must be a Reg or an integer in 0..6, not 9
    """

    __slots__ = ()
'''

DEFAULTS: Final = {
    (row.mnemonic, name): value
    for row in INSTRUCTIONS
    for form in row.short_forms
    for name, value in form.items()
    if len(form) == 1 and name == row.operands[-1].name
}
"""Last operands that LASM lets one omit (lasm.md: Optional operands).

Without those that stand before others, and without `add` of LEA and WEA: omitting it gives other
bytes than writing its default.
"""


def annotation(operand: Operand) -> str:
    """The type in `operands.py` that the operand accepts."""
    if operand.kind is Kind.REG:
        return "Reg"
    return "Target" if takes_label(operand) else "RegOrInt"


def constructor(name: str, operands: tuple[Operand, ...], meaning: str) -> str:
    """The source of one constructor."""
    signature = ["cls"]
    for operand in operands:
        default = DEFAULTS.get((name, operand.name))
        suffix = "" if default is None else f" = {default}"
        signature.append(f"{operand.name}: {annotation(operand)}{suffix}")
    names = [operand.name for operand in operands]
    usage = " ".join([name, ", ".join(names)]).strip()
    summary, *details = textwrap.wrap(f"`{usage}`: {meaning}", 86)
    docstring = f'"""{summary}"""'
    if details:
        docstring = "\n".join([f'"""{summary}', *details, '"""'])
    values = f", ({', '.join(names)}{',' * (len(names) == 1)})" if names else ""
    method = f"{name}_" if keyword.iskeyword(name) else name
    lines = [
        "@classmethod",
        f"def {method}({', '.join(signature)}) -> Self:",
        textwrap.indent(docstring, "    "),
        f'    return cls("{name}"{values})',
    ]
    return textwrap.indent("\n".join(lines), "    ") + "\n"


def alias_constructor(alias: Alias) -> str:
    """The source of an alias's constructor."""
    operands = open_operands(alias)
    row = BY_MNEMONIC[alias.instruction]
    texts = [
        operands[item.value].name if isinstance(item, Param) else value_name(operand, item)
        for operand, item in zip(row.operands, alias.operands, strict=True)
    ]
    return constructor(alias.name, operands, f"{alias.instruction} {', '.join(texts)}")


def value_name(operand: Operand, value: Reg | int) -> str:
    """A fixed operand of an alias as the documentation writes it."""
    match operand.constants:
        case "flag":
            return Flag(value).name
        case "condition":
            return Condition(value).name
    return format_value(value)


def source() -> str:
    """The whole of `instr.py`."""
    rows = [constructor(row.mnemonic, row.operands, row.effect) for row in INSTRUCTIONS]
    return "\n".join([HEADER, *rows, *map(alias_constructor, ALIASES)])


if __name__ == "__main__":
    Path(__file__).with_name("instr.py").write_text(source(), encoding="utf-8")
