"""Includes and data from files: where names lead, how far they reach, cycles."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrvm_tools.lasm import AssemblyError, assemble_file, assemble_program, assemble_program_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the program, with something out of its reach beside it."""
    (tmp_path / "outside.lasm").write_text("halt")
    program = tmp_path / "program"
    (program / "lib").mkdir(parents=True)
    return program


def write(folder: Path, **files: str) -> Path:
    """Write files (`lib__x` is lib/x.lasm) and return the path of main.lasm."""
    for name, text in files.items():
        (folder / f"{name.replace('__', '/')}.lasm").write_text(text, encoding="utf-8")
    return folder / "main.lasm"


def assembled(main: Path, *include_paths: Path) -> str:
    return assemble_program_file(main, include_paths).bytes.hex()


def refusal(main: Path, *include_paths: Path) -> str:
    with pytest.raises(AssemblyError) as caught:
        assemble_program_file(main, include_paths)
    return str(caught.value)


class TestInclude:
    def test_included_in_place(self, folder: Path) -> None:
        main = write(folder, main='x: #include "a.lasm"\njp y', a="#d32 x\ny:")
        assert assembled(main) == "000000000c160004"

    def test_names_are_relative_to_the_including_file(self, folder: Path) -> None:
        main = write(
            folder, main='#include "lib/a.lasm"', lib__a='#include "b.lasm"', lib__b="#d8 5"
        )
        assert assembled(main) == "05"

    def test_names_may_lead_up_within_the_folder(self, folder: Path) -> None:
        main = write(folder, main='#include "lib/a.lasm"', lib__a='#include "../b.lasm"', b="#d8 6")
        assert assembled(main) == "06"

    def test_without_a_path_names_are_relative_to_the_working_folder(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, a="#d8 7")
        monkeypatch.chdir(folder)
        assert assemble_program('#include "a.lasm"').bytes.hex() == "07"
        assert assemble_program('#include "a.lasm"', "main.lasm").bytes.hex() == "07"

    def test_once(self, folder: Path) -> None:
        main = write(folder, main='#include "a.lasm"\n#include "lib/../a.lasm"', a="#once\nx: halt")
        assert assembled(main) == "f0000000"

    def test_without_once_a_file_counts_each_time(self, folder: Path) -> None:
        main = write(folder, main='#include "a.lasm"\n#include "a.lasm"', a="#d8 1")
        assert assembled(main) == "0101"

    def test_only_the_arm_taken_includes(self, folder: Path) -> None:
        source = '#if 1 == 2 { #include "missing.lasm" }\n#else { #include "a.lasm" }\n#d8 v'
        main = write(folder, main=source, a="v = 8")
        assert assembled(main) == "08"

    def test_byte_order_mark_in_an_included_file(self, folder: Path) -> None:
        main = write(folder, main='#include "a.lasm"', a="\ufeffhalt")
        assert assembled(main) == "f0000000"

    def test_errors_name_the_included_file(self, folder: Path) -> None:
        main = write(folder, main='#include "lib/a.lasm"\njp nowhere', lib__a="halt\n  jp nothing")
        text = refusal(main)
        assert f"{folder}/lib/a.lasm:2:6: error: unknown symbol `nothing`" in text
        assert f"{folder}/main.lasm:2:4: error: unknown symbol `nowhere`" in text

    def test_shown_paths_are_as_relative_as_the_first(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, main='#include "lib/a.lasm"', lib__a="jp nothing")
        monkeypatch.chdir(folder.parent)
        assert refusal(Path("program/main.lasm")).startswith("program/lib/a.lasm:1:4: error:")

    def test_missing_file(self, folder: Path) -> None:
        text = refusal(write(folder, main='  #include "nope.lasm"'))
        assert "main.lasm:1:12: error: no file `nope.lasm`" in text
        assert f"hint: looked in {folder}" in text

    @pytest.mark.parametrize("name", ["lib", "", "a\\0b", "a" * 5000, "/dev/zero"])
    def test_names_of_no_file(self, folder: Path, name: str) -> None:
        assert "main.lasm:1:10: error: " in refusal(write(folder, main=f'#include "{name}"'))

    def test_file_that_is_no_text(self, folder: Path) -> None:
        main = write(folder, main='#include "a.lasm"')
        (folder / "a.lasm").write_bytes(b"halt\n\xff\xfe")
        assert "a.lasm:2: the file is not UTF-8 text" in refusal(main)

    def test_links_in_a_circle(self, folder: Path) -> None:
        (folder / "a.lasm").symlink_to(folder / "b.lasm")
        (folder / "b.lasm").symlink_to(folder / "a.lasm")
        assert "main.lasm:1:10: error: " in refusal(write(folder, main='#include "a.lasm"'))


class TestCycles:
    def test_cycle(self, folder: Path) -> None:
        main = write(
            folder,
            main='#include "a.lasm"',
            a='#include "lib/b.lasm"',
            lib__b='halt\n#include "../a.lasm"',
        )
        text = refusal(main)
        assert "lib/b.lasm:2:10: error: include cycle: a.lasm -> b.lasm -> a.lasm" in text

    def test_file_that_includes_itself(self, folder: Path) -> None:
        text = refusal(write(folder, main='#include "main.lasm"'))
        assert "include cycle: main.lasm -> main.lasm" in text

    def test_once_breaks_a_cycle(self, folder: Path) -> None:
        main = write(
            folder, main='#once\n#include "a.lasm"\nhalt', a='#once\n#include "main.lasm"\n#d32 1'
        )
        assert assembled(main) == "00000001f0000000"

    def test_long_chain_is_refused(self, folder: Path) -> None:
        files = {f"f{number}": f'#include "f{number + 1}.lasm"' for number in range(200)}
        main = write(folder, main='#include "f0.lasm"', f200="halt", **files)
        assert "too many files are included" in refusal(main)

    def test_tree_that_doubles_is_refused(self, folder: Path) -> None:
        files = {f"f{number}": f'#include "f{number + 1}.lasm"\n' * 2 for number in range(40)}
        main = write(folder, main='#include "f0.lasm"', f40="", **files)
        assert "too many files are included" in refusal(main)


