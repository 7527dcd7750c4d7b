"""`dataclass` for modules that every process imports.

It makes the same classes as that of `dataclasses`, at a third of the cost: Python 3.11 and 3.12
compile the source text of up to six methods for each class, and a process that runs a program for
some milliseconds imports forty of them. Here only `__init__` is compiled; the other methods need
no more than the names of the fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(
        *, eq: bool = True, frozen: bool = False, slots: bool = False
    ) -> Callable[[type], type]:
        """As `dataclasses.dataclass`, for those of its parameters that are used here. Classes that
        inherit from a frozen one must be made by this function too."""

        def make(cls: type) -> type:
            written = frozenset(vars(cls))
            # Without one, that of `dataclasses` takes as long again to write the signature there.
            cls.__doc__ = cls.__doc__ or cls.__name__
            made = dataclasses.dataclass(cls, init=False, repr=False, eq=False, slots=slots)
            parts = fields(made)
            methods = _methods(made, parts, frozen)
            if not eq:
                del methods["__eq__"], methods["__hash__"]
            for name, method in methods.items():
                if name not in written:
                    if method is not None:
                        method.__qualname__ = f"{cls.__qualname__}.{name}"
                    setattr(made, name, method)
            return made

        return make


__all__ = ["dataclass"]


def _methods(cls: type, parts: tuple[Field[Any], ...], frozen: bool) -> dict[str, Any]:
    values = _getter([one.name for one in parts if one.compare])
    shown = [one.name for one in parts if one.repr]

    def equal(self: object, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def text(self: object) -> str:
        content = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({content})"

    methods = {
        "__init__": _constructor(cls, parts, frozen),
        "__eq__": equal,
        "__repr__": text,
        "__hash__": None,
    }
    return methods | _methods_of_frozen(cls, parts, values) if frozen else methods


def _methods_of_frozen(
    cls: type, parts: tuple[Field[Any], ...], compared: Callable[[Any], tuple[Any, ...]]
) -> dict[str, Any]:
    names = [one.name for one in parts]
    everything = _getter(names)

    def hash_value(self: object) -> int:
        return hash(compared(self))

    def set_attribute(self: object, name: str, value: object) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def delete_attribute(self: object, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    def get_state(self: object) -> list[Any]:
        return list(everything(self))

    def set_state(self: object, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    methods: dict[str, Any] = {
        "__hash__": hash_value,
        "__setattr__": set_attribute,
        "__delattr__": delete_attribute,
    }
    if "__slots__" in vars(cls):
        # For pickles, which would set attributes one by one.
        methods |= {"__getstate__": get_state, "__setstate__": set_state}
    return methods


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """The values of fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _constructor(cls: type, parts: tuple[Field[Any], ...], frozen: bool) -> Any:
    """`__init__`, the one method that is compiled: objects are made all the time."""
    given: list[str] = []
    by_name: list[str] = []
    body: list[str] = []
    has_slots = "__slots__" in vars(cls)
    known: dict[str, object] = {"_set": object.__setattr__, "_missing": MISSING}
    for one in parts:
        value = one.name
        if one.default_factory is not MISSING:
            known[f"_new_{one.name}"] = one.default_factory
            value = f"_new_{one.name}()"
            if one.init:
                value += f" if {one.name} is _missing else {one.name}"
        if one.init:
            (by_name if one.kw_only else given).append(_parameter(one, known))
        elif one.default_factory is MISSING:
            continue
        setting = f"self.{one.name} = {value}"
        if frozen and has_slots:
            # The slot itself: half the time of looking for it by its name.
            known[f"_set_{one.name}"] = getattr(cls, one.name).__set__
            setting = f"_set_{one.name}(self, {value})"
        elif frozen:
            setting = f"_set(self, {one.name!r}, {value})"
        body.append(f"  {setting}")
    if hasattr(cls, "__post_init__"):
        body.append("  self.__post_init__()")
    parameters = ", ".join(["self", *given, *(["*", *by_name] if by_name else [])])
    text = "\n".join([f"def __init__({parameters}):", *(body or ["  pass"])])
    methods: dict[str, Any] = {}
    exec(text, known, methods)
    constructor = methods["__init__"]
    constructor.__annotations__ = {one.name: one.type for one in parts if one.init}
    constructor.__annotations__["return"] = None
    constructor.__module__ = cls.__module__
    return constructor


def _parameter(one: Field[Any], known: dict[str, object]) -> str:
    if one.default is not MISSING:
        known[f"_default_{one.name}"] = one.default
        return f"{one.name}=_default_{one.name}"
    return one.name if one.default_factory is MISSING else f"{one.name}=_missing"
