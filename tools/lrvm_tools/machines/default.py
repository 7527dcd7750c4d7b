"""The machine that programs run on when no machine file names another."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..images import Image
from .errors import MachineError
from .file import build_machine
from .host import Host
from .machine import Machine

DEFAULT_MACHINE_FILE: Final = Path(__file__).with_name("default.toml")
"""The machine file that describes the default machine: also one to start from."""

_NAME: Final = "default machine"


def default_machine(
    program: Image | None, *, host: Host | None = None, engine: str | None = None
) -> Machine:
    """The default machine with a program in its ROM, or none to look at it; mapped and reset.

    Raises MachineError if the program does not fit.
    """
    content = DEFAULT_MACHINE_FILE.read_bytes()
    folder = DEFAULT_MACHINE_FILE.parent
    try:
        return build_machine(
            content,
            _NAME,
            folder,
            program=program,
            host=host,
            engine=engine,
            needs_program=program is not None,
        )
    except MachineError as error:
        hint = "`lrvm info --toml` prints this machine's file, to change and use with --machine"
        raise MachineError(_NAME, [*error.problems, hint]) from None
