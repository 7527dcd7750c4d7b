"""Output files: whole or not at all, through links, and straight to what is no file."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lrvm_jit.output_files import OutputFile, remove_stale, remove_unfinished, write_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("before", [None, b"older"])
def test_whole_or_not_at_all(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "out.bin"
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o640)

    def fail() -> None:
        with OutputFile(path) as file:
            file.write(b"half")
            assert len(names(tmp_path)) == (1 if before is None else 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(tmp_path) == ([] if before is None else ["out.bin"])
    assert before is None or path.read_bytes() == before
    write_file(path, b"new")
    assert (names(tmp_path), path.read_bytes()) == (["out.bin"], b"new")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == (0o640 if before else 0o666 & ~umask)


def test_what_a_process_has_not_finished(tmp_path: Path) -> None:
    """It goes when the process is told to end; what is finished, and what is others', stays."""
    write_file(tmp_path / "done", b"1")
    begun, abandoned = OutputFile(tmp_path / "begun"), OutputFile(tmp_path / "abandoned")
    abandoned.abandon()
    child = os.fork()
    if not child:
        remove_unfinished()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(names(tmp_path)) == 2
    remove_unfinished()
    assert names(tmp_path) == ["done"]
    begun.abandon()


@pytest.mark.parametrize("exists", [True, False])
def test_links_are_followed(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "there").mkdir()
    if exists:
        (tmp_path / "there" / "real").write_bytes(b"older")
    (tmp_path / "link").symlink_to("there/real")
    (tmp_path / "second").symlink_to("link")
    write_file(tmp_path / "second", b"new")
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "real").read_bytes() == b"new"
    assert names(tmp_path / "there") == ["real"]


def test_pipes_are_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write_file(path, b"new" * 100_000)
    reader.join()
    assert got == [b"new" * 100_000]
    assert stat.S_ISFIFO(path.lstat().st_mode)


def test_devices_are_written_to(tmp_path: Path) -> None:
    (tmp_path / "nowhere").symlink_to("/dev/null")
    write_file(tmp_path / "nowhere", b"new")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_file(tmp_path / "full", b"new")
    assert caught.value.filename == str(tmp_path / "full")
    assert names(tmp_path) == ["full", "nowhere"]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda folder: folder / "no" / "out", errno.ENOENT),
        (lambda folder: folder, errno.EISDIR),
        (lambda folder: folder / ("x" * 300), errno.ENAMETOOLONG),
    ],
)
def test_errors_name_the_file(tmp_path: Path, make: Callable[[Path], Path], code: int) -> None:
    path = make(tmp_path)
    with pytest.raises(OSError, match=r".") as caught:
        write_file(path, b"new")
    assert (caught.value.errno, caught.value.filename) == (code, str(path))
    assert names(tmp_path) == []


def test_long_names(tmp_path: Path) -> None:
    path = tmp_path / ("\N{SNOWMAN}" * 85)  # 255 bytes, the most there can be
    write_file(path, b"new")
    assert names(tmp_path) == [path.name]


FULL = """
import resource, sys
from lrvm_jit.output_files import write_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_file("out.bin", bytes(100_000))
except OSError as error:
    print(error.filename, error.errno)
"""


def test_a_full_disk(tmp_path: Path) -> None:
    """As far as a limit on the size of files stands for it."""
    (tmp_path / "out.bin").write_bytes(b"older")
    done = subprocess.run(
        [sys.executable, "-c", FULL], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (f"out.bin {errno.EFBIG}\n", "")
    assert (tmp_path / "out.bin").read_bytes() == b"older"
    assert names(tmp_path) == ["out.bin"]


def test_two_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out"
    one, other = OutputFile(path), OutputFile(path)
    one.file.write(b"one")
    other.file.write(b"other")
    other.commit()
    one.commit()
    assert (path.read_bytes(), names(tmp_path)) == (b"one", ["out"])


def test_what_a_killed_process_left(tmp_path: Path) -> None:
    """Is removed, but not what somebody is still writing, and nothing else."""
    (tmp_path / ".out.0123456789ab.part").write_bytes(b"left")
    others = [".0123456789ab.part", ".out.part", ".outer.0123456789ab.part", "mine.part"]
    for name in others:
        (tmp_path / name).write_bytes(b"kept")
    output = OutputFile(tmp_path / "out")
    remove_stale(tmp_path / "out")
    output.file.write(b"new")
    output.commit()
    assert names(tmp_path) == [*others, "out"]
