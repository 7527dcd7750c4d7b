"""The engines that tests run on."""

from __future__ import annotations

from lrvm_jit import TranslatorOptions

EngineChoice = str | TranslatorOptions

AT_FIRST_SIGHT = TranslatorOptions(
    threshold=1, background=False, cache=False, optimize=False, max_instructions=48
)
"""Translates everything it meets: what the default does only with what is hot."""
BASELINE = TranslatorOptions(tiers=("baseline",))
"""Runs all that it can in native code of the baseline tier."""
COMPILED: tuple[EngineChoice, ...] = ("interpreter", "translator", AT_FIRST_SIGHT, BASELINE)
ENGINES: tuple[EngineChoice, ...] = ("reference", *COMPILED)


def engine_id(engine: EngineChoice) -> str:
    """What pytest calls an engine."""
    if isinstance(engine, str):
        return engine
    return "baseline" if engine is BASELINE else "translator-at-first-sight"
