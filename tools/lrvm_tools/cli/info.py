"""`lrvm info`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from lrvm_jit.core.component import metadata_of
from lrvm_jit.core.metadata import Category, type_name
from lrvm_jit.engines import ENGINES

from ..machines import (
    DEFAULT_MACHINE_FILE,
    Machine,
    component_types,
    default_machine,
    load_machine,
)
from .options import InputError, json_option, machine_options, traceback_option
from .report import print_json, print_table


@click.command(short_help="Show a machine's memory map, or the known component types.")
@machine_options("A machine file instead of the default machine.")
@click.option("--types", is_flag=True, help="Show the component types for machine files instead.")
@click.option("--toml", is_flag=True, help="Print the default machine's file, to start one from.")
@json_option
@traceback_option
def info(
    machine_file: Path | None,
    types: bool,
    toml: bool,
    allow_paths: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Show a machine's memory map, or the component types that machine files can name.

    The files of the host that a machine's components use are listed below it; none is made or
    changed.

    \b
    Examples:
      lrvm info
      lrvm info --toml > machine.toml
      lrvm info --machine machine.toml --json
      lrvm info --types
    """
    if toml:
        if types or machine_file or as_json:
            raise click.UsageError("--toml goes with no other option")
        click.echo(DEFAULT_MACHINE_FILE.read_bytes(), nl=False)
        return
    if types and machine_file:
        raise click.UsageError("--types and --machine exclude each other")
    if types:
        _show_types(as_json)
        return
    # A map needs no fast engine, and the compiled one takes a while to load.
    if machine_file is None:
        machine = default_machine(None, engine="reference")
    else:
        try:
            machine = load_machine(
                machine_file, engine="reference", needs_program=False, allow_paths=allow_paths
            )
        except OSError as error:
            raise InputError(f"cannot read {error.filename}: {error.strerror}") from None
    with machine:
        _show_machine(machine, as_json)


def _show_machine(machine: Machine, as_json: bool) -> None:
    components = [_component(machine, index) for index in range(len(machine.types))]
    if as_json:
        files = [{**asdict(file), "path": str(file.path)} for file in machine.files]
        document = {"machine": machine.source, "components": components, "files": files}
        print_json({**document, "exit_code": 0})
        return
    rows = [
        (
            str(item["id"]),
            item["type"],
            "not mapped"
            if item["first"] is None
            else f"0x{item['first']:08X} -> 0x{item['last']:08X}",
            f"{item['size']:,}",
            item["name"],
            f"{item['category']}/{item['kind']}",
            item["hardware_id"],
        )
        for item in components
    ]
    columns = ("id", "type", "addresses", "bytes", "name", "kind", "hardware id")
    print_table(machine.source, columns, rows)
    if machine.files:
        used = [(str(file.component), str(file.path), file.mode) for file in machine.files]
        print_table("files of the host", ("id", "path", "opened to"), used)


def _component(machine: Machine, index: int) -> dict[str, Any]:
    board = machine.board
    metadata = metadata_of(board.components[index])
    mapping = board.mappings.of(index)
    try:
        category = Category(metadata.category).name.replace("_", " ").capitalize()
    except ValueError:
        category = f"0x{metadata.category:08X}"
    return {
        "id": index,
        "type": machine.types[index],
        "name": board.components[index].name,
        "first": None if mapping is None else mapping.first,
        "last": None if mapping is None else mapping.last + 3,
        "size": metadata.size,
        "category": category,
        "kind": type_name(metadata.category, metadata.type),
        "hardware_id": f"{metadata.hardware_id:016X}",
    }


def _show_types(as_json: bool) -> None:
    types = component_types().values()
    if as_json:
        document = [
            {
                "type": kind.name,
                "summary": kind.summary,
                "origin": kind.origin,
                "settings": [
                    {"name": item.name, "value": item.expected, "required": item.required}
                    for item in kind.settings.values()
                ],
            }
            for kind in types
        ]
        print_json({"types": document, "engines": list(ENGINES), "exit_code": 0})
        return
    rows = [
        (
            kind.name,
            ", ".join(
                f"{item.name}{'*' if item.required else ''}" for item in kind.settings.values()
            ),
            kind.origin,
            kind.summary,
        )
        for kind in types
    ]
    print_table(
        "component types for machine files (* required)",
        ("type", "settings", "from", "what it is"),
        rows,
        fold_last=True,
    )
