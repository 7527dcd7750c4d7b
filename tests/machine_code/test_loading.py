"""Loading object code: functions that work, memory that comes back, damage that is noticed."""

from __future__ import annotations

import ctypes
import gc
import mmap
import random
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import pytest

from lrvm_jit.machine_code import (
    SWITCH_VARIABLE,
    LoadingError,
    NativeCode,
    elf,
    is_supported,
    load,
    mcjit,
)

ELF = pytest.mark.skipif(sys.platform != "linux", reason="object code is not ELF here")
OWN = pytest.mark.skipif(not is_supported(), reason="LLVM loads all code here")
OBJECTS = 40


@cache
def target_machine(triple: str | None = None) -> Any:
    if triple is None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        target = llvm.Target.from_triple(triple)
    return target.create_target_machine(opt=2, reloc="pic", codemodel="small")


def compiled(text: str, triple: str | None = None) -> bytes:
    with llvm.parse_assembly(text) as module:
        return bytes(target_machine(triple).emit_object(module))


def switch(number: int, cases: int = 24) -> str:
    """A function with a jump table: returns 1000 * number + case * case."""
    text = "define i64 @f(i64 %x) nounwind {\n  switch i64 %x, label %other [\n"
    text += "".join(f"    i64 {case}, label %case{case}\n" for case in range(cases)) + "  ]\n"
    for case in range(cases):
        # Stores keep LLVM from making a table of values.
        text += f"case{case}:\n  %at{case} = alloca i64\n"
        text += f"  store volatile i64 {1000 * number + case * case}, ptr %at{case}\n"
        text += f"  %y{case} = load volatile i64, ptr %at{case}\n  ret i64 %y{case}\n"
    return text + "other:\n  ret i64 -1\n}\n"


DATA = """
@counter = internal global i64 5
@table = private constant [4 x i64] [i64 11, i64 22, i64 33, i64 44]
@pointer = internal global ptr @helper
define internal i64 @helper(i64 %x) noinline nounwind {
  %r = mul i64 %x, 3
  ret i64 %r
}
define i64 @f(i64 %x) {
  %old = load volatile i64, ptr @counter
  %new = add i64 %old, 1
  store volatile i64 %new, ptr @counter
  %at = getelementptr i64, ptr @table, i64 %x
  %value = load i64, ptr %at
  %target = load volatile ptr, ptr @pointer
  %tripled = call i64 %target(i64 %value)
  %sum = add i64 %tripled, %old
  ret i64 %sum
}
"""

MEMSET = """
declare ptr @memset(ptr, i32, i64)
define i64 @f(ptr %p) nounwind {
  %r = call ptr @memset(ptr %p, i32 1, i64 64)
  ret i64 1
}
"""


@cache
def objects() -> list[bytes]:
    return [compiled(switch(number, 12 + number % 20)) for number in range(OBJECTS)]


def call(code: NativeCode, argument: int) -> int:
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address)
    return int(function(argument))


