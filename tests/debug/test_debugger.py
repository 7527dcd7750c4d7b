"""The debugger's engine: where it stops, forward and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import ANY

import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard
from lrvm_jit.debug import DebugError, Debugger, Event, ExpressionError, ProgramInfo, expressions
from lrvm_tools.lasm import assemble_program
from tests.debug.machines import ORACLE, asking, counting
from tests.engines import EngineChoice


def where(event: Event) -> tuple[str, int]:
    return str(event.kind), event.position


def test_breakpoints_forward_and_back(engine: EngineChoice) -> None:
    """The stops backward are those forward, the last one first; more of them than are searched in
    one go."""
    board, _ = counting(engine, 250)
    with board, Debugger(board, counting(engine)[1]) as debugger:
        debugger.break_at("bump")
        forward = [debugger.run()]
        while forward[-1].kind == "breakpoint":
            forward.append(debugger.continue_())
        assert [where(event)[0] for event in forward[-2:]] == ["breakpoint", "exception"]
        assert len(forward) == 251
        back = [debugger.rcontinue()]
        while back[-1].kind != "start":
            back.append(debugger.rcontinue())
        # The exception, before its instruction, then the breakpoints.
        assert back[0].kind == "exception"
        wanted = [event.position for event in forward[:-1]]
        assert [event.position for event in back[1:-1]] == wanted[::-1]
        assert debugger.position == 0


def test_conditions_ignore_counts_temporary_and_log_points(engine: EngineChoice) -> None:
    board, program = counting(engine)
    said: list[str] = []
    with board, Debugger(board, program, say=said.append) as debugger:
        debugger.break_at("bump", "a0 % 10 == 4 && [0x1000] == a0", ignore=2)
        debugger.break_at("loop", log="a0={a0} word={[ac0]} {[3]}")
        assert (debugger.run().kind, board.cpu.regs.a0) == ("breakpoint", 24)
        assert said[24] == "a0=24 word=24 <address 0x00000003 is not a multiple of 4>"
        debugger.points.clear()
        debugger.break_at("counting.lasm:8", temporary=True)
        assert debugger.continue_().pc == program.symbols["loop"] + 4
        assert not debugger.points
        debugger.break_at(":14", "a0 == 50")
        event = debugger.continue_()
        assert (event.pc, board.cpu.regs.a0) == (program.symbols["bump"], 50)
        debugger.points.clear()
        assert debugger.continue_().kind == "exception"


def test_breakpoint_at_the_first_instruction(engine: EngineChoice) -> None:
    board, program = counting(engine)
    with board, Debugger(board, program) as debugger:
        debugger.break_at(0)
        assert where(debugger.run()) == ("breakpoint", 0)
        assert debugger.run(5).position == 5


def test_calls(engine: EngineChoice) -> None:
    """`next`, `finish` and `until`, and the way back over them."""
    board, program = counting(engine)
    loop, bump = program.symbols["loop"], program.symbols["bump"]
    with board, Debugger(board, program) as debugger:
        assert debugger.until("loop").pc == loop
        assert where(debugger.next()) == ("location", 6)
        assert (where(debugger.rnext()), debugger.pc) == (("location", 3), loop)
        debugger.step()
        assert [frame.function for frame in debugger.backtrace()] == ["bump", "loop"]
        debugger.step()
        assert (debugger.finish().pc, debugger.position) == (loop + 4, 6)
        debugger.rstep()
        assert (debugger.rfinish().pc, debugger.position) == (loop, 3)
        with pytest.raises(DebugError, match="no return address"):
            debugger.finish()
        debugger.next(4)
        assert debugger.pc == loop + 16
        debugger.points[9] = debugger.break_at("bump", "a0 == 7")
        assert (debugger.until().kind, board.cpu.regs.a0, debugger.pc) == ("breakpoint", 7, bump)
        debugger.points.clear()
        debugger.finish()
        debugger.next(3)
        # Behind the loop stands the division that fails.
        assert (debugger.until().pc, board.cpu.regs.a0) == (loop + 20, 100)


def test_recursion_does_not_stop_next(engine: EngineChoice) -> None:
    """The return address of an inner call is that of the outer one, but the stack is not."""
    program = assemble_program(
        """
        cpy ssp, 0x1800
        cpy a0, 5
        call down
        halt
    down:
        dec a0
        cmp a0, 0
        ifeq
        ret
        call down
        inc a1
        ret
        """
    )
    board = Motherboard([BootRom(program.words, 0x1000), Ram(0x1000)], engine)
    board.map_contiguous(0)
    board.reset()
    with board, Debugger(board, program) as debugger:
        debugger.break_at("down", "a0 == 4", temporary=True)
        debugger.run()
        debugger.step(3)
        assert (debugger.next().kind, board.cpu.regs.a1) == ("location", 2)
        assert board.cpu.regs.a0 == 0
        debugger.rnext()
        assert (board.cpu.regs.a0, board.cpu.regs.a1) == (3, 0)


@pytest.mark.parametrize("kind", ["change", "write", "read", "any"])
def test_watchpoints(kind: str, engine: EngineChoice) -> None:
    """On a word that is written twice with the same value, then read."""
    program = assemble_program(
        "cpy ac0, 0x1000\n wsa ac0, 4, 7\n wsa ac0, 4, 7\n lsa a0, ac0, 4\n wsa ac0, 8, 1\n halt"
    )
    board = Motherboard([BootRom(program.words, 0x1000), Ram(0x1000)], engine)
    board.map_contiguous(0)
    board.reset()
    wanted = {"change": [2], "write": [2, 3], "read": [4], "any": [2, 3, 4]}[kind]
    with board, Debugger(board, program) as debugger:
        debugger.watch("[0x1000]", kind, words=2)
        forward = [debugger.run()]
        while forward[-1].kind != "halted":
            forward.append(debugger.continue_())
        assert [event.position for event in forward[:-1]] == wanted
        assert all(event.change and event.change.address == 0x1004 for event in forward[:-1])
        back = [debugger.rcontinue()]
        while back[-1].kind != "start":
            back.append(debugger.rcontinue())
        assert [event.position for event in back[:-1]] == [at - 1 for at in wanted[::-1]]


def test_last_change(engine: EngineChoice) -> None:
    # Long runs are searched in halves; but where a search begins, there may be a region to compile.
    rounds = 3000 if engine in ("interpreter", "translator") else 100
    board, program = counting(engine, rounds)
    with board, Debugger(board, program) as debugger:
        debugger.run()
        here = debugger.position
        change = debugger.last_change(0x1000)
        assert change is not None
        last = board.cpu.regs.a0
        assert (change.old, change.new, change.pc) == (last - 1, last, program.symbols["loop"] + 4)
        assert change.position == here - 4
        assert debugger.position == here
        assert debugger.last_change(0x1100) is None
        with pytest.raises(DebugError, match="no word"):
            debugger.last_change(0x1001)


def test_watching_costs_no_component_call(engine: EngineChoice) -> None:
    """Looking at a component's word, and watching it, asks nothing of it by itself."""
    board, oracle, _ = asking(engine)
    with board, Debugger(board) as debugger:
        debugger.watch(0x2000, "read")
        assert debugger.run().kind == "watchpoint"
        assert oracle.calls == 1
        with pytest.raises(ExpressionError, match="belongs to Oracle"):
            debugger.evaluate("[0x2000]")
        assert debugger.rcontinue().kind == "watchpoint"
        assert oracle.calls == 1


