"""`lrvm debug`, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrvm_jit import Snapshot
from lrvm_tools.debugging import COMMANDS
from tests.tools.command import lrvm

COUNTING = """\
start:
    cpy ac0, 1
    shl ac0, 16
    cpy ssp, ac0
    add ssp, 0x800
loop:
    call bump
    wsa ac0, a0
    cmp a0, 9
    ifnq
    jp loop
    cpy ac1, 0xf000
    wsa ac1, "x"
    div a0, 0
bump:
    inc a0
    ret
"""


@pytest.fixture(autouse=True)
def _program(folder: Path) -> None:
    (folder / "p.lasm").write_text(COUNTING)


def batch(*commands: str) -> str:
    """What a batch session shows."""
    options = [part for command in commands for part in ("-ex", command)]
    result = lrvm("debug", "p.lasm", "--batch", *options)
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("bumb", "did you mean bump?"),
        (":1000", "no code at or after line 1000 of p.lasm"),
        ("6", "line 6 is :6"),
    ],
)
def test_locations_that_are_none(folder: Path, location: str, message: str) -> None:
    result = lrvm("debug", "p.lasm", "--batch", "-ex", f"break {location}")
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_session() -> None:
    shown = batch(
        "break bump if a0 == 3",
        "run",
        "print a0",
        "bt",
        "rstep 2",
        "print cycles",
        "continue",
        "finish",
        "x/2x 0x10000",
        "when 0x10000",
        "quit",
        "print nothing",
    ).splitlines()
    assert shown[:4] == [
        "Breakpoint 1: break at bump (0x00000030), p.lasm:16 if a0 == 3",
        "Breakpoint 1",
        "cycle 26: bump (0x00000030)",
        "  p.lasm:16  inc a0",
    ]
    assert "a0 = 3 (0x3)" in shown
    assert "#1  0x00000014 in loop at p.lasm:7" in shown
    assert "cycles = 24 (0x18)" in shown
    assert "0x00010000: 0x00000003  0x00000000" in shown
    assert shown[-4:] == [
        "Last change at position 21, cycle 21",
        "  old value: 2 (0x2)",
        "  new value: 3 (0x3)",
        "  by loop+0x4 (0x00000014): p.lasm:8  wsa ac0, a0",
    ]


def test_watching_and_going_back() -> None:
    shown = batch("watch 0x10000", "run", "continue 2", "rcontinue", "info watchpoints")
    assert "  old value: 2 (0x2)\n  new value: 3 (0x3)" in shown
    assert shown.splitlines()[-1].startswith("1: watch change of 0x10000 (0x00010000) (hit 3")


def test_an_exception_without_a_handler() -> None:
    """It is a stop at once, with what to do about it; the guest's text ends its line before."""
    shown = batch("run", "info registers", "info exceptions")
    assert "x\nException in supervisor mode: Division by zero\n" in shown
    assert "No handler is set: the register ev is 0" in shown
    assert "p.lasm:14  div a0, 0" in shown
    assert "Last exception: Division by zero" in shown


def test_every_command_has_help() -> None:
    shown = batch("help", *(f"help {name}" for name in COMMANDS))
    for one in COMMANDS.values():
        assert one.help
        assert f"{one.usage}\n{one.summary}" in shown


def test_looking() -> None:
    shown = batch(
        "until loop",
        "list",
        "list 14",
        "disassemble loop 2",
        "x/i pc",
        "x/2d 0x10000",
        "x/c 0x10000",
        "info flags",
        "info components",
        "info stack",
        "info symbols",
        "info history",
        "info line",
        "info a0",
        "set a0 = 7",
        "set [0x10000] = a0 * 2",
        "print [0x10000]",
        "catch all",
        "log loop a0 is {a0}",
        "tbreak bump",
        "continue",
        "condition 1 a0 > 9",
        "ignore 1 2",
        "disable 1",
        "enable 1",
        "info breakpoints",
        "delete",
        "info breakpoints",
        "restart",
        "goto 3",
    )
    for wanted in (
        "=>     7      call bump",
        "loop:\n=> 0x00000010  D8003000  call 0x30",
        "; supervisor mode; cycle 4\n",
        "Clock",
        "a0 = 0 (0x0)",
        "a0 = 7 (0x7)",
        "[0x10000] = 14 (0xe)",
        "Exceptions that stop: all",
        "1: log at loop (0x00000010), p.lasm:7 if a0 > 9",
        "No breakpoints or watchpoints",
    ):
        assert wanted in shown


def test_command_files(folder: Path) -> None:
    (folder / "inner.txt").write_text("print a0\n")
    (folder / "session.txt").write_text("# a comment\n\nrun 5\nsource inner.txt\n")
    result = lrvm("debug", "p.lasm", "--batch", "-x", "session.txt", "-ex", "print cycles")
    assert result.exit_code == 0
    assert result.stdout.endswith("a0 = 0 (0x0)\ncycles = 5 (0x5)\n")
    (folder / "inner.txt").write_text("source inner.txt\n")
    result = lrvm("debug", "p.lasm", "--batch", "-x", "session.txt")
    assert result.exit_code == 2
    assert "too many command files within each other" in result.stderr


def test_typed_commands() -> None:
    """Mistakes are told and the session goes on; an empty line steps again; the end leaves."""
    result = lrvm("debug", "p.lasm", stdin="step\n\n\nprint cycles\nnonsense\nprint 6 * 7\n")
    assert result.exit_code == 0
    assert "cycles = 3 (0x3)" in result.stdout
    assert "error: there is no command 'nonsense'" in result.stdout
    assert "6 * 7 = 42 (0x2a)" in result.stdout


def test_snapshots_of_a_session(folder: Path) -> None:
    batch("run 12", "save state")
    assert Snapshot.load(folder / "state").cycles == 12


@pytest.mark.parametrize("command", ["run", "debug"])
def test_errors_of_components_name_the_source_line(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("lrvm_tools.machines.host.Host.show", fail)
    monkeypatch.setattr("lrvm_tools.cli.console.ConsoleHost.show", fail)
    monkeypatch.setattr("lrvm_tools.debugging.terminal.DebugHost.show", fail)
    if command == "run":
        result = lrvm("run", "p.lasm")
        assert result.exit_code == 1
        assert "the instruction is that of p.lasm:13" in result.stderr
        assert "write at offset 0x0" in result.stderr
    else:
        shown = batch("run", "rstep", "print cycles")
        assert "A component or a hook failed: ZeroDivisionError: on purpose" in shown
        assert "write at offset 0x0" in shown
        assert "p.lasm:13  wsa ac1" in shown


def test_a_recorded_run_is_replayed(folder: Path) -> None:
    """What the keyboard gave is not asked for again."""
    (folder / "k.lasm").write_text(
        "cpy ac0, 0xf7fc\nwsa ac0, 0, 0xaa\nsub ac0, 0x3fc\nlsa a0, ac0, 0\nhalt\n"
    )
    ran = lrvm("run", "k.lasm", "-q", "--record", "k.rec", stdin="hello\n")
    assert (ran.exit_code, ran.stderr) == (0, "")
    options = ["--replay", "k.rec", "--batch", "-ex", "run", "-ex", "print a0", "-ex", "rstep 2"]
    shown = lrvm("debug", "k.lasm", *options)
    assert shown.exit_code == 0, shown.stderr
    assert "a0 = 0 (0x0)" not in shown.stdout
    assert "k.lasm:4  lsa a0, ac0, 0" in shown.stdout
