"""A machine file is somebody else's file: what it may reach, and what reading it may cost."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrvm_jit import Snapshot
from lrvm_jit.debug import load_recording
from lrvm_jit.debug.trace_file import read_trace
from lrvm_tools.executable.elf_program import load_executable
from lrvm_tools.machines import HostFile, MachineError, load_machine
from tests.tools.command import lrvm, report

PROGRAM = "cpy ac0, 0x100\nwsa ac0, 0, 0x41\nhalt"
MACHINE = """
[[component]]
type = "rom"
program = "write.lasm"
size = 0x100

[[component]]
type = "file"
path = "{path}"
size = {size}
writable = true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A machine's folder, with a precious file beside it."""
    inside = tmp_path / "machine"
    inside.mkdir()
    (inside / "write.lasm").write_text(PROGRAM)
    (inside / "state.bin").write_bytes(b"state...")
    (tmp_path / "precious").write_bytes(b"precious")
    return inside


def write(folder: Path, text: str) -> Path:
    path = folder / "machine.toml"
    path.write_text(text)
    return path


def problem(folder: Path, text: str, **options: Any) -> str:
    with pytest.raises(MachineError) as caught:
        load_machine(write(folder, text), **options).close()
    return str(caught.value)


# --- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["..", "absolute", "link", "folder"])
def test_paths_stay_below_the_folder(folder: Path, kind: str) -> None:
    outside = folder.parent / "precious"
    (folder / "link").symlink_to("../precious")
    (folder / "up").symlink_to("..")
    name = {
        "..": "../precious",
        "absolute": str(outside),
        "link": "link",
        "folder": "up/precious",
    }[kind]
    text = MACHINE.format(path=name, size=8)
    message = problem(folder, text)
    assert f"leads to {outside}, outside the machine file's folder {folder}" in message
    assert f"`--allow-path {folder.parent}` allows it" in message
    assert lrvm("run", "--machine", folder / "machine.toml").exit_code == 2
    assert outside.read_bytes() == b"precious"
    allowed = lrvm("run", "-q", "--machine", folder / "machine.toml", "--allow-path", folder.parent)
    assert allowed.exit_code == 0
    assert outside.read_bytes() == b"\0\0\0Aious"


@pytest.mark.parametrize("setting", ["program", "image"])
def test_everything_that_is_read_as_well(folder: Path, setting: str) -> None:
    text = f'[[component]]\ntype = "rom"\nsize = 64\n{setting} = "../precious"\n'
    assert "outside the machine file's folder" in problem(folder, text)
    with load_machine(folder / "machine.toml", allow_paths=[folder.parent]) as machine:
        assert machine.files == (HostFile(0, setting, folder.parent / "precious", "read"),)


def test_nothing_changes_before_the_guest_writes(folder: Path) -> None:
    path = write(folder, MACHINE.format(path="state.bin", size=1 << 30))
    before = {item.name: item.read_bytes() for item in folder.iterdir()}
    assert lrvm("info", "--machine", path).exit_code == 0
    write(folder, MACHINE.format(path="state.bin", size=1 << 30) + '[[component]]\ntype = "no"')
    assert lrvm("run", "--machine", path).exit_code == 2
    write(folder, MACHINE.format(path="state.bin", size=1 << 30))
    assert {item.name: item.read_bytes() for item in folder.iterdir()} == before
    # Then it has all the room that the guest sees.
    assert lrvm("run", "-q", "--machine", path).exit_code == 0
    assert (folder / "state.bin").stat().st_size == 1 << 30
    with (folder / "state.bin").open("rb") as file:
        assert file.read(8) == b"\0\0\0Ae..."


def test_files_of_the_host_are_named(folder: Path) -> None:
    path = write(folder, MACHINE.format(path="state.bin", size=8))
    program, state = str(folder / "write.lasm"), str(folder / "state.bin")
    assert report("info", "--machine", path)["files"] == [
        {"component": 0, "setting": "program", "path": program, "mode": "read"},
        {"component": 1, "setting": "path", "path": state, "mode": "read and write"},
    ]
    for shown in (
        lrvm("info", "--machine", path).stdout,
        lrvm("run", "-v", "--machine", path).stderr,
    ):
        lines = [line for line in shown.splitlines() if program in line or state in line]
        assert [line.split()[-1].strip("()") for line in lines] == ["read", "write"]


# --- text ----------------------------------------------------------------------------------------


