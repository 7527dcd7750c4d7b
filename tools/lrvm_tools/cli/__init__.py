"""The command `lrvm`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from types import FrameType


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with `arguments`, those of the process by default, and exit."""
    missing = [name for name in ("click", "rich") if find_spec(name) is None]
    if missing:
        needed = " and ".join(missing)
        sys.exit(f"lrvm: the command needs {needed}: run  pip install 'lrvm-jit[tools]'")
    try:
        with suppress(ValueError):  # in another thread there are no handlers
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, _end)
        # Loading takes long enough to be interrupted.
        from .app import cli
        from .streams import open_closed

        open_closed()
        cli.main(arguments, prog_name="lrvm")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        _remove_unfinished()


def _end(number: int, frame: FrameType | None) -> None:
    """End the process as the signal does by itself, but without unfinished files."""
    _remove_unfinished()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _remove_unfinished() -> None:
    # What has not been loaded yet has begun no file.
    module = sys.modules.get("lrvm_jit.output_files")
    remove = getattr(module, "remove_unfinished", None)
    if remove is not None:
        remove()
