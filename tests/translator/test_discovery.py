"""Discovery: which instructions become a region, where it is entered, where budgets are tested."""

from __future__ import annotations

import pytest

from lrvm_jit.isa.table import Op
from lrvm_jit.jit.analysis.discovery import MOST_CALL_DEPTH, Discovery
from lrvm_jit.jit.analysis.instructions import Flow
from tests.translator.regions import Program, addresses, inside, leads_to

LOOP = """
    cpy c0, 0
loop:
    inc a0
    cmp a0, 9
    ifls
    jp more
    add a1, 2
more:
    dec c0
    ifnq
    jp loop
    add a2, 1
    halt
"""


def test_a_loop_is_the_same_region_from_each_of_its_instructions() -> None:
    """What was compiled for one run serves the next, wherever in the loop the look comes."""
    program = Program(LOOP)
    around = range(program["loop"], program["more"] + 12, 4)
    regions = [program.found(pc) for pc in around]
    assert regions[0].words.keys() == set(around)
    assert all(region == regions[0] for region in regions)
    assert regions[0].entries == [program["loop"]]


def test_before_a_loop_the_region_is_what_lies_ahead() -> None:
    """From the code before it, the region is the loop and the code after it. What is executed
    once need not be entered."""
    program = Program(LOOP)
    region = program.found(0)
    assert region.words.keys() == set(program.addresses) - {0}
    assert region.entries == [program["loop"]]


def test_code_without_a_loop_is_entered_at_its_beginning() -> None:
    region = Program("inc a0\ninc a1\nret").found(4)
    assert region.entries == [4]
    [block] = region.blocks.values()
    assert [one.op for one in block.instructions] == [Op.ADD, Op.POP]
    assert (block.head, block.need, block.edges) == (True, 2, [])


def test_entering_at_the_start_adds_an_entry() -> None:
    """A second look in a translated loop, where time is spent and no entry is, makes one."""
    program = Program(LOOP)
    region = program.found(program["more"], enter_at_start=True)
    assert region.entries == [program["loop"], program["more"]]
    assert region.blocks[program["more"], ()].head


def test_a_jump_to_itself() -> None:
    program = Program("inc a0\nhere: jp here")
    region = program.found(program["here"])
    [block] = region.blocks.values()
    assert (block.head, block.need, inside(block)) == (True, 1, [block.key])


def test_nested_loops_have_a_head_each() -> None:
    """The budget is tested in every cycle; an inner loop's rounds must not go unnoticed."""
    program = Program("""
    outer:
        cpy c0, 5
    inner:
        inc a0
        dec c0
        ifnq
        jp inner
        inc a1
        jp outer
    """)
    region = program.found()
    heads = {pc for (pc, _), block in region.blocks.items() if block.head}
    assert heads == {program["outer"], program["inner"]} == set(region.entries)
    assert region.blocks[program["outer"], ()].need == 1
    assert region.blocks[program["inner"], ()].need == 5
    assert all(program.found(pc) == region for pc in program.addresses if pc != 16)


def test_a_loop_with_two_ways_in() -> None:
    """Neither half dominates the other: one of them is tested all the same."""
    program = Program("if ZF\njp second\nfirst: inc a0\nsecond: inc a1\nif CF\njp first\njp 0")
    region = program.found()
    assert region.entries == [0, program["first"]] or region.entries == [0, program["second"]]


# --- skips and jumps ---------------------------------------------------------------------------


def test_a_skipped_jump_is_an_edge() -> None:
    """`if` and the jump after it are one decision; the jump costs a cycle where it is taken, and
    its word belongs to the region although no block has it."""
    program = Program("loop: inc a0\nifnq\njp loop\nhalt")
    region = program.found()
    [block] = region.blocks.values()
    executed, skipped = block.edges
    assert (executed.pc, executed.cycles, executed.inside) == (0, 1, True)
    assert (skipped.pc, skipped.cycles, skipped.inside) == (12, 0, False)
    assert region.words.keys() == {0, 4, 8}
    assert block.need == 3


def test_a_skip_at_the_end_of_what_can_be_reached() -> None:
    """Its instruction, and the one behind that, lie outside."""
    program = Program("inc a0\nif ZF")
    region = program.found()
    assert leads_to(region, (0, ())) == [(8, False), (12, False)]


def test_a_skip_over_the_last_word() -> None:
    program = Program("if ZF\ninc a0")
    region = program.found()
    assert leads_to(region, (0, ())) == [(4, True), (8, False)]
    assert leads_to(region, (4, ())) == [(8, False)]


def test_a_skip_over_a_skip() -> None:
    program = Program("loop: if ZF\nif CF\ninc a0\njp loop")
    region = program.found()
    assert leads_to(region, (0, ())) == [(4, True), (8, True)]
    assert leads_to(region, (4, ())) == [(8, True), (12, True)]


