"""The files of the host that a machine file may use, and those that it does use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READ: Final = "read"
READ_AND_WRITE: Final = "read and write"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file that a component uses: the component's id, its setting that names the file, and how
    it is opened: "read", "read and write", or "unknown" for types of other packages."""

    component: int
    setting: str
    path: Path
    mode: str

    def __str__(self) -> str:
        return f"{self.path} ({self.mode})"


class HostPaths:
    """Finds the files that a machine file names.

    A machine file may come from anybody. What it names, links followed, must lie below its own
    folder, or below one that the user allows.
    """

    def __init__(self, folder: Path, allowed: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._allowed = [path.resolve() for path in (folder, *allowed)]

    def find(self, name: str) -> Path:
        """The path for a name, which is relative to the machine file. ValueError if it is out of
        reach, or none."""
        path = self._folder / name
        try:
            leads_to = path.resolve()
        except (OSError, ValueError, RuntimeError) as error:
            # In turn: too long a name, a zero character in it, links in a circle.
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"{name!r} is no path: {reason}") from None
        if not any(leads_to.is_relative_to(folder) for folder in self._allowed):
            raise ValueError(
                f"{name!r} leads to {leads_to}, outside the machine file's folder "
                f"{self._allowed[0]}; `--allow-path {leads_to.parent}` allows it"
            )
        return path


def mode_of(type_name: str, setting: str, writable: object) -> str:
    """How a component opens the file that one of its settings names."""
    if setting in ("program", "image"):
        return READ
    if type_name == "file":
        return READ_AND_WRITE if writable else READ
    return UNKNOWN
