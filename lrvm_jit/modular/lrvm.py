"""LRVM inside a modular machine: its CPU as a processor, its components as peripherals."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..arguments import optional_number, whole_number
from ..core.component import Component, metadata_of
from ..core.error_notes import add_note_once
from ..core.metadata import Category, hardware_id
from ..core.metadata import Metadata as HardwareMetadata
from ..core.running import RightToRun
from ..core.signals import DeferredSignals
from ..core.stop import Stop, StopReason
from ..exceptions import HardwareError
from ..jit.options import TranslatorOptions
from ..machine.motherboard import Motherboard
from .endpoint import Endpoint
from .messages import Data, Fail, Good, Load, Metadata, Query, Response, Save, Swap, Terminate
from .parts import Channels, Peripheral, Processor
from .shared_ram import LentRam, refused

if TYPE_CHECKING:
    from lrvm_components.memory import Words

BATCH: Final = 250_000
"""Instructions of a batch: less than a millisecond, as others may wait for this processor."""
BATCH_QUERIES: Final = 256
"""Queries after which a batch ends all the same: a processor that polls makes little headway with
many instructions' worth of time."""
COPY_SHARE: Final = 16
"""A batch has at least so many instructions for each word of memory that is shared directly: the
next owner has to copy them all, and a word takes about as long as an instruction."""


class Port(Component):
    """A range of a board's addresses that leads to a peripheral.

    Every access of the guest there becomes a query over channel number `channel`: a load a `Load`,
    a store a `Save`, SRM one `Swap`. The query's address is the byte offset within the port, so
    the peripheral's address 0 is where the port is mapped. The code of a `Fail` is the 16 bits of
    the hardware exception that the guest gets.

    `size` is in bytes. What the guest reads with HWD is `name` and `metadata`; `Port.like` takes
    them from a component. RESET does not reach the peripheral.
    """

    def __init__(
        self,
        channel: int,
        size: int | None = None,
        *,
        name: str = "Peripheral",
        metadata: HardwareMetadata | None = None,
    ) -> None:
        channel = whole_number("channel", channel)
        if channel < 0:
            raise ValueError(f"channel {channel} is negative; channels are numbered from 0")
        if (size is None) == (metadata is None):
            raise ValueError("a port takes its size or its metadata, which contain the size")
        if metadata is None:
            size = whole_number("size", size)
            metadata = HardwareMetadata(hardware_id(name), size, Category.UNCATEGORIZED, type=0)
        self.name = name
        self.channel = channel
        self._metadata = metadata
        self._turn: Turn | None = None

    @classmethod
    def like(cls, channel: int, component: Component) -> Port:
        """A port to a peripheral made from `component`, for a guest that looks at the hardware."""
        return cls(channel, name=component.name, metadata=metadata_of(component))

    def metadata(self) -> HardwareMetadata:
        return self._metadata

    @property
    def interruptible(self) -> bool:  # type: ignore[override]
        """Whether Ctrl-C may end an access in the middle: if the peripheral says so."""
        return self._turn is not None and self._turn.may_be_interrupted(self.channel)

    def serve(self, turn: Turn) -> None:
        """Send the accesses of a processor from now on. For processors."""
        self._turn = turn

    def read(self, offset: int) -> int:
        response = self._ask(Load(offset))
        if response.__class__ is Data:
            return response.value
        raise self._refusal(response)

    def write(self, offset: int, word: int) -> None:
        response = self._ask(Save(offset, word))
        if response.__class__ is not Good:
            raise self._refusal(response)

    def swap(self, offset: int, word: int) -> int:
        response = self._ask(Swap(offset, word))
        if response.__class__ is Data:
            return response.value
        raise self._refusal(response)

    def _ask(self, query: Query) -> Response:
        if self._turn is None:
            raise RuntimeError(
                f"{self.name} leads to channel {self.channel} of a modular machine; "
                "run its board as an LrvmProcessor in one"
            )
        return self._turn.query(self.channel, query)

    def _refusal(self, response: Response) -> Exception:
        if not isinstance(response, Fail):
            return TypeError(f"{self.name} answered {response!r}, which is no answer to this query")
        if not 0 <= response.code <= 0xFFFF:
            return ValueError(
                f"{self.name} answered Fail({response.code}); for an LRVM processor a code must "
                "fit the 16 bits of a hardware exception, 0..0xFFFF"
            )
        return HardwareError.from_word(response.code)