def test_text(folder: Path) -> None:
    plain = MACHINE.format(path="state.bin", size=8)
    path = folder / "machine.toml"
    for text in (f"\ufeff{plain}", plain.replace("\n", "\r\n")):
        path.write_bytes(text.encode())
        load_machine(path).close()
    path.write_bytes(plain.replace("size = 0x100\n", "size = 0x100 # x\r# y\n").encode())
    with pytest.raises(MachineError, match="carriage return in line 5, column 17 has no line feed"):
        load_machine(path)
    path.write_bytes(plain.encode() + b"# \xff")
    with pytest.raises(MachineError, match="not UTF-8 text: byte 0xFF at offset"):
        load_machine(path)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 3000 + "]" * 3000,
        "a = " + "{a=" * 3000,
        "engine = " + "9" * 5000,
        MACHINE.format(path="state.bin", size="9" * 5000),
        MACHINE.format(path="state.bin", size="0x" + "f" * 5000),
        MACHINE.format(path="state.bin", size=8) + "address = 0x" + "f" * 5000,
        "a = 2000-99-99",
        "[[component]]\ntype = [[[]]]",
        "component = 5",
        MACHINE.format(path="\\u0000", size=8),
        MACHINE.format(path="x" * 5000, size=8),
    ],
    ids=lambda text: text.strip()[:12] + text[-6:],
)
def test_one_kind_of_error(folder: Path, text: str) -> None:
    assert problem(folder, text)


# --- size and time -------------------------------------------------------------------------------


def limited(folder: Path, *arguments: str, memory: int = 3 << 30) -> tuple[int, str]:
    """The command in a process that gets only so many bytes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    done = subprocess.run(
        [sys.executable, "-m", "lrvm_tools", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        preexec_fn=limit,
    )
    return done.returncode, done.stderr


RAM = '[[component]]\ntype = "rom"\nprogram = "write.lasm"\n[[component]]\ntype = "{}"\nsize = {}\n'


@pytest.mark.parametrize("kind", ["ram", "flash"])
def test_no_memory(folder: Path, kind: str) -> None:
    write(folder, RAM.format(kind, "0xFFFF_FFE0"))
    for command in (["run", "--machine"], ["info", "--machine"]):
        code, said = limited(folder, *command, "machine.toml")
        assert code == 2
        assert f"component 1 ({kind}): there is not enough memory for 4,294,967,264 bytes" in said


def test_no_memory_for_all_together(folder: Path) -> None:
    second = '[[component]]\ntype = "ram"\nsize = 0x5000_0000'
    write(folder, RAM.format("ram", "0x5000_0000") + second)
    code, said = limited(folder, "info", "--machine", "machine.toml")
    assert code == 2
    assert "not enough memory for" in said
    assert "1,342,177,280" in said


@pytest.mark.parametrize("name", ["zero", "pipe"])
@pytest.mark.parametrize("suffix", ["", ".lasm", ".ihex"])
def test_what_has_no_end(folder: Path, name: str, suffix: str) -> None:
    """Devices and pipes: as a program, an image, a file, a machine file."""
    path = folder / (name + suffix)
    if name == "zero":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    wanted = "it is a device or a pipe; copy what it gives into a file first"
    main = folder / "main.ll"
    main.write_text("")
    for command in (
        *("run", "asm", "dis", "info --machine", "debug --batch", "profile"),
        *(f"trace -o {folder / 'out.jsonl'}", f"cc {main} --machine"),
    ):
        result = lrvm(*command.split(), path)
        assert result.exit_code == 2, command
        assert wanted in result.stderr
    for setting in ("program", "image"):
        text = f'[[component]]\ntype = "rom"\nsize = 64\n{setting} = "{path.name}"'
        said = problem(folder, text, allow_paths=["/dev"])
        assert "component 0 (rom)" in said
        assert wanted in said
    text = f'[[component]]\ntype = "file"\nsize = 64\npath = "{path.name}"'
    said = problem(folder, text, allow_paths=["/dev"])
    assert "component 0 (file)" in said
    assert "no regular file" in said


@pytest.mark.parametrize(
    "read",
    [
        Snapshot.load,
        load_recording,
        load_executable,
        lambda path: list(read_trace(path)),
    ],
    ids=["snapshot", "recording", "executable", "trace"],
)
def test_what_python_reads_has_an_end(folder: Path, read: Callable[[Path], object]) -> None:
    """A pipe without a writer is an error, not a wait for one."""
    path = folder / "pipe.jsonl"
    os.mkfifo(path)
    with pytest.raises(OSError, match="it is a device or a pipe"):
        read(path)


def test_images_of_another_size(folder: Path) -> None:
    """A file of a tebibyte, all of it a hole, is not read first."""
    with (folder / "large").open("wb") as file:
        file.truncate(1 << 40)
    text = '[[component]]\ntype = "ram"\nsize = 64\nimage = "large"'
    said = problem(folder, text)
    assert "component 0 (ram)" in said
    assert "it has 1,099,511,627,776 bytes, and 64 is the most that can be used" in said
    result = lrvm("run", folder / "large")
    assert (result.exit_code, "1,099,511,627,776 bytes" in result.stderr) == (2, True)