def test_exceptions(engine: EngineChoice) -> None:
    board, _, _ = asking(engine)
    with board, Debugger(board) as debugger:
        assert debugger.run(100).kind == "limit"  # handled ones are no stops
        debugger.restart()
        debugger.catches = "all"
        event = debugger.run(200)
        assert event.kind == "exception"
        assert event.exception is not None
        assert event.exception.hardware is not None
        debugger.catches = "off"
        assert debugger.run(100).kind == "limit"
    with pytest.raises(DebugError, match="not 'some'"):
        debugger.catches = "some"


def test_errors_of_components_are_stops(engine: EngineChoice) -> None:
    board, oracle, _ = asking(engine)
    with board, Debugger(board) as debugger:
        debugger.run(6)
        oracle.read = lambda offset: 1 // 0  # type: ignore[method-assign]
        event = debugger.run()
        assert (event.kind, type(event.error), event.position) == ("error", ZeroDivisionError, 6)
        del oracle.read
        assert debugger.run(10).position == 16
        debugger.rstep(12)
        assert debugger.position == 4
        debugger.go_to(16)


def test_expressions() -> None:
    board, program = counting("reference")
    with board, Debugger(board, program) as debugger:
        debugger.run(30)
        board.cpu.regs.a1 = 0xFFFF_FFFF
        values = {
            "1 + 2 * 3": 7,
            "(1 + 2) * 0x10": 48,
            "0b101 | 2": 7,
            "1 << 4 >> 1": 8,
            "7 & 3 ^ 1": 2,
            "a1 == -1": 1,
            "a1 == -1 && a0 >= 3": 1,
            "!a0 || 0": 0,
            "~0": 0xFFFF_FFFF,
            "-a0": -board.cpu.regs.a0,
            "[ac0] == [0x1000]": 1,
            "[ [ac0 + 4] ]": program.words[0],
            "bump - loop": 28,
            "'A'": 65,
            "cycles": 30,
            "$pc % 4": 0,
            "A0": board.cpu.regs.a0,
            "zf + cf + mode": int(bool(board.cpu.regs.af & 0x80)) + 1
            + int(bool(board.cpu.regs.af & 0x40)),
        }  # fmt: skip
        assert {text: debugger.evaluate(text) for text in values} == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a value is missing"),
        ("a0 +", "a value is missing before the end"),
        ("nowhere", "no register, symbol or flag 'nowhere'"),
        ("(1", r"'\)' is missing"),
        ("1 2", "'2' is left over"),
        ("1 / 0", "division by zero"),
        ("1 << 9999", "a shift by"),
        ("@", "not understood"),
        ("0x", "'x' is left over|is no number|no register"),
        ("(" * 5000 + "1" + ")" * 5000, "nested too deeply|too long"),
        ("-" * 500 + "1", "nested too deeply"),
        ("[3]", "not a multiple of 4"),
    ],
)
def test_bad_expressions(text: str, message: str) -> None:
    board, _ = counting("reference")
    with board, Debugger(board) as debugger, pytest.raises(ExpressionError, match=message):
        debugger.evaluate(text)
    assert expressions.ExpressionError is ExpressionError


