"""Guests that write their own code all the time: the same on every engine, and left to the
interpreter where native code would be left after a few instructions."""

from __future__ import annotations

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.bench.written import SOURCES, STACK
from lrvm_jit.jit.baseline.code import is_supported
from tests.engines import EAGER
from tests.machine.guest import machine
from tests.machine.paging import paged
from tests.translator.scenarios import HOT, MIXED, Scenario, play

SLICES = (7, 100, 333, 1000, 2500, 12, 3000)
BASELINE = TranslatorOptions(tiers=("baseline",), cache=False)
needs_baseline = pytest.mark.skipif(not is_supported(), reason="this system has no baseline tier")


@pytest.mark.parametrize("name", SOURCES)
def test_every_engine_sees_the_same(name: str) -> None:
    """After slices of odd sizes, and after the engine has given some places up."""

    def script(scenario: Scenario) -> None:
        scenario.run(*SLICES)

    # At first sight the last one would compile a region for each of its places.
    others = () if name == "ever new places" else (EAGER,)
    play(SOURCES[name], script, translators=(HOT, MIXED, *others), ssp=STACK)


@pytest.mark.parametrize("name", SOURCES)
def test_with_page_tables(name: str) -> None:
    """The same where addresses are translated. The tables lie where the copies would."""
    source = SOURCES[name].replace("0x7000", "0x6000")
    for old, new in (("0x4000", "0x5000"), ("0x4004", "0x5004")):
        source = source.replace(old, new)
    play(
        source, lambda scenario: scenario.run(*SLICES), make=paged, translators=(MIXED,), ssp=STACK
    )


@pytest.mark.parametrize("name", SOURCES)
def test_a_long_run_ends_as_the_interpreter_s(name: str) -> None:
    """Long enough for looks, regions and ways back: two million instructions."""

    def after(engine: str | TranslatorOptions) -> tuple[object, ...]:
        built = machine(SOURCES[name], engine, ssp=STACK)
        for _ in range(8):
            built.run(max_cycles=250_007)
        return built.state, built.ram.words.tobytes()

    expected = after("interpreter")
    for background in (True, False):
        assert after(TranslatorOptions(background=background, cache=False)) == expected
    assert after(BASELINE) == expected


@needs_baseline
@pytest.mark.parametrize(
    "name", ["same word", "two words", "a literal", "a byte", "two places", "every 64 rounds"]
)
def test_native_code_that_is_left_at_once_is_left_alone(name: str) -> None:
    """The interpreter then has the whole loop."""
    built = machine(SOURCES[name], BASELINE, ssp=STACK)
    built.run(max_cycles=1_000_000)
    assert 0 < built.board.stats().baseline < 20_000


@needs_baseline
def test_it_is_tried_again() -> None:
    """Once a store has come to an end the loop around it runs as native code again."""
    built = machine(
        """
        cpy ac0, patch
        lsa a3, ac0, 0
        lsa a5, other
    loop:
        inc a0
        cmp a2, 0
        ifnq
        jp patch
        ex a3, a5
        wsa ac0, 0, a3
    patch:
        add a1, 5
        xor a4, a1
        jp loop
    other:
        add a1, 7
        """,
        BASELINE,
    )
    built.run(max_cycles=2_000_000)
    assert built.board.stats().baseline < 100_000
    built.board.cpu.regs.a2 = 1
    built.run(max_cycles=60_000_000)
    before = built.board.stats().baseline
    built.run(max_cycles=1_000_000)
    assert built.board.stats().baseline - before > 600_000


@needs_baseline
def test_code_made_anew_is_entered() -> None:
    """What was left alone is forgotten where all code goes, as for a breakpoint."""
    built = machine(SOURCES["same word"], BASELINE)
    built.run(max_cycles=100_000)
    before = built.board.stats().baseline
    built.board.breakpoints = [0x8000]
    built.run(max_cycles=100)
    assert built.board.stats().baseline > before


@needs_baseline
@pytest.mark.parametrize("name", ["same word", "overlays"])
def test_regions_that_are_left_at_once_go(name: str) -> None:
    """A region is no better than native code that is left at its first store: it is removed, and
    not made again at each look."""
    options = TranslatorOptions(background=False, cache=False, optimize=False, threshold=1 << 14)
    built = machine(SOURCES[name], options, ssp=STACK)
    built.run(max_cycles=3_000_000)
    stats = built.board.stats()
    assert stats.baseline + stats.translated < 200_000
    assert stats.compiled < 12
