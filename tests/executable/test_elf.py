"""Executables as ELF files: what is written comes back, and other tools read it too."""

from __future__ import annotations

import dataclasses
import io
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.dwarf.callframe import FDE
from elftools.elf.elffile import ELFFile

from lrvm_tools.executable import Executable, ExecutableError, MachineDescription
from lrvm_tools.executable.elf import MACHINE
from lrvm_tools.executable.elf_program import from_elf, to_elf
from tests.executable.samples import everything, program


@pytest.fixture(scope="module")
def image() -> bytes:
    return to_elf(everything())


def facts(executable: Executable) -> dict[str, object]:
    """All of an executable, in a form that can be compared."""
    fields = {
        field.name: getattr(executable, field.name) for field in dataclasses.fields(executable)
    }
    fields["segments"] = [
        (s.address, s.words.tolist(), s.size, s.executable, s.writable) for s in executable.segments
    ]
    fields["machine_description"] = executable.machine_description.toml
    return fields


def test_everything_comes_back(image: bytes) -> None:
    assert facts(from_elf(image, "everything")) == facts(everything())


def test_a_program_without_debug_information_comes_back() -> None:
    sample = program("halt")
    assert facts(from_elf(to_elf(sample), "sample")) == {
        **facts(sample),
        "producer": "",
    }


def test_saving_and_loading(tmp_path: Path) -> None:
    path = tmp_path / "a.elf"
    path.write_bytes(b"older")
    everything().save(path)
    assert Executable.load(path).symbols["work"] == 0x20
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="nowhere"):
        everything().save(tmp_path / "nowhere" / "a.elf")


def read(data: bytes) -> tuple[str, Executable | None]:
    """The program in a file, or the message that says why there is none."""
    try:
        return "", from_elf(data)
    except ExecutableError as error:
        return str(error), None


# --- damage --------------------------------------------------------------------------------------


def test_one_wrong_byte_is_an_error_or_changes_nothing_that_counts(image: bytes) -> None:
    """Each byte of the file in turn. Only the tables that point to the content can be wrong without
    a word, and only in fields that nobody uses."""
    good = facts(from_elf(image))
    unnoticed = 0
    for at in range(len(image)):
        damaged = bytearray(image)
        damaged[at] ^= 1 << at % 8
        message, found = read(bytes(damaged))
        if message:
            assert "\n" not in message
        else:
            unnoticed += 1
            assert found is not None
            assert facts(found) == good
    assert unnoticed < len(image) // 5


@pytest.mark.parametrize("step", [1, 7, 64])
def test_a_file_cut_short_is_an_error(image: bytes, step: int) -> None:
    for length in range(4, len(image) - 40, step * 13):
        with pytest.raises(ExecutableError):
            from_elf(image[:length])


def test_random_damage_is_one_clear_error(image: bytes) -> None:
    chance = random.Random(14)
    errors = 0
    for _ in range(500):
        damaged = bytearray(image)
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(image))
            damaged[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, chance.randbytes(4)])
        message, _ = read(bytes(damaged))
        errors += message.startswith("program: ")
        # Zeros for zeros are no damage.
        assert message.startswith("program: ") or not message
    assert errors > 450


def test_damaged_debug_information_with_right_digests_is_an_error(
    monkeypatch: pytest.MonkeyPatch, image: bytes
) -> None:
    """What a file's maker got wrong, rather than a disk."""
    from lrvm_tools.executable import elf_program

    monkeypatch.setattr(elf_program, "_check_digests", lambda elf, note, machine: None)
    chance = random.Random(7)
    errors = 0
    for _ in range(1500):
        damaged = bytearray(image)
        at = chance.randrange(0x74, len(image))
        damaged[at] = chance.randrange(256)
        try:
            from_elf(bytes(damaged))
        except ExecutableError:
            errors += 1
    assert errors > 50


