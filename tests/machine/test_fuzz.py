"""Engines agree on random machines, however the run is cut into pieces.

`make fuzz` sets LRVM_FUZZ to run many more cases. A failing case prints its seed;
`random_case(random.Random(seed))` makes it again.
"""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.engines import BOTH_TIERS, COMPILED, engine_id
from tests.machine.fuzzing import meddling_case, random_case, run

LONG = int(os.environ.get("LRVM_FUZZ") or 0)
EXAMPLES = 100 if not LONG else 20_000 * LONG


def fuzz(examples: int) -> settings:
    """A seed says nothing by its size, so smaller ones are not looked for."""
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )


@fuzz(EXAMPLES)
@given(seed=st.integers(0, 2**64))
def test_same_as_reference(seed: int) -> None:
    """A compiled engine ends where the reference does, and asked components the same things."""
    case = random_case(random.Random(seed))
    expected = run(case, "reference")
    for compiled in COMPILED:
        assert run(case, compiled) == expected, engine_id(compiled)


@fuzz(EXAMPLES)
@given(seed=st.integers(0, 2**64), sliced=st.booleans())
def test_a_component_that_meddles(sliced: bool, seed: int) -> None:
    """A component may stop the board, fail, and write to the CPU at any access."""
    case = meddling_case(random.Random(seed))
    expected = run(case, "reference", sliced=sliced)
    for compiled in COMPILED:
        assert run(case, compiled, sliced=sliced) == expected, engine_id(compiled)


@fuzz(EXAMPLES)
@given(seed=st.integers(0, 2**64))
def test_slices_make_no_difference(seed: int) -> None:
    """N instructions in random pieces equal N instructions at once."""
    case = random_case(random.Random(seed))
    case.breakpoints = []
    expected = run(case, "reference")
    for compiled in COMPILED:
        assert run(case, compiled, sliced=True) == expected, engine_id(compiled)


@fuzz(EXAMPLES)
@given(seed=st.integers(0, 2**64), sliced=st.booleans(), meddling=st.booleans())
def test_tiers_take_over_from_each_other(sliced: bool, meddling: bool, seed: int) -> None:
    """Regions and the baseline's code go on in one another wherever a run is cut."""
    make = meddling_case if meddling else random_case
    case = make(random.Random(seed))
    # Enough for several regions, in pieces that end within them.
    case.budget *= 4
    case.slices = [piece % 300 + 1 for piece in case.slices] * 4
    expected = run(case, "reference", sliced=sliced)
    assert run(case, BOTH_TIERS, sliced=sliced) == expected


@fuzz(EXAMPLES // 3)
@given(words=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=32), seed=st.integers(0))
def test_noise_is_harmless(words: list[int], seed: int) -> None:
    """Random words as a program never get out of hand, and do the same on all engines."""
    case = random_case(random.Random(seed))
    case.program, case.rom_size, case.budget = words, 128, 1000
    expected = run(case, "reference")
    for compiled in COMPILED:
        assert run(case, compiled) == expected, engine_id(compiled)
