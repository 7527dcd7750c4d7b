"""Where compiled code is kept: beside the package, in the user's cache folder, or elsewhere."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from functools import cache
from pathlib import Path

from .cache import CodeCache
from .trust import Trust

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of `lrvm_jit`."""
CACHE_VARIABLE = "LRVM_JIT_CACHE_DIR"
NAME = "lrvm_jit"


def chosen_folder() -> Path | None:
    """The one that LRVM_JIT_CACHE_DIR names; then it is the only one."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).absolute() if chosen else None


def user_folder(*, saving: bool) -> Path | None:
    """The user's cache folder, or None if the user has none.

    platformdirs knows it. It takes 25 ms to import, as long as a short run: where there is only
    something to look up, Linux users get the same answer without it. Before something is saved,
    a warning says that there is no folder.
    """
    try:
        if saving or not sys.platform.startswith("linux"):
            from platformdirs import user_cache_path

            folder = user_cache_path(NAME)
        else:
            base = os.environ.get("XDG_CACHE_HOME", "").strip()
            if not Path(base).is_absolute():
                base = str(Path("~/.cache").expanduser())
            folder = Path(base, NAME)
    except (RuntimeError, KeyError):
        # A user whom the system does not know, without HOME.
        return None
    return folder if folder.is_absolute() else None


def user_cache(kind: str) -> CodeCache:
    """Entries of this user in a folder `kind`, below the one that LRVM_JIT_CACHE_DIR names if it
    is set."""
    return CodeCache(chosen_folder() or _user_folder, kind)


def shared_caches(kind: str) -> list[CodeCache]:
    """Where code is that depends on this installation only: beside the package, where all of its
    users find it, then in the user's cache folder. The environment variable LRVM_JIT_CACHE_DIR
    names another place, which is the only one then."""
    chosen = chosen_folder()
    if chosen is not None:
        return [CodeCache(chosen, kind)]
    return [
        CodeCache(package_folder(), kind, trust=package_trust()),
        CodeCache(_user_folder, kind),
    ]


def _user_folder(saving: bool) -> Path | None:
    return user_folder(saving=saving)


def package_folder() -> Path:
    """The folder for code that belongs to this installation."""
    return PACKAGE / "__pycache__"


def package_trust() -> Trust:
    """For the package's own folder. Its owner is trusted as the package's code is, and so is the
    group if it may write there; what is made can be read by all who can read the package."""
    status = PACKAGE.stat()
    return Trust(
        owner=(PACKAGE / "__init__.py").stat().st_uid,
        group_may_write=True,
        folder_mode=stat.S_IMODE(status.st_mode) & 0o755 | 0o700,
    )


@cache
def warn_no_folder() -> None:
    """Say once in a process that nothing can be kept."""
    warnings.warn(
        f"lrvm_jit has no folder in which it may keep compiled code, so every process compiles it "
        f"anew; set {CACHE_VARIABLE} to one",
        RuntimeWarning,
        stacklevel=2,
    )
