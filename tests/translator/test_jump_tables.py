"""Jumps through a table of addresses (`lsa pc, a0, handlers`).

A region knows the words of such a table and relies on them, as it does on its code: the jump
needs no look into memory. What the guest can see is the same as ever, whatever happens to the
table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lrvm_jit import TranslatorOptions, Watch
from lrvm_jit.isa.table import Reg
from lrvm_jit.jit.analysis.discovery import Discovery
from lrvm_jit.jit.analysis.profile import Profile
from lrvm_jit.jit.analysis.region import JumpTable
from lrvm_tools.lasm import assemble, assemble_program
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.paging import EXECUTE, WRITE, low_entry, set_page
from tests.translator.scenarios import HOT, Scenario, play, play_paged

JUMPS = {
    "literal": "lsa pc, a0, handlers",
    "literal first": "lsa pc, handlers, a0",
    "register": "lsa pc, ac1, a0",
    "register second": "lsa pc, a0, ac1",
    "a register set on the way": "cpy a4, handlers\nlsa pc, a4, a0",
    "a sum": "add a0, handlers\nlsa pc, a0, 0",
    "two sums": "sub a0, 12\nadd a0, ac1\nlsa pc, a0, 12",
    "words": "shr a0, 2\nlea ac1, a0, 4\njp avr",
    "words shifted": "shr a0, 2\nshl a0, 2\nlsa pc, ac1, a0",
    "bytes": "lea a0, ac1, 1\njp avr",
    "a product": "bor a5, 1\nlea ac1, a0, a5\njp avr",
    "two steps": "lsa a4, ac1, a0\njp a4",
}
"""Ways to jump to the handler whose number, times 4, is in a0; ac1 has the table's address."""
SOURCE = """
    cpy ac0, code
    cpy ac1, handlers
fetch:
    lsa a0, ac0, 0
    add ac0, 4
    JUMP
one:
    add a1, 1
    jp fetch
two:
    xor a1, 0x55
    jp fetch
unseen:
    add a2, 1
    jp fetch
never:
    add a2, 2
    jp fetch
again:
    cpy ac0, code
    inc a3
    jp fetch

handlers: #d32 one, unseen, two, again, unseen, never
variable: #d32 0
ONE = 0
UNSEEN = 4
TWO = 8
AGAIN = 12
    #addr 0x800
code: #d32 ONE, TWO, ONE, ONE, TWO, AGAIN
"""
EACH_JUMP = pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)


def program(jump: str = JUMPS["literal"]) -> str:
    """An interpreter with this jump to its handlers."""
    return SOURCE.replace("JUMP", jump)


BEFORE = "#d32 two, two\n"


def warm_up(scenario: Scenario) -> None:
    """Run until the region knows where its jumps go."""
    scenario.run(*[300] * 10, *[2100] * 4)


def knows_table(scenario: Scenario) -> bool:
    """Whether jumps stay in the region: some 4,000 of them. It is left once or twice at each
    beginning, where its window for the table must be found again."""

    def exits() -> int:
        return scenario.board.stats().exits.get("unexpected target", 0)

    before = exits()
    scenario.run(21000)
    return exits() - before < 10


def word(scenario: Scenario, label: str, offset: int = 0) -> int:
    """Index of a word in RAM."""
    return scenario.labels[label] // 4 + offset


# --- which table -------------------------------------------------------------------------------


