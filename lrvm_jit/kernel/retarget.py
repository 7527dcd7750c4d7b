"""The kernel for other targets, GPUs above all: the same functions under another decorator.

A kernel function consists of arithmetic on numbers and on the arrays it is given, so numba can
compile it for whatever it knows. What keeps `dispatch` from being compiled elsewhere is only
what it calls: functions declared for this machine's processor, and four intrinsics made of LLVM
code for it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from .addresses import (
    address_of,
    byte_at,
    enter_native,
    half_at,
    load_registers,
    set_byte,
    set_half,
    set_word,
    store_registers,
    word_at,
)
from .build.hints import cold_path, stay_apart, unlikely

Decorator = Callable[[Callable[..., Any]], Any]


def _plain_condition(condition):
    """Instead of `unlikely`."""
    return condition


def _nothing():
    """Instead of `cold_path`."""


def _wherever():
    """Instead of `stay_apart`."""


def _no_memory(address):
    """Instead of reading the host's memory: native code is elsewhere, and there is none."""
    return np.int64(0)


def _nowhere(array):
    """Instead of an array's place in the host's memory."""
    return np.int64(0)


def _no_store(address, value):
    """Instead of writing it."""


def _no_registers(regs, address):
    """Instead of reading registers from there."""


def _no_code(context_address, code, scratch0, scratch1):
    """Instead of running native code."""


STAND_INS: dict[Any, Callable[..., Any]] = {
    unlikely: _plain_condition,
    cold_path: _nothing,
    stay_apart: _wherever,
    address_of: _nowhere,
    word_at: _no_memory,
    half_at: _no_memory,
    byte_at: _no_memory,
    set_word: _no_store,
    set_half: _no_store,
    set_byte: _no_store,
    enter_native: _no_code,
    store_registers: _no_store,
    load_registers: _no_registers,
}
"""What other targets have in the place of the intrinsics."""


def retarget(function: Any, decorate: Decorator) -> Any:
    """A kernel function, and all that it calls, as `decorate` makes them.

        dispatch_on_gpu = retarget(dispatch, numba.cuda.jit(device=True))

    They share their code with the originals, which stay as they are. Each gets globals of its
    own, in which the functions that it calls are the target's.
    """
    made: dict[Any, Any] = {}

    def make(source: Any) -> Any:
        body = STAND_INS.get(source) or source.py_func
        if body not in made:
            space = {"__name__": body.__module__}
            for name in body.__code__.co_names:
                if name in body.__globals__:
                    value = body.__globals__[name]
                    space[name] = make(value) if _is_kernel_function(value) else value
            made[body] = decorate(FunctionType(body.__code__, space, body.__name__))
        return made[body]

    return make(function)


def _is_kernel_function(value: Any) -> bool:
    return callable(value) and (hasattr(value, "py_func") or value in STAND_INS)
