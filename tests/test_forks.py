"""Forks while another thread is in the middle of something: the child must not wait for ever."""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lrvm_components
import lrvm_jit
import lrvm_tools
from lrvm_jit import locks

ROOT = Path(__file__).parents[1]
LOCK_TYPES = (type(threading.Lock()), type(threading.RLock()), threading.Condition)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def modules() -> Iterator[ModuleType]:
    """All modules of the three packages but the scripts, which run when imported."""
    for package in (lrvm_jit, lrvm_components, lrvm_tools):
        yield package
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not info.name.endswith("__main__"):
                yield importlib.import_module(info.name)


def found_in(value: object, depth: int = 3) -> Iterator[object]:
    """Locks in a value: itself, in its attributes, and in those of its class."""
    if isinstance(value, LOCK_TYPES):
        yield value
    elif isinstance(value, functools.cached_property):
        yield getattr(value, "lock", None) or ()  # Python 3.12 has none any more
    elif depth and type(value).__module__.split(".")[0].startswith("lrvm_"):
        for inner in list(getattr(value, "__dict__", {}).values()):
            yield from found_in(inner, depth - 1)


def test_forks_know_all_locks_of_modules() -> None:
    """A lock in a module, in an object of a module or in a class is a `SharedLock`."""
    everything = list(modules())
    known = {id(lock) for lock in (*locks._locks, *locks._innermost)}
    unknown, seen = [], 0
    for module in everything:
        for name, value in vars(module).items():
            own = isinstance(value, type) and value.__module__.startswith("lrvm_")
            values = [value, *(vars(value).values() if own else ())]
            for lock in (lock for each in values for lock in found_in(each) if lock != ()):
                seen += 1
                if id(lock) not in known:
                    unknown.append(f"{module.__name__}.{name}")
    assert not unknown
    assert seen >= 6


BEGINNING = """
import os, signal, sys, threading

def child(function):
    # Forks; what this guards against is a child that waits for ever.
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        function()
        os._exit(0)
    return os.waitpid(pid, 0)[1]
"""


def script(text: str, **environment: str) -> str:
    """What a script prints in a process that must end well."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", BEGINNING + text]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


LOADING = """
from lrvm_components import BootRom
from lrvm_jit import Motherboard
from lrvm_jit.kernel.build import compile as kernel_compile

def build():
    Motherboard([BootRom([0])], engine="interpreter")

ends, before = [], threading.Event()
load = kernel_compile._load

def loading(source):
    before.set()
    return load(source)

kernel_compile._load = loading
thread = threading.Thread(target=build)
thread.start()
before.wait()
print(child(build))
thread.join()
"""


def test_a_child_forked_while_the_kernel_is_loading() -> None:
    """At the moment when numba is being imported, where it hung every time."""
    assert script(LOADING) == "0\n"


HELD = """
import importlib
from lrvm_jit.locks import SharedLock

module = importlib.import_module({module!r})
lock = eval({expression!r}, vars(module))
held = threading.Event()

def hold():
    with lock:
        held.set()
        threading.Event().wait(0.2)

def take():
    with lock:
        pass

thread = threading.Thread(target=hold)
thread.start()
held.wait()
print(child(take))
thread.join()
"""


@pytest.mark.parametrize(
    ("module", "expression"),
    [
        ("lrvm_jit.kernel.build.compile", "_lock"),
        ("lrvm_jit.modular.compiled_code", "_lock"),
        ("lrvm_jit.stream.cluster", "_lock"),
        ("lrvm_jit.jit.code.store", "STORE._lock"),
        ("lrvm_jit.jit.code.worker", "WORKER._lock"),
        ("lrvm_jit.jit.code.job", "_importing"),
        ("numba.core.compiler_lock", "global_compiler_lock"),
        ("llvmlite.binding.ffi", "lib._lock"),
    ],
)
def test_a_child_forked_while_a_thread_has_a_lock(module: str, expression: str) -> None:
    text = HELD.format(module=module, expression=expression)
    # Somebody has to watch forks for the locks of others.
    assert script("from lrvm_jit.jit.code import worker\n" + text) == "0\n"


def test_a_fork_whose_waiting_is_interrupted() -> None:
    """Ctrl-C ends the waiting, not the fork. The child may take the lock, and so may the parent
    when it is free."""
    text = """
from lrvm_jit.locks import SharedLock
first, lock = SharedLock(), SharedLock()
held, go_on = threading.Event(), threading.Event()

def hold():
    with lock:
        held.set()
        go_on.wait()

def take():
    with first, lock:
        pass

sys.unraisablehook = lambda _: None
signal.signal(signal.SIGALRM, signal.default_int_handler)
thread = threading.Thread(target=hold)
thread.start()
held.wait()
signal.setitimer(signal.ITIMER_REAL, 0.2)
print(child(take))
go_on.set()
thread.join()
other = threading.Thread(target=take)
other.start()
other.join()
"""
    assert script(text) == "0\n"


def test_no_python_stands_between_a_lock_and_its_block() -> None:
    """An exception from elsewhere, as Ctrl-C's, would come there, and leave it locked."""
    plain: Any = type(threading.RLock())
    assert locks.SharedLock.__enter__ is plain.__enter__
    assert locks.SharedLock.__exit__ is plain.__exit__
