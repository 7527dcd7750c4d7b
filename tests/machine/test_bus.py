"""The bus: every READ and WRITE reaches its component exactly once, in program order."""

from __future__ import annotations

import random

import pytest

from lrvm_jit import GuestException
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.probes import ACCESSES, Probe, refusal

PROBE = 0x10000
"""Where `machine` maps the first component after its RAM."""

EVERY_ACCESS = """
  lsa a1, a0, 4
  lea a0, a2, 4        ; offset 8
  wsa a0, 12, a1
  wea a0, a2, 8        ; offset 16
  srm a0, 20, a1
  cpy ssp, a7          ; the stack in the component
  push a1
  pop a3
  push 5
  srm ssp, 0, a1
  pop a4
  call routine
back:
  lsa a5, a0, 4
  wsa a0, 4, a5
  halt
routine:
  wsa a0, 24, pc
  ret
"""

EXPECTED = [
    ("read", 4, 0x44),
    ("read", 8, 0x88),
    ("write", 12, 0x44),
    ("write", 16, 0x88),
    ("read", 20, 0x20),
    ("write", 20, 0x44),
    ("write", 0xFC, 0x20),
    ("read", 0xFC, 0x20),
    ("write", 0xFC, 5),
    ("read", 0xFC, 5),
    ("write", 0xFC, 0x20),
    ("read", 0xFC, 0x20),
    ("write", 0xFC, 0x30),
    ("write", 24, 0x3C),
    ("read", 0xFC, 0x30),
    ("read", 4, 0x44),
    ("write", 4, 0x44),
]


def with_probe(source: str, engine: EngineChoice, **registers: int) -> tuple[Machine, Probe]:
    probe = Probe()
    built = machine(source, engine, [probe], a0=PROBE, a2=2, a7=PROBE + 0x100, **registers)
    probe.board = built.board
    probe.load(0, range(0, 0x100, 0x11))
    probe.words.update({4: 0x44, 8: 0x88, 20: 0x20})
    probe.accesses.clear()
    return built, probe


def test_every_instruction_accesses_once_and_in_order(engine: EngineChoice) -> None:
    """Loads, stores, swaps, the stack: one READ or WRITE for each access of the program."""
    built, probe = with_probe(EVERY_ACCESS, engine)
    assert built.run().reason == "halted"
    assert probe.log == EXPECTED
    assert (built.a1, built.a3, built.a4, built.a5, built.ssp) == (
        5,
        0x20,
        0x20,
        0x44,
        PROBE + 0x100,
    )


@pytest.mark.parametrize("seed", range(8))
def test_slices_do_not_repeat_or_lose_accesses(seed: int, engine: EngineChoice) -> None:
    """The same under random budgets, which may end right after an access."""
    numbers = random.Random(seed)
    built, probe = with_probe(EVERY_ACCESS, engine)
    while built.run(max_cycles=numbers.choice((0, 1, 2, 3))).reason != "halted":
        pass
    assert probe.log == EXPECTED


def test_the_components_see_the_instruction_in_progress(engine: EngineChoice) -> None:
    """In the callback cpu.cycles includes the current instruction, and pc is its address."""
    built, probe = with_probe(
        "inc a3\ninc a3\nlsa a1, a0\ninc a3\nsrm a0, 4, a1\npush a3\nwsa a0, 0, a3\nhalt",
        engine,
        ssp=PROBE + 0x40,
    )
    built.run()
    assert [(access.kind, access.cycles, access.pc) for access in probe.accesses] == [
        ("read", 3, 8),
        ("read", 5, 16),
        ("write", 5, 16),
        ("write", 6, 20),
        ("write", 7, 24),
    ]
    assert built.board.cpu.cycles == 8


def test_the_components_see_registers_before_the_instruction(engine: EngineChoice) -> None:
    """What the instruction will write is not written yet; what came before it is."""
    seen = []
    built, probe = with_probe("add a4, 7\ncpy a1, 9\npop a1\nhalt", engine, ssp=PROBE)
    probe.on_access = lambda *_: seen.append(
        (built.a4, built.a1, built.ssp, built.board.cpu.regs.af)
    )
    built.run()
    assert seen == [(7, 9, PROBE, 0x04)]


def test_code_in_a_component(engine: EngineChoice) -> None:
    """Each fetch out of a component is one READ, jumps and loops included; the data of the same
    instruction comes after it."""
    from lrvm_tools.lasm import assemble

    built, probe = with_probe("jp a0", engine)
    probe.load(
        0,
        assemble(
            "loop: inc a1\nlsa a4, a0, 0x30\nwsa a0, 0x34, a1\ncmp a1, 2\nifeq\nhalt\njpr loop - $"
        ).tolist(),
    )
    assert built.run().reason == "halted"
    body = [("read", 0), ("read", 4), ("read", 0x30), ("read", 8), ("write", 0x34)]
    log = [(kind, offset) for kind, offset, _ in probe.log]
    round_trip = [*body, ("read", 12), ("read", 16)]
    assert log == [*round_trip, ("read", 24), *round_trip, ("read", 20)]
    assert built.a1 == 2


