"""What the factory of a component can know of the machine that is being built."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..images import Image, load_program
from .host import Host

EMPTY: Final = Image("(none)", bytes(4))
"""Stands in for the program of a machine that is only looked at."""


class Context:
    """The machine's outside world and the program that it was given.

    `host` is where its components show text and ask for input, `program` what the command line
    names, if it does. Where `needs_program` is False, a ROM that is left without one is empty.
    """

    def __init__(
        self, host: Host, program: Image | None = None, needs_program: bool = True
    ) -> None:
        self.host = host
        self.program = program
        self.needs_program = needs_program
        self.program_used = False
        self.loaded: Image | None = None
        """The program that the latest component took."""

    def take_program(self, path: Path | None) -> Image:
        """The program in a file, or without one that of the command line.

        ValueError if there is neither; errors of `load_program`.
        """
        if path is not None:
            self.loaded = load_program(path)
        elif self.program is not None:
            self.loaded = self.program
            self.program_used = True
        elif not self.needs_program:
            return EMPTY
        else:
            raise ValueError(
                'there is no program: add `program = "..."`, or name one on the command line'
            )
        return self.loaded
