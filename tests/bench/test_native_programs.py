"""The C programs: they do what the guests do, and where they cannot run they say why."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lrvm_jit.bench.native import SOURCES, NativePrograms, NativeUnavailableError, find_compiler
from lrvm_jit.bench.programs import Program
from tests.bench.small import BY_NAME, NATIVE


@pytest.mark.parametrize("program", NATIVE, ids=lambda program: program.name)
def test_results_are_the_guests(program: Program, compiler: None) -> None:
    """`seconds` compares the result of every run with what the guest must end with."""
    with NativePrograms() as native:
        for rounds in (1, 2, program.rounds):
            seconds = native.seconds(replace(program, rounds=rounds), 3)
            assert len(seconds) == 3
            assert min(seconds) >= 0


@pytest.mark.parametrize("program", NATIVE, ids=lambda program: program.name)
def test_every_program_has_its_source(program: Program) -> None:
    assert (program.source or SOURCES / f"{program.native}.c").is_file()


@pytest.mark.parametrize(("rounds", "repeats"), [(-1, 1), (1 << 32, 1), (5, 0)])
def test_programs_refuse_bad_arguments(rounds: int, repeats: int, compiler: None) -> None:
    program = replace(BY_NAME["fib"], rounds=rounds)
    with NativePrograms() as native, pytest.raises(RuntimeError, match=r"fib\.c .*status 2.*ROUND"):
        native.seconds(program, repeats)


def test_only_programs_in_c_run(compiler: None) -> None:
    with (
        NativePrograms() as native,
        pytest.raises(NativeUnavailableError, match="mmio is not written in C"),
    ):
        native.seconds(BY_NAME["mmio"], 1)


def test_a_wrong_result_is_an_error(tmp_path: Path, compiler: None) -> None:
    (tmp_path / "fib.c").write_text('#include <stdio.h>\nint main(void) { puts("1\\nresult 7"); }')
    with (
        NativePrograms(tmp_path) as native,
        pytest.raises(RuntimeError, match=r"fib\.c ended with 0x7 instead of 0x1a6d"),
    ):
        native.seconds(BY_NAME["fib"], 1)


def test_a_source_that_does_not_compile(tmp_path: Path, compiler: None) -> None:
    (tmp_path / "fib.c").write_text("int main(void) {\n#error not today\n}")
    with (
        NativePrograms(tmp_path) as native,
        pytest.raises(NativeUnavailableError, match=r"-O2 does not compile fib\.c: .*not today"),
    ):
        native.seconds(BY_NAME["fib"], 1)


def test_without_sources(tmp_path: Path) -> None:
    """An installed package has none."""
    with pytest.raises(NativeUnavailableError, match=r"no C sources: .* in a checkout only"):
        NativePrograms(tmp_path / "native")


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NativeUnavailableError, match="no C compiler found, of cc, gcc, clang"):
        find_compiler()


@pytest.mark.parametrize("name", ["cc", "gcc", "clang"])
def test_any_of_the_usual_names(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / name).touch(0o755)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() == (str(tmp_path / name),)


@pytest.mark.parametrize("value", ["no-such-compiler -m64", "'gcc"])
def test_a_wrong_cc_is_not_passed_over(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", value)
    with pytest.raises(NativeUnavailableError, match=r"\$CC is "):
        find_compiler()


def test_cc_may_have_options(monkeypatch: pytest.MonkeyPatch, compiler: None) -> None:
    monkeypatch.setenv("CC", f"{find_compiler()[0]} -pipe")
    with NativePrograms() as native:
        assert native.seconds(BY_NAME["fib"], 1)


def test_what_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the temporary folder may hold no executables."""
    monkeypatch.setenv("CC", f"{sys.executable} -c pass")
    with (
        NativePrograms() as native,
        pytest.raises(NativeUnavailableError, match="fib does not start"),
    ):
        native.seconds(BY_NAME["fib"], 1)


def test_nothing_stays_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compiler: None
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with NativePrograms() as native:
        native.seconds(BY_NAME["fib"], 1)
        assert list(tmp_path.glob("*/fib"))
    assert not list(tmp_path.iterdir())
