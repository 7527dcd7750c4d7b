"""The output formats by name, and their parameters (sections 8 and 9 of the specification)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from . import dumps, listings
from .assembler import Result
from .literals import LiteralError, string

_Check = Callable[[str], object]
"""The value of a parameter from its text; raises ValueError."""


def _one_of(*numbers: int) -> _Check:
    def check(text: str) -> int:
        value = _positive(text)
        if value not in numbers:
            raise ValueError(text)
        return value

    return check


def _positive(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) == 0:
        raise ValueError(text)
    return int(text)


def _text(text: str) -> str:
    """A separator, with or without quotes."""
    quoted = text if len(text) > 1 and text[0] == text[-1] == '"' else f'"{text}"'
    try:
        return string(quoted)
    except LiteralError as error:
        raise ValueError(text) from error


_BASES: Final = _one_of(2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Format:
    """How to write an assembled program; `extension` is that of its file."""

    write: Callable[..., str | bytes]
    parameters: dict[str, _Check] = field(default_factory=dict)
    extension: str = "txt"


_ANNOTATED: Final = {"base": _BASES, "group": _positive}
_LIST: Final = {
    "base": _BASES,
    "group": _positive,
    "group2": _positive,
    **dict.fromkeys(("between", "between2", "before", "after"), _text),
}

FORMATS: Final[dict[str, Format]] = {
    "binary": Format(dumps.binary, extension="bin"),
    "annotated": Format(listings.annotated, _ANNOTATED),
    "annotatedhex": Format(listings.annotated),
    "annotatedbin": Format(partial(listings.annotated, base=2, group=8)),
    "binstr": Format(dumps.binstr),
    "hexstr": Format(dumps.hexstr),
    "bindump": Format(dumps.dump(1, 8)),
    "hexdump": Format(dumps.dump(4, 16)),
    "mif": Format(dumps.mif),
    "intelhex": Format(dumps.intelhex, {"addr_unit": _one_of(8, 16, 32)}),
    "deccomma": Format(dumps.separated("{}", ", ")),
    "hexcomma": Format(dumps.separated("0x{:02x}", ", ")),
    "decspace": Format(dumps.separated("{}", " ")),
    "hexspace": Format(dumps.separated("0x{:02x}", " ")),
    "decc": Format(dumps.c_array("{}")),
    "hexc": Format(dumps.c_array("0x{:02x}")),
    "c": Format(dumps.c_array("0x{:02x}")),
    "logisim8": Format(dumps.logisim(8)),
    "logisim16": Format(dumps.logisim(16)),
    "addrspan": Format(listings.addrspan),
    "tcgame": Format(listings.tcgame, {"base": _one_of(2, 16), "group": _positive}),
    "tcgamebin": Format(partial(listings.tcgame, base=2, group=8)),
    "symbols": Format(listings.symbols),
    "mesen-mlb": Format(listings.mesen_mlb, extension="mlb"),
    "list": Format(dumps.digit_list, _LIST),
    "readmemb": Format(dumps.readmem(1), {"width": _positive}),
    "readmemh": Format(dumps.readmem(4), {"width": _positive}),
}


class FormatError(ValueError):
    """A format that does not exist or does not take what it was given."""


@dataclass(frozen=True)
class ChosenFormat:
    """A format and its parameters."""

    name: str
    form: Format
    arguments: dict[str, object]

    def write(self, result: Result) -> bytes:
        """The program in this format; text is UTF-8."""
        written = self.form.write(result, **self.arguments)
        return written.encode() if isinstance(written, str) else written


def choose(text: str) -> ChosenFormat:
    """The format that `name,key:value,...` asks for. Raises FormatError."""
    name, *parameters = _split(text)
    form = FORMATS.get(name)
    if form is None:
        raise FormatError(f"unknown format `{name}`")
    arguments: dict[str, object] = {}
    for parameter in parameters:
        key, *values = _split(parameter, ":")
        check = form.parameters.get(key)
        if len(values) > 1:
            raise FormatError(f"invalid format argument `{name},{parameter}`")
        if check is None:
            raise FormatError(f"unknown format argument `{name},{key}`")
        try:
            arguments[key] = check(values[0] if values else "")
        except ValueError:
            raise FormatError(f"invalid format argument `{name},{parameter}`") from None
    return ChosenFormat(name, form, arguments)


def _split(text: str, separator: str = ",") -> Sequence[str]:
    """The parts between separators that stand outside quotes."""
    parts = [""]
    quoted = False
    for char in text:
        quoted ^= char == '"'
        if char == separator and not quoted:
            parts.append("")
        else:
            parts[-1] += char
    return parts
