"""Batches on the simulator of CUDA, against conformance vectors and batches on the processor.

A program, as numba's simulator must be chosen before numba is imported:

    NUMBA_ENABLE_CUDASIM=1 python -m tests.batch.simulated_device VECTORS

prints what has come of it as JSON; `spoiled` is how many of ten vectors are wrong if the device's
step leaves registers alone.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import defaultdict
from typing import Any

import numpy

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard
from lrvm_jit.batch import Batch, CharInput, CharOutput
from lrvm_jit.batch.gpu import device, kernel
from lrvm_jit.isa.table import Reg
from lrvm_jit.kernel.typed import DONE
from lrvm_tools import assemble
from tests.machine.test_vectors import load

ECHO = """
    cpy ac0, 0x1040
    cpy a2, 40              ; some work first, then the keyboard's text plus 1
work:
    dec a2
    ifnq
    jp work
next:
    wsa ac0, 8, 1
    lsa a0, ac0, 4
    cmp a0, 0
    ifeq
    halt
    add a0, 1
    wsa ac0, 0, a0
    jp next
"""


def wrong_vectors(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The vectors whose lanes do not end as they should."""
    kinds: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for case in cases:
        kinds[case["rom_size"], case["ram_size"]].append(case)
    wrong = []
    for (rom_size, ram_size), group in kinds.items():
        width = max(len(case["program"]) for case in group)
        programs = numpy.zeros((len(group), width), numpy.uint32)
        board = Motherboard([BootRom([0], rom_size, hw_id=1), Ram(ram_size, hw_id=2)])
        board.map_contiguous(0)
        board.reset()
        for row, case in zip(programs, group, strict=True):
            row[: len(case["program"])] = case["program"]
        batch = Batch(board, programs=programs, device="cuda", threads=1)
        for lane, case in enumerate(group):
            batch.regs[lane] = case["regs"]
            batch.ram[lane, : len(case["ram"])] = case["ram"]
        batch.run(numpy.array([case["cycles"] for case in group]))
        for lane, case in enumerate(group):
            found = {
                "regs": batch.regs[lane].tolist(),
                "cycles": int(batch.lanes.cycles[lane]),
                "halted": bool(batch.lanes.halted[lane]),
                "ram": [[k, int(word)] for k, word in enumerate(batch.ram[lane]) if word],
            }
            if found != case["expect"]:
                wrong.append({"case": case, "found": found})
    return wrong


def echo(where: str) -> dict[str, Any]:
    """Lanes that ask components, in two runs, of which the first ends in the middle."""
    output = CharOutput()
    texts = ["HAL", "", "VMS"]
    batch = Batch(
        assemble(ECHO),
        3,
        ram_size=64,
        components=[output, CharInput.from_texts(texts)],
        device=where,
        threads=1,
    )
    device.STEPS = 25  # several launches
    report: dict[str, Any] = {"runs": []}
    for budget in (60, None):
        result = batch.run(budget)
        report["runs"].append(
            [
                result.reason.tolist(),
                result.cycles.tolist(),
                result.pc.tolist(),
                result.address.tolist(),
                result.instructions,
                batch.regs.tolist(),
                output.texts(),
            ]
        )
    return report


def stopped() -> list[Any]:
    """An endless lane beside one that halts, ended from without between two launches."""
    batch = Batch(assemble("cmp a0, 0\nifeq\nhalt\nagain: jp again"), 2, device="cuda", threads=1)
    batch.regs[1, Reg.A0] = 1
    shown: list[Any] = []

    def show(done: int, total: int, instructions: int) -> None:
        shown.append([done, total])
        if len(shown) == 2:
            batch.stop()

    result = batch.run(progress=show)
    cycles = int(result.cycles[1])
    batch.run(5)
    return [
        result.interrupted,
        result.reason.tolist(),
        shown[0],
        int(batch.lanes.cycles[1]) - cycles,
    ]


def main(vectors: int) -> dict[str, Any]:
    # Products of addresses wrap around, which numpy's scalars mention.
    warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
    cases = load("cpu.jsonl.gz") + load("mmu.jsonl.gz")
    cases = cases[:: -(-len(cases) // vectors)]
    report: dict[str, Any] = {"vectors": len(cases), "wrong": wrong_vectors(cases)}
    report["echo"] = [echo("cuda"), echo("cpu")]
    report["stopped"] = stopped()
    kernel._STAND_INS["write_register"] = lambda regs, state, code, value: DONE
    report["spoiled"] = len(wrong_vectors(cases[:10]))
    return report


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
