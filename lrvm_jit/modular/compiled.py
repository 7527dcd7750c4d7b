"""Parts whose work is done by functions that numba can compile.

A compiled part has a state, an array of int64, and functions over it. The same functions run in
two ways: as plain Python, in every kind of machine, under both schedulers and beside ordinary
parts; and compiled, in a `Machine` under the cooperative scheduler that has no other parts.
docs/modular.md, "Compiled parts", says what such functions may do.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from ..arguments import number_within, whole_numbers
from .compiled_layout import (
    DATA,
    END,
    FAIL,
    GONE,
    GOOD,
    LOAD,
    NO_SUCH_PERIPHERAL,
    SAVE,
    UNKNOWN_STATUS,
)
from .errors import DisconnectedError
from .messages import Data, Fail, Good, Load, Metadata, Query, Response, Save, Swap, Terminate
from .parts import Channels, Peripheral, Processor

__all__ = [
    "DATA",
    "END",
    "FAIL",
    "GONE",
    "GOOD",
    "LOAD",
    "SAVE",
    "Bus",
    "CompiledPeripheral",
    "CompiledProcessor",
    "State",
]

State: TypeAlias = NDArray[np.int64]
Answer: TypeAlias = tuple[int, int]
"""Status and value: (DATA, value), (GOOD, 0) or (FAIL, code)."""


class Bus(Protocol):
    """What `exe_ins` of a compiled processor reaches the peripherals with, by their numbers.

    IndexError if there is no peripheral of that number. A peripheral that has ended answers
    (FAIL, GONE).
    """

    def load(self, peripheral: int, address: int) -> Answer:
        """Ask for a value: (DATA, value) or (FAIL, code)."""

    def save(self, peripheral: int, address: int, value: int) -> Answer:
        """Put a value: (GOOD, 0) or (FAIL, code)."""

    def swap(self, peripheral: int, address: int, value: int) -> Answer:
        """Put a value and ask for the one before, in one step: (DATA, old) or (FAIL, code)."""


ExeIns: TypeAlias = Callable[[State, Bus], int | None]
Handle: TypeAlias = Callable[[State, int, int, int], Answer]
Cycle: TypeAlias = Callable[[State], int | None]

F = TypeVar("F", bound=Callable[..., object])


class ChannelBus:
    """The bus in plain Python: each query is one over a channel.

    Numbers go to the functions as numpy's int64, so that they behave as when compiled.
    """

    def __init__(self, channels: Channels) -> None:
        self.channels: Final = channels

    def load(self, peripheral: int, address: int) -> Answer:
        return self._query(peripheral, Load(int(address)))

    def save(self, peripheral: int, address: int, value: int) -> Answer:
        return self._query(peripheral, Save(int(address), int(value)))

    def swap(self, peripheral: int, address: int, value: int) -> Answer:
        return self._query(peripheral, Swap(int(address), int(value)))

    def _query(self, peripheral: int, query: Query) -> Answer:
        if not 0 <= peripheral < len(self.channels):
            raise IndexError(NO_SUCH_PERIPHERAL)
        try:
            response = self.channels[peripheral].query(query)
        except DisconnectedError:
            return FAIL, _int64(GONE)
        match response:
            case Data(value):
                return DATA, _int64(value)
            case Fail(code):
                return FAIL, _int64(code)
        return GOOD, _int64(0)


class CompiledProcessor(Processor):
    """A processor whose instructions are executed by a function that numba can compile.

    `exe_ins(state, bus)` executes one instruction. It returns nothing to go on, or a number to
    end the processor with that code.
    `state` is an array of int64, the numbers to make one of, or how many zeros it has.
    `boot(state, bus)` and `halt(state, bus)` are optional and always run as plain Python.
    `model` is the part's model name.
    """

    def __init__(
        self,
        state: State | Sequence[int] | int,
        exe_ins: ExeIns,
        *,
        boot: ExeIns | None = None,
        halt: ExeIns | None = None,
        model: str | None = None,
    ) -> None:
        self._state = _as_state(state)
        self._exe_ins = _checked(exe_ins, "exe_ins(state, bus)")
        self._boot, self._halt = boot, halt
        self._model = model or type(self).__name__
        self._bus = ChannelBus(())

    @property
    def state(self) -> State:
        """The state. It can be looked at and changed while the machine does not run."""
        return self._state

    @property
    def function(self) -> ExeIns:
        """`exe_ins`, as it was given."""
        return self._exe_ins

    def metadata(self) -> Metadata:
        return Metadata(self._model)

    def boot(self, channels: Channels) -> None:
        if self._boot is not None:
            _end("boot", self._boot(self._state, self._bus_over(channels)))

    def exe_ins(self, channels: Channels) -> None:
        _end("exe_ins", self._exe_ins(self._state, self._bus_over(channels)))

    def halt(self, channels: Channels) -> None:
        if self._halt is not None:
            _end("halt", self._halt(self._state, self._bus_over(channels)))

    def _bus_over(self, channels: Channels) -> Bus:
        if self._bus.channels is not channels:
            self._bus = ChannelBus(channels)
        return self._bus


class CompiledPeripheral(Peripheral):
    """A peripheral whose queries are answered by a function that numba can compile.

    `handle(state, query, address, value)` answers a query, which is LOAD or SAVE, with one of
    (DATA, value), (GOOD, 0), (FAIL, code) and, to end the peripheral, (END, code). It never sees
    a swap, which comes as a LOAD and a SAVE with nothing in between.
    `cycle(state)` is optional, and called once per turn; a number that it returns ends the
    peripheral with that code.
    `state` is an array of int64, the numbers to make one of, or how many zeros it has.
    `boot(state)` and `halt(state)` are optional and always run as plain Python.
    `model` is the part's model name.
    """

    def __init__(
        self,
        state: State | Sequence[int] | int,
        handle: Handle,
        *,
        cycle: Cycle | None = None,
        boot: Cycle | None = None,
        halt: Cycle | None = None,
        model: str | None = None,
    ) -> None:
        self._state = _as_state(state)
        self._handle = _checked(handle, "handle(state, query, address, value)")
        self._cycle = cycle if cycle is None else _checked(cycle, "cycle(state)")
        self._boot, self._halt = boot, halt
        self._model = model or type(self).__name__

    @property
    def state(self) -> State:
        """The state. It can be looked at and changed while the machine does not run."""
        return self._state

    @property
    def functions(self) -> tuple[Handle, Cycle | None]:
        """`handle` and `cycle`, as they were given."""
        return self._handle, self._cycle

    def metadata(self) -> Metadata:
        return Metadata(self._model)

    def boot(self) -> None:
        if self._boot is not None:
            _end("boot", self._boot(self._state))

    def handle(self, query: Query) -> Response:
        match query:
            case Load(address):
                answer = self._handle(self._state, LOAD, _int64(address), _int64(0))
            case Save(address, value):
                answer = self._handle(self._state, SAVE, _int64(address), _int64(value))
            case _:
                # As every peripheral says that does not know the query.
                return cast(Response, NotImplemented)
        try:
            status, result = map(operator.index, answer)
        except (TypeError, ValueError):
            raise TypeError(
                f"handle returned {answer!r}; it must return two integers, (status, value)"
            ) from None
        if status == DATA:
            return Data(result)
        if status == GOOD:
            return Good()
        if status == FAIL:
            return Fail(result)
        if status == END:
            raise Terminate(result)
        raise ValueError(UNKNOWN_STATUS)

    def cycle(self) -> None:
        if self._cycle is not None:
            _end("cycle", self._cycle(self._state))

    def halt(self) -> None:
        if self._halt is not None:
            _end("halt", self._halt(self._state))


def _end(role: str, code: int | None) -> None:
    """End the calling part if its function, `role`, has returned a code.

    TypeError for what numba would refuse to compile.
    """
    if code is None:
        return
    try:
        number = operator.index(code)
    except TypeError:
        raise TypeError(
            f"{role} returned {code!r}; it must return nothing or an integer, its code"
        ) from None
    raise Terminate(number)


def _int64(value: int) -> int:
    """The value as functions get it. OverflowError if it does not fit."""
    return cast(int, np.int64(value))


def _as_state(given: State | Sequence[int] | int) -> State:
    if (isinstance(given, np.ndarray) and given.ndim == 0) or not isinstance(given, Iterable):
        return np.zeros(number_within("the size of a state", given, 0), dtype=np.int64)
    if not isinstance(given, np.ndarray):
        numbers = whole_numbers("a state", "an element of a state", given)
        for position, number in enumerate(numbers):
            number_within(f"element {position} of a state", number, -(1 << 63), (1 << 63) - 1)
        return np.array(numbers, dtype=np.int64)
    if given.dtype != np.int64 or given.ndim != 1:
        raise TypeError(
            f"a state has {given.ndim} dimension(s) of {given.dtype}; it must be an array of one "
            "dimension of int64: array.astype(numpy.int64)"
        )
    if not (given.flags.c_contiguous and given.flags.writeable):
        raise ValueError(
            "a state is a part of another array, or read-only; it must be a contiguous array "
            "that can be written: array.copy()"
        )
    return given


def _checked(function: F, form: str) -> F:
    if not callable(function):
        raise TypeError(f"{function!r} is not a function; it must be one of the form {form}")
    # A function that numba.njit decorates is compiled again, so that it fits its machine.
    return cast(F, getattr(function, "py_func", function))
