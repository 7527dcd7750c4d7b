"""Whose code is run: nobody's who could not change the program itself.

Run as root, these tests take the part of other users too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from lrvm_jit.code_cache import (
    CACHE_VARIABLE,
    PACKAGE,
    CodeCache,
    folders,
    load_first,
    trust,
    user_folder,
)
from lrvm_jit.code_cache.trust import Trust
from lrvm_jit.kernel.build import compile
from tests import small_kernel
from tests.small_kernel import add_small_kernel

KEY = hashlib.sha256(b"one").hexdigest()
SOMEBODY = 54321

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be other users"
)


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test gets its own warnings."""
    monkeypatch.setattr(trust, "_warned", set())


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A trusted folder with one entry, below one that everybody may write to, as /tmp is."""
    open_to_all = tmp_path / "tmp"
    open_to_all.mkdir()
    open_to_all.chmod(0o1777)
    cache = CodeCache(open_to_all / "mine", "kind")
    assert cache.save(KEY, b"code")
    return open_to_all / "mine"


def entry(base: Path) -> Path:
    [path] = (base / "kind").iterdir()
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_what_is_made_is_closed_to_others(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert CodeCache(tmp_path / "a" / "b", "kind").save(KEY, b"code")
    finally:
        os.umask(before)
    for folder in ("a", "a/b", "a/b/kind"):
        assert mode(tmp_path / folder) == 0o700
    assert mode(entry(tmp_path / "a" / "b")) == 0o600


Change = Callable[[Path], object]


def linked(path: Path) -> None:
    """What stands there now stands elsewhere, and a link leads there."""
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


CHANGES: dict[str, tuple[Change, str]] = {
    "group": (lambda path: path.chmod(mode(path) | 0o020), "its group may write there"),
    "others": (lambda path: path.chmod(mode(path) | 0o002), "everybody may write there"),
    "sticky": (lambda path: path.chmod(0o1777), "everybody may write there"),
    "owner": (lambda path: os.chown(path, SOMEBODY, -1), f"it belongs to user {SOMEBODY}"),
    "link": (linked, "it is a symbolic link"),
}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(change, place, marks=as_root if change == "owner" else ())
        for change in CHANGES
        for place in ("", "kind", "entry")
        # The user named the folder, link or not.
        if (change, place) != ("link", "")
    ],
)
def test_what_others_could_have_written_is_not_used(base: Path, change: str, place: str) -> None:
    """Neither a file nor a folder on the way to it. One warning says which and why."""
    act, reason = CHANGES[change]
    path = entry(base) if place == "entry" else base / place
    act(path)
    cache = CodeCache(base, "kind")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert cache.load(KEY) is None
        assert cache.load(KEY) is None
        saved = cache.save(KEY, b"new code")
    [warning] = caught
    assert reason in str(warning.message)
    assert str(path) in str(warning.message)
    # A file in a trusted folder is replaced; nothing is written to folders that are not trusted.
    assert saved == (place == "entry")
    if saved:
        assert cache.load(KEY) == b"new code"


def test_the_folder_that_the_user_named_may_be_a_link(base: Path) -> None:
    link = base.with_name("link")
    link.symlink_to(base, target_is_directory=True)
    assert CodeCache(link, "kind").load(KEY) == b"code"


def test_a_pipe_is_no_entry(base: Path) -> None:
    """Opening one would wait for a writer for ever."""
    path = entry(base)
    path.unlink()
    os.mkfifo(path, 0o600)
    assert CodeCache(base, "kind").load(KEY) is None


@as_root
def test_the_owner_of_the_package_is_trusted_in_its_folder(base: Path) -> None:
    """And its group may write there, as it may write to the package itself; others may not."""
    for path in (base, base / "kind", entry(base)):
        os.chown(path, SOMEBODY, -1)
        path.chmod(mode(path) | 0o020)
    of_package = Trust(owner=SOMEBODY, group_may_write=True, folder_mode=0o755)
    assert CodeCache(base, "kind", trust=of_package).load(KEY) == b"code"
    (base / "kind").chmod(0o777)
    with pytest.warns(RuntimeWarning, match="everybody may write there"):
        assert CodeCache(base, "kind", trust=of_package).load(KEY) is None


def test_code_beside_the_package_can_be_read_by_all_who_read_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.setattr(folders, "PACKAGE", package)
    for package_mode, expected in ((0o775, 0o755), (0o700, 0o700)):
        package.chmod(package_mode)
        cache = CodeCache(folders.package_folder(), "kind", trust=folders.package_trust())
        assert cache.save(KEY, b"code")
        assert mode(package / "__pycache__" / "kind") == expected
        assert mode(entry(package / "__pycache__")) == expected & 0o644
        shutil.rmtree(package / "__pycache__")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others always ask platformdirs")
@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": "/home/ada", "XDG_CACHE_HOME": None},
        {"HOME": "/home/ada", "XDG_CACHE_HOME": "/scratch/ada"},
        {"HOME": "/home/ada", "XDG_CACHE_HOME": ""},
        {"HOME": "/home/ada", "XDG_CACHE_HOME": " "},
        {"HOME": "/home/ada", "XDG_CACHE_HOME": "relative/folder"},
        {"HOME": None, "XDG_CACHE_HOME": None},
    ],
)
def test_the_users_folder_is_what_platformdirs_says(
    environment: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert user_folder(saving=False) == user_folder(saving=True) != None  # noqa: E711


with_setpriv = pytest.mark.skipif(
    shutil.which("setpriv") is None, reason="setpriv runs programs as other users"
)


def as_somebody(script: str, package: Path) -> tuple[str, str]:
    """What a script prints and warns of, run by a user whom the system does not know, without a
    home. `package` is the copy of lrvm_jit that it imports."""
    command = ["setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups"]
    # Python itself may stand where only root can read.
    command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    unset = ("HOME", "XDG_CACHE_HOME", CACHE_VARIABLE, "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    ended = subprocess.run(
        [*command, sys.executable, "-c", script],
        cwd=package.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, ended.stderr


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package without compiled code."""
    copy = tmp_path / "lrvm_jit"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


