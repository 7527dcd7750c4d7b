"""Stencils that come with the sources, and what is done where they do not."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lrvm_jit
from lrvm_components import Ram
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.code_cache import CACHE_VARIABLE, CodeCache
from lrvm_jit.isa.table import Reg
from lrvm_jit.jit.baseline import code, library
from lrvm_jit.jit.baseline.stencils import Stencils
from lrvm_jit.kernel.build import compile as kernel_compile
from lrvm_jit.kernel.build import ship
from lrvm_jit.kernel.build.compile import KERNEL
from lrvm_jit.kernel.build.shipped import levels
from lrvm_jit.warm import warm
from lrvm_tools.lasm import assemble

PACKAGE = Path(lrvm_jit.__file__).parent
GUEST = """
    cpy a3, 200
loop:
    push a0
    mul a1, a0
    add a1, a0
    shl a1, 3
    pop a2
    inc a0
    cmp a0, a3
    ifls
    jp loop
    halt
"""

pytestmark = pytest.mark.skipif(not code.is_supported(), reason="no baseline tier on this system")


def test_nothing_that_comes_with_the_sources_is_out_of_date() -> None:
    """The LLVM code of the kernel and the stencils. A clone that has old ones works, and compiles
    for seconds what it could have had."""
    old = ship.out_of_date()
    assert not old, f"older than their sources: {', '.join(old)}; run `make kernel` and commit"


def imported(path: Path) -> Iterator[Path]:
    """The modules of the package that one imports, but for type checkers."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for one in [base, *(base / alias.name for alias in node.names)]:
                if one.with_suffix(".py").exists():
                    yield one.with_suffix(".py")


def test_the_sources_are_all_that_stencils_are_made_from() -> None:
    """An edit of anything else changes no stencil, so that they need not be made again."""
    needed, new = set(), {PACKAGE / "jit" / "baseline" / "making.py"}
    while new:
        needed |= new
        new = {path for one in new for path in imported(one)} - needed
    # They say nothing about code: what may be an argument, how classes are made.
    needed -= {PACKAGE / "arguments.py", PACKAGE / "records.py"}
    assert needed == {PACKAGE / source for source in library.SOURCES}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stencils of every level."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "FOLDER", folder)
        for level in library.LEVELS:
            assert library.ship(level) == library.path_of(level).stat().st_size
    return folder


