"""The command as a process of its own: streams, signals, what it loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools.command import done, process

PROGRAM = 'cpy ac0, 0xf000\ncpy a0, "x"\nwsa ac0, a0\nhalt'


@pytest.fixture
def program(folder: Path) -> Path:
    path = folder / "program.lasm"
    path.write_text(PROGRAM)
    return path


def test_run_as_a_module(program: Path) -> None:
    result = done("run", program)
    assert (result.returncode, result.stdout) == (0, b"x")
    assert result.stderr.startswith(b"[lrvm] Cycle 0x00000004: CPU halted")


def test_the_installed_command_is_the_same(program: Path) -> None:
    script = Path(sys.executable).with_name("lrvm")
    if not script.exists():
        pytest.skip("not installed with its scripts")
    result = subprocess.run([script, "run", "-q", program], capture_output=True, check=True)
    assert (result.stdout, result.stderr) == (b"x", b"")


@pytest.mark.parametrize(
    "arguments", [["run", "nowhere"], ["asm", "bad.lasm"], ["dis", "nowhere"], ["info", "-x"]]
)
def test_mistakes_end_with_2_and_no_traceback(folder: Path, arguments: list[str]) -> None:
    (folder / "bad.lasm").write_text("nonsense")
    result = done(*arguments)
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_early(folder: Path, unbuffered: str) -> None:
    (folder / "large.bin").write_bytes(os.urandom(400_000))
    with process("dis", "--plain", "large.bin", PYTHONUNBUFFERED=unbuffered) as disassembling:
        first_line_and_no_more(disassembling)


def test_a_guest_whose_reader_goes_early(folder: Path) -> None:
    (folder / "endless.lasm").write_text(
        'cpy ac0, 0xf000\ncpy a0, "\\n"\nagain: wsa ac0, a0\njp again'
    )
    with process("run", "endless.lasm") as running:
        assert first_line_and_no_more(running) == b"\n"


def first_line_and_no_more(started: subprocess.Popen[bytes]) -> bytes:
    """The first line of a process, whose output is closed then, which ends it."""
    assert started.stdout is not None
    assert started.stderr is not None
    line = started.stdout.readline()
    started.stdout.close()
    assert started.stderr.read() == b""
    assert started.wait(60) == 141
    return line


def test_interrupting_a_run(folder: Path) -> None:
    # It says when it runs: before that, the signal would end the interpreter's start.
    (folder / "endless.lasm").write_text(
        'cpy ac0, 0xf000\ncpy a0, "\\n"\nwsa ac0, a0\nagain: jp again'
    )
    with process("run", "endless.lasm") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"\n"
        running.send_signal(signal.SIGINT)
        assert b"interrupted before address 0x0000000C" in running.stderr.read()
        assert running.wait(60) == 130


def test_what_the_package_has_without_further_imports() -> None:
    code = """
import lrvm_tools
for name in (*lrvm_tools.__all__, "disassembly", "lasm", "program", "running"):
    assert getattr(lrvm_tools, name).__name__.rpartition(".")[2] == name
try:
    lrvm_tools.nothing
except AttributeError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert result.stderr == b""
    assert result.stdout == b"module 'lrvm_tools' has no attribute 'nothing'\n"


def test_ctrl_c_while_the_command_is_loaded() -> None:
    """That takes most of a short command's time; it ends in silence there as well."""
    code = """
import sys
import time

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "lrvm_jit":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from lrvm_tools.cli import main
main(["info"])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (130, b"")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("output", ["t.jsonl", "t.parquet"])
def test_a_process_that_is_told_to_end_leaves_no_unfinished_file(
    folder: Path, output: str, name: str
) -> None:
    if output.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="the extra arrow is not installed")
    (folder / "endless.lasm").write_text("again: jp again")
    before = set(folder.iterdir())
    with process("trace", "endless.lasm", "-o", output) as running:
        while not set(folder.iterdir()) - before:
            assert running.poll() is None
            time.sleep(0.01)
        number = getattr(signal, name)
        running.send_signal(number)
        assert running.stderr is not None
        assert b"Traceback" not in running.stderr.read()
        assert running.wait(60) == -number
    assert set(folder.iterdir()) == before


def test_text_that_the_terminal_cannot_show(folder: Path) -> None:
    (folder / "u.lasm").write_text("cpy ac0, 0xf000\ncpy a0, 0xe9\nwsa ac0, a0\nhalt")
    result = done("run", "-v", "u.lasm", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stdout) == (0, b"?")
    assert b"': ? 0x00000000 -> " in result.stderr


@pytest.mark.parametrize("command", ["asm", "dis", "info", "completion"])
def test_only_running_loads_the_compiler(program: Path, command: str) -> None:
    """numba and rich take longer to load than all the rest."""
    arguments = {"info": ["info"], "completion": ["completion", "bash"]}.get(
        command, [command, str(program)]
    )
    code = f"""
import sys
import time
from lrvm_tools.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
loaded = {{"numba", "llvmlite", "rich"}} & set(sys.modules)
assert not loaded, loaded
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")


def test_completion_completes(folder: Path) -> None:
    result = done(
        _LRVM_COMPLETE="bash_complete",
        COMP_WORDS="lrvm dis --gr",
        COMP_CWORD="2",
    )
    assert result.stdout == b"plain,--graph\n"
