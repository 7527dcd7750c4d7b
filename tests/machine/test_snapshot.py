"""Snapshots: the whole state of a machine as a value, in memory and as a file."""

from __future__ import annotations

import copy
import hashlib
import pickle
import random
from pathlib import Path
from typing import Any

import numpy
import pytest

from lrvm_components import (
    BootRom,
    CharDisplay,
    FileMemory,
    Host,
    LineKeyboard,
    Ram,
    RealtimeClock,
)
from lrvm_components.host_session import STATUS
from lrvm_jit import (
    Category,
    Component,
    Metadata,
    Motherboard,
    Snapshot,
    SnapshotError,
    hardware_id,
)
from lrvm_jit.core.paged_memory import PAGE_WORDS
from lrvm_jit.core.snapshot_file import MAGIC
from lrvm_tools import assemble
from tests.engines import EngineChoice

PROGRAM = assemble("""
    cpy ac0, 0x1000
    cpy ssp, 0x8000
loop:
    inc a0
    lea ac0, a0, 4          ; what older rounds have left
    add avr, a0
    wea ac0, a0, 4
    and a0, 0x3ff
    push a0
    pop a1
    cmp a1, 512             ; the flags differ from moment to moment
    jp loop
""")


class Counter(Component):
    """Counts its reads; word 4 makes the state something that cannot be kept."""

    name = "Counter"

    def __init__(self) -> None:
        self.count = 0
        self.extra: Any = None

    def metadata(self) -> Metadata:
        return Metadata(hardware_id("Counter"), 8, Category.UNCATEGORIZED, 0)

    def read(self, offset: int) -> int:
        self.count += 1
        return self.count

    def save_state(self) -> dict[str, Any]:
        return {"count": self.count, "extra": self.extra}

    def load_state(self, state: Any) -> None:
        if state["count"] > 1000:
            raise ValueError("too many")
        self.count, self.extra = state["count"], state["extra"]


def make(engine: EngineChoice = "interpreter", *more: Component, ram: int = 0x8000) -> Motherboard:
    board = Motherboard([BootRom(PROGRAM, 0x1000), Ram(ram), *more], engine)
    board.map_contiguous(0)
    board.reset()
    return board


def state(board: Motherboard) -> tuple[Any, ...]:
    memory = board.memory.dump(0x1000, 0x2FFC).tobytes() if board.mappings.of(1) else None
    halted = board.cpu.halted
    return list(board.cpu.regs), board.cpu.cycles, halted, memory


def test_a_machine_goes_on_from_a_snapshot_as_it_went_on_then(engine: EngineChoice) -> None:
    board = make(engine)
    board.run(5_003)
    snapshot = board.snapshot()
    board.run(20_001)
    after = state(board)
    again = board.snapshot()
    board.cpu.regs.a0 = 7
    board.restore(snapshot)
    assert board.cpu.cycles == 5_003 == snapshot.cycles
    assert board.snapshot() == snapshot
    board.run(20_001)
    assert state(board) == after
    assert board.snapshot() == again
    assert again != snapshot


def test_snapshots_are_the_same_whatever_engine_ran() -> None:
    """Flags too, in whatever form an engine keeps them."""
    snapshots = []
    for engine in ("reference", "interpreter", "translator"):
        with make(engine) as board:
            board.run(3_001)
            snapshots.append(board.snapshot())
    assert snapshots[0] == snapshots[1] == snapshots[2]
    with make("reference") as board:
        board.restore(snapshots[1])
        assert board.snapshot() == snapshots[0]


def test_code_that_a_restore_changes_is_not_executed_as_it_was(engine: EngineChoice) -> None:
    one, two = assemble("l: inc a1\njp l"), assemble("l: inc a2\njp l")
    with Motherboard([Ram(0x2000, one)], engine) as board:
        board.map_contiguous(0)
        board.reset()
        first = board.snapshot()
        board.memory.load(0, two)
        board.run(4000)
        board.restore(first)
        board.run(4000)
        assert (board.cpu.regs.a1, board.cpu.regs.a2) == (2000, 0)


def test_memory_that_did_not_change_is_shared() -> None:
    with make(ram=64 * 4 * PAGE_WORDS) as board:
        first = board.snapshot()
        board.memory.write(0x1000 + 8 * PAGE_WORDS, 5)
        second = board.snapshot()
    differ = [a is not b for a, b in zip(first.memory, second.memory, strict=True)]
    assert sum(differ) == 1


def test_the_memory_map_is_restored() -> None:
    with Motherboard([BootRom(PROGRAM, 0x1000), Ram(0x1000)]) as board:
        board.map(0, 0)
        board.reset()
        before = board.snapshot()
        board.map(0x1000, 1)
        board.memory.write(0x1000, 9)
        after = board.snapshot()
        board.restore(before)
        assert board.mappings.of(1) is None
        assert board.memory.read(0x1000) == 0
        board.restore(after)
        assert board.memory.read(0x1000) == 9


