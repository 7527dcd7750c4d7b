"""Executables made by hand, for the tests of what is done with executables."""

from __future__ import annotations

import numpy

from lrvm_jit.isa.table import Reg
from lrvm_tools.executable import (
    ArrayType,
    BasicType,
    Encoding,
    EnumType,
    Executable,
    Frame,
    Function,
    FunctionType,
    LineRow,
    Member,
    NamedType,
    Place,
    PlaceKind,
    PointerType,
    QualifiedType,
    RecordType,
    Segment,
    Symbol,
    SymbolKind,
    Variable,
    c_machine,
)
from lrvm_tools.lasm import assemble

RAM = 0x1000
HOST_LINES = """
    cpy ac0, 0xffff
    shl ac0, 16
"""


def program(source: str, name: str = "sample", ram: int = 0x1_0000) -> Executable:
    """An executable for the machine `c` of LASM lines, which start at address 0."""
    words = assemble(source)
    size = 4 * len(words)
    return Executable(
        (Segment(0, words, size, executable=True),),
        c_machine(size, ram),
        (Symbol("start", 0, size, SymbolKind.FUNCTION),),
        name=name,
    )


def everything() -> Executable:
    """A program with one of each thing that can be known about it."""
    words = numpy.arange(0x4000, 0x4000 + 64, dtype=numpy.uint32)
    types = (
        BasicType("int", 4, Encoding.SIGNED),
        BasicType("unsigned char", 1, Encoding.UNSIGNED_CHAR),
        BasicType("double", 8, Encoding.FLOAT),
        PointerType(5),  # before what it points to
        PointerType(None),
        RecordType(
            "node",
            16,
            (
                Member("next", 3, 0),
                Member("count", 0, 4),
                Member("flag", 0, 0, bit_offset=64, bit_size=1),
                Member("", 6, 12),
            ),
        ),
        RecordType("", 4, (Member("a", 0, 0), Member("b", 1, 0)), is_union=True),
        RecordType("opaque", 0, ()),
        EnumType("colour", 4, (("RED", 0), ("BLUE", -1), ("GREEN", 1 << 40))),
        NamedType("size_t", 0),
        QualifiedType("const", 1),
        QualifiedType("volatile", None),
        ArrayType(10, 12),
        ArrayType(0, None),
        FunctionType(0, (3, 4), is_variadic=True),
        FunctionType(None, ()),
        BasicType("_Bool", 1, Encoding.BOOLEAN),
        BasicType("char", 1, Encoding.SIGNED_CHAR),
        BasicType("unsigned", 4, Encoding.UNSIGNED),
    )
    frame = Frame(int(Reg.SSP), 8, 4, ((int(Reg.RR0), -4), (int(Reg.RR0) + 1, 0)), (0x28, 0x60))
    functions = (
        Function("start", 0, 0x20, 0, 1),
        Function(
            "work",
            0x20,
            0x50,
            1,
            10,
            0,
            (
                Variable("n", 0, (Place(PlaceKind.REGISTER, 2),), 1, 10, is_parameter=True),
                Variable(
                    "wide",
                    2,
                    (
                        Place(PlaceKind.REGISTER, 3, 0x20, 0x30, second=4),
                        Place(PlaceKind.FRAME, -12, 0x30, 0x70),
                    ),
                    1,
                    10,
                    is_parameter=True,
                ),
                Variable("gone", 0, (), 1, 11),
                Variable("fixed", 9, (Place(PlaceKind.CONSTANT, -5),), 1, 12, scope=(0x30, 0x50)),
                Variable("list", 3, (Place(PlaceKind.FRAME, 16),), 1, 13, scope=(0x30, 0x50)),
                Variable("late", 0, (Place(PlaceKind.STATIC, RAM + 8),), 1, 14, scope=(0x50, 0x60)),
            ),
            frame,
        ),
        Function("hidden", 0x70, 0x10, 0, 30, None, (), None, is_external=False),
    )
    return Executable(
        (
            Segment(0, words, 256, executable=True),
            Segment(0x800, numpy.array([7, 8], numpy.uint32), 8),
            Segment(RAM, numpy.zeros(0, numpy.uint32), 0x40, writable=True),
        ),
        c_machine(0x1000, 0x1_0000),
        (
            Symbol("loop", 0x28, 0, SymbolKind.LABEL, is_local=True),
            Symbol("hidden", 0x70, 0x10, SymbolKind.FUNCTION, is_local=True),
            Symbol("start", 0, 0x20, SymbolKind.FUNCTION),
            Symbol("work", 0x20, 0x50, SymbolKind.FUNCTION),
            Symbol("table", 0x800, 8, SymbolKind.OBJECT),
            Symbol("counter", RAM + 8, 4, SymbolKind.OBJECT),
            Symbol("ram_end", 0x1_1000, 0, SymbolKind.LABEL),
            Symbol("LIMIT", 4711, 0, SymbolKind.VALUE),
        ),
        name="everything",
        files=("main.c", "lib/work.c", "/usr/include/x.h"),
        rows=(
            LineRow(0, 0, 1, 5),
            LineRow(8, 0, 300, 1),
            LineRow(0x20, 1, 10, 0),
            LineRow(0x28, 1, 11, 9, is_statement=False),
            LineRow(0x30, 2, 4, 2),
            LineRow(0x34, 1, 11, 9),
            LineRow(0x40, 1, 0, 0),
            LineRow(0x70, 0, 30, 12),
        ),
        types=types,
        functions=functions,
        globals=(Variable("counter", 0, (Place(PlaceKind.STATIC, RAM + 8),), 0, 3),),
        producer="test",
        folder="/home/user",
        sources=("main.c",),
    )
