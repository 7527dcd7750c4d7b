"""Persistent memory: what is in the file, what comes back, and what happens when it cannot."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lrvm_components import FileMemory
from lrvm_jit import HardwareError


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file of two words and a half."""
    path = tmp_path / "disk"
    path.write_bytes(bytes.fromhex("00000001 8000abcd 1234"))
    return path


@pytest.fixture
def whole(disk: Path) -> Path:
    """A file of two words."""
    disk.write_bytes(disk.read_bytes()[:8])
    return disk


def refusal(memory: FileMemory, *write: int) -> int:
    """The hardware error of a read at 0, or of this write, as its 16 bits."""
    with pytest.raises(HardwareError) as caught:
        memory.write(*write) if write else memory.read(0)
    return caught.value.word


def test_words_are_big_endian(whole: Path) -> None:
    with closing(FileMemory(str(whole), writable=True)) as memory:
        assert [memory.read(0), memory.read(4)] == [1, 0x8000_ABCD]
        memory.write(0, 0xFEDC_BA98)
        assert memory.read(0) == 0xFEDC_BA98
    assert whole.read_bytes() == bytes.fromhex("fedcba98 8000abcd")


def test_content_survives_the_machine_and_resets(whole: Path) -> None:
    with closing(FileMemory(whole, writable=True)) as memory:
        memory.write(4, 42)
        memory.reset()
        assert memory.read(4) == 42
    with closing(FileMemory(whole)) as memory:
        assert memory.read(4) == 42


def test_read_only_is_the_default_and_refuses_writes(whole: Path) -> None:
    before = whole.read_bytes()
    with closing(FileMemory(whole)) as memory:
        assert refusal(memory, 0, 5) == 0x3100
    assert refusal(memory, 0, 5) == 0x3100  # closed or not
    assert whole.read_bytes() == before


def test_the_files_odd_bytes_are_left_out_with_a_warning(disk: Path) -> None:
    with pytest.warns(UserWarning, match=r"size 10 of .*disk is not a multiple of 4") as caught:
        memory = FileMemory(disk, writable=True)
    assert caught[0].filename == __file__  # points at whoever chose the file
    with closing(memory):
        assert memory.metadata().size == 8
        memory.write(4, 0)
    assert disk.read_bytes() == bytes.fromhex("00000001 00000000 1234")


def test_an_odd_size_is_rounded_down_with_a_warning(whole: Path) -> None:
    with pytest.warns(UserWarning, match="size 7 of"):
        memory = FileMemory(whole, 7)
    with closing(memory):
        assert memory.metadata().size == 4


def test_a_smaller_size_narrows_the_window(whole: Path) -> None:
    with closing(FileMemory(whole, 4, writable=True)) as memory:
        assert memory.metadata().size == 4
        memory.write(0, 9)
    assert whole.read_bytes() == bytes.fromhex("00000009 8000abcd")


def test_a_larger_size_grows_a_writable_file(whole: Path) -> None:
    with closing(FileMemory(whole, 16, writable=True)) as memory:
        assert memory.metadata().size == whole.stat().st_size == 16
        assert [memory.read(offset) for offset in (4, 8, 12)] == [0x8000_ABCD, 0, 0]
        memory.write(12, 3)
    assert whole.read_bytes() == bytes.fromhex("00000001 8000abcd 00000000 00000003")


def test_a_larger_read_only_window_reads_zero_beyond_the_file(disk: Path) -> None:
    """That goes for the rest of a word that the file holds only in part, too."""
    with closing(FileMemory(disk, 20)) as memory:
        read = [memory.read(offset) for offset in range(0, 20, 4)]
        assert read == [1, 0x8000_ABCD, 0x1234_0000, 0, 0]
    assert disk.stat().st_size == 10


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    for writable in (False, True):
        with pytest.raises(FileNotFoundError, match="missing"):
            FileMemory(tmp_path / "missing", 16, writable=writable)
    assert not list(tmp_path.iterdir())


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    for writable in (False, True):
        with pytest.raises(ValueError, match=r"empty is empty"):
            FileMemory(path, 16, writable=writable)
    assert path.stat().st_size == 0


@pytest.mark.parametrize("size", [0, -4, 2**32])
def test_a_bad_size_leaves_the_file_alone(whole: Path, size: int) -> None:
    with pytest.raises(ValueError, match=f"size {size} must be"):
        FileMemory(whole, size, writable=True)
    with pytest.raises(TypeError, match="size must be a whole number"):
        FileMemory(whole, "8", writable=True)  # type: ignore[arg-type]
    assert whole.stat().st_size == 8


