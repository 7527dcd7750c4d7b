"""Machines as threads of a GPU: each runs the kernel's `dispatch` on its own rows of 2-D arrays.

A program, as numba's simulator must be chosen before numba is imported:

    NUMBA_ENABLE_CUDASIM=1 python -m tests.batch.simulated_gpu VECTORS RANDOM

runs so many of the conformance vectors, so many random machines, and some written ones, and
prints what has come of them as JSON. With a third argument, `spoil`, the kernel's careful path
writes no register.
"""

from __future__ import annotations

import json
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numba import cuda
from numpy.typing import NDArray

from lrvm_components import BootRom, Ram
from lrvm_jit import HardwareError, Motherboard
from lrvm_jit.core import layout
from lrvm_jit.core.bus import GuestError
from lrvm_jit.core.core import Core
from lrvm_jit.isa.table import Reg
from lrvm_jit.kernel.dispatch import dispatch
from lrvm_jit.kernel.retarget import retarget
from lrvm_jit.kernel.typed import DONE
from tests.machine.fuzzing import Port, build, outcome_of, random_case
from tests.machine.guest import machine
from tests.machine.paging import ALL, FRAME, low_entry, paged
from tests.machine.test_vectors import load

THREADS = 4
"""In a block; they run at the same time, so what belongs to several lanes would be found out."""
RUNNING = -1
SIZE = 4096
"""Bytes of RAM of the programs below."""
REASONS = {
    layout.STOP_BUDGET: "budget",
    layout.STOP_HALTED: "halted",
    layout.STOP_EXCEPTION: "exception",
}
REQUESTS = {
    layout.REQUEST_READ: "read",
    layout.REQUEST_WRITE: "write",
    layout.REQUEST_HWD: "hwd",
    layout.REQUEST_RESET: "reset",
}

Fuzzed = tuple[Motherboard, Ram, Port]
"""A machine with a component that notes what it is asked."""


def device_kernel(run: Callable[..., Any]) -> Any:
    """What the GPU is started with: a thread for each of `lanes`, which runs that lane."""

    def run_lanes(
        lanes: Any,
        stops: Any,
        regs: Any,
        state: Any,
        arena: Any,
        ops: Any,
        marks: Any,
        snapshot: Any,
        code_pages: Any,
        breakpoints: Any,
        translations: Any,
    ) -> None:
        thread = cuda.grid(1)
        if thread < len(lanes):
            lane = lanes[thread]
            stops[lane] = run(
                regs[lane],
                state[lane],
                arena[lane],
                ops[lane],
                marks[lane],
                snapshot[lane],
                code_pages[lane],
                breakpoints[lane],
                translations[lane],
            )

    return cuda.jit(run_lanes)


def rows(arrays: Sequence[NDArray[Any]]) -> Any:
    """Arrays as rows of one on the device, the shorter ones filled up with zeros."""
    both = numpy.zeros((len(arrays), max(map(len, arrays))), arrays[0].dtype)
    for row, array in zip(both, arrays, strict=True):
        row[: len(array)] = array
    return cuda.to_device(both)


