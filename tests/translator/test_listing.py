"""The listing of what the translator makes."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from lrvm_jit import TranslatorOptions
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import INSTRUCTIONS, Op, Reg
from lrvm_jit.jit.analysis.discovery import Discovery
from lrvm_jit.jit.analysis.instructions import instruction_at
from lrvm_jit.jit.analysis.region import Region
from lrvm_jit.jit.code import located_code
from lrvm_jit.jit.code.compiler import assembly, choose_pipeline
from lrvm_jit.jit.code.listing import NothingToTranslateError, explain, why_interpreted
from lrvm_jit.jit.code.located_code import generate_located
from lrvm_jit.jit.emit.function import Generated, generate
from lrvm_tools.images import load_image
from lrvm_tools.lasm import assemble_program

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
again:
    cpy ac0, 100
inner:
    lsa a0, a1, 4
    call twice
    dec ac0
    ifnq
    jp inner
    hwd a0, 0, 0
    dec a2
    ifnq
    jp again
    halt
twice:
    add a0, a0
    ret
"""
WORDS = assemble_program(PROGRAM).words
NAMES = {0: "again", 4: "inner", 44: "twice"}


def region_at(words: list[int], start: int, supervisor: bool = True) -> Region | None:
    def word_at(pc: int) -> int | None:
        return words[pc >> 2] if pc < 4 * len(words) else None

    return Discovery(word_at, supervisor, 400, enter_at_start=True).region(start)


def example_regions() -> list[tuple[str, Region]]:
    """Regions of the examples, of all kinds and sizes."""
    regions = []
    for name in ("benchmark", "brainfuck", "hello_world", "two_tasks"):
        image = load_image(ROOT / "examples" / name / f"{name}.lasm")
        assert image.assembly is not None
        words = [int(word) for word in image.words]
        for entry in image.assembly.entries[:4]:
            region = region_at(words, entry.value) if entry.is_label else None
            if region is not None:
                regions.append((f"{name}, {entry.name}", region))
    return regions


REGIONS = example_regions()


# --- guest code --------------------------------------------------------------------------------


def test_the_guest_code() -> None:
    shown = explain(WORDS, 4, names=NAMES)
    assert shown.guest == (
        "; Region of 0x00000004 (inner), for supervisor mode: "
        "12 instructions in 6 blocks, entered at\n"
        "; 0x00000004 (inner) and 0x0000001C.\n"
        "\n"
        "; block b3\n"
        "again:\n"
        "    0x00000000  cpy ac0, 0x64               ; to b0\n"
        "\n"
        "; block b0, entry, leaves when 7 or fewer cycles are left\n"
        "inner:\n"
        "    0x00000004  lsa a0, a1, 0x4\n"
        "    0x00000008  call 0x2c                   ; to b2\n"
        "\n"
        "; block b4\n"
        "    0x0000000C  dec ac0\n"
        "    0x00000010  ifnq                        ; else to b5\n"
        "    0x00000014  jp 0x4                      ; to b0\n"
        "\n"
        "; block b5\n"
        "    0x00000018  hwd a0, 0x0, 0x0            ; interpreted: it asks for the components\n"
        "\n"
        "; block b1, entry, leaves when 4 or fewer cycles are left\n"
        "    0x0000001C  dec a2\n"
        "    0x00000020  ifnq                        ; else out to 0x00000028\n"
        "    0x00000024  jp 0x0                      ; to b3\n"
        "\n"
        "; block b2, in the call that returns to 0x0000000C\n"
        "twice:\n"
        "    0x0000002C  add a0, a0\n"
        "    0x00000030  ret                         ; to b4 or out\n"
    )
    assert shown.entries == (4, 0x1C)
    assert shown.interpreted == (0x18,)
    assert (shown.start, shown.supervisor, shown.instruction_count) == (4, True, 12)


def test_names_are_optional() -> None:
    text = explain(WORDS, 4).guest
    assert "inner" not in text
    assert "; Region of 0x00000004, for supervisor mode" in text


def test_modes() -> None:
    words = assemble_program("loop: add a0, 1\ncpy a1, ssp\njp loop").words
    assert explain(words, 0).interpreted == ()
    shown = explain(words, 0, supervisor=False)
    assert shown.interpreted == (4,)
    assert "for userland mode" in shown.guest
    assert "interpreted: userland must not read ssp" in shown.guest


def test_targets_of_computed_jumps() -> None:
    words = assemble_program("jp a0\nadd a1, 1\njp 0").words
    alone = explain(words, 0)
    assert alone.instruction_count == 1
    assert re.search(r"jp a0 +; out$", alone.guest, re.M)
    told = explain(words, 0, targets=[4])
    assert told.instruction_count == 3
    assert re.search(r"jp a0 +; to b\d or out$", told.guest, re.M)


def test_jump_tables() -> None:
    """The jump's line tells from which table the target comes."""
    program = assemble_program("lsa pc, a0, table\none: jp 0\ntwo: jp 0\ntable: #d32 one, two")
    names = {address: name for name, address in program.symbols.items()}
    shown = explain(program.words, 0, names=names, targets=[4, 8])
    assert re.search(
        r"lsa pc, a0, 0xc +; to b\d or to b\d or out, by the table at 0x0000000C \(table\)$",
        shown.guest,
        re.M,
    )


def test_options() -> None:
    words = assemble_program("add a0, a1\n" * 100 + "halt").words
    assert explain(words, 0).instruction_count == 101
    few = TranslatorOptions(max_instructions=10)
    assert explain(words, 0, options=few).instruction_count == 10
    quick = explain(WORDS, 4, options=TranslatorOptions(optimize=False))
    assert quick.assembly != explain(WORDS, 4).assembly