def test_components_keep_their_state(tmp_path: Path) -> None:
    file = tmp_path / "disk"
    file.write_bytes(b"\0\0\0\1" * 4)
    now = [100]
    clock = RealtimeClock(lambda: 0, lambda: now[0])
    lines = iter(["one\n", "two\n"])
    disk = FileMemory(file, writable=True)
    counter = Counter()
    keyboard = LineKeyboard(16, lambda: next(lines))
    with make("interpreter", clock, disk, counter, keyboard) as board:
        counter.count, counter.extra = 5, {"list": [1, b"\xff", None, 1.5, "é", True]}
        keyboard.write(12, 0xAA)
        now[0] = 250
        snapshot = board.snapshot()
        expected = copy.deepcopy(counter.extra)
        counter.extra["list"].clear()
        counter.count = 6
        disk.write(4, 77)
        keyboard.write(12, 0xAA)
        now[0] = 1000
        board.restore(snapshot)
        assert (counter.count, counter.extra) == (5, expected)
        assert disk.read(4) == 1
        assert bytes(keyboard.words.astype(">u4").tobytes()) == b"one\n" + bytes(8)
        assert clock.read(20) == 150
        now[0] = 1010
        assert clock.read(20) == 160


class Undecided(Counter):
    """Has state and says nothing of how to keep it."""

    name = "Undecided"
    save_state = Component.save_state  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (Undecided(), "component 2, Undecided: Undecided does not define save_state"),
        (Counter(), "component 2, Counter: its state has a set"),
    ],
)
def test_what_cannot_be_saved_is_named(component: Counter, message: str) -> None:
    component.extra = {1}
    with make("interpreter", component) as board, pytest.raises(SnapshotError, match=message):
        board.snapshot()


def test_a_component_that_refuses_leaves_all_as_it_was() -> None:
    first, second = Counter(), Counter()
    with make("interpreter", first, second) as board:
        first.count, second.count = 1, 2000
        snapshot = board.snapshot()
        first.count = second.count = 3
        board.cpu.regs.a0 = 4
        with pytest.raises(
            SnapshotError, match="component 3, Counter, refuses its state: too many"
        ):
            board.restore(snapshot)
        assert (first.count, second.count, board.cpu.regs.a0) == (3, 3, 4)


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ([BootRom(PROGRAM, 0x1000)], "2 components, this one has 1"),
        ([BootRom(PROGRAM, 0x1000), CharDisplay()], "'Character Display' here and 'RAM'"),
        ([BootRom(PROGRAM, 0x1000), Ram(0x4000)], "RAM, has 16384 bytes here and 32768"),
        ([BootRom(PROGRAM, 0x1000), Ram(0x8000, hw_id=3)], "other metadata"),
    ],
)
def test_another_board_is_refused(components: list[Component], message: str) -> None:
    with make() as board:
        snapshot = board.snapshot()
    with Motherboard(components) as other:
        with pytest.raises(SnapshotError, match=message):
            other.restore(snapshot)
        assert other.cpu.halted


def test_not_during_a_run(engine: EngineChoice) -> None:
    failures: list[str] = []

    class Meddler(Counter):
        def read(self, offset: int) -> int:
            for action in (board.snapshot, lambda: board.restore(snapshot)):
                try:
                    action()
                except RuntimeError as error:
                    failures.append(str(error))
            return 0

    program = assemble("cpy ac0, 0x1000\nlsa a0, ac0, 0\nhalt")
    with Motherboard([BootRom(program, 0x1000), Meddler()], engine) as board:
        board.map_contiguous(0)
        board.reset()
        snapshot = board.snapshot()
        board.run()
    assert len(failures) == 2
    assert all("running" in text for text in failures)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda board: pickle.loads(pickle.dumps(board))])
def test_boards_are_copied(copied: Any) -> None:
    with make("interpreter", CharDisplay(), LineKeyboard(16), RealtimeClock()) as board:
        board.breakpoints = {0x10}
        board.watchpoints = {0x1004: "write"}
        board.unmapped = "stop"
        board.stops_on_unhandled = False
        board.run(1)
        with copied(board) as twin:
            assert (twin.unmapped, twin.stops_on_unhandled) == ("stop", False)
            assert twin.breakpoints == {0x10}
            assert dict(twin.watchpoints) == dict(board.watchpoints)
            assert state(twin) == state(board)
            twin.breakpoints = board.breakpoints = ()
            twin.watchpoints = board.watchpoints = ()
            twin.run(5000)
            assert board.cpu.cycles == 1
            board.run(5000)
            assert state(twin) == state(board)


def test_a_copied_component_is_on_no_board() -> None:
    ram = Ram(64, [1, 2, 3])
    with Motherboard([ram]) as board:
        twin = copy.deepcopy(ram)
        assert not twin.plugged_in
        twin.words[0] = 9
        assert board.components[0].read(0) == 1
        Motherboard([twin]).close()


# --- files -----------------------------------------------------------------------------------