class TestReach:
    def test_outside_of_the_folder(self, folder: Path) -> None:
        text = refusal(write(folder, main='#include "../outside.lasm"'))
        assert "`../outside.lasm` is out of reach: files must lie in" in text
        assert "hint: an include path allows another folder" in text

    def test_absolute_name(self, folder: Path) -> None:
        outside = folder.parent / "outside.lasm"
        assert "out of reach" in refusal(write(folder, main=f'#include "{outside}"'))

    def test_link_that_leads_out(self, folder: Path) -> None:
        (folder / "link.lasm").symlink_to(folder.parent / "outside.lasm")
        assert "out of reach" in refusal(write(folder, main='#include "link.lasm"'))

    def test_data_from_outside(self, folder: Path) -> None:
        assert "out of reach" in refusal(write(folder, main='#d incbin("../outside.lasm")'))

    def test_included_file_reaches_no_further(self, folder: Path) -> None:
        source = '#include "../../outside.lasm"'
        main = write(folder, main='#include "lib/a.lasm"', lib__a=source)
        assert "out of reach" in refusal(main)

    def test_include_path_allows_its_folder(self, folder: Path) -> None:
        main = write(folder, main='#include "../outside.lasm"')
        assert assembled(main, folder.parent) == "f0000000"

    def test_include_path_is_searched_after_the_own_folder(self, folder: Path) -> None:
        shared = folder.parent / "shared"
        shared.mkdir()
        write(shared, a="#d8 1", b="#d8 2")
        main = write(folder, main='#include "a.lasm"\n#include "b.lasm"', b="#d8 3")
        assert assembled(main, shared) == "0103"


class TestData:
    def test_incbin(self, folder: Path) -> None:
        (folder / "data.bin").write_bytes(bytes(range(0x80, 0x88)))
        source = '#d incbin("data.bin"), incbin("data.bin", 6), incbin("data.bin", 1, 2)'
        assert assembled(write(folder, main=source)) == "808182838485868786878182"

    def test_incbin_is_a_number_of_known_size(self, folder: Path) -> None:
        (folder / "data.bin").write_bytes(b"\x00\x05")
        source = 'cpy a0, incbin("data.bin")\ncpy a0, sizeof(incbin("data.bin"))'
        assert assembled(write(folder, main=source)) == "0c0000050c000010"

    def test_incbin_larger_than_any_integer(self, folder: Path) -> None:
        content = bytes(range(256)) * 400
        (folder / "data.bin").write_bytes(content)
        main = write(folder, main='x: #d incbin("data.bin")\ny: #d16 1')
        assembly = assemble_program_file(main)
        assert assembly.bytes == content + b"\0\1"
        assert assembly.symbols["y"] == len(content)

    def test_digits(self, folder: Path) -> None:
        (folder / "hex.txt").write_text("12 34\nab_C")
        (folder / "bits.txt").write_text("1010\n0001")
        source = '#d inchexstr("hex.txt"), incbinstr("bits.txt", 4), inchexstr("hex.txt", 1, 1)'
        assert assembled(write(folder, main=source)) == "1234abc120"

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            ('incbin("data", 5)', "the file has 4 bytes; 5 is past its end"),
            ('incbin("data", 1, 4)', "the file has 4 bytes; 4 from 1 on are too many"),
            ('incbin("data", -1)', "not negative, not -1"),
            ('incbin("none")', "no file `none`"),
            ("incbin(5)", "expected a string"),
            ("incbin()", "`incbin` takes 1 to 3 arguments, 0 given"),
            ('inchexstr("data")', "more in it than hexadecimal digits"),
            ('incbinstr("data")', "more in it than binary digits"),
        ],
    )
    def test_refusals(self, folder: Path, call: str, message: str) -> None:
        (folder / "data").write_bytes(b"0xfg")
        assert message in refusal(write(folder, main=f"#d {call}"))

    def test_relative_to_the_file_that_says_it(self, folder: Path) -> None:
        (folder / "lib" / "data.bin").write_bytes(b"\x09")
        source = '#fn data() => incbin("data.bin")'
        main = write(folder, main='#include "lib/a.lasm"\n#d data()', lib__a=source)
        assert assembled(main) == "09"


class TestFirstFile:
    def test_words_of_a_file(self, folder: Path) -> None:
        main = write(folder, main='#d "abcde"')
        assert assemble_file(main).tolist() == [0x61626364, 0x65000000]

    def test_path_as_text(self, folder: Path) -> None:
        assert assemble_file(str(write(folder, main="halt"))).tolist() == [0xF0000000]

    def test_file_that_cannot_be_read(self, folder: Path) -> None:
        with pytest.raises(FileNotFoundError):
            assemble_file(folder / "none.lasm")

    def test_file_that_is_no_text(self, folder: Path) -> None:
        (folder / "main.lasm").write_bytes(b"halt\n; \xff")
        assert "main.lasm:2:1: error: the file is not UTF-8 text" in refusal(folder / "main.lasm")
