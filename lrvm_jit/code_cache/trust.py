"""Reading and writing files whose content will be executed.

Whoever may write such a file can do whatever its reader may. So a folder or a file is trusted
only if it belongs to this user or to root and nobody else may write there, and no symbolic link
leads away from a trusted folder. What is not trusted is left alone, with one warning.
"""

from __future__ import annotations

import os
import stat
import warnings
from contextlib import suppress
from pathlib import Path

from ..records import dataclass

UNFINISHED = ".unfinished"
"""How the name of a file ends that is being written."""
LARGEST = 1 << 28
"""Files beyond this many bytes are none of ours."""

_warned: set[tuple[Path, str]] = set()


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose files are executed, and how new ones are made."""

    owner: int | None = None
    """A user who is trusted beside this one and root."""
    group_may_write: bool = False
    folder_mode: int = 0o700
    """Of folders that are made, whatever the umask."""

    @property
    def file_mode(self) -> int:
        """Of files that are written, whatever the umask."""
        return self.folder_mode & 0o666

    def doubt(self, status: os.stat_result) -> str | None:
        """Why what has this status is not trusted; None if it is."""
        if not hasattr(os, "geteuid"):
            # Windows: folders of a user are closed to others by the rights that they inherit.
            return None
        if stat.S_ISLNK(status.st_mode):
            return "it is a symbolic link"
        if status.st_uid not in (os.geteuid(), 0, self.owner):
            return f"it belongs to user {status.st_uid}"
        if status.st_mode & stat.S_IWOTH:
            return "everybody may write there"
        if status.st_mode & stat.S_IWGRP and not self.group_may_write:
            return "its group may write there"
        return None

    def trusts(self, folder: Path, base: Path) -> bool:
        """Whether `folder`, which is `base` or below it, may be read from and written to.

        A warning says why not, unless it is not there. A symbolic link to `base` is followed: it
        was the user, or root, who named that.
        """
        for path in _steps(folder, base):
            try:
                status = path.stat() if path == base else path.lstat()
            except OSError:
                return False
            doubt = self.doubt(status)
            if doubt is None and not stat.S_ISDIR(status.st_mode):
                return False
            if doubt is not None:
                warn_untrusted(path, doubt)
                return False
        return True

    def make(self, folder: Path, base: Path) -> bool:
        """Make a folder if it is not there. Whether it can be trusted then."""
        try:
            for path in _steps(folder, base):
                self._make(path)
        except OSError:
            return False
        return self.trusts(folder, base)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(self.folder_mode)
        except FileExistsError:
            return
        except FileNotFoundError:
            if folder.parent == folder:
                raise
            self._make(folder.parent)
            folder.mkdir(self.folder_mode)
        # The umask may have taken away what is needed here.
        folder.chmod(self.folder_mode)

    def read(self, path: Path) -> bytes | None:
        """The content of a file in a trusted folder; None if it is not there or not trusted."""
        flags = os.O_RDONLY
        for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
            flags |= getattr(os, name, 0)
        try:
            descriptor = os.open(path, flags)
        except OSError:
            if path.is_symlink():
                warn_untrusted(path, "it is a symbolic link")
            return None
        try:
            # Of the open file, as the name may lead to another one by now.
            status = os.fstat(descriptor)
            doubt = self.doubt(status)
            if doubt is not None:
                warn_untrusted(path, doubt)
                return None
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                return file.read()
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file into a trusted folder. OSError if that fails.

        Nobody sees a part of it: it gets its name when it is complete.
        """
        # Imported here: a process that finds its code on disk writes none, and this takes 5 ms.
        import tempfile

        descriptor, unfinished = tempfile.mkstemp(suffix=UNFINISHED, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(unfinished).chmod(self.file_mode)
            Path(unfinished).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(unfinished).unlink()
            raise


USER = Trust()
"""For the folders of a user."""


def warn_untrusted(path: Path, doubt: str) -> None:
    """Say once in a process why a file or folder is not used."""
    if (path, doubt) not in _warned:
        _warned.add((path, doubt))
        warnings.warn(
            f"lrvm_jit does not use {path} for compiled code, as {doubt}; see docs/security.md",
            RuntimeWarning,
            stacklevel=2,
        )


def warned() -> bool:
    """Whether this process has been told of something that is not trusted."""
    return bool(_warned)


def _steps(folder: Path, base: Path) -> list[Path]:
    """`base`, and the folders from there to `folder`."""
    below = folder.relative_to(base).parts
    return [base.joinpath(*below[:count]) for count in range(len(below) + 1)]
