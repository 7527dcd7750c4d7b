"""The benchmark of compiled machines measures what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrvm_jit.bench import modular_compiled


def test_queries() -> None:
    """The run checks by itself that every query was answered."""
    assert modular_compiled.compiled_machine() > 0


def test_speedups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modular_compiled, "PLAIN_INSTRUCTIONS", 500)
    monkeypatch.setattr(modular_compiled, "COMPILED_INSTRUCTIONS", 50_000)
    found = modular_compiled.measure_speedups(1)
    assert [speedup.name for speedup in found] == ["accumulator", "brainfuck_processor"]
    assert all(speedup.ratio == speedup.compiled / speedup.plain for speedup in found)


def test_ways_that_differ_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways have to lead to the same states before their speeds are compared."""
    real = modular_compiled._speed

    def spoil(parts: modular_compiled.Parts, compiled: bool, instructions: int) -> float:
        speed = real(parts, compiled, instructions)
        if compiled:
            parts[1][0].state[0] += 1
        return speed

    monkeypatch.setattr(modular_compiled, "_speed", spoil)
    monkeypatch.setattr(modular_compiled, "PLAIN_INSTRUCTIONS", 500)
    with pytest.raises(RuntimeError, match="accumulator does not do the same"):
        modular_compiled.measure_speedups(1)


def test_without_a_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(modular_compiled, "EXAMPLES", tmp_path / "examples")
    assert modular_compiled.measure_speedups(1) == []
