"""Component types: what a machine file can name, and the settings that each of them takes.

A type is a callable that makes a component, usually the component's class. Its settings are the
parameters that are annotated as `int`, `float`, `bool`, `str` or `Path`, or one of these
`| None`; those with defaults may be left out, and a parameter of another type must have one. A
parameter annotated as `Context` gets the machine that is being built.

An installed distribution adds types with the entry-point group `lrvm.components`:

    [project.entry-points."lrvm.components"]
    my-timer = "my_package:Timer"
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

from lrvm_jit import Component
from lrvm_jit.locks import cached_property

from .context import Context
from .host_paths import HostPaths

ENTRY_POINT_GROUP: Final = "lrvm.components"
PLACEMENT: Final = ("address", "last", "mapped")
"""Keys that every component takes besides its settings: where to map it."""

Factory: TypeAlias = Callable[..., Component]
Value: TypeAlias = int | float | bool | str | Path

_KINDS: Final[dict[type[Value], str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    Path: "a path, as a string",
}


class ComponentTypeError(ValueError):
    """A component type that cannot be used from a machine file."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a component type; `kind` is the Python type of its value."""

    name: str
    kind: type[Value]
    required: bool

    @property
    def expected(self) -> str:
        """What the value must be, in words."""
        return _KINDS[self.kind]

    def convert(self, value: object, paths: HostPaths) -> Value:
        """The value of the machine file as the factory takes it; ValueError if it is none, or a
        path that is out of reach."""
        # TOML tells `true` from 1, Python does not.
        if isinstance(value, bool) is (self.kind is bool):
            if self.kind is Path and isinstance(value, str):
                return paths.find(value)
            if self.kind is float and isinstance(value, int | float):
                return float(value)
            if self.kind is not Path and isinstance(value, self.kind):
                return value
        hint = whole_number_hint(value) if self.kind is int else ""
        raise ValueError(
            f"setting {self.name!r} must be {self.expected}, not {_shown(value)}{hint}"
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.expected}{', required' if self.required else ''})"


@dataclass(frozen=True)
class ComponentType:
    """A component type by its name in machine files. `origin` tells who provides it."""

    name: str
    factory: Factory
    origin: str

    @cached_property
    def summary(self) -> str:
        """The first line of the type's docstring."""
        return (inspect.getdoc(self.factory) or "").partition("\n")[0]

    @cached_property
    def settings(self) -> Mapping[str, Setting]:
        """The settings by name. ComponentTypeError if a required parameter can be none."""
        settings = {}
        for parameter, annotation in self._parameters:
            kind = _value_type(annotation)
            required = parameter.default is parameter.empty
            if annotation is Context:
                continue
            if kind is None and required:
                raise ComponentTypeError(
                    f"type {self.name!r} of {self.origin} cannot be used in a machine file: "
                    f"its parameter {parameter.name!r} is of no type that a file can hold"
                )
            if kind is not None:
                settings[parameter.name] = Setting(parameter.name, kind, required)
        return settings

    def make(self, values: Mapping[str, Value], context: Context) -> Component:
        """A component with these settings. Passes on whatever the factory raises."""
        extra = {
            parameter.name: context
            for parameter, annotation in self._parameters
            if annotation is Context
        }
        component = self.factory(**values, **extra)
        if not isinstance(component, Component):
            raise ComponentTypeError(
                f"type {self.name!r} of {self.origin} made {component!r}, which is no component"
            )
        return component

    @cached_property
    def _parameters(self) -> list[tuple[inspect.Parameter, Any]]:
        """The parameters that can be given by name, with their annotations."""
        factory = self.factory
        if not callable(factory):
            raise ComponentTypeError(
                f"type {self.name!r} of {self.origin} is {factory!r}, which makes no components"
            )
        try:
            hints = get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
            parameters = inspect.signature(factory).parameters.values()
        except Exception as error:
            raise ComponentTypeError(
                f"the parameters of type {self.name!r} of {self.origin} cannot be told: {error}"
            ) from error
        return [
            (parameter, hints.get(parameter.name))
            for parameter in parameters
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        ]


def component_types() -> dict[str, ComponentType]:
    """The built-in types, then those of installed distributions that can be loaded, by name."""
    from .builtin import BUILTIN_TYPES

    found = {name: ComponentType(name, make, "lrvm-jit") for name, make in BUILTIN_TYPES.items()}
    for name in sorted(_installed()):
        if name not in found:
            try:
                found[name] = find_type(name)
            except ComponentTypeError:
                continue
    return found


def find_type(name: str) -> ComponentType:
    """The component type of that name. KeyError if there is none, ComponentTypeError if it is
    broken, or provided by several distributions."""
    from .builtin import BUILTIN_TYPES

    if name in BUILTIN_TYPES:
        return ComponentType(name, BUILTIN_TYPES[name], "lrvm-jit")
    candidates = _installed()[name]
    if not candidates:
        raise KeyError(name)
    origins = sorted({_origin(candidate) for candidate in candidates})
    if len(origins) > 1:
        raise ComponentTypeError(f"type {name!r} is provided by several: {', '.join(origins)}")
    try:
        factory = candidates[0].load()
    except Exception as error:
        raise ComponentTypeError(
            f"type {name!r} of {origins[0]} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    kind = ComponentType(name, factory, origins[0])
    taken = sorted(set(kind.settings) & {"type", *PLACEMENT})
    if taken:
        raise ComponentTypeError(
            f"type {name!r} of {origins[0]} has a setting {taken[0]!r}, a name that is taken"
        )
    return kind


def known_names() -> list[str]:
    """The names of all component types, whether they can be loaded or not."""
    from .builtin import BUILTIN_TYPES

    return sorted({*BUILTIN_TYPES, *_installed()})


def _installed() -> defaultdict[str, list[EntryPoint]]:
    found: defaultdict[str, list[EntryPoint]] = defaultdict(list)
    for point in entry_points(group=ENTRY_POINT_GROUP):
        found[point.name].append(point)
    return found


def _origin(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _value_type(annotation: Any) -> type[Value] | None:
    """The one value type that an annotation allows, or None."""
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        annotation = members[0] if len(members) == 1 else None
    return annotation if annotation in _KINDS else None


def whole_number_hint(value: object) -> str:
    """What to write in a machine file where a whole number belongs: TOML's 1e6 is a float."""
    if isinstance(value, float) and value.is_integer():
        return f": write {int(value):_}"
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return f": write {int(value):_}, without quotes"
    return ""


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
