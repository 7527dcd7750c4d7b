"""The garbage collector, out of the way of code that only makes what it keeps."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Let the collector of cycles rest: while a program is assembled nearly everything that is
    made stays in use, and looking for cycles in it again and again takes a sixth of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
