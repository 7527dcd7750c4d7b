"""Lanes side by side against lanes one after the other: the guests of `bench batch --vectors`.

Both forms run in turns within one process, on one thread, and must leave the same results.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy

from ..batch import Batch
from ..isa.table import WORD_MASK, Reg
from ..jit.options import TranslatorOptions
from .native import NativePrograms, NativeUnavailableError
from .programs import Program, image

RAM = 256
"""Bytes of RAM of each lane."""
HASH_ROUNDS = 1_000
NATIVE_ROUNDS = 3_000_000
INSTRUCTIONS_A_ROUND = 11
SEED = 20_261_128


def _hash(batch: Batch) -> None:
    batch.regs[:, Reg.A0] = numpy.arange(batch.n)
    batch.regs[:, Reg.A1] = 3
    batch.regs[:, Reg.A3] = HASH_ROUNDS
    batch.regs[:, Reg.A4] = 77


def _trips(draw: Callable[[numpy.random.Generator, int], numpy.ndarray]) -> Callable[[Batch], None]:
    def fill(batch: Batch) -> None:
        _hash(batch)
        trips = draw(numpy.random.default_rng(SEED), batch.n)
        batch.regs[:, Reg.A3] = 1 + trips.astype(numpy.uint32)

    return fill


def _words(batch: Batch, same: bool = False) -> None:
    rng = numpy.random.default_rng(SEED)
    shape = batch.ram.shape[1] if same else batch.ram.shape
    batch.ram[:] = rng.integers(0, 1 << 32, shape, dtype=numpy.uint32)
    batch.regs[:, Reg.AC0] = batch.ram_base


def _same_words(batch: Batch) -> None:
    _words(batch, same=True)


def _collatz(batch: Batch) -> None:
    batch.regs[:, Reg.A0] = numpy.arange(1, batch.n + 1)


def _count(batch: Batch) -> None:
    batch.regs[:, Reg.A1] = 5


@dataclass(frozen=True, slots=True)
class Guest:
    """A program for many lanes, and what they begin with."""

    name: str
    program: str
    lanes: int
    fill: Callable[[Batch], None]


GUESTS = (
    Guest("hash", "lanes_hash", 65_536, _hash),
    Guest("crc32 of 64 words", "lanes_crc32", 32_768, _words),
    Guest("sort of 64 words", "lanes_sort", 16_384, _words),
    Guest("sort of the same 64 words", "lanes_sort", 16_384, _same_words),
    Guest("Collatz", "lanes_collatz", 200_000, _collatz),
    Guest("trips: uniform", "lanes_hash", 32_768, _trips(lambda r, n: r.integers(0, 1000, n))),
    Guest("trips: exponential", "lanes_hash", 32_768, _trips(lambda r, n: r.exponential(500, n))),
    Guest(
        "trips: one in 50 is 20 times longer",
        "lanes_hash",
        32_768,
        _trips(lambda r, n: numpy.where(r.random(n) < 0.02, 2000, 100)),
    ),
    Guest("20 instructions", "batch_loop", 1_000_000, _count),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians of the processor's seconds for all lanes of a guest: others may use it as well."""

    name: str
    lanes: int
    instructions: int
    """Of all lanes together."""
    alone: float
    together: float

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "lanes": self.lanes,
            "instructions": self.instructions,
            "alone": self.alone,
            "together": self.together,
        }


def compare(guest: Guest, lanes: int, repeats: int) -> Comparison:
    """Run a guest both ways, in turns. RuntimeError if the results differ."""
    ways = {
        lanes_at_once: Batch(
            image(guest.program),
            lanes,
            ram_size=RAM,
            engine=TranslatorOptions(vector_lanes=lanes_at_once),
            threads=1,
        )
        for lanes_at_once in (0, None)
    }
    seconds: dict[int | None, list[float]] = {way: [] for way in ways}
    instructions = 0
    for turn in range(repeats + 2):
        found = []
        for way, batch in ways.items():
            batch.reset()
            guest.fill(batch)
            begin = time.process_time()
            result = batch.run()
            spent = time.process_time() - begin
            instructions = result.instructions
            found.append((result.cycles, batch.regs.copy(), batch.ram.copy()))
            if turn >= 2:  # by then the code has been compiled
                seconds[way].append(spent)
        if not all(numpy.array_equal(a, b) for a, b in zip(*found, strict=True)):
            raise RuntimeError(f"{guest.name}: lanes side by side have left other results")
    alone, together = (statistics.median(seconds[way]) for way in ways)
    return Comparison(guest.name, lanes, instructions, alone, together)


def native_rate(repeats: int) -> float | None:
    """Guest instructions a second that scalar C does of the hash; None without a compiler."""
    program = Program("lanes_hash", NATIVE_ROUNDS, "a0", _hash_result, list, native="lanes_hash")
    try:
        with NativePrograms() as native:
            seconds = statistics.median(native.seconds(program, max(3, repeats)))
    except NativeUnavailableError:
        return None
    return NATIVE_ROUNDS * INSTRUCTIONS_A_ROUND / seconds


def _hash_result(rounds: int) -> int:
    a0, a1, a2 = 7, 3, 0
    for _ in range(rounds):
        a0 = (a0 * 31 & WORD_MASK) ^ a1
        a1 = a1 + 7 & WORD_MASK
        a2 = (a2 << 1 & WORD_MASK) ^ a0
        a0 = a0 + a2 & WORD_MASK
        a2 = a2 & 77 | 5
    return a0


def table(repeats: int, most_lanes: int | None = None) -> Iterator[tuple[str, Comparison | None]]:
    """Lines of a table, with what they are about."""
    scalar = native_rate(repeats)
    yield f"{'':36} {'alone':>9} {'together':>9}  G instructions/s", None
    for guest in GUESTS:
        lanes = guest.lanes if most_lanes is None else min(guest.lanes, most_lanes)
        one = compare(guest, lanes, repeats)
        line = f"{guest.name:36} {one.instructions / one.alone / 1e9:9.2f} "
        line += (
            f"{one.instructions / one.together / 1e9:9.2f}  {one.alone / one.together:5.1f} times"
        )
        line += f", {one.together / lanes * 1e9:,.0f} ns a lane"
        if guest.name == "hash" and scalar is not None:
            line += f"; {one.instructions / one.together / scalar:.1f} times scalar C"
        yield line, one
