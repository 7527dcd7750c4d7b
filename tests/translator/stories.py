"""Machines that live through the same on every engine, and what was seen of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lrvm_jit import Component, Motherboard, Stop, TranslatorOptions
from tests.engines import AT_FIRST_SIGHT, EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.paging import paged

HOT = TranslatorOptions(threshold=300, background=False, cache=False, tiers=("regions",))
"""Translates where the interpreter is when a run ends, if it has interpreted that much."""
MIXED = TranslatorOptions(threshold=300, background=False, cache=False)
"""The same, and what it has not translated is native code of the baseline."""
TRANSLATORS = (MIXED, AT_FIRST_SIGHT)


def translator_id(engine: EngineChoice) -> str:
    """What a message calls one of them."""
    return "hot" if engine == MIXED else "at first sight"


@dataclass
class Story:
    """One machine, and a record of its state after each run."""

    machine: Machine
    seen: list[object] = field(default_factory=list)

    @property
    def board(self) -> Motherboard:
        return self.machine.board

    @property
    def labels(self) -> dict[str, int]:
        return self.machine.labels

    def run(self, *budgets: int, halt_on_exception: bool = False) -> Stop:
        """Runs with these budgets, one after the other; the last one's end."""
        for budget in budgets:
            stop = self.board.run(max_cycles=budget, halt_on_exception=halt_on_exception)
            memory = zlib.crc32(self.machine.ram.words.tobytes())
            instructions = self.board.stats().instructions
            self.note((budget, stop, self.machine.state, memory, instructions))
        return stop

    def warm_up(self) -> None:
        """Have what runs now translated: each engine runs the same instructions."""
        self.run(300, 300, 300, 300, 2100)

    def note(self, fact: object) -> None:
        self.seen.append(fact)


def tell(
    source: str,
    plot: Callable[[Story], object],
    components: Callable[[], Sequence[Component]] = tuple,
    make: Callable[..., Machine] = machine,
    translators: Sequence[EngineChoice] = TRANSLATORS,
    **registers: int,
) -> list[Story]:
    """Live through the plot on the reference engine and on the translators: all must see the
    same. The translators' stories are the result."""
    told = []
    for engine in ("reference", *translators):
        story = Story(make(source, engine, components(), **registers))
        plot(story)
        told.append(story)
    expected = told[0].seen
    assert expected
    for engine, story in zip(translators, told[1:], strict=True):
        for number, (wanted, found) in enumerate(zip(expected, story.seen, strict=True)):
            assert found == wanted, f"{translator_id(engine)}, after {number} steps"
        assert story.board.stats().translated, f"{translator_id(engine)} has translated nothing"
    return told[1:]


def tell_paged(
    source: str,
    plot: Callable[[Story], object],
    components: Callable[[], Sequence[Component]] = tuple,
    **registers: int,
) -> list[Story]:
    """The same with page tables."""
    return tell(source, plot, components, paged, TRANSLATORS, **registers)
