"""Executables: linked programs in memory and as ELF files.

>>> from lrvm_tools.executable import Executable
>>> Executable.load("missing.elf")  # doctest: +IGNORE_EXCEPTION_DETAIL
Traceback (most recent call last):
    ...
FileNotFoundError: ...
"""

from .binary import ExecutableError
from .debug_info import (
    ArrayType,
    BasicType,
    Encoding,
    EnumType,
    Frame,
    Function,
    FunctionType,
    LineRow,
    LineTable,
    Member,
    NamedType,
    Place,
    PlaceKind,
    PointerType,
    QualifiedType,
    RecordType,
    SourcePlace,
    Type,
    Variable,
)
from .executable import Executable, Segment, Symbol, SymbolKind
from .machine import MachineDescription, Part, c_machine

__all__ = [
    "ArrayType",
    "BasicType",
    "Encoding",
    "EnumType",
    "Executable",
    "ExecutableError",
    "Frame",
    "Function",
    "FunctionType",
    "LineRow",
    "LineTable",
    "MachineDescription",
    "Member",
    "NamedType",
    "Part",
    "Place",
    "PlaceKind",
    "PointerType",
    "QualifiedType",
    "RecordType",
    "Segment",
    "SourcePlace",
    "Symbol",
    "SymbolKind",
    "Type",
    "Variable",
    "c_machine",
]
