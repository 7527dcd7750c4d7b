"""Where runs stop, how much they have attempted, and what is told of them: engines agree.

Random machines, cut into runs with limits, breakpoints, watchpoints, exceptions as stops, single
steps and observers, some of which stop the run; the reference says what is right.
"""

from __future__ import annotations

import io
import os
import random
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lrvm_jit import Interest, Motherboard, RunObserver, Stop
from lrvm_tools import RunConfig
from lrvm_tools import run as run_and_tell
from tests.engines import COMPILED, EngineChoice, engine_id
from tests.machine.fuzzing import build, outcome_of, random_case

EXAMPLES = 40 if not os.environ.get("LRVM_FUZZ") else 20_000
RUNS = 12
LIMITS = (0, 1, 2, 5, 17, 60, 300)

fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


class Listener(RunObserver):
    """Notes what it is told, loses interest, and stops the run, all at random."""

    def __init__(self, board: Motherboard, rng: random.Random) -> None:
        self.watches_instructions = rng.random() < 0.3
        self.watches_exceptions = rng.random() < 0.8
        self._board = board
        self._rng = rng
        self.heard: list[object] = []

    def instruction(self) -> None:
        self.heard.append(self._board.cpu.regs["pc"])
        if self._rng.random() < 0.02:
            self._board.stop()

    def exception(self, stop: Stop) -> Interest:
        self.heard.append((stop, stop.attempted))
        if self._rng.random() < 0.05:
            self._board.stop()
        return self._rng.choices(list(Interest), (6, 3, 1))[0]


def change_points(board: Motherboard, rng: random.Random, top: int) -> None:
    """Breakpoints and watchpoints, old or new, or none."""
    code = [rng.randrange(0, 64, 4) for _ in range(rng.randrange(3))]
    if rng.random() < 0.5:
        board.breakpoints = code
    if rng.random() < 0.3:
        words = [*code, *(rng.randrange(0, top, 4) for _ in range(rng.randrange(4)))]
        board.watchpoints = {word: rng.choice(("read", "write", "any")) for word in words}


@fuzz
@given(seed=st.integers(0, 2**64))
def test_runs_stop_alike(seed: int) -> None:
    """Every run attempts what its limit allows, by its own count, and stops where it must."""

    def scenario(engine: EngineChoice) -> list[object]:
        rng = random.Random(seed)
        case = random_case(rng)
        if rng.random() < 0.5:
            case.regs[0x1C] = 0  # ev: exceptions that nobody handles
        board, ram, port = build(case, engine)
        if rng.random() < 0.5:
            # Runs without a limit might not end here; this is their rule for the others.
            board._runner._looks_for_unhandled = lambda max_cycles: True  # type: ignore[method-assign]
        seen: list[object] = []
        total = 0
        for _ in range(RUNS):
            change_points(board, rng, case.rom_size + case.ram_size)
            if rng.random() < 0.1:
                board.cpu.regs.pc = rng.randrange(0, 64, 4)
            limit = rng.choice(LIMITS)
            listener = Listener(board, rng) if rng.random() < 0.4 else None
            if rng.random() < 0.1:
                limit, stop = 1, board.cpu.step()
            else:
                halting = rng.random() < 0.3
                stop = board.run(limit, halt_on_exception=halting, observer=listener)
            assert stop.attempted <= limit
            if stop.reason == "budget":
                assert stop.attempted == limit
            total += stop.attempted
            heard = None if listener is None else listener.heard
            stats = board.stats()
            seen.append((stop, stop.attempted, heard, outcome_of(board, ram, port, stop)))
            seen.append(stats.exceptions)
            assert board._core.state.attempted == total
        return seen

    expected = scenario("reference")
    for compiled in COMPILED:
        assert scenario(compiled) == expected, engine_id(compiled)


@fuzz
@given(seed=st.integers(0, 2**64))
def test_what_is_printed_makes_no_difference(seed: int) -> None:
    """The machine ends alike, with the same count, whatever `RunConfig` has printed; and every
    engine prints the same."""

    def scenario(engine: EngineChoice) -> tuple[list[object], list[str]]:
        rng = random.Random(seed)
        case = random_case(rng)
        limits = [rng.choice(LIMITS) for _ in range(4)]
        telling = RunConfig(
            halt_on_exception=rng.random() < 0.2,
            print_cycles=rng.random() < 0.3,
            print_exceptions=rng.random() < 0.8,
            repeated_exceptions=rng.choice((None, 0, 1, 3)),
        )
        quiet = replace(telling, print_cycles=False, print_exceptions=False, print_finish=False)
        writer = io.StringIO()
        ends: list[list[object]] = []
        for config in (telling, quiet):
            board, ram, port = build(case, engine)
            board.breakpoints = case.breakpoints
            end: list[object] = []
            for limit in limits:
                stop = run_and_tell(board, replace(config, cycle_limit=limit), writer=writer)
                assert stop.attempted <= limit
                end.append((stop, stop.attempted, outcome_of(board, ram, port, stop)))
            ends.append(end)
        assert ends[0] == ends[1]
        return ends[0], writer.getvalue().splitlines()

    expected = scenario("reference")
    for compiled in COMPILED:
        assert scenario(compiled) == expected, engine_id(compiled)
