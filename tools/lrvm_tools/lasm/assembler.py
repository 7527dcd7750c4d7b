"""Assembling programs: the phases in order."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias

from lrvm_jit.input_files import read_file

from ..collection import collection_paused
from ..customasm.assembly import Assembly
from ..customasm.diagnostics import AssemblyError, Diagnostic
from ..text_files import UndecodableError, decode
from .emit import Emitter
from .errors import Report, SourceError, WholeLanguageError
from .evaluate import Evaluator
from .expand import Expander
from .files import Files
from .instructions import NAMES
from .layout import lay_out
from .limits import FILE_BYTES
from .parser import parse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PathLike: TypeAlias = str | os.PathLike[str]

InstructionSetName: TypeAlias = Literal["rules"] | None
"""None for LASM, the LRVM's built-in instruction set; "rules" for plain CustomASM, where the
program's own rules are all there is."""


def assemble_program(
    source_text: str,
    path: PathLike | None = None,
    include_paths: Iterable[PathLike] = (),
    instruction_set: InstructionSetName = None,
) -> Assembly:
    """Assemble a program and return all that is known about it.

    `path` is the file that the text comes from: messages name it, and includes are relative to it
    (to the working folder if there is none). They may not leave its folder, but for those in
    `include_paths`. Raises AssemblyError, which lists every error found (plain CustomASM stops at
    the first, as the original does), and ValueError for an unknown instruction set.
    """
    if _is_plain(instruction_set):
        from ..customasm.program import assemble_rules

        return assemble_rules(source_text, path, include_paths)
    try:
        with collection_paused():
            return _assemble(source_text, path, include_paths)
    except WholeLanguageError:
        from .whole import assemble_whole

        return assemble_whole(source_text, path, include_paths)


def _assemble(
    source_text: str, path: PathLike | None, include_paths: Iterable[PathLike]
) -> Assembly:
    """Assemble a LASM program without rules and banks of its own. Raises AssemblyError, and
    WholeLanguageError if it has some."""
    report = Report()
    files = Files(path, include_paths)
    first = parse(files.first_source(source_text), report, files.first)
    program = Expander(files, report).expand(first)
    evaluator = Evaluator(program.symbols, files.read, NAMES)
    try:
        lay_out(program, evaluator)
    except SourceError as error:
        report.add_error(error)
        report.raise_if_any()
    assembly = Emitter(program, evaluator, report).emit()
    report.raise_if_any()
    return assembly


def assemble_program_file(
    path: PathLike,
    include_paths: Iterable[PathLike] = (),
    instruction_set: InstructionSetName = None,
) -> Assembly:
    """Assemble the program in a file, as `assemble_program` does. A file that cannot be read
    raises OSError."""
    try:
        text = decode(read_file(path, FILE_BYTES))
    except UndecodableError as error:
        diagnostic = Diagnostic(str(path), error.line, 1, 2, str(error), "", "")
        raise AssemblyError([diagnostic]) from None
    return assemble_program(text, path, include_paths, instruction_set)


def _is_plain(instruction_set: InstructionSetName) -> bool:
    if instruction_set not in (None, "rules"):
        raise ValueError(f"instruction_set is {instruction_set!r}, must be None or 'rules'")
    return instruction_set == "rules"


def assemble(
    source_text: str, path: PathLike | None = None, include_paths: Iterable[PathLike] = ()
) -> NDArray[np.uint32]:
    """Assemble a program to its words: its bytes, padded with zeros to a multiple of four, as
    big-endian words. The arguments and errors are those of `assemble_program`.

    >>> from lrvm_tools import assemble
    >>> [hex(word) for word in assemble("cpy a0, 5")]
    ['0xc000005']
    """
    return assemble_program(source_text, path, include_paths).words


def assemble_file(path: PathLike, include_paths: Iterable[PathLike] = ()) -> NDArray[np.uint32]:
    """Assemble the program in a file to its words."""
    return assemble_program_file(path, include_paths).words
