"""The command, run in this process."""

from __future__ import annotations

import json
import re
import sys
import types
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lrvm_jit import Category, Component, Metadata
from lrvm_tools import cli as package
from lrvm_tools.cli.app import cli
from lrvm_tools.machines import DEFAULT_MACHINE_FILE

HELLO = """\
DISPLAY = 0xf000
start:
    cpy ac0, DISPLAY
    cpy a0, "H"
    wsa ac0, a0
    cpy a0, "i"
    wsa ac0, a0
    cpy a0, "\\n"
    wsa ac0, a0
    halt
"""
FAULTY = "    cpy ev, handler\n    div a0, 0\nhandler:\n    halt\n"
WRONG = "    cpy a0, missing\n    nop\n"
ESCAPE = "\x1b"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with some programs."""
    monkeypatch.chdir(tmp_path)
    for name, source in (("hello", HELLO), ("faulty", FAULTY), ("wrong", WRONG)):
        (tmp_path / f"{name}.lasm").write_text(source)
    (tmp_path / "endless.lasm").write_text("jp 0")
    return tmp_path


def lrvm(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, arguments, input=stdin, prog_name="lrvm")


def report(*arguments: str, code: int = 0, stdin: str = "") -> Any:
    """The JSON document of a command that ends with `code`."""
    result = lrvm(*arguments, "--json", stdin=stdin)
    assert (result.exit_code, result.stderr) == (code, "")
    document = json.loads(result.stdout)
    if isinstance(document, dict):
        assert document["exit_code"] == code
    return document


# --- in general --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["run", "batch", "debug", "trace", "asm", "dis", "info", "completion"]
)
def test_help_has_examples(command: str) -> None:
    for option in ("--help", "-h"):
        result = lrvm(command, option)
        assert result.exit_code == 0
        assert f"Examples:\n    lrvm {command}" in result.stdout


def test_help_lists_the_exit_codes() -> None:
    for arguments in (["--help"], ["run", "--help"]):
        text = lrvm(*arguments).stdout
        codes = re.findall(r"^ +(\d+)  ", text[text.index("Exit codes:") :], re.M)
        assert codes == ["0", "1", "2", "3", "4", "5", "6", "7", "130", "141"]


def test_version() -> None:
    assert re.fullmatch(r"lrvm, version \d+\.\d+\.\d+\n", lrvm("--version").stdout)


def test_unknown_command() -> None:
    result = lrvm("rnu")
    assert result.exit_code == 2
    assert "No such command 'rnu'" in result.stderr


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


@pytest.mark.parametrize(
    "arguments",
    [
        ["asm", "wrong.lasm"],
        ["dis", "hello.lasm", "--addresses"],
        ["run", "hello.lasm", "--verbose"],
        ["run", "faulty.lasm"],
        ["info"],
        ["info", "--types"],
    ],
)
def test_no_escape_codes_without_a_terminal(folder: Path, arguments: list[str]) -> None:
    assert ESCAPE not in lrvm(*arguments).output


# --- asm ---------------------------------------------------------------------------------------


def test_asm_writes_a_binary(folder: Path) -> None:
    result = lrvm("asm", "hello.lasm", "-o", "hello.bin")
    assert (result.exit_code, result.output) == (0, "")
    image = (folder / "hello.bin").read_bytes()
    assert image == lrvm("asm", "hello.lasm").stdout_bytes
    assert image.startswith(bytes.fromhex("0c0af0000c000048"))


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("hex", "00000000  0c 0a f0 00 0c 00 00 48"),
        ("ihex", ":100000000C0AF0000C000048"),
        ("listing", "; hello.lasm"),
        ("symbols", "0x00000000  label     start"),
    ],
)
def test_asm_formats(folder: Path, form: str, first: str) -> None:
    text = lrvm("asm", "hello.lasm", "--format", form).stdout
    assert text.startswith(first)
    assert lrvm("asm", "hello.lasm", "--format", form, "-o", "-").stdout == text
    lrvm("asm", "hello.lasm", "--format", form, "-o", "out")
    assert (folder / "out").read_text() == text


def test_asm_errors_are_all_told_and_nothing_is_written(folder: Path) -> None:
    (folder / "out").write_text("as before")
    result = lrvm("asm", "wrong.lasm", "-o", "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "wrong.lasm:1:13: error: " in result.stderr
    assert "wrong.lasm:2:5: error: " in result.stderr
    assert (folder / "out").read_text() == "as before"


def test_asm_reports(folder: Path) -> None:
    document = report("asm", "hello.lasm")
    assert document["bytes"] == 32
    assert document["symbols"] == {"DISPLAY": 0xF000, "start": 0}
    assert report("asm", "hello.lasm", "-o", "out")["output"] == "out"
    assert (folder / "out").stat().st_size == 32
    errors = report("asm", "wrong.lasm", "-o", "no", code=2)["diagnostics"]
    assert [(item["path"], item["line"], item["column"]) for item in errors] == [
        ("wrong.lasm", 1, 13),
        ("wrong.lasm", 2, 5),
    ]
    assert not (folder / "no").exists()


def test_asm_includes(folder: Path) -> None:
    (folder / "main").mkdir()
    (folder / "library").mkdir()
    (folder / "main" / "main.lasm").write_text('#include "part.lasm"')
    (folder / "library" / "part.lasm").write_text("halt")
    assert lrvm("asm", "main/main.lasm").exit_code == 2
    assert lrvm("asm", "main/main.lasm", "-I", "library").stdout_bytes == b"\xf0\0\0\0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["asm", "nowhere.lasm"], "'nowhere.lasm' does not exist"),
        (["asm", "hello.lasm", "--format", "coff"], "'coff' is not one of 'bin', 'hex', 'ihex'"),
        (["asm", "hello.lasm", "-o", "no/where"], "error: cannot write no/where: No such file"),
        (["asm", "hello.lasm", "-o", "hello.lasm"], "error: hello.lasm is the input itself"),
        (["dis", "nowhere.bin"], "'nowhere.bin' does not exist"),
        (["dis", "wrong.lasm"], "wrong.lasm:1:13: error: "),
        (["dis", "hello.lasm", "--entry", "0x1000"], "entry point 0x1000 is not the address"),
        (["dis", "hello.lasm", "--entry", "top"], "'top' is no whole number, such as 4096 or"),
        (["dis", "hello.lasm", "--strings", "0"], "0 is not in the range"),
        (["dis", "hello.lasm", "--plain", "--graph", "dot"], "exclude each other"),
        (["dis", "hello.lasm", "-o", "hello.lasm"], "error: hello.lasm is the input itself"),
        (["run"], "name a FILE to run, or a --machine, or both"),
        (["run", "."], "'.' is a directory"),
        (["run", "wrong.lasm"], "wrong.lasm:1:13: error: "),
        (["run", "odd.bin"], "odd.bin has 3 bytes, which are no whole words"),
        (["run", "hello.lasm", "--engine", "fast"], "'fast' is not one of 'auto', 'reference'"),
        (["run", "hello.lasm", "--max-cycles", "-1"], "-1 is negative"),
        (["run", "hello.lasm", "--verbose", "--quiet"], "exclude each other"),
        (["run", "--machine", "bad.toml"], "lrvm: error: bad.toml: unknown key 'speed'"),
        (["info", "--machine", "bad.toml"], "lrvm: error: bad.toml: unknown key 'speed'"),
        (["info", "--machine", "nowhere.toml"], "'nowhere.toml' does not exist"),
        (["info", "--types", "--toml"], "--toml goes with no other option"),
        (["info", "--types", "--machine", "bad.toml"], "exclude each other"),
        (["completion", "cmd"], "'cmd' is not one of 'bash', 'zsh', 'fish'"),
        (["completion"], "Missing argument"),
    ],
)
def test_bad_input(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "bad.toml").write_text("speed = 3")
    (folder / "odd.bin").write_bytes(b"abc")
    result = lrvm(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


# --- dis ---------------------------------------------------------------------------------------


def test_dis_round_trip(folder: Path) -> None:
    lrvm("asm", "hello.lasm", "-o", "hello.bin")
    lrvm("asm", "hello.lasm", "--format", "ihex", "-o", "hello.ihex")
    text = lrvm("dis", "hello.bin").stdout
    assert lrvm("dis", "hello.ihex").stdout == lrvm("dis", "hello.lasm").stdout == text
    (folder / "again.lasm").write_text(text)
    assert lrvm("asm", "again.lasm").stdout_bytes == (folder / "hello.bin").read_bytes()


def test_dis_options(folder: Path) -> None:
    (folder / "text.lasm").write_text('jp 0x10\n#d "Text"\n#d32 1\n#d "abc\\0"\nhalt\n#d32 1\nhalt')
    assert lrvm("dis", "text.lasm").stdout.splitlines()[1] == '    #d "Text"'
    assert '"abc"' in lrvm("dis", "text.lasm", "--strings", "3").stdout
    assert lrvm("dis", "text.lasm", "--addresses").stdout.count("; 0x000000") == 7
    assert lrvm("dis", "text.lasm", "--plain").stdout.splitlines()[0] == "jp 0x10"
    assert "#d32 0xf0000000" in lrvm("dis", "text.lasm").stdout
    assert "#d32 0xf0000000" not in lrvm("dis", "text.lasm", "--entry", "0x18").stdout
    lrvm("dis", "text.lasm", "-o", "out.lasm")
    assert (folder / "out.lasm").read_text() == lrvm("dis", "text.lasm").stdout


def test_dis_graph(folder: Path) -> None:
    assert lrvm("dis", "endless.lasm", "--graph", "dot").stdout.startswith("digraph")
    lrvm("dis", "endless.lasm", "--graph", "svg", "-o", "out.svg")
    assert "<svg" in (folder / "out.svg").read_text()


def test_dis_reports(folder: Path) -> None:
    document = report("dis", "endless.lasm")
    assert document["labels"] == {"loc_0000": 0}
    assert document["lines"] == [
        {"address": 0, "kind": "code", "label": "loc_0000", "text": "jp loc_0000"}
    ]


def test_dis_of_an_empty_file_and_of_loose_bytes(folder: Path) -> None:
    (folder / "empty.bin").write_bytes(b"")
    assert lrvm("dis", "empty.bin").output == ""
    (folder / "loose.bin").write_bytes(b"\xf0\0\0\0\x01\x02")
    assert lrvm("dis", "loose.bin").stdout.splitlines()[-1].strip() == "#d 0x0102"


# --- run ---------------------------------------------------------------------------------------


def test_run_shows_the_guest_on_stdout_and_the_rest_on_stderr(folder: Path, engine: str) -> None:
    result = lrvm("run", "hello.lasm", "--engine", engine)
    assert (result.exit_code, result.stdout) == (0, "Hi\n")
    assert result.stderr == "[lrvm] Cycle 0x00000008: CPU halted at address 0x0000001C\n"


def test_run_binary(folder: Path) -> None:
    lrvm("asm", "hello.lasm", "-o", "hello.bin")
    assert lrvm("run", "hello.bin", "--quiet").output == "Hi\n"


def test_run_presets(folder: Path) -> None:
    result = lrvm("run", "faulty.lasm")
    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == 2
    assert lrvm("run", "faulty.lasm", "-q").output == ""
    verbose = lrvm("run", "faulty.lasm", "-v").stderr.splitlines()
    assert verbose[0].startswith("=> Component 0000 'BootROM")
    assert verbose[9] == "[lrvm] Running cycle 0x00000001 at address 0x00000000"
    assert len(verbose) == 9 + 3 + 2


def test_run_points_to_the_line_of_an_exception(folder: Path) -> None:
    result = lrvm("run", "faulty.lasm", "--halt-on-exception")
    assert result.exit_code == 3
    finish, place = result.stderr.splitlines()
    assert finish.endswith("because of exception in supervisor mode: Division by zero")
    assert place == "[lrvm] Address 0x00000004 is faulty.lasm:2"


def test_run_cycle_limit(folder: Path) -> None:
    result = lrvm("run", "endless.lasm", "--max-cycles", "1_000")
    assert result.exit_code == 4
    assert result.stderr == "[lrvm] Cycle 0x000003E8: cycle limit reached at address 0x00000000\n"


def test_run_does_not_flood_the_terminal(folder: Path) -> None:
    (folder / "forever.lasm").write_text("#d32 0")
    lines = lrvm("run", "forever.lasm", "--max-cycles", "5000").stderr.splitlines()
    assert lines[10] == "[lrvm] The same again and again; no more of these are shown"
    assert len(lines) == 12


def test_run_ends_if_nobody_handles_an_exception(folder: Path) -> None:
    (folder / "forever.lasm").write_text("inc a0\ncpy a0, 0\n#d32 0")
    result = lrvm("run", "forever.lasm")
    assert result.exit_code == 5
    assert "unhandled exception at address 0x00000008" in result.stderr
    assert "set ev to a handler" in result.stderr
    assert "forever.lasm:3" in result.stderr
    document = report("run", "forever.lasm", code=5)
    assert (document["reason"], document["cycles"]) == ("unhandled", 6)
    assert "set ev" in document["advice"]
    assert report("run", "forever.lasm", "--max-cycles", "50", code=4)["advice"] is None


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
@pytest.mark.parametrize("limit", [1, 11, 12, 13, 400])
def test_run_counts_its_limit_by_itself(folder: Path, engine: str, limit: int) -> None:
    """A guest that resets its CPU has attempted as many instructions as its limit allows."""
    (folder / "again.lasm").write_text("cpy ev, 8\n#d32 0\n" + "inc a0\n" * 9 + "reset 0x05\n")
    document = report(
        "run", "again.lasm", "--stats", "--engine", engine, "--max-cycles", str(limit), code=4
    )
    assert document["cycles"] == limit % 12
    assert document["stats"]["instructions"] == limit
    assert document["stats"]["exceptions"] == (limit + 10) // 12


def test_run_reports(folder: Path) -> None:
    document = report("run", "hello.lasm")
    assert document["output"] == "Hi\n"
    assert document["reason"] == "halted"
    assert (document["cycles"], document["address"], document["pc"]) == (8, 28, 32)
    assert document["source"] == {"path": "hello.lasm", "line": 10}
    assert document["exception"] is None
    document = report("run", "faulty.lasm", "--halt-on-exception", code=3)
    assert document["exception"] == {
        "mode": "supervisor",
        "code": 0x0A,
        "data": 0,
        "message": "Division by zero",
    }
    assert document["source"] == {"path": "faulty.lasm", "line": 2}
    assert report("run", "endless.lasm", "--max-cycles", "9", code=4)["reason"] == "budget"
    document = report("run", "wrong.lasm", code=2)
    assert len(document["diagnostics"]) == 2
    (folder / "bad.toml").write_text("speed = 3")
    assert "unknown key" in report("run", "--machine", "bad.toml", code=2)["error"]


MACHINE = """
[[component]]
type = "rom"
size = 0x100
[[component]]
type = "character-display"
address = 0xF000
"""


def test_run_machine_file(folder: Path) -> None:
    (folder / "open.toml").write_text(MACHINE)
    (folder / "full.toml").write_text(MACHINE.replace("size", 'program = "hello.lasm"\nsize'))
    assert lrvm("run", "--machine", "full.toml", "-q").output == "Hi\n"
    assert lrvm("run", "hello.lasm", "--machine", "open.toml", "-q").output == "Hi\n"
    result = lrvm("run", "--machine", "open.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "component 0 (rom): there is no program" in result.stderr
    result = lrvm("run", "hello.lasm", "--machine", "full.toml")
    assert result.exit_code == 2
    assert "no place for the program hello.lasm" in result.stderr


def test_run_reads_standard_input(folder: Path) -> None:
    (folder / "keys.lasm").write_text(
        "cpy ac0, 0xf000\nagain: wsa ac0, 0x14, 1\nlsa a0, ac0, 0x10\nwsa ac0, a0\n"
        "cmp a0, 0\nifnq\njp again\nhalt"
    )
    assert lrvm("run", "-q", "keys.lasm", stdin="äb\n").stdout == "äb\n\0"
    assert report("run", "keys.lasm", stdin="äb")["output"] == "äb\0"


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
    monkeypatch.setattr(
        "lrvm_tools.machines.builtin.BUILTIN_TYPES",
        {
            "rom": component_factory("rom"),
            "faulty": Faulty,
        },
    )
    path = folder / "faulty.toml"
    path.write_text("[[component]]\ntype='rom'\nsize=0x100\n[[component]]\ntype='faulty'\n")
    return str(path)


def component_factory(name: str) -> Any:
    from lrvm_tools.machines.builtin import BUILTIN_TYPES

    return BUILTIN_TYPES[name]


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


# --- info, bench, completion -------------------------------------------------------------------


def test_info_shows_the_map() -> None:
    lines = lrvm("info").stdout.splitlines()
    assert lines[0] == "default machine"
    assert re.split(r"  +", lines[2])[:5] == [
        "0",
        "rom",
        "0x00000000 -> 0x0000EFFF",
        "61,440",
        "BootROM",
    ]
    assert len(lines) == 2 + 9


def test_info_reports() -> None:
    components = report("info")["components"]
    assert components[2] == {
        "id": 2,
        "type": "character-display",
        "name": "Character Display",
        "first": 0xF000,
        "last": 0xF003,
        "size": 4,
        "category": "Display",
        "kind": "Character",
        "hardware_id": "EDCAD29E8511C19E",
    }


def test_info_of_a_machine_file(folder: Path) -> None:
    (folder / "machine.toml").write_text(MACHINE + "[[component]]\ntype='clock'\nmapped=false\n")
    lines = lrvm("info", "--machine", "machine.toml").stdout.splitlines()
    assert lines[0] == "machine.toml"
    assert "not mapped" in lines[4]
    assert report("info", "--machine", "machine.toml")["components"][2]["first"] is None


def test_info_types() -> None:
    text = lrvm("info", "--types").stdout
    assert re.search(r"^ram +size\*, image, hw_id +lrvm-jit +Memory that", text, re.M)
    document = report("info", "--types")
    ram = next(item for item in document["types"] if item["type"] == "ram")
    assert ram["settings"][0] == {"name": "size", "value": "a whole number", "required": True}


def test_info_toml_is_a_machine_file(folder: Path) -> None:
    text = lrvm("info", "--toml").stdout
    assert text == DEFAULT_MACHINE_FILE.read_text()
    (folder / "machine.toml").write_text(text)
    assert lrvm("run", "hello.lasm", "--machine", "machine.toml", "-q").output == "Hi\n"


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


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    script = lrvm("completion", shell).stdout
    assert f"_LRVM_COMPLETE={shell}_complete" in script
