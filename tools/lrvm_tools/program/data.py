"""Data between the instructions of a program: raw words and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from lrvm_jit.isa.table import WORD_MASK

from .instruction import NO_LABELS
from .labels import Label, LabelError
from .words import value_of_word

_ESCAPES: Final = str.maketrans(
    {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\0": r"\0"}
)


@dataclass(frozen=True, slots=True)
class Word:
    """A raw word, or a label's address as a word. Negative numbers are two's complement."""

    size: ClassVar[int] = 4
    """Bytes that a word takes in the program."""

    value: int | Label

    def __post_init__(self) -> None:
        if not isinstance(self.value, Label):
            object.__setattr__(self, "value", value_of_word(self.value, "a raw word"))

    def encode(self, address: int = 0, labels: Mapping[str, int] = NO_LABELS) -> int:
        """The word, given the address of every label; `address` does not matter."""
        if not isinstance(self.value, Label):
            return self.value
        word = self.value.resolve(labels)
        if not 0 <= word <= WORD_MASK:
            raise LabelError(f"label {str(self.value)!r} is {word}, outside 0..0x{WORD_MASK:x}")
        return word

    def __str__(self) -> str:
        """The word as a line of LASM."""
        value = self.value
        return f"#d32 {value}" if isinstance(value, Label) else f"#d32 0x{value:08x}"


@dataclass(frozen=True, slots=True)
class Data:
    """Strings and raw bytes, one after the other, filled up with zeros to whole words.

    >>> from lrvm_tools.program import Data
    >>> str(Data(("Hi\\n", b"\\xff")))
    '#d "Hi\\\\n", 0xff'
    """

    parts: tuple[str | bytes, ...]

    def __post_init__(self) -> None:
        padding = bytes(-len(self.to_bytes()) % 4)
        parts: list[str | bytes] = []
        for part in (*self.parts, padding):
            if not part:
                continue
            if parts and isinstance(part, bytes) and isinstance(parts[-1], bytes):
                parts[-1] += part
            else:
                parts.append(part)
        object.__setattr__(self, "parts", tuple(parts))

    @property
    def size(self) -> int:
        """Bytes that the data takes in the program."""
        return len(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The bytes: of strings, their UTF-8."""
        return b"".join(part.encode() if isinstance(part, str) else part for part in self.parts)

    def __str__(self) -> str:
        """The data as a line of LASM; nothing if there are no bytes."""
        texts = [quote(part) if isinstance(part, str) else f"0x{part.hex()}" for part in self.parts]
        return f"#d {', '.join(texts)}" if texts else ""


def quote(text: str) -> str:
    """`text` as a LASM string."""
    escaped = text.translate(_ESCAPES)
    return '"' + "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in escaped) + '"'


def format_bytes(data: bytes) -> str:
    """Bytes as one LASM literal, whose digits give its size."""
    return f"0x{data.hex()}"
