"""A machine's components for the lanes of a batch, each with a text to read and one to write.

A machine of a file becomes the template of a batch. Its memory is the template's; character
displays and keyboards become components that serve all lanes in one call; of everything else
each lane gets one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lrvm_components import Host as HostComponent
from lrvm_components.batch_host import BatchHost
from lrvm_jit import Component
from lrvm_jit.batch import BatchComponent, CharInput, CharOutput, PerLane
from lrvm_jit.batch.template import is_plain_memory
from lrvm_jit.core.component import metadata_of

from .errors import MachineError
from .host import Host
from .machine import ComponentMaker, Machine

if TYPE_CHECKING:
    from lrvm_jit.batch import LaneArrays

_SHARED: Final = "file"
"""The type of components behind which there is one file, whoever uses it."""


class LaneText(Host):
    """The outside world of one lane's displays and keyboards."""

    def __init__(self, lane: int, output: CharOutput, keys: CharInput) -> None:
        self._lane = lane
        self._output = output
        self._keys = keys

    def show(self, text: str) -> None:
        self._output.put(self._lane, text)

    def read_character(self) -> str:
        return self._keys.take(self._lane)

    def read_line(self) -> str:
        return self._keys.take(self._lane, "\n")


class LanePart(PerLane):
    """A component of each lane, with the lane's text as its world."""

    def __init__(
        self,
        make: ComponentMaker,
        output: CharOutput,
        keys: CharInput,
        loose: Sequence[BatchComponent],
    ) -> None:
        """`loose` are those of `output` and `keys` that are no components of the batch themselves;
        the first part that is plugged in takes them along."""
        self._output = output
        self._keys = keys
        self._loose = loose
        super().__init__(lambda lane: make(LaneText(lane, output, keys)))

    def plug_in(self, lanes: LaneArrays) -> None:
        super().plug_in(lanes)
        for component in self._loose:
            component.plug_in(lanes)

    def rewind(self) -> None:
        super().rewind()
        for component in self._loose:
            component.rewind()

    def load_texts(self, texts: Sequence[str]) -> None:
        """See `TextReader`."""
        self._keys.load_texts(texts)

    def texts(self) -> list[str]:
        """See `TextWriter`."""
        return self._output.texts()

    def clear(self) -> None:
        """See `TextWriter`."""
        self._output.clear()


def lane_components(
    machine: Machine, limit: int | None = None, arguments: Sequence[str] = ()
) -> Mapping[int, BatchComponent]:
    """Who serves the components of a machine for all lanes, by id.

    A lane that has written `limit` characters (bytes, to the component Host) gets hardware error
    0x30. `arguments` are the component Host's. MachineError for a component that lanes cannot have:
    a file's memory, or a Host beside displays and keyboards.
    """
    parts = machine.board.components
    types = machine.types
    wanted = [number for number, part in enumerate(parts) if not is_plain_memory(part)]
    problems = [
        f"component {number} ({_SHARED}): lanes cannot share a file; use the type `flash` with an "
        "`image`"
        for number in wanted
        if types[number] == _SHARED
    ]
    hosts = [number for number in wanted if isinstance(parts[number], HostComponent)]
    if hosts and any("display" in name or "keyboard" in name for name in types):
        problems.append(
            f"component {hosts[0]} (host): of the text that a lane writes its displays have one "
            "part and this the other; leave one kind out"
        )
    if problems:
        raise MachineError(machine.source, problems)
    served: dict[int, BatchComponent] = {}
    for number in hosts:
        served[number] = BatchHost(
            arguments=arguments, limit=limit, hw_id=_hardware_id(parts[number])
        )
    display = _first(types, "character-display")
    keyboard = _first(types, "character-keyboard")
    output = CharOutput(limit, hw_id=None if display is None else _hardware_id(parts[display]))
    keys = CharInput(hw_id=None if keyboard is None else _hardware_id(parts[keyboard]))
    loose: list[BatchComponent] = []
    for direct, component in ((display, output), (keyboard, keys)):
        if direct is None:
            loose.append(component)
        else:
            served[direct] = component
    for number in wanted:
        if number not in served:
            served[number] = LanePart(machine.makers[number], output, keys, loose)
            loose = []
    return served


def _first(types: Sequence[str], name: str) -> int | None:
    return types.index(name) if name in types else None


def _hardware_id(component: Component) -> int:
    return metadata_of(component).hardware_id
