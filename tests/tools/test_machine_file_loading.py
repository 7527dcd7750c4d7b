"""Machine files: what they build, and what is said about their mistakes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lrvm_components import FileMemory, FlashMemory, Ram
from lrvm_jit import StopReason
from lrvm_jit.core.mapping import Mapping
from lrvm_tools import AssemblyError
from lrvm_tools.images import Image, load_program
from lrvm_tools.machines import (
    DEFAULT_MACHINE_FILE,
    Host,
    Machine,
    MachineError,
    component_types,
    default_machine,
    load_machine,
)

HALT = Image("halt", bytes.fromhex("f0000000"))


class Recorder(Host):
    """Keeps what the guest shows, and answers from a list."""

    def __init__(self, *answers: str) -> None:
        self.shown: list[str] = []
        self.answers = list(answers)

    def show(self, text: str) -> None:
        self.shown.append(text)

    def read_character(self) -> str:
        return self.answers.pop(0)

    def read_line(self) -> str:
        return self.answers.pop(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "halt.lasm").write_text("halt")
    (tmp_path / "data.txt").write_bytes(b"12345")
    return tmp_path


def load(folder: Path, text: str, program: Image | None = None) -> Machine:
    path = folder / "machine.toml"
    path.write_text(text)
    return load_machine(path, program=program)


def problems(folder: Path, text: str, program: Image | None = None) -> list[str]:
    with pytest.raises(MachineError) as caught:
        load(folder, text, program)
    start = f"{folder / 'machine.toml'}: "
    assert str(caught.value).splitlines() == [start + item for item in caught.value.problems]
    return list(caught.value.problems)


def test_components_follow_one_another(folder: Path) -> None:
    text = """
        [[component]]
        type = "rom"
        program = "halt.lasm"
        [[component]]
        type = "ram"
        size = 0x100
        [[component]]
        type = "ram"
        size = 0x10
        mapped = false
        [[component]]
        type = "flash"
        size = 0x20
        address = 0x2000
        [[component]]
        type = "clock"
        [[component]]
        type = "ram"
        size = 0x100
        address = 0x3000
        last = 0x300C
        [[component]]
        type = "debug"
    """
    with load(folder, text) as machine:
        mappings = [machine.board.mappings.of(index) for index in range(7)]
        assert mappings == [
            Mapping(0, 0, 0),
            Mapping(1, 0x4, 0x100),
            None,
            Mapping(3, 0x2000, 0x201C),
            Mapping(4, 0x2020, 0x2034),
            Mapping(5, 0x3000, 0x300C),
            Mapping(6, 0x3010, 0x304C),
        ]
        assert machine.types == ("rom", "ram", "ram", "flash", "clock", "ram", "debug")
        assert machine.board.run().reason is StopReason.HALTED


def test_settings_and_images(folder: Path) -> None:
    text = """
        engine = "reference"
        [[component]]
        type = "rom"
        image = "data.txt"
        size = 0x10
        [[component]]
        type = "ram"
        size = 0x10
        image = "data.txt"
        hw_id = 0x1234_5678_9ABC_DEF0
        [[component]]
        type = "flash"
        size = 0x10
        image = "data.txt"
        [[component]]
        type = "file"
        path = "data.txt"
        size = 0x10
        writable = true
    """
    words = [0x31323334, 0x35000000, 0, 0]
    with load(folder, text) as machine:
        _rom, ram, flash, file = machine.board.components
        assert machine.board.engine == "reference"
        assert machine.program is None
        assert machine.board.memory.dump(0, 12).tolist() == words
        assert isinstance(ram, Ram)
        assert ram.words.tolist() == words
        assert ram.metadata().hardware_id == 0x123456789ABCDEF0
        assert isinstance(flash, FlashMemory)
        assert flash.words.tolist() == words
        assert isinstance(file, FileMemory)
        file.write(12, 1)
    assert (folder / "data.txt").read_bytes() == b"12345" + bytes(10) + b"\x01"


def test_a_program_from_outside(folder: Path) -> None:
    with load(folder, '[[component]]\ntype = "rom"\nsize = 8', HALT) as machine:
        assert machine.program is HALT
        assert machine.board.memory.read(0) == 0xF0000000
    with pytest.raises(MachineError, match=r"component 0 \(rom\): there is no program: add `prog"):
        load(folder, '[[component]]\ntype = "rom"')
    text = '[[component]]\ntype = "rom"\nprogram = "halt.lasm"'
    assert "no place for the program halt: it goes to a `rom`" in problems(folder, text, HALT)[0]


def test_a_map_without_a_program(folder: Path) -> None:
    path = folder / "machine.toml"
    path.write_text('[[component]]\ntype = "rom"\nsize = 0x100')
    with load_machine(path, needs_program=False) as machine:
        assert machine.board.mappings.of(0) == Mapping(0, 0, 0xFC)


def test_errors_of_the_program(folder: Path) -> None:
    (folder / "bad.lasm").write_text("nonsense")
    with pytest.raises(AssemblyError, match=r"bad\.lasm:1:1"):
        load(folder, '[[component]]\ntype = "rom"\nprogram = "bad.lasm"')


def test_an_engine_chosen_outside(folder: Path) -> None:
    path = folder / "machine.toml"
    path.write_text('engine = "auto"\n[[component]]\ntype = "ram"\nsize = 4')
    with load_machine(path, engine="reference") as machine:
        assert machine.board.engine == "reference"


SETTINGS_OF_RAM = (
    "settings of ram: size (a whole number, required), image (a path, as a string), "
    "hw_id (a whole number); all components take address, last, mapped"
)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("sise = 4", f"unknown setting 'sise' (did you mean 'size'?); {SETTINGS_OF_RAM}"),
        ("", f"setting 'size' is missing; {SETTINGS_OF_RAM}"),
        (
            'size = "4"',
            "setting 'size' must be a whole number, not '4': write 4, without quotes; settings of",
        ),
        ("size = true", f"setting 'size' must be a whole number, not true; {SETTINGS_OF_RAM}"),
        (
            "size = 4.0",
            f"setting 'size' must be a whole number, not 4.0: write 4; {SETTINGS_OF_RAM}",
        ),
        (
            "size = 4\nimage = 3",
            f"setting 'image' must be a path, as a string, not 3; {SETTINGS_OF_RAM}",
        ),
        ("size = 6", "size 6 must be a multiple of 4 bytes, from 4 to 4294967292"),
        ("size = 4\naddress = 'x'", "`address` must be a whole number, not 'x'"),
        ("size = 4\naddress = true", "`address` must be a whole number, not True"),
        ("size = 4\nlast = 4", "`last` needs an `address` as well"),
        ("size = 4\nmapped = 1", "`mapped` must be true or false, not 1"),
        ("size = 4\nmapped = false\naddress = 4", "`address` and `mapped = false` exclude"),
        ("size = 4\naddress = 2", "address 0x00000002 for component 0 (RAM) is not a multiple"),
        ("size = 4\naddress = 0x1_0000_0000", "past the address space's"),
        ("size = 4\naddress = 0\nlast = 4", "has 8 bytes, component 0 (RAM) only 4"),
        ("size = 4\nimage = 'nowhere'", "nowhere: No such file or directory"),
    ],
)
def test_mistakes_in_a_component(folder: Path, entry: str, problem: str) -> None:
    (found,) = problems(folder, f'[[component]]\ntype = "ram"\n{entry}')
    assert found.startswith("component 0 (ram): ")
    assert problem in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no components: add some, each under a [[component]] of its own"),
        ("component = 3", "`component` must be tables, each under a [[component]] of its own"),
        ("[component]\ntype = 'ram'", "`component` must be tables"),
        (
            "components = []",
            "unknown key 'components' (did you mean 'component'?); known are engin",
        ),
        ("engine = 'fast'", "unknown engine 'fast'; known are auto, reference"),
        ("engine = ", "not valid TOML: Invalid value (at end of document)"),
        ("[[component]]\nsize = 4", "component 0: needs a `type`, one of buffered-display, "),
        (
            "[[component]]\ntype = 'rma'",
            "component 0 (rma): unknown type 'rma' (did you mean 'rom'?); known are buffered-disp",
        ),
    ],
)
def test_mistakes_in_the_file(folder: Path, text: str, problem: str) -> None:
    assert problems(folder, text)[0].startswith(problem)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    text = """
        speed = 3
        [[component]]
        type = "ram"
        [[component]]
        type = "ram"
        size = 4
        [[component]]
        type = "vga"
    """
    assert [item.partition(";")[0] for item in problems(folder, text)] == [
        "unknown key 'speed'",
        "component 0 (ram): setting 'size' is missing",
        "component 2 (vga): unknown type 'vga'",
    ]
    text = """
        [[component]]
        type = "ram"
        size = 8
        [[component]]
        type = "ram"
        size = 8
        address = 4
        [[component]]
        type = "ram"
        size = 8
        address = 6
    """
    overlap, unaligned = problems(folder, text)
    assert "overlaps component 0 (RAM), mapped at 0x00000000 -> 0x00000007" in overlap
    assert overlap.startswith("component 1 (ram): ")
    assert unaligned.startswith("component 2 (ram): ")


def test_no_file_stays_open_after_a_mistake(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[FileMemory] = []
    close = FileMemory.close

    def noted(memory: FileMemory) -> None:
        closed.append(memory)
        close(memory)

    monkeypatch.setattr(FileMemory, "close", noted)
    text = "[[component]]\ntype = 'file'\npath = 'data.txt'\nsize = 4\n[[component]]\ntype = 'x'"
    problems(folder, text)
    assert len(closed) == 1
    problems(folder, text.replace("'x'", "'clock'\naddress = 1"))
    assert len(closed) == 2


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_machine(tmp_path / "machine.toml")


# --- the default machine -----------------------------------------------------------------------


def test_the_layout_of_the_default_machine() -> None:
    """Programs rely on these addresses."""
    with default_machine(HALT) as machine:
        found = {
            kind: str(machine.board.mappings.of(index)) for index, kind in enumerate(machine.types)
        }
    assert found == {
        "rom": "0x00000000 -> 0x0000EFFF",
        "ram": "0x00010000 -> 0x0010FFFF",
        "character-display": "0x0000F000 -> 0x0000F003",
        "character-keyboard": "0x0000F010 -> 0x0000F017",
        "clock": "0x0000F020 -> 0x0000F037",
        "debug": "0x0000F040 -> 0x0000F07F",
        "number-display": "0x0000F080 -> 0x0000F0BF",
        "line-keyboard": "0x0000F400 -> 0x0000F7FF",
        "buffered-display": "0x0000F800 -> 0x0000FFFF",
    }


def test_the_default_machine_talks_to_its_host(tmp_path: Path, engine: str) -> None:
    source = tmp_path / "talk.lasm"
    source.write_text("""
        cpy ac0, 0xf000
        wsa ac0, 0x14, 1            ; a key ...
        lsa a0, ac0, 0x10
        wsa ac0, 0, a0              ; ... is shown
        wsa ac0, 0x40, 0x2a         ; debug, hexadecimal u8
        wsa ac0, 0x98, 42           ; decimal, without a newline
        cpy ac1, 0xf7fc
        wsa ac1, 0xaa               ; a line ...
        sub ac1, 0x3fc
        lsa a0, ac1
        cpy ac2, 0xf800
        wsa ac2, a0
        cpy ac2, 0xfffc
        wsa ac2, 0xaa               ; ... is shown, its first four bytes
        cpy ac0, 0x10
        shl ac0, 16
        lsa a0, ac0, 0
        halt
    """)
    host = Recorder("k", "line")
    with default_machine(load_program(source), host=host, engine=engine) as machine:
        assert machine.board.run().reason is StopReason.HALTED
    assert host.shown == ["k", "0x2A\n", "42", "line"]


def test_a_program_too_large_for_the_default_machine() -> None:
    with default_machine(Image("full", bytes(0xF000))):
        pass
    with pytest.raises(MachineError) as caught:
        default_machine(Image("large", bytes(0xF004)))
    assert caught.value.problems[0] == (
        "component 0 (rom): content of 61444 bytes does not fit the 61440 bytes of BootROM"
    )
    assert "lrvm info --toml" in caught.value.problems[1]


def test_the_default_machine_is_a_machine_file() -> None:
    document = tomllib.loads(DEFAULT_MACHINE_FILE.read_text())
    assert {entry["type"] for entry in document["component"]} <= component_types().keys()
    with load_machine(DEFAULT_MACHINE_FILE, program=HALT) as machine:
        assert machine.source == str(DEFAULT_MACHINE_FILE)


def test_the_standard_host(capsys: pytest.CaptureFixture[str]) -> None:
    host = Host()
    host.show("text")
    assert capsys.readouterr().out == "text"
