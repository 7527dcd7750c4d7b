"""What the lanes of a batch are made like."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy
from numpy.typing import NDArray

from ..arguments import whole_number, whole_numbers
from ..core.component import Component, metadata_of
from ..machine.motherboard import Motherboard
from .component import BatchComponent
from .proxy import ComponentProxy, check_components, size_of

PAGE = 4096
"""The ROM of a batch is a multiple of this, in bytes, unless the caller says otherwise."""


@runtime_checkable
class LinkedProgram(Protocol):
    """A program that knows the machine it is made for."""

    def batch_parts(
        self,
        components: Sequence[BatchComponent] | Mapping[int, BatchComponent],
        ram_size: int | None,
    ) -> tuple[Motherboard, Mapping[int, BatchComponent]]:
        """The template of its lanes, with so many bytes of RAM, and by id the components that
        serve all lanes: those given, and others for what is left. ValueError."""


def check_programs(programs: NDArray[numpy.uint32], template: Motherboard) -> None:
    """Programs of the lanes replace the ROM that is component 0."""
    rom = template.components[0]
    (window,) = rom.windows or (None,)
    if window is None or window.write_error is None:
        raise ValueError(
            f"programs of lanes replace component 0, but {rom.name} is no read-only memory"
        )
    if programs.shape[1] > len(window.words):
        raise ValueError(
            f"programs of {programs.shape[1]} words do not fit the {len(window.words)} words "
            f"of {rom.name}"
        )


def template_of(
    words: NDArray[numpy.uint32],
    ram_size: int,
    rom_size: int | None,
    components: Iterable[BatchComponent],
) -> Motherboard:
    """A board with the words in its ROM, RAM, and a proxy for each component."""
    # The components are another package of the distribution, which the core does not need.
    from lrvm_components import BootRom, Ram

    ram_size = whole_number("ram_size", ram_size)
    size = -(-4 * len(words) // PAGE) * PAGE or PAGE
    if rom_size is not None:
        size = whole_number("rom_size", rom_size)
    lock = threading.Lock()
    parts: list[Component] = [BootRom(words, size), Ram(ram_size)]
    parts += [ComponentProxy(component, lock) for component in components]
    board = Motherboard(parts, "interpreter")
    for outcome in board.map_contiguous(0):
        if isinstance(outcome.result, Exception):
            raise outcome.result
    # Not board.reset(), which would reset the batch's components for a lane that is none.
    board.core.state.reset()
    return board


def components_by_id(
    template: Motherboard, components: Mapping[int, BatchComponent]
) -> dict[int, BatchComponent]:
    """The batch's components, checked: each id exists, and what is no memory has one."""
    check_components(list(components.values()))
    numbers = whole_numbers("components", "a component's id", components)
    components = dict(zip(numbers, components.values(), strict=True))
    for number, batch_component in components.items():
        if not 0 <= number < len(template.components):
            raise ValueError(
                f"there is no component {number}; ids go from 0 to {len(template.components) - 1}"
            )
        mapping = template.mappings.of(number)
        size = size_of(batch_component)
        if mapping is not None and mapping.last + 4 - mapping.first > size:
            raise ValueError(
                f"{batch_component.name} has {size} bytes, but the template maps "
                f"{mapping.last + 4 - mapping.first} of its component {number}, "
                f"{template.components[number].name}; use a component of that size"
            )
    for number, component in enumerate(template.components):
        if number not in components and not is_plain_memory(component):
            raise ValueError(
                f"component {number}, {component.name}, is more than plain memory: pass "
                f"components={{{number}: ...}} with a BatchComponent that serves all lanes"
            )
    return dict(components)


def is_plain_memory(component: Component) -> bool:
    """Whether a component is nothing but one window of memory, of which lanes can have copies."""
    kind = type(component)
    return (
        len(component.windows) == 1
        and component.windows[0].offset == 0
        and component.windows[0].end == metadata_of(component).size
        and component.windows[0].read_error is None
        and kind.read is Component.read
        and kind.write is Component.write
        and kind.attach is Component.attach
    )


def copied(component: Component) -> Component:
    """The same plain memory for another board."""
    twin = copy.copy(component)
    twin.windows = tuple(copy.copy(window) for window in component.windows)
    for window in twin.windows:
        window.words = window.words.copy()
        window.base = -1
    twin.plugged_in = False
    return twin