RUN = """
import os
from lrvm_components import BootRom
from lrvm_jit import Motherboard
with Motherboard([BootRom([0x98000000])], engine="interpreter") as board:
    board.map(0, 0)
    board.reset()
    print(board.run(max_cycles=10).cycles, os.geteuid())
"""


@as_root
@with_setpriv
def test_a_kernel_in_a_read_only_place_is_used(package: Path) -> None:
    """What root has prepared beside the package serves a user who can write nowhere."""
    key = compile.digest()
    compile.load_kernel()
    [(_, kernel), *_] = load_first(compile.caches(), key)
    prepared = CodeCache(package / "__pycache__", compile.FOLDER, trust=Trust(folder_mode=0o755))
    assert prepared.save(key, kernel)
    output, said = as_somebody(RUN, package)
    assert output.split()[1] == str(SOMEBODY)
    assert said == ""


@as_root
@with_setpriv
def test_a_user_without_a_home_keeps_code_beside_the_package(package: Path) -> None:
    os.chown(package, SOMEBODY, -1)
    script = f"""
from lrvm_jit.kernel.build.compile import caches
from lrvm_jit.jit.code.cache import default_cache
print([cache.save({KEY!r}, b"code") for cache in caches()])
print([cache.load({KEY!r}) for cache in [*caches(), default_cache()]])
"""
    assert as_somebody(script, package) == ("[True, False]\n[b'code', None, None]\n", "")


@as_root
@with_setpriv
def test_a_user_who_can_write_nowhere(package: Path) -> None:
    """The kernel is compiled, and one warning says that it will be again."""
    add_small_kernel(package)
    output, said = as_somebody(small_kernel.RUN, package)
    assert output.split()[1] == str(SOMEBODY)
    assert said.count("RuntimeWarning") == 1
    assert "set LRVM_JIT_CACHE_DIR" in said
