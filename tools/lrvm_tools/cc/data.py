"""Global variables as bytes with fixups for addresses."""

from __future__ import annotations

from .errors import UnsupportedError
from .ir.module import Module, Operand, Variable
from .ir.types import Integer, Type, step
from .objects import Kind, Section


def variable_section(module: Module, variable: Variable) -> Section:
    """The section of a variable that is defined in the module."""
    type_ = variable.type
    size = max(-(-type_.size // 4) * 4, 4)
    section = Section(
        variable.name,
        "rodata" if variable.constant else "data",
        size=size,
        align=max(variable.align, 4),
        placement=variable.section,
    )
    assert variable.initial is not None
    image = bytearray(size)
    try:
        _Writer(section, image).write(variable.initial, type_, 0)
    except UnsupportedError as error:
        raise UnsupportedError(error.reason, f"{variable.name} {variable.debug}".strip()) from None
    if any(image) or section.fixups:
        section.data = bytes(image)
    return section


class _Writer:
    def __init__(self, section: Section, image: bytearray) -> None:
        self.section = section
        self.image = image

    def write(self, operand: Operand, type_: Type, at: int) -> None:
        kind = operand[0]
        if kind == "zero":
            return
        if kind == "bytes":
            self.image[at : at + len(operand[2])] = operand[2]
        elif kind == "list":
            for place, element in enumerate(operand[2]):
                offset, element_type = step(type_, place)
                self.write(element, element_type, at + offset)
        elif kind == "int":
            bits = type_.bits if isinstance(type_, Integer) else 8 * type_.size
            length = (bits + 7) // 8
            self.image[at : at + length] = operand[2].to_bytes(length, "big")
        elif kind == "global":
            self._address(operand[2], operand[3], at)
        elif kind == "block":
            self._address(f"{operand[2]}:{operand[3]}", 0, at)
        elif kind == "expression" and operand[2].op in ("ptrtoint", "trunc", "zext"):
            inner = operand[2].args[0]
            if type_.size != 4 or inner[1].size not in (4, 8):
                raise UnsupportedError("an address in a variable that is no word")
            self.write(inner, type_, at)
        elif kind == "expression" and operand[2].op == "sub":
            # A distance of labels: `&&a - &&b`.
            left, right = operand[2].args
            if type_.size != 4 or left[0] not in ("block", "global"):
                raise UnsupportedError("a difference of addresses that is no word")
            self.write(left, type_, at)
            name = f"{right[2]}:{right[3]}" if right[0] == "block" else right[2]
            self.section.fixups.append((at, int(Kind.WORD), name, 0, -1))
        else:
            raise UnsupportedError("this initial value is not supported")

    def _address(self, symbol: str, addend: int, at: int) -> None:
        if at % 4:
            raise UnsupportedError("an address at an odd place of a packed structure")
        self.section.fixups.append((at, int(Kind.WORD), symbol, addend, 0))
