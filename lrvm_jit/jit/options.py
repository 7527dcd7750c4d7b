"""How the translator works for one board."""

from __future__ import annotations

from ..arguments import number_within, optional_number
from ..records import dataclass

FIRST_LIMIT = 300
TIERS = ("baseline", "regions")
VECTOR_LANES = (0, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class TranslatorOptions:
    """Settings of the engine `translator`; pass one as `Motherboard(..., engine=...)`.

    - `threshold`: instructions that run outside regions before the code that most of them belonged
      to becomes one, and again before the next. The baseline's counters tell what runs; without a
      baseline samples do, now and then a few instructions executed one by one. 1 translates
      everything at first sight, which is for tests.
    - `background`: compile on a thread of its own while the interpreter goes on. False waits
      for the compiler, so that runs are reproducible.
    - `cache`: keep compiled code on disk for the next process (see docs/translator.md).
    - `optimize`: False for the quickest compilation instead of the fastest code.
    - `max_instructions`: guest instructions in one region, 8 to 16,384. A function that is called
      from several places counts once for each. Regions have at most 300 at first; only one in which
      more than half of the time is spent is made again with more.
    - `tiers`: which kinds of native code there are beside the interpreter: `"baseline"`, quickly
      made of all that runs, and `"regions"`, compiled by LLVM of what is hot. Where the baseline is
      not supported it is left out.
    - `vector_lanes`: how many lanes of a batch go side by side in vector registers: 8, 16 or 32, or
      0 for none. By default what suits the processor (see docs/batch.md).
    - `max_bytes`: memory for compiled code; when it is full all regions make room.

    >>> from lrvm_jit import TranslatorOptions
    >>> TranslatorOptions(background=False).background
    False
    """

    threshold: int = 1 << 18
    background: bool = True
    cache: bool = True
    optimize: bool = True
    max_instructions: int = 1400
    max_bytes: int = 16 << 20
    tiers: tuple[str, ...] = TIERS
    vector_lanes: int | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("threshold", 1, None),
            ("max_instructions", 8, 16384),
            ("max_bytes", 1 << 16, None),
        ):
            number = number_within(name, getattr(self, name), low, high)
            object.__setattr__(self, name, number)
        unknown = [tier for tier in self.tiers if tier not in TIERS]
        if unknown or isinstance(self.tiers, str):
            raise ValueError(f"tiers must be some of {TIERS}, not {self.tiers!r}")
        object.__setattr__(self, "tiers", tuple(self.tiers))
        lanes = optional_number("vector_lanes", self.vector_lanes, 0)
        if lanes not in (None, *VECTOR_LANES):
            raise ValueError(
                f"vector_lanes is {lanes}; it must be one of {', '.join(map(str, VECTOR_LANES))}"
            )
        object.__setattr__(self, "vector_lanes", lanes)
