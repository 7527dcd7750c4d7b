"""The compiled kernel on disk: never stale, never in the way."""

from __future__ import annotations

import ast
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lrvm_jit
from lrvm_jit.batch.worker import BATCH_LOOP
from lrvm_jit.code_cache import CACHE_VARIABLE, CodeCache, load_first
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from lrvm_jit.kernel.build import compile as kernel_compile
from lrvm_jit.kernel.build import with_numba
from tests.small_kernel import RUN, add_small_kernel

PACKAGE = Path(lrvm_jit.__file__).parent
MESSAGE = "lrvm_jit: compiling the kernel, which takes some seconds and happens once\n"
IGNORED = shutil.ignore_patterns("__pycache__", "llvm")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, which the cache takes for its own; no setting of the environment."""
    copy = tmp_path / "lrvm_jit"
    shutil.copytree(PACKAGE, copy, ignore=IGNORED)
    monkeypatch.setattr(kernel_compile, "PACKAGE", copy)
    for name in (CACHE_VARIABLE, *kernel_compile.SETTINGS):
        monkeypatch.delenv(name, raising=False)
    return copy


def sources() -> Iterator[Path]:
    for pattern in kernel_compile.SOURCES:
        yield from PACKAGE.glob(pattern)


def test_an_edit_of_any_source_changes_the_digest(package: Path) -> None:
    """Each file counts with its content and its name; undone, the old digest is back."""
    before = kernel_compile.digest()
    paths = [package / path.relative_to(PACKAGE) for path in sources()]
    assert len(paths) > 10
    for path in paths:
        content = path.read_bytes()
        path.write_bytes(content + b"# edited\n")
        assert kernel_compile.digest() != before, path
        path.unlink()
        assert kernel_compile.digest() != before, path
        path.write_bytes(content)
        assert kernel_compile.digest() == before, path
    (package / "kernel" / "another.py").write_text("")
    assert kernel_compile.digest() != before


def test_the_sources_are_all_that_the_kernel_imports() -> None:
    """What a kernel module takes from this package is covered by the digest."""
    covered = {path.resolve() for path in sources()}
    # What keeps a kernel does not change what is kept.
    keeping = {"code_cache", "code_cache.host", "locks", "machine_code"}
    for path in sorted((PACKAGE / "kernel").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = path.parents[node.level - 1]
                names = [node.module] if node.module else []
                if not names or base.joinpath(*names[0].split(".")).is_dir():
                    names = [".".join([*names[:1], alias.name]) for alias in node.names]
                for name in set(names) - keeping:
                    source = base.joinpath(*name.split(".")).with_suffix(".py")
                    assert source.resolve() in covered, f"{path.name} imports {name}"


@pytest.mark.parametrize("setting", kernel_compile.SETTINGS)
@pytest.mark.usefixtures("package")
def test_compiler_settings_have_kernels_of_their_own(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel compiled with bounds checks, say, is not the one without."""
    before = kernel_compile.digest()
    monkeypatch.setenv(setting, "1")
    assert kernel_compile.digest() != before


def python(
    script: str, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh process, which must succeed. Packages in `folder` come first."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in (CACHE_VARIABLE, *kernel_compile.SETTINGS)
    }
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result


def test_the_life_of_a_cache(tmp_path: Path) -> None:
    """Compiled once and said so once; an edit is never missed, not even in a module that numba's
    own cache would not look at; damage costs a compilation and nothing else. By numba: the copy
    has no LLVM code."""
    copy, cache = tmp_path / "lrvm_jit", tmp_path / "cache"
    shutil.copytree(PACKAGE, copy, ignore=IGNORED)
    add_small_kernel(copy)

    def divide() -> tuple[str, str]:
        result = python(RUN, tmp_path, LRVM_JIT_CACHE_DIR=str(cache))
        return result.stdout.split()[0], result.stderr

    original = "0x80000000"

    assert divide() == (original, MESSAGE)
    assert divide() == (original, "")
    folder = cache / kernel_compile.FOLDER
    assert len(list(folder.iterdir())) == 1

    table = copy / "isa" / "table.py"
    text = table.read_text()
    edited = text.replace("0x04: 0x8000_0000", "0x04: 0x1234_5678")
    assert edited != text
    table.write_text(edited)
    assert divide() == ("0x12345678", MESSAGE)
    table.write_text(text)
    assert divide() == (original, "")

    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:100])  # as a full disk leaves it
    assert divide() == (original, MESSAGE)


