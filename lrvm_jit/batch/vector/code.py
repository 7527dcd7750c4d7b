"""The vector code of a batch: of which program, for which memory, and when it is compiled."""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Iterable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from ...code_cache import CodeCache
from ...isa.table import Reg
from ...jit.code.cache import default_cache
from ...jit.code.store import STORE, SharedCode
from ...jit.options import TranslatorOptions
from ...jit.vector.graph import explore
from ...jit.vector.memory_map import MemoryMap
from ...jit.vector.shape import Shape, host_shape
from ...machine.motherboard import Motherboard
from ..lane_arrays import LaneArrays, LaneMemory

MOST_REMADE = 3
"""How often the code of a batch is made anew because lanes are not as they were."""
SAMPLED_LANES = 128
"""About so many lanes tell which registers have one value in all of them."""
MOST_GROUP_BYTES = 64 << 20
"""RAM of a group's lanes together, above which vector code leaves RAM to the scalar path."""


@dataclass(frozen=True, slots=True)
class LaneMachine:
    """What of the lanes' machine vector code can use: one ROM and one RAM."""

    memory: MemoryMap
    rom: NDArray[numpy.uint32]
    """The ROM's words, the same for all lanes for ever."""
    ram: LaneMemory | None
    is_whole: bool
    """Whether there is nothing else on the bus."""

    def word_at(self, pc: int) -> int | None:
        """The word at an address of ROM."""
        index = self.memory.in_rom(pc)
        return None if index is None else int(self.rom[index])


def machine_of(
    template: Motherboard,
    memories: Iterable[LaneMemory],
    components: Iterable[int],
    start: int,
    width: int,
) -> LaneMachine | None:
    """The machine of lanes that are made like `template`; `components` are served by the batch.

    None if the code at `start` is not the same for all lanes, or can change.
    """
    served = set(components)
    of_lanes = {memory.component: memory for memory in memories}
    mapping = template.mappings.find(start)
    if mapping is None or mapping.component in served or mapping.component in of_lanes:
        return None
    (window, *more) = template.components[mapping.component].windows or (None,)
    if window is None or more or window.offset:
        return None
    if window.write_error is None or window.read_error is not None:
        return None
    rom_words = min(mapping.size >> 2, len(window.words))
    found: tuple[LaneMemory, int, int] | None = None
    for memory in of_lanes.values():
        place = template.mappings.of(memory.component)
        if not memory.writable or memory.first_word or memory.component in served:
            continue
        if place is None or 4 * width * memory.rows.shape[1] > MOST_GROUP_BYTES:
            continue
        if template.components[memory.component].windows[0].read_error is not None:
            continue
        words = min(place.size >> 2, memory.rows.shape[1])
        if found is None or words > found[2]:
            found = memory, place.first, words
    ram, ram_base, ram_words = found or (None, 0, 0)
    known = {mapping.component} | ({ram.component} if ram is not None else set())
    return LaneMachine(
        MemoryMap(ram_base, ram_words, mapping.first, rom_words),
        window.words[:rom_words].copy(),
        ram,
        all(place.component in known for place in template.mappings),
    )


@dataclass(frozen=True, slots=True)
class VectorCode:
    """Native code for groups of lanes."""

    shape: Shape
    machine: LaneMachine
    address: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    uses_flags: bool
    accesses: bool
    """Whether it accesses RAM."""
    margin: int
    least: int
    """Lanes with less budget are for the scalar path."""
    steps: frozenset[int]
    """Addresses at which lanes are taken up."""
    alike: frozenset[int]
    """Registers that should have one value in all lanes where they begin. Others are run as well,
    but slowly."""


