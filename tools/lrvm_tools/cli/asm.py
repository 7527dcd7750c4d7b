"""`lrvm asm`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import click

from ..lasm import Assembly, assemble_program_file
from ..lasm.formats import to_binary, to_hex_dump, to_intel_hex, to_listing, to_symbol_table
from .options import (
    INPUT_FILE,
    OUTPUT_FILE,
    InputError,
    json_option,
    traceback_option,
    write_output,
)
from .report import print_json

_Writer: TypeAlias = Callable[[Assembly], str | bytes]

_FORMATS: dict[str, _Writer] = {
    "bin": to_binary,
    "hex": to_hex_dump,
    "ihex": to_intel_hex,
    "listing": to_listing,
    "symbols": to_symbol_table,
}


@click.command()
@click.argument("file", type=INPUT_FILE)
@click.option(
    "-o", "--output", type=OUTPUT_FILE, metavar="OUT", help="Where to write; `-` is stdout."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(_FORMATS)),
    default="bin",
    show_default=True,
    help="What to write: the bytes, a hex dump, Intel HEX, an annotated listing, the symbols.",
)
@click.option(
    "-I",
    "--include",
    "include_paths",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    metavar="DIR",
    help="A further folder in which the program may include files.",
)
@json_option
@traceback_option
def asm(
    file: Path, output: Path | None, form: str, include_paths: tuple[Path, ...], as_json: bool
) -> None:
    """Assemble a LASM program.

    Without -o the result goes to standard output; with --json nothing but the report does. A
    program with errors writes nothing: every error is listed, and the exit code is 2.

    \b
    Examples:
      lrvm asm hello.lasm -o hello.bin
      lrvm asm hello.lasm --format listing | less
      lrvm asm hello.lasm --json | jq .symbols
    """
    if form == "bin" and output is None and not as_json and sys.stdout.isatty():
        raise InputError(
            "a binary image does not go to a terminal: give -o OUT, or another --format"
        )
    try:
        assembly = assemble_program_file(file, include_paths)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    if output is not None or not as_json:
        write_output(output, _FORMATS[form](assembly), file)
    if as_json:
        print_json(
            {
                "file": str(file),
                "output": None if output is None else str(output),
                "format": form,
                "bytes": len(assembly.bytes),
                "symbols": assembly.symbols,
                "exit_code": 0,
            }
        )
