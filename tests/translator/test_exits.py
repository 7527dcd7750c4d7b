"""What is done about regions that are left all the time."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from lrvm_jit import Statistics, TranslatorOptions
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from lrvm_jit.jit.analysis.discovery import Discovery
from lrvm_jit.jit.analysis.exits import (
    EXITS_TO_JUDGE,
    FEWEST_BETWEEN_EXITS,
    FEWEST_TO_STAY,
    FIRST_MANNER,
    MOST_TARGETS,
    MOST_TRIES,
    Exits,
    Manner,
    better_manner,
    is_useless,
)
from lrvm_jit.jit.analysis.region import Region
from lrvm_tools.lasm import assemble_program
from tests.machine.guest import machine

PROGRAM = """
loop:
    and a0, 4
    lsa pc, a0, table
one: jp loop
two: jp loop
table: #d32 one, two
"""
ONE, TWO = 8, 12


def region_of(source: str = PROGRAM, *targets: int, limit: int = 400) -> Region:
    words = [int(word) for word in assemble_program(source).words]

    def word_at(pc: int) -> int | None:
        return words[pc // 4] if pc < 4 * len(words) else None

    region = Discovery(word_at, True, limit, targets).region(0)
    assert region is not None
    return region


def often(count: int, seen: set[int] | None = None) -> Exits:
    """Exits with ten instructions between them, all of them jumps if there are targets."""
    return Exits(count, 10 * count, count if seen else 0, seen or set())


# --- decisions ---------------------------------------------------------------------------------


def test_new_targets() -> None:
    """After 64 exits at first, and after four times as many each time."""
    region = region_of(PROGRAM, ONE)
    better = Manner(frozenset({ONE, TWO}))
    for tries in range(MOST_TRIES):
        enough = 64 * 4**tries
        assert better_manner(region, FIRST_MANNER, often(enough - 1, {TWO}), tries) is None
        assert better_manner(region, FIRST_MANNER, often(enough, {TWO}), tries) == better
    assert better_manner(region, FIRST_MANNER, often(1 << 30, {TWO}), MOST_TRIES) is None


def test_too_many_targets() -> None:
    targets = set(range(0, 4 * MOST_TARGETS, 4))
    region = region_of()
    assert better_manner(region, FIRST_MANNER, often(100, targets), 0) is not None
    targets.add(0x8000)
    assert better_manner(region, FIRST_MANNER, often(100, targets), 0) is None


def test_tables_that_hinder() -> None:
    """The jump leaves for where it is expected to go; seldom, that does not matter."""
    region = region_of(PROGRAM, ONE, TWO)
    assert any(block.table for block in region.blocks.values())
    without = Manner(region.targets, tables=False)
    exits = often(100, {ONE})
    assert better_manner(region, Manner(region.targets), exits, 0) == without
    seldom = replace(exits, executed=FEWEST_BETWEEN_EXITS * exits.count)
    assert better_manner(region, Manner(region.targets), seldom, 0) is None


def test_known_targets_outside_are_not_the_tables_fault() -> None:
    region = region_of(PROGRAM, ONE, TWO, 0x400)
    assert better_manner(region, Manner(region.targets), often(100, {0x400}), 0) is None


def test_growth() -> None:
    """A region that is a part of something larger, once, and if it is left often."""
    source = "loop:\n" + "inc a0\n" * 50 + "jp loop"
    part, whole = region_of(source, limit=20), region_of(source)
    assert part.is_cut
    assert not whole.is_cut
    exits = often(1024)
    assert better_manner(part, FIRST_MANNER, exits, 0) == Manner(large=True)
    assert better_manner(part, Manner(large=True), exits, 0) is None
    assert better_manner(whole, FIRST_MANNER, exits, 0) is None
    assert better_manner(part, FIRST_MANNER, often(1023), 0) is None
    assert better_manner(part, FIRST_MANNER, exits, 0, may_be_large=False) is None
    seldom = replace(exits, executed=FEWEST_BETWEEN_EXITS * exits.count)
    assert better_manner(part, FIRST_MANNER, seldom, 0) is None


def test_uselessness() -> None:
    count = EXITS_TO_JUDGE
    assert is_useless(Exits(count, FEWEST_TO_STAY * count - 1))
    assert not is_useless(Exits(count, FEWEST_TO_STAY * count))
    assert not is_useless(Exits(count - 1, 0))


# --- programs ----------------------------------------------------------------------------------

OPTIONS = TranslatorOptions(threshold=20_000, background=False, cache=False, tiers=("regions",))
SMALL = replace(OPTIONS, max_instructions=300)


def large_program(blocks: int, seed: int) -> str:
    """A loop over blocks with branches ahead."""
    random = Random(seed)
    lines = ["loop:"]
    for number in range(blocks):
        ahead = random.randrange(number + 1, min(number + 9, blocks) + 1)
        lines += [
            f"b{number}:",
            f"add a{random.randrange(4)}, {random.randrange(200)}",
            f"xor a{random.randrange(4)}, a{random.randrange(4)}",
            f"lsa a{random.randrange(4)}, a6, {4 * random.randrange(60)}",
            f"wsa a6, {4 * random.randrange(60)}, a{random.randrange(4)}",
            "cmp a0, a1",
            "ifls",
            f"jp b{ahead}",
        ]
    return "\n".join([*lines, f"b{blocks}: inc a5", "jp loop"])


def last_of(source: str, options: TranslatorOptions) -> tuple[Statistics, Statistics]:
    """Before and after the last of some runs that end as interpreted ones do."""
    found = machine(source, options, a6=0xF000)
    expected = machine(source, "interpreter", a6=0xF000)
    for _ in range(60):
        before = found.board.stats()
        found.run(50_000)
        expected.run(50_000)
        assert found.state == expected.state
    return before, found.board.stats()


@pytest.mark.parametrize("seed", range(2))
def test_a_program_larger_than_a_first_region(seed: int) -> None:
    """Two parts of it are translated, then all of it: the interpreter only has to get to the
    beginning of the loop from where the run before ended."""
    before, after = last_of(large_program(150, seed), OPTIONS)
    assert after.compiled <= 10
    assert after.translated - before.translated > 47_000
    assert sum(after.exits.values()) - sum(before.exits.values()) < 20


def test_a_large_program_in_which_one_instruction_changes() -> None:
    """Most of it is translated all the same, in parts that do not have that instruction."""
    source = large_program(150, 1)
    found = machine(source, OPTIONS, a6=0xF000)
    expected = machine(source, "interpreter", a6=0xF000)
    place = found.labels["b77"] // 4
    for number in range(30):
        before = found.board.stats()
        for one in (found, expected):
            one.run(200_000)
            if number > 5:
                one.ram.words[place] = encode("add", Reg.A0, number)
        assert found.state == expected.state
    after = found.board.stats()
    assert after.invalidations
    assert after.translated - before.translated > 100_000


def test_a_program_larger_than_any_region() -> None:
    """It is translated in parts, where these are of use, and does the same."""
    _, after = last_of(large_program(150, 1), SMALL)
    assert after.translated
    assert after.invalidations == 0
