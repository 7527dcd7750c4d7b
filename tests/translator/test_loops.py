"""Counted loops: rounds without checks end where rounds with checks would have ended."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lrvm_components import BootRom, Ram
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.isa.symbolic import Linear
from lrvm_jit.jit.analysis.discovery import Discovery
from lrvm_jit.jit.analysis.loops import counted_loop
from lrvm_tools.lasm import assemble
from tests.engines import EngineChoice

ROM_SIZE, RAM_SIZE = 1024, 1024
OPTIMIZED = TranslatorOptions(threshold=1, background=False, cache=False, tiers=("regions",))

CONDITIONS = ("ifeq", "ifnq", "ifls", "ifge", "ifgt", "ifle", "if SF", "if OF")
STEPS = ("add {r}, {n}", "sub {r}, {n}", "add {r}, a5", "sub {r}, a5", "inc {r}", "dec {r}")
ACCESSES = (
    "wsa a0, 0, a1",
    "wsa a0, a2, 7",
    "lsa a3, a0, 4",
    "lsa a3, 4, a0",
    "lea ac0, a0, 4",
    "wea ac0, a1, 4",
    "lea ac0, a1, 8",
)
WORK = ("add a3, avr", "xor a4, a3", "mul a4, 3", "ex a3, a4", "shl a4, 1", "cpy a6, a1")


def random_loop(rng: random.Random) -> str:
    """A loop over RAM with random steps, condition and order."""
    body = [rng.choice(ACCESSES) for _ in range(rng.randrange(1, 4))]
    body += [rng.choice(WORK) for _ in range(rng.randrange(0, 3))]
    for register in rng.sample(("a0", "a1", "a2"), rng.randrange(1, 3)):
        step = rng.choice(STEPS).format(r=register, n=rng.choice((1, 4, 4, 8, 12, 400)))
        body.append(step)
    rng.shuffle(body)
    compare = rng.choice(("cmp a0, a7", "cmp a1, a7", "cmp a7, a1", "cmp a7, a0", ""))
    condition = rng.choice(CONDITIONS)
    turn = f"{condition}\njp loop" if rng.random() < 0.7 else f"{condition}\njp out\njp loop"
    return "\n".join(["loop:", *body, compare, turn, "out:", "halt"])


def outcome(source: str, regs: list[int], budget: int, engine: EngineChoice) -> object:
    """All that is left of a run."""
    rom, ram = BootRom(assemble(source), ROM_SIZE), Ram(RAM_SIZE)
    with Motherboard([rom, ram], engine=engine) as board:
        board.map_contiguous(0)
        board.reset()
        board.cpu.regs[:8] = regs[:8]
        board.cpu.regs["ac0"] = regs[8]
        first = board.run(max_cycles=budget // 3)
        second = board.run(max_cycles=budget - budget // 3)
        return first, second, list(board.cpu.regs), ram.words.tobytes()


@pytest.mark.parametrize("optimize", [False, True])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(seed=st.integers(0, 2**64))
def test_random_loops(optimize: bool, seed: int) -> None:
    """Any loop, any budget: the same registers, memory, cycles and stops as the interpreter's."""
    rng = random.Random(seed)
    source = random_loop(rng)
    base = rng.choice((ROM_SIZE, ROM_SIZE, ROM_SIZE + RAM_SIZE - 16, ROM_SIZE - 8, 0))
    values = (0, 1, 4, 5, 8, 20, 100, 250, 400, base, base + 400, ROM_SIZE + RAM_SIZE, 2**32 - 4)
    regs = [rng.choice(values) for _ in range(8)]
    regs[0] = rng.choice((base, base + 4 * rng.randrange(32), regs[0]))
    regs.append(base)
    budget = rng.choice((0, 7, 50, 333, 2000, 20_000))
    engine = TranslatorOptions(
        threshold=1, background=False, cache=False, optimize=optimize, tiers=("regions",)
    )
    assert outcome(source, regs, budget, engine) == outcome(source, regs, budget, "interpreter")


def block_of(source: str) -> object:
    """What the translator makes of the loop at a program's start."""
    words = assemble(source).tolist()
    discovery = Discovery(lambda pc: words[pc // 4] if pc // 4 < len(words) else None, True, 100)
    region = discovery.region(0)
    assert region is not None
    return counted_loop(region.blocks[0, ()])


@pytest.mark.parametrize(
    "source",
    [
        "loop:\nwsa a0, 0, 1\nadd a0, 4\ncmp a0, a7\nifls\njp loop\nhalt",
        "loop:\nlea ac0, a2, 4\nadd rr1, avr\ninc a2\ncmp a2, 100\nifnq\njp loop\nhalt",
        "loop:\nlsa a3, a0, 0\nsub a0, 4\nsub a1, 8\nifge\njp loop\nhalt",
        "loop:\nwsa a0, 0, 0\nadd a0, a3\ncmp a0, a7\nifle\njp loop\nhalt",
        "loop:\nlsa a3, a0, 0\nadd a0, 4\ndec a1\nifnq\njp loop\nhalt",
    ],
)
def test_usual_loops_are_counted(source: str) -> None:
    """The loops that programs consist of get the quick rounds."""
    assert block_of(source) is not None


@pytest.mark.parametrize(
    "source",
    [
        "loop:\nadd a0, 4\ncmp a0, a7\nifls\njp loop\nhalt",  # accesses nothing
        "loop:\nlsa a0, a0, 0\ncmp a0, 0\nifnq\njp loop\nhalt",  # its address is loaded
        "loop:\nwsa a0, 0, 1\nmul a0, 3\ncmp a0, a7\nifls\njp loop\nhalt",  # no fixed step
        "loop:\nwsa a0, 0, 1\nsub a0, 4\ncmp a0, a7\nifls\njp loop\nhalt",  # away from the end
        "loop:\nwsa a0, 0, 1\nadd a0, 4\npush a0\ncmp a0, a7\nifls\njp loop\nhalt",
    ],
)
def test_other_loops_are_not(source: str) -> None:
    """Loops of which nothing can be said beforehand stay as they are."""
    assert block_of(source) is None


def test_linear_words() -> None:
    """Sums and multiples are modulo 2^32, and terms that cancel out are gone."""
    a, b = Linear(5, ((0, 1),)), Linear(2, ((0, 2**32 - 1), (1, 3)))
    assert a.plus(b) == Linear(7, ((1, 3),))
    assert a.plus(a, -1) == Linear()
    assert a.times(2**31) == Linear(2**31, ((0, 2**31),))
    assert Linear(9).known == 9
    assert a.known is None
