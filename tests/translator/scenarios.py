"""Machines that live through the same on every engine, and what was seen of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lrvm_jit import Component, Motherboard, Stop, TranslatorOptions
from tests.engines import EAGER, EngineChoice
from tests.machine.guest import Machine, machine
from tests.machine.paging import paged

HOT = TranslatorOptions(
    threshold=300, background=False, cache=False, optimize=False, tiers=("regions",)
)
"""Translates where the interpreter is when a run ends, if it has interpreted that much. Optimizing
takes several times as long and changes nothing about what is translated and when."""
OPTIMIZED = replace(HOT, optimize=True)
"""The same for scenarios about what the generated code does."""
MIXED = replace(HOT, tiers=("baseline", "regions"))
"""The same, and what it has not translated is native code of the baseline."""
TRANSLATORS = (MIXED, EAGER)


def translator_id(engine: EngineChoice) -> str:
    """What a message calls one of them."""
    return "eager" if engine == EAGER else "hot"


@dataclass
class Scenario:
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


def play(
    source: str,
    script: Callable[[Scenario], object],
    components: Callable[[], Sequence[Component]] = tuple,
    make: Callable[..., Machine] = machine,
    translators: Sequence[EngineChoice] = TRANSLATORS,
    **registers: int,
) -> list[Scenario]:
    """Play the script on the reference engine and on the translators: all must see the
    same. The translators' scenarios are the result."""
    played = []
    for engine in ("reference", *translators):
        scenario = Scenario(make(source, engine, components(), **registers))
        script(scenario)
        played.append(scenario)
    expected = played[0].seen
    assert expected
    for engine, scenario in zip(translators, played[1:], strict=True):
        for number, (wanted, found) in enumerate(zip(expected, scenario.seen, strict=True)):
            assert found == wanted, f"{translator_id(engine)}, after {number} steps"
        stats = scenario.board.stats()
        native = stats.translated + stats.baseline
        assert native, f"{translator_id(engine)} has translated nothing"
    return played[1:]


def play_paged(
    source: str,
    script: Callable[[Scenario], object],
    components: Callable[[], Sequence[Component]] = tuple,
    **registers: int,
) -> list[Scenario]:
    """The same with page tables."""
    return play(source, script, components, paged, TRANSLATORS, **registers)
