"""Discovery: how large regions become, and whether those of random programs are sound."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrvm_jit.core import layout
from tests.translator.regions import Program, addresses, leads_to, mistakes

# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [8, 20, 100])
@pytest.mark.parametrize("start", [0, 400, 796])
def test_a_loop_larger_than_the_limit(limit: int, start: int) -> None:
    """A part of it is translated, what is nearest ahead."""
    program = Program("loop:\n" + "inc a0\n" * 200 + "jp loop")
    region = program.found(start, limit=limit)
    assert region.instruction_count == limit
    assert start in addresses(region)


def test_straight_code_larger_than_the_limit() -> None:
    program = Program("inc a0\n" * 50)
    region = program.found(8, limit=10)
    assert addresses(region) == set(range(8, 48, 4))
    assert leads_to(region, (8, ())) == [(48, False)]


def test_many_entries() -> None:
    """There are never more than a row of the kernel's table has room for."""
    loops = "".join(f"l{k}: inc a0\nifnq\njp l{k}\n" for k in range(80))
    region = Program(f"all:\n{loops}jp all").found()
    assert len(region.entries) == layout.TRANSLATION_ENTRIES


def test_many_entries_and_the_start() -> None:
    """The one that was asked for is among them, whatever its address."""
    loops = "".join(f"l{k}: inc a0\nifnq\njp l{k}\n" for k in range(80))
    program = Program(f"all:\n{loops}last: inc a1\njp all")
    region = program.found(program["last"], enter_at_start=True)
    assert program["last"] in region.entries


# --- any program -------------------------------------------------------------------------------

LINES = (
    "inc a0",
    "cmp a0, 3",
    "if ZF",
    "ifn CF",
    "jp {0}",
    "jp {0}",
    "call {0}",
    "call {0}",
    "ret",
    "ret",
    "jp a1",
    "call a1",
    "push a0",
    "hwd a0, 0, 0",
    "halt",
    "#d32 0xFFFFFFFF",
)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Mostly jumps, calls and skips."""
    length = draw(st.integers(1, 16))
    places = st.integers(0, length + 1).map(lambda word: 4 * word)
    lines = [draw(st.sampled_from(LINES)).format(draw(places)) for _ in range(length)]
    return Program("\n".join(lines))


@settings(max_examples=150)
@given(programs(), st.data())
@example(Program("jp 0"), None)
def test_regions_of_random_programs_are_sound(program: Program, data: st.DataObject | None) -> None:
    """Whatever the code: cycles tested, needs exact, edges right, limits kept; and a cycle is the
    same region from each of its instructions."""
    limit, targets, supervisor, enter = 400, set[int](), True, False
    if data is not None:
        limit = data.draw(st.sampled_from([8, 12, 400]))
        targets = data.draw(st.sets(st.integers(0, 18).map(lambda word: 4 * word), max_size=3))
        supervisor = data.draw(st.booleans())
        enter = data.draw(st.booleans())
    for start in program.addresses:
        region = program.region(
            start, supervisor=supervisor, limit=limit, targets=targets, enter_at_start=enter
        )
        if region is None:
            continue
        assert mistakes(region, program, limit) == []
        if enter or limit < 400:
            continue
        for pc in addresses(region):
            other = program.region(pc, supervisor=supervisor, targets=targets)
            if other is not None and start in addresses(other):
                assert other == region
