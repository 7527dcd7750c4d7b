"""The cache of compiled code: what it keeps, and that nothing about the disk stops anyone."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lrvm_jit.code_cache import CodeCache
from lrvm_jit.code_cache.trust import UNFINISHED

KEY = hashlib.sha256(b"one").hexdigest()
OTHER = hashlib.sha256(b"two").hexdigest()


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def only_entry(folder: Path) -> Path:
    [path] = entries(folder)
    return path


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "made" / "here")
    assert cache.load(KEY) is None
    cache.save(KEY, b"code")
    cache.save(OTHER, b"")
    assert cache.load(KEY) == b"code"
    assert cache.load(OTHER) == b""
    assert CodeCache(tmp_path / "made" / "here").load(KEY) == b"code"


def test_the_last_save_counts(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    cache.save(KEY, b"a long first version")
    cache.save(KEY, b"second")
    assert cache.load(KEY) == b"second"
    assert len(entries(tmp_path)) == 1


def test_without_a_folder_nothing_is_kept() -> None:
    cache = CodeCache(None)
    cache.save(KEY, b"code")
    assert cache.load(KEY) is None


@pytest.mark.parametrize("bad", ["", "abc", "../../etc/passwd", "G" * 32, KEY.upper(), KEY + "\n"])
@pytest.mark.parametrize("folder", [None, Path("nowhere")])
def test_keys_are_digests(bad: str, folder: Path | None) -> None:
    cache = CodeCache(folder)
    with pytest.raises(ValueError, match="digest"):
        cache.load(bad)
    with pytest.raises(ValueError, match="digest"):
        cache.save(bad, b"code")


def test_truncated_entries_are_removed(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    cache.save(KEY, b"some code")
    path = only_entry(tmp_path)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert cache.load(KEY) is None
        assert not path.exists()
    path.write_bytes(whole)
    assert cache.load(KEY) == b"some code"


def test_changed_entries_are_removed(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    cache.save(KEY, b"some code")
    path = only_entry(tmp_path)
    whole = path.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        assert cache.load(KEY) is None
        assert not path.exists()
    path.write_bytes(whole + b"\0")
    assert cache.load(KEY) is None


def test_an_entry_under_another_key_is_damaged(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    cache.save(KEY, b"code")
    path = only_entry(tmp_path)
    path.rename(path.with_name(path.name.replace(KEY, OTHER)))
    assert cache.load(OTHER) is None
    assert not entries(tmp_path)


def test_a_file_instead_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("mine")
    for cache in (CodeCache(folder), CodeCache(folder / "deeper")):
        cache.save(KEY, b"code")
        assert cache.load(KEY) is None
    assert folder.read_text() == "mine"


def test_a_folder_instead_of_the_entry(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    cache.save(KEY, b"code")
    path = only_entry(tmp_path)
    path.unlink()
    path.mkdir()
    assert cache.load(KEY) is None
    cache.save(KEY, b"code")
    assert entries(tmp_path) == [path]


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "cache")
    cache.save(KEY, b"code")
    shutil.rmtree(tmp_path / "cache")
    assert cache.load(KEY) is None
    cache.save(KEY, b"code")
    assert cache.load(KEY) == b"code"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = CodeCache(tmp_path)
    cache.save(KEY, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    cache.save(KEY, b"new")
    cache.save(OTHER, b"new")
    monkeypatch.undo()
    assert cache.load(KEY) == b"old"
    assert cache.load(OTHER) is None
    assert len(entries(tmp_path)) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_while_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(suffix: str, dir: Path) -> tuple[int, str]:
        return os.open("/dev/full", os.O_WRONLY), str(tmp_path / f"x{suffix}")

    monkeypatch.setattr("tempfile.mkstemp", full)
    cache = CodeCache(tmp_path)
    cache.save(KEY, b"code")
    assert cache.load(KEY) is None
    assert not entries(tmp_path)


def test_others_may_not_write_there(tmp_path: Path) -> None:
    CodeCache(tmp_path / "cache").save(KEY, b"code")
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    assert only_entry(tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_the_size_is_bounded(tmp_path: Path) -> None:
    limit = 40 * 4096
    cache = CodeCache(tmp_path, most_bytes=limit)
    for number in range(200):
        cache.save(key(number), b"x" * 3000)
        # It may be exceeded by what is written between two looks.
        assert len(entries(tmp_path)) <= 40 + 40 // 8 + 1
    assert len(entries(tmp_path)) >= 25
    assert cache.load(key(199)) == b"x" * 3000
    assert cache.load(key(0)) is None


def test_short_processes_are_bounded_too(tmp_path: Path) -> None:
    for number in range(100):
        CodeCache(tmp_path, most_bytes=20 * 4096).save(key(number), b"x" * 3000)
    assert len(entries(tmp_path)) <= 20


def test_what_was_used_stays(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path, most_bytes=40 * 4096)
    for number in range(40):
        cache.save(key(number), b"code")
    long_ago = time.time() - 1000
    for number, path in enumerate(entries(tmp_path)):
        os.utime(path, (long_ago + number, long_ago + number))
    used = [path.stem for path in entries(tmp_path)[:5]]
    for name in used:
        assert cache.load(name) == b"code"
    CodeCache(tmp_path, most_bytes=20 * 4096).save(KEY, b"code")
    assert len(entries(tmp_path)) == 15
    assert all(cache.load(name) == b"code" for name in [*used, KEY])


def test_looking_through_the_folder_is_rare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[CodeCache] = []
    monkeypatch.setattr(CodeCache, "_make_room", lambda cache, _: looks.append(cache))
    cache = CodeCache(tmp_path)
    for number in range(300):
        cache.save(key(number), b"code")
    assert len(looks) == 1


def test_an_entry_larger_than_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path, most_bytes=8192)
    cache.save(KEY, b"code")
    cache.save(OTHER, bytes(10_000))
    assert cache.load(OTHER) is None
    assert cache.load(KEY) == b"code"


def test_files_of_dead_processes_are_removed(tmp_path: Path) -> None:
    old, new, foreign = (
        tmp_path / name for name in ("a.unfinished", "b.unfinished", "somebody's file")
    )
    for path in (old, new, foreign):
        path.write_bytes(b"part")
    for path in (old, foreign):
        os.utime(path, (1e9, 1e9))
    CodeCache(tmp_path, most_bytes=4096).save(KEY, b"code")
    assert not old.exists()
    assert foreign.exists()


WORKER = """
import hashlib, random, sys
from pathlib import Path
from lrvm_jit.code_cache import CodeCache

