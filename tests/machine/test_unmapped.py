"""Accesses to addresses where nothing is mapped: counted, told, or stops."""

from __future__ import annotations

import pytest

from lrvm_components import Ram
from lrvm_jit import Motherboard, Unmapped, UnmappedAccess, UnmappedWarning
from lrvm_tools import assemble
from tests.engines import EngineChoice
from tests.machine.guest import machine
from tests.machine.probes import Probe

FAR = 0x9000_0000


def test_they_are_counted(engine: EngineChoice) -> None:
    """Reads, instructions among them, and writes; a read that a component's answer has repeated
    within its instruction counts once."""
    source = """
        lsa a0, a7, 0
        wsa a7, 0, a0
        srm a7, 0, a0
        push a0
        lsa a0, a6, 0           ; a component's
        halt
    """
    built = machine(source, engine, [Probe()], a7=FAR, ssp=FAR, a6=0x10000)
    assert built.run().reason == "halted"
    statistics = built.board.stats()
    assert (statistics.unmapped_reads, statistics.unmapped_writes) == (2, 3)
    built.board.cpu.regs.pc = FAR
    built.board.cpu.halted = False
    built.run(1)
    assert built.board.stats().unmapped_reads == 3


def test_page_tables_that_are_nowhere(engine: EngineChoice) -> None:
    """The entry reads as 0, which refuses; that is one read."""
    built = machine("halt", engine, pda=FAR, mtt=1)
    built.run(1)
    assert built.board.stats().unmapped_reads == 1


@pytest.mark.parametrize(
    ("source", "access", "cycles"),
    [
        ("inc a0\nlsa a1, a7, 0\nhalt", "read", 2),
        ("inc a0\nwsa a7, 0, a0\nhalt", "write", 2),
        ("inc a0\njp a7\nhalt", "execute", 3),
        ("inc a0\nsrm a7, 0, a0\nhalt", "read", 2),
    ],
)
def test_stops(source: str, access: str, cycles: int, engine: EngineChoice) -> None:
    """After the instruction, with the access, and what is mapped instead."""
    built = machine(source, engine, a7=FAR)
    built.board.unmapped = "stop"
    stop = built.board.run()
    assert (stop.reason, stop.cycles) == ("unmapped", cycles)
    assert stop.unmapped == UnmappedAccess(FAR, access)
    assert stop.address == (FAR if access == "execute" else 4)
    assert stop.advice == "The nearest that is mapped: component 0 at 0x00000000 -> 0x0000FFFF"
    if access != "execute":
        assert built.board.run().reason == "halted"


def test_hot_code_is_seen_too() -> None:
    """A store that goes astray in the middle of a translated loop."""
    source = "loop: wsa a1, 0, a0\nadd a1, 4\ninc a0\njp loop"
    built = machine(source, "translator", a1=0x100)
    built.board.unmapped = "stop"
    stop = built.board.run()
    assert (stop.reason, stop.unmapped) == ("unmapped", UnmappedAccess(0x10000, "write"))


def test_warnings(engine: EngineChoice) -> None:
    """One for each run, which goes on to its end."""
    built = machine("wsa a7, 0, a0\nwsa a7, 4, a0\nhalt", engine, a7=FAR)
    built.board.unmapped = "warn"
    with pytest.warns(UnmappedWarning, match="at 0x00000000: write of 0x90000000") as told:
        assert built.board.run().reason == "halted"
    assert len(told) == 1
    assert told[0].filename == __file__
    assert built.board.stats().unmapped_writes == 2


def test_a_warning_may_be_an_error() -> None:
    """As in this test suite: the machine stands after the instruction and can be run on."""
    built = machine("wsa a7, 0, a0\nhalt", "translator", a7=FAR)
    built.board.unmapped = Unmapped.WARN
    with pytest.raises(UnmappedWarning):
        built.board.run()
    assert built.pc == 4
    assert built.board.run().reason == "halted"


def test_choices() -> None:
    """They are named in mistakes."""
    ram = Ram(0x100, image=assemble("halt"))
    with pytest.raises(ValueError, match="unmapped is 'no'; it must be one of 'ignore', 'warn'"):
        Motherboard([ram], unmapped="no")
    with Motherboard([ram], unmapped="stop") as board:
        board.reset()
        stop = board.run()
        assert stop.unmapped == UnmappedAccess(0, "execute")
        assert stop.advice.startswith("Nothing is mapped at all")
