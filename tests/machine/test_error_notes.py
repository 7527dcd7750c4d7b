"""An error of a component says which one it was and where the guest stood, once."""

from __future__ import annotations

import pytest

from lrvm_jit import HardwareError
from tests.engines import EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.paging import ALL, DIRECTORY, HIGH, paged, set_page
from tests.machine.probes import Probe

PROBE = 0x10000


def notes_of(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", []))


def failure(built: Machine, kind: type[Exception] = KeyError) -> list[str]:
    with pytest.raises(kind) as caught:
        built.run()
    return notes_of(caught.value)


@pytest.mark.parametrize(
    ("source", "kind", "offset"),
    [
        ("lsa a1, a0, 4", "read", 4),
        ("wsa a0, 8, a1", "write", 8),
        ("srm a0, 4, a1", "read", 4),
        ("srm a0, 4, a1", "write", 4),
        ("push a1", "write", 0x3C),
        ("jp a0", "read", 0),
    ],
)
def test_addresses(source: str, kind: str, offset: int, engine: EngineChoice) -> None:
    """The first time, when the instruction is new, and the second, when it is not."""
    probe = Probe()
    built = machine(f"inc a3\n{source}", engine, [probe], a0=PROBE, ssp=PROBE + 0x40)
    probe.fail[kind, offset] = KeyError("broken")
    pc = PROBE if source == "jp a0" else 4
    expected = (
        f"component 1 (Probe), {kind} at offset 0x{offset:X}, address 0x{PROBE + offset:08X}, "
        f"by the instruction at pc 0x{pc:08X}"
    )
    assert failure(built) == [expected]
    assert failure(built) == [expected], "the same error again has no second note"


@pytest.mark.parametrize(
    ("source", "kind", "offset", "virtual"),
    [
        ("lsa a1, a0, 4", "read", 4, HIGH + 4),
        ("lea a0, 1, 4", "read", 4, HIGH + 4),
        ("wsa a0, 4, a1", "write", 4, HIGH + 4),
        ("wea a0, 1, 4", "write", 4, HIGH + 4),
        ("srm a0, 4, a1", "write", 4, HIGH + 4),
        ("push a1", "write", 0x3C, HIGH + 0x3C),
        ("pop a1", "read", 0x40, HIGH + 0x40),
        ("call 0", "write", 0x3C, HIGH + 0x3C),
        ("jp a0", "read", 0, HIGH),
    ],
)
def test_behind_the_mmu(
    source: str, kind: str, offset: int, virtual: int, engine: EngineChoice
) -> None:
    probe = Probe()
    built = paged(f"inc a3\n{source}", engine, [probe], a0=HIGH, ssp=HIGH + 0x40)
    set_page(built, HIGH, PROBE)
    probe.fail[kind, offset] = KeyError("broken")
    pc = HIGH if source == "jp a0" else 4
    assert failure(built) == [
        f"component 1 (Probe), {kind} at offset 0x{offset:X}, virtual address 0x{virtual:08X}, "
        f"physical address 0x{PROBE + offset:08X}, by the instruction at pc 0x{pc:08X}"
    ]


def test_a_page_table_entry(engine: EngineChoice) -> None:
    """It is read by the MMU, at a physical address."""
    probe = Probe(size=0x8000)
    built = paged("lsa a1, a0, 4", engine, [probe], a0=HIGH)
    built.ram.words[DIRECTORY // 4 + 1] = ALL | (PROBE + 0x4000) // 16384
    probe.fail["read", 0x4000] = KeyError("broken")
    assert failure(built) == [
        "component 1 (Probe), read at offset 0x4000, physical address 0x00014000, "
        "by the instruction at pc 0x00000000"
    ]


def test_an_answer_that_is_no_word(engine: EngineChoice) -> None:
    probe = Probe(words={8: -1})
    built = machine("lsa a1, a0, 8", engine, [probe], a0=PROBE)
    assert failure(built, ValueError) == [
        "component 1 (Probe), read at offset 0x8, address 0x00010008, "
        "by the instruction at pc 0x00000000"
    ]


@pytest.mark.parametrize("error", [KeyError("broken"), HardwareError(0x30, 5)])
@pytest.mark.parametrize("mode", [0, 0x10, 0x14])
def test_a_reset_that_fails(mode: int, error: Exception, engine: EngineChoice) -> None:
    """It cannot be refused: whatever it raises comes out of the run, the instruction undone."""
    probes = [Probe(name="first"), Probe(name="second")]
    built = machine(f"inc a3\nreset {mode}\nhalt", engine, probes, ev=0x40, avr=2)
    before = built.board.cpu.cycles
    probes[1].fail["reset", 0] = error
    with pytest.raises(type(error)) as caught:
        built.run()
    assert caught.value is error
    assert notes_of(error).count(
        "component 2 (second), reset by the instruction at pc 0x00000004"
    ) == len(notes_of(error))
    assert (built.pc, built.a3, built.et, built.board.cpu.cycles) == (4, 1, 0, before + 1)
    probes[1].fail.clear()
    assert built.run(1).reason == "budget"
    assert built.board.cpu.exception is None


def test_a_reset_of_the_board(engine: EngineChoice) -> None:
    probe = Probe()
    built = machine("halt", engine, [probe])
    probe.fail["reset", 0] = KeyError("broken")
    with pytest.raises(KeyError) as caught:
        built.board.reset()
    assert notes_of(caught.value) == ["component 1 (Probe), the board's reset"]


def test_ctrl_c_is_nobodys_error(engine: EngineChoice) -> None:
    probe = Probe()
    built = machine("lsa a1, a0, 8", engine, [probe], a0=PROBE)
    probe.fail["read", 8] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as caught:
        built.run()
    assert notes_of(caught.value) == []
