"""Where translations are kept, and what tells them apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lrvm_jit.code_cache import PACKAGE, folders
from lrvm_jit.code_cache.host import host_facts
from lrvm_jit.jit.code import cache as cache_module
from lrvm_jit.jit.code.cache import default_cache, host_key

KEY = hashlib.sha256(b"one").hexdigest()


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRVM_JIT_TRANSLATION_CACHE", raising=False)
    monkeypatch.setenv("LRVM_JIT_CACHE_DIR", str(tmp_path))
    assert default_cache().folder == tmp_path / "translations"
    monkeypatch.delenv("LRVM_JIT_CACHE_DIR")
    monkeypatch.setattr(folders, "user_folder", lambda saving: tmp_path / "user")
    assert default_cache().folder == tmp_path / "user" / "translations"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "on"),
    [("0", False), ("off", False), ("no", False), ("OFF", False), ("1", True), ("", True)],
)
def test_the_switch(value: str, on: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRVM_JIT_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("LRVM_JIT_TRANSLATION_CACHE", value)
    cache = default_cache()
    cache.save(KEY, b"code")
    assert (cache.load(KEY) == b"code") == on
    assert (tmp_path / "translations").exists() == on


def test_the_key_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    import llvmlite.binding as llvm

    first = host_key()
    assert len(first) == 64
    fresh = host_key.__wrapped__
    assert fresh() == first
    monkeypatch.setattr(llvm, "get_host_cpu_name", lambda: "abacus")
    assert fresh() == first  # asked once
    monkeypatch.setattr(cache_module, "host_facts", host_facts.__wrapped__)
    assert host_key() == first
    assert fresh() != first
    monkeypatch.undo()
    monkeypatch.setattr(cache_module, "SOURCES", ("isa/table.py",))
    assert fresh() != first


def test_the_sources_that_count_are_there() -> None:
    names = {
        path.relative_to(PACKAGE).as_posix()
        for pattern in cache_module.SOURCES
        for path in PACKAGE.glob(pattern)
    }
    assert {"isa/table.py", "core/layout.py", "jit/code/cache.py"} <= names
