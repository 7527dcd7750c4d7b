"""Hooks: functions of the host that are called while a machine runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lrvm_jit import HardwareError, HookEvent, Motherboard, Snapshot
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.paging import low_entry, paged
from tests.machine.probes import Probe

PORT = 0x10000
WORD = 0x1234

CALLS = """
    cpy ev, handler
    cpy ssp, 0x8000
    cpy ac0, 0x8000
    add ac0, 0x8000         ; the port
    cpy a7, 0x400
loop:
    call work
    inc a0
    cmp a0, 3
    ifnq
    jp loop
    lsm user
work:
    wsa a7, 0, a0
    lsa a1, ac0, 8
    wsa ac0, 4, a1
    ret
user:
    itr 7
handler:
    halt
"""


def calls(engine: EngineChoice) -> tuple[Machine, Probe]:
    probe = Probe(words={8: WORD})
    return machine(CALLS, engine, [probe]), probe


def test_breakpoints_are_called_at_each_arrival(engine: EngineChoice) -> None:
    """Also at the first instruction of a run, once, and by single steps; the run goes on."""
    built, _ = calls(engine)
    seen: list[tuple[int, int]] = []
    start, work = built.board.cpu.regs.pc, built.labels["work"]
    hooks = [
        built.board.on("breakpoint", lambda b, e: seen.append((e.pc, b.cpu.cycles)), address=at)
        for at in (start, work)
    ]
    assert built.board.run(0).reason == "budget"
    built.board.cpu.step()
    assert seen == [(0, 0)]
    assert built.run(2).reason == "budget"
    assert built.run(1).attempted == 1
    built.board.cpu.step()
    assert built.run().reason == "halted"
    assert [pc for pc, _ in seen] == [start, work, work, work]
    assert seen[1] == (work, 6)
    hooks[1].remove()
    built.board.reset()
    seen.clear()
    built.run()
    assert seen == [(0, 0)]


def test_a_hook_may_move_pc(engine: EngineChoice) -> None:
    """The instruction is not executed, and the hooks of the new place are next."""
    built = machine("a: inc a0\nb: inc a1\nc: inc a2\nhalt", engine)
    labels = built.labels
    called: list[str] = []

    def move(board: Motherboard, event: HookEvent) -> None:
        called.append("a")
        board.cpu.regs.pc = labels["c"]

    built.board.on("breakpoint", move, address=labels["a"])
    built.board.on("breakpoint", lambda b, e: called.append("again"), address=labels["a"])
    built.board.on("breakpoint", lambda b, e: called.append("c"), address=labels["c"])
    stop = built.run()
    assert (stop.reason, stop.cycles) == ("halted", 2)
    assert (built.a0, built.a1, built.a2) == (0, 0, 1)
    assert called == ["a", "again", "c"]


def test_hooks_come_before_stops_of_the_same_place(engine: EngineChoice) -> None:
    """In the order in which they were added; a breakpoint of the board then ends the run."""
    built = machine("inc a0\nx: inc a1\nhalt", engine)
    at = built.labels["x"]
    called: list[int] = []

    def set_a0(board: Motherboard, event: HookEvent) -> None:
        board.cpu.regs.a0 = 7
        called.append(1)

    built.board.on("breakpoint", set_a0, address=at)
    built.board.on("breakpoint", lambda b, e: called.append(b.cpu.regs.a0), address=at)
    built.board.breakpoints = {at}
    stop = built.run()
    assert (stop.reason, stop.pc, called) == ("breakpoint", at, [1, 7])
    assert built.run().reason == "halted"
    assert called == [1, 7]


def test_stops_in_hooks(engine: EngineChoice) -> None:
    """`board.stop()` ends the run there; going on does not call the hook again."""
    built = machine("inc a0\nx: inc a1\nhalt", engine)
    called: list[int] = []

    def stop(board: Motherboard, event: HookEvent) -> None:
        called.append(event.pc)
        board.stop()

    built.board.on("breakpoint", stop, address=built.labels["x"])
    ended = built.run()
    assert (ended.reason, ended.pc, ended.cycles) == ("stopped", 4, 1)
    assert built.run().reason == "halted"
    assert called == [4]


@pytest.mark.parametrize("access", ["read", "write", "any"])
def test_memory_ranges(access: str, engine: EngineChoice) -> None:
    """Each access to one of the words, with the word; a word beside the range is not told."""
    source = """
        wsa a7, 0, 5
        lsa a0, a7, 0
        wsa a7, 8, 6
        wsa a7, 12, 7
        wsa a6, 0, 8
        lsa a1, a7, 8
        srm a7, 0, a1
        halt
    """
    built = machine(source, engine, a7=0x400, a6=0x3FC)
    told: list[tuple[str, int, int]] = []
    built.board.on(
        "memory",
        lambda b, e: told.append((str(e.access), e.address or 0, e.word)),
        address=0x400,
        words=3,
        access=access,
    )
    assert built.run().reason == "halted"
    wanted = [
        ("write", 0x400, 5),
        ("read", 0x400, 5),
        ("write", 0x408, 6),
        ("read", 0x408, 6),
        ("read", 0x400, 5),
        ("write", 0x400, 6),
    ]
    assert told == [one for one in wanted if access in ("any", one[0])]


def test_hooks_change_words(engine: EngineChoice) -> None:
    """What is read and what is written; the next hook sees what the one before has made."""
    built = machine("wsa a7, 0, 5\nlsa a0, a7, 0\nlsa a1, a7, 4\nhalt", engine, a7=0x400)

    def double(board: Motherboard, event: HookEvent) -> None:
        event.word *= 2

    def add(board: Motherboard, event: HookEvent) -> None:
        event.word += 1
        board.cpu.regs.a2 += 1

    for function in (double, add):
        built.board.on("memory", function, address=0x400)
    assert built.run().reason == "halted"
    assert built.board.memory.read(0x400) == 11
    assert (built.a0, built.a1, built.a2) == (23, 0, 2)


def test_code_and_stack_are_memory(engine: EngineChoice) -> None:
    """Fetching an instruction reads its word, and what a hook makes of it is executed."""
    built = machine("inc a0\ninc a0\nhalt", engine)
    other = machine("inc a3", engine).board.memory.read(0)

    def replace(board: Motherboard, event: HookEvent) -> None:
        event.word = other

    built.board.on("memory", replace, address=4, access="read")
    built.run()
    assert (built.a0, built.a3) == (1, 1)


def test_components(engine: EngineChoice) -> None:
    """Accesses that a component answers and its RESET; plain memory beside it is none."""
    built, _ = calls(engine)
    told: list[tuple[Any, ...]] = []
    built.board.on("component", lambda b, e: told.append((e.access, e.offset, e.word)), component=1)
    built.board.on("component", lambda b, e: told.append(("nobody",)), component=0)
    built.run()
    assert told[:2] == [("read", 8, WORD), ("write", 4, WORD)]
    assert len(told) == 6
    built = machine("reset 0x11\nhalt", engine, [Probe()], avr=1)
    told = []
    built.board.on("component", lambda b, e: told.append((e.component, e.access)))
    built.run()
    assert told == [(1, "reset")]


def test_exceptions_and_modes(engine: EngineChoice) -> None:
    """After the CPU has taken one; a change of mode by the same instruction is told after it."""
    built, _ = calls(engine)
    told: list[tuple[Any, ...]] = []
    built.board.on("mode", lambda b, e: told.append(("mode", e.pc, e.supervisor)))
    built.board.on("exception", lambda b, e: told.append(("all", e.pc, e.exception)))
    built.board.on("exception", lambda b, e: told.append(("other",)), code=1)
    built.board.on("exception", lambda b, e: told.append(("itr", b.cpu.regs.era)), code=0xF0)
    assert built.run().reason == "halted"
    user = built.labels["user"]
    code = told[1][2].code
    assert told[0] == ("mode", built.labels["work"] - 4, False)
    assert [one[0] for one in told[1:]] == ["all", *(["itr"] if code == 0xF0 else []), "mode"]
    assert told[1][1] == user
    assert told[-1] == ("mode", user, True)


def test_a_hook_may_handle_an_exception(engine: EngineChoice) -> None:
    """And with `halt_on_exception` the run ends after it."""
    built = machine("div a0, 0\ninc a1\nhalt", engine)

    def skip(board: Motherboard, event: HookEvent) -> None:
        board.cpu.regs.pc = event.pc + 4

    hook = built.board.on("exception", skip)
    assert built.run().reason == "halted"
    assert built.a1 == 1
    built.board.reset()
    stop = built.board.run(100, halt_on_exception=True)
    assert (stop.reason, stop.pc) == ("exception", 4)
    hook.remove()
    built.board.reset()
    assert built.board.run().reason == "unhandled"


def test_a_hook_that_changes_nothing_lets_unhandled_exceptions_end(engine: EngineChoice) -> None:
    """It has heard of each."""
    built = machine("div a0, 0", engine)
    told: list[int] = []
    built.board.on("exception", lambda b, e: told.append(e.pc))
    assert built.board.run().reason == "unhandled"
    assert told == [0, 0]


def fail(board: Motherboard, event: HookEvent) -> None:
    raise LookupError(f"at {event.pc}")


@pytest.mark.parametrize(
    ("kind", "arguments", "pc"),
    [
        ("breakpoint", {"address": 8}, 8),
        ("memory", {"address": 0x400}, 4),
        ("component", {"component": 1, "access": "read"}, 8),
        ("exception", {}, 0),
        ("mode", {}, 0x14),
    ],
)
def test_errors_surface(
    kind: str, arguments: dict[str, Any], pc: int, engine: EngineChoice
) -> None:
    """Between two instructions, with nothing lost: the machine can be run on."""
    source = """
        wsa a7, 0, 1
        lsa a0, ac0, 8
        cpy a1, 1
        div a2, 0
        lsm 0x14
        halt
    """
    built = machine(source, engine, [Probe()], ac0=PORT, ev=0x10, a7=0x400)
    hook = built.board.on(kind, fail, **arguments)
    with pytest.raises(LookupError):
        built.run()
    between, attempted = built.pc, built.board.cpu.attempted
    hook.remove()
    built.run(20)
    again = machine(source, engine, [Probe()], ac0=PORT, ev=0x10, a7=0x400)
    again.run(attempted)
    assert again.pc == between
    again.run(20)
    assert again.state == built.state


def test_a_hook_may_refuse_an_access(engine: EngineChoice) -> None:
    """By a HardwareError, as a component does."""
    built = machine("wsa ac0, 0, 1\ninc a1\nhalt", engine, [Probe()], ac0=PORT, ev=4)

    def refuse(board: Motherboard, event: HookEvent) -> None:
        raise HardwareError(0x12, 3)

    built.board.on("component", refuse, access="write")
    assert built.run().reason == "halted"
    assert str(built.board.cpu.exception).startswith("Hardware exception")


def test_words_that_are_none(engine: EngineChoice) -> None:
    """The access goes on with the word as it was."""
    built = machine("wsa a7, 0, 5\nhalt", engine, a7=0x400)

    def spoil(board: Motherboard, event: HookEvent) -> None:
        event.word = -1

    built.board.on("memory", spoil, address=0x400)
    with pytest.raises(ValueError, match="the word of a hook is -1"):
        built.run()
    assert built.board.memory.read(0x400) == 5


def test_hooks_add_and_remove_hooks(engine: EngineChoice) -> None:
    """Between two instructions; within one that is refused, and removing is not."""
    built = machine("inc a0\nx: wsa a7, 0, 1\ny: inc a1\nz: halt", engine, a7=0x400)
    board, labels = built.board, built.labels
    called: list[str] = []

    def first(board: Motherboard, event: HookEvent) -> None:
        called.append("x")
        hook.remove()
        board.on("breakpoint", lambda b, e: called.append("z"), address=labels["z"])
        board.on("memory", within, address=0x400)
        assert board.snapshot().cycles == 1

    def within(board: Motherboard, event: HookEvent) -> None:
        called.append("memory")
        board.on("breakpoint", lambda b, e: None, address=0)

    hook = board.on("breakpoint", first, address=labels["x"])
    with pytest.raises(RuntimeError, match="cannot add a hook"):
        built.run()
    assert called == ["x", "memory"]
    assert built.run().reason == "halted"
    assert called == ["x", "memory", "z"]


def test_nothing_is_left_of_removed_hooks() -> None:
    """The words of a range are plain memory again, and nothing stands on the bus."""
    built = machine("jp 0", "translator")
    board = built.board
    hooks = [
        board.on("memory", fail, address=0x400, words=100),
        board.on("component", fail),
        board.on("breakpoint", fail, address=0x100),
    ]
    assert board.core.bus.tap is not None
    for hook in hooks:
        hook.remove()
        hook.remove()
    board.run(1)
    assert board.core.bus.tap is None
    assert board.core.watched_words() == []
    assert not board.is_hooked(0x400)


@pytest.mark.parametrize(
    ("instruction", "hooked"),
    [
        ("lsa a0, a6, 0", 0x4000),
        ("srm a6, 0, a0", 0x4000),
        ("pop a0", 0x4000),
        ("inc a0", 0),  # fetched
        ("wsa a6, 0, a0", 0x4000),
    ],
)
def test_memory_hooks_write_the_cpu_after_the_instruction(
    instruction: str, hooked: int, engine: EngineChoice
) -> None:
    """What the instruction does to the same register is written over."""
    built = machine(f"{instruction}\nhalt", engine, a6=0x4000, ssp=0x4000)

    def change(board: Motherboard, event: HookEvent) -> None:
        board.cpu.regs.a0 = 99
        board.cpu.regs.a3 = board.cpu.regs.a0

    built.board.on("memory", change, address=hooked)
    built.board.run(1)
    assert (built.board.cpu.regs.a0, built.board.cpu.regs.a3) == (99, 99)


def test_hooks_of_page_tables_write_the_cpu_after_the_instruction(engine: EngineChoice) -> None:
    """The walk is a part of the instruction: pc is written after it."""
    built = paged("inc a0\nhalt", engine)
    called: list[int] = []

    def jump(board: Motherboard, event: HookEvent) -> None:
        if not called:
            board.cpu.regs.pc = 0x40
        called.append(event.pc)

    built.board.on("memory", jump, address=low_entry(0))
    assert built.board.run(1).pc == 0x40
    assert built.board.cpu.regs.a0 == 1


def test_the_last_address_at_a_hooked_breakpoint(engine: EngineChoice) -> None:
    """It is the breakpoint's, in the middle of any sequence that an engine executes in one piece,
    and so it is in snapshots that hooks take."""
    source = "again: inc a0\ncmp a0, 99\nif ZF\nhalt\nadd a1, 3\nshl a1, 1\nshr a1, 1\njp again"
    taken: list[Snapshot] = []

    def stop(board: Motherboard, event: HookEvent) -> None:
        taken.append(board.snapshot())
        board.stop()

    for place in (4, 8, 16, 20, 24, 28):
        built = machine(source, engine)
        built.board.on("breakpoint", stop, address=place)
        for _ in range(3):
            end = built.board.run(1000)
            assert (end.reason, end.pc, end.address) == ("stopped", place, place)
        built.board.restore(taken[-1])
        assert built.board.run(0).address == place
        built.board.close()


@pytest.mark.parametrize(
    ("kind", "arguments", "error", "message"),
    [
        ("flags", {}, ValueError, "no hooks for 'flags'; they are for breakpoint, memory"),
        ("breakpoint", {}, TypeError, "needs an address"),
        ("breakpoint", {"address": 2}, ValueError, "multiple of 4"),
        ("breakpoint", {"address": 0, "words": 2}, TypeError, "has no 'words'; it takes address"),
        ("memory", {"address": 0, "words": 0}, ValueError, "words is 0"),
        ("memory", {"address": 0, "access": "x"}, ValueError, "access is 'x'"),
        ("component", {"component": 5}, ValueError, "component is 5; it must be within 0..0"),
        ("mode", {"address": 0}, TypeError, "takes nothing else"),
        ("exception", {"code": 256}, ValueError, "code is 256"),
    ],
)
def test_mistakes(
    kind: str, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """They leave the board without the hook."""
    built = machine("halt", "interpreter")
    with pytest.raises(error, match=message):
        built.board.on(kind, fail, **arguments)
    assert built.run().reason == "halted"


def test_what_is_no_function() -> None:
    built = machine("halt", "interpreter")
    nothing: Callable[..., object] = None  # type: ignore[assignment]
    with pytest.raises(TypeError, match="a hook calls a function"):
        built.board.on("mode", nothing)
