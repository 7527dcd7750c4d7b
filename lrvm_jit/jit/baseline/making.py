"""Making the stencils: LLVM compiles them once for a processor."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy

from ...isa.table import INSTRUCTIONS, Reg
from .. import native_ir
from .forms import HELPERS, Form, Helper, forms_of
from .stencils import Stencils
from .tables import BYTE, make_tables
from .target import CODE_HOLES, HOLES, VALUE_HOLES
from .tidy import tidy

END: Final = "_end"
"""Behind a stencil's name: the label of its end."""
_SHORT: Final = re.compile(r"\b(home\d)\(%rdi\)")
"""The place of a guest register in the context, as assembly text: its offset takes one byte, for
which the assembler has no relocation. So it gets the number of the hole plus this,"""
_SHORT_NUMBER: Final = 0x60
_SHORT_LABEL: Final = re.compile(r"short_(\w+)_\d+")
"""and such a label behind the instruction."""
RELATIVE_KINDS: Final = {2: "PC32", 4: "PLT32"}
ABSOLUTE_KINDS: Final = {10: "32", 11: "32S"}


def all_stencils() -> list[Form | Helper]:
    """What there are stencils for; the place in this list is a stencil's number."""
    found: dict[str, Form | Helper] = {helper.name: helper for helper in HELPERS}
    for row in INSTRUCTIONS:
        for literals in product((False, True), repeat=len(row.operands)):
            for form in forms_of(row.opcode, literals):
                found.setdefault(form.name, form)
    return list(found.values())


def module_text(stencils: Sequence[Form | Helper]) -> str:
    """The IR of the stencils' functions."""
    lines = [f"@{hole} = external dso_local global i8" for hole in VALUE_HOLES]
    lines += [native_ir.declare(hole) for hole in CODE_HOLES]
    lines += [stencil.text() for stencil in stencils]
    lines += native_ir.MODULE_END
    lines.append('attributes #0 = { "no-builtins" }')
    return "\n".join(lines)


