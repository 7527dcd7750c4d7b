"""LLVM's types, with sizes and alignments of the front end's target (mips, big-endian, 32 bits)."""

from __future__ import annotations

from dataclasses import dataclass

from lrvm_jit.locks import cached_property


class Type:
    """A type. `words` is how many registers a value of it takes."""

    size: int = 0
    """Bytes in memory, with the padding at its end."""
    align: int = 1
    words: int = 0


@dataclass(frozen=True)
class Void(Type):
    name: str = "void"
    """void, label, metadata, token"""


@dataclass(frozen=True)
class Integer(Type):
    bits: int

    @cached_property
    def align(self) -> int:
        return next((n for n in (1, 2, 4) if self.bits <= 8 * n), 8)

    @cached_property
    def size(self) -> int:
        return -(-((self.bits + 7) // 8) // self.align) * self.align

    @cached_property
    def words(self) -> int:
        return (self.bits + 31) // 32


@dataclass(frozen=True)
class Pointer(Type):
    size = align = 4
    words = 1


@dataclass(frozen=True)
class Float(Type):
    name: str

    @property
    def size(self) -> int:  # type: ignore[override]
        return {"half": 2, "float": 4, "double": 8}.get(self.name, 16)

    @property
    def align(self) -> int:  # type: ignore[override]
        return min(self.size, 8)

    @property
    def words(self) -> int:  # type: ignore[override]
        return (self.size + 3) // 4


@dataclass(frozen=True)
class Array(Type):
    """An array, or a vector, whose elements are treated as one."""

    count: int
    element: Type
    vector: bool = False

    @cached_property
    def size(self) -> int:
        return self.count * self.element.size

    @cached_property
    def align(self) -> int:
        return self.size if self.vector else self.element.align

    @cached_property
    def words(self) -> int:
        return self.count * self.element.words


@dataclass(frozen=True)
class Struct(Type):
    fields: tuple[Type, ...]
    packed: bool = False

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each field begins, and where the last one ends."""
        offsets = []
        offset = 0
        for field in self.fields:
            if not self.packed:
                offset = -(-offset // field.align) * field.align
            offsets.append(offset)
            offset += field.size
        return (*offsets, offset)

    @cached_property
    def align(self) -> int:
        return 1 if self.packed else max((field.align for field in self.fields), default=1)

    @cached_property
    def size(self) -> int:
        return -(-self.offsets[-1] // self.align) * self.align

    @cached_property
    def words(self) -> int:
        return sum(field.words for field in self.fields)


@dataclass(frozen=True)
class Function(Type):
    result: Type
    parameters: tuple[Type, ...]
    variadic: bool


I1, I8, I16, I32, I64 = Integer(1), Integer(8), Integer(16), Integer(32), Integer(64)
POINTER, VOID, LABEL, METADATA = Pointer(), Void(), Void("label"), Void("metadata")
FLOAT, DOUBLE = Float("float"), Float("double")


def step(type_: Type, index: int) -> tuple[int, Type]:
    """The bytes to an element of an aggregate, and the element's type."""
    if isinstance(type_, Struct):
        return type_.offsets[index], type_.fields[index]
    if isinstance(type_, Array):
        return index * type_.element.size, type_.element
    raise ValueError(f"{type_} has no elements")


def first_word(type_: Type, index: int) -> int:
    """The number of the word where an element begins in an aggregate held in registers."""
    if isinstance(type_, Struct):
        return sum(field.words for field in type_.fields[:index])
    if isinstance(type_, Array):
        return index * type_.element.words
    raise ValueError(f"{type_} has no elements")
