"""Ctrl-C while the host changes a machine: what was begun is done wholly, or not at all.

A signal comes at each line in turn of an operation between runs. Afterwards the machine is what it
was before or what it was to become, the CPU sees what the properties tell, and later snapshots
are true.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from lrvm_components import BootRom, Ram
from lrvm_jit import Category, Component, Hook, Metadata, Motherboard, Snapshot, SnapshotError
from lrvm_tools import assemble
from tests.interruptions import PACKAGE, Elsewhere, at_every_line, handler

PROGRAM = assemble("""
    cpy ac0, 0x2000
again:
    lsa a0, ac0, 0
    inc a0
    wsa ac0, 0, a0
    jp again
""")
AGAIN = 4


class Keeper(Component):
    """Has a state outside its windows."""

    name = "Keeper"
    word = 1

    def metadata(self) -> Metadata:
        return Metadata(7, 4, Category.PLATFORM_SPECIFIC, 1)

    def read(self, offset: int) -> int:
        return self.word

    def save_state(self) -> dict[str, int]:
        return {"word": self.word}

    def load_state(self, state: Any) -> None:
        self.word = state["word"]


def make(mapped: bool = True) -> Motherboard:
    board = Motherboard([BootRom(PROGRAM, 0x2000), Ram(0x2000), Keeper(), Keeper()])
    if mapped:
        board.map_contiguous(0)
    board.reset()
    return board


def ram(board: Motherboard) -> Any:
    return board.components[1].windows[0].words


def signalled(make_action: Callable[[], Callable[[], object]]) -> Iterator[None]:
    """Do something again and again, with a real signal before each of its lines in turn. Yields
    after each of those that a handler's exception has ended, or that got to their end."""

    def at(number: int, action: Callable[[], object]) -> bool:
        left = number

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal left
            if not frame.f_code.co_filename.startswith(PACKAGE):
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    signal.raise_signal(signal.SIGUSR1)
            return trace if left >= 0 else None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            action()
        except Elsewhere:
            pass
        finally:
            sys.settrace(before)
        return left < 0

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Elsewhere

    with handler(signal.SIGUSR1, interrupt):
        number = 0
        while at(number, make_action()):
            yield
            number += 1
    assert number > 5


def whole(snapshot: Snapshot) -> list[bytes]:
    """The memory that a snapshot tells of, page by page."""
    return list(snapshot.memory)


def now(board: Motherboard) -> list[bytes]:
    """The memory as it is."""
    words = board.core.arena.tobytes()
    return [words[at : at + 4096] for at in range(0, len(words), 4096)]


@pytest.mark.parametrize("interrupted", [at_every_line, signalled])
def test_snapshots_are_true_after_one_that_was_interrupted(interrupted: Any) -> None:
    board = make()

    def action() -> Callable[[], object]:
        board.snapshot()
        ram(board)[:] += 1
        return board.snapshot

    for _ in interrupted(action):
        assert whole(board.snapshot()) == now(board)
    board.close()


@pytest.mark.parametrize("interrupted", [at_every_line, signalled])
def test_snapshots_are_true_after_a_restore_that_was_interrupted(interrupted: Any) -> None:
    board = make()
    ram(board)[:] = 7
    target = board.snapshot()

    def action() -> Callable[[], object]:
        ram(board)[:] += 1
        board.snapshot()
        ram(board)[5] += 1
        return lambda: board.restore(target)

    for _ in interrupted(action):
        assert whole(board.snapshot()) == now(board)
        board.restore(target)
        assert board.snapshot() == target
    board.close()


def test_a_signal_divides_no_restore() -> None:
    board = make()
    board.run(100)
    board.components[2].word = board.components[3].word = 5  # type: ignore[attr-defined]
    target = board.snapshot()
    board.run(100)
    board.components[2].word = board.components[3].word = 6  # type: ignore[attr-defined]
    other = board.snapshot()

    def action() -> Callable[[], object]:
        board.restore(other)
        return lambda: board.restore(target)

    for _ in signalled(action):
        assert board.snapshot() in (target, other)
    board.close()


def test_a_signal_divides_no_mapping() -> None:
    """The CPU sees what is mapped, and nothing else."""
    made: list[Motherboard] = []

    def action() -> Callable[[], object]:
        made.append(make(mapped=False))
        return lambda: made[-1].map_contiguous(0)

    for _ in signalled(action):
        board = made[-1]
        seen = [mapping.component for mapping in board.mappings]
        assert seen == list(range(len(seen)))
        board.run(1 + 4 * 3)
        expected = 3 if 1 in seen else 0
        assert ram(board)[0] == expected
        assert (board.cpu.regs.pc != 0) == (0 in seen)
        board.close()


def test_a_signal_divides_no_change_of_points() -> None:
    board = make()

    def action() -> Callable[[], object]:
        board.reset()
        board.breakpoints = board.watchpoints = ()
        board.run(1)

        def change() -> None:
            board.breakpoints = {AGAIN + 4}
            board.watchpoints = {0x2000: "write"}

        return change

    for _ in signalled(action):
        stops = [board.run(100).reason for _ in range(2)]
        if board.watchpoints:
            assert stops == ["breakpoint", "watchpoint"]
        else:
            assert stops == ["breakpoint" if board.breakpoints else "budget"] * 2
    board.close()


def test_a_signal_divides_no_hook() -> None:
    board = make()
    called: list[int] = []
    hooks: list[Hook] = []

    def action() -> Callable[[], object]:
        board.close()
        board.__init__([BootRom(PROGRAM, 0x2000), Ram(0x2000)])  # type: ignore[misc]
        board.map_contiguous(0)
        board.reset()
        hooks.clear()
        called.clear()

        def change() -> None:
            hooks.append(board.on("memory", lambda board, event: called.append(1), address=0x2000))
            hooks[0].remove()

        return change

    for _ in signalled(action):
        board.run(1 + 4 * 3)
        assert len(called) in (0, 6)
        before = len(called)
        for hook in hooks:
            hook.remove()
            board.run(4)
            assert len(called) == before
    board.close()


class Stubborn(Keeper):
    """Refuses every state."""

    name = "Stubborn"

    def load_state(self, state: Any) -> None:
        raise LookupError("never")


def test_one_that_refuses_every_state_leaves_the_others_as_they_were() -> None:
    keepers = Keeper(), Stubborn(), Keeper()
    with Motherboard(keepers) as board:
        snapshot = board.snapshot()
        for keeper in keepers:
            keeper.word = 9
        with pytest.raises(SnapshotError, match="component 1, Stubborn, refuses its state: never"):
            board.restore(snapshot)
        assert [keeper.word for keeper in keepers] == [9, 9, 9]


def test_ctrl_c_in_a_component_that_takes_its_state_leaves_the_others_as_they_were() -> None:
    class Interrupted(Keeper):
        name = "Interrupted"
        times = 0

        def load_state(self, state: Any) -> None:
            self.times += 1
            if self.times == 1:
                raise KeyboardInterrupt
            super().load_state(state)

    keepers = Keeper(), Interrupted(), Keeper()
    with Motherboard(keepers) as board:
        snapshot = board.snapshot()
        for keeper in keepers:
            keeper.word = 9
        with pytest.raises(KeyboardInterrupt):
            board.restore(snapshot)
        assert [keeper.word for keeper in keepers] == [9, 9, 9]
