"""The command `lrvm`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with `arguments`, those of the process by default, and exit."""
    missing = [name for name in ("click", "rich") if find_spec(name) is None]
    if missing:
        needed = " and ".join(missing)
        sys.exit(f"lrvm: the command needs {needed}: run  pip install 'lrvm-jit[tools]'")
    try:
        # Loading takes long enough to be interrupted.
        from .app import cli
        from .streams import open_closed

        open_closed()
        cli.main(arguments, prog_name="lrvm")
    except KeyboardInterrupt:
        sys.exit(130)
