"""What compiled parts need of numba: the type of `bus`, and a few operations that it lacks."""

# numba has no types of its own.
# mypy: disable-error-code="untyped-decorator, misc"

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, models, overload, overload_method, register_model

from ..kernel.build.compat import (
    RETCODE_USEREXC,
    BaseLower,
    Status,
    array_over,
    cgutils,
    exception_place,
    global_compiler_lock,
    struct_of,
)
from .compiled_layout import DATA, FAIL, LOAD, NO_SUCH_PERIPHERAL, SAVE, WRONG_INDEX

OPTIONS: Final = {"error_model": "numpy", "_nrt": False, "boundscheck": True}
"""Of all functions that are compiled. As in the kernel, division follows numpy and nothing is
allocated. Bounds are checked: states belong to users' functions, and an index that is wrong must
not reach anybody else's memory."""

I = np.int64  # noqa: E741

STATE = types.Array(types.int64, 1, "C")
"""The type of a state, and of the table."""


@contextmanager
def located_bounds_checks() -> Iterator[None]:
    """What is compiled meanwhile says in which function, at which line, an index was wrong.

    numba knows the place of a `raise` only. As it makes a check there is no way for it to learn
    the index that will be found wrong, and the message is fixed.
    """

    def check(context: Any, builder: Any, index: Any, length: Any, axis: Any = None) -> None:
        place = _place_being_compiled()
        too_high = builder.icmp_signed(">=", index, length)
        too_low = builder.icmp_signed("<", index, index.type(0))
        with cgutils.if_unlikely(builder, builder.or_(too_high, too_low)):
            context.call_conv.return_user_exc(builder, IndexError, (WRONG_INDEX,), **place)

    with global_compiler_lock:
        original = cgutils.do_boundscheck
        cgutils.do_boundscheck = check
        try:
            yield
        finally:
            cgutils.do_boundscheck = original


def _place_being_compiled() -> dict[str, Any]:
    """The line of the user's function for which numba is making code, and that function's name."""
    frame = inspect.currentframe()
    while frame is not None:
        lower = frame.f_locals.get("self")
        if isinstance(lower, BaseLower) and lower.loc.line > 0:
            return {"loc": lower.loc, "func_name": lower.func_ir.func_id.func_name}
        frame = frame.f_back
    return {}


class BusType(types.Type):
    """The type of `bus` in one compiled loop: it knows the function that answers its queries."""

    def __init__(self, number: int, answer: Any) -> None:
        super().__init__(name=f"Bus{number}")
        self.answer = answer


@register_model(BusType)
class _BusModel(models.StructModel):
    """At run time a bus is the table of the machine's parts."""

    def __init__(self, manager: Any, bus_type: Any) -> None:
        super().__init__(manager, bus_type, [("table", STATE)])


@overload_method(BusType, "load", jit_options=OPTIONS)
def _load(bus: Any, peripheral: Any, address: Any) -> Any:
    answer = bus.answer

    def load(bus: Any, peripheral: Any, address: Any) -> Any:
        return answer(table_of(bus), I(peripheral), I(LOAD), I(address), I(0))

    return load


@overload_method(BusType, "save", jit_options=OPTIONS)
def _save(bus: Any, peripheral: Any, address: Any, value: Any) -> Any:
    answer = bus.answer

    def save(bus: Any, peripheral: Any, address: Any, value: Any) -> Any:
        return answer(table_of(bus), I(peripheral), I(SAVE), I(address), I(value))

    return save


@overload_method(BusType, "swap", jit_options=OPTIONS)
def _swap(bus: Any, peripheral: Any, address: Any, value: Any) -> Any:
    answer = bus.answer

    def swap(bus: Any, peripheral: Any, address: Any, value: Any) -> Any:
        table = table_of(bus)
        status, old = answer(table, I(peripheral), I(LOAD), I(address), I(0))
        if status == FAIL:
            return status, old
        status, result = answer(table, I(peripheral), I(SAVE), I(address), I(value))
        if status == FAIL:
            return status, result
        return I(DATA), old

    return swap


