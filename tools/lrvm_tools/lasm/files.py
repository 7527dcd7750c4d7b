"""The files of a program: where names lead, and which of them it may read.

A name is relative to the file that it stands in. What it leads to, links followed, must lie in
the folder of the first file or in an include path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from lrvm_jit.input_files import read_file

from ..customasm.source import Source, Span
from ..text_files import UndecodableError, decode, end_lines
from .errors import SourceError
from .limits import FILE_BYTES

UNNAMED = "<source>"
"""What messages call a source that is given without a path."""


class Files:
    """Reads the files of one program; each is read once."""

    def __init__(
        self, path: str | os.PathLike[str] | None, include_paths: Iterable[str | os.PathLike[str]]
    ) -> None:
        self.first = None if path is None else Path(path)
        self._root = (self.first.parent if self.first else Path()).resolve()
        self._include_paths = [Path(folder).resolve() for folder in include_paths]
        self._contents: dict[Path, bytes] = {}

    def first_source(self, text: str) -> Source:
        """The program's first source."""
        text = end_lines(text.removeprefix("\ufeff"))
        return Source(str(self.first or UNNAMED), text, self._root)

    def locate(self, name: str, span: Span) -> Path:
        """The file that a name at `span` leads to. Raises SourceError if there is none in reach."""
        relative = name.replace("\\", "/")
        outside = None
        for folder in (span.source.folder, *self._include_paths):
            try:
                candidate = (folder / relative).resolve()
                found = candidate.is_file()
            except (OSError, ValueError, RuntimeError) as error:
                # In turn: too long a name, a zero character in it, links in a circle.
                reason = error.strerror if isinstance(error, OSError) else error
                raise SourceError(span, f"this is no file name: {reason}") from None
            if not self._in_reach(candidate):
                outside = outside or candidate
            elif found:
                return candidate
        if outside is not None:
            raise SourceError(
                span,
                f"`{name}` is out of reach: files must lie in {self._root}",
                "an include path allows another folder",
            )
        searched = ", ".join(str(folder) for folder in (span.source.folder, *self._include_paths))
        raise SourceError(span, f"no file `{name}`", f"looked in {searched}")

    def read(self, name: str, span: Span) -> bytes:
        """The contents of the file that a name at `span` leads to. Raises SourceError."""
        return self._read(self.locate(name, span), span)

    def source(self, file: Path, span: Span) -> Source:
        """The source in a located file. Raises SourceError."""
        path = self._shown_path(file, span)
        try:
            return Source(path, end_lines(decode(self._read(file, span))), file.parent)
        except UndecodableError as error:
            raise SourceError(span, f"{path}:{error.line}: {error}") from None

    def _in_reach(self, file: Path) -> bool:
        return any(file.is_relative_to(folder) for folder in (self._root, *self._include_paths))

    def _read(self, file: Path, span: Span) -> bytes:
        if file not in self._contents:
            try:
                if file.stat().st_size > FILE_BYTES:
                    message = f"the file is larger than {FILE_BYTES >> 20} MiB"
                    raise SourceError(span, message)
                self._contents[file] = read_file(file, FILE_BYTES)
            except OSError as error:
                raise SourceError(span, f"cannot read the file: {error.strerror}") from None
        return self._contents[file]

    def _shown_path(self, file: Path, span: Span) -> str:
        """A located file as messages call it: beside the first file as that was given."""
        if not file.is_relative_to(self._root):
            return str(file)
        return str((self.first.parent if self.first else Path()) / file.relative_to(self._root))
