"""Components that fail: the instruction has not happened, and the machine stays usable."""

from __future__ import annotations

import pytest

from lrvm_jit import HardwareError
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.probes import ACCESSES, Access, Probe

PROBE = 0x10000


class BrokenError(Exception):
    """What a component's author did not expect."""


INSTRUCTIONS = ACCESSES | {"reset": ("reset 0", "reset", 0)}
ERRORS = [BrokenError("oh"), KeyboardInterrupt(), SystemExit(3), ZeroDivisionError()]


def failing(source: str, engine: EngineChoice) -> tuple[Machine, Probe]:
    """Three instructions that run, then the one under test; the flags are those of 0x80000000."""
    probe = Probe()
    built = machine(
        f"inc a3\ncpy a4, 0x8000\nshl a4, 16\n{source}\nhalt",
        engine,
        [probe],
        a0=PROBE,
        a1=0x55,
        ssp=PROBE + 0x40,
        avr=0x66,
        ev=0x77,
    )
    probe.board = built.board
    probe.accesses.clear()
    return built, probe


@pytest.mark.parametrize(("source", "kind", "offset"), INSTRUCTIONS.values(), ids=INSTRUCTIONS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_instruction_is_undone(
    source: str, kind: str, offset: int, error: BaseException, engine: EngineChoice
) -> None:
    """The exception itself comes out of run(); registers, flags, pc, cycles are as before it."""
    built, probe = failing(source, engine)
    for _ in range(3):
        built.board.cpu.step()
    before, memory = built.state, built.ram.words.tolist()
    built, probe = failing(source, engine)
    probe.fail[kind, offset] = error
    with pytest.raises(type(error)) as caught:
        built.run()
    assert caught.value is error
    assert built.state == before
    assert built.ram.words.tolist() == memory
    assert built.board.cpu.exception is None


@pytest.mark.parametrize(("source", "kind", "offset"), INSTRUCTIONS.values(), ids=INSTRUCTIONS)
def test_running_on_tries_again(source: str, kind: str, offset: int, engine: EngineChoice) -> None:
    """Once the component works again, the machine ends as if it had never failed."""
    smooth, _ = failing(source, engine)
    smooth.run(max_cycles=10)
    bumpy, probe = failing(source, engine)
    error = BrokenError()
    probe.fail[kind, offset] = error
    for _ in range(3):
        with pytest.raises(BrokenError):
            bumpy.run(max_cycles=10)
    del probe.fail[kind, offset]
    # The three instructions before it are done.
    bumpy.run(max_cycles=10 - 3)
    assert bumpy.state == smooth.state


def test_each_attempt_is_one_access(engine: EngineChoice) -> None:
    """A failed access is repeated by the next run and not before; what preceded it in the same
    instruction is repeated with it."""
    built, probe = failing("srm a0, 4, a1", engine)
    probe.fail["write", 4] = BrokenError()
    for _ in range(2):
        with pytest.raises(BrokenError):
            built.run()
    del probe.fail["write", 4]
    built.run()
    assert [access.kind for access in probe.accesses] == ["read", "write"] * 3
    assert {(access.cycles, access.pc) for access in probe.accesses} == {(4, 12)}


def test_a_failure_in_a_fetch(engine: EngineChoice) -> None:
    """Code in a component: the fetch is undone, and tried again."""
    built, probe = failing("jp a0", engine)
    probe.words[0] = 0xF0000000
    probe.fail["read", 0] = BrokenError()
    for _ in range(2):
        with pytest.raises(BrokenError):
            built.run()
        assert (built.pc, built.board.cpu.cycles) == (PROBE, 4)
    del probe.fail["read", 0]
    assert built.run().cycles == 5


def test_the_machine_can_be_changed_after_a_failure(engine: EngineChoice) -> None:
    """Inspected, moved past the instruction, and run on: nothing of it is left pending."""
    built, probe = failing("wsa a0, 4, 1\ninc a5", engine)
    probe.fail["write", 4] = BrokenError()
    with pytest.raises(BrokenError):
        built.run()
    assert built.board.memory.read(PROBE + 8) == 0
    built.board.cpu.regs.pc += 4
    stop = built.run()
    assert (stop.reason, stop.cycles, built.a5) == ("halted", 5, 1)
    assert ("write", 4) not in {(a.kind, a.offset) for a in probe.accesses[1:]}


def test_the_machine_can_be_reset_after_a_failure(engine: EngineChoice) -> None:
    """A reset forgets the instruction, too."""
    built, probe = failing("lsa a1, a0, 4", engine)
    probe.fail["read", 4] = BrokenError()
    with pytest.raises(BrokenError):
        built.run()
    probe.fail.clear()
    built.board.reset()
    stop = built.run(max_cycles=3)
    assert (stop.cycles, stop.pc, built.a3) == (3, 12, 1)


def test_a_failure_does_not_count_against_the_budget_of_the_next_run(engine: EngineChoice) -> None:
    built, probe = failing("wsa a0, 4, 1", engine)
    probe.fail["write", 4] = BrokenError()
    with pytest.raises(BrokenError):
        built.run(max_cycles=100)
    probe.fail.clear()
    stop = built.run(max_cycles=1)
    assert (stop.reason, stop.cycles, stop.address) == ("budget", 4, 12)


def test_an_error_after_a_success_and_a_success_after_an_error(engine: EngineChoice) -> None:
    """Each access is judged by its own answer."""
    probe = Probe()
    built = machine(
        """
      cpy ev, handler
      wsa a0, 0, 1
      wsa a0, 4, 1
      wsa a0, 8, 1
      lsa a1, a0, 4
      lsa a2, a0, 8
      wsa a0, 12, 1
      push 7               ; refused
      cpy ssp, a5
      push 8
      halt
    handler:
      cpy a7, era
      add a7, 4
      inc a6
      jp a7
    """,
        engine,
        [probe],
        a0=PROBE,
        a1=5,
        a5=PROBE + 0x20,
        ssp=PROBE + 8,
    )
    probe.fail = {("write", 4): HardwareError(1, 2), ("read", 4): HardwareError(3, 4)}
    assert built.run().reason == "halted"
    assert (built.a6, built.a1, built.a2) == (3, 5, 1)
    assert probe.words == {0: 1, 8: 1, 12: 1, 0x1C: 8}
    assert (built.et, built.ssp) == (0x01A00102, PROBE + 0x1C)


def test_a_run_inside_a_component_is_refused(engine: EngineChoice) -> None:
    """run(), step(), reset(), map() and close() say that the board is running."""
    built, probe = failing("wsa a0, 4, 1", engine)
    board = built.board
    refusals = []

    def meddle(*_: object) -> None:
        for attempt in (
            board.run,
            board.cpu.step,
            board.reset,
            board.close,
            lambda: board.map(0x20000, 0),
            lambda: board.map_abs(0x20000, 0x20000, 0),
            lambda: board.map_contiguous(0x20000),
            lambda: setattr(board, "breakpoints", {0}),
        ):
            with pytest.raises(RuntimeError, match="running") as caught:
                attempt()
            refusals.append(caught.value)

    probe.on_access = meddle
    assert built.run().reason == "halted"
    assert len(refusals) == 8
    assert probe.closed == 0


def test_the_refusal_of_a_run_inside_a_component_stops_it_like_any_error(
    engine: EngineChoice,
) -> None:
    """A component that does not catch it fails with it; the board is free afterwards."""
    built, probe = failing("wsa a0, 4, 1", engine)
    probe.on_access = lambda *_: built.board.run()
    with pytest.raises(RuntimeError, match="already running"):
        built.run()
    probe.on_access = None
    assert built.run().reason == "halted"


def test_two_boards_may_run_inside_each_other(engine: EngineChoice) -> None:
    """A component may run another machine: machines share nothing."""
    inner = machine("inc a0\nhalt", engine)
    built, probe = failing("wsa a0, 4, 1", engine)
    probe.on_access = lambda *_: inner.run()
    assert built.run().reason == "halted"
    assert (inner.a0, built.a3) == (1, 1)


def test_stop_from_a_component(engine: EngineChoice) -> None:
    """The instruction in progress is completed, and no other."""
    built, probe = failing("srm a0, 4, a1\ninc a5", engine)
    probe.words[4] = 0x99

    def stop(kind: str, *_: object) -> None:
        if kind == "read":
            built.board.stop()

    probe.on_access = stop
    result = built.run()
    assert (result.reason, result.cycles, result.pc, result.address) == ("stopped", 4, 16, 12)
    assert (built.a1, probe.words[4], built.a5) == (0x99, 0x55, 0)
    assert built.run().reason == "halted"
    assert built.a5 == 1


def test_stop_from_a_reset(engine: EngineChoice) -> None:
    """Also where the component is being reset."""
    built, probe = failing("reset 0x10\ninc a5", engine)
    probe.on_access = lambda *_: built.board.stop()
    assert built.run().reason == "stopped"
    assert (built.a5, built.board.cpu.cycles) == (0, 4)


def test_stop_without_a_run_does_nothing(engine: EngineChoice) -> None:
    """It is no order for the next run."""
    built, _ = failing("inc a5", engine)
    built.board.stop()
    assert built.run().reason == "halted"


def test_a_failing_component_that_also_asked_to_stop(engine: EngineChoice) -> None:
    """The exception comes out, and the request is not left for the next run."""
    built, probe = failing("wsa a0, 4, 1", engine)
    probe.fail["write", 4] = BrokenError()
    probe.on_access = lambda *_: built.board.stop()
    with pytest.raises(BrokenError):
        built.run()
    probe.fail.clear()
    probe.on_access = None
    assert built.run().reason == "halted"


def test_a_component_halts_the_cpu(engine: EngineChoice) -> None:
    """`halted` set in a callback takes effect when the instruction is complete."""
    built, probe = failing("lsa a1, a0, 4\ninc a5", engine)
    probe.words[4] = 9
    probe.on_access = lambda *_: setattr(built.board.cpu, "halted", True)
    stop = built.run()
    assert (stop.reason, stop.cycles, stop.pc, stop.address) == ("halted", 4, 16, 12)
    assert (built.a1, built.a5) == (9, 0)


def test_accesses_have_a_record() -> None:
    """The probe of these tests notes what it is asked, also if it then fails."""
    probe = Probe(fail={("write", 8): BrokenError()})
    with pytest.raises(BrokenError):
        probe.write(8, 5)
    assert probe.accesses == [Access("write", 8, 5, 0, 0)]
    assert probe.words == {}
