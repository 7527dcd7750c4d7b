"""Where translations are kept, and what tells them apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lrvm_jit.code_cache import PACKAGE, folders, host
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


def test_the_key_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It differs with the processor, with the compiler and with the sources."""
    first, fresh = host_key(), host_key.__wrapped__
    assert len(first) == 64
    assert fresh() == first
    if host.processor_lines():
        other = tmp_path / "cpuinfo"
        other.write_text("processor : 0\nvendor_id : Abacus\nflags : beads\n\nvendor_id : other")
        monkeypatch.setattr(host, "CPUINFO", str(other))
        monkeypatch.setattr(host, "processor_lines", host.processor_lines.__wrapped__)
        assert host.processor_lines() == {b"vendor_id": b"Abacus", b"flags": b"beads"}
    else:
        import llvmlite.binding as llvm

        monkeypatch.setattr(llvm, "get_host_cpu_name", lambda: "abacus")
    assert fresh() == first  # asked once
    monkeypatch.setattr(cache_module, "host_facts", host_facts.__wrapped__)
    assert host_key() == first
    assert fresh() != first
    monkeypatch.undo()
    monkeypatch.setattr(host, "compiler_version", lambda package: "0.0.0")
    monkeypatch.setattr(cache_module, "host_facts", host_facts.__wrapped__)
    assert fresh() != first
    monkeypatch.undo()
    monkeypatch.setattr(cache_module, "SOURCES", ("isa/table.py",))
    assert fresh() != first


def test_processors_that_linux_does_not_describe(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLVM knows them."""
    monkeypatch.setattr(host, "processor_lines", dict)
    assert len(host.processor_facts()) == 3


def test_the_sources_that_count_are_there() -> None:
    names = {
        path.relative_to(PACKAGE).as_posix()
        for pattern in cache_module.SOURCES
        for path in PACKAGE.glob(pattern)
    }
    assert {"isa/table.py", "core/layout.py", "jit/code/cache.py"} <= names
