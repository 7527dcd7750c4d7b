"""`lrvm dis`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..disassembly import Disassembly, analyse, disassemble, to_dot, to_svg
from ..images import Image, load_image
from ..program import Label
from .native import PARTS, check_options, native_document, native_listing, native_text, show_native
from .options import (
    INPUT_FILE,
    OUTPUT_FILE,
    InputError,
    Number,
    json_option,
    traceback_option,
    write_output,
)
from .report import print_json


@click.command(short_help="Disassemble a program.")
@click.argument("file", type=INPUT_FILE, required=False, metavar="FILE")
@click.option("--addresses", is_flag=True, help="Add each line's address as a comment.")
@click.option(
    "--strings",
    "min_text",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    metavar="N",
    help="Show data as text where it has at least N characters.",
)
@click.option(
    "--entry",
    "entries",
    type=Number(),
    multiple=True,
    metavar="ADDRESS",
    help="An address where code starts besides 0, which computed jumps lead to.",
)
@click.option("--plain", is_flag=True, help="One line for each word, nothing analysed.")
@click.option(
    "--graph", type=click.Choice(["dot", "svg"]), help="Draw the control-flow graph instead."
)
@click.option(
    "--native",
    metavar="LABEL",
    help="Show what the translator makes of the code at a label or an address instead.",
)
@click.option(
    "--native-part",
    "parts",
    type=click.Choice(PARTS),
    multiple=True,
    help="Of --native only this: the guest's code, LLVM's, the processor's. May be repeated.",
)
@click.option(
    "--userland", is_flag=True, help="With --native: as userland runs the code, not supervisor."
)
@click.option(
    "-o", "--output", type=OUTPUT_FILE, metavar="OUT", help="Where to write instead of stdout."
)
@json_option
@traceback_option
def dis(
    file: Path | None,
    addresses: bool,
    min_text: int,
    entries: tuple[int, ...],
    plain: bool,
    graph: str | None,
    native: str | None,
    parts: tuple[str, ...],
    userland: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Disassemble a program: an executable, a binary image, Intel HEX (*.ihex) or LASM (*.lasm).

    Code is found by following jumps, calls and the exception vector from address 0 on; jump
    targets get labels, and text in the data is shown as strings. Assembling the output gives
    the same bytes. An executable's functions and variables have their names, and where its
    source is known, that stands beside.

    --native shows code as the engine `translator` runs it, from where it is hot: the guest's
    code block by block, LLVM's IR after optimisation, and machine code, both with the guest
    instructions they come from. Addresses that computed jumps lead to are given by --entry.

    \b
    Examples:
      lrvm dis hello.bin --addresses
      lrvm dis kernel.bin --entry 0x200 --strings 8
      lrvm dis hello.bin --graph svg -o hello.svg
      lrvm dis hello.lasm --native loop | less
      lrvm dis hello.bin --native 0x20 --native-part asm
    """
    if file is None:
        taken = "" if native is None else f": {native!r} is taken for the LABEL of --native"
        raise click.UsageError(f"Missing argument 'FILE'{taken}.")
    check_options(native, parts, userland, {"--plain": plain, "--graph": graph is not None})
    if sum((plain, graph is not None, as_json)) > 1:
        raise click.UsageError("--plain, --graph and --json exclude each other")
    try:
        image = load_image(file)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    if plain:
        write_output(output, _line_end(disassemble(image.data, addresses)), file)
        return
    try:
        disassembly = _analysed(image, entries, min_text)
    except ValueError as error:
        raise InputError(f"{file}: {error}") from None
    if native is not None:
        listing = native_listing(image, disassembly, native, not userland, entries)
        chosen = [part for part in PARTS if part in parts or not parts]
        if as_json:
            document = {"label": native, **native_document(listing, chosen)}
            print_json({"file": str(file), **document, "exit_code": 0})
        elif output is None and sys.stdout.isatty():
            show_native(listing, chosen)
        else:
            write_output(output, native_text(listing, chosen), file)
    elif as_json:
        print_json({"file": str(file), **_document(disassembly), "exit_code": 0})
    elif graph is None:
        write_output(output, _line_end(disassembly.to_lasm(addresses)), file)
    else:
        draw = to_dot if graph == "dot" else to_svg
        write_output(output, draw(disassembly.graph()), file)


def _analysed(image: Image, entries: Sequence[int], min_text: int) -> Disassembly:
    """An image taken apart; an executable's with its names, and the source beside."""
    if image.executable is None:
        return analyse(image.data, sorted({0, *entries}), min_text)
    from ..executable.listing import entries_of, names_of, notes_of

    executable = image.executable
    return analyse(
        image.data,
        sorted({*entries_of(executable), *entries}),
        min_text,
        names_of(executable),
        notes_of(executable),
    )


def _line_end(text: str) -> str:
    return text + "\n" if text else ""


def _document(disassembly: Disassembly) -> dict[str, Any]:
    lines = [
        {
            "address": address,
            "kind": "code" if address in disassembly.code else "data",
            "label": disassembly.labels.get(address),
            "text": str(item),
        }
        for address, item in disassembly.program.located()
        if not isinstance(item, Label)
    ]
    return {
        "bytes": 4 * len(disassembly.words) + len(disassembly.rest),
        "labels": {name: address for address, name in disassembly.labels.items()},
        "lines": lines,
    }
