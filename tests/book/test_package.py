"""The wheel and the source distribution: what is in them, what they say, that they run.

`tools/pythons.sh` installs the wheel in environments of its own as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from importlib.util import find_spec
from pathlib import Path

import pytest

import lrvm_jit
from lrvm_jit.code_cache import folders

pytestmark = pytest.mark.skipif(
    find_spec("hatchling") is None or find_spec("twine") is None, reason="needs the extra `dev`"
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source distribution, built as `pip` and `build` do it."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")
    return wheel, source


def test_twine_accepts_them(built: tuple[Path, Path]) -> None:
    from twine.commands.check import check

    assert not check([str(path) for path in built], strict=True)


def test_what_is_in_the_wheel(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {
        "lrvm_jit",
        "lrvm_components",
        "lrvm_tools",
        f"lrvm_jit-{lrvm_jit.__version__}.dist-info",
    }
    for wanted in (
        "lrvm_jit/py.typed",
        "lrvm_jit/bench/programs/loop.lasm",
        "lrvm_tools/machines/default.toml",
        "lrvm_tools/lasm/std/lrvm/far.lasm",
        "lrvm_tools/cc/runtime/start.c",
    ):
        assert wanted in names
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []


def test_what_is_in_the_source_distribution(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    for wanted in (
        "README.md",
        "CHANGELOG.md",
        "mkdocs.yml",
        "docs/index.md",
        "examples/README.md",
    ):
        assert wanted in names
    assert [name for name in names if name.startswith((".ci", ".venv", "site/", "build/"))] == []


def test_the_metadata(built: tuple[Path, Path]) -> None:
    """No address that does not exist, no link that leads nowhere on a package index."""
    with zipfile.ZipFile(built[0]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = HeaderParser().parsestr(wheel.read(name).decode())
    assert metadata["Version"] == lrvm_jit.__version__
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "virtual machine" in metadata["Keywords"]
    assert all("https://" in url for url in metadata.get_all("Project-URL", []))
    text = metadata.get_payload()
    assert isinstance(text, str)
    assert re.findall(r"\]\((?!https?:)[^)]*\)", text) == []
    assert "`docs/batch.md`" in text
    assert "[95, 32673, 32863, 65441]" in text


def test_it_runs_without_the_checkout(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Hello, world and the benchmark from the wheel's files alone. `-S` leaves out the editable
    installation; the compiled kernel is that of this process."""
    with zipfile.ZipFile(built[0]) as wheel:
        wheel.extractall(tmp_path)
    # With the kernel of this process, wherever it is kept: it need not be compiled again.
    cache = tmp_path / "cache"
    (cache / "kernels").mkdir(parents=True, mode=0o700)
    cache.chmod(0o700)
    places = (folders.chosen_folder(), folders.user_folder(saving=False), folders.package_folder())
    for place in filter(None, places):
        for kernel in (place / "kernels").glob("*.code"):
            shutil.copy(kernel, cache / "kernels")
            (cache / "kernels" / kernel.name).chmod(0o600)
    packages = {str(Path(find_spec(name).origin or "").parents[1]) for name in ("numpy", "click")}  # type: ignore[union-attr]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *packages]),
        "LRVM_JIT_CACHE_DIR": str(cache),
    }
    (tmp_path / "hello.lasm").write_text('cpy ac0, 0xf000\ncpy a0, "!"\nwsa ac0, a0\nhalt\n')
    shown = []
    for command in (
        ["lrvm_tools", "run", "-q", "hello.lasm"],
        ["lrvm_jit.bench", "loop", "-n", "1", "-e", "auto"],
    ):
        done = subprocess.run(
            [sys.executable, "-S", "-m", *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        shown.append(done.stdout)
    assert shown[0] == "!"