def test_a_component_that_answers_differently_each_time(engine: EngineChoice) -> None:
    """A word is read once even where an instruction has to be taken up again."""
    built, probe = with_probe("srm a0, 4, a1\nlsa a3, a0, 4\nhalt", engine, a1=0x77)
    count = iter(range(100, 200))

    def change(kind: str, offset: int, value: int) -> None:
        if kind == "read":
            probe.words[offset] = next(count)

    probe.on_access = change
    built.run()
    assert (built.a1, built.a3) == (0x44, 0x77)
    assert [kind for kind, *_ in probe.log] == ["read", "write", "read"]


def test_neighbouring_components(engine: EngineChoice) -> None:
    """Accesses go to the component that is mapped there, at the offset within it."""
    first, second = Probe(size=8, name="first"), Probe(size=16, name="second")
    built = machine(
        """
      wsa a0, 4, 1
      wsa a0, 8, 2
      wsa a0, 20, 3
      wsa a0, 24, 4       ; beyond both
      lsa a1, a0, 8
      lsa a2, a0, 4
      lsa a3, a0, 24
      halt
    """,
        engine,
        [first, second],
        a0=PROBE,
        a3=1,
    )
    first.accesses.clear()
    second.accesses.clear()
    built.run()
    assert first.log == [("write", 4, 1), ("read", 4, 1)]
    assert second.log == [("write", 0, 2), ("write", 12, 3), ("read", 0, 2)]
    assert (built.a1, built.a2, built.a3) == (2, 1, 0)


REFUSED = ACCESSES | {
    "jump": ("lsa pc, a0, 4", "read", 4),
    "fetch": ("jp a0", "read", 0),
}


@pytest.mark.parametrize(("source", "kind", "offset"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("word", [0x2100, 0x0000, 0xFFFF])
def test_hardware_errors(
    source: str, kind: str, offset: int, word: int, engine: EngineChoice
) -> None:
    """A refusal raises 0xA0 with its 16 bits; destination, stack pointer and flags are kept. The
    access is not tried again, and the next one works."""
    built, probe = with_probe(
        f"cpy ev, handler\n{source}\nhalt\nhandler: lsa a6, a0, 8\nhalt",
        engine,
        a1=0x55,
        ssp=PROBE + 0x40,
        avr=0x66,
        af=0x80,
    )
    probe.fail[kind, offset] = refusal(word)
    assert built.run().reason == "halted"
    assert built.board.cpu.exception == GuestException(True, 0xA0, word)
    assert (built.a1, built.ssp, built.avr, built.board.cpu.regs.af) == (
        0x55,
        PROBE + 0x40,
        0x66,
        0x80,
    )
    assert built.era == (PROBE if source == "jp a0" else 4)
    assert [(k, o) for k, o, _ in probe.log].count((kind, offset)) == 1
    assert built.a6 == 0x88
    assert probe.log[-1] == ("read", 8, 0x88)


def test_stop_on_a_hardware_error(engine: EngineChoice) -> None:
    """The run can end on it, the CPU having taken the exception."""
    built, probe = with_probe("inc a1\nlsa a1, a0\nhalt", engine, ev=0x80)
    probe.fail["read", 0] = refusal(0x2000)
    stop = built.board.run(halt_on_exception=True)
    assert (stop.reason, stop.address, stop.pc, stop.cycles) == ("exception", 4, 0x80, 2)
    assert stop.exception is not None
    assert stop.exception.word == 0x01A02000


def test_userland_uses_the_bus_too(engine: EngineChoice) -> None:
    """Hardware errors of userland carry its mode, and come back in supervisor mode."""
    built, probe = with_probe(
        "cpy ev, handler\nlsm user\nuser: wsa a0, 0, 1\nwsa a0, 4, 1\nhandler: cpy a3, smt\nhalt",
        engine,
    )
    probe.fail["write", 4] = refusal(0x3100)
    built.run()
    assert built.et == 0x00A03100
    assert built.a3 == 1


@pytest.mark.parametrize("answer", [-1, 1 << 32, None, "5", 1.0])
def test_an_answer_that_is_no_word(answer: object, engine: EngineChoice) -> None:
    """A component's mistake comes out of run() as an error that names it, and the instruction
    is undone."""
    built, probe = with_probe("inc a3\nlsa a1, a0\nhalt", engine, a1=5)
    probe.words[0] = answer  # type: ignore[assignment]
    with pytest.raises((ValueError, TypeError), match=r"Probe answered .* offset 0"):
        built.run()
    assert (built.a1, built.a3, built.pc, built.board.cpu.cycles) == (5, 1, 4, 1)
    probe.words[0] = 0xFFFFFFFF
    assert built.run().reason == "halted"
    assert built.a1 == 0xFFFFFFFF


def test_answers_may_be_numpy_words_or_booleans(engine: EngineChoice) -> None:
    """Whatever has the value of a word is one."""
    import numpy

    built, probe = with_probe("lsa a1, a0, 0\nlsa a3, a0, 4\nhalt", engine)
    probe.words[0] = numpy.uint32(0x80000001)  # type: ignore[assignment]
    probe.words[4] = True
    built.run()
    assert (built.a1, built.a3) == (0x80000001, 1)