class Turn:
    """A batch of a board: the channels it may use and the memory it owns meanwhile."""

    def __init__(self, board: Motherboard) -> None:
        self._board = board
        self._direct = sorted(
            (c for c in board.components if isinstance(c, LentRam)), key=lambda c: c.ram.number
        )
        for one, other in itertools.pairwise(self._direct):
            if one.ram is other.ram:
                raise ValueError("a board has two direct ports to one SharedRam; one is enough")
        self._owned: list[LentRam] = []
        self._channels: Channels = ()
        self._queries = 0

    @property
    def shared_words(self) -> int:
        """Words of memory that the board shares directly."""
        return sum(len(port.windows[0].words) for port in self._direct)

    def begin(self, channels: Channels) -> None:
        self._channels = channels
        self._queries = 0
        self._acquire(first=False)

    def end(self) -> None:
        """Let the shared memory go, as far as it has been taken."""
        while self._owned:
            self._owned.pop().release()

    def may_be_interrupted(self, channel: int) -> bool:
        """Whether the part behind a channel waits for somebody when it is asked."""
        endpoint = self._channels[channel] if channel < len(self._channels) else None
        part = endpoint.target.part if isinstance(endpoint, Endpoint) else None
        return isinstance(part, Peripheral) and part.interruptible

    def query(self, channel: int, query: Query) -> Response:
        """Ask a peripheral. Meanwhile others may own the shared memory: whoever answers may have
        to wait for them."""
        self._queries += 1
        if self._queries == BATCH_QUERIES:
            self._board.stop()
        if not self._direct:
            return self._channels[channel].query(query)
        self.end()
        try:
            return self._channels[channel].query(query)
        finally:
            if self._acquire(first=True):
                self._board.memory.changed()

    def _acquire(self, *, first: bool) -> bool:
        changed = False
        for port in self._direct:
            changed |= port.acquire(first=first)
            self._owned.append(port)
        return changed


