"""What travels over the channels of a machine: queries one way, responses the other.

Nobody changes a message once it is made, so a part may keep one and send it again. Type checkers
see to that. Python does not: a machine makes two messages for every query, and dataclasses that
are frozen at run time make a whole query a third slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..arguments import whole_number


@dataclass(slots=True, unsafe_hash=True)
class Load:
    """Asks for the value at an address; answered with `Data` or `Fail`."""

    address: Final[int]


@dataclass(slots=True, unsafe_hash=True)
class Save:
    """Puts a value at an address; answered with `Good` or `Fail`."""

    address: Final[int]
    value: Final[int]


@dataclass(slots=True, unsafe_hash=True)
class Swap:
    """Puts a value at an address and asks for the one that was there, in one step.

    Answered with `Data` or `Fail`. A peripheral that does not know it is sent a `Load` and a
    `Save` with nothing in between.
    """

    address: Final[int]
    value: Final[int]


@dataclass(slots=True, unsafe_hash=True)
class Data:
    """The answer to a `Load` or a `Swap`."""

    value: Final[int]


@dataclass(frozen=True, slots=True, init=False)
class Good:
    """The answer to a `Save` that was done."""


@dataclass(slots=True, unsafe_hash=True)
class Fail:
    """The answer to a query that could not be done; what `code` means is the peripheral's."""

    code: Final[int]


Query = Load | Save | Swap
Response = Data | Good | Fail


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a part tells about itself; `model` becomes part of its name."""

    model: str


class Terminate(Exception):  # noqa: N818 - a part raises it to end, which need not be an error
    """Raised by a part, from any of its methods, to end itself. Code 0 is a normal end."""

    def __init__(self, code: int = 0) -> None:
        self.code = whole_number("the code of Terminate", code)
        super().__init__(self.code)

    def __str__(self) -> str:
        return f"ended itself with code {self.code}"
