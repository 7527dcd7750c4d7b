"""The compiled kernel on disk: never stale, never in the way."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lrvm_jit
from lrvm_jit.isa import encode
from lrvm_jit.isa.table import Reg
from lrvm_jit.kernel import compile as kernel_compile

PACKAGE = Path(lrvm_jit.__file__).parent
MESSAGE = "lrvm_jit: compiling the kernel, which takes some seconds and happens once\n"
IGNORED = shutil.ignore_patterns("__pycache__")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, which the cache takes for its own; no setting of the environment."""
    copy = tmp_path / "lrvm_jit"
    shutil.copytree(PACKAGE, copy, ignore=IGNORED)
    monkeypatch.setattr(kernel_compile, "PACKAGE", copy)
    for name in (kernel_compile.CACHE_VARIABLE, *kernel_compile.SETTINGS):
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
    for path in sorted((PACKAGE / "kernel").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = path.parents[node.level - 1]
                names = [node.module] if node.module else [alias.name for alias in node.names]
                for name in names:
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


def test_the_package_folder_is_the_first_choice(package: Path) -> None:
    folder = kernel_compile.cache_folder()
    assert folder == package / "__pycache__" / f"kernel-{kernel_compile.digest()}"


def test_a_read_only_installation_uses_the_users_folder(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the package's folder takes no files, the user's cache folder does."""
    (package / "__pycache__").write_text("a file in the way: nothing can be created below it")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "platform", "linux")
    name = f"kernel-{kernel_compile.digest()}"
    assert kernel_compile.cache_folder() == tmp_path / "cache" / "lrvm_jit" / name


def test_no_folder_at_all(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there is no cache; that is no error."""
    (package / "__pycache__").write_text("")
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert kernel_compile.cache_folder() is None


@pytest.mark.usefixtures("package")
def test_the_environment_names_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LRVM_JIT_CACHE_DIR is the only place then, and made if it is not there."""
    chosen = tmp_path / "deep" / "folder"
    monkeypatch.setenv("LRVM_JIT_CACHE_DIR", str(chosen))
    folder = kernel_compile.cache_folder()
    assert folder is not None
    assert folder.parent == chosen
    assert folder.is_dir()


def python(
    script: str, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh process, which must succeed. Packages in `folder` come first."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in (kernel_compile.CACHE_VARIABLE, *kernel_compile.SETTINGS)
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
def test_the_life_of_a_cache(tmp_path: Path) -> None:
    """Compiled once and said so once; an edit is never missed, not even in a module that numba's
    own cache would not look at; damage costs a compilation and nothing else."""
    copy, cache = tmp_path / "lrvm_jit", tmp_path / "cache"
    shutil.copytree(PACKAGE, copy, ignore=IGNORED)

    def divide() -> tuple[str, str]:
        result = python(DIVISION, tmp_path, LRVM_JIT_CACHE_DIR=str(cache))
        return result.stdout, result.stderr

    original = "0x80000000 translator\n"

    assert divide() == (original, MESSAGE)
    assert divide() == (original, "")
    (folder,) = cache.iterdir()

    table = copy / "isa" / "table.py"
    text = table.read_text()
    edited = text.replace("0x04: 0x8000_0000", "0x04: 0x1234_5678")
    assert edited != text
    table.write_text(edited)
    assert divide() == ("0x12345678 translator\n", MESSAGE)
    table.write_text(text)
    assert divide() == (original, "")

    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:100])  # as a full disk leaves it
    assert divide() == (original, MESSAGE)


def test_importing_the_package_does_not_load_the_compiler() -> None:
    """`import lrvm_jit`, and a machine with the plain engine, do without numba and llvmlite."""
    script = """
import sys
import lrvm_jit, lrvm_components
board = lrvm_jit.Motherboard([lrvm_components.Ram(16)], engine="reference")
board.map(0, 0)
board.reset()
board.run(max_cycles=5)
print(sorted({name.split(".")[0] for name in sys.modules} & {"numba", "llvmlite"}))
"""
    assert python(script).stdout == "[]\n"
