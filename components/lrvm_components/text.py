"""Text from the guest, valid or not, on its way to a handler."""

from __future__ import annotations

from typing import Any


class InvalidText(str):
    """Text that the guest got wrong: as a string, what a person should see in its place.

    A handler may therefore treat all it receives as plain strings, and one that cares asks
    `isinstance(text, InvalidText)`.

    >>> from lrvm_components import CharDisplay, InvalidText
    >>> shown = []
    >>> CharDisplay(shown.append).write(0, 0xD800)
    >>> isinstance(shown[0], InvalidText), shown[0].raw.hex()
    (True, '0000d800')
    """

    error: UnicodeDecodeError

    def __new__(cls, shown: str, error: UnicodeDecodeError) -> InvalidText:
        text = super().__new__(cls, shown)
        text.error = error
        return text

    @property
    def raw(self) -> bytes:
        """The bytes that could not be decoded; a single character's are its word, big-endian."""
        return self.error.object

    def __reduce__(self) -> tuple[Any, ...]:
        # By the error's parts: there are libraries that change how exceptions are pickled, and then
        # this one loses them.
        error = self.error
        parts = (error.encoding, error.object, error.start, error.end, error.reason)
        return _invalid_text, (str(self), *parts)


def _invalid_text(shown: str, *parts: Any) -> InvalidText:
    return InvalidText(shown, UnicodeDecodeError(*parts))


def decode(raw: bytes, encoding: str) -> str:
    """The text of these bytes, or an `InvalidText` with U+FFFD for each part that is wrong."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        # Without its traceback, which would keep the caller's frames alive.
        return InvalidText(raw.decode(encoding, "replace"), error.with_traceback(None))


def decode_scalar(word: int) -> str:
    """The character of a Unicode scalar value, or U+FFFD as an `InvalidText`."""
    # The codec refuses exactly what is no scalar value: surrogates and all above 0x10FFFF.
    return decode(word.to_bytes(4, "big"), "utf-32-be")


def show_on_terminal(text: str) -> None:
    """The displays' default handler."""
    print(text, end="", flush=True)
