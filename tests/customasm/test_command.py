"""`lrvm customasm`: the command line of the original (docs/spec/customasm.md, section 9)."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lrvm_tools.customasm.driver import HELP, Driver

MAIN = """#ruledef { ld {x: u8} => 0x11 @ x
}
start: ld 5
x = 5
#d8 x
"""


class Run:
    """A command line that was run in a folder."""

    def __init__(self, folder: Path, words: str) -> None:
        self.folder = folder
        out, err, self.raw = io.StringIO(), io.StringIO(), io.BytesIO()
        self.status = Driver("1.2.3", out, err, lambda: self.raw).run(shlex.split(words))
        self.out, self.err = out.getvalue(), err.getvalue()

    @property
    def printed(self) -> str:
        return self.raw.getvalue().decode()

    def files(self) -> dict[str, bytes]:
        return {
            path.name: path.read_bytes() for path in self.folder.iterdir() if path.suffix != ".asm"
        }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.asm").write_text(MAIN)
    (tmp_path / "more.asm").write_text("#d8 0x99\n")
    (tmp_path / "bad.asm").write_text("#d8 y\n")
    (tmp_path / "false.asm").write_text("#d8 1\n#assert 1 == 2\n")
    (tmp_path / "slow.asm").write_text("#d8 a\na = b + 1\nb = c + 1\nc = d + 1\nd = x\n#d8 1\nx:\n")
    (tmp_path / "noext").write_text("#d8 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ("main.asm", {"main.bin": b"\x11\5\5"}),
        ("main.asm more.asm", {"main.bin": b"\x11\5\5\x99"}),
        ("more.asm main.asm", {"more.bin": b"\x99\x11\5\5"}),
        ("main.asm -o out", {"out": b"\x11\5\5"}),
        ("main.asm -oout", {"out": b"\x11\5\5"}),
        ("main.asm --output=out", {"out": b"\x11\5\5"}),
        ("main.asm -o", {"main.bin": b"\x11\5\5"}),
        ("-o out -- main.asm", {"out": b"\x11\5\5", "main.bin": b"\x11\5\5"}),
        ("main.asm -f hexstr", {"main.txt": b"110505"}),
        ("main.asm --format=hexstr", {"main.txt": b"110505"}),
        ("main.asm --format hexstr", {"main.txt": b"110505"}),
        ("main.asm -fhexstr -o x.hex", {"x.hex": b"110505"}),
        ("main.asm -f mesen-mlb", {"main.mlb": b"P:fffffffffffffff0:start\n"}),
        ("main.asm -f symbols", {"main.txt": b"start = 0x0\nx = 0x5\n"}),
        (
            "main.asm -o a -- -f hexstr -o b -- -f binstr -o c",
            {"a": b"\x11\5\5", "b": b"110505", "c": b"000100010000010100000101"},
        ),
        ("main.asm -d x=7", {"main.bin": b"\x11\5\7"}),
        ("main.asm -dx=0x7", {"main.bin": b"\x11\5\7"}),
        ("main.asm --define x=7", {"main.bin": b"\x11\5\7"}),
        ("main.asm -d x=-1", {"main.bin": b"\x11\5\xff"}),
        ("main.asm -d x=7 -d x=8", {"main.bin": b"\x11\5\7"}),
        ("main.asm -- -d x=7 -f hexstr", {"main.bin": b"\x11\5\7", "main.txt": b"110507"}),
        ("main.asm -d start=7", {"main.bin": b"\x11\5\5"}),
        ("main.asm -t 20", {"main.bin": b"\x11\5\5"}),
        ("main.asm -t", {"main.bin": b"\x11\5\5"}),
        ("main.asm --color=off -q", {"main.bin": b"\x11\5\5"}),
        ("main.asm --color=on --debug-iters", {"main.bin": b"\x11\5\5"}),
        ("slow.asm", {"slow.bin": b"\5\1"}),
    ],
)
def test_writes(folder: Path, words: str, files: dict[str, bytes]) -> None:
    run = Run(folder, words)
    assert (run.status, run.err) == (0, "")
    assert run.files() == {"noext": b"#d8 1\n", **files}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "no input files"),
        ("-p", "no input files"),
        ("none.asm", "file not found: `none.asm`"),
        ("main.asm -x", "Unrecognized option: 'x'"),
        ("main.asm --foo=1", "Unrecognized option: 'foo'"),
        ("main.asm -f", "Argument to option 'f' missing"),
        ("main.asm --format", "Argument to option 'format' missing"),
        ("main.asm -d", "Argument to option 'd' missing"),
        ("main.asm -o a -o b", "Option 'output' given more than once"),
        ("main.asm -f binary --format=binary", "Option 'format' given more than once"),
        ("main.asm -qq", "Option 'quiet' given more than once"),
        ("main.asm --quiet=1", "Option 'quiet' does not take an argument"),
        ("main.asm -f foo", "unknown format `foo`"),
        ("main.asm -f Binary", "unknown format `Binary`"),
        ("main.asm -f annotated,base:3", "invalid format argument `annotated,base:3`"),
        ("main.asm -f annotated,base:2:3", "invalid format argument `annotated,base:2:3`"),
        ("main.asm -f annotated,group:0", "invalid format argument `annotated,group:0`"),
        ("main.asm -f annotated,foo", "unknown format argument `annotated,foo`"),
        ("main.asm -f tcgame,base:4", "invalid format argument `tcgame,base:4`"),
        ("main.asm -f intelhex,addr_unit:7", "invalid format argument `intelhex,addr_unit:7`"),
        ("main.asm -f binary,base:2", "unknown format argument `binary,base`"),
        ("main.asm -t 0", "invalid argument for `--iters`"),
        ("main.asm --iters=x", "invalid argument for `--iters`"),
        ("main.asm --color=red", "invalid argument for `--color`"),
        ("main.asm -d a=b=c", "invalid define argument `a=b=c`"),
        ("main.asm -d a=b", "invalid value for define `a`"),
        ("main.asm -d a=", "invalid value for define `a`"),
        ("main.asm -d y=5", "unused define `y`"),
        ("main.asm -d X=5", "unused define `X`"),
        ("bad.asm", "unknown symbol `y`"),
        ("bad.asm", "bad.asm:1:5: error: failed to resolve data element"),
        ("false.asm", "assertion failed"),
        ("slow.asm -t 2", "unresolved symbol `a`"),
        ("main.asm -t 1", "did not converge"),
        ("main.asm -f binary -o x -- bad.asm", "unknown symbol `y`"),
        ("main.bin", "cannot derive safe output filename"),
        ("main.asm --language 1.0", "invalid argument for `--language`"),
        ("main.asm --language 0.13.99", "invalid argument for `--language`"),
        ("main.asm -o none/out", "cannot write `none/out`"),
        ("main.asm more.asm -o more.asm", "`more.asm` is an input"),
    ],
)
def test_refuses(folder: Path, words: str, message: str) -> None:
    run = Run(folder, words)
    assert message in run.err
    assert run.status == 1
    assert run.files().keys() == {"noext"}


def test_prints(folder: Path) -> None:
    run = Run(folder, "main.asm -p")
    assert run.out == (
        "lrvm customasm 1.2.3 (language: CustomASM 0.13.9)\nassembling `main.asm`...\n\n"
        "resolved in 2 iterations\n"
    )
    assert run.printed == (
        " outp | addr | data (base 16)\n\n"
        "  0:0 |    0 |       ; start:\n"
        "  0:0 |    0 | 11 05 ; ld 5\n"
        "  2:0 |    2 | 05    ; x\n\n"
    )
    assert run.files().keys() == {"noext"}


def test_prints_quietly(folder: Path) -> None:
    run = Run(folder, "main.asm -q -p -f hexstr -o x.hex")
    assert (run.out, run.printed) == ("", "110505\n")
    assert run.files()["x.hex"] == b"110505"


def test_tells_what_it_writes(folder: Path) -> None:
    run = Run(folder, "main.asm more.asm -o a -- -p -f binstr -- -f hexstr -o b")
    assert run.out.split("\n")[1:] == [
        "assembling `main.asm`...",
        "assembling `more.asm`...",
        "writing `a`...",
        "",
        "writing `b`...",
        "resolved in 2 iterations",
        "",
    ]


def test_one_iteration(folder: Path) -> None:
    assert "resolved in 1 iteration\n" in Run(folder, "more.asm").out


def test_what_no_pass_can_change_needs_one(folder: Path) -> None:
    (folder / "static.asm").write_text(
        "#ruledef { ld {x: u8} => 0x11 @ x\n}\nk = 3\nld 5\nld k\n#res 2\n#align 16\n#d8 1\n"
    )
    run = Run(folder, "static.asm -t 1")
    assert (run.status, run.err) == (0, "")
    assert "resolved in 1 iteration\n" in run.out
    assert run.files()["static.bin"].hex() == "11051103000001"


def test_an_assertion_needs_all_passes(folder: Path) -> None:
    (folder / "true.asm").write_text("#assert true\n")
    assert "resolved in 10 iterations\n" in Run(folder, "true.asm").out
    assert "resolved in 4 iterations\n" in Run(folder, "true.asm -t 4").out


def test_keeps_going(folder: Path) -> None:
    (folder / "many.asm").write_text("#d8 a\n#d8 b\n#d8 1 / 0\n")
    assert Run(folder, "many.asm").err.count("failed to resolve") == 1
    assert Run(folder, "many.asm --keep-going").err.count("failed to resolve") == 3
    (folder / "syntax.asm").write_text("#d8\n#d8 1\n#foo\n#d8 (\n")
    assert Run(folder, "syntax.asm --keep-going").err.count(": error: ") == 3


@pytest.mark.parametrize("words", ["-h", "--help", "-p -- -h"])
def test_help(folder: Path, words: str) -> None:
    run = Run(folder, words)
    assert (run.status, run.out, run.err) == (0, HELP, "")


@pytest.mark.parametrize("words", ["-v", "--version", "none.asm -v"])
def test_version(folder: Path, words: str) -> None:
    run = Run(folder, words)
    assert (run.status, run.out) == (0, "lrvm customasm 1.2.3 (language: CustomASM 0.13.9)\n")


def test_disassembles(folder: Path) -> None:
    assert Run(folder, "main.asm").status == 0
    (folder / "rules.asm").write_text("#ruledef { ld {x: u8} => 0x11 @ x\n}\n")
    run = Run(folder, "--disassemble main.bin rules.asm")
    assert run.out == "    ld 0x5\n    #d8 0x5\n"
    assert run.err == "note: no rule explains what stands at 0x2\n"
    assert run.status == 0


def test_old_outputs_stay_after_an_error(folder: Path) -> None:
    (folder / "bad.bin").write_bytes(b"old")
    assert Run(folder, "bad.asm").status == 1
    assert (folder / "bad.bin").read_bytes() == b"old"


def test_the_command_passes_everything_on(folder: Path) -> None:
    # `--` and `--help` are the assembler's own words, and its exit status is the process's.
    def run(*words: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "lrvm_tools", "customasm", *words]
        return subprocess.run(command, capture_output=True, check=False)

    done = run("main.asm", "-q", "-p", "-f", "binary", "--", "-f", "hexstr", "-o", "x")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\x11\5\5\n", b"")
    assert (folder / "x").read_bytes() == b"110505"
    assert run("bad.asm").returncode == 1
    assert run("--help").stdout.decode() == HELP
