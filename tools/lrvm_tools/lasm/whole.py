"""LASM programs with rules or banks of their own.

They are assembled by the rooms of CustomASM, with the built-in instructions beside the program's
rules. Programs without rules, nearly all, take the short way through `assembler`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

from lrvm_jit.isa import CONSTANTS

from ..customasm.assembler import Options
from ..customasm.assembly import Assembly
from ..customasm.files import Files
from ..customasm.language import Language
from ..customasm.problems import Problem
from ..customasm.program import assemble_program
from ..customasm.source import Span
from ..text_files import end_lines
from .instruction_table import TableAndRules
from .layout import LABEL_ALIGNMENT
from .limits import LAYOUT_PASSES, NESTING

LASM: Final = Language(
    quotes_escaped=True,
    strings_signed=False,
    percent_operator=True,
    slices_repeat=True,
    nesting=NESTING,
    label_alignment=LABEL_ALIGNMENT,
    labels_keep_scope=True,
    free_arms=True,
    functions_name_own_files=True,
    names=CONSTANTS,
)
_STANDARD: Final = Path(__file__).parent / "std"


class ReachableFiles(Files):
    """Files that lie in the folder of the first one or in an include path."""

    def __init__(
        self, path: str | os.PathLike[str] | None, include_paths: Iterable[str | os.PathLike[str]]
    ) -> None:
        search = [Path(folder) for folder in include_paths]
        super().__init__(search=search, standard=(_STANDARD,))
        first = Path() if path is None else Path(path).parent
        self._roots = [folder.resolve() for folder in (first, *search)]

    def decode(self, data: bytes) -> str:
        """The text in a source file, in which a lone carriage return ends a line as well."""
        return end_lines(super().decode(data))

    def check(self, file: Path, name: str, span: Span | None) -> None:
        """Refuse a file out of reach. Raises Problem."""
        resolved = file.resolve()
        if not any(resolved.is_relative_to(root) for root in self._roots):
            message = f"`{name}` is out of reach: files must lie in {self._roots[0]}"
            raise Problem(span, message, hint="an include path allows another folder")


def assemble_whole(
    source_text: str,
    path: str | os.PathLike[str] | None,
    include_paths: Iterable[str | os.PathLike[str]],
) -> Assembly:
    """Assemble a LASM program that uses the whole language. Raises AssemblyError."""
    options = Options(
        passes=LAYOUT_PASSES,
        keep_going=True,
        language=LASM,
        instruction_set=partial(TableAndRules, language=LASM),
    )
    files = ReachableFiles(path, include_paths)
    return assemble_program(end_lines(source_text), path, files, options)
