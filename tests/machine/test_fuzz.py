"""Engines agree on random machines, however the run is cut into pieces.

`make fuzz` sets LRVM_FUZZ to run many more cases. A failing case prints its seed;
`random_case(random.Random(seed))` makes it again.
"""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines import COMPILED, EngineChoice, engine_id
from tests.machine.fuzzing import meddling_case, random_case, run

LONG = int(os.environ.get("LRVM_FUZZ") or 0)
EXAMPLES = 300 if not LONG else 20_000 * LONG


@pytest.mark.parametrize("compiled", COMPILED, ids=engine_id)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**64))
def test_same_as_reference(compiled: EngineChoice, seed: int) -> None:
    """A compiled engine ends where the reference does, and asked components the same things."""
    case = random_case(random.Random(seed))
    assert run(case, compiled) == run(case, "reference")


@pytest.mark.parametrize("sliced", [False, True])
@pytest.mark.parametrize("compiled", COMPILED, ids=engine_id)
@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**64))
def test_a_component_that_meddles(compiled: EngineChoice, sliced: bool, seed: int) -> None:
    """A component may stop the board, fail, and write to the CPU at any access."""
    case = meddling_case(random.Random(seed))
    assert run(case, compiled, sliced=sliced) == run(case, "reference", sliced=sliced)


@pytest.mark.parametrize("compiled", COMPILED, ids=engine_id)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**64))
def test_slices_make_no_difference(compiled: EngineChoice, seed: int) -> None:
    """N instructions in random pieces equal N instructions at once."""
    case = random_case(random.Random(seed))
    case.breakpoints = []
    assert run(case, compiled, sliced=True) == run(case, compiled)


@pytest.mark.parametrize("compiled", COMPILED, ids=engine_id)
@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=32), seed=st.integers(0))
def test_noise_is_harmless(compiled: EngineChoice, words: list[int], seed: int) -> None:
    """Random words as a program never get out of hand, and do the same on both engines."""
    case = random_case(random.Random(seed))
    case.program, case.rom_size, case.budget = words, 128, 1000
    assert run(case, compiled) == run(case, "reference")
