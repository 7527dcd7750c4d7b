"""Sources, Intel HEX files and images changed at random: read, or refused in the documented way.

`make fuzz` sets LRVM_FUZZ for 40,000 sources, 5,000 HEX files and 2,000 images and more. A failing
case prints its seed.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lrvm_jit import Motherboard
from lrvm_tools.images import Image, ImageError, load_image
from lrvm_tools.lasm import AssemblyError, assemble_program, assemble_program_file
from lrvm_tools.lasm.formats import to_intel_hex
from lrvm_tools.machines import Host, load_machine
from tests.batch.damage import LONG, damaged

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.lasm"))
SOURCES = [path.read_bytes() for path in EXAMPLES]
WORDS = (
    *(b"#if ", b"#fn f(x) => ", b"#res ", b"#d8 ", b"#addr ", b"#include ", b"{", b"}", b"(", b")"),
    *(b'"', b";*", b"*;", b"\r", b"\n", b"0x", b"$", b"`8", b"[7:0]", b" ? ", b" : ", b"incbin("),
    *(b"-1", b"1 << 65535", b"le(", b".x:", b"x = x + 1\n", b"\xff", b"f(f(1))", b"assert("),
)


def changed(source: bytes, rng: random.Random) -> bytes:
    """A source with damage, or with more of the language in it than there was."""
    for _ in range(rng.randrange(1, 5)):
        if rng.randrange(2):
            source = damaged(source, rng)
        place = rng.randrange(len(source) + 1)
        source = source[:place] + rng.choice(WORDS) + source[place:] or b"x"
    return source


def test_sources(tmp_path: Path) -> None:
    path = tmp_path / "a.lasm"
    refused = 0
    for seed in range(40_000 * LONG or 250):
        rng = random.Random(seed)
        whole = rng.choice(SOURCES)
        start = rng.randrange(len(whole))
        path.write_bytes(changed(whole[start : start + 2000] or b"x", rng))
        try:
            assemble_program_file(path)
        except AssemblyError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    assert refused


def test_hex_files(tmp_path: Path) -> None:
    assembly = assemble_program("halt\n" * 40 + "#addr 0x1_0000\nhalt")
    whole = to_intel_hex(assembly).encode()
    path = tmp_path / "a.ihex"
    refused = 0
    for seed in range(5_000 * LONG or 100):
        path.write_bytes(damaged(whole, random.Random(seed)))
        try:
            image = load_image(path)
        except ImageError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        else:
            # White space and the case of digits tell nothing; a record may be there twice.
            assert image.data == assembly.bytes, seed
    assert refused


class Deaf(Host):
    """Shows nothing and answers nothing."""

    def show(self, text: str) -> None:
        """Forget it."""

    def read_character(self) -> str:
        return ""

    def read_line(self) -> str:
        return ""


def state(board: Motherboard, first_ram: int) -> tuple[object, ...]:
    words = [board.memory.read(first_ram + 4 * k) for k in range(64)]
    return list(board.cpu.regs), board.cpu.cycles, board.cpu.halted, words


# All types but the clock, whose answers are never the same.
MACHINE = """
[[component]]
type = "rom"
size = 0x1000
""" + "".join(
    f"[[component]]\ntype = '{kind}'\n"
    for kind in ("character-display", "character-keyboard", "number-display", "debug")
)
MACHINE += """
[[component]]
type = "line-keyboard"
size = 0x40
[[component]]
type = "buffered-display"
size = 0x40
[[component]]
type = "ram"
size = 0x1000
address = 0x10000
"""


@pytest.mark.filterwarnings("ignore:.*line:UserWarning")
def test_images(tmp_path: Path) -> None:
    """Whatever is run: no error of the host, and the compiled engine ends where the reference
    does."""
    path = tmp_path / "machine.toml"
    path.write_text(MACHINE)
    for seed in range(2_000 * LONG or 40):
        rng = random.Random(seed)
        image = Image("random", rng.randbytes(4 * rng.randrange(1, 200)))
        ends = []
        for engine in ("reference", "interpreter"):
            with load_machine(path, program=image, host=Deaf(), engine=engine) as machine:
                machine.board.run(2_000)
                ends.append(state(machine.board, 0x10000))
        assert ends[0] == ends[1], seed
