"""prepare, run, execute and RunConfig: their lines and what they return (tools.md)."""

from __future__ import annotations

import io
import threading
from dataclasses import replace

import pytest

from lrvm_components import BootRom, CharDisplay, Ram
from lrvm_jit import (
    Category,
    Component,
    ExceptionCode,
    GuestException,
    HardwareCode,
    HardwareError,
    Metadata,
    Motherboard,
    Stop,
    StopReason,
    hardware_id,
)
from lrvm_tools import PreparationError, RunConfig, assemble, execute, prepare, run
from lrvm_tools.cli.exit_codes import OF_REASON, ExitCode
from lrvm_tools.running import component_lines, exception_line, finish_line

# Raises one exception at address 8; the handler halts.
FAULTY = """
    cpy ev, handler
    cpy a0, 1
    div a0, 0
    halt
handler:
    halt
"""
SUM = "cpy a0, 2\nadd a0, 3\nhalt"
ENDLESS = "again: inc a0\njp again"


class Odd(Component):
    """Cannot be mapped: its size is no multiple of 4."""

    name = "Odd " + "ö" * 20
    closed = False

    def metadata(self) -> Metadata:
        return Metadata(hardware_id(self.name), 6, Category.UNCATEGORIZED, 0)

    def close(self) -> None:
        self.closed = True


class Words(Component):
    """Gives its metadata as plain words."""

    name = "Words"

    def metadata(self) -> list[int]:
        return [0x01020304, 0x05060708, 8, Category.UNCATEGORIZED, 0, 0, 0, 0]


def prepared(source: str, *more: Component, engine: str = "auto") -> Motherboard:
    return prepare([BootRom(assemble(source)), *more], engine=engine, writer=io.StringIO())


def lines_of(board: Motherboard, config: RunConfig) -> tuple[Stop, list[str]]:
    writer = io.StringIO()
    stop = run(board, config, writer=writer)
    return stop, writer.getvalue().splitlines()


# --- prepare -----------------------------------------------------------------------------------


def test_prepare_prints_a_line_per_component(capsys: pytest.CaptureFixture[str]) -> None:
    board = prepare([BootRom(assemble(SUM), size=0x1000), Words(), Ram(0x100)])
    board.close()
    assert not board.cpu.halted  # reset
    assert capsys.readouterr().out.splitlines() == [
        f"=> Component 0000 '{'BootROM':32}': ✓ 0x00000000 -> 0x00000FFF "
        "(HW ID: AA 72 CF 64 56 B7 3C E9)",
        f"=> Component 0001 '{'Words':32}': ✓ 0x00001000 -> 0x00001007 "
        "(HW ID: 01 02 03 04 05 06 07 08)",
        f"=> Component 0002 '{'RAM':32}': ✓ 0x00001008 -> 0x00001107 "
        "(HW ID: A0 6C C7 19 FF 15 03 A3)",
    ]


def test_prepare_raises_after_all_lines() -> None:
    writer = io.StringIO()
    odd, ram = Odd(), Ram(0x100)
    with pytest.raises(PreparationError, match="1 of 3 components could not be mapped") as caught:
        prepare([BootRom(assemble(SUM)), odd, ram], writer=writer)
    lines = writer.getvalue().splitlines()
    assert len(lines) == 3
    assert "✗ component 1 (Odd" in lines[1]
    assert "6 bytes, which is not a multiple of 4" in lines[1]
    # A name that is too long is cut as the guest sees it; what follows stands where it always does.
    assert lines[1].startswith(f"=> Component 0001 'Odd {'ö' * 14}{' ' * 14}': ")
    assert "✓ 0x0000000C -> 0x0000010B" in lines[2]
    assert [outcome.ok for outcome in caught.value.outcomes] == [True, False, True]
    assert odd.closed


def test_component_lines_of_any_board() -> None:
    with Motherboard([Ram(8), Ram(8)]) as board:
        board.map(0x40, 1)
        lines = component_lines(board)
    assert "✗ not mapped (HW" in lines[0]
    assert "✓ 0x00000040 -> 0x00000047 (HW" in lines[1]


# --- run ---------------------------------------------------------------------------------------


def test_default_preset_prints_the_finish(engine: str) -> None:
    stop, lines = lines_of(prepared(SUM, engine=engine), RunConfig())
    assert RunConfig() == RunConfig.default()
    assert lines == ["[lrvm] Cycle 0x00000003: CPU halted at address 0x00000008"]
    assert stop == Stop(StopReason.HALTED, 3, 12, 8)