@pytest.mark.parametrize("target", [3, 6, 0x1001])
def test_a_jump_to_an_odd_address(target: int) -> None:
    """It leaves the region with that address; the fetch there is the interpreter's to refuse."""
    region = Program(f"inc a0\njp {target}").found()
    assert leads_to(region, (0, ())) == [(target, False)]


def test_a_jump_to_code_outside_the_words() -> None:
    region = Program("inc a0\njp 0x8000").found()
    assert leads_to(region, (0, ())) == [(0x8000, False)]
    assert region.words.keys() == {0, 4}


def test_relative_jumps() -> None:
    """Backwards, and wrapping below 0, where nothing is."""
    program = Program("inc a0\njpr -4")
    region = program.found()
    assert leads_to(region, (0, ())) == [(0, True)]
    region = Program("inc a0\njpr -8").found()
    assert leads_to(region, (0, ())) == [(0xFFFF_FFFC, False)]


def test_code_around_the_end_of_the_address_space() -> None:
    """After 0xFFFFFFFC comes 0, for plain code and for a skip."""
    words = dict(
        zip((0xFFFF_FFF8, 0xFFFF_FFFC, 0), Program("inc a0\nif ZF\nret").words, strict=True)
    )
    region = Discovery(words.get, True, 400).region(0xFFFF_FFF8)
    assert region is not None
    assert leads_to(region, (0xFFFF_FFF8, ())) == [(0, True), (4, False)]


# --- what the interpreter must do --------------------------------------------------------------


def test_an_instruction_for_the_interpreter_ends_a_block() -> None:
    """The region is left before it and entered again after it."""
    program = Program("loop: inc a0\nhwd a1, 0, 0\nafter: inc a2\njp loop")
    region = program.found()
    assert program["after"] in region.entries
    [block] = [block for block in region.blocks.values() if block.instructions[-1].op is Op.HWD]
    assert block.edges == []
    assert all(program.found(pc) == region for pc in program.addresses)


def test_nothing_is_entered_at_an_instruction_for_the_interpreter() -> None:
    """A region that is left at once would only cost time."""
    program = Program("loop: hwd a1, 0, 0\ninc a0\njp loop")
    region = program.found()
    assert region.entries == [4]
    assert region.blocks[4, ()].need >= 2


@pytest.mark.parametrize(
    "source", ["halt", "itr 0", "hwd a0, 0, 0", "#d32 0", "lsm a0", "cpy smt, 0"]
)
def test_nothing_to_translate(source: str) -> None:
    assert Program(source).region() is None


def test_nothing_to_translate_in_a_loop() -> None:
    """A loop of which each instruction is for the interpreter."""
    assert Program("loop: cpy mtt, 0\ncpy mtt, 0").region(4) is None
    region = Program("loop: cpy mtt, 0\njp loop").region()
    assert region is not None
    assert region.entries == [4]


def test_nothing_at_an_odd_address_or_outside() -> None:
    program = Program("inc a0\njp 0")
    assert program.region(2) is None
    assert program.region(8) is None


def test_the_mode_decides_what_can_be_translated() -> None:
    """In userland a privileged instruction is one that raises an exception."""
    program = Program("loop: inc a0\ncpy a1, ssp\ncycles a2\njp loop")
    assert all(b.instructions[-1].translatable for b in program.found().blocks.values())
    region = program.found(supervisor=False, enter_at_start=True)
    assert not region.supervisor
    [block] = region.blocks.values()
    assert [(one.op, one.translatable) for one in block.instructions] == [
        (Op.ADD, True),
        (Op.CPY, False),
    ]


# --- calls -------------------------------------------------------------------------------------

CALLING = """
loop:
    inc a0
    call f
one:
    inc a1
    call f
two:
    jp loop
f:
    add a2, 1
    ret
"""


def test_a_function_exists_once_for_each_call() -> None:
    """So its `ret` has one likely target, where the caller goes on."""
    program = Program(CALLING)
    region = program.found()
    f, one, two = program["f"], program["one"], program["two"]
    assert {key for key in region.blocks if key[0] == f} >= {(f, (one,)), (f, (two,))}
    assert inside(region.blocks[f, (one,)]) == [(one, ())]
    assert inside(region.blocks[f, (two,)]) == [(two, ())]
    assert inside(region.blocks[0, ()]) == [(f, (one,))]
    assert all(program.found(pc) == region for pc in program.addresses if pc < f)