def alike_registers(arrays: LaneArrays) -> frozenset[int]:
    """Registers that seem to have one value in all lanes that are to run: some lanes tell."""
    some = slice(None, None, max(1, arrays.n // SAMPLED_LANES))
    registers = arrays.regs[some][arrays.halted[some] == 0]
    if not len(registers):
        return frozenset()
    return frozenset(numpy.flatnonzero((registers == registers[0]).all(axis=0)).tolist())


class VectorCompiler:
    """Makes the vector code of a batch when somebody first asks for it; for all workers."""

    def __init__(
        self,
        machine: LaneMachine,
        shape: Shape,
        cache: CodeCache,
        always: bool = False,
        optimize: bool = True,
        alike: frozenset[int] = frozenset(),
        remade: int = 0,
    ) -> None:
        """`always`: use the code at once and for all lanes, whatever is measured. `alike`:
        registers that have one value in all lanes where they begin. `remade`: how many compilers
        there were before, whose code did not fit."""
        self.machine = machine
        self.shape = shape
        self.alike = alike
        self.remade = remade
        self.always = always
        self._cache = cache
        self._optimize = optimize
        self._lock = threading.Lock()
        self.is_made = False
        """Whether it has been tried."""
        self._code: VectorCode | None = None
        self._codes: dict[int, SharedCode] = {}
        weakref.finalize(self, STORE.abandon, self._codes)

    def fits(self, arrays: LaneArrays, alike: frozenset[int]) -> bool:
        """Whether the code that has been made is for lanes as they are, with these registers
        alike."""
        if arrays.halted[0]:
            return True
        made = self._code
        return (
            made is not None and made.alike <= alike and int(arrays.regs[0, Reg.PC]) in made.steps
        )

    @property
    def made(self) -> VectorCode | None:
        """The code, if it has been made."""
        return self._code

    def code(self, starts: Iterable[int]) -> VectorCode | None:
        """The code for lanes that begin at these addresses, or at those of an earlier call. None
        if there is none, or if another worker is just making it."""
        if self.is_made or not self._lock.acquire(blocking=False):
            return self._code
        try:
            if not self.is_made:
                self._code = self._make(starts)
        except Exception as error:
            # The lanes go on without, and the user hears of it: nothing else would tell.
            warnings.warn(
                f"lanes do not run side by side: {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
        finally:
            self.is_made = True
            self._lock.release()
        return self._code

    def _make(self, starts: Iterable[int]) -> VectorCode | None:
        from ...jit.code.compiler import choose_pipeline
        from ...jit.vector.function import generate

        machine = self.machine
        graph = explore(machine.word_at, starts, not machine.is_whole)
        if graph is None:
            return None
        pipeline = choose_pipeline(self._optimize, has_loops=False)
        function = generate(graph, machine.memory, self.shape, self.alike)
        delivery = STORE.get(function.text, pipeline, self._cache)
        self._codes[0] = delivery.code
        accesses = machine.ram is not None and (function.loads or function.stores)
        return VectorCode(
            self.shape,
            machine,
            delivery.code.native.address,
            function.reads,
            function.writes,
            function.uses_flags,
            accesses,
            function.margin,
            graph.longest + function.margin,
            graph.steps,
            frozenset(function.alike),
        )


def vector_compiler(
    options: TranslatorOptions,
    template: Motherboard,
    arrays: LaneArrays,
    components: Iterable[int],
    before: VectorCompiler | None = None,
) -> VectorCompiler | None:
    """What makes vector code for lanes; None if there can be none, or if options forbid it.

    `before`: what has been used so far; it stays if the lanes still fit its code.
    """
    alike = alike_registers(arrays)
    remade = 0
    if before is not None:
        if not before.is_made:
            before.alike = alike
            return before
        if before.fits(arrays, alike) or before.remade >= MOST_REMADE:
            return before
        if before.made is not None:
            # What differs once may differ again.
            alike &= before.made.alike
        remade = before.remade + 1
    if options.vector_lanes == 0:
        return None
    shape = host_shape(options.vector_lanes)
    if arrays.n < shape.width:
        return None
    start = int(arrays.regs[0, Reg.PC])
    machine = machine_of(template, arrays.memories, components, start, shape.width)
    if machine is None:
        return None
    cache = default_cache() if options.cache else CodeCache(None)
    always = options.vector_lanes is not None
    return VectorCompiler(machine, shape, cache, always, options.optimize, alike, remade)
