"""Conformance: the published vectors, bit for bit, cycles included, on every engine."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard
from tests.engines import EngineChoice

DATA = Path(__file__).resolve().parents[1] / "data"


def load(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / name, "rt") as file:
        return [json.loads(line) for line in file]


def outcome(case: dict[str, Any], engine: EngineChoice) -> dict[str, Any]:
    """Run a case the way the vectors' README says, and report in their form."""
    ram = Ram(case["ram_size"], hw_id=2)
    board = Motherboard(
        [BootRom(case["program"], size=case["rom_size"], hw_id=1), ram], engine=engine
    )
    board.map_contiguous(0)
    board.reset()
    ram.words[: len(case["ram"])] = case["ram"]
    board.cpu.regs[:] = case["regs"]
    board.run(max_cycles=case["cycles"])
    return {
        "regs": list(board.cpu.regs),
        "cycles": board.cpu.cycles,
        "halted": board.cpu.halted,
        "ram": [[index, int(word)] for index, word in enumerate(ram.words) if word],
    }


@pytest.mark.parametrize("name", ["cpu.jsonl.gz", "mmu.jsonl.gz"])
def test_vectors(name: str, engine: EngineChoice) -> None:
    """Every case ends with exactly the registers, cycles, memory and halt state it lists."""
    cases = load(name)
    assert len(cases) >= 1500
    wrong = []
    # By default nothing so short is translated: what remains is the interpreter once more.
    step = 3 if engine == "translator" else 1
    for number, case in enumerate(cases[::step]):
        found = outcome(case, engine)
        if found != case["expect"]:
            wrong.append((number, case, found))
    assert not wrong, f"{len(wrong)} cases differ; the first: {wrong[0]}"