# --- native code -------------------------------------------------------------------------------


def test_native_code_names_the_guest_instructions() -> None:
    shown = explain(WORDS, 4)
    for text in (shown.ir, shown.assembly):
        assert re.search(r"^\s+[;#] 0x00000004  lsa a0, a1, 0x4$", text, re.M)
        assert re.search(r"^\s+[;#] 0x00000008  call 0x2c$", text, re.M)
    assert "define " in shown.ir
    assert "region:" in shown.assembly


def test_the_last_address_can_be_named() -> None:
    # Line numbers of locations are addresses in words plus 1, which must not wrap around.
    add = encode("add", Reg.A0, 1)
    region = Discovery(
        lambda pc: add if pc >= 0xFFFF_FFF0 else None, True, 400, enter_at_start=True
    ).region(0xFFFF_FFFC)
    assert region is not None
    assert "line: 1073741824," in generate_located(region).text


def test_nothing_of_the_debug_information_is_left() -> None:
    shown = explain(WORDS, 4)
    assert not re.search(r"!dbg|DILocation|llvm\.dbg|module\.flags|DISubprogram", shown.ir)
    assert not re.search(r"\.loc|\.cfi|\.file|Ltmp|func_begin", shown.assembly)
    defined = re.findall(r"^!(\d+) =", shown.ir, re.M)
    used = set(re.findall(r"!(\d+)\b(?! =)", shown.ir))
    assert set(defined) == used


@pytest.mark.parametrize("case", REGIONS, ids=lambda case: case[0])
def test_locations_are_all_that_is_added(case: tuple[str, Region]) -> None:
    _, region = case
    plain, located = generate(region), generate_located(region)
    text = re.sub(r",? !dbg !\d+", "", located.text)
    assert text[: len(plain.text)] == plain.text
    assert text[len(plain.text) :].startswith("!llvm.module.flags")
    assert located.has_loops == plain.has_loops


@pytest.mark.parametrize("case", REGIONS, ids=lambda case: case[0])
def test_the_listing_shows_the_code_that_runs(case: tuple[str, Region]) -> None:
    _, region = case
    plain = generate(region)
    code = assembly(plain.text, choose_pipeline(True, plain.has_loops))
    ir, shown = located_code.located_code(region, True)
    assert "# 0x" in shown
    assert "; 0x" in ir
    bare = [line for line in shown.splitlines() if not line.startswith("\t# ")]
    assert bare == [line for line in code.splitlines() if not line.startswith("\t.file")]


def test_code_that_locations_would_change_is_shown_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = region_at([int(word) for word in WORDS], 44)
    assert other is not None

    def located(region: Region) -> Generated:
        return generate_located(other)

    monkeypatch.setattr(located_code, "generate_located", located)
    shown = explain(WORDS, 4)
    region = region_at([int(word) for word in WORDS], 4)
    assert region is not None
    plain = generate(region)
    assert shown.assembly == assembly(plain.text, choose_pipeline(True, plain.has_loops))
    assert "; 0x" not in shown.ir


# --- what cannot be translated -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "supervisor", "reason"),
    [
        ("halt", True, "it halts the CPU"),
        ("halt", False, "userland must not use it"),
        ("lsm 0x100", True, "it leaves supervisor mode"),
        ("itr 0x1", True, "it raises an exception"),
        ("reset 0x0", True, "it resets the machine"),
        ("hwd a0, 0x0, 0x0", True, "it asks for the components"),
        ("cpy et, 0x1", True, "et must not be written"),
        ("cpy ssp, 0x1", False, "userland must not write ssp"),
        ("cpy a0, smt", False, "userland must not read smt"),
        ("cpy smt, 0x1", True, "writing smt changes how addresses are translated"),
        ("inc af", True, "af must not be written"),
        ("ex pc, a0", True, "it writes pc together with something else"),
        ("if a0", True, "its flag is known only when it runs"),
    ],
)
def test_reasons(source: str, supervisor: bool, reason: str) -> None:
    words = assemble_program(source).words
    with pytest.raises(NothingToTranslateError) as caught:
        explain(words, 0, supervisor=supervisor)
    assert str(caught.value) == (
        f"nothing to translate at 0x00000000: `{source}` is left to the interpreter, as {reason}"
    )


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (2, "instructions have addresses that are multiples of 4"),
        (8, "the program ends at 0x00000008"),
        (4, "the word 0x00000001 is no instruction"),
    ],
)
def test_no_instruction_there(start: int, reason: str) -> None:
    with pytest.raises(NothingToTranslateError, match=f"at 0x{start:08X}: {reason}"):
        explain([encode("halt"), 1], start)


def random_words(count: int) -> list[int]:
    """Words most of which are instructions."""
    rng = random.Random(20)
    words = []
    for _ in range(count):
        row = rng.choice(INSTRUCTIONS)
        operands = bytes(rng.choice((rng.randrange(32), rng.randrange(256))) for _ in range(3))
        word = row.opcode << 27 | rng.randrange(8) << 24 | int.from_bytes(operands, "big")
        words.append(word)
    return words


@pytest.mark.parametrize("supervisor", [True, False])
def test_there_is_a_reason_exactly_for_what_is_not_translated(supervisor: bool) -> None:
    ops: set[Op | None] = set()
    for word in random_words(20_000):
        instruction = instruction_at(0, word, supervisor)
        reason = why_interpreted(instruction, supervisor)
        assert bool(reason) is not instruction.translatable, f"0x{word:08x}"
        ops.add(instruction.op)
    assert ops == {None, *(row.opcode for row in INSTRUCTIONS)}