def test_default_preset_prints_exceptions_and_runs_on(engine: str) -> None:
    stop, lines = lines_of(prepared(FAULTY, engine=engine), RunConfig.default())
    assert lines == [
        "[lrvm] Cycle 0x00000003: exception at address 0x00000008 in supervisor mode: "
        "Division by zero",
        "[lrvm] Cycle 0x00000004: CPU halted at address 0x00000010",
    ]
    assert (stop.reason, stop.exception) == (StopReason.HALTED, None)


def test_halt_on_exception_preset(engine: str) -> None:
    board = prepared(FAULTY, engine=engine)
    stop, lines = lines_of(board, RunConfig.halt_on_ex())
    assert lines == [
        "[lrvm] Cycle 0x00000003: CPU halted at address 0x00000008 because of exception in "
        "supervisor mode: Division by zero"
    ]
    assert stop.exception == GuestException(True, ExceptionCode.DIVISION_BY_ZERO, 0)
    assert (stop.address, stop.pc) == (8, 16)
    assert not board.cpu.halted


def test_halting_without_a_finish_line_still_tells_the_exception() -> None:
    config = replace(RunConfig.halt_on_ex(), print_finish=False)
    assert lines_of(prepared(FAULTY), config)[1] == [
        "[lrvm] Cycle 0x00000003: exception at address 0x00000008 in supervisor mode: "
        "Division by zero"
    ]


def test_quiet_preset(engine: str) -> None:
    board = prepared(FAULTY, engine=engine)
    stop, lines = lines_of(board, RunConfig.quiet())
    assert (stop.reason, lines) == (StopReason.HALTED, [])


def test_verbose_preset(engine: str) -> None:
    stop, lines = lines_of(prepared(FAULTY, engine=engine), RunConfig.verbose())
    assert stop.cycles == 4
    assert lines == [
        "[lrvm] Running cycle 0x00000001 at address 0x00000000",
        "[lrvm] Running cycle 0x00000002 at address 0x00000004",
        "[lrvm] Running cycle 0x00000003 at address 0x00000008",
        "[lrvm] Cycle 0x00000003: exception at address 0x00000008 in supervisor mode: "
        "Division by zero",
        "[lrvm] Running cycle 0x00000004 at address 0x00000010",
        "[lrvm] Cycle 0x00000004: CPU halted at address 0x00000010",
    ]


def test_interruptions_count_as_exceptions() -> None:
    source = "cpy ev, next\nitr 0x12\nnext: halt"
    stop, lines = lines_of(prepared(source), RunConfig.halt_on_ex())
    assert stop.exception == GuestException(True, ExceptionCode.INTERRUPTION, 0x12)
    assert lines[0].endswith("in supervisor mode: Interruption 0x0012")


def test_userland_and_hardware_exceptions() -> None:
    class Refusing(Words):
        def read(self, offset: int) -> int:
            raise HardwareError(HardwareCode.UNKNOWN_OPERATION, 0x2A)

    source = "cpy ac0, 0x10\nlsm 8\nlsa a0, ac0\n#d32 0"
    _, lines = lines_of(prepared(source, Refusing()), RunConfig.halt_on_ex())
    assert lines[0].endswith(
        "because of exception in userland mode: Hardware exception: Unknown operation 0x2A"
    )


@pytest.mark.parametrize("limit", [0, 1, 3, 1000])
@pytest.mark.parametrize("preset", [RunConfig.default, RunConfig.quiet, RunConfig.verbose])
def test_cycle_limit(engine: str, limit: int, preset: type[RunConfig]) -> None:
    stop = run(prepared(ENDLESS, engine=engine), preset(cycle_limit=limit), writer=io.StringIO())
    assert (stop.reason, stop.cycles) == (StopReason.BUDGET, limit)


def test_cycle_limit_line() -> None:
    stop, lines = lines_of(prepared(ENDLESS), RunConfig(cycle_limit=1 << 33))
    assert lines == ["[lrvm] Cycle 0x200000000: cycle limit reached at address 0x00000004"]
    assert stop.address == 4


def test_cycle_limit_counts_for_each_run() -> None:
    board = prepared(ENDLESS)
    for expected in (5, 10):
        assert lines_of(board, RunConfig.quiet(5))[0].cycles == expected


@pytest.mark.parametrize("limit", range(1, 12))
def test_exceptions_do_not_change_the_cycle_limit(limit: int) -> None:
    """Printing an exception stops the machine in between: the limit is for the whole run."""
    board = prepared("cpy ev, 4\nagain: inc a0\n#d32 0")
    stop, lines = lines_of(board, RunConfig(cycle_limit=limit))
    assert (stop.reason, stop.cycles, stop.exception) == (StopReason.BUDGET, limit, None)
    assert len(lines) == 1 + (limit - 1) // 2


