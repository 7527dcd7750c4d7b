"""Programs that are more than one region: what is left for another one is entered there."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from lrvm_jit import Statistics, TranslatorOptions
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from tests.machine.guest import machine

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
    assert after.compiled <= 20
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
