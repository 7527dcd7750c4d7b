"""C programs in the debugger, traces and profiles: functions, lines, variables."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lrvm_jit.debug import ProgramInfo
from lrvm_jit.debug.profiler import cover, profile
from lrvm_tools.cli.app import cli
from lrvm_tools.executable import Executable
from tests.cc.support import build

SOURCE = """\
struct point { int x, y; };
struct point origin = {5, -6};
const char *name = "points";

int square(int n) {
    int result = n * n;
    return result;
}

int sum(const int *values, int count) {
    int s = 0;
    for (int i = 0; i < count; i++)
        s += square(values[i]);
    return s;
}

int main(void) {
    int values[4] = {1, 2, 3, 4};
    struct point p = {7, -3};
    p.x = sum(values, 4);
    if (p.x == 0)
        return name[0];
    return p.x - 30 + origin.y + 6;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program's file. Its source stays beside it."""
    folder = tmp_path_factory.mktemp("c")
    path = folder / "program.elf"
    build(folder, SOURCE, level="0", debug=True).save(path)
    return path


def lrvm(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), prog_name="lrvm")


def session(program: Path, *commands: str) -> str:
    options = [part for command in commands for part in ("-ex", command)]
    result = lrvm("debug", program, "--batch", *options)
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


def test_a_session(program: Path) -> None:
    """A breakpoint on a function stands behind its prologue, where its parameters have values."""
    shown = session(
        program, "break square if n == 3", "run", "bt", "print n", "nextline", "info locals"
    )
    lines = shown.splitlines()
    assert "program.c:6  int result = n * n;" in lines[3]
    assert [line.split(" in ")[1] for line in lines[4:7]] == [
        "square at program.c:6",
        "sum at program.c:13",
        "main at program.c:20",
    ]
    assert "n = 3" in lines
    assert lines[-2:] == ["n = 3", "result = 9"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("s", "s = 14"),
        ("count", "count = 4"),
        ("values[2]", "values[2] = 3"),
        ("*values", "*values = 1"),
        ("origin", "origin = {x = 5, y = -6}"),
        ("origin.y", "origin.y = -6"),
        ("s + count", "s + count = 18 (0x12)"),
    ],
)
def test_variables(text: str, value: str, program: Path) -> None:
    shown = session(program, "tbreak square if n == 4", "run", "finish", f"print {text}")
    assert shown.splitlines()[-1] == value


def test_strings_arrays_and_what_is_elsewhere(program: Path) -> None:
    shown = session(
        program, "break :21", "run", "print name", "print p", "print values", "watch p.x"
    )
    lines = shown.splitlines()
    assert lines[-4].startswith("name = 0x")
    assert lines[-4].endswith(" 'points'")
    assert lines[-3:-1] == ["p = {x = 30, y = -3}", "values = {1, 2, 3, 4}"]
    assert lines[-1].startswith("Watchpoint 2: watch change of p.x (0x")
    failed = lrvm(
        "debug", program, "--batch", "-ex", "break square", "-ex", "run", "-ex", "print p"
    )
    assert failed.exit_code == 2
    assert "'p' is no variable here; there is one in main" in failed.stderr


def test_lines_forward(program: Path) -> None:
    """Over calls, and into them."""
    over = session(program, "break :20", "run", "nextline", "nextline 2", "print p.x")
    assert "program.c:21" in over
    assert over.splitlines()[-1] == "p.x = 30"
    into = session(program, "break :20", "run", "stepline", "info line")
    assert "program.c:10" in into.splitlines()[-1]


def test_profile_and_coverage(program: Path) -> None:
    """By functions, lines and call paths of C."""
    executable = Executable.load(program)
    with executable.machine(engine="translator") as machine:
        made = profile(machine.board, ProgramInfo(executable))
    assert made.calls["square"] == 4
    assert any(path[-3:] == ("main", "sum", "square") for path in made.paths)
    with executable.machine(engine="translator") as machine:
        found = cover(machine.board, ProgramInfo(executable))
    (path,) = found.paths
    counts = found.lines(path)
    assert counts[6] == counts[7] == 4
    assert (counts[22], counts[23] > 0) == (0, True)


def test_trace(program: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.jsonl"
    assert lrvm("trace", program, "-o", target).exit_code == 0
    shown = lrvm("trace", "print", target, "--stores", "--program", program).stdout
    assert "program.c:11  int s = 0;" in shown
