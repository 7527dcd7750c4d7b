"""Native code of the baseline and regions go on in one another, and flags, budgets and registers
cross over with them."""

from __future__ import annotations

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.jit.baseline.code import is_supported
from lrvm_jit.jit.options import FIRST_LIMIT
from tests.machine.guest import machine
from tests.translator.scenarios import MIXED, Scenario, play

pytestmark = pytest.mark.skipif(not is_supported(), reason="no baseline tier on this system")

FILLER = "\n".join(["add a7, 1"] * 120)
ONE_HOT_FUNCTION = f"""
    cpy c0, 0
loop:
    call hot
    add a0, 1
    call cold0
    call cold1
    jp loop
hot:
    cpy a1, 40
again:
    mul a5, 5
    add a5, a0
    dec a1
    ifnq
    jp again
    ret
cold0:
    {FILLER}
    ret
cold1:
    {FILLER}
    ret
"""
"""Its hot function is a region before the rest is one."""


def test_a_region_and_the_baseline_without_the_kernel() -> None:
    """The kernel hears nothing of calls and returns between the two."""
    options = TranslatorOptions(threshold=3000, background=False, cache=False, optimize=False)
    found, expected = (
        machine(ONE_HOT_FUNCTION, engine, ssp=0x8000) for engine in (options, "interpreter")
    )
    for _ in range(30):
        found.run(400)
        expected.run(400)
        if found.board.stats().regions:
            break
    for _ in range(4):
        before = found.board.stats()
        found.run(2500)
        expected.run(2500)
        after = found.board.stats()
        assert found.state == expected.state
        if after.regions == before.regions == 1:
            break
    assert after.regions == 1
    assert after.translated - before.translated > 800
    assert after.baseline - before.baseline > 800
    assert sum(after.exits.values()) - sum(before.exits.values()) < 5


CROSSING = """
loop:
    {set}
    call hot
    {read}
    xor a4, a6
    call cold
    jp loop
hot:
    cpy a3, 30
again:
    dec a3
    ifnq
    jp again
    {inside}
    ret
cold:
    add a2, 3
    ret
"""


@pytest.mark.parametrize("budget", [37, 101, 998])
@pytest.mark.parametrize(
    "inside",
    [
        "add a0, a1",
        "sub a1, a0",
        "mul a0, a1",
        "shl a0, 1",
        "shr a1, 3",
        "cmp a0, a1",
        "xor a0, a0",
        "and a1, a5",
    ],
)
def test_flags_cross_over(inside: str, budget: int) -> None:
    """All flags that one kind of code leaves are what the other finds, whatever made them."""
    source = CROSSING.format(
        set="add a0, 0x7123\nmul a1, 0x51\nadd a1, a0", inside=inside, read="cpy a6, af"
    )

    def script(scenario: Scenario) -> None:
        scenario.run(*[budget] * (6000 // budget))

    play(source, script, translators=(MIXED,), ssp=0x8000, a0=5, a1=0x8000_0001, a5=0xFFFF)


def test_a_region_that_goes_leaves_the_baseline() -> None:
    """A word of it changes while the baseline has direct jumps to it."""
    source = """
    loop:
        call hot
        add a0, 1
        cmp a0, 400
        ifnq
        jp loop
        cpy a2, hot
        lsa a3, a2, 4
        add a3, 1
        wsa a2, 4, a3
        cpy a0, 0
        jp loop
    hot:
        cpy a1, 9
        add a4, 7
    again:
        dec a1
        ifnq
        jp again
        ret
    """

    def script(scenario: Scenario) -> None:
        scenario.run(*[777] * 60)

    play(source, script, translators=(MIXED,), ssp=0x8000)


def test_regions_survive_when_the_baseline_begins_again() -> None:
    """More code than its memory holds: ways into regions are made again with it."""
    count = 200
    functions = "\n".join(
        f"f{k}:\n" + "\n".join(["add a1, a2", "xor a3, a1", "mul a2, 3"] * 20) + "\nret"
        for k in range(count)
    )
    calls = "\n".join(f"call f{k}\ncall hot" for k in range(count))
    source = f"""
    loop:
        {calls}
        jp loop
    hot:
        cpy a0, 60
    again:
        dec a0
        ifnq
        jp again
        ret
    {functions}
    """
    options = TranslatorOptions(
        threshold=5000,
        background=False,
        cache=False,
        optimize=False,
        max_bytes=1 << 16,
        max_instructions=FIRST_LIMIT,
    )

    def script(scenario: Scenario) -> None:
        scenario.run(*[30_011] * 5)

    (scenario,) = play(source, script, translators=(options,), ssp=0x1_0000)
    stats = scenario.board.stats()
    assert stats.regions
    assert stats.block_bytes < 1 << 16


def test_a_breakpoint_that_a_loop_skips_leaves_it_fast() -> None:
    """In every round native code is left at the skip before it, until a region passes by."""
    source = "loop: add a0, 1\ncpy a1, 1\nshl a1, 24\ncmp a0, a1\nifeq\nhalt\njp loop"
    options = TranslatorOptions(threshold=20_000, background=False, cache=False, optimize=False)
    found = machine(source, options)
    found.board.breakpoints = {20}
    found.run(1_000_000)
    before = found.board.stats().translated
    found.run(1_000_000)
    assert found.board.stats().translated - before > 900_000