def test_a_function_alone() -> None:
    """Seen from within a function its callers are unknown: the region ends where it returns."""
    program = Program(CALLING)
    region = program.found(program["f"])
    assert (region.entries, addresses(region)) == ([20], {20, 24})
    assert leads_to(region, (20, ())) == []


def test_calls_within_calls() -> None:
    """A context is the whole row of return addresses."""
    program = Program("""
    loop: call f
    one: jp loop
    f: call g
    in_f: ret
    g: inc a0
       ret
    """)
    region = program.found()
    one, in_f, f, g = (program[name] for name in ("one", "in_f", "f", "g"))
    assert inside(region.blocks[f, (one,)]) == [(g, (one, in_f))]
    assert inside(region.blocks[g, (one, in_f)]) == [(in_f, (one,))]
    assert inside(region.blocks[in_f, (one,)]) == [(one, ())]


def test_copies_count_against_the_limit() -> None:
    """Where copies would be too many, calls are followed less deep, in the end without contexts:
    then `ret` may lead behind each call."""
    program = Program(CALLING)
    region = program.found(limit=8)
    f, one, two = program["f"], program["one"], program["two"]
    assert [key for key in region.blocks if key[0] == f] == [(f, ())]
    assert inside(region.blocks[f, ()]) == [(one, ()), (two, ())]


def test_recursion_ends() -> None:
    """Contexts are only so deep; beyond, a return is one to any known place."""
    program = Program("""
    f:  cmp a0, 2
        ifls
        ret
        dec a0
        push a0
        call f
    first:
        pop a0
        dec a0
        call f
    second:
        add a1, a0
        ret
    """)
    region = program.found(limit=2000)
    assert max(len(context) for _, context in region.blocks) == MOST_CALL_DEPTH
    ends = [b for b in region.blocks.values() if b.instructions[-1].flow is Flow.RETURN]
    unknown = {program["first"], program["second"]}
    assert all({edge.pc for edge in b.edges} == unknown for b in ends if not b.context)
    assert all([edge.pc for edge in b.edges] == [b.context[-1]] for b in ends if b.context)


def test_a_function_that_does_not_return_to_its_caller() -> None:
    """It takes the return address from the stack and goes elsewhere: no edge is made up."""
    program = Program("loop: call f\nhalt\nf: pop a0\njp loop")
    region = program.found()
    assert addresses(region) == {0, 8, 12}


def test_computed_calls_and_jumps_go_where_they_were_seen_to_go() -> None:
    """Without targets they leave the region; with them the loop through them is found."""
    program = Program("loop: inc a0\njp a1\nthere: inc a2\njp loop")
    assert addresses(program.found()) == {0, 4}
    region = program.found(targets=[program["there"]])
    assert inside(region.blocks[0, ()]) == [(program["there"], ())]
    assert addresses(region) == set(program.addresses)

    program = Program("loop: call a1\nafter: jp loop\nf: inc a0\nret")
    region = program.found(targets=[program["f"]])
    after, f = program["after"], program["f"]
    assert inside(region.blocks[0, ()]) == [(f, (after,))]
    assert inside(region.blocks[f, (after,)]) == [(after, ())]


def test_targets_outside_do_no_harm() -> None:
    program = Program("loop: inc a0\nif ZF\njp a1\njp loop")
    region = program.found(targets=[6, 0x8000, 0xFFFF_FFFC])
    assert addresses(region) == {0, 4, 12}
    region = program.found(8, targets=[6, 0x8000, 0xFFFF_FFFC])
    assert leads_to(region, (8, ())) == []


# --- dispatch ----------------------------------------------------------------------------------

INTERPRETING = """
fetch:
    lsa a0, ac0, 0
    add ac0, 4
    cpy pc, a0
one:
    inc a1
    jp fetch
two:
    dec a1
    jp fetch
"""


def test_a_dispatch_is_copied_behind_each_handler() -> None:
    """Handlers lead to each other, each with an indirect jump of its own."""
    program = Program(INTERPRETING)
    fetch, one, two = program["fetch"], program["one"], program["two"]
    region = program.found(targets=[one, two])
    for handler in (one, two):
        block = region.blocks[handler, ()]
        pcs = [instruction.pc for instruction in block.instructions]
        assert pcs == [handler, handler + 4, fetch, fetch + 4, fetch + 8]
        assert inside(block) == [(one, ()), (two, ())]
        assert block.head
    assert region.entries == [fetch]


def test_copies_of_a_dispatch_count_against_the_limit() -> None:
    """Where they would be too many there is one dispatch for all handlers."""
    program = Program(INTERPRETING)
    fetch, one, two = program["fetch"], program["one"], program["two"]
    region = program.found(targets=[one, two], limit=8)
    assert [inside(region.blocks[handler, ()]) for handler in (one, two)] == 2 * [[(fetch, ())]]
