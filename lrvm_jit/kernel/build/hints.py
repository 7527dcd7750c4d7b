"""Hints to the compiler about what is rare.

Without them the register allocator spends its registers on the slow paths as much as on the
dispatch loop, which costs the loop a quarter of its speed.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compat import mark_cold


@intrinsic
def unlikely(typing_context: Any, condition: Any) -> Any:
    """The condition, a boolean, marked as seldom true."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bit = ir.IntType(1)
        expect = builder.module.declare_intrinsic(
            "llvm.expect", [bit], ir.FunctionType(bit, [bit, bit])
        )
        return builder.call(expect, [arguments[0], ir.Constant(bit, 0)])

    return types.boolean(types.boolean), generate


@intrinsic
def cold_path(typing_context: Any) -> Any:
    """Marks the code around the call as seldom executed."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [])
        # An empty assembly statement is a call that nothing removes and that costs nothing.
        call = builder.call(ir.InlineAsm(kind, "", "", side_effect=True), [])
        mark_cold(call)
        return context.get_dummy_value()

    return types.none(), generate


@intrinsic
def stay_apart(typing_context: Any) -> Any:
    """Keeps the function in which it stands from being made part of its callers.

    LLVM does that with whatever has one caller, and the dispatch loop, which calls every slow
    path once, would hold them all.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.none(), generate
