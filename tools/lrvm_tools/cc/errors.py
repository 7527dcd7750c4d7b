"""What `lrvm cc` refuses."""

from __future__ import annotations

from typing import Any


class CompileError(Exception):
    """A program that cannot be compiled or linked; the message says where and why.

    `place` is the function, or the source line where it is known, that the message is about.
    """

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.reason = message
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.place), vars(self)


class UnsupportedError(CompileError):
    """Something that the back end cannot translate. The driver asks the front end for lines and
    names the one it comes from."""
