"""The loop of a compiled machine: its source, generated for a set of functions, and its compiling.

A loop depends on the distinct functions only, not on how many parts use them nor on their states:
those stand in a table, which the loop gets as an argument. So machines that differ only in
programs, sizes and numbers of parts share one loop.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any, Final

import numpy as np
from numba import njit, types

from ..locks import SharedLock
from . import compiled_layout as layout
from .compiled_numba import (
    OPTIONS,
    STATE,
    BusType,
    allow_calls,
    bus_maker,
    handle_caller,
    located_bounds_checks,
    refuse_peripheral,
    returned_code,
    state_at,
)
from .errors import MachineError

INNER: Final = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **OPTIONS}
KEPT_LOOPS: Final = 64

Function = Callable[..., Any]
Loop = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Functions:
    """The distinct functions of a machine's parts, in the order of their first use."""

    exe_ins: tuple[Function, ...]
    handle: tuple[Function, ...]
    cycle: tuple[Function, ...]


class UncompilableError(MachineError):
    """numba cannot compile a function. `function` is that function, `reason` says why not."""

    def __init__(self, function: Function, reason: str) -> None:
        super().__init__(function, reason)
        self.function = function
        self.reason = reason

    def __str__(self) -> str:
        return f"numba cannot compile {self.function!r}: {self.reason}"


_lock = SharedLock()
_loops: OrderedDict[Functions, Loop] = OrderedDict()
_numbers = count()


def loop_of(functions: Functions) -> Loop:
    """The compiled loop for these functions; compiles it unless this process has done so before.

    UncompilableError if numba cannot compile one of them.
    """
    with _lock:
        loop = _loops.pop(functions, None)
        if loop is None:
            with located_bounds_checks():
                loop = _compile(functions)
        _loops[functions] = loop
        while len(_loops) > KEPT_LOOPS:
            _loops.popitem(last=False)
    return loop


def _compile(functions: Functions) -> Loop:
    names = {
        **{name: getattr(layout, name) for name in vars(layout) if name.isupper()},
        "I": np.int64,
        "state_at": state_at,
        "returned_code": returned_code,
        "refuse_peripheral": refuse_peripheral,
    }
    number = types.int64
    for index, function in enumerate(functions.handle):
        compiled = _compiled(function, (STATE, number, number, number), forceinline=True)
        _check_answer(function, compiled)
        names[f"handle_{index}"] = handle_caller(compiled)
    for index, function in enumerate(functions.cycle):
        compiled = _compiled(function, (STATE,))
        _check_code(function, compiled, "cycle")
        names[f"cycle_{index}"] = compiled
    answer = njit(**{**INNER, "boundscheck": False})(_defined(_answer_source(functions), names))
    bus_type = BusType(next(_numbers), answer)
    names["make_bus"] = bus_maker(bus_type)
    for index, function in enumerate(functions.exe_ins):
        compiled = _compiled(function, (STATE, bus_type), forceinline=True)
        _check_code(function, compiled, "exe_ins")
        names[f"exe_ins_{index}"] = compiled
    loop = njit(nogil=True, **{**OPTIONS, "boundscheck": False})(
        _defined(_loop_source(functions), names)
    )
    loop.compile((STATE, STATE, STATE, number, number))
    return loop  # type: ignore[no-any-return]


def _defined(source: str, names: dict[str, Any]) -> Function:
    space = dict(names)
    exec(compile(source, "<compiled machine>", "exec"), space)
    return space["function"]  # type: ignore[no-any-return]


def _compiled(function: Function, signature: tuple[Any, ...], **options: Any) -> Any:
    """A user's function, compiled for this signature."""
    try:
        allow_calls(function)
        dispatcher = njit(**INNER, **options)(function)
        dispatcher.compile(signature)
    except Exception as error:  # numba's own errors have no base class in common
        raise UncompilableError(function, _reason(error)) from error
    return dispatcher


def _reason(error: Exception) -> str:
    """The sentence of numba's message that says what is wrong, and the line where it is."""
    text = str(error)
    if "NRT required" in text and "<dynamic> raise" in text:
        return "it raises an exception with a computed argument; return a status or a code instead"
    if "NRT required" in text:
        return "it makes an object; a compiled part has only its state and numbers"
    specific = re.search(r"TypingError: (.+)", text)
    if specific is not None:
        sentence = specific[1]
    else:
        lines = [line.strip(" -") for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("Failed in")]
        ends = ("File ", "During", "There are ", "Raised from")
        sentence = " ".join(takewhile(lambda line: not line.startswith(ends), lines))
    line = re.search(r'^File "[^"]*", line (\d+):', text, re.MULTILINE)
    return sentence.strip(" .") + ("" if line is None else f" (line {line[1]})")