def content(key, version):
    return hashlib.sha256(f"{key}{version}".encode()).digest() * (20 + version)

folder, seed = Path(sys.argv[1]), int(sys.argv[2])
choice = random.Random(seed)
cache = CodeCache(folder, most_bytes=16 * 4096)
hits = 0
for _ in range(1500):
    key = hashlib.sha256(str(choice.randrange(24)).encode()).hexdigest()
    if choice.random() < 0.5:
        cache.save(key, content(key, choice.randrange(4)))
    else:
        found = cache.load(key)
        assert found is None or found in [content(key, version) for version in range(4)]
        hits += found is not None
print(hits)
"""


def test_several_processes_at_once(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), str(seed)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(4)
    ]
    # Meanwhile somebody damages entries.
    choice = random.Random(9)
    while any(worker.poll() is None for worker in workers):
        with suppress(OSError, IndexError), choice.choice(entries(tmp_path)).open("r+b") as file:
            file.truncate(20)
        time.sleep(0.01)
    for worker in workers:
        output, errors = worker.communicate()
        assert worker.returncode == 0, errors
        assert int(output) > 100
    assert not [path for path in entries(tmp_path) if path.suffix == UNFINISHED]


def test_loading_does_not_need_llvm(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from lrvm_jit.code_cache import CodeCache;"
        f"CodeCache(Path({str(tmp_path)!r})).load({KEY!r});"
        "assert not {'llvmlite', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
