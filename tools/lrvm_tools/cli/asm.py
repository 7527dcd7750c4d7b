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
_ELF = "elf"


@click.command()
@click.argument("file", type=INPUT_FILE)
@click.option(
    "-o", "--output", type=OUTPUT_FILE, metavar="OUT", help="Where to write; `-` is stdout."
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*_FORMATS, _ELF]),
    help="What to write: the bytes (the default), a hex dump, Intel HEX, an annotated listing, the "
    "symbols, an executable (the default for *.elf).",
)
@click.option(
    "--machine",
    "machine_file",
    type=INPUT_FILE,
    metavar="FILE",
    help="The machine that an executable is for; otherwise the default machine.",
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
    file: Path,
    output: Path | None,
    form: str | None,
    machine_file: Path | None,
    include_paths: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Assemble a LASM program.

    Without -o the result goes to standard output; with --json nothing but the report does. A
    program with errors writes nothing: every error is listed, and the exit code is 2.

    \b
    Examples:
      lrvm asm hello.lasm -o hello.bin
      lrvm asm hello.lasm -o hello.elf && lrvm run hello.elf
      lrvm asm hello.lasm --format listing | less
      lrvm asm hello.lasm --json | jq .symbols
    """
    if form is None:
        form = _ELF if output is not None and output.suffix.lower() == ".elf" else "bin"
    if machine_file is not None and form != _ELF:
        raise click.UsageError("--machine goes with executables: -o OUT.elf, or --format elf")
    if form in ("bin", _ELF) and output is None and not as_json and sys.stdout.isatty():
        raise InputError(
            "a binary image does not go to a terminal: give -o OUT, or another --format"
        )
    try:
        assembly = assemble_program_file(file, include_paths)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    if output is not None or not as_json:
        writer = _FORMATS.get(form)
        content = writer(assembly) if writer else _elf(assembly, file, machine_file)
        write_output(output, content, file)
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


def _elf(assembly: Assembly, file: Path, machine_file: Path | None) -> bytes:
    # Imported here: other formats need no machine.
    from ..executable import MachineDescription
    from ..executable.elf_program import to_elf
    from ..executable.from_assembly import executable_of
    from ..machines import DEFAULT_MACHINE_FILE

    machine = MachineDescription.of_file(machine_file or DEFAULT_MACHINE_FILE)
    rom = machine.at_zero
    if len(assembly.bytes) > rom.size:
        raise InputError(
            f"{file} has {len(assembly.bytes)} bytes, and the component at address 0 of "
            f"{machine.source} has {rom.size}"
        )
    return to_elf(executable_of(assembly, str(file), machine))