def kept(source: kernel_compile.EntryPointSource, folder: Path) -> Path:
    """The file with a kernel, in a cache folder of its own."""
    kernel_compile.load(source)
    key = kernel_compile.digest(source)
    [(_, data), *_] = load_first(kernel_compile.caches(), key)
    assert CodeCache(folder, kernel_compile.FOLDER).save(key, data)
    return folder / kernel_compile.FOLDER / f"{key}.code"


def damages(path: Path, other: Path) -> Iterator[bytes]:
    """What may have become of a kernel's file: bits flipped, cut short, another one's content."""
    whole, choice = path.read_bytes(), random.Random(11)
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[choice.randrange(len(whole))] ^= 1 << choice.randrange(8)
        yield bytes(flipped)
    for size in (0, 1, 39, 40, 41, len(whole) // 2, len(whole) - 1):
        yield whole[:size]
    yield whole + b"\0"
    yield other.read_bytes()


def test_a_damaged_kernel_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage is noticed before anything is made of the bytes, and the file is removed: so the
    kernel is compiled once more."""
    path = kept(kernel_compile.KERNEL, tmp_path)
    other = kept(BATCH_LOOP, tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    count = 0
    for damaged in damages(path, other):
        path.write_bytes(damaged)
        assert list(load_first(kernel_compile.caches(), path.stem)) == []
        assert not path.exists()
        count += 1
    assert count > 200


@pytest.mark.skipif("NUMBA_BOUNDSCHECK" in os.environ, reason="what numba checks, numba keeps")
def test_whole_files_of_no_use_are_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right digest over no object, over another function, over code of another machine or over
    what needs what is not there: removed, compiled again and saved."""
    path = kept(kernel_compile.KERNEL, tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    [(cache, whole)] = load_first(kernel_compile.caches(), path.stem)
    monkeypatch.setattr(kernel_compile, "_from_llvm_code", lambda _: None)
    monkeypatch.setattr(with_numba, "compile_entry_point", lambda *_: None)
    monkeypatch.setattr(with_numba, "object_code", lambda _: whole)
    for useless in (
        b"",
        b"no object",
        whole[:-64],
        whole[:18] + b"\xb7" + whole[19:],
        whole.replace(b"PyNumber_Long", b"PyNumber_Gone"),
        whole.replace(b"_ZN7cpython", b"_ZN7cuckoos"),
    ):
        assert cache.save(path.stem, useless)
        function, address = kernel_compile._load(kernel_compile.KERNEL)
        assert callable(function)
        assert address > 0
        assert cache.load(path.stem) == whole


def test_a_process_that_finds_its_code_does_not_load_the_compiler() -> None:
    """`import lrvm_jit`, the plain engine, and a machine whose kernel is on disk do without numba
    and llvmlite, where machine code can be loaded without them."""
    script = """
import sys
import lrvm_jit, lrvm_components
from lrvm_jit.machine_code import is_supported
for engine in ("reference", "interpreter", "auto"):
    if engine == "reference" or is_supported():
        board = lrvm_jit.Motherboard([lrvm_components.Ram(16)], engine=engine)
        board.map(0, 0)
        board.reset()
        board.run(max_cycles=5)
print(sorted({name.split(".")[0] for name in sys.modules} & {"numba", "llvmlite"}))
"""
    # The first of the two has what is not there yet compiled.
    python(script, None, **cache_of_this_process())
    assert python(script, None, **cache_of_this_process()).stdout == "[]\n"


DIVISION = f"""
from lrvm_components import BootRom
from lrvm_jit import Motherboard
board = Motherboard([BootRom([{encode("div", Reg.A0, 0, 4)}, {encode("halt")}])])
board.map(0, 0)
board.reset()
board.run()
print(hex(board.cpu.regs.a0), board.engine)
"""
"""Prints the substitute result of a division by zero, a constant of the instruction table."""


@pytest.mark.slow
def test_llvm_loads_the_kernel_where_nothing_else_can(tmp_path: Path) -> None:
    """The way of other systems: numba compiles, keeps and loads, with the same results."""
    setting = {CACHE_VARIABLE: str(tmp_path), "LRVM_JIT_LOADER": "llvm"}
    original = "0x80000000 translator\n"
    first, second = python(DIVISION, None, **setting), python(DIVISION, None, **setting)
    assert (first.stdout, first.stderr) == (original, MESSAGE)
    assert (second.stdout, second.stderr) == (original, "")


def cache_of_this_process() -> dict[str, str]:
    return {name: os.environ[name] for name in (CACHE_VARIABLE,) if name in os.environ}
