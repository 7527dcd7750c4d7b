"""The debugger on a whole screen: what its panes show, and what keys and typed commands do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, RichLog, Static

from lrvm_components import BootRom, CharDisplay, LineKeyboard, Ram
from lrvm_jit import Motherboard
from lrvm_jit.debug import Debugger
from lrvm_tools.debugging.screen import DebuggerScreen, ScreenHost
from lrvm_tools.lasm import assemble_program
from tests.debug.machines import counting

Steps = Callable[[DebuggerScreen, Pilot[None]], Awaitable[None]]


def on_screen(debugger: Debugger, host: ScreenHost, steps: Steps, *lines: str) -> DebuggerScreen:
    """Show a session and carry steps out; the screen has ended afterwards."""
    app = DebuggerScreen(debugger, host, lines)

    async def session() -> None:
        async with app.run_test(size=(130, 44)) as pilot:
            await pilot.pause()  # the first commands come after the first layout
            await settled(app, pilot)
            await steps(app, pilot)

    asyncio.run(session())
    return app


async def settled(app: DebuggerScreen, pilot: Pilot[None]) -> None:
    await app.workers.wait_for_complete()
    await pilot.pause()


async def keys(app: DebuggerScreen, pilot: Pilot[None], *names: str) -> None:
    await pilot.press(*names)
    await settled(app, pilot)


def pane(app: DebuggerScreen, name: str) -> str:
    return str(app.query_one(f"#{name}", Static).render())


def log(app: DebuggerScreen) -> list[str]:
    return [strip.text.rstrip() for strip in app.query_one(RichLog).lines]


def test_what_the_screen_shows() -> None:
    """After commands, keys forward and back, a breakpoint by its key, and a mistake."""
    board, program = counting("interpreter", 5)
    with board, Debugger(board, program) as debugger:

        async def steps(app: DebuggerScreen, pilot: Pilot[None]) -> None:
            code = pane(app, "code").splitlines()
            here = code.index("=> 0x00000028  1C000001  inc a0")
            assert code[here - 1 : here + 2] == [
                "bump:",
                "=> 0x00000028  1C000001  inc a0",
                "   0x0000002C  D4160000  ret",
            ]
            registers = pane(app, "registers").splitlines()
            assert registers[8] == "*ssp 0x000017FC   usp 0x00000000    et 0x00000000"
            assert registers[-1] == "flags: none; supervisor mode; cycle 4"
            await keys(app, pilot, "f11")
            assert "* a0 0x00000001" in pane(app, "registers")
            assert "return to loop+0x4" in pane(app, "stack")
            await keys(app, pilot, "f9")
            assert "2: break at bump+0x4" in pane(app, "points")
            await keys(app, pilot, "f9", "f8")
            assert "2: break" not in pane(app, "points")
            assert "* a0 0x00000000" in pane(app, "registers")
            assert app.sub_title == "position 4"
            app.query_one(Input).value = "print a0 +"
            await keys(app, pilot, "enter")
            assert log(app)[-2:] == [
                "> print a0 +",
                "error: a value is missing before the end in 'a0 +'",
            ]
            await keys(app, pilot, "up")
            assert app.query_one(Input).value == "print a0 +"

        on_screen(debugger, ScreenHost(), steps, "break bump", "run")


def test_the_guest_shows_and_reads_lines() -> None:
    """What is typed while it waits is its; then the line is a command again."""
    program = assemble_program("""
        cpy ac0, 0x1000
        cpy ac1, 0x2000
        wsa ac0, 0, "?"
        wsa ac1, 0xfc, 0xaa
        lsa a0, ac1, 0
        wsa ac0, 0, a0
        wsa ac0, 0, 10
        halt
    """)
    host = ScreenHost()
    parts = [
        BootRom(program.words, 0x1000),
        CharDisplay(host.show),
        LineKeyboard(0x100, host.read_line),
        Ram(0x100),
    ]
    with Motherboard(parts) as board:
        for number, address in enumerate((0, 0x1000, 0x2000, 0x3000)):
            board.map(address, number)
        board.reset()
        with Debugger(board, program) as debugger:

            async def steps(app: DebuggerScreen, pilot: Pilot[None]) -> None:
                await pilot.press(*"run", "enter")
                entry = app.query_one(Input)
                for _ in range(200):
                    await pilot.pause(0.01)
                    if entry.placeholder == "the program waits for a line":
                        break
                await keys(app, pilot, *"hi", "enter")
                assert "The CPU is halted" in log(app)
                assert debugger.evaluate("a0")
                await pilot.press("ctrl+q")

            on_screen(debugger, host, steps)


def test_a_run_without_end_is_stopped() -> None:
    board = Motherboard([BootRom(assemble_program("x: jp x").words)])
    with board:
        board.map_contiguous(0)
        board.reset()
        with Debugger(board) as debugger:

            async def steps(app: DebuggerScreen, pilot: Pilot[None]) -> None:
                await pilot.press("f5")
                await pilot.pause(0.05)
                await keys(app, pilot, "escape")
                assert {"Stopped by the machine", "Interrupted"} & set(log(app))

            on_screen(debugger, ScreenHost(), steps)


@pytest.mark.parametrize("option", ["--tui", "--serve=1"])
def test_the_extra_is_named(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from lrvm_tools.cli.app import cli

    for name in ("lrvm_tools.debugging.screen", "textual_serve.server"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    result = CliRunner().invoke(cli, ["debug", "examples/find_the_bug/total.lasm", option])
    assert (result.exit_code, "pip install 'lrvm-jit[tui]'" in result.stderr) == (2, True)
