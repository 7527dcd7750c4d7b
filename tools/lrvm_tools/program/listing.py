"""Lines of LASM, laid out: labels to the left, comments to the right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_COMMENT_COLUMN: Final = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a label's definition, or what assembles to bytes at `address`."""

    address: int
    text: str
    is_label: bool = False
    comment: str = ""


def render(lines: Iterable[Line], addresses: bool = False) -> str:
    """The lines as one text, which assembles to the same bytes with and without `addresses`.

    Addresses are comments for that reason.
    """
    listed = list(lines)
    indent = "    " if any(line.is_label for line in listed) else ""
    return "\n".join(_render_line(line, indent, addresses) for line in listed)


def _render_line(line: Line, indent: str, addresses: bool) -> str:
    if line.is_label:
        return f"{line.text}:"
    text = indent + line.text
    notes = [f"0x{line.address:08x}"] if addresses else []
    if line.comment:
        notes.append(line.comment)
    return f"{text:<{_COMMENT_COLUMN}}; {'  '.join(notes)}" if notes else text
