"""Includes and data from files: what the cases of `lasm/files.lasm` cannot say."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrvm_tools.lasm import AssemblyError, assemble_file, assemble_program, assemble_program_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the program, with something out of its reach beside it."""
    (tmp_path / "outside.lasm").write_text("halt")
    program = tmp_path / "program"
    program.mkdir()
    return program


def write(folder: Path, **files: str) -> Path:
    """Write files and return the path of main.lasm."""
    for name, text in files.items():
        (folder / f"{name}.lasm").write_text(text, encoding="utf-8")
    return folder / "main.lasm"


def assembled(main: Path, *include_paths: Path) -> str:
    return assemble_program_file(main, include_paths).bytes.hex()


def refusal(main: Path, *include_paths: Path) -> str:
    with pytest.raises(AssemblyError) as caught:
        assemble_program_file(main, include_paths)
    return str(caught.value)


def test_names_are_relative_to_the_working_folder_without_a_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, a="#d8 7")
    monkeypatch.chdir(folder)
    assert assemble_program('#include "a.lasm"').bytes.hex() == "07"
    assert assemble_program('#include "a.lasm"', "main.lasm").bytes.hex() == "07"


def test_shown_paths_are_as_relative_as_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, main='#include "a.lasm"', a="jp nothing")
    assert f"{folder}/a.lasm:1:4: error:" in refusal(folder / "main.lasm")
    monkeypatch.chdir(folder.parent)
    assert refusal(Path("program/main.lasm")).startswith("program/a.lasm:1:4: error:")


def test_files_that_are_no_text(folder: Path) -> None:
    main = write(folder, main='#include "a.lasm"')
    (folder / "a.lasm").write_bytes(b"halt\n\xff\xfe")
    assert "a.lasm:2: the file is not UTF-8 text" in refusal(main)
    main.write_bytes(b"halt\n; \xff")
    assert "main.lasm:2:1: error: the file is not UTF-8 text" in refusal(main)


def test_a_name_that_is_too_long(folder: Path) -> None:
    assert "main.lasm:1:10: error: " in refusal(write(folder, main=f'#include "{"a" * 5000}"'))


def test_links(folder: Path) -> None:
    """In a circle, and out of the folder."""
    (folder / "a.lasm").symlink_to(folder / "b.lasm")
    (folder / "b.lasm").symlink_to(folder / "a.lasm")
    assert "main.lasm:1:10: error: " in refusal(write(folder, main='#include "a.lasm"'))
    (folder / "link.lasm").symlink_to(folder.parent / "outside.lasm")
    assert "out of reach" in refusal(write(folder, main='#include "link.lasm"'))


@pytest.mark.parametrize("times", [1, 2], ids=["chain", "tree that doubles"])
def test_very_many_files_are_refused(folder: Path, times: int) -> None:
    files = {f"f{number}": f'#include "f{number + 1}.lasm"\n' * times for number in range(200)}
    main = write(folder, main='#include "f0.lasm"', f200="halt", **files)
    assert "too many files are included" in refusal(main)


def test_an_absolute_name_out_of_reach(folder: Path) -> None:
    outside = folder.parent / "outside.lasm"
    assert "out of reach" in refusal(write(folder, main=f'#include "{outside}"'))


@pytest.mark.parametrize("start", ["", "#ruledef { x => 0x1\n}\n"], ids=["", "with rules"])
def test_an_include_path_allows_its_folder(folder: Path, start: str) -> None:
    main = write(folder, main=start + '#include "../outside.lasm"')
    assert "out of reach" in refusal(main)
    assert assembled(main, folder.parent) == "f0000000"


@pytest.mark.parametrize("start", ["", "#ruledef { x => 0x1\n}\n"], ids=["", "with rules"])
def test_an_include_path_is_searched_after_the_own_folder(folder: Path, start: str) -> None:
    shared = folder.parent / "shared"
    shared.mkdir()
    write(shared, a="#d8 1", b="#d8 2")
    main = write(folder, main=start + '#include "a.lasm"\n#include "b.lasm"', b="#d8 3")
    assert assembled(main, shared) == "0103"


def test_data_larger_than_any_integer(folder: Path) -> None:
    content = bytes(range(256)) * 400
    (folder / "data.bin").write_bytes(content)
    assembly = assemble_program_file(write(folder, main='x: #d incbin("data.bin")\ny: #d16 1'))
    assert assembly.bytes == content + b"\0\1"
    assert assembly.symbols["y"] == len(content)


def test_words_of_a_file(folder: Path) -> None:
    main = write(folder, main='#d "abcde"')
    assert assemble_file(main).tolist() == [0x61626364, 0x65000000]
    assert assemble_file(str(main)).tolist() == [0x61626364, 0x65000000]
    with pytest.raises(FileNotFoundError):
        assemble_file(folder / "none.lasm")