def compile_stencils(level: str | None = None) -> bytes:
    """The stencils as an object file, made by LLVM for a level of processors, or for this one."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=level or llvm.get_host_cpu_name(),
        features="" if level else llvm.get_host_cpu_features().flatten(),
        opt=2,
        # So that holes are numbers of 32 bits.
        reloc="static",
        codemodel="small",
    )

    def parsed(text: str) -> Any:
        module = llvm.parse_assembly(text)
        module.triple = llvm.get_default_triple()
        module.data_layout = str(machine.target_data)
        return module

    module = parsed(module_text(all_stencils()))
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    passes = llvm.create_new_module_pass_manager()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    functions = tidy(machine.emit_assembly(module))
    lines = [".text"]
    for name, body in functions.items():
        lines += [f".globl {name}", f"{name}:", *body, f".globl {name}{END}", f"{name}{END}:"]
    lines = _with_short_offsets(lines)
    assembly = "\n".join(f'module asm "{line}"' for line in lines).replace("\t", "\\09")
    return bytes(machine.emit_object(parsed(assembly)))


def _with_short_offsets(lines: Sequence[str]) -> list[str]:
    shortened: list[str] = []
    for line in lines:
        found = _SHORT.search(line)
        if found:
            hole = found[1]
            line = _SHORT.sub(f"{_SHORT_NUMBER + HOLES.index(hole)}(%rdi)", line)
            shortened += [line, f"short_{hole}_{len(shortened)}:"]
        else:
            shortened.append(line)
    return shortened


def make_stencils(pins: Sequence[Reg], level: str | None = None) -> Stencils:
    """The stencils and the patcher's tables, for boards with these pinned registers, on processors
    of a level, or on this one."""
    code, table, fills = read_stencils(compile_stencils(level))
    names = [stencil.name for stencil in all_stencils()]
    return Stencils(
        numpy.frombuffer(code, numpy.uint8),
        numpy.array(make_tables(names, table, fills, pins), numpy.int64),
    )


Rows = list[tuple[int, int, int, int]]


def read_stencils(content: bytes) -> tuple[bytes, Rows, Rows]:
    """The stencils from their object file: machine code; for each, start and size in it, first row
    and rows in what follows; offset in the stencil, number of the hole, 1 if it is relative to
    its own place or BYTE if it has one byte, addend. ValueError if it is not one of
    `compile_stencils`."""
    names = [stencil.name for stencil in all_stencils()]
    sections = list(_sections(content))
    try:
        [text] = [s for s in sections if s.name == ".text"]
        [symbols] = [s for s in sections if s.kind == 2]
        relocations = [s for s in sections if s.kind == 4 and s.info == text.number]
    except ValueError:
        raise ValueError("the stencils' object file lacks a section") from None
    strings = sections[symbols.link].data
    places: dict[str, int] = {}
    titles: list[str] = []
    for name, _, _, section, value, _ in struct.iter_unpack("<IBBHQQ", symbols.data):
        title = strings[name : strings.index(b"\0", name)].decode()
        titles.append(title)
        if section == text.number and title:
            places[title] = value
    if not places.keys() >= {*names, *(name + END for name in names)}:
        raise ValueError("the stencils' object file lacks stencils")
    fills_of: dict[int, list[tuple[int, int, int, int]]] = {}
    starts = numpy.array(sorted({places[name] for name in names}), numpy.int64)
    for relocation in relocations:
        for offset, info, addend in struct.iter_unpack("<QQq", relocation.data):
            kind, symbol = info & 0xFFFF_FFFF, titles[info >> 32]
            if symbol not in HOLES or kind not in RELATIVE_KINDS | ABSOLUTE_KINDS:
                raise ValueError(f"a stencil refers to {symbol!r} in a way of kind {kind}")
            start = int(starts[numpy.searchsorted(starts, offset, "right") - 1])
            relative = kind in RELATIVE_KINDS
            fill = (offset - start, HOLES.index(symbol), int(relative), addend)
            fills_of.setdefault(start, []).append(fill)
    for title, end in places.items():
        short = _SHORT_LABEL.fullmatch(title)
        if short:
            start = int(starts[numpy.searchsorted(starts, end - 1, "right") - 1])
            at = _short_offset(text.data, end, HOLES.index(short[1]))
            fills_of.setdefault(start, []).append((at - start, HOLES.index(short[1]), BYTE, 0))
    table: list[tuple[int, int, int, int]] = []
    fills: list[tuple[int, int, int, int]] = []
    for name in names:
        start = places[name]
        # One that does nothing begins where another one does.
        size = places[name + END] - start
        mine = fills_of.get(start, []) if size else []
        table.append((start, size, len(fills), len(mine)))
        fills += mine
    return text.data, table, fills


def _short_offset(code: bytes, end: int, hole: int) -> int:
    """Where the one byte for a hole stands in an instruction that ends there: behind it there may
    be a number of one byte, or of four."""
    for size in (0, 1, 4):
        if code[end - 1 - size] == _SHORT_NUMBER + hole:
            return end - 1 - size
    raise ValueError("an instruction has no short offset")


@dataclass(frozen=True, slots=True)
class _Section:
    number: int
    name: str
    kind: int
    link: int
    info: int
    data: bytes


def _sections(content: bytes) -> Iterator[_Section]:
    """The sections of an ELF object."""
    if content[:7] != b"\x7fELF\x02\x01\x01":
        raise ValueError("the stencils are no object file of this kind of system")
    first, size, count, names = (
        *struct.unpack_from("<Q", content, 40),
        *struct.unpack_from("<HHH", content, 58),
    )
    rows = [struct.unpack_from("<IIQQQQIIQQ", content, first + k * size) for k in range(count)]
    strings = content[rows[names][4] : rows[names][4] + rows[names][5]]
    for number, (name, kind, _, _, offset, length, link, info, _, _) in enumerate(rows):
        title = strings[name : strings.index(b"\0", name)].decode()
        yield _Section(number, title, kind, link, info, content[offset : offset + length])
