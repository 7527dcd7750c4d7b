"""The files of a program: where their names lead (section 2 of the specification: includes).

Names are taken apart as text: relative to the folder of the file that they stand in, `..` removes
a part, a leading `/` starts at the working folder, `<std>/` leads to the files that come with
this package. Contents may be given (`contents`) instead of standing on the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from lrvm_jit.input_files import read_file

from ..text_files import decode
from .problems import Problem
from .source import Source, Span

STANDARD: Final = "<std>/"
_STANDARD_FOLDER: Final = Path(__file__).parent / "std"

FILE_BYTES: Final = 64 << 20


class Files:
    """Reads the files of one program; each is read once.

    `search` has further folders in which a name is looked for that leads nowhere, `standard` the
    folders of what `<std>/` leads to, `project` another folder for names that start with `/`.
    """

    def __init__(
        self,
        contents: Mapping[str, str | bytes] | None = None,
        search: Iterable[str | Path] = (),
        standard: Iterable[Path] = (),
        project: Path | None = None,
    ) -> None:
        self._given = dict(contents or {})
        self._search = [Path(each) for each in search]
        self._standard = (*standard, _STANDARD_FOLDER)
        self._project = project
        self._contents: dict[str, bytes] = {}

    def read(self, name: str, source: Source, span: Span) -> bytes:
        """The contents of the file that a name in `source` leads to. Raises Problem."""
        return self.load(self.locate(name, source.path, span), name, span)

    def locate(self, name: str, including: str, span: Span) -> str:
        """The path of the file that a name in the file `including` leads to. Raises Problem."""
        plain = name.replace("\\", "/")
        if not plain.strip("/"):
            raise Problem(span, "invalid filename")
        parts: list[str] = []
        if plain.startswith(STANDARD):
            root = STANDARD
            plain = plain.removeprefix(STANDARD)
        elif plain.startswith("/"):
            root = ""
        else:
            folder = including.replace("\\", "/")
            root = "/" if folder.startswith("/") else ""
            if folder.startswith(STANDARD):
                root, folder = STANDARD, folder.removeprefix(STANDARD)
            parts = [part for part in folder.split("/")[:-1] if part not in ("", ".")]
        for part in plain.split("/"):
            if part == "..":
                if not parts or parts[-1] == "..":
                    raise Problem(span, "cannot navigate out of project directory")
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        if not parts:
            raise Problem(span, "invalid filename")
        return root + "/".join(parts)

    def load(self, path: str, name: str, span: Span | None) -> bytes:
        """The contents of the file at a path, which messages call `name`. Raises Problem."""
        if path not in self._contents:
            self._contents[path] = self._load(path, name, span)
        return self._contents[path]

    def _load(self, path: str, name: str, span: Span | None) -> bytes:
        if path in self._given:
            given = self._given[path]
            return given.encode() if isinstance(given, str) else given
        if path.startswith(STANDARD):
            inner = path.removeprefix(STANDARD)
            candidates = [folder / inner for folder in self._standard]
        else:
            plain = name.replace("\\", "/").lstrip("/")
            candidates = [Path(path), *(folder / plain for folder in self._search)]
            if self._project is not None and name.startswith(("/", "\\")):
                candidates.append(self._project / path)
        try:
            for candidate in candidates:
                if candidate.is_file():
                    if not path.startswith(STANDARD):
                        self.check(candidate, name, span)
                    return read_file(candidate, FILE_BYTES)
        except OSError as error:
            raise Problem(span, f"cannot read `{path}`: {error.strerror}") from None
        except ValueError:
            # A zero character in the name.
            raise Problem(span, "invalid filename") from None
        raise Problem(span, f"file not found: `{name}`")

    def decode(self, data: bytes) -> str:
        """The text in a source file. Raises UndecodableError."""
        return decode(data)

    def check(self, file: Path, name: str, span: Span | None) -> None:
        """Refuse a file that may not be read. Raises Problem."""