class Lanes:
    """Boards on the device. What a lane asks for is served by its board, on the host."""

    def __init__(self, boards: Sequence[Motherboard], kernel: Any) -> None:
        self._cores = [board._core for board in boards]
        self._kernel = kernel
        self.requests: Counter[str] = Counter()

    def run(self, budgets: Sequence[int], stop_on_exception: Sequence[bool]) -> list[str]:
        """Run each lane to its end and bring the boards up to date; why each has stopped."""
        cores = self._cores
        for core, budget, stop in zip(cores, budgets, stop_on_exception, strict=True):
            core.state.host_changed()
            core.state.state[layout.BUDGET] = budget
            core.state.state[layout.STOP_ON_EXCEPTION] = stop
            core.state.state[layout.CLEAN_LOW] = 1 << 62
        count, words = len(cores), max(len(core.arena) for core in cores)
        self._rows = [
            rows([core.state.regs for core in cores]),
            rows([core.state.state for core in cores]),
            rows([core.arena for core in cores]),
        ]
        lengths = layout.lengths(words, 0, 1)
        scratch = [
            cuda.to_device(numpy.zeros((count, lengths[array.name]), array.dtype))
            for array in layout.ARRAYS
            if not array.per_lane
        ]
        stops = cuda.to_device(numpy.full(count, RUNNING))
        active = list(range(count))
        while active:
            lanes = cuda.to_device(numpy.array(active))
            blocks = -(-len(active) // THREADS)
            self._kernel[blocks, THREADS](lanes, stops, *self._rows, *scratch)
            found = stops.copy_to_host()
            for lane in active:
                self._fetch(lane)
            active = [lane for lane in active if found[lane] in REQUESTS]
            for lane in active:
                self.requests[REQUESTS[found[lane]]] += 1
                core = cores[lane]
                core.state.state[layout.ANSWER] = answer(core, int(found[lane]))
                self._send(lane)
        return [
            "halted" if core.state.state[layout.HALTED] else REASONS[stop]
            for core, stop in zip(cores, found.tolist(), strict=True)
        ]

    def _of(self, lane: int) -> list[NDArray[Any]]:
        core = self._cores[lane]
        return [core.state.regs, core.state.state, core.arena]

    def _fetch(self, lane: int) -> None:
        for array, device in zip(self._of(lane), self._rows, strict=True):
            array[:] = device[lane].copy_to_host()[: len(array)]

    def _send(self, lane: int) -> None:
        for array, device in zip(self._of(lane), self._rows, strict=True):
            device[lane, : len(array)].copy_to_device(array)


def answer(core: Core, request: int) -> int:
    """What the board answers to a request, in the kernel's form."""
    state = core.state.state
    component, offset = int(state[layout.REQUEST_COMPONENT]), int(state[layout.REQUEST_OFFSET])
    try:
        if request == layout.REQUEST_READ:
            return core.bus.read(component, offset)
        if request == layout.REQUEST_WRITE:
            core.bus.write(component, offset, int(state[layout.REQUEST_VALUE]))
        elif request == layout.REQUEST_HWD:
            return core.bus.hardware_information(component, offset)
        else:
            core.bus.reset(component, offset)
            core.state.host_changed()
    except HardwareError as error:
        return -1 - error.word
    except GuestError as fault:
        return -1 - (fault.code << 16 | fault.data)
    return 0


def run_vectors(cases: Sequence[dict[str, Any]], kernel: Any) -> list[dict[str, Any]]:
    """Conformance vectors; those that do not end as they should."""
    boards, rams = [], []
    for case in cases:
        ram = Ram(case["ram_size"], hw_id=2)
        rom = BootRom(case["program"], size=case["rom_size"], hw_id=1)
        board = Motherboard([rom, ram], engine="reference")
        board.map_contiguous(0)
        board.reset()
        ram.words[: len(case["ram"])] = case["ram"]
        board.cpu.regs[:] = case["regs"]
        boards.append(board)
        rams.append(ram)
    Lanes(boards, kernel).run([case["cycles"] for case in cases], [False] * len(cases))
    wrong = []
    for case, board, ram in zip(cases, boards, rams, strict=True):
        found = {
            "regs": list(board.cpu.regs),
            "cycles": board.cpu.cycles,
            "halted": board.cpu.halted,
            "ram": [[index, int(word)] for index, word in enumerate(ram.words) if word],
        }
        if found != case["expect"]:
            wrong.append({"case": case, "found": found})
    return wrong


PATCHING = """
  lsa a1, patch
loop:
  inc c0
  cmp c0, 3
  ifeq
  wsa target, a1
target:
  add a0, 1
  call routine
  cmp c0, 9
  ifnq
  jp loop
  halt
routine:
  cpy a5, 0x1234
  shl a5, 16
  add a5, c0
  push a5
  pop a6
  ret
patch: add a0, 100
"""
"""Changes its own code; calls, and all superinstructions."""

PORT = f"""
  cpy ev, handler
  cpy a5, {SIZE}
loop:
  wsa a5, 0, c0
  lsa a0, a5, 4
  add a1, a0
  wsa a5, 16, c0
  lsa a0, a5, 12
  srm a5, 8, a1
  hwd a2, 2, 1
  inc c0
  cmp c0, 5
  ifnq
  jp loop
  cpy avr, 1
  reset 0x10
  halt
handler:
  add a3, et
  cpy a4, era
  add a4, 4
  cpy pc, a4
"""
"""Every access to a component, also such as it refuses, each in a loop."""

SWAPPING = """
loop:
  lsa a1, a0
  wsa a0, 4, c0
  add a2, a1
  srm a5, 0, a6
  inc c0
  cmp c0, 6
  ifnq
  jp loop
  itr 7
"""
"""Stores to the table entry of the page that it reads and writes."""


def written_machines() -> list[Fuzzed]:
    """The programs above, ready to run. Made anew by each call."""
    found = []
    for source in (PATCHING, PORT):
        port = Port()
        built = machine(source, "reference", [port], size=SIZE, ssp=SIZE)
        found.append((built.board, built.ram, port))
    port = Port()
    built = paged(
        SWAPPING, "reference", [port], a0=0x9000, a5=low_entry(0x9000), a6=ALL | FRAME >> 10
    )
    found.append((built.board, built.ram, port))
    return found


def run_machines(count: int, kernel: Any) -> dict[str, Any]:
    """Random machines and the programs above, against the reference engine.

    Every second random one stops at its first exception.
    """
    rng = random.Random(1)
    cases = [random_case(rng) for _ in range(count)]
    budgets = [case.budget for case in cases] + [300] * len(written_machines())
    stops = [number % 2 == 1 and number < count for number in range(len(budgets))]

    def machines() -> list[Fuzzed]:
        return [build(case, "reference") for case in cases] + written_machines()

    on_device = machines()
    lanes = Lanes([board for board, _, _ in on_device], kernel)
    reasons = lanes.run(budgets, stops)
    wrong = []
    exceptions = paged_lanes = 0
    for number, (board, ram, port) in enumerate(machines()):
        before = board.cpu.regs[Reg.ET]
        ended = board.run(max_cycles=budgets[number], halt_on_exception=stops[number])
        expected = outcome_of(board, ram, port, ended)
        exceptions += board.cpu.regs[Reg.ET] != before
        paged_lanes += board.cpu.regs[Reg.MTT] != 0
        found = outcome_of(*on_device[number], ended)
        state = on_device[number][0]._core.state
        found.last = (
            reasons[number],
            int(state.regs[Reg.PC]),
            int(state.state[layout.LAST_PC]),
        )
        found.instructions = expected.instructions
        if found != expected:
            wrong.append({"number": number, "found": repr(found), "expected": repr(expected)})
    return {
        "wrong": wrong,
        "reasons": Counter(reasons),
        "written": reasons[count:],
        "requests": lanes.requests,
        "exceptions": exceptions,
        "paged": paged_lanes,
    }


def main(vectors: int, randoms: int, spoil: bool) -> dict[str, Any]:
    # Products of addresses wrap around, which numpy's scalars mention.
    warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
    functions: list[str] = []

    def on_device(function: Callable[..., Any]) -> Any:
        functions.append(function.__name__)
        if spoil and function.__name__ == "write_register":
            return lambda regs, state, code, value: DONE
        return cuda.jit(device=True)(function)

    kernel = device_kernel(retarget(dispatch, on_device))
    cases = load("cpu.jsonl.gz") + load("mmu.jsonl.gz")
    cases = cases[:: -(-len(cases) // vectors)]
    return {
        "functions": functions,
        "vectors": len(cases),
        "wrong vectors": run_vectors(cases, kernel),
        "machines": run_machines(randoms, kernel),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), "spoil" in sys.argv)))
