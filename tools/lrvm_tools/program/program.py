"""Programs: sequences of instructions, data and labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Self, overload

import numpy as np
import numpy.typing as npt

from lrvm_jit.isa import DecodingError, Reg

from . import extended
from .data import Data, Word
from .extended import Value32
from .instr import Instr
from .labels import Label, LabelError
from .listing import Line, render
from .words import Image, whole_words

Item = Instr | Word | Data | Label
"""What a program consists of. A label defines its name where it stands."""


class Program(Sequence[Item]):
    """A program being built. It starts at address 0; every item takes whole words.

    >>> from lrvm_tools.program import Instr, Program, Reg
    >>> program = Program().set_register(Reg.A0, 100_000).label("loop")
    >>> program = program.add(Instr.dec(Reg.A0), Instr.ifnq(), Instr.jp("loop"), Instr.halt())
    >>> print(program)
        cpy a0, 0x1
        shl a0, 0x10
        add a0, 0x86a0
    loop:
        dec a0
        ifnq
        jp loop
        halt
    >>> program.labels
    {'loop': 12}
    """

    __slots__ = ("_items", "_labels", "_size")

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items: list[Item] = []
        self._labels: dict[str, int] = {}
        self._size = 0
        self.extend(items)

    @classmethod
    def decode(cls, image: Image, strict: bool = True) -> Self:
        """The program of words or big-endian bytes.

        A word that no assembly line gives raises DecodingError with its address; it is kept as
        a raw word if not `strict`. Bytes that are not whole words raise ValueError.
        """
        program = cls()
        for word in whole_words(image):
            try:
                program.add(Instr.decode(word))
            except DecodingError as error:
                if strict:
                    raise DecodingError(f"at 0x{program.size:08x}: {error}") from None
                program.add(Word(word))
        return program

    # Building. Every method returns the program, so that calls can be chained.

    def add(self, *items: Item) -> Self:
        """Append instructions, data and labels."""
        return self.extend(items)

    def extend(self, items: Iterable[Item]) -> Self:
        """Append all of `items`, for example of another program; nothing if one is refused.

        Raises LabelError for a label that is defined already.
        """
        added = list(items)
        labels: dict[str, int] = {}
        size = self._size
        for item in added:
            if not isinstance(item, Item):
                raise TypeError(f"a program consists of Instr, Word, Data, Label, not {item!r}")
            if isinstance(item, Label):
                self._check_definition(item, labels)
                labels[item.name] = size
            size += item.size
        self._items += added
        self._labels |= labels
        self._size = size
        return self

    def label(self, name: str) -> Self:
        """Define a label here."""
        return self.add(Label(name))

    def word(self, *values: int | Label | str) -> Self:
        """Append raw words; a string is a label, whose address becomes the word."""
        return self.extend(
            Word(Label(value) if isinstance(value, str) else value) for value in values
        )

    def text(self, text: str, zero_terminated: bool = False) -> Self:
        """Append a string as UTF-8, filled up with zeros to whole words."""
        return self.add(Data((text, b"\0" if zero_terminated else b"")))

    def set_register(self, register: Reg, value: Value32) -> Self:
        """Append `extended.set_register`: 3 instructions."""
        return self.extend(extended.set_register(register, value))

    def read_word(self, address: Value32) -> Self:
        """Append `extended.read_word`: 4 instructions, the word is in avr."""
        return self.extend(extended.read_word(address))

    def read_word_to(self, register: Reg, address: Value32) -> Self:
        """Append `extended.read_word_to`: 5 instructions; rewrites avr."""
        return self.extend(extended.read_word_to(register, address))

    def write_register(self, address: Value32, source: Reg, scratch: Reg = Reg.RR0) -> Self:
        """Append `extended.write_register`: 5 instructions; rewrites avr and `scratch`."""
        return self.extend(extended.write_register(address, source, scratch))

    def write_literal(self, address: Value32, value: Value32, scratch: Reg = Reg.RR0) -> Self:
        """Append `extended.write_literal`: 7 instructions; rewrites avr and `scratch`."""
        return self.extend(extended.write_literal(address, value, scratch))

    def _check_definition(self, label: Label, added: dict[str, int]) -> None:
        if not label.is_definition:
            raise LabelError(f"{str(label)!r} is no definition of a label, only a reference")
        earlier = self._labels.get(label.name, added.get(label.name))
        if earlier is not None:
            raise LabelError(f"label {label.name!r} is defined already, at 0x{earlier:08x}")

    # What the program comes to.

    @property
    def size(self) -> int:
        """Length in bytes; also the address of what is added next."""
        return self._size

    @property
    def labels(self) -> dict[str, int]:
        """The address of every label."""
        return dict(self._labels)

    def located(self) -> Iterator[tuple[int, Item]]:
        """Every item with its address."""
        address = 0
        for item in self._items:
            yield address, item
            address += item.size

    def encode(self) -> npt.NDArray[np.uint32]:
        """The words. Raises LabelError for a label that is unknown or out of reach."""
        return np.frombuffer(self.to_bytes(), ">u4").astype(np.uint32)

    def to_bytes(self) -> bytes:
        """The words as big-endian bytes. Raises LabelError like `encode`."""
        return b"".join(self._assemble(address, item) for address, item in self.located())

    def _assemble(self, address: int, item: Item) -> bytes:
        match item:
            case Label():
                return b""
            case Data():
                return item.to_bytes()
        try:
            return item.encode(address, self._labels).to_bytes(4, "big")
        except LabelError as error:
            raise LabelError(f"at 0x{address:08x}, `{item}`: {error}") from None

    def to_lasm(self, addresses: bool = False) -> str:
        """The program in LASM; assembling it gives the program's words.

        `addresses` adds the address of each line as a comment.
        """
        return render(
            (
                Line(address, item.name, is_label=True)
                if isinstance(item, Label)
                else Line(address, str(item))
                for address, item in self.located()
                if isinstance(item, Label) or item.size
            ),
            addresses,
        )

    __str__ = to_lasm

    def __repr__(self) -> str:
        return f"<Program of {len(self)} items, {self.size} bytes>"

    # A sequence of its items.

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Program: ...
    def __getitem__(self, index: int | slice) -> Item | Program:
        """An item, or the program of a slice of the items."""
        found = self._items[index]
        return Program(found) if isinstance(found, list) else found

    def __eq__(self, other: object) -> bool:
        return self._items == other._items if isinstance(other, Program) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Iterable[Item]) -> Program:
        return Program(self).extend(other)

    def __iadd__(self, other: Iterable[Item]) -> Self:
        return self.extend(other)