def table_of(source: str, *targets: str) -> JumpTable | None:
    """The table of the one jump that a program has, if its targets have been seen."""
    assembled = assemble_program(source)
    words = [int(one) for one in assembled.words]
    registers = [0] * 32
    registers[Reg.AC1] = assembled.symbols["handlers"]

    def word_at(pc: int) -> int | None:
        return words[pc // 4] if pc < 4 * len(words) else None

    seen = Profile(anywhere=tuple(assembled.symbols[target] for target in targets))
    discovery = Discovery(word_at, True, 400, seen, registers=registers)
    region = discovery.region(assembled.symbols["fetch"])
    assert region is not None
    tables = {block.table for block in region.blocks.values() if block.table is not None}
    assert len(tables) <= 1
    for table in tables:
        for position, target in enumerate(table.targets):
            assert region.words[table.address + 4 * position] == target
    return tables.pop() if tables else None


@EACH_JUMP
def test_a_table_reaches_to_the_last_target(jump: str) -> None:
    """What stands between targets is one, too, and so wherever it stands again; what stands
    behind them may be a variable, which a store must not make the region lose."""
    source = program(jump)
    labels = assemble_program(source).symbols
    expected = tuple(labels[name] for name in ("one", "unseen", "two", "again", "unseen"))
    for seen in [("one", "two"), ("one", "again"), ("one", "two", "again")]:
        table = table_of(source, *seen)
        assert table is not None
        assert table.address == labels["handlers"]
        assert table.targets == expected
    never = table_of(source, "one", "never")
    assert never is not None
    assert never.targets == (*expected, labels["never"])


@pytest.mark.parametrize("word", ["0", "fetch + 4", "2", "0xFFFFFFFC", "code"])
def test_a_table_ends_where_nothing_can_begin(word: str) -> None:
    """The middle of other code is no target, so this is no table."""
    source = program().replace("two, again, unseen, never", f"{word}, two, again")
    assert table_of(source, "one", "two", "again") is None
    labels = assemble_program(source).symbols
    table = table_of(source, "one", "unseen", "two")
    assert table is not None
    assert table.targets == (labels["one"], labels["unseen"])


@pytest.mark.parametrize(
    "jump",
    [
        "lsa pc, a0, a1",
        "lsa pc, handlers, 0",
        "lsa pc, ac1, 0",
        "lsa pc, a0, 3 + handlers",
        "cpy pc, a0",
        "lsa a4, ac1, a0\njp a5",
        "lsa a4, ac1, a0\nadd a4, 4\njp a4",
        "inc ac1\nlsa pc, ac1, a0",
        "lsa ac1, ac1, 0\nlsa pc, ac1, a0",
    ],
)
def test_other_jumps_have_no_table(jump: str) -> None:
    """The address moves, or is no sum, or what is loaded is not where the jump goes."""
    assert table_of(program(jump), "one", "two", "again") is None


def test_one_target_is_no_table() -> None:
    assert table_of(program(), "one") is None


# --- what may happen to it ---------------------------------------------------------------------


@EACH_JUMP
def test_jumps_stay_in_the_region(jump: str) -> None:
    """Once the targets are known; a variable behind the table may change all the time."""
    source = program(jump).replace("inc a3", "inc a3\nwsa variable, ac0")
    for scenario in play(source, warm_up, translators=[HOT]):
        assert knows_table(scenario)
        assert scenario.board.stats().invalidations == 0


INDICES = (1, 6, 0x1000, 0x8000_0000, 0xFFFF_FFFC, 0xFFFF_FFF8, 0xFFFF_FFFF, 16, 20, 24, 4)


@pytest.mark.parametrize("jump", ["literal", "register", "a sum", "words", "two steps"])
def test_other_indices(jump: str) -> None:
    """Never seen, behind the table, before it, unaligned, outside memory: exactly that happens."""

    def script(scenario: Scenario) -> None:
        scenario.board.memory.load(0x3000, assemble("inc a6\ncpy a5, era\ncpy ac0, 0x800\njp 8"))
        warm_up(scenario)
        words = scenario.machine.ram.words
        for index in INDICES:
            words[0x804 // 4] = index
            scenario.run(1, 2, 3, 40, 41, 42, 300)
            words[0x804 // 4] = 8
            scenario.run(1, 2, 3, 40, 41, 42, 300)

    play(program(JUMPS[jump]).replace("handlers:", BEFORE + "handlers:"), script, ev=0x3000)


@pytest.mark.parametrize("every", [1, 7, 100])
def test_the_guest_changes_an_entry(every: int) -> None:
    """Each jump goes where the table says at that moment."""
    source = program().replace(
        "inc a3",
        """
        inc a3
        cpy a4, a3
        mod a4, EVERY, 0
        cmp a4, 0
        ifnq
        jp fetch
        lsa a5, handlers, 0
        lsa a6, handlers, 8
        wsa handlers, 8, a5
        wsa handlers, 0, a6
        """.replace("EVERY", str(every)),
    )

    def script(scenario: Scenario) -> None:
        warm_up(scenario)
        scenario.run(1, 10, 100, 1000)
        assert scenario.board.cpu.regs.a3 > 100

    [hot] = play(source, script, translators=[HOT])
    assert hot.board.stats().invalidations


@pytest.mark.parametrize("offset", range(4))
def test_the_host_changes_an_entry(offset: int) -> None:
    def script(scenario: Scenario) -> None:
        warm_up(scenario)
        words = scenario.machine.ram.words
        old = int(words[word(scenario, "handlers", offset)])
        words[word(scenario, "handlers", offset)] = scenario.labels["unseen"]
        scenario.run(17, 300)
        words[word(scenario, "handlers", offset)] = old
        scenario.board.cpu.regs.pc = 0
        scenario.run(17, 300, 2100)

    play(program(), script)


def test_the_table_is_chosen_by_a_register() -> None:
    """The host lets the register that has the table's address point to another table."""

    def script(scenario: Scenario) -> None:
        labels = scenario.labels
        handlers = labels["handlers"]
        other = [labels[name] for name in ("two", "two", "one", "again")]
        scenario.board.memory.load(0x3000, other)
        for address in [handlers, 0x3000, 0x3004, handlers] * 3:
            scenario.board.cpu.regs.ac1 = address
            scenario.run(1, 10, 300, 2100)

    play(program(JUMPS["register"]), script)


def test_a_region_that_relies_on_the_wrong_table_is_made_again() -> None:
    """It is not left for each jump of a program that uses another table from now on."""

    def script(scenario: Scenario) -> None:
        warm_up(scenario)
        labels = scenario.labels
        scenario.board.memory.load(
            0x3000, [labels[name] for name in ("two", "two", "one", "again")]
        )
        scenario.board.cpu.regs.ac1 = 0x3000
        warm_up(scenario)

    for scenario in play(program(JUMPS["register"]), script, translators=[HOT]):
        assert knows_table(scenario)


def test_the_host_loads_another_table() -> None:
    """Two tables in turn, with other addresses in them."""

    def script(scenario: Scenario) -> None:
        labels = scenario.labels
        for first, second in [("one", "two"), ("two", "one"), ("one", "one")] * 2:
            table = [labels[first], labels["unseen"], labels[second], labels["again"]]
            scenario.board.memory.load(labels["handlers"], table)
            warm_up(scenario)

    play(program(), script)


@pytest.mark.parametrize("kind", [Watch.READ, Watch.WRITE])
def test_watchpoints_on_entries(kind: Watch) -> None:
    """A jump reads its entry: the run stops there, and only there."""

    def script(scenario: Scenario) -> None:
        warm_up(scenario)
        scenario.board.watchpoints = {scenario.labels["handlers"] + 8: kind}
        scenario.run(2, 100, 100, 100, 1000)
        scenario.board.watchpoints = {}
        scenario.run(1000)

    play(program(), script)


@pytest.mark.parametrize("jump", [JUMPS["literal"], JUMPS["register"], JUMPS["two steps"]])
def test_a_watchpoint_on_an_entry_that_is_not_used(jump: str) -> None:
    """The rest of the table is read all the time; then that entry is used, too."""

    def script(scenario: Scenario) -> None:
        scenario.board.watchpoints = {scenario.labels["handlers"] + 4: "read"}
        warm_up(scenario)
        warm_up(scenario)
        scenario.machine.ram.words[word(scenario, "code", 1)] = 4
        scenario.run(*[100] * 10)

    play(program(jump), script, translators=[HOT])


def test_a_table_that_may_be_executed_but_not_read() -> None:
    """The jump needs the right to read, although the region knows the words."""

    def script(scenario: Scenario) -> None:
        set_page(scenario.machine, 0xC00, 0xC00)
        scenario.board.memory.load(0xC00, assemble("inc a6\ncpy a5, era\ncpy ac0, 0x800\njp 8"))
        warm_up(scenario)
        words = scenario.machine.ram.words
        entry = low_entry(0) // 4
        old = int(words[entry])
        words[entry] = old & ~(0x3F << 24) | EXECUTE | WRITE
        scenario.run(1, 2, 3, 40, 300, 2100)
        assert scenario.board.cpu.regs.a6 > 100
        words[entry] = old
        scenario.run(1, 2, 3, 40, 300, 2100)

    play_paged(program(), script, ev=0xC00)


def test_the_page_of_the_table_is_mapped_elsewhere() -> None:
    """Another page with the same code and another table."""

    def script(scenario: Scenario) -> None:
        words = scenario.machine.ram.words
        words[0x2000 // 4 : 0x2400 // 4] = words[:0x100]
        words[0x2000 // 4 + word(scenario, "handlers")] = scenario.labels["two"]
        for frame in [0, 0x2000] * 3:
            set_page(scenario.machine, 0, frame)
            warm_up(scenario)
            scenario.note(scenario.board.cpu.regs.a3)

    play_paged(program(), script)


def test_budgets_end_runs_at_each_place() -> None:
    def script(scenario: Scenario) -> None:
        warm_up(scenario)
        scenario.run(*range(1, 60))

    play(program(), script)


def random_script(seed: int) -> Callable[[Scenario], None]:
    """Byte-code and table are changed at random between runs of random lengths."""

    def script(scenario: Scenario) -> None:
        random = Random(seed)
        labels, words = scenario.labels, scenario.machine.ram.words
        goals = [labels[name] for name in ("one", "two", "unseen", "again", "fetch")]
        warm_up(scenario)
        for _ in range(12):
            match random.randrange(5):
                case 0:
                    words[word(scenario, "handlers", random.randrange(5))] = random.choice(goals)
                case 1:
                    words[word(scenario, "code", random.randrange(6))] = 4 * random.randrange(6)
                case 2:
                    words[word(scenario, "variable")] = random.choice([0, 0x1234, *goals])
                case 3:
                    scenario.board.cpu.regs.a0 = random.choice([0, 4, 8, 12, 2])
                    scenario.board.cpu.regs.pc = labels["one"] - 4
                case _:
                    scenario.run(2100)
            scenario.run(random.randrange(1, 50), random.randrange(1, 2000))

    return script


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 1 << 32))
def test_random_changes(seed: int) -> None:
    play(program(), random_script(seed), translators=[HOT], ev=0x800)


# --- many targets --------------------------------------------------------------------------------


def interpreter_of(handlers: int, jump: str) -> str:
    """A program that jumps to so many handlers in no order; `jump` with its operand in a0, a
    handler's number times 4."""
    random = Random(handlers)
    names = [f"handler{number}" for number in range(handlers)]
    code = "".join(f"{name}: add a1, {number}\nxor a2, a1\njp fetch\n" for number, name in
                   enumerate(names))  # fmt: skip
    picked = ", ".join(str(4 * random.randrange(handlers)) for _ in range(500))
    return f"""
        cpy ac0, byte_code
        cpy ac1, handlers
    fetch:
        lsa a0, ac0, 0
        add ac0, 4
        {jump}
    {code}
    again:
        cpy ac0, byte_code
        jp fetch
    handlers: #d32 {", ".join(names)}, again
    byte_code: #d32 {picked}, {4 * handlers}
    """


def run_long(source: str, engine: EngineChoice) -> tuple[Machine, Machine]:
    """Two machines after some million instructions, one of them interpreted; they are the same."""
    found, expected = machine(source, engine), machine(source, "interpreter")
    for _ in range(100):
        found.run(50_000)
        expected.run(50_000)
    assert found.state == expected.state
    return found, expected


LATER = TranslatorOptions(threshold=20_000, background=False, cache=False, tiers=("regions",))


@pytest.mark.parametrize("jump", ["lsa pc, ac1, a0", "lsa a3, ac1, a0\nadd a3, 0\njp a3"])
def test_a_hundred_handlers(jump: str) -> None:
    """All are learned, through the table or as targets of their own: hardly a jump leaves."""
    found, _ = run_long(interpreter_of(100, jump), LATER)
    before = found.board.stats()
    found.run(50_000)
    after = found.board.stats()
    assert after.translated - before.translated > 49_000
    assert sum(after.exits.values()) - sum(before.exits.values()) < 200


def test_more_targets_than_a_region_can_hold() -> None:
    """They are other regions' code: none is made again and again for them."""
    source = interpreter_of(100, "lsa pc, ac1, a0")
    found, _ = run_long(source, replace(LATER, max_instructions=48))
    before = found.board.stats()
    found.run(50_000)
    after = found.board.stats()
    assert after.translated - before.translated > 40_000
    assert after.compiled - before.compiled <= 1
