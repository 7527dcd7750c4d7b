"""Numbers of fields: a layout declares them in order, and nobody counts."""

from __future__ import annotations


class Numbering:
    """Numbers the fields of an array in the order in which they are declared.

        _fields = Numbering()
        CYCLES: Final = _fields.field()
        LOG: Final = _fields.field(16)   # the first of 16 words
        SIZE: Final = _fields.size

    A new field is a line where it belongs; those after it move up by themselves.
    """

    def __init__(self, first: int = 0) -> None:
        """`first`: number of the first field."""
        self.size = first
        """Words that have been declared, or the number of the next field."""

    def field(self, words: int = 1) -> int:
        """The number of a new field, or of the first of so many words."""
        number = self.size
        self.size += words
        return number
