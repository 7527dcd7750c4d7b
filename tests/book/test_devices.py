"""The register maps of the book are what components do; the page on devices of one's own works."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from docs.book.insertions import insertions
from docs.book.register_maps import components, register_map
from lrvm_components import (
    BasicDebug,
    BootRom,
    BufferedDisplay,
    CharDisplay,
    CharKeyboard,
    FileMemory,
    FlashMemory,
    LineKeyboard,
    NumberDisplay,
    Ram,
    RealtimeClock,
)
from lrvm_jit import Component, HardwareCode, HardwareError, Metadata
from lrvm_jit.batch import (
    Batch,
    BatchComponent,
    CharInput,
    CharOutput,
    CycleClock,
    RandomSource,
    WordInput,
)
from lrvm_jit.core.component import metadata_of
from lrvm_jit.core.register_map import spans
from lrvm_tools.lasm import assemble
from lrvm_tools.machines import component_types, load_machine
from tests.book.page_examples import blocks

ROOT = Path(__file__).parents[2]
DEVICES = ROOT / "docs" / "devices"


def _file_memory(folder: Path) -> FileMemory:
    (folder / "words.bin").write_bytes(bytes(64))
    return FileMemory(folder / "words.bin", writable=True)


MAKERS: dict[str, Callable[[Path], Component]] = {
    "BasicDebug": lambda _: BasicDebug(lambda message: None),
    "BootRom": lambda _: BootRom([1, 2, 3], 64),
    "BufferedDisplay": lambda _: BufferedDisplay(64, lambda text: None),
    "CharDisplay": lambda _: CharDisplay(lambda text: None),
    "CharKeyboard": lambda _: CharKeyboard(lambda: "x"),
    "FileMemory": _file_memory,
    "FlashMemory": lambda _: FlashMemory(64),
    "LineKeyboard": lambda _: LineKeyboard(64, lambda: "x\n"),
    "NumberDisplay": lambda _: NumberDisplay(lambda text: None),
    "Ram": lambda _: Ram(64),
    "RealtimeClock": lambda _: RealtimeClock(),
}
BATCH_MAKERS: dict[str, Callable[[], BatchComponent]] = {
    "CharInput": lambda: CharInput.from_texts(["text"]),
    "CharOutput": CharOutput,
    "CycleClock": CycleClock,
    "RandomSource": lambda: RandomSource(1),
    "WordInput": lambda: WordInput(numpy.ones((1, 4), numpy.uint32)),
}


def outcome(access: Callable[[], object]) -> int | None:
    """The code of the hardware error, or None if the access was allowed."""
    try:
        access()
    except HardwareError as error:
        return error.code
    return None


def test_every_component_is_tried_here() -> None:
    assert set(components()) == {*MAKERS, *BATCH_MAKERS, "Host"}


@pytest.mark.parametrize("name", MAKERS)
def test_a_component_does_what_its_register_map_says(name: str, tmp_path: Path) -> None:
    """At every word: allowed if the map says so, else the error for not readable or writable."""
    component = MAKERS[name](tmp_path)
    size = metadata_of(component).size
    mapped = spans(component.registers, size)
    assert [offset for _, words in mapped for offset in words] == list(range(0, size, 4))
    command = component.commands[-1].number if component.commands else 1
    for register, words in mapped:
        for offset in words:
            read = outcome(lambda at=offset: component.read(at))  # type: ignore[misc]
            write = outcome(lambda at=offset: component.write(at, command))  # type: ignore[misc]
            assert read == (None if register.access.readable else HardwareCode.NOT_READABLE)
            assert write == (None if register.access.writable else HardwareCode.NOT_WRITABLE)
    for known in component.commands:
        component.write(mapped[-1][1][0], known.number)
    if component.commands:
        assert outcome(lambda: component.write(mapped[-1][1][0], 0x77)) == 0x10
    component.close()


@pytest.mark.parametrize("name", BATCH_MAKERS)
def test_so_does_a_component_of_batches(name: str) -> None:
    kind = components()[name]
    data = BATCH_MAKERS[name]().metadata()
    size = data.size if isinstance(data, Metadata) else data[2]
    for register, words in spans(kind.registers, size):
        for offset in words:
            for allowed, access in (
                (register.access.readable, f"lsa a0, ac0, {offset}"),
                (register.access.writable, f"wsa ac0, {offset}, 1"),
            ):
                program = assemble(f"cpy ac0, 0x2000\n{access}\nhalt")
                with Batch(program, 1, components=[BATCH_MAKERS[name]()]) as batch:
                    result = batch.run(max_cycles=10, halt_on_exception=True)
                    assert bool(result.exception[0]) != allowed, (register, access)


def test_every_component_has_a_page_with_its_register_map() -> None:
    """And every map that a page wants exists."""
    wanted = {
        argument
        for path in DEVICES.glob("*.md")
        for name, argument in insertions(path.read_text(encoding="utf-8"))
        if name == "registers"
    }
    assert wanted == set(components())
    assert "| 0x04 | OUT | write |" in register_map("Host")
    assert "| 0x00 to size - 8 | BUFFER |" in register_map("BufferedDisplay")


def test_the_page_on_devices_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests pass, and what its pyproject.toml declares is a type for machine files."""
    for block in blocks((DEVICES / "own.md").read_text(encoding="utf-8")):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    installed = tmp_path / "lrvm_dial-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: lrvm-dial\nVersion: 1.0\n")
    lines = [
        f"{name} = {value}" for name, value in project["entry-points"]["lrvm.components"].items()
    ]
    (installed / "entry_points.txt").write_text("[lrvm.components]\n" + "\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    try:
        tests = importlib.import_module("test_dial")
        tests.test_the_angle_is_checked()
        for engine in ("reference", "interpreter", "translator"):
            tests.test_a_program_turns_it(engine)
        assert "dial" in component_types()
        with load_machine(tmp_path / "machine.toml") as machine:
            machine.board.reset()
            machine.board.run(max_cycles=100)
            assert machine.board.memory.read(0x1000) == 100
    finally:
        for name in ("dial", "test_dial"):
            sys.modules.pop(name, None)
