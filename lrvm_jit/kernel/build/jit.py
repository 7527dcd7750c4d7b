"""How the kernel's functions are compiled.

By numba, but for one thing. numba optimises each function together with all that it calls, and
makes machine code of that, before it goes on to the function's callers: of seventy functions that
call each other, most are optimised many times. Here an inner function stays as numba wrote it, and
the entry point's library optimises all of them, once. That takes a quarter off the compile time,
and as nobody else calls them there, LLVM may drop the many arguments that an array consists of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from numba import njit

from .compat import (
    CompilerBase,
    DefaultPassBuilder,
    JITCodeLibrary,
    LowerResult,
    NativeLowering,
    make_callable,
    register_pass,
)

OPTIONS = {"error_model": "numpy", "_nrt": False, "no_rewrites": True, "no_cfunc_wrapper": True}
"""Of every kernel function. Division follows the numpy model: Python's ZeroDivisionError cannot
occur here, and no GPU has it. Reference counting is off: nothing is allocated, and counting each
array at each call made calls cost 50 ns."""


class _InnerLibrary(JITCodeLibrary):
    """The code of an inner function and of all that it calls, for others to link only."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True


class _EntryLibrary(JITCodeLibrary):
    """The code of an entry point. Whatever it links is its own, and not visible from outside."""

    def finalize(self) -> None:
        self._visible = {value.name for value in self._definitions()}
        super().finalize()

    def _optimize_final_module(self) -> None:
        for value in self._definitions():
            if value.name not in self._visible:
                value.linkage = "internal"
        super()._optimize_final_module()

    def _definitions(self) -> Iterator[Any]:
        module = self._final_module
        for value in chain(module.functions, module.global_variables):
            if not value.is_declaration:
                yield value


@register_pass(mutates_CFG=True, analysis_only=False)
class _InnerLowering(NativeLowering):
    """Writes LLVM code to an `_InnerLibrary`, without making anything that can be called."""

    _name = "kernel_inner_lowering"

    def run_pass(self, state: Any) -> bool:
        context = state.targetctx
        state.library = _InnerLibrary(context.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        description = lowered.fndesc
        # numba finds the code of a function that is called by such an object; its address is 0.
        handle = make_callable(description, lowered.env, state.library)
        context.insert_user_function(handle, description, [state.library])
        state["cr"] = LowerResult(description, lowered.call_helper, cfunc=handle, env=lowered.env)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _EntryLowering(NativeLowering):
    """Writes LLVM code to an `_EntryLibrary`."""

    _name = "kernel_entry_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = _EntryLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return bool(super().run_pass(state))


class _Compiler(CompilerBase):
    """numba's compiler with another last step."""

    lowering: type[NativeLowering]

    def define_pipelines(self) -> list[Any]:
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.passes = [
            (self.lowering if step is NativeLowering else step, description)
            for step, description in pipeline.passes
        ]
        pipeline.finalize()
        return [pipeline]


class _InnerCompiler(_Compiler):
    lowering = _InnerLowering


class _EntryCompiler(_Compiler):
    lowering = _EntryLowering


_inner = njit(no_cpython_wrapper=True, pipeline_class=_InnerCompiler, **OPTIONS)


def kernel_function(function: Callable[..., Any]) -> Any:
    """Decorator of functions that only other kernel functions call.

    They get no Python entry points. No Python objects, no allocation, no exceptions inside:
    `retarget` makes them for GPUs too.
    """
    return _inner(function)


def entry_point(function: Callable[..., Any]) -> Any:
    """A dispatcher of numba for a function that Python calls; it runs without the GIL."""
    return njit(nogil=True, pipeline_class=_EntryCompiler, **OPTIONS)(function)