class LrvmProcessor(Processor):
    """An LRVM CPU that runs a batch of instructions in each `exe_ins`.

    It is made of a program, words for a RAM of `ram_size` bytes at address 0, with `ports` at
    their addresses. Or of a board of one's own, which may have ports among its components.

    `registers` are set at boot, after the reset: that tells processors with the same program
    apart. HALT ends the processor with code 0. With `halt_on_exception` the first exception or
    interruption of the guest ends it with the exception's code; otherwise the guest deals with
    its exceptions as on any board. `batch` is how many instructions a batch has, at most: one
    with many queries ends earlier. Only between batches a machine can be stopped.
    """

    def __init__(
        self,
        program: Motherboard | Words,
        *,
        ram_size: int | None = None,
        ports: Mapping[int, Component] | None = None,
        registers: Mapping[str, int] | None = None,
        batch: int | None = None,
        halt_on_exception: bool = False,
        engine: str | TranslatorOptions = "auto",
        name: str = "LRVM",
    ) -> None:
        if isinstance(program, Motherboard):
            if ram_size is not None or ports is not None or engine != "auto":
                raise ValueError(
                    "ram_size, ports and engine are for a processor made from a program; "
                    "give them to the board"
                )
            self.board = program
        else:
            self.board = _board(program, ram_size, ports or {}, engine)
        batch = optional_number("batch", batch, 1)
        self._name = name
        self._registers = dict(registers or {})
        self._halt_on_exception = halt_on_exception
        self._turn = Turn(self.board)
        self.batch = batch or max(BATCH, COPY_SHARE * self._turn.shared_words)
        self._is_running = False
        self._right = RightToRun(
            f"{name} executes a batch already",
            signals=DeferredSignals(ask=lambda: None, at_once=lambda: self._is_running),
            tidy=self._end_batch,
        )
        self._ports = [port for port in self.board.components if isinstance(port, Port)]
        for port in self._ports:
            port.serve(self._turn)

    def metadata(self) -> Metadata:
        return Metadata(self._name)

    def boot(self, channels: Channels) -> None:
        """Check the ports, reset the board, set the registers."""
        for port in self._ports:
            if port.channel >= len(channels):
                raise ValueError(
                    f"{port.name} leads to channel {port.channel}, but this processor has only "
                    f"{len(channels)} channels, numbered from 0"
                )
        self.board.reset()
        for register, value in self._registers.items():
            self.board.cpu.regs[register] = value

    def exe_ins(self, channels: Channels) -> None:
        """Run a batch."""
        stop = self._right.exclusively(self._run_batch, channels)
        if stop.reason is StopReason.HALTED:
            raise Terminate(0)
        if stop.exception is not None:
            end = Terminate(stop.exception.code)
            end.add_note(f"{stop.exception}, at 0x{stop.address:08X}")
            raise end

    def _run_batch(self, channels: Channels) -> Stop:
        self._turn.begin(channels)
        # From here on signals are the board's affair, which knows when nothing is lost.
        self._is_running = True
        stop = self.board.run(self.batch, halt_on_exception=self._halt_on_exception)
        self._is_running = False
        return stop

    def _end_batch(self) -> None:
        self._is_running = False
        self._turn.end()


def _board(
    program: Words,
    ram_size: int | None,
    ports: Mapping[int, Component],
    engine: str | TranslatorOptions,
) -> Motherboard:
    from lrvm_components import Ram
    from lrvm_components.memory import words_of

    words = words_of(program)
    if ram_size is not None:
        ram_size = whole_number("ram_size", ram_size)
    ram = Ram(words.nbytes if ram_size is None else ram_size, image=words)
    board = Motherboard([ram, *ports.values()], engine)
    board.map(0, 0)
    for number, address in enumerate(ports, start=1):
        board.map(address, number)
    return board


class ComponentPeripheral(Peripheral):
    """Any LRVM component as a peripheral.

    A query's address is the byte offset within the component. What the component refuses, and
    what no LRVM processor would ask for, gets a `Fail` with the 16 bits of the hardware error.
    `boot` resets the component, `halt` closes it.
    """

    knows_swap = True

    def __init__(self, component: Component) -> None:
        self._size = metadata_of(component).size
        if component.plugged_in:
            raise ValueError(f"{component.name} already belongs to a board or a peripheral")
        component.plugged_in = True
        self.component = component

    @property
    def interruptible(self) -> bool:  # type: ignore[override]
        """Whether the component is."""
        return self.component.interruptible

    def metadata(self) -> Metadata:
        return Metadata(self.component.name)

    def boot(self) -> None:
        self.component.reset()

    def halt(self) -> None:
        try:
            self.component.close()
        finally:
            # As from a board that is closed.
            self.component.plugged_in = False

    def handle(self, query: Query) -> Response:
        component, address = self.component, query.address
        refusal = refused(query, self._size)
        if refusal is not None:
            return refusal
        try:
            if isinstance(query, Load):
                return Data(component.read(address))
            if isinstance(query, Save):
                component.write(address, query.value)
                return Good()
            if component.swap is not None:
                return Data(component.swap(address, query.value))
            old = component.read(address)
            component.write(address, query.value)
            return Data(old)
        except HardwareError as error:
            return Fail(error.word)
        except Exception as error:
            what = "read" if isinstance(query, Load) else "write"
            add_note_once(error, f"component {component.name}, {what} at offset 0x{address:X}")
            raise
