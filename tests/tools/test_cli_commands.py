"""The command in general, and what the sessions of `sessions/*.txt` cannot say."""

from __future__ import annotations

import json
import re
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import pytest

from lrvm_jit import Category, Component, Metadata
from lrvm_tools import cli as package
from lrvm_tools.machines import DEFAULT_MACHINE_FILE
from lrvm_tools.machines.builtin import BUILTIN_TYPES
from tests.tools.command import lrvm, report


@pytest.mark.parametrize(
    "command", ["run", "batch", "debug", "trace", "asm", "dis", "info", "completion"]
)
def test_help_has_examples(command: str) -> None:
    for option in ("--help", "-h"):
        result = lrvm(command, option)
        assert result.exit_code == 0, result.output
        assert f"Examples:\n    lrvm {command}" in result.stdout


def test_help_lists_the_exit_codes() -> None:
    for arguments in (["--help"], ["run", "--help"]):
        text = lrvm(*arguments).stdout
        codes = re.findall(r"^ +(\d+)  ", text[text.index("Exit codes:") :], re.M)
        assert codes == ["0", "1", "2", "3", "4", "5", "6", "7", "130", "141"]


def test_version() -> None:
    assert re.fullmatch(r"lrvm, version \d+\.\d+\.\d+\n", lrvm("--version").stdout)


@pytest.mark.parametrize("name", ["click", "rich"])
def test_missing_extra(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "lrvm_tools.cli.find_spec", lambda wanted: None if wanted == name else find_spec(wanted)
    )
    with pytest.raises(SystemExit) as caught:
        package.main([])
    assert str(caught.value) == (
        f"lrvm: the command needs {name}: run  pip install 'lrvm-jit[tools]'"
    )


@pytest.mark.parametrize(
    "arguments", [["--traceback", "info"], ["info", "--traceback"], ["info"], ["info", "--json"]]
)
def test_internal_error(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("lrvm_tools.cli.info.default_machine", fail)
    result = lrvm(*arguments)
    assert result.exit_code == 1
    if "--json" in arguments:
        assert json.loads(result.stdout)["exit_code"] == 1
        assert result.stderr == ""
        return
    *trace, line = result.stderr.splitlines()
    assert line.startswith("lrvm: internal error: ZeroDivisionError: on purpose")
    assert line.endswith("shows where)") is not ("--traceback" in arguments)
    assert bool(trace) is ("--traceback" in arguments)


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
@pytest.mark.parametrize("limit", [1, 11, 12, 13, 400])
def test_run_counts_its_limit_by_itself(folder: Path, engine: str, limit: int) -> None:
    """A guest that resets its CPU has attempted as many instructions as its limit allows."""
    (folder / "again.lasm").write_text("cpy ev, 8\n#d32 0\n" + "inc a0\n" * 9 + "reset 0x05\n")
    arguments = ["--stats", "--engine", engine, "--max-cycles", str(limit)]
    document = report("run", "again.lasm", *arguments, code=4)
    assert document["cycles"] == limit % 12
    assert document["stats"]["instructions"] == limit
    assert document["stats"]["exceptions"] == (limit + 10) // 12


def test_warnings_are_told_on_stderr(folder: Path) -> None:
    (folder / "line.lasm").write_text("cpy ac0, 0xf7fc\nwsa ac0, 0xaa\nhalt")
    result = lrvm("run", "-q", "line.lasm", stdin="x" * 2000)
    assert result.stderr == (
        "lrvm: warning: a line of 2000 bytes was cut to fit the keyboard's 1020\n"
    )


class Faulty(Component):
    """Fails as only a bug does."""

    name = "Faulty"

    def metadata(self) -> Metadata:
        return Metadata(0, 4, Category.UNCATEGORIZED, 0)

    def write(self, offset: int, word: int) -> None:
        if word == 1:
            raise LookupError("a bug")
        raise KeyboardInterrupt


@pytest.fixture
def faulty(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    types = {"rom": BUILTIN_TYPES["rom"], "faulty": Faulty}
    monkeypatch.setattr("lrvm_tools.machines.builtin.BUILTIN_TYPES", types)
    path = folder / "faulty.toml"
    path.write_text("[[component]]\ntype='rom'\nsize=0x100\n[[component]]\ntype='faulty'\n")
    return str(path)


def test_a_component_that_fails(folder: Path, faulty: str) -> None:
    (folder / "fail.lasm").write_text("cpy a0, 0x100\nwsa a0, 1\nhalt")
    result = lrvm("run", "fail.lasm", "--machine", faulty)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("lrvm: internal error: LookupError: a bug (`lrvm --traceback")


def test_an_interrupted_run(folder: Path, faulty: str) -> None:
    (folder / "stop.lasm").write_text("cpy a0, 0x100\nwsa a0, 2\nhalt")
    result = lrvm("run", "stop.lasm", "--machine", faulty)
    assert result.exit_code == 130
    assert result.stderr == "[lrvm] Cycle 0x00000001: interrupted before address 0x00000004\n"
    document = report("run", "stop.lasm", "--machine", faulty, code=130)
    assert (document["reason"], document["cycles"]) == ("interrupted", 1)


def test_info_toml_is_a_machine_file(folder: Path) -> None:
    text = lrvm("info", "--toml").stdout
    assert text == DEFAULT_MACHINE_FILE.read_text()
    (folder / "machine.toml").write_text(text)
    (folder / "halt.lasm").write_text("halt")
    assert lrvm("run", "halt.lasm", "--machine", "machine.toml", "-q").exit_code == 0


def test_bench_hands_its_arguments_over(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def main(arguments: list[str]) -> int:
        seen.append(arguments)
        return 7

    module = types.ModuleType("lrvm_jit.bench.__main__")
    monkeypatch.setattr(module, "main", main, raising=False)
    monkeypatch.setitem(sys.modules, "lrvm_jit.bench.__main__", module)
    assert lrvm("bench", "--help", "-x", "sieve", "--json").exit_code == 7
    assert seen == [["--help", "-x", "sieve", "--json"]]
