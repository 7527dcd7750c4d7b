"""Digests of sources, and what is kept of them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from lrvm_jit.code_cache import CACHE_VARIABLE, sources

PATTERNS = ("one.py", "inner/*.py", "deep/**/*.py")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some files, and an empty cache that is there."""
    folder = tmp_path / "package"
    for name in ("one.py", "inner/two.py", "deep/three.py", "deep/er/four.py", "other.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "deep/__pycache__").mkdir()
    (folder / "deep/__pycache__/five.py").write_text("five")
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "SETTLED_SECONDS", -3600.0)
    return folder


def digest(package: Path) -> str:
    """As a new process has it."""
    sources._known.clear()
    hasher = hashlib.sha256()
    sources.add_sources(hasher, PATTERNS, package)
    return hasher.hexdigest()


def entries(package: Path) -> list[Path]:
    return sorted(package.parent.joinpath("cache").rglob("*.code"))


def test_a_digest_is_kept_until_a_file_changes(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the edit has the same length and date; undone, the digest is the first one."""
    first = digest(package)
    assert len(entries(package)) == 1
    with monkeypatch.context() as patch:
        patch.delattr(sources, "_computed")
        assert digest(package) == first
    path = package / "deep/er/four.py"
    status = path.stat()
    path.write_text("deep/er/FOUR.py")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digest(package) != first
    path.write_text("deep/er/four.py")
    assert digest(package) == first
    path.rename(path.with_name("five.py"))
    assert digest(package) != first
    path.with_name("five.py").unlink()
    assert digest(package) != first


def test_what_does_not_match_does_not_count(package: Path) -> None:
    first = digest(package)
    (package / "other.py").write_text("changed")
    (package / "inner/text.txt").write_text("new")
    (package / "deep/__pycache__/five.py").write_text("six")
    assert digest(package) == first


def test_a_damaged_entry_is_not_believed(package: Path) -> None:
    first = digest(package)
    [entry] = entries(package)
    content = entry.read_bytes()
    entry.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert digest(package) == first
    assert entry.read_bytes() == content


def test_files_that_have_just_changed_are_read_each_time(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file system's clock may not tell the next edit from this one."""
    monkeypatch.setattr(sources, "SETTLED_SECONDS", 3.0)
    digest(package)
    assert not entries(package)
    later = time.time() + 10
    monkeypatch.setattr(time, "time", lambda: later)
    digest(package)
    assert len(entries(package)) == 1


def test_without_a_place_nothing_is_written_and_nobody_told(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder, one that cannot be written, a full disk."""
    first = digest(package)
    cache = package.parent / "cache"
    [entry] = entries(package)
    entry.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        assert digest(package) == first
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkstemp", lambda **_: (_ for _ in ()).throw(OSError(28, "full")))
        assert digest(package) == first
    monkeypatch.setenv(CACHE_VARIABLE, str(cache / "nowhere"))
    assert digest(package) == first
    assert not entries(package)
    assert not (cache / "nowhere").exists()