@intrinsic
def table_of(typing_context: Any, bus: Any) -> Any:
    """The table in a bus."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return cgutils.create_struct_proxy(bus)(context, builder, arguments[0]).table

    return STATE(bus), generate


def bus_maker(bus_type: BusType) -> Any:
    """A function for compiled code that makes a bus of a table."""

    @intrinsic
    def make_bus(typing_context: Any, table: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return struct_of(context, builder, bus_type, table=arguments[0])

        return bus_type(table), generate

    return make_bus


@intrinsic
def state_at(typing_context: Any, address: Any, length: Any) -> Any:
    """The state of a part, from its address and length."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return array_over(context, builder, STATE, *arguments)

    return STATE(types.int64, types.int64), generate


@intrinsic
def returned_code(typing_context: Any, returned: Any) -> Any:
    """(whether a function returned a number, the number): it may have returned nothing."""
    pair = types.UniTuple(types.int64, 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, zero = (context.get_constant(types.int64, number) for number in (1, 0))
        if isinstance(returned, types.NoneType):
            return cgutils.pack_array(builder, [zero, zero])
        if not isinstance(returned, types.Optional):
            code = context.cast(builder, arguments[0], returned, types.int64)
            return cgutils.pack_array(builder, [one, code])
        optional = context.make_helper(builder, returned, arguments[0])
        valid = cgutils.as_bool_bit(builder, optional.valid)
        code = context.cast(builder, optional.data, returned.type, types.int64)
        return cgutils.pack_array(builder, [builder.select(valid, one, zero), code])

    return pair(returned), generate


@intrinsic
def refuse_peripheral(typing_context: Any, refused: Any) -> Any:
    """Raise IndexError if `refused`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with builder.if_then(arguments[0], likely=False):
            context.call_conv.return_user_exc(builder, IndexError, (NO_SUCH_PERIPHERAL,))
        return context.get_dummy_value()

    return types.none(types.boolean), generate


def handle_caller(compiled: Any) -> Any:
    """A function for compiled code that calls a compiled `handle`, and goes on if that raises.

    Returns (status, value, 0), or (0, 0, error) if it raised: `raise_error(error)` raises that.
    numba's own `try` would say that something was raised, and not what.
    """
    (result,) = compiled.overloads.values()

    @intrinsic
    def call(typing_context: Any, state: Any, query: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            context.active_code_library.add_linking_library(result.library)
            status, answer = context.call_internal_no_propagate(
                builder, result.fndesc, result.signature, arguments
            )
            zero = context.get_constant(types.int64, 0)
            error = builder.ptrtoint(status.excinfoptr, zero.type)
            numbers = [
                context.cast(builder, builder.extract_value(answer, index), kind, types.int64)
                for index, kind in enumerate(result.signature.return_type)
            ]
            values = [builder.select(status.is_ok, number, zero) for number in numbers]
            values.append(builder.select(status.is_ok, zero, error))
            return cgutils.pack_array(builder, values)

        return types.UniTuple(types.int64, 3)(state, query, address, value), generate

    return call


@intrinsic
def _raise(typing_context: Any, error: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = exception_place(context, builder.function)
        status = Status(
            code=ir.Constant(ir.IntType(32), RETCODE_USEREXC.constant),
            excinfoptr=builder.inttoptr(arguments[0], place),
            is_ok=None,
            is_none=None,
            is_error=None,
            is_stop_iteration=None,
            is_python_exc=None,
            is_user_exc=None,
        )
        context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.none(types.int64), generate


@njit(_nrt=False)
def raise_error(error: Any) -> None:
    """Raise what `handle_caller` gave the number of. The loop has to be kept until then."""
    _raise(error)


_known: set[FunctionType] = set()


def allow_calls(function: Callable[..., Any]) -> None:
    """Let compiled code call the Python functions that `function` calls by their names.

    numba by itself would want each of them to be decorated.
    """
    code = getattr(function, "__code__", None)
    if code is None:
        return
    variables = inspect.getclosurevars(function)
    for called in (*variables.globals.values(), *variables.nonlocals.values()):
        if isinstance(called, FunctionType) and called not in _known:
            _known.add(called)
            if not (called.__module__ or "").startswith(("numpy", "numba")):
                _allow(called)
                allow_calls(called)


def _allow(called: FunctionType) -> None:
    @overload(called, jit_options=OPTIONS, strict=False)
    def implementation(*arguments: Any, **named: Any) -> Any:
        return called
