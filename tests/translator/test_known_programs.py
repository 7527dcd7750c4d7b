"""Known programs: a board whose program the process or the disk has seen starts translated."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.jit.code import known as known_module
from lrvm_jit.jit.code.cache import FOLDER, PROGRAMS, default_cache
from lrvm_jit.jit.code.known import KNOWN
from tests.machine.guest import Machine, machine
from tests.translator.background import forget_unused, new_loop, run_until_translated

OPTIONS = TranslatorOptions(threshold=300, background=False, optimize=False)


@pytest.fixture(autouse=True)
def _own_folder(folder: Path) -> Iterator[None]:
    """Nothing is known at first, and nothing stays."""
    KNOWN.__init__()  # type: ignore[misc]
    yield
    KNOWN.__init__()  # type: ignore[misc]


def forget() -> None:
    """As if in a new process."""
    KNOWN._programs.clear()
    forget_unused()


def seen(source: str) -> Machine:
    """A machine that has run the program until it was translated."""
    built = machine(source, OPTIONS)
    run_until_translated(built)
    return built


def first_run(source: str, options: TranslatorOptions = OPTIONS, pc: int = 0) -> Machine:
    """A new machine that has run 200 instructions: too few to be looked at."""
    built, plain = machine(source, options, pc=pc), machine(source, "interpreter", pc=pc)
    built.run(200)
    plain.run(200)
    assert built.state == plain.state
    return built


@pytest.mark.parametrize("in_process", [True, False], ids=["process", "disk"])
def test_a_known_program_starts_translated(in_process: bool) -> None:
    """From the first instruction on but the last few of the budget, compiling nothing."""
    source = new_loop()
    assert first_run(source).board.stats().translated == 0
    seen(source)
    if not in_process:
        forget()
    stats = first_run(source).board.stats()
    assert stats.translated > 180
    assert (stats.compiled, stats.loaded, stats.shared) == (0, not in_process, in_process)


def test_what_differs_is_not_taken_for_known(folder: Path) -> None:
    """Another word behind the start, another setting, another place of the code: the words must
    stand where they stood. `cache=False` uses nothing and leaves nothing."""
    head = "\n".join(["xor a7, a7"] * known_module.START_WORDS)
    loop = new_loop()
    seen(f"{head}\n{loop}")
    assert first_run(f"{head}\n{loop}").board.stats().regions == 1
    other = first_run(f"{head}\n{loop.replace('xor a1', 'add a1')}").board.stats()
    assert (other.regions, other.translated) == (0, 0)
    assert first_run(f"halt\n{loop}", pc=4).board.stats().regions == 0
    for options in (replace(OPTIONS, optimize=True), replace(OPTIONS, cache=False)):
        assert first_run(f"{head}\n{loop}", options).board.stats().regions == 0
    before = sorted(folder.rglob("*"))
    run_until_translated(machine(new_loop(), replace(OPTIONS, cache=False)))
    assert sorted(folder.rglob("*")) == before


COPY = """
    cpy a1, code
    cpy a2, 0x4000
    cpy a3, 8
copy:
    lsa a0, a1, 0
    wsa a2, 0, a0
    add a1, 4
    add a2, 4
    sub a3, 1
    ifnq
    jp copy
    cpy pc, 0x4000
code:
    {}
    jpr 0xfff8
    halt
    halt
    halt
    halt
"""


def test_code_that_is_copied_first() -> None:
    """Its regions wait until its words stand in memory."""
    loop = new_loop().removeprefix("loop: ").removesuffix("\njp loop")
    source = COPY.format(loop)
    seen(source)
    forget()
    built = machine(source, OPTIONS)
    built.run(10)
    assert built.board.stats().regions == 0
    built.run(60)
    built.run(120)
    stats = built.board.stats()
    assert (stats.compiled, stats.loaded, stats.translated > 50) == (0, 1, True)


def test_regions_do_not_reach_across_breakpoints() -> None:
    """Where words are looked at nothing known is installed, and what is made is not remembered."""
    source = new_loop()
    seen(source)
    built = machine(source, OPTIONS)
    built.board.breakpoints = {4}
    stop = built.board.run(max_cycles=100)
    assert (stop.pc, built.board.stats().regions) == (4, 0)


@pytest.mark.parametrize("damage", ["cut", "another class", "no list", "no pickle", "no code"])
def test_files_of_no_use(damage: str, folder: Path) -> None:
    """They are ignored, and replaced when the program has been translated again."""
    source = new_loop()
    seen(source)
    [program] = KNOWN._programs
    path = folder / PROGRAMS / f"{program}.code"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "no code":
        for code in (folder / FOLDER).iterdir():
            code.unlink()
    else:
        contents = {"another class": pickle.dumps([1]), "no list": pickle.dumps(1)}
        default_cache(PROGRAMS).save(program, contents.get(damage, b"damaged"))
    forget()
    assert first_run(source).board.stats().regions == 0
    forget()
    seen(source)
    forget()
    assert first_run(source).board.stats().loaded == 1
