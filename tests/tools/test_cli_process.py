"""The command as a process of its own: streams, signals, what it loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = 'cpy ac0, 0xf000\ncpy a0, "x"\nwsa ac0, a0\nhalt'


def lrvm(
    *arguments: str | Path, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "lrvm_tools", *map(str, arguments)],
        capture_output=True,
        cwd=cwd,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.lasm"
    path.write_text(PROGRAM)
    return path


def test_run_as_a_module(program: Path) -> None:
    done = lrvm("run", program)
    assert (done.returncode, done.stdout) == (0, b"x")
    assert done.stderr.startswith(b"[lrvm] Cycle 0x00000004: CPU halted")


def test_the_installed_command_is_the_same(program: Path) -> None:
    script = Path(sys.executable).with_name("lrvm")
    if not script.exists():
        pytest.skip("not installed with its scripts")
    done = subprocess.run([script, "run", "-q", program], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"x", b"")


@pytest.mark.parametrize(
    "arguments", [["run", "nowhere"], ["asm", "bad.lasm"], ["dis", "nowhere"], ["info", "-x"]]
)
def test_mistakes_end_with_2_and_no_traceback(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "bad.lasm").write_text("nonsense")
    done = lrvm(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_early(tmp_path: Path, unbuffered: str) -> None:
    (tmp_path / "large.bin").write_bytes(os.urandom(400_000))
    with subprocess.Popen(
        [sys.executable, "-m", "lrvm_tools", "dis", "--plain", "large.bin"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_a_guest_whose_reader_goes_early(tmp_path: Path) -> None:
    (tmp_path / "endless.lasm").write_text(
        'cpy ac0, 0xf000\ncpy a0, "\\n"\nagain: wsa ac0, a0\njp again'
    )
    with subprocess.Popen(
        [sys.executable, "-m", "lrvm_tools", "run", "endless.lasm"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_interrupting_a_run(tmp_path: Path) -> None:
    # It says when it runs: before that, the signal would end the interpreter's start.
    (tmp_path / "endless.lasm").write_text(
        'cpy ac0, 0xf000\ncpy a0, "\\n"\nwsa ac0, a0\nagain: jp again'
    )
    with subprocess.Popen(
        [sys.executable, "-m", "lrvm_tools", "run", "endless.lasm"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"\n"
        process.send_signal(signal.SIGINT)
        assert b"interrupted before address 0x0000000C" in process.stderr.read()
        assert process.wait(60) == 130


def test_text_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    (tmp_path / "u.lasm").write_text("cpy ac0, 0xf000\ncpy a0, 0xe9\nwsa ac0, a0\nhalt")
    done = lrvm("run", "-v", "u.lasm", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (0, b"?")
    assert b"': ? 0x00000000 -> " in done.stderr


@pytest.mark.parametrize("command", ["asm", "dis", "info", "completion"])
def test_only_running_loads_the_compiler(program: Path, command: str) -> None:
    """numba and rich take longer to load than all the rest."""
    arguments = {"info": ["info"], "completion": ["completion", "bash"]}.get(
        command, [command, str(program)]
    )
    code = f"""
import sys
from lrvm_tools.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
loaded = {{"numba", "llvmlite", "rich"}} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_completion_completes(tmp_path: Path) -> None:
    done = lrvm(
        cwd=tmp_path,
        _LRVM_COMPLETE="bash_complete",
        COMP_WORDS="lrvm dis --gr",
        COMP_CWORD="2",
    )
    assert done.stdout == b"plain,--graph\n"
