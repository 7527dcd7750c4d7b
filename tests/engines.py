"""The engines that tests run on."""

from __future__ import annotations

from lrvm_jit import TranslatorOptions

EngineChoice = str | TranslatorOptions

EAGER = TranslatorOptions(
    threshold=1,
    background=False,
    cache=False,
    optimize=False,
    max_instructions=48,
    tiers=("regions",),
)
"""Compiles all regions that it meets: what `translator` does only with what is hot. That in turn
has all it meets run by the baseline tier."""
BOTH_TIERS = TranslatorOptions(
    threshold=64,
    background=False,
    cache=False,
    optimize=False,
    max_instructions=24,
)
"""Regions are made soon and stay small, so guests go between them and the baseline all the time."""
COMPILED: tuple[EngineChoice, ...] = ("interpreter", "translator", EAGER)
ENGINES: tuple[EngineChoice, ...] = ("reference", *COMPILED)


def engine_id(engine: EngineChoice) -> str:
    """What pytest calls an engine."""
    if engine == BOTH_TIERS:
        return "both tiers"
    return engine if isinstance(engine, str) else "translator-eager"
