"""A compiled entry point from its object file, as a function of Python's.

numba writes two functions into the object: the compiled one, and one that takes and returns objects
of Python, gives the GIL back meanwhile, and uses nothing but Python's stable C API. CPython makes a
built-in function of the latter's address.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from ...machine_code import LoadedCode, LoadingError

WRAPPER = "_ZN7cpython"
"""How the names of functions for Python begin,"""
ENVIRONMENT = "_ZN08NumbaEnv"
"""and of what must not be NULL: where numba's functions find constants that are objects. Ours have
none."""
METH_VARARGS, METH_KEYWORDS = 1, 2


class _MethodDefinition(ctypes.Structure):
    """`PyMethodDef` of Python's C API."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("documentation", ctypes.c_char_p),
    )


_kept: list[Any] = []
"""What must never go: Python's functions do not say when they do."""


def python_function(data: bytes, name: str) -> tuple[Callable[[int], int], int]:
    """The function of an object file that numba has written, called `name` in tracebacks; and the
    address of the compiled one, for other compiled functions to call.

    LoadingError if the object is none of ours or needs what this process does not have.
    """
    code = LoadedCode(data, None, _address_of)
    wrappers = [symbol for symbol in code.functions if symbol.startswith(WRAPPER)]
    others = [symbol for symbol in code.functions if not symbol.startswith(WRAPPER)]
    environments = [symbol for symbol in code.variables if symbol.startswith(ENVIRONMENT)]
    if not len(wrappers) == len(others) == len(environments) == 1:
        raise LoadingError("the object code is not an entry point as numba writes them")
    environment = ctypes.create_string_buffer(256)
    pointer = ctypes.c_void_p.from_address(code.variables[environments[0]])
    pointer.value = ctypes.addressof(environment)
    definition = _MethodDefinition(
        name.encode(), code.functions[wrappers[0]], METH_VARARGS | METH_KEYWORDS, None
    )
    make = ctypes.pythonapi.PyCMethod_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object, ctypes.c_void_p]
    function = make(ctypes.byref(definition), None, __name__, None)
    _kept.append((code, environment, definition))
    return function, code.functions[others[0]]


def _address_of(symbol: str) -> int:
    """Where a symbol of Python's or of the C library is. LookupError if it is nowhere."""
    try:
        found = getattr(ctypes.pythonapi, symbol)
    except AttributeError:
        raise LookupError(symbol) from None
    return ctypes.cast(found, ctypes.c_void_p).value or 0