def _returned(compiled: Any) -> Any:
    return compiled.nopython_signatures[0].return_type


def _is_integer(kind: Any) -> bool:
    return isinstance(kind, types.Integer | types.Boolean)


def _check_answer(function: Function, compiled: Any) -> None:
    kind = _returned(compiled)
    if not (isinstance(kind, types.BaseTuple) and len(kind) == 2 and all(map(_is_integer, kind))):
        raise UncompilableError(
            function, f"handle returns {kind}; it must return two integers, (status, value)"
        )


def _check_code(function: Function, compiled: Any, role: str) -> None:
    kind = _returned(compiled)
    inner = kind.type if isinstance(kind, types.Optional) else kind
    if not (isinstance(inner, types.NoneType) or _is_integer(inner)):
        raise UncompilableError(
            function, f"{role} returns {kind}; it must return nothing or an integer, its code"
        )


def _answer_source(functions: Functions) -> str:
    """The function that answers a query to any peripheral: (DATA, value), (GOOD, 0) or
    (FAIL, code). A handle that fails makes its peripheral a fallen one."""
    lines = [
        "def function(table, number, query, address, value):",
        "    refuse_peripheral(number < 0 or number >= table[PERIPHERALS])",
        "    record = I(HEAD) + number * I(RECORD)",
        "    kind = table[record + KIND]",
        "    if kind == NO_KIND:",
        "        return I(FAIL), I(GONE)",
        "    state = state_at(table[record + ADDRESS], table[record + LENGTH])",
        "    status, result, error = I(FAIL), I(GONE), I(0)",
    ]
    for index in range(len(functions.handle)):
        lines += [
            f"    {_case(index, len(functions.handle))}",
            f"        status, result, error = handle_{index}(state, query, address, value)",
        ]
    lines += [
        "    if error == 0:",
        "        if status == FAIL or status == DATA and query == LOAD:",
        "            return status, result",
        "        if status == GOOD and query == SAVE:",
        "            return status, I(0)",
        "    table[FALLEN] += 1",
        "    table[record + RANK] = table[FALLEN]",
        "    table[record + KIND] = NO_KIND",
        "    if error != 0:",
        "        table[record + WHY], table[record + END_CODE] = BY_ERROR, error",
        "    elif status == END:",
        "        table[record + WHY], table[record + END_CODE] = BY_CODE, result",
        "    else:",
        "        table[record + WHY], table[record + END_CODE] = BY_STATUS, status",
        "    return I(FAIL), I(GONE)",
    ]
    return "\n".join(lines)


def _loop_source(functions: Functions) -> str:
    """The loop: whole turns until `turns` are done, or up to a part that ends.

    It begins at part number `first` of the turn: processors count first, then cycles.
    """
    lines = [
        "def function(table, processors, cycles, first, turns):",
        "    bus = make_bus(table)",
        "    processor, cycle = first, I(0)",
        "    if first > processors.size:",
        "        processor, cycle = I(processors.size), first - processors.size",
        "    done = I(0)",
        "    while done < turns:",
        "        table[DONE] = done",
    ]
    lines += _steps("processor", "processors", functions.exe_ins, "exe_ins_{}(state, bus)", "KIND")
    if functions.cycle:
        lines += _steps("cycle", "cycles", functions.cycle, "cycle_{}(state)", "CYCLE")
    lines += [
        "        processor, cycle = I(0), I(0)",
        "        done += I(1)",
        "    table[DONE] = done",
    ]
    return "\n".join(lines)


def _case(index: int, count: int) -> str:
    """The line that begins the code for one of `count` kinds; the last needs no comparison."""
    if count == 1:
        return "if True:"
    if index == count - 1:
        return "else:"
    return f"{'elif' if index else 'if'} kind == {index}:"


def _steps(
    counter: str, records: str, functions: tuple[Function, ...], call: str, kind: str
) -> list[str]:
    """One call for each of `records`, of the function that the word `kind` there says."""
    lines = [
        f"        while {counter} < {records}.size:",
        f"            record = {records}[{counter}]",
        "            table[CURRENT] = record",
        "            state = state_at(table[record + ADDRESS], table[record + LENGTH])",
        f"            kind = table[record + {kind}]",
        "            ended, code = I(0), I(0)",
    ]
    for index in range(len(functions)):
        lines += [
            f"            {_case(index, len(functions))}",
            f"                ended, code = returned_code({call.format(index)})",
        ]
    lines += [
        f"            {counter} += I(1)",
        "            if ended != 0 or table[FALLEN] != 0:",
        "                table[ENDED], table[CODE] = ended, code",
        "                return",
    ]
    return lines
