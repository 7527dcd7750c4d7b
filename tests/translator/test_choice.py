"""What becomes one region, by what was seen to run; and what samples show."""

from __future__ import annotations

from collections.abc import Iterable

from lrvm_jit.jit.analysis.choice import LEAF, PART, WHOLE, Code, choose
from lrvm_jit.jit.analysis.discovery import Discovery
from lrvm_jit.jit.analysis.instructions import GuestInstruction, instruction_at
from lrvm_jit.jit.analysis.profile import Profile
from lrvm_jit.jit.analysis.region import PlainMemory, Region
from lrvm_jit.jit.analysis.samples import Samples
from tests.translator.regions import Program, leads_to

FILLER = "\n".join(["add a7, 1"] * (WHOLE + 10))
"""What makes a program too large to become one region as it is."""

PROGRAM = f"""
main:
    {FILLER}
    call function
    jp main
function:
    inc a0
loop:
    cmp a0, a1
    ifeq
    jp seldom
back:
    call small
    call large
    lsa a2, a3, 0
    dec c0
    ifnq
    jp loop
    ret
seldom:
    add a4, 1
    jp back
never:
    halt
small:
    add a5, 1
    ret
large:
    {FILLER}
    ret
"""


def ran(program: Program, *spans: tuple[str, str], times: int = 10) -> dict[int, int]:
    """Heat of the instructions from one label to before another."""
    return {pc: times for first, last in spans for pc in range(program[first], program[last], 4)}


def region_of(program: Program, start: str, profile: Profile, taken: Iterable[int] = ()) -> Region:
    def word_at(pc: int) -> int | None:
        return program.words[pc // 4] if pc in program.addresses else None

    others = set(taken)
    found = Discovery(word_at, True, 300, profile, taken=others.__contains__)
    region = found.region(program[start])
    assert region is not None
    return region


def test_a_function_with_its_small_callee() -> None:
    """Calls to others leave, and come back in at an entry; what was not seen to run but is on the
    way back belongs to it."""
    program = Program(PROGRAM)
    heat = ran(program, ("main", "seldom"), ("small", "large")) | {program["large"]: 10}
    region = region_of(program, "loop", Profile(heat))
    own = set(range(program["function"], program["never"], 4))
    assert region.own == own
    assert region.words.keys() - own == set(range(program["small"], program["large"], 4))
    behind = program["back"] + 8
    assert {program["function"], program["loop"], behind} <= set(region.entries)
    assert program["small"] not in region.entries
    assert leads_to(region, (program["back"] + 4, ())) == [(program["large"], False)]


def test_what_was_not_seen_to_run_is_left_out() -> None:
    program = Program(f"""
    main:
        {FILLER}
        cmp a0, a1
        ifeq
        jp rare
        jp main
    rare:
        {FILLER}
        jp main
    """)
    region = region_of(program, "main", Profile(ran(program, ("main", "rare"))))
    assert region.own == set(range(0, program["rare"], 4))


def test_the_hottest_part_of_a_large_function() -> None:
    """Its inner loop first, and no more than a region may have; others' words are theirs."""
    cold = "\n".join(["add a7, 1"] * PART)
    program = Program(
        f"outer:\n{cold}\ninner: inc a0\ndec c0\nifnq\njp inner\nafter:\n{cold}\nend: jp outer"
    )
    heat = dict.fromkeys(program.addresses, 1) | ran(program, ("inner", "after"), times=100)
    region = region_of(program, "inner", Profile(heat))
    inner = set(range(program["inner"], program["after"], 4))
    assert inner <= region.own
    assert program["inner"] in region.entries
    assert len(region.own) <= PART
    rest = region_of(program, "end", Profile(heat), taken=region.own)
    assert program["end"] in rest.own
    assert rest.own.isdisjoint(region.own)


def test_constants_are_targets() -> None:
    """`cpy`, `shl`, `bor` and a jump or call by that register: nobody has to have seen it."""
    program = Program("""
    loop:
        cpy avr, f[31:16]
        shl avr, 16
        bor avr, f[15:0]
        call avr
        jp loop
    f:
        inc a0
        ret
    """)
    region = region_of(program, "loop", Profile())
    assert leads_to(region, (0, ())) == [(program["f"], True)]


def test_targets_by_site() -> None:
    """A jump leads where it was seen to go, not where others go."""
    program = Program("a: inc a0\ncpy pc, a1\nb: inc a0\ncpy pc, a2\nc: jp a")
    seen = {program["a"] + 4: (program["b"],), program["b"] + 4: (program["c"],)}
    region = region_of(program, "a", Profile(targets=seen))
    assert leads_to(region, (program["a"], ())) == [(program["b"], True)]
    assert leads_to(region, (program["b"], ())) == [(program["c"], True)]


def test_a_leaf_has_few_instructions_and_no_calls() -> None:
    lines = "\n".join(["add a7, 1"] * LEAF)
    program = Program(f"f: call g\ncall h\nret\ng: {lines}\nret\nh: call g\nret")

    def at(pc: int) -> GuestInstruction | None:
        if pc not in program.addresses:
            return None
        return instruction_at(pc, program.words[pc // 4], True)

    heat = dict.fromkeys(program.addresses, 1)
    code = Code(at, lambda pc: (), heat, lambda pc: False, lambda pc: False)
    choice = choose(code, 0, 20)
    assert program["h"] not in choice.chosen
    assert not choice.leaves


def test_samples_become_a_profile() -> None:
    """By arena index: the same code is met at any address."""
    rom, ram = PlainMemory(0, 16, 100), PlainMemory(0x1000, 16, 200)
    samples = Samples()
    pcs = [0, 4, 8, 0, 4, 12]
    notes = [(100 + pc // 4) << 32 | pc for pc in pcs]
    samples.take(notes, [-1, 0x1004, 0x10, -1, 0x9000, -1], (rom, ram))
    profile = samples.profile(100, 116, 100, (rom, ram))
    assert profile.heat == {0: 2, 4: 2, 8: 1, 12: 1}
    assert profile.targets == {8: (0,)}
    assert profile.accesses == {4: (1,), 8: (0,)}
    assert profile.targets_of(8) == (0,)
    samples.forget([100])
    assert 0 not in samples.profile(100, 116, 100, (rom, ram)).heat