def test_a_guest_that_resets_itself_still_meets_its_limit() -> None:
    board = prepared("cpy ev, 8\n#d32 0\nreset 0x05")
    stop, _ = lines_of(board, RunConfig(cycle_limit=1000))
    assert stop.reason is StopReason.BUDGET


def test_negative_cycle_limit() -> None:
    with pytest.raises(ValueError, match="cycle_limit is -1"):
        lines_of(prepared(SUM), RunConfig(cycle_limit=-1))


def test_newline_before_finish() -> None:
    shown: list[str] = []
    display = CharDisplay(shown.append)
    _, lines = lines_of(prepared(SUM, display), RunConfig(newline_before_finish=True))
    assert lines[0] == ""
    assert lines[1].startswith("[lrvm]")


def test_a_halted_machine_stays_where_it_is() -> None:
    board = prepared(SUM)
    first, _ = lines_of(board, RunConfig.quiet())
    again, lines = lines_of(board, RunConfig.verbose())
    assert again == first
    assert lines == ["[lrvm] Cycle 0x00000003: CPU halted at address 0x00000008"]


def test_breakpoint_line() -> None:
    board = prepared(SUM)
    board.breakpoints = frozenset({4})
    assert lines_of(board, RunConfig())[1] == [
        "[lrvm] Cycle 0x00000001: breakpoint reached at address 0x00000004"
    ]


def test_stop_line() -> None:
    board = prepared(ENDLESS)
    over = threading.Event()

    def ask() -> None:
        # Until the run has begun, stopping has no effect; so it is asked again.
        while not over.wait(0.01):
            board.stop()

    thread = threading.Thread(target=ask)
    thread.start()
    stop, lines = lines_of(board, RunConfig())
    over.set()
    thread.join()
    assert stop.reason is StopReason.STOPPED
    assert ": stopped by the host at address 0x0000000" in lines[0]


@pytest.mark.parametrize("preset", [RunConfig.default, RunConfig.quiet, RunConfig.verbose])
def test_the_limit_holds_whatever_the_guest_does(engine: str, preset: type[RunConfig]) -> None:
    """A guest that puts its cycle counter back, then raises exceptions, is not counted by it."""
    escaping = """
        cpy ac0, 0x400
        lsa a1, ac0, 0
        cmp a1, 0
        ifnq
        jp odd
        wsa ac0, 0, 1
        cpy a0, 1000
    l:
        dec a0
        ifnq
        jp l
        reset 0xF
    odd:
        wsa ac0, 0, 0
        div a2, a2
    """
    board = prepare(
        [BootRom(assemble(escaping), 0x400), Ram(0x400)], engine=engine, writer=io.StringIO()
    )
    stop, _ = lines_of(board, preset(cycle_limit=5000))
    assert (stop.reason, stop.attempted) == (StopReason.BUDGET, 5000)


@pytest.mark.parametrize("preset", [RunConfig.default, RunConfig.verbose])
def test_a_stop_between_two_lines_is_not_lost(engine: str, preset: type[RunConfig]) -> None:
    """The machine is asked to stop while a line is printed, when no instruction is in progress."""
    board = prepared("cpy ev, 4\nagain: inc a0\n#d32 0", engine=engine)

    class Stopping(io.StringIO):
        def write(self, text: str) -> int:
            if "exception" in text:
                board.stop()
            return super().write(text)

    stop = run(board, preset(cycle_limit=10_000), writer=Stopping())
    assert (stop.reason, stop.attempted) == (StopReason.STOPPED, 3)


def test_a_breakpoint_at_a_handler(engine: str) -> None:
    """The run stops there after the line about the exception, before it has executed anything."""
    board = prepared(FAULTY, engine=engine)
    board.breakpoints = {16}
    for config in (RunConfig(), RunConfig.verbose()):
        board.reset()
        stop, lines = lines_of(board, config)
        assert (stop.reason, stop.cycles) == (StopReason.BREAKPOINT, 3)
        assert "exception at address 0x00000008" in lines[-2]
        assert lines_of(board, config)[0].reason is StopReason.HALTED


def test_watchpoint_line(engine: str) -> None:
    board = prepared(SUM, engine=engine)
    board.watchpoints = {4: "read"}
    stop, lines = lines_of(board, RunConfig())
    assert stop.reason is StopReason.WATCHPOINT
    assert lines == [
        "[lrvm] Cycle 0x00000002: watchpoint: read of 0x1C000003 at 0x00000004 by the instruction "
        "at address 0x00000004"
    ]


