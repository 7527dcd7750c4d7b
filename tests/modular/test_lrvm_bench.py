"""The measurement of shared memory: all ways of sharing, each checked for its sum."""

from __future__ import annotations

import pytest

from lrvm_jit.bench import modular_lrvm


def test_all_ways() -> None:
    found = modular_lrvm.measure_sharing(repeats=1, instructions=400_000)
    assert [(row.scheduler, row.direct, row.size) for row in found] == [
        (scheduler, direct, size)
        for scheduler in ("threads", "cooperative")
        for direct, size in ((False, 1 << 16), (True, 1 << 16), (True, 1 << 20))
    ]
    for row in found:
        assert row.instructions >= (300_000 if row.direct else 150)
        assert row.mips > 0
        assert len(row.seconds) == 1
        assert ("plain memory" in str(row)) == row.direct


def test_a_wrong_sum_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = modular_lrvm.PROGRAM.replace("add a2, a0", "add a2, 1")
    monkeypatch.setattr(modular_lrvm, "PROGRAM", wrong)
    with pytest.raises(RuntimeError, match="which is wrong"):
        modular_lrvm.measure_sharing(repeats=1, instructions=400_000)
