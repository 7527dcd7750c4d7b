"""Exceptions from elsewhere: at any line of the package, or at a moment that a test chooses."""

from __future__ import annotations

import dis
import gc
import linecache
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import lrvm_jit

PACKAGE = str(Path(lrvm_jit.__file__).parent)


class Elsewhere(BaseException):
    """What a debugger, another thread or a signal handler raises in the middle of something."""


def _leaves_a_with_block(frame: FrameType) -> bool:
    """Whether the block of a `with` has ended, and `__exit__` comes next.

    CPython lets no signal in between: it looks for them after calls and before jumps back, which
    are parts of the block or come after `__exit__`. A trace function alone could raise there.
    """
    code = frame.f_code
    # The call is three times None, below the value that is returned; no `with` begins like that.
    if dis.opname[code.co_code[frame.f_lasti]] not in ("LOAD_CONST", "SWAP"):
        return False
    line = linecache.getline(code.co_filename, frame.f_lineno).lstrip()
    return line.startswith("with ")


def raised_at_line(number: int, action: Callable[[], object]) -> bool:
    """Do something, and raise Elsewhere before the line of the package that is executed as number
    `number` from 0 on, in this thread. False if there were not so many lines."""
    left = number

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line" and not _leaves_a_with_block(frame):
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise Elsewhere(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        return trace

    before = sys.gettrace()
    # Python drops what is raised in a finalizer.
    gc.disable()
    sys.settrace(trace)
    try:
        action()
    except Elsewhere:
        pass
    finally:
        sys.settrace(before)
        gc.enable()
    return left < 0


def at_every_line(make: Callable[[], Callable[[], object]], step: int = 1) -> Iterator[int]:
    """Do something again and again, interrupted at each line of it in turn. Yields the lines'
    numbers, each after that interruption, until the action gets to its end."""
    number = 0
    while raised_at_line(number, make()):
        yield number
        number += step


@contextmanager
def interrupting(ready: Callable[[], object]) -> Iterator[None]:
    """A real SIGINT for the main thread during the block, as soon as something is the case.

    Python drops an exception that arises in a callback of the garbage collector or in a finalizer:
    a signal that comes during a collection could be lost there. Hypothesis has such callbacks, and
    machines of earlier tests have finalizers.
    """
    over = threading.Event()

    def wait_and_interrupt() -> None:
        while not over.wait(0.001):
            if ready():
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                return

    thread = threading.Thread(target=wait_and_interrupt, daemon=True)
    gc.collect()
    gc.disable()
    thread.start()
    try:
        yield
    finally:
        over.set()
        gc.enable()


@contextmanager
def handler(number: int, function: Any) -> Iterator[None]:
    """A signal's handler for a block, whatever the process was started with."""
    before = signal.signal(number, function)
    try:
        yield
    finally:
        signal.signal(number, before)