def test_unhandled_lines(engine: str) -> None:
    """The run ends, and a second line says what to do."""
    stop, lines = lines_of(prepared("div a0, 0", engine=engine), RunConfig())
    assert stop.reason is StopReason.UNHANDLED
    assert lines[:2] == [
        "[lrvm] Cycle 0x00000001: exception at address 0x00000000 in supervisor mode: "
        "Division by zero",
        "[lrvm] Cycle 0x00000002: unhandled exception at address 0x00000000 in supervisor mode: "
        "Division by zero; it would come again for ever",
    ]
    assert "set ev to a handler" in lines[2]


@pytest.mark.parametrize("reason", StopReason)
def test_every_reason_has_a_line_and_an_exit_code(reason: StopReason) -> None:
    stop = Stop(reason, 1, 4, 0, GuestException(True, 1, 0), None)
    assert finish_line(stop).startswith("[lrvm] Cycle 0x00000001: ")
    assert isinstance(OF_REASON[reason], ExitCode)


def test_repeated_exceptions(engine: str) -> None:
    """Each is shown so often, then once more is said of it; the run is not stopped for the rest.

    Two handlers by turns, and one exception that comes only at the end.
    """
    source = """
        cpy ev, first
    first:
        inc a0
        cpy ev, second
        itr 1
    second:
        cpy ev, first
        cmp a0, 2000
        ifls
        itr 2
        cpy ev, last
        itr 3
    last:
        halt
    """
    board = prepared(source, engine=engine)
    stop, lines = lines_of(board, RunConfig(repeated_exceptions=3))
    assert stop.reason is StopReason.HALTED
    assert board.stats().exceptions == 2000 + 1999 + 1
    assert len(lines) == 2 * (3 + 1) + 1 + 1
    assert sum("same again" in line for line in lines) == 2
    assert "Interruption 0x0003" in lines[-2]


@pytest.mark.parametrize(("source", "most"), [
    ("cpy ev, 4\ninc a0\nitr a0", 1000 + 1 + 1),
    ("cpy ev, 4\ninc a0\nand a0, 0x7F\nitr a0", 50 * (10 + 1) + 77 * 10 + 77 + 2),
])  # fmt: skip
def test_many_different_exceptions(source: str, most: int) -> None:
    """However many there are, the lines come to an end."""
    config = RunConfig(cycle_limit=100_000, repeated_exceptions=10)
    _, lines = lines_of(prepared(source), config)
    assert "Too many exceptions; no more of them are shown" in lines[-2]
    assert len(lines) <= most


def test_a_failing_component_comes_out_of_run() -> None:
    def fail(_: str) -> None:
        raise KeyError("broken")

    source = "cpy a0, 12\nwsa a0, 1\nhalt"
    with pytest.raises(KeyError, match="broken"):
        lines_of(prepared(source, CharDisplay(fail)), RunConfig())


# --- execute -----------------------------------------------------------------------------------


def test_execute_prepares_runs_and_closes(capsys: pytest.CaptureFixture[str]) -> None:
    closed = []

    class Noted(Words):
        def close(self) -> None:
            closed.append(True)

    ram = Ram(8)
    rom = BootRom(assemble("cpy ac0, 0x10\nwsa ac0, 7\nhalt\n#d32 0"))
    stop = execute([rom, ram, Noted()], RunConfig.halt_on_ex())
    lines = capsys.readouterr().out.splitlines()
    assert stop.reason is StopReason.HALTED
    assert len(lines) == 4
    assert lines[3] == "[lrvm] Cycle 0x00000003: CPU halted at address 0x00000008"
    assert closed == [True]
    assert ram.words.tolist() == [7, 0]


def test_quiet_execution_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    execute([BootRom(assemble(SUM))], RunConfig.quiet())
    assert capsys.readouterr().out == ""


def test_execute_takes_an_engine_and_a_writer(engine: str) -> None:
    writer = io.StringIO()
    execute([BootRom(assemble(SUM))], engine=engine, writer=writer)
    assert len(writer.getvalue().splitlines()) == 2


@pytest.mark.parametrize("code", ExceptionCode)
def test_every_exception_has_a_sentence(code: ExceptionCode) -> None:
    exception = GuestException(False, code, 0x21)
    stop = Stop(StopReason.EXCEPTION, 0x25, 0, 0x30, exception)
    start = "[lrvm] Cycle 0x00000025: CPU halted at address 0x00000030 because of exception in "
    assert finish_line(stop).startswith(f"{start}userland mode: ")
    assert "Unknown exception" not in finish_line(stop)
    assert exception_line(stop, exception).endswith(f"in userland mode: {exception}")
