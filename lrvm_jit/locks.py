"""Locks of the whole process, and what a fork does with them.

The child of a fork has one thread. A lock that another thread held then is never released there,
and what it guards may be half changed. So a fork waits until no other thread holds one of these
locks, which takes as long as compiling the kernel at worst; the child finds all of them free. The
same goes for the locks of numba and LLVM, if they are loaded: neither could be used in the child
of a fork that happened in the middle of them.

Every module-wide lock of the three packages is a `SharedLock`; tests/test_forks.py looks for
others. Locks of objects (a board's, a batch's) are not waited for: an object that another thread
was using cannot be used in the child.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from itertools import count
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

T = TypeVar("T")

FOREIGN = (
    ("numba.core.compiler_lock", "global_compiler_lock", "_lock"),
    ("llvmlite.binding.ffi", "lib", "_lock", "_lock"),
)
"""The locks of others: a module, and the names that lead to the lock. In the order in which a
thread takes them."""


if TYPE_CHECKING:
    from threading import _RLock
else:
    _RLock = type(threading.RLock())


class SharedLock(_RLock):  # type: ignore[misc]
    """A lock that forks wait for. The thread that has it may take it again.

    It is taken and given back by Python's own functions in C. An exception from elsewhere, as
    Ctrl-C's, would find gaps in an `__enter__` and `__exit__` in Python, and leave it locked.
    """

    def __init__(self, *, innermost: bool = False) -> None:
        """`innermost` locks are taken while others are held, and none while they are."""
        (_innermost if innermost else _locks).append(self)
        _watch_forks()

    def __new__(cls, *, innermost: bool = False) -> SharedLock:
        return super().__new__(cls)


def in_forked_child(function: Callable[[], None]) -> None:
    """Have a function called in the child of every fork, when its locks are free."""
    _watch_forks()
    _in_child.append(function)


class cached_property(Generic[T]):  # noqa: N801 - named as what it stands for
    """`functools.cached_property` without its lock.

    In Python 3.11 all instances share one, so a fork could leave it locked for all of them.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> cached_property[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | cached_property[T]:
        if instance is None:
            return self
        value: T = self._function(instance)
        # An attribute of this name goes before a descriptor that has no `__set__`.
        instance.__dict__[self._name] = value
        return value


_locks: list[Any] = []
_innermost: list[Any] = []
_in_child: list[Callable[[], None]] = []
_registrations = count()
_registered = False


class _Forking(threading.local):
    """Of each fork that this thread is doing: all locks, and one True for each that it took."""

    def __init__(self) -> None:
        self.forks: list[tuple[list[Any], list[bool]]] = []


_forking = _Forking()


def _watch_forks() -> None:
    """Register the handlers once in a process."""
    global _registered
    if _registered or next(_registrations) or not hasattr(os, "register_at_fork"):
        return
    # A fork calls the handlers that were registered last first. The one of `logging` takes a lock
    # that the threads waited for here may need, as numba logs; so it must come after these.
    import logging  # noqa: F401

    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
    _registered = True


def _all_locks() -> list[Any]:
    """In the order in which a thread takes them: compiling the kernel calls numba, that LLVM."""
    found = (_foreign_lock(module, names) for module, *names in FOREIGN)
    return [*_locks, *(lock for lock in found if lock is not None), *_innermost]


def _foreign_lock(module: str, names: list[str]) -> Any:
    found: Any = sys.modules.get(module)
    for name in names:
        # A module that another thread is importing may lack its names still.
        found = getattr(found, name, None)
    return found


def _before() -> None:
    locks = _all_locks()
    taken: list[bool] = []
    _forking.forks.append((locks, taken))
    # No Python code runs between taking a lock and noting it. After Ctrl-C the fork goes on, as
    # Python has it, with those that were taken before.
    taken.extend(map(methodcaller("acquire"), locks))


def _after() -> None:
    if _forking.forks:
        locks, taken = _forking.forks.pop()
        for lock in reversed(locks[: len(taken)]):
            lock.release()


def _after_in_child() -> None:
    locks, taken = _forking.forks[-1] if _forking.forks else ([], [])
    waited_for = {id(lock) for lock in locks[: len(taken)]}
    for lock in _all_locks():
        if id(lock) not in waited_for:
            # A thread that exists no more may hold it.
            lock._at_fork_reinit()
    _after()
    for function in _in_child:
        function()
