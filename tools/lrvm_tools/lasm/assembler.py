"""Assembling programs: the phases in order."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from ..input_files import read_file
from ..text_files import UndecodableError, decode
from .assembly import Assembly
from .emit import Emitter
from .errors import AssemblyError, Diagnostic, Report, SourceError
from .evaluate import Evaluator
from .expand import Expander
from .files import Files
from .layout import lay_out
from .limits import FILE_BYTES
from .parser import parse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PathLike: TypeAlias = str | os.PathLike[str]


def assemble_program(
    source_text: str, path: PathLike | None = None, include_paths: Iterable[PathLike] = ()
) -> Assembly:
    """Assemble a program and return all that is known about it.

    `path` is the file that the text comes from: messages name it, and includes are relative to it
    (to the working folder if there is none). They may not leave its folder, but for those in
    `include_paths`. Raises AssemblyError, which lists every error found.
    """
    report = Report()
    files = Files(path, include_paths)
    first = parse(files.first_source(source_text), report, files.first)
    program = Expander(files, report).expand(first)
    evaluator = Evaluator(program.symbols, files.read)
    try:
        lay_out(program, evaluator)
    except SourceError as error:
        report.add_error(error)
        report.raise_if_any()
    assembly = Emitter(program, evaluator, report).emit()
    report.raise_if_any()
    return assembly


def assemble_program_file(path: PathLike, include_paths: Iterable[PathLike] = ()) -> Assembly:
    """Assemble the program in a file, as `assemble_program` does. A file that cannot be read
    raises OSError."""
    try:
        text = decode(read_file(path, FILE_BYTES))
    except UndecodableError as error:
        diagnostic = Diagnostic(str(path), error.line, 1, 2, str(error), "", "")
        raise AssemblyError([diagnostic]) from None
    return assemble_program(text, path, include_paths)


def assemble(
    source_text: str, path: PathLike | None = None, include_paths: Iterable[PathLike] = ()
) -> NDArray[np.uint32]:
    """Assemble a program to its words: its bytes, padded with zeros to a multiple of four, as
    big-endian words. The arguments and errors are those of `assemble_program`."""
    return assemble_program(source_text, path, include_paths).words


def assemble_file(path: PathLike, include_paths: Iterable[PathLike] = ()) -> NDArray[np.uint32]:
    """Assemble the program in a file to its words."""
    return assemble_program_file(path, include_paths).words