def test_bad_requests() -> None:
    board, program = counting("reference")
    with board, Debugger(board, program) as debugger:
        for request, message in (
            (lambda: debugger.break_at("nowhere"), "'nowhere' is no location"),
            (lambda: debugger.break_at("2"), "no multiple of 4"),
            (lambda: debugger.break_at("other.lasm:3"), "no source file 'other.lasm'"),
            (lambda: debugger.break_at(":99"), "no code at or after line 99"),
            (lambda: debugger.watch(0x1001), "no address of a word"),
            (lambda: debugger.watch(0x1000, "sometimes"), "not for 'sometimes'"),
            (lambda: debugger.delete(7), "no breakpoint or watchpoint 7"),
            (lambda: debugger.go_to(5), "not between 0"),
            (lambda: debugger.step(-1), "rstep goes back"),
            (lambda: debugger.set("loop", 1), "neither a register nor a word"),
            (lambda: debugger.set("[3]", 1), "cannot be written"),
        ):
            with pytest.raises(DebugError, match=message):
                request()
    with pytest.raises(TypeError, match="assemble_program"):
        ProgramInfo("halt")


def test_board_is_free_afterwards() -> None:
    board, program = counting("interpreter")
    with board:
        with Debugger(board, program) as debugger:
            debugger.break_at("loop")
            debugger.watch(0x1000)
            debugger.run()
        assert (board.tap, board.breakpoints, dict(board.watchpoints)) == (None, frozenset(), {})
        assert board.run(100).reason == "budget"


def test_registers_are_watched() -> None:
    """Forward and back, step by step; the change says what it was, and who did it."""
    board, program = counting("interpreter", 5)
    with board, Debugger(board, program) as debugger:
        debugger.step(3)
        point = debugger.watch("a0", condition="a0 > 2")
        event = debugger.run()
        assert (event.kind, event.points) == ("watchpoint", (point,))
        change = event.change
        assert change is not None
        assert (change.register, change.old, change.new) == ("a0", 2, 3)
        assert change.pc == program.symbols["bump"]
        assert debugger.run().change == replace(
            change, old=3, new=4, position=change.position + 7, cycles=change.cycles + 7
        )
        back = debugger.rcontinue()
        assert (back.kind, back.position, back.change) == ("watchpoint", change.position + 7, ANY)
        assert debugger.rcontinue().position == change.position
        assert debugger.rcontinue().kind == "start"
        # The last instruction of a limited run is no exception.
        assert debugger.run(change.position + 1).kind == "watchpoint"
        debugger.delete(point.number)
        assert debugger.run().kind == "exception"


def test_components_are_watched() -> None:
    """By name or number, for reads, writes or both."""
    board, oracle, _ = asking("interpreter")
    with board, Debugger(board) as debugger:
        debugger.watch("component oracle", "read")
        debugger.watch("component 2", "write")
        first, second = debugger.run(), debugger.run()
        assert (first.change and first.change.access, second.change and second.change.access) == (
            "read",
            "write",
        )
        assert first.change is not None
        assert first.change.address == ORACLE
        assert oracle.calls == 2
        with pytest.raises(DebugError, match="'nothing' is no component; there are 0 BootROM"):
            debugger.watch("component nothing")


def test_unmapped_addresses_are_stops() -> None:
    board, program = counting("interpreter", 5)
    with board, Debugger(board, program) as debugger:
        debugger.catches_unmapped = True
        debugger.set("ssp", 0)
        debugger.step(1)
        debugger.set("ssp", 0x900000)
        event = debugger.run()
        assert (event.kind, event.notes[0]) == (
            "unmapped",
            "write of 0x008FFFFC, where nothing is mapped",
        )
        assert event.address == program.symbols["loop"]
        debugger.step()
        assert debugger.rcontinue().position == event.position - 1
    assert board.unmapped == "ignore"


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        ("a0", {"kind": "read"}, r"a0 is a register: it is watched for changes; .* is \[a0\]"),
        ("pc", {}, "use breakpoints"),
        ("component 1", {"words": 2}, "watched as a whole"),
        ("component 7", {}, "is no component"),
        ("0x1000", {"words": 1 << 21}, "words are too many"),
    ],
)
def test_bad_watches(target: str, arguments: dict[str, Any], message: str) -> None:
    board, program = counting("interpreter")
    with board, Debugger(board, program) as debugger:
        with pytest.raises(DebugError, match=message):
            debugger.watch(target, **arguments)
        assert not debugger.points
