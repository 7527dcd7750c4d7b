"""Linking objects: what they need from elsewhere, data, and another processor's relocations."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import pytest

from lrvm_jit.machine_code import (
    CodeMemory,
    LoadedCode,
    LoadingError,
    Plan,
    RelocatableObject,
    elf,
    is_supported,
    machine,
)
from lrvm_jit.machine_code.relocation import AARCH64

OWN = pytest.mark.skipif(not is_supported(), reason="LLVM loads all code here")

OTHERS = """
@elsewhere = external global i64
@shared = common global [3 x i64] zeroinitializer, align 16
@counter = internal global i64 5
declare i64 @twice(i64)
define i64 @f(i64 %x) nounwind {
  %old = load volatile i64, ptr @counter
  %new = add i64 %old, 1
  store volatile i64 %new, ptr @counter
  %slot = getelementptr i64, ptr @shared, i64 2
  %kept = load volatile i64, ptr %slot
  %more = add i64 %kept, 100
  store volatile i64 %more, ptr %slot
  %there = load volatile i64, ptr @elsewhere
  %twice = call i64 @twice(i64 %x)
  %a = add i64 %old, %kept
  %b = add i64 %a, %there
  %c = add i64 %b, %twice
  ret i64 %c
}
define i64 @g(i64 %x) nounwind {
  %y = call i64 @f(i64 %x)
  %z = sub i64 0, %y
  ret i64 %z
}
"""
"""Both kinds of data, a function and a variable of somebody else."""


@cache
def target(triple: str, model: str, reloc: str) -> Any:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(triple).create_target_machine(
        opt=2, reloc=reloc, codemodel=model
    )


def compiled(text: str, model: str, reloc: str = "pic", of: str | None = None) -> bytes:
    made = target(f"{of or machine()}-unknown-linux-gnu", model, reloc)
    with llvm.parse_assembly(text) as module:
        return bytes(made.emit_object(module))


@OWN
@pytest.mark.parametrize(("model", "reloc"), [("small", "pic"), ("large", "static")])
def test_what_an_object_needs_from_elsewhere(model: str, reloc: str) -> None:
    """Functions far away are called through stubs, other variables are found in a table."""
    data = compiled(OTHERS, model, reloc)
    variable = ctypes.c_int64(7000)

    twice = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(lambda x: 2 * x)
    there = {
        "elsewhere": ctypes.addressof(variable),
        "twice": ctypes.cast(twice, ctypes.c_void_p).value or 0,
    }
    code = LoadedCode(data, "f", there.__getitem__)
    call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    assert [call(code.address)(x) for x in (1, 2)] == [7007, 7110]
    assert call(code.functions["g"])(1) == -7209
    del there["twice"]
    with pytest.raises(LoadingError, match="needs 'twice' from elsewhere"):
        LoadedCode(data, "f", there.__getitem__)
    with pytest.raises(LoadingError, match="needs "):
        LoadedCode(data, "f")


@OWN
def test_a_target_out_of_reach_is_named() -> None:
    if machine() != "x86_64":
        pytest.skip("made of relocations of x86-64")
    text = (
        "@v = external dso_local global i64\ndefine i64 @f() {\n%x = load i64, ptr @v\nret i64 %x}"
    )
    data = compiled(text, "small", "static")
    with pytest.raises(LoadingError, match="'v' is out of reach of a relocation R_X86_64_"):
        LoadedCode(data, "f", {"v": 1 << 40}.__getitem__)


@OWN
def test_memory_is_written_or_executed_and_used_again() -> None:
    memory = CodeMemory(5000)
    assert memory.size == 8192
    memory.write(8190, b"ab")
    for place, length in ((-1, 1), (8191, 2), (0, 8193)):
        with pytest.raises(ValueError, match="not within the 8192 of this memory"):
            memory.write(place, bytes(length))
    first, rights = memory.address, []
    for change in (memory.make_executable, memory.make_writable):
        change()
        [line] = [
            line for line in Path("/proc/self/maps").read_text().splitlines() if holds(line, first)
        ]
        rights.append(line.split()[1])
    assert rights == ["r-xp", "rw-p"]
    memory.release()
    again = CodeMemory(5000)
    # Where the other one was, and nothing of it is left.
    assert again.address == first
    assert ctypes.string_at(first + 8190, 2) == b"\0\0"


def holds(line: str, address: int) -> bool:
    start, end = (int(part, 16) for part in line.split()[0].split("-"))
    return start <= address < end


# --- aarch64 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "before", "distance", "after"),
    [
        (274, 0x10000007, 0x1004, 0x10008027),  # adr x7
        (275, 0x90000003, 0x12345678, 0xB0091A23),  # adrp x3
        (277, 0x91000063, 0x4678, 0x9119E063),  # add x3, x3
        (278, 0x39400061, 0x4678, 0x3959E061),  # ldrb w1, [x3]
        (279, 0x36180001, 0x1100, 0x36188801),  # tbz x1, #3
        (280, 0x54000003, 0x2000, 0x54010003),  # b.lo
        (282, 0x14000000, 0x800, 0x14000200),  # b
        (282, 0x14000000, -4, 0x17FFFFFF),
        (283, 0x94000000, 0x4000, 0x94001000),  # bl
        (284, 0x79400061, 0x4678, 0x794CF061),  # ldrh w1, [x3]
        (285, 0xB9400061, 0x4678, 0xB9467861),  # ldr w1, [x3]
        (286, 0xF9400061, 0x4678, 0xF9433C61),  # ldr x1, [x3]
        (299, 0x3DC00061, 0x4670, 0x3DC19C61),  # ldr q1, [x3]
        (264, 0xD2800005, 0x9ABC7FFF12345678, 0xD28ACF05),  # movz x5
        (266, 0xF2A00005, 0x9ABC7FFF12345678, 0xF2A24685),  # movk x5, lsl #16
        (268, 0xF2C00005, 0x9ABC7FFF12345678, 0xF2CFFFE5),  # movk x5, lsl #32
        (269, 0xF2E00005, 0x9ABC7FFF12345678, 0xF2F35785),  # movk x5, lsl #48
    ],
)
def test_relocations_of_aarch64(kind: int, before: int, distance: int, after: int) -> None:
    """What clang's assembler makes of the same distances, at an address of which the lowest 16
    bits are 0."""
    place = 0x5000_0000_0000 if kind > 269 else 0
    assert AARCH64[kind].apply(place + distance, place, before) == after


@pytest.mark.parametrize(
    ("kind", "distance"),
    [(275, 1 << 33), (279, 1 << 15), (280, -(1 << 21)), (282, 1 << 27), (286, 4)],
)
def test_targets_out_of_reach_on_aarch64(kind: int, distance: int) -> None:
    """Too far, or not at a multiple of what the instruction loads."""
    with pytest.raises(OverflowError):
        AARCH64[kind].apply(
            1 << 40 | distance if distance == 4 else (1 << 40) + distance, 1 << 40, 0
        )


TWICE = """
@elsewhere = global i64 30
define i64 @twice(i64 %x) nounwind {
  %y = mul i64 %x, 2
  ret i64 %y
}
"""


@pytest.mark.skipif(not shutil.which("qemu-aarch64"), reason="needs qemu-user for aarch64")
@pytest.mark.parametrize(("model", "reloc"), [("small", "pic"), ("large", "static")])
def test_aarch64_code_runs(model: str, reloc: str, tmp_path: Path) -> None:
    """A program of two objects, far from each other, which ends with f(1) + f(2)."""
    near, far = 0x400000, 0x2000_0000
    other = Plan(RelocatableObject(compiled(TWICE, model, reloc, "aarch64")), 4096)
    there = {"twice": far + other.functions()["twice"], "elsewhere": far + other.data_start}
    plan = Plan(RelocatableObject(compiled(OTHERS, model, reloc, "aarch64")), 4096)
    f = near + 4096 + plan.functions()["f"]
    start = struct.pack(
        "<8I",
        *(0xD2800020, 0x94000000 | (f - near - 4) >> 2),  # mov x0, #1; bl f
        *(0xAA0003F3, 0xD2800040),  # mov x19, x0; mov x0, #2
        0x94000000 | (f - near - 16) >> 2,  # bl f
        *(0x8B130000, 0xD2800BA8, 0xD4000001),  # add x0, x0, x19; mov x8, #93; svc #0
    ).ljust(4096, b"\0")
    segments = {near: start + plan.image(near + 4096, there.__getitem__), far: other.image(far)}
    program = tmp_path / "program"
    program.write_bytes(executable(near, segments))
    program.chmod(0o755)
    ran = subprocess.run(["qemu-aarch64", str(program)], check=False, timeout=30)
    assert ran.returncode == (5 + 0 + 30 + 2) + (6 + 100 + 30 + 4)


def executable(entry: int, segments: dict[int, bytes]) -> bytes:
    """An ELF program for aarch64: each segment at its address, writable and executable."""
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        elf.IDENTITY,
        *(2, 183, 1, entry, 64, 0, 0, 64, 56, len(segments), 0, 0, 0),
    )
    table, content = b"", b""
    for address, data in segments.items():
        offset = 4096 + len(content)
        table += struct.pack("<IIQQQQQQ", 1, 7, offset, address, address, *[len(data)] * 2, 4096)
        content += data.ljust(-(-len(data) // 4096) * 4096, b"\0")
    return (header + table).ljust(4096, b"\0") + content
