"""Words that somebody looks at are never missed: breakpoints and watchpoints set on warm code.

Code that has been decoded into superinstructions, or translated, was made without them.
"""

from __future__ import annotations

import pytest

from lrvm_jit import Motherboard, TranslatorOptions
from tests.engines import EAGER, EngineChoice, engine_id
from tests.machine.guest import assembled, machine
from tests.machine.paging import ALL, paged

LOOPS = {
    # The one on which it was found: a skipped jump over words that are not plain registers' work.
    "skip": "loop: and a0,0x21\nifnq\njp out\ninc a1\nlsa a2,ac0,0\nout: jp loop",
    "compare": "loop: inc a0\ncmp a0, 9\nifls\njp loop\ncpy a0, 0\njp loop",
    "other way": "loop: add a0, 3\ncmp a0, 30\nifls\ninc a1\njp next\ncpy a0, 0\nnext: jp loop",
    "constants": "loop: inc a0\ncpy a1, 5\nshl a1, 16\nadd a1, 7\ncpy a2, 3\nshl a2, 31\njp loop",
    "flags": "loop: inc a0\nand a3, a0\nifnq\ninc a1\njp there\nthere: if OF\ninc a2\njp loop",
    "calls": "cpy ssp, 0x2000\nloop: call sub\njp loop\nsub: inc a0\npush a0\npop a1\nret",
}
WARM = 400
TIERS: tuple[EngineChoice, ...] = (
    "interpreter",
    TranslatorOptions(threshold=50, background=False, cache=False, optimize=False),
    EAGER,
)
KINDS = ("breakpoint", "read", "both")


def look(board: Motherboard, word: int | None, kind: str) -> None:
    """Look at one word, or at none. What stays as it is is not set anew: setting one kind of
    points must not be what makes the other work."""
    breakpoints = {word} if word is not None and kind in ("breakpoint", "both") else set()
    watch = "read" if kind == "both" else kind
    watchpoints = {word: watch} if word is not None and kind != "breakpoint" else {}
    if board.breakpoints != breakpoints:
        board.breakpoints = breakpoints
    if board.watchpoints != watchpoints:
        board.watchpoints = watchpoints


def scenario(source: str, engine: EngineChoice, word: int, kind: str) -> list[object]:
    """What happens on warm code: with the word looked at, with another one, with none again."""
    built = machine(source, engine, a0=1, ac0=0x800)
    words = len(assembled(source).words)
    built.run(WARM)
    seen: list[object] = []
    for number in (word, (word + 2) % words, None):
        look(built.board, None if number is None else 4 * number, kind)
        for budget in (60, 7, 1, 60):
            stop = built.run(budget)
            seen.append((stop, stop.attempted, built.state))
    return seen


@pytest.mark.parametrize("name", LOOPS)
def test_on_every_word_of_warm_code(name: str) -> None:
    """Every word of a loop, looked at in every way, stops a run as it does on the reference."""
    source = LOOPS[name]
    for word in range(len(assembled(source).words)):
        for kind in KINDS:
            wanted = scenario(source, "reference", word, kind)
            for tier in TIERS:
                assert scenario(source, tier, word, kind) == wanted, (word, kind, engine_id(tier))


@pytest.mark.parametrize("tier", TIERS, ids=["interpreter", "translator", "eager"])
@pytest.mark.parametrize("word", range(4))
def test_code_that_is_decoded_at_another_address(word: int, tier: EngineChoice) -> None:
    """A breakpoint stands at a virtual address: the same words, combined where the pages map them
    elsewhere, stop the run there all the same."""
    source = """
    loop:
        inc a0
        cmp a0, 9000
        ifls
        jp loop
        halt
    """

    def stops(engine: EngineChoice) -> list[object]:
        built = paged(source, engine)
        words = built.ram.words
        table = words[built.board.cpu.regs.pda // 4] & 0xFF_FFFF
        # Page 40 is page 0 again, whose jump leads back to page 0.
        words[table * 16384 // 4 + 40] = ALL | 0
        alias = 40 * 1024
        built.run(100)
        seen: list[object] = []
        for _ in range(3):
            built.board.cpu.regs.pc = alias
            built.board.breakpoints = {alias + 4 * word}
            for budget in (30, 30):
                seen.append((built.run(budget), built.state))
            built.board.breakpoints = {4 * word}
            built.board.cpu.regs.pc = alias
            seen.append((built.run(30), built.state))
            built.board.breakpoints = ()
            built.run(30)
        return seen

    assert stops(tier) == stops("reference")


def test_only_the_code_that_is_touched_is_made_again() -> None:
    """A breakpoint elsewhere leaves a translated loop alone; one in it takes it apart."""
    engine = TranslatorOptions(threshold=50, background=False, cache=False)
    built = machine("loop: inc a0\ncmp a0, 0\njp loop\nhalt\nhalt\nhalt", engine)
    board = built.board

    def warm_up() -> None:
        # Code is translated that has been hot at more than one look, which is between slices.
        for _ in range(4):
            built.run(500)

    def translated(cycles: int) -> int:
        before = board.stats().translated
        built.run(cycles)
        return board.stats().translated - before

    warm_up()

    assert translated(3000) > 2500
    board.breakpoints = {20}
    # Still there, without being made again: there are no looks in so short a run.
    assert board.stats().regions == 1
    assert translated(3000) > 2500
    board.breakpoints = {4}
    assert built.run().reason == "breakpoint"
    board.breakpoints = {20}
    warm_up()
    assert translated(3000) > 2500
    board.watchpoints = {20: "any"}
    assert translated(3000) > 2500
