"""What a page takes from the sources: `<!-- insert: NAME ARGUMENT -->` on a line of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from . import api, commands, instructions, register_maps

INSERTIONS: Final[dict[str, Callable[[str], str]]] = {
    "api": api.module,
    "commands": commands.commands,
    "instruction": instructions.instruction,
    "instructions": instructions.index,
    "registers": register_maps.register_map,
}
"""Functions from the argument to Markdown, by the name that pages use."""

_INSERTION: Final = re.compile(r"^<!-- insert: (\w+)(?: (\S+))? -->$", re.MULTILINE)


def insertions(markdown: str) -> list[tuple[str, str]]:
    """Name and argument of each insertion that a page asks for."""
    return [(match[1], match[2] or "") for match in _INSERTION.finditer(markdown)]


def expand(markdown: str) -> str:
    """The page with everything inserted. KeyError for a name or an argument that nobody knows."""
    return _INSERTION.sub(lambda match: INSERTIONS[match[1]](match[2] or ""), markdown)
