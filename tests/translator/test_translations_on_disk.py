"""Translations kept on disk: what one process has compiled the next one loads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.code_cache import CodeCache
from lrvm_jit.jit.code import cache as cache_module
from lrvm_jit.jit.code.known import KnownPrograms
from tests.machine.guest import machine
from tests.translator.background import (
    WAITING,
    forget_unused,
    new_loop,
    run_until_translated,
)
from tests.translator.processes import process

ON_DISK = TranslatorOptions(threshold=300, background=False, optimize=False, tiers=("regions",))


def kept(folder: Path) -> list[Path]:
    """What the translator has left there."""
    place = folder / cache_module.FOLDER
    return sorted(place.iterdir()) if place.exists() else []


# --- as if in another process ------------------------------------------------------------------


@pytest.fixture
def _unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are not recognised at their start: the translations are found when they are hot."""
    monkeypatch.setattr(KnownPrograms, "find", lambda *_: [])


@pytest.mark.usefixtures("_unknown")
def test_code_is_found_on_disk(folder: Path) -> None:
    """It does the same as when it was compiled."""
    source = new_loop()
    first = machine(source, ON_DISK)
    cycles = run_until_translated(first)
    first.run(1000)
    assert (first.board.stats().compiled, first.board.stats().loaded) == (1, 0)
    assert len(kept(folder)) == 1
    state = first.state
    del first
    forget_unused()
    second = machine(source, ON_DISK)
    assert run_until_translated(second) == cycles
    second.run(1000)
    assert (second.board.stats().compiled, second.board.stats().loaded) == (0, 1)
    assert second.state == state
    assert len(kept(folder)) == 1


@pytest.mark.usefixtures("_unknown")
@pytest.mark.parametrize("damage", ["short", "long", "empty", "other", "folder", "no code"])
def test_damaged_files_are_compiled_again(damage: str, folder: Path) -> None:
    """They are replaced, so that the process after this one finds the code. "no code" has a right
    checksum, but cannot be loaded."""
    source = new_loop()
    run_until_translated(machine(source, ON_DISK))
    forget_unused()
    [path] = kept(folder)
    content = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "no code":
        CodeCache(path.parent).save(path.stem, b"no object code")
    else:
        changed = {
            "short": content[:-1],
            "long": content + b"\0",
            "empty": b"",
            "other": content[:100] + bytes([content[100] ^ 1]) + content[101:],
        }
        path.write_bytes(changed[damage])
    built = machine(source, ON_DISK)
    run_until_translated(built)
    assert (built.board.stats().compiled, built.board.stats().loaded) == (1, 0)
    if damage != "folder":
        assert path.read_bytes() == content


@pytest.mark.parametrize("value", ["0", "off", "no"])
def test_the_cache_can_be_turned_off(
    value: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For one board, or for all of them by the environment."""
    run_until_translated(machine(new_loop(), WAITING))
    assert kept(folder) == []
    monkeypatch.setenv(cache_module.SWITCH_VARIABLE, value)
    run_until_translated(machine(new_loop(), ON_DISK))
    assert kept(folder) == []
    monkeypatch.delenv(cache_module.SWITCH_VARIABLE)
    run_until_translated(machine(new_loop(), ON_DISK))
    assert len(kept(folder)) == 1


# --- in other processes ------------------------------------------------------------------------

PROGRAM = """
built = machine(
    "loop: lsa a2, a1\\nadd a2, a0\\nwsa a1, 0, a2\\npush a2\\ncall f\\npop a3\\njp loop\\n"
    "f: add a0, 17\\nxor a4, a2\\nret",
    TranslatorOptions(threshold=300, background=False, optimize=False, tiers=("regions",)),
    a1=0x4000,
    ssp=0x8000,
)
for _ in range(10):
    built.run(500)
stats = built.board.stats()
print(json.dumps([stats.compiled, stats.loaded, stats.translated, built.state]))
"""


def run_program(folder: Path) -> list[Any]:
    """Regions compiled, regions loaded, instructions translated, the machine's state.

    What is known of the program is taken away: it would start translated.
    """
    shutil.rmtree(folder / cache_module.PROGRAMS, ignore_errors=True)
    found: list[Any] = json.loads(process(PROGRAM))
    return found


def test_the_second_process_compiles_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole of it, as runs of a program: translations come from the disk, and do the same;
    damaged ones are made anew; the setting turns all of it off."""
    compiled, loaded, *result = run_program(folder)
    assert (compiled > 0, loaded) == (True, 0)
    assert run_program(folder) == [0, compiled, *result]
    whole = {path: path.read_bytes() for path in kept(folder)}
    for path, content in whole.items():
        path.write_bytes(content[:-1])
    assert run_program(folder) == [compiled, 0, *result]
    assert {path: path.read_bytes() for path in kept(folder)} == whole
    monkeypatch.setenv(cache_module.SWITCH_VARIABLE, "0")
    assert run_program(folder) == [compiled, 0, *result]