def _other(**fields: tuple[int, int]) -> bytes:
    """The header of the file with other bytes at offset: value."""
    data = bytearray(to_elf(program("halt")))
    for offset, value in fields.values():
        data[offset] = value
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x7fELF", "the file's header is cut short"),
        (_other(bits=(4, 2)), "not 32 bits, big-endian"),
        (_other(order=(5, 1)), "not 32 bits, big-endian"),
        (_other(machine=(18, 0)), f"its number is 86, not {MACHINE}"),
        (_other(type=(17, 1)), "its type is 1"),
        (_other(flags=(39, 9)), "its ABI is 9, not 1"),
    ],
)
def test_files_for_others(data: bytes, message: str) -> None:
    with pytest.raises(ExecutableError, match=message):
        from_elf(data)


def test_an_elf_file_of_this_system_is_refused() -> None:
    native = Path("/bin/sh").read_bytes()
    with pytest.raises(ExecutableError, match="another machine"):
        from_elf(native)


def test_a_file_without_the_machine_is_refused() -> None:
    sample = program("halt")
    other = dataclasses.replace(sample, machine_description=MachineDescription("[["))
    with pytest.raises(ValueError, match="not valid TOML"):
        from_elf(to_elf(other)).machine()


# --- other tools ---------------------------------------------------------------------------------


def test_pyelftools_reads_symbols_lines_and_types(image: bytes) -> None:
    elf = ELFFile(io.BytesIO(image))
    assert elf["e_machine"] == MACHINE
    assert not elf.little_endian
    symbols = {s.name: s for s in elf.get_section_by_name(".symtab").iter_symbols()}
    assert symbols["work"]["st_value"] == 0x20
    assert symbols["work"]["st_info"]["type"] == "STT_FUNC"
    assert symbols["hidden"]["st_info"]["bind"] == "STB_LOCAL"
    dwarf = elf.get_dwarf_info()
    (unit,) = dwarf.iter_CUs()
    rows = [
        (e.state.address, e.state.line, e.state.column, e.state.is_stmt)
        for e in dwarf.line_program_for_CU(unit).get_entries()
        if e.state and not e.state.end_sequence
    ]
    assert rows == [(r.address, r.line, r.column, r.is_statement) for r in everything().rows]
    functions = [die for die in unit.iter_DIEs() if die.tag == "DW_TAG_subprogram"]
    assert [die.attributes["DW_AT_name"].value for die in functions] == [
        b"start",
        b"work",
        b"hidden",
    ]
    parameter = next(functions[1].iter_children())
    assert parameter.tag == "DW_TAG_formal_parameter"
    assert parameter.get_DIE_from_attribute("DW_AT_type").attributes["DW_AT_name"].value == b"int"
    frames = [entry for entry in dwarf.CFI_entries() if isinstance(entry, FDE)]
    table = frames[0].get_decoded().table
    # Before the prologue's end, then as the frame says: 16 bytes above the stack pointer.
    assert [(line["pc"], line["cfa"].reg, line["cfa"].offset) for line in table] == [
        (0x20, 0x18, 4),
        (0x28, 0x18, 16),
        (0x60, 0x18, 4),
    ]
    assert table[1][0x0D].arg == -12


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("readelf", "-a", "-W"), ["FUNC    LOCAL  DEFAULT    1 hidden", "LIMIT", "NOTE"]),
        (
            ("readelf", "--debug-dump=decodedline"),
            ["work.c                                        10                0x20"],
        ),
        (
            ("readelf", "--debug-dump=info,loc"),
            [
                "DW_OP_fbreg: -12",
                "(DW_OP_reg4 (r4); DW_OP_piece: 4; DW_OP_reg3 (r3); DW_OP_piece: 4)",
                "DW_OP_consts: -5; DW_OP_stack_value",
                "DW_AT_data_bit_offset: 64",
            ],
        ),
        (("readelf", "--debug-dump=frames"), ["DW_CFA_def_cfa: r24 ofs 16"]),
        (("objdump", "--dwarf=info"), ["DW_TAG_union_type"]),
    ],
)
def test_binutils_read_it(
    command: tuple[str, ...], expected: list[str], image: bytes, tmp_path: Path
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    path = tmp_path / "a.elf"
    path.write_bytes(image)
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    for text in expected:
        assert text in done.stdout
    complaints = [
        line for line in done.stderr.splitlines() if "not currently supported" not in line
    ]
    assert complaints == []
