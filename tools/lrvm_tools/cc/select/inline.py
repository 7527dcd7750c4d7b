"""Inline assembly: LASM with operands, as LLVM describes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from lrvm_jit.isa.table import Reg

from ..errors import UnsupportedError

_OPERAND: Final = re.compile(r"\$(?:\$|(\d+)|\{(\d+)(?::([a-z]+))?\}|\{:([a-z]+)\})")
# The front end knows the registers of its own target: its a0 to a3 are called $4 to $7.
_REGISTERS: Final = {
    **{f"${number}": int(Reg.A0) + number - 4 for number in range(4, 12)},
    **{str(reg): int(reg) for reg in Reg},
}


@dataclass(slots=True)
class Constraint:
    register: int = -1
    """The machine register asked for, or -1."""
    tied: int = -1
    """The output whose register an input shares."""
    literal: bool = False
    literal_only: bool = False
    indirect: bool = False
    early: bool = False


@dataclass(slots=True)
class Plan:
    """Assembly text with what its operands may be."""

    text: str
    outputs: list[Constraint] = field(default_factory=list)
    inputs: list[Constraint] = field(default_factory=list)
    clobbers: set[int] = field(default_factory=set)

    @property
    def any_early(self) -> bool:
        return any(output.early for output in self.outputs)


@dataclass(slots=True)
class InlineAssembly:
    """A plan with the operands that are literals, by the number of the input."""

    plan: Plan
    literals: dict[int, str]
    debug: str = ""
    counter: int = 0

    def lines(self, results: list[int], operands: list[int], number: int) -> list[str]:
        """The text with registers in place of its operands, line by line."""
        names = [str(Reg(register)) for register in results]
        for place, register in enumerate(operands):
            names.append(self.literals.get(place) or str(Reg(register)))

        def replace(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            if match[4]:
                return str(number) if match[4] == "uid" else ""
            return names[int(match[1] or match[2])]

        text = _OPERAND.sub(replace, self.plan.text)
        return [line.strip() for line in re.split(r"[\n]", text) if line.strip()]


def parse_constraints(text: str, constraints: str) -> Plan:
    """The plan of an asm statement. UnsupportedError for a constraint that has no meaning here."""
    plan = Plan(text)
    for item in re.findall(r"(?:\{[^}]*\}|[^,{])+", constraints):
        if item.startswith("~"):
            name = item[2:-1]
            if name in _REGISTERS:
                plan.clobbers.add(_REGISTERS[name])
            continue
        output = item.startswith("=")
        constraint = Constraint()
        rest = item.lstrip("=")
        if rest.startswith("&"):
            constraint.early, rest = True, rest[1:]
        if rest.startswith("*"):
            constraint.indirect, rest = True, rest[1:]
        rest = rest.strip("%!?")
        if rest.startswith("{"):
            name = rest[1:-1].lower()
            if name not in _REGISTERS:
                raise UnsupportedError(f"assembly asks for the register {name}")
            constraint.register = _REGISTERS[name]
        elif rest.isdigit():
            constraint.tied = int(rest)
        elif "r" in rest or rest in ("d", "X", "g") or (rest == "m" and not output):
            constraint.literal = "i" in rest or "n" in rest
        elif set(rest) <= set("inIJKLs"):
            constraint.literal_only = True
        else:
            raise UnsupportedError(f'the constraint "{rest}" of assembly is not supported')
        if constraint.indirect and not output:
            constraint.indirect = False
        (plan.outputs if output else plan.inputs).append(constraint)
    return plan
