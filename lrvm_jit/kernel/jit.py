"""How the kernel's functions are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

_inner = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


def kernel_function(function: Callable[..., Any]) -> Any:
    """Decorator of functions that only other kernel functions call.

    They get no Python entry points, which would cost half of the compile time. Division follows
    the numpy model, as the Python model's ZeroDivisionError cannot occur and no GPU has it.
    """
    return _inner(function)