def test_a_file_too_large_for_the_machine_needs_a_size(whole: Path) -> None:
    with whole.open("r+b") as file:
        file.truncate(2**32)  # sparse
    with pytest.raises(ValueError, match="size 4294967296 must be"):
        FileMemory(whole)
    with closing(FileMemory(whole, 2**32 - 4)) as memory:
        assert memory.read(2**32 - 8) == 0


def test_a_file_cut_short_is_a_read_error(whole: Path) -> None:
    """A memory mapping would kill the process here."""
    with closing(FileMemory(whole)) as memory:
        whole.write_bytes(b"")
        assert refusal(memory) == 0x2000


def test_a_grown_file_cut_short_is_a_read_error(whole: Path) -> None:
    """The words that it grew by are as real as the others: no silent zeros."""
    with closing(FileMemory(whole, 16, writable=True)) as memory:
        os.truncate(whole, 8)
        assert memory.read(4) == 0x8000_ABCD
        with pytest.raises(HardwareError) as caught:
            memory.read(12)
        assert caught.value.word == 0x2000


@contextmanager
def full_disk() -> Iterator[None]:
    """Files cannot be written past their first four bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_failing_write_is_a_write_error(whole: Path) -> None:
    with closing(FileMemory(whole, writable=True)) as memory:
        with full_disk():
            memory.write(0, 5)
            assert refusal(memory, 4, 5) == 0x3000
        assert [memory.read(0), memory.read(4)] == [5, 0x8000_ABCD]


def test_a_file_that_cannot_grow_is_an_error(whole: Path) -> None:
    with full_disk(), pytest.raises(OSError, match="too large"):
        FileMemory(whole, 16, writable=True)


def test_half_a_written_word_is_a_write_error(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk may become full in the middle of a word."""
    with closing(FileMemory(whole, writable=True)) as memory:
        monkeypatch.setattr("os.pwrite", lambda *_: 2)
        assert refusal(memory, 0, 5) == 0x3000


def test_closing(whole: Path) -> None:
    """Closing again does nothing, and the guest of a closed memory gets I/O errors."""
    memory = FileMemory(whole, writable=True)
    memory.close()
    memory.close()
    assert refusal(memory) == 0x2000
    assert refusal(memory, 0, 5) == 0x3000


def test_flush_and_close_write_through(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both reach the disk, and a read-only memory has nothing to flush."""
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    with closing(FileMemory(whole)) as memory:
        memory.flush()
    assert synced == []
    with closing(FileMemory(whole, writable=True)) as memory:
        memory.flush()
        assert len(synced) == 1
    assert len(synced) == 2


def test_a_failing_flush_is_told_and_the_file_released(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("os.fsync", fail)
    memory = FileMemory(whole, writable=True)
    with pytest.raises(OSError, match="the disk is gone"):
        memory.close()
    assert refusal(memory) == 0x2000


def test_two_components_on_one_file_see_each_other(whole: Path) -> None:
    with (
        closing(FileMemory(whole, writable=True)) as one,
        closing(FileMemory(whole, writable=True)) as other,
        closing(FileMemory(whole)) as reader,
    ):
        one.write(0, 11)
        other.write(4, 22)
        assert [reader.read(0), reader.read(4)] == [11, 22]


def test_nothing_is_leaked_by_a_refused_file(whole: Path) -> None:
    """A file left open is a ResourceWarning, which fails the tests."""
    with pytest.raises(ValueError, match="64 bits"):
        FileMemory(whole, hw_id=2**64)


VICTIM = """
import sys
from lrvm_components import FileMemory
memory = FileMemory(sys.argv[1], writable=True)
memory.write(0, 0xCAFE)
memory.flush()
memory.write(4, 0xBEEF)
print("ready", flush=True)
sys.stdin.read()
"""


def test_what_was_written_survives_kill_9(whole: Path) -> None:
    """What was flushed, as promised, and even the word that was not: only the process died."""
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(whole)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        victim.kill()
        assert victim.wait() == -signal.SIGKILL
    with closing(FileMemory(whole)) as memory:
        assert [memory.read(0), memory.read(4)] == [0xCAFE, 0xBEEF]
