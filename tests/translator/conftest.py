"""Fixtures for the translator's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrvm_jit.code_cache import CACHE_VARIABLE, CodeCache, load_first
from lrvm_jit.engines import tiered as engine_module
from lrvm_jit.jit.code import cache as cache_module
from lrvm_jit.kernel.build import compile as kernel_compile
from tests.translator.background import HeldWorker


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> HeldWorker:
    """What boards hand their jobs to, instead of the process's worker."""
    worker = HeldWorker()
    monkeypatch.setattr(engine_module, "WORKER", worker)
    return worker


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own that has the kernel, which would take long to compile."""
    kernel_compile.load_kernel()
    key = kernel_compile.digest()
    for _, data in load_first(kernel_compile.caches(), key):
        assert CodeCache(tmp_path, kernel_compile.FOLDER).save(key, data)
        break
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.delenv(cache_module.SWITCH_VARIABLE, raising=False)
    return tmp_path
