"""The benchmark's programs in C: what ships does what the sources say."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from lrvm_jit.bench import native
from lrvm_jit.bench.c_programs import C_PROGRAMS, C_SOURCES, RAM, CProgram
from lrvm_jit.bench.measure import Figures, Row
from lrvm_jit.bench.native import CLANG, NATIVE, NativePrograms, front_end
from lrvm_jit.bench.programs import LASM_PROGRAMS
from lrvm_jit.bench.ratios import engine_ratios
from lrvm_tools.executable import Executable

needs_front_end = pytest.mark.skipif(
    find_spec("ziglang") is None, reason="needs the extra `cc`, a C front end"
)


def test_there_are_ten_and_each_has_both_files() -> None:
    assert len(C_PROGRAMS) == 10
    names = {program.name for program in C_PROGRAMS}
    assert {path.stem for path in C_SOURCES.glob("*.c")} == names
    assert {path.stem for path in C_SOURCES.glob("*.elf")} == names


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
@pytest.mark.parametrize("program", C_PROGRAMS, ids=lambda program: program.name)
def test_what_ships_prints_the_result(program: CProgram, engine: str) -> None:
    """Twice on one board; and what is wrong is found."""
    short = replace(program, rounds=2)
    with short.board(engine) as board:
        for _ in range(2):
            short.start(board)
            with pytest.raises(RuntimeError, match="has printed b''"):
                short.check(board)
            board.run()
            short.check(board)
        with pytest.raises(RuntimeError, match=rf"{program.name} has printed"):
            program.check(board)


@needs_front_end
@pytest.mark.parametrize("program", C_PROGRAMS, ids=lambda program: program.name)
def test_sources_compile_to_programs_with_the_same_results(program: CProgram) -> None:
    from lrvm_tools.cc import compile_c

    made = compile_c([program.source], level=2, ram=RAM)
    assert made.run(["3"]).stdout == b"result %d\n" % program.expected(3)
    shipped = Executable.load(program.compiled)
    assert made.machine_description.ram == shipped.machine_description.ram


@needs_front_end
def test_the_front_ends_own_programs(tmp_path: Path) -> None:
    """Soft floating point is called by name, so that both sides do the same."""
    soft = next(program for program in C_PROGRAMS if program.is_soft)
    compiler = front_end()
    assert compiler is not None
    with NativePrograms(tmp_path, compiler) as programs:
        assert programs.name == CLANG
        assert programs.has(soft)
        assert not programs.has(LASM_PROGRAMS[0])
        assert len(programs.seconds(replace(soft, rounds=3), 2)) == 2


def test_the_systems_compiler_does_without_soft_floats(tmp_path: Path, compiler: None) -> None:
    with NativePrograms(tmp_path) as programs:
        assert programs.name == NATIVE
        assert [p.name for p in C_PROGRAMS if not programs.has(p)] == ["matrix"]
        assert programs.has(LASM_PROGRAMS[0])


def test_without_the_extra_there_is_no_front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "find_spec", lambda _: None)
    assert front_end() is None


def test_ratios_have_the_programs_that_both_have() -> None:
    def row(engine: str, program: str, seconds: float) -> Row:
        return Row(program, engine, 100, Figures((seconds,)))

    rows = [
        row("interpreter", "lists", 8.0),
        row("interpreter", "matrix", 6.0),
        row("interpreter", "fib", 3.0),
        row(NATIVE, "lists", 2.0),
        row(NATIVE, "fib", 1.0),
        row(CLANG, "lists", 1.0),
        row(CLANG, "matrix", 2.0),
    ]
    assert {ratio.name: ratio.programs for ratio in engine_ratios(rows)} == {
        "interpreter/native": {"lists": 4.0, "fib": 3.0},
        "interpreter/clang": {"lists": 8.0, "matrix": 3.0},
    }