@pytest.fixture(autouse=True, params=["own", "llvm"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Our own loader where there is one, and LLVM's, which does the same everywhere."""
    if request.param == "llvm":
        monkeypatch.setenv(SWITCH_VARIABLE, "llvm")
    elif not is_supported():
        pytest.skip("LLVM loads all code here")
    yield str(request.param)
    mcjit.free_released()


def test_a_function_with_a_jump_table_works() -> None:
    code = load(objects()[7], "f")
    assert [call(code, x) for x in (0, 5, 11, 99)] == [7000, 7025, 7121, -1]
    assert 4096 <= code.size < 1 << 20
    code.release()


def test_a_function_with_data_works() -> None:
    code = load(compiled(DATA), "f")
    assert [call(code, x) for x in (0, 1, 3)] == [33 + 5, 66 + 6, 132 + 7]
    code.release()


def test_objects_with_the_same_symbol_are_apart() -> None:
    codes = [load(data, "f") for data in objects()]
    assert len({code.address for code in codes}) == len(codes)
    assert [call(code, 3) for code in codes] == [1000 * n + 9 for n in range(OBJECTS)]
    for code in codes:
        code.release()


def test_release_twice() -> None:
    code, other = load(objects()[0], "f"), load(objects()[1], "f")
    code.release()
    code.release()
    mcjit.free_released()
    code.release()
    mcjit.free_released()
    assert call(other, 2) == 1004
    other.release()


@ELF
def test_code_that_nobody_holds_goes_away() -> None:
    before = executable()
    codes = [load(objects()[0], "f") for _ in range(20)]
    assert executable() >= before + 20
    codes.clear()
    gc.collect()
    assert executable() == before


@ELF
def test_release_unmaps_the_code() -> None:
    # What earlier tests have left must not go meanwhile.
    gc.collect()
    mcjit.free_released()
    before = executable()
    codes = [load(data, "f") for data in objects()]
    assert executable() >= before + OBJECTS
    for code in codes:
        code.release()
    mcjit.free_released()
    assert executable() <= before


@ELF
def test_many_releases_do_not_wait_for_the_next_load() -> None:
    before = executable()
    codes = [load(objects()[0], "f") for _ in range(3 * mcjit.WAITING)]
    held = executable() - before
    for code in codes:
        code.release()
    assert executable() < before + held // 3


@ELF
def test_code_is_not_writable() -> None:
    code = load(compiled(DATA), "f")
    rights = {
        line.split()[1]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if inside(line, code.address)
    }
    assert rights == {"r-xp"}
    code.release()


def inside(line: str, address: int) -> bool:
    first, end = (int(part, 16) for part in line.split()[0].split("-"))
    return first <= address < end


def executable() -> int:
    """Pages of executable memory that belong to no file."""
    total = 0
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, *rest = line.split()
        if rights == "r-xp" and len(rest) == 3:
            first, end = (int(part, 16) for part in addresses.split("-"))
            total += (end - first) // mmap.PAGESIZE
    return total


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


@ELF
@pytest.mark.parametrize("held", [0, 100])
def test_memory_stays_flat(held: int) -> None:
    choice = random.Random(1)
    codes: list[NativeCode] = []

    def rounds(count: int) -> None:
        for number in range(count):
            code = load(objects()[number % OBJECTS], "f")
            assert call(code, 1) == 1000 * (number % OBJECTS) + 1
            codes.append(code)
            if len(codes) > held:
                codes.pop(choice.randrange(len(codes))).release()

    rounds(300)
    before = resident()
    rounds(700)
    assert resident() - before < 3 << 20
    for code in codes:
        code.release()


def test_threads_load_and_release() -> None:
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        choice = random.Random(seed)
        codes: list[tuple[int, NativeCode]] = []
        try:
            for _ in range(150):
                number = choice.randrange(OBJECTS)
                codes.append((number, load(objects()[number], "f")))
                if len(codes) > 10:
                    number, code = codes.pop(choice.randrange(len(codes)))
                    assert call(code, 4) == 1000 * number + 16
                    code.release()
            for _, code in codes:
                code.release()
        except BaseException as error:
            failures.append(error)

    objects()
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_two_threads_release_the_same_code() -> None:
    """Once, whoever is first: the second has nothing to give back, and no error."""
    failures: list[BaseException] = []

    def release() -> None:
        try:
            code.release()
        except BaseException as error:
            failures.append(error)

    for _ in range(50):
        code = load(objects()[0], "f")
        threads = [threading.Thread(target=release) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mcjit.free_released()
    assert not failures


@pytest.mark.parametrize("symbol", ["g", "printf", "", "ff", "é", "f\0"])
def test_missing_symbol(symbol: str) -> None:
    with pytest.raises(LoadingError, match="does not define"):
        load(objects()[0], symbol)


@ELF
def test_functions_that_others_cannot_see_do_not_count() -> None:
    with pytest.raises(LoadingError, match="does not define"):
        load(compiled(DATA), "helper")
    with pytest.raises(LoadingError, match="does not define"):
        load(compiled(DATA), "counter")


@ELF
def test_code_that_needs_others_is_refused() -> None:
    with pytest.raises(LoadingError, match="memset"):
        load(compiled(MEMSET), "f")


@pytest.mark.parametrize("data", [b"", b"\0", b"garbage" * 100, b"\x7fELF", b"\x7fELF" * 100])
def test_garbage(data: bytes) -> None:
    with pytest.raises(LoadingError):
        load(data, "f")


def test_garbage_with_the_symbol() -> None:
    with pytest.raises(LoadingError):
        load(b"\0_f\0" * 100, "f")


@ELF
def test_truncated_objects() -> None:
    for data in (objects()[0], compiled(DATA)):
        for size in range(0, len(data) - 64, 7):
            with pytest.raises(LoadingError):
                load(data[:size], "f")
        with pytest.raises(LoadingError):
            load(data[:-1], "f")


@ELF
def test_object_of_another_machine() -> None:
    try:
        data = compiled(switch(1), "powerpc64le-unknown-linux-gnu")
    except RuntimeError:
        pytest.skip("LLVM was built without the other machine")
    with pytest.raises(LoadingError, match="not for a machine that is known"):
        load(data, "f")


def field(table: str, index: int, position: int) -> int:
    """Where an entry of a table of `compiled(DATA)` has a field, in bytes from the start."""
    data = compiled(DATA)
    start = elf.HEADER.unpack_from(data)[6]
    if table == "sections":
        return int(start) + 64 * index + position
    kind = {"symbols": elf.SYMTAB, "relocations": elf.RELA}[table]
    count = elf.HEADER.unpack_from(data)[12]
    sections = [elf.SECTION.unpack_from(data, start + 64 * i) for i in range(count)]
    [offset, *_] = [section[4] for section in sections if section[1] == kind]
    return int(offset) + 24 * index + position


@ELF
@pytest.mark.parametrize(
    ("table", "index", "position"),
    [
        ("header", 0, 4),  # class
        ("header", 0, 18),  # machine
        ("header", 0, 43),  # where the section headers are
        ("header", 0, 60),  # how many
        ("header", 0, 62),  # which has the names
        ("sections", 1, 3),  # name
        ("sections", 2, 9),  # flags
        ("sections", 2, 28),  # offset
        ("sections", 2, 37),  # size
        ("sections", 2, 48),  # alignment
        ("symbols", 3, 1),  # name
        ("symbols", 3, 4),  # type
        ("symbols", 3, 7),  # section
        ("symbols", 3, 20),  # size
        ("relocations", 0, 2),  # offset
        ("relocations", 0, 8),  # kind
        ("relocations", 0, 13),  # symbol
        ("relocations", 0, 19),  # addend
    ],
)
def test_damaged_tables(table: str, index: int, position: int) -> None:
    data = bytearray(compiled(DATA))
    data[position if table == "header" else field(table, index, position)] ^= 0x5A
    with pytest.raises(LoadingError):
        load(bytes(data), "f")