@pytest.fixture
def own(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it in place of what comes with the sources, and an empty cache."""
    folder = tmp_path / "made"
    shutil.copytree(made, folder)
    monkeypatch.setattr(library, "FOLDER", folder)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return folder


def obtained() -> Stencils:
    """What a new process would get."""
    return library.stencils.__wrapped__()


@pytest.mark.parametrize("level", library.LEVELS)
def test_every_level_runs(level: str, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if level not in levels():
        pytest.skip(f"this processor is no {level}")
    monkeypatch.setattr("lrvm_jit.jit.baseline.library.levels", lambda: [level])
    monkeypatch.setattr(code, "stencils", obtained)
    monkeypatch.setattr(code, "_stencil_code", code._stencil_code.__wrapped__)
    found = []
    for engine in ("reference", TranslatorOptions(tiers=("baseline",), cache=False)):
        board = Motherboard([Ram(0x2000)], engine)
        board.map_contiguous(0)
        board.reset()
        board.cpu.regs["ssp"] = 0x2000
        board.memory.load(0, assemble(GUEST))
        board.run()
        found.append([board.cpu.regs[register] for register in Reg] + [board.cpu.cycles])
    assert found[0] == found[1]
    assert board.stats().baseline > 1000
    assert not own.with_name("cache").joinpath(library.KIND).exists()


def test_a_level_between_takes_the_one_below(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrvm_jit.jit.baseline.library.levels", lambda: ["x86-64-v2", "x86-64"])
    plain = library.shipped("x86-64")
    assert plain is not None
    assert obtained().pack() == plain.pack()


def test_old_or_damaged_ones_are_not_used(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are made for this processor then, once, and kept in the cache."""
    made_now = []

    def make(pins: object, level: str | None = None) -> Stencils:
        made_now.append(level)
        found = library.shipped("x86-64")
        assert found is not None
        return found

    monkeypatch.setattr("lrvm_jit.jit.baseline.library.levels", lambda: ["x86-64-v3"])
    monkeypatch.setattr("lrvm_jit.jit.baseline.making.make_stencils", make)
    obtained()
    assert not made_now
    path = library.path_of("x86-64-v3")
    content = path.read_bytes()
    for damaged in (content[:-1], content + b"\0", b"", bytes(len(content))):
        path.write_bytes(damaged)
        assert library.shipped("x86-64-v3") is None
    obtained()
    obtained()
    assert made_now == [None]
    path.write_bytes(content)
    monkeypatch.setattr(library, "SOURCES", (*library.SOURCES, "core/layout.py"))
    assert library.shipped("x86-64-v3") is None


def test_warm_makes_what_does_not_come(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrvm_jit.warm.entry_points", lambda: [KERNEL])
    [data] = {data for _, _, data in kernel_compile._found(KERNEL)} or {b"code"}
    assert CodeCache(tmp_path / "cache", kernel_compile.FOLDER).save(kernel_compile.digest(), data)
    told: list[str] = []
    folder = tmp_path / "warm"
    warm(folder, told.append)
    assert told[-1] == f"the stencils: in {own}"
    assert not (folder / library.KIND).exists()
    shutil.rmtree(own)
    warm(folder, told.append)
    assert told[-1] == f"the stencils: in {folder / library.KIND}"
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    monkeypatch.delattr("lrvm_jit.jit.baseline.making.make_stencils")
    assert len(obtained().code) > 1000
    monkeypatch.setattr(library, "ready_made", lambda folder: None)
    with pytest.raises(OSError, match=f"the stencils cannot be kept in {folder}"):
        warm(folder)


PROCESS = """
import json, sys
from lrvm_components import BootRom
from lrvm_jit import Motherboard, TranslatorOptions
from lrvm_jit.jit.baseline import library
from pathlib import Path
library.FOLDER = Path(sys.argv[1])
board = Motherboard([BootRom(json.loads(sys.argv[2]), 0x1000)], TranslatorOptions(cache=False))
board.map_contiguous(0)
board.reset()
board.run()
compilers = [name for name in ("numba", "llvmlite", "platformdirs") if name in sys.modules]
print(json.dumps([board.stats().baseline > 1000, compilers]))
"""


def test_a_user_with_no_home_runs_from_read_only_places(own: Path, tmp_path: Path) -> None:
    """What `warm` has put into a shared folder, and what comes with the sources: nothing is
    compiled, and nothing is written."""
    folder = tmp_path / "warm"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(CACHE_VARIABLE)
        patch.setattr("lrvm_jit.warm.entry_points", lambda: [KERNEL, code.PATCHER])
        warm(folder)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = sorted(folder.iterdir())
    loop = assemble("cpy a1, 1\nshl a1, 12\nloop: inc a0\ncmp a0, a1\nifls\njp loop\nhalt")
    environment = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROCESS, str(own), json.dumps(list(map(int, loop)))],
        env={**environment, CACHE_VARIABLE: str(folder), "HOME": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [True, []]
    # Root may write everywhere; then it keeps digests of the sources.
    assert [path for path in sorted(folder.iterdir()) if path.name != "sources"] == before
    assert not (tmp_path / "nowhere").exists()


def test_a_board_loads_them_before_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """They belong to the process, as the kernel does; not where the baseline is turned off."""
    loaded = []
    monkeypatch.setattr("lrvm_jit.engines.baseline_tier.load_ahead", lambda: loaded.append(1))
    Motherboard([Ram(64)], TranslatorOptions(tiers=("regions",)))
    assert not loaded
    Motherboard([Ram(64)])
    assert loaded
