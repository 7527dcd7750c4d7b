"""The physical memory map: what may be mapped where, and what refusals say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lrvm_components import Ram
from lrvm_jit import Component, Mapping, MappingError, Motherboard
from lrvm_jit.core import mapping as errors
from tests.engines import EngineChoice
from tests.machine.probes import Probe


def board_of(*sizes: int, engine: EngineChoice = "reference") -> Motherboard:
    """A board of probes with these sizes, called P0, P1, ..."""
    return Motherboard(
        [Probe(size=size, name=f"P{k}") for k, size in enumerate(sizes)], engine=engine
    )


def test_map() -> None:
    """A whole component; the mapping names its first and last word."""
    board = board_of(0x100)
    found = board.map(0x1000, 0)
    assert found == Mapping(component=0, first=0x1000, last=0x10FC)
    assert (found.size, str(found)) == (0x100, "0x00001000 -> 0x000010FF")
    assert list(board.mappings) == [found]
    assert board.mappings.of(0) == found


def test_map_abs() -> None:
    """A component's first bytes; `last` is the address of the last mapped word (divergence 11)."""
    board = board_of(0x100, 0x100)
    assert board.map_abs(0x1000, 0x1008, 0).size == 12
    assert board.map_abs(0x100C, 0x100C, 1).size == 4


def test_the_ends_of_the_address_space() -> None:
    """The first and the last word can be mapped."""
    board = board_of(4, 4)
    board.map(0, 0)
    assert board.map(0xFFFFFFFC, 1).last == 0xFFFFFFFC


def test_neighbours() -> None:
    """Mappings may touch, in any order of mapping."""
    board = board_of(0x10, 0x10, 0x10)
    for address, component in ((0x20, 0), (0, 1), (0x10, 2)):
        board.map(address, component)
    assert [item.component for item in board.mappings] == [1, 2, 0]