def test_a_file_holds_all_of_it(tmp_path: Path) -> None:
    counter = Counter()
    with make("interpreter", counter, Ram(20)) as board:
        board.run(5_003)
        counter.extra = {"text": "é", "raw": b"\0\xff"}
        snapshot = board.snapshot()
        snapshot.save(tmp_path / "state")
        assert Snapshot.load(tmp_path / "state") == snapshot
    size = (tmp_path / "state").stat().st_size
    assert size < 20_000, "memory that is zero takes no room"


def test_memories_of_any_length(tmp_path: Path) -> None:
    for words in (1, PAGE_WORDS - 1, PAGE_WORDS, PAGE_WORDS + 1, 3 * PAGE_WORDS + 5):
        for content in ([], [7], list(range(words))):
            with Motherboard([Ram(4 * words, content)]) as board:
                snapshot = board.snapshot()
                snapshot.save(tmp_path / "state")
                board.components[0].windows[0].words[:] = 1
                board.restore(Snapshot.load(tmp_path / "state"))
                assert board.snapshot() == snapshot


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (numpy.uint32(7), 7),
        (numpy.bool_(True), True),
        (numpy.float32(0.5), 0.5),
        (numpy.array(3), 3),
        (numpy.str_("x"), "x"),
        ([numpy.int8(-1)], [-1]),
    ],
)
def test_states_of_numpy_values(value: object, kept: object) -> None:
    counter = Counter()
    counter.extra = {"value": value}
    with make("interpreter", counter) as board:
        snapshot = board.snapshot()
        counter.extra = {}
        board.restore(snapshot)
    assert counter.extra == {"value": kept}


def test_arrays_are_no_states() -> None:
    """They are told like anything else that cannot be kept, with the component's name."""
    counter = Counter()
    for value in (numpy.arange(3), numpy.zeros((2, 2)), numpy.array([])):
        counter.extra = {"value": value}
        with (
            make("interpreter", counter) as board,
            pytest.raises(SnapshotError, match="Counter: its state has a ndarray; it may consist"),
        ):
            board.snapshot()


def test_every_damaged_file_is_refused(tmp_path: Path) -> None:
    with make() as board:
        board.run(5_003)
        board.snapshot().save(tmp_path / "state")
    whole = (tmp_path / "state").read_bytes()
    randomly = random.Random(5)
    damaged = [whole[:n] for n in (0, 5, len(MAGIC), 30, 60, len(whole) - 1)] + [whole + b"x"]
    for _ in range(300):
        changed = bytearray(whole)
        changed[randomly.randrange(len(changed))] ^= 1 << randomly.randrange(8)
        damaged.append(bytes(changed))
    for content in damaged:
        (tmp_path / "state").write_bytes(content)
        with pytest.raises(SnapshotError, match="state"):
            Snapshot.load(tmp_path / "state")


def test_files_whose_checksum_was_made_right_are_refused_too(tmp_path: Path) -> None:
    """Nothing that a file says is believed: sizes, places, types."""
    with make("interpreter", Counter()) as board:
        board.snapshot().save(tmp_path / "state")
    whole = (tmp_path / "state").read_bytes()
    start = whole.index(b"\n") + 1
    body = whole[start + 32 :]
    length = int.from_bytes(body[:8], "big")
    header, memory = body[8 : 8 + length], body[8 + length :]
    replaced = [
        (b'"registers":[0,', b'"registers":[-1,'),
        (b'"registers":[0,', b'"registers":[0.5,'),
        (b'"cpu":[', b'"cpu":[true,'),
        (b'"pages":[', b'"pages":[99999,'),
        (b'"pages":[', b'"page":['),
        (b'"mappings":[[0,0,', b'"mappings":[[9,0,'),
        (b'"name":"Counter"', b'"name":7'),
        (b'"state":"', b'"state":"!'),
        (b'"page words":1024', b'"page words":1e3'),
        (b"{", b"[" * 100_000),
    ]
    for old, new in replaced:
        assert old in header
        text = header.replace(old, new, 1)
        body = len(text).to_bytes(8, "big") + text + memory
        (tmp_path / "state").write_bytes(whole[:start] + hashlib.sha256(body).digest() + body)
        with pytest.raises(SnapshotError, match="no whole snapshot"):
            Snapshot.load(tmp_path / "state")


def test_other_versions_and_other_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(MAGIC + b"2\n" + bytes(100))
    with pytest.raises(SnapshotError, match="of version 2; this version of lrvm_jit reads 1"):
        Snapshot.load(path)
    path.write_bytes(pickle.dumps({}))
    with pytest.raises(SnapshotError, match="is no snapshot"):
        Snapshot.load(path)
    with pytest.raises(FileNotFoundError):
        Snapshot.load(tmp_path / "missing")


def test_the_host_keeps_its_registers_and_its_time(tmp_path: Path) -> None:
    now = [100]
    host = Host(["program"], folder=tmp_path, writable=True, monotonic=lambda: now[0])
    with Motherboard([host]) as board:
        host.words[STATUS] = 3
        now[0] = 150
        snapshot = board.snapshot()
        host.words[STATUS] = 9
        now[0] = 1000
        board.restore(snapshot)
        assert host.status == 3
        assert host.save_state() == {"elapsed": 50}
