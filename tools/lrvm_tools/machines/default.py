"""The machine that programs run on when no machine file names another."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lrvm_jit.arguments import optional_number

from ..images import Image
from .errors import MachineError
from .file import build_machine
from .host import Host
from .machine import Machine

DEFAULT_MACHINE_FILE: Final = Path(__file__).with_name("default.toml")
"""The machine file that describes the default machine: also one to start from."""

_NAME: Final = "default machine"
_RAM_SIZE: Final = b"0x10_0000"
"""The RAM's size, as the file has it."""


def default_machine(
    program: Image | None,
    *,
    host: Host | None = None,
    engine: str | None = None,
    ram_size: int | None = None,
) -> Machine:
    """The default machine with a program in its ROM, or none to look at it; mapped and reset.

    `ram_size` is in bytes, for a machine with less RAM than the usual 1 MiB.

    Raises MachineError if the program does not fit.
    """
    content = DEFAULT_MACHINE_FILE.read_bytes()
    ram_size = optional_number("ram_size", ram_size, 0)
    if ram_size is not None:
        assert content.count(_RAM_SIZE) == 1
        content = content.replace(_RAM_SIZE, str(ram_size).encode())
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