Refusal = tuple[type[MappingError], Callable[[Motherboard], object], list[str]]
REFUSALS: dict[str, Refusal] = {
    "unknown component": (
        errors.UnknownComponentError,
        lambda board: board.map(0, 5),
        ["component 5", "0 to 4"],
    ),
    "negative component": (
        errors.UnknownComponentError,
        lambda board: board.map(0, -1),
        ["component -1", "0 to 4"],
    ),
    "unaligned start": (
        errors.UnalignedStartError,
        lambda board: board.map(0x1002, 0),
        ["0x00001002", "component 0 (P0)", "multiple of 4"],
    ),
    "unaligned start of a range": (
        errors.UnalignedStartError,
        lambda board: board.map_abs(0x1001, 0x1010, 0),
        ["0x00001001", "multiple of 4"],
    ),
    "unaligned size": (
        errors.UnalignedSizeError,
        lambda board: board.map(0, 1),
        ["component 1 (P1)", "6 bytes", "multiple of 4"],
    ),
    "unaligned end": (
        errors.UnalignedEndError,
        lambda board: board.map_abs(0x1000, 0x1006, 0),
        ["0x00001006", "multiple of 4"],
    ),
    "null range": (
        errors.EmptyRangeError,
        lambda board: board.map_abs(0x1000, 0xFFC, 0),
        ["0x00001000", "0x00000FFC", "empty"],
    ),
    "negative range": (
        errors.EmptyRangeError,
        lambda board: board.map_abs(0x1000, 0x100, 0),
        ["0x00001000", "0x00000100", "empty"],
    ),
    "already mapped": (
        errors.AlreadyMappedError,
        lambda board: board.map(0x9000, 4),
        ["component 4 (P4)", "0x00008000 -> 0x0000800F"],
    ),
    "zero size": (
        errors.ZeroSizeError,
        lambda board: board.map(0, 2),
        ["component 2 (P2)", "size 0"],
    ),
    "overlap at the end": (
        errors.OverlapError,
        lambda board: board.map(0x7FF4, 3),
        ["component 3 (P3)", "0x00007FF4 -> 0x00008003", "component 4 (P4)", "0x00008000"],
    ),
    "overlap at the beginning": (
        errors.OverlapError,
        lambda board: board.map(0x800C, 3),
        ["0x0000800C -> 0x0000801B", "component 4 (P4)", "0x0000800F"],
    ),
    "overlap inside": (
        errors.OverlapError,
        lambda board: board.map_abs(0x8004, 0x8008, 3),
        ["component 4 (P4)"],
    ),
    "overlap around": (
        errors.OverlapError,
        lambda board: board.map(0x7F80, 0),
        ["component 4 (P4)"],
    ),
    "larger than the component": (
        errors.LargerThanComponentError,
        lambda board: board.map_abs(0x1000, 0x1010, 3),
        ["20 bytes", "component 3 (P3)", "only 16"],
    ),
    "past the address space": (
        errors.PastAddressSpaceError,
        lambda board: board.map(0xFFFFFFF4, 3),
        ["0xFFFFFFF4", "0x100000003", "0xFFFFFFFF"],
    ),
    "range past the address space": (
        errors.PastAddressSpaceError,
        lambda board: board.map_abs(0xFFFFFFFC, 0x100000000, 3),
        ["0xFFFFFFFC", "0xFFFFFFFF"],
    ),
    "below the address space": (
        errors.PastAddressSpaceError,
        lambda board: board.map(-8, 3),
        ["-8", "negative"],
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    """Each has its class, its message names the values and the limits, and nothing is mapped."""
    kind, attempt, parts = REFUSALS[case]
    board = board_of(0x100, 6, 0, 0x10, 0x10)
    board.map(0x8000, 4)
    with pytest.raises(MappingError) as caught:
        attempt(board)
    assert type(caught.value) is kind
    for part in parts:
        assert part in str(caught.value)
    assert [item.component for item in board.mappings] == [4]


def test_every_refusal_is_tested() -> None:
    """A class for each reason that memory.md lists, and each is in the table above."""
    classes = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    refusals = {kind for kind in classes if issubclass(kind, MappingError)} - {MappingError}
    assert {kind for kind, *_ in REFUSALS.values()} == refusals
    assert issubclass(MappingError, ValueError)


def test_a_board_without_components() -> None:
    """It has no ids to speak of."""
    with pytest.raises(errors.UnknownComponentError, match="the board has none"):
        Motherboard([], engine="reference").map(0, 0)


def test_map_contiguous() -> None:
    """One after the other, each right after the end of the one before; all of them by default."""
    board = board_of(0x10, 0x20, 0x30)
    outcomes = board.map_contiguous(0x1000)
    assert [outcome.component for outcome in outcomes] == [0, 1, 2]
    assert all(outcome.ok for outcome in outcomes)
    assert [(item.first, item.last) for item in board.mappings] == [
        (0x1000, 0x100C),
        (0x1010, 0x102C),
        (0x1030, 0x105C),
    ]


def test_map_contiguous_skips_what_fails() -> None:
    """The report lists every component; the next one takes the failing one's place."""
    board = board_of(0x10, 6, 0, 0x10, 0x10)
    board.map(0x9000, 3)
    outcomes = board.map_contiguous(0x1000, [0, 1, 2, 3, 7, 4])
    assert [(outcome.component, outcome.ok) for outcome in outcomes] == [
        (0, True),
        (1, False),
        (2, False),
        (3, False),
        (7, False),
        (4, True),
    ]
    assert [type(outcome.result) for outcome in outcomes[1:5]] == [
        errors.UnalignedSizeError,
        errors.ZeroSizeError,
        errors.AlreadyMappedError,
        errors.UnknownComponentError,
    ]
    assert outcomes[5].result == Mapping(4, 0x1010, 0x101C)


def test_map_contiguous_in_the_order_given() -> None:
    """The ids' order is the memory's."""
    board = board_of(0x10, 0x20)
    board.map_contiguous(0, (1, 0))
    assert [(item.component, item.first) for item in board.mappings] == [(1, 0), (0, 0x20)]


def test_map_contiguous_into_something() -> None:
    """An overlap is reported for each that runs into it."""
    board = board_of(0x10, 0x10, 0x10)
    board.map(0x18, 2)
    first, second = board.map_contiguous(0, [0, 1])
    assert first.ok
    assert isinstance(second.result, errors.OverlapError)


def test_reads_and_writes_across_components(engine: EngineChoice) -> None:
    """Consecutive words in two components and the void behind them."""
    board = Motherboard([Ram(8), Probe(size=8, words={0: 3, 4: 4}), Ram(8)], engine=engine)
    board.map_contiguous(0x1000)
    board.memory.load(0x1000, [1, 2])
    board.memory.load(0x1010, [5, 6])
    assert board.memory.dump(0xFFC, 0x101C).tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 0]
    board.memory.load(0xFFC, range(10, 19))
    assert board.memory.dump(0xFFC, 0x101C).tolist() == [0, *range(11, 17), 0, 0]


def test_the_guest_sees_the_map(engine: EngineChoice) -> None:
    """Where nothing is mapped, reads give 0 and writes are ignored, between components as well."""
    from lrvm_tools.lasm import assemble

    program = assemble(
        """
      cpy a0, 0x1000
    loop:
      wsa a0, 0, a0
      lsa avr, a0
      add a1, avr
      add a0, 4
      cmp a0, 0x1018
      ifls
      jp loop
      halt
    """
    )
    components: list[Component] = [Ram(0x100, image=program), Ram(8), Probe(size=4), Ram(8)]
    board = Motherboard(components, engine=engine)
    board.map(0, 0)
    board.map(0x1000, 1)
    board.map(0x100C, 2)
    board.map_abs(0x1010, 0x1010, 3)
    board.reset()
    assert board.run().reason == "halted"
    assert board.cpu.regs.a1 == 0x1000 + 0x1004 + 0x100C + 0x1010
    assert board.memory.dump(0x1000, 0x1014).tolist() == [0x1000, 0x1004, 0, 0x100C, 0x1010, 0]


def test_a_partial_mapping_answers_only_in_its_range(engine: EngineChoice) -> None:
    """What map_abs left out is not reachable; HWD tells the mapped range but the whole size."""
    from lrvm_tools.lasm import assemble

    ram = Ram(0x100)
    source = "hwd a1, 1, HWD_MAP_END\nhwd a2, 1, HWD_SIZE\nlsa a3, a0, 8\nlsa a4, a0, 12\nhalt"
    board = Motherboard([Ram(0x100, image=assemble(source)), ram], engine=engine)
    board.map(0, 0)
    board.map_abs(0x1000, 0x1008, 1)
    board.reset()
    ram.words[2:4] = [5, 6]
    board.cpu.regs.a0 = 0x1000
    board.run()
    assert board.cpu.regs[1:5] == [0x100B, 0x100, 5, 0]


def test_mappings_are_changed_through_the_board_only(engine: EngineChoice) -> None:
    """The engine has to know of a change; what tells of them has nothing to make one with."""
    board = Motherboard([Ram(16), Ram(32)], engine=engine)
    board.map(0x20, 1)
    assert not hasattr(board.mappings, "map")
    assert len(board.mappings) == 1
    assert board.mappings.find(0x3C) == board.mappings.of(1)
    assert board.mappings.find(0x40) is None
