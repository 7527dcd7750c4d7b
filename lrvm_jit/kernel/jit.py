"""How the kernel's functions are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

OPTIONS = {"error_model": "numpy", "_nrt": False, "no_rewrites": True}
"""Of every kernel function. Division follows the numpy model: Python's ZeroDivisionError cannot
occur here, and no GPU has it. Reference counting is off: nothing is allocated, and counting each
array at each call made calls cost 50 ns."""

_inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)


def kernel_function(function: Callable[..., Any]) -> Any:
    """Decorator of functions that only other kernel functions call.

    They get no Python entry points, which would cost half of the compile time. No Python objects,
    no allocation, no exceptions inside: `retarget` makes them for GPUs too.
    """
    return _inner(function)
