"""Machine files: `machine.toml` names the components of a machine and where they are mapped.

    engine = "auto"                 # optional

    [[component]]                   # ids count from 0 in the order of the file
    type = "rom"
    program = "hello.lasm"          # paths are relative to the file, and stay below its folder

    [[component]]
    type = "ram"
    size = 0x1_0000
    address = 0x1000_0000           # without: right after the component before

`last` maps only the component's first bytes: it is the address of the last mapped word, and
needs an `address`. `mapped = false` leaves a component out of the memory map.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final

from lrvm_jit import Component, Motherboard, TranslatorOptions
from lrvm_jit.core.component import metadata_of
from lrvm_jit.engines import ENGINES
from lrvm_jit.input_files import read_file

from ..images import Image
from ..lasm import AssemblyError
from ..text_files import UndecodableError, decode, lone_carriage_return
from .context import Context
from .errors import MachineError
from .host import Host
from .host_paths import HostFile, HostPaths, mode_of
from .machine import ComponentMaker, Machine
from .types import (
    PLACEMENT,
    ComponentType,
    ComponentTypeError,
    Value,
    find_type,
    known_names,
    whole_number_hint,
)

FILE_BYTES: Final = 16 << 20
"""A machine file is not larger."""
_TOP_LEVEL: Final = ("engine", "component")


def load_machine(
    path: str | os.PathLike[str],
    *,
    program: Image | None = None,
    host: Host | None = None,
    engine: str | None = None,
    needs_program: bool = True,
    allow_paths: Iterable[str | os.PathLike[str]] = (),
) -> Machine:
    """The machine that a file describes, mapped and reset.

    `program` is for the ROM whose `program` the file leaves open; there must be one unless
    `needs_program` is False, which is for machines that are only looked at. `engine` goes before
    the file's. The files that it names must lie below its folder, or below one of `allow_paths`;
    none is made or changed before the machine runs. Raises MachineError, which lists every
    problem found; OSError if the file cannot be read; AssemblyError if its program does not
    assemble.
    """
    path = Path(path)
    return build_machine(
        read_file(path, FILE_BYTES),
        str(path),
        path.parent,
        program=program,
        host=host,
        engine=engine,
        needs_program=needs_program,
        allow_paths=allow_paths,
    )


def build_machine(
    content: bytes,
    source: str,
    folder: Path,
    *,
    program: Image | None = None,
    host: Host | None = None,
    engine: str | TranslatorOptions | None = None,
    needs_program: bool = True,
    allow_paths: Iterable[str | os.PathLike[str]] = (),
) -> Machine:
    """`load_machine` for a file's content; `source` names it in messages."""
    paths = HostPaths(folder, map(Path, allow_paths))
    builder = _Builder(paths, Context(host or Host(), program, needs_program))
    document = _parse(content, source)
    with ExitStack() as cleanup:
        # Whatever goes wrong, components that exist already must be closed.
        cleanup.callback(builder.close)
        entries = builder.read(document)
        board = None
        if not builder.problems:
            board = builder.board(engine or document.get("engine", "auto"), entries)
        if board is None:
            raise MachineError(source, builder.problems)
        cleanup.pop_all()
    types = tuple(entry["type"] for entry in entries)
    start = board.mappings.find(0)
    program = builder.programs.get(start.component) if start else None
    return Machine(board, source, types, program, tuple(builder.files), tuple(builder.makers))


def _parse(content: bytes, source: str) -> dict[str, Any]:
    """The document in a machine file. MachineError tells why there is none."""
    try:
        text = decode(content)
        place = lone_carriage_return(text)
        if place is not None:
            line, column = place
            raise MachineError(
                source,
                [
                    f"not valid TOML: the carriage return in line {line}, column {column} has no "
                    "line feed behind it; end lines with LF or CR LF"
                ],
            )
        return tomllib.loads(text)
    except UndecodableError as error:
        raise MachineError(source, [f"not valid TOML: {error} (line {error.line})"]) from None
    except MachineError:
        raise
    except ValueError as error:  # besides TOMLDecodeError: a number of thousands of digits
        raise MachineError(source, [f"not valid TOML: {error}"]) from None
    except RecursionError:
        raise MachineError(source, ["not valid TOML: it is nested too deeply"]) from None


class _Builder:
    """Makes and maps the components, collecting problems instead of stopping at the first."""

    def __init__(self, paths: HostPaths, context: Context) -> None:
        self.paths = paths
        self.files: list[HostFile] = []
        self.context = context
        self.components: list[Component] = []
        self.makers: list[ComponentMaker] = []
        self.programs: dict[int, Image] = {}
        self.problems: list[str] = []
        self._end = 0

    def close(self) -> None:
        for component in self.components:
            component.close()

    def read(self, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Make the components; the answer is the tables that describe them."""
        for key in document:
            if key not in _TOP_LEVEL:
                self.problems.append(_unknown("key", key, _TOP_LEVEL))
        engine = document.get("engine", "auto")
        if engine not in ENGINES:
            self.problems.append(_unknown("engine", engine, ENGINES))
        entries = document.get("component", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.problems.append(
                "`component` must be tables, each under a [[component]] of its own"
            )
            return []
        if not entries:
            self.problems.append("no components: add some, each under a [[component]] of its own")
        for index, entry in enumerate(entries):
            self._add(index, entry)
        if self.context.program is not None and not self.context.program_used and not self.problems:
            self.problems.append(
                f"there is no place for the program {self.context.program.path}: "
                "it goes to a `rom` without a `program` of its own"
            )
        return entries

    def board(
        self, engine: str | TranslatorOptions, entries: Iterable[Mapping[str, Any]]
    ) -> Motherboard | None:
        """The board with the components, mapped and reset; None if there are problems."""
        try:
            board = Motherboard(self.components, engine)
            for index, entry in enumerate(entries):
                self._place(board, index, entry)
            if self.problems:
                return None
            board.reset()
            return board
        except MemoryError:
            sizes = [metadata_of(component).size for component in self.components]
            largest = sizes.index(max(sizes))
            self.problems.append(
                f"there is not enough memory for the {sum(sizes):,} bytes of all components; the "
                f"largest is component {largest} with {sizes[largest]:,}"
            )
            return None

    def _place(self, board: Motherboard, index: int, entry: Mapping[str, Any]) -> None:
        """Map a component as its table says."""
        if not entry.get("mapped", True):
            return
        try:
            if "last" in entry:
                mapping = board.map_abs(entry["address"], entry["last"], index)
            else:
                mapping = board.map(entry.get("address", self._end), index)
        except ValueError as error:
            self.problems.append(f"{_label(index, entry)}: {error}")
        else:
            self._end = mapping.last + 4

    def _add(self, index: int, entry: Mapping[str, Any]) -> None:
        try:
            self._make(index, entry)
        except AssemblyError:
            raise
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            self.problems.append(f"{_label(index, entry)}: {name}{error.strerror or error}")
        except (ValueError, TypeError, OverflowError) as error:
            self.problems.append(f"{_label(index, entry)}: {error}")
        except MemoryError:
            size = entry.get("size")
            what = f"{size:,} bytes" if isinstance(size, int) else "it"
            self.problems.append(f"{_label(index, entry)}: there is not enough memory for {what}")

    def _make(self, index: int, entry: Mapping[str, Any]) -> None:
        kind = _type_of(entry)
        values = self._settings(kind, entry)
        self.context.loaded = None
        component = kind.make(values, self.context)
        if self.context.loaded is not None:
            self.programs[len(self.components)] = self.context.loaded
        self.components.append(component)
        self.makers.append(partial(_make_again, kind, values, self.context.program))
        for name, value in values.items():
            if isinstance(value, Path):
                mode = mode_of(kind.name, name, values.get("writable"))
                self.files.append(HostFile(index, name, value.resolve(), mode))

    def _settings(self, kind: ComponentType, entry: Mapping[str, Any]) -> dict[str, Value]:
        """The values for the type's settings; ValueError tells what is accepted."""
        _check_placement(entry)
        accepted = kind.settings
        values = {}
        for key, value in entry.items():
            if key == "type" or key in PLACEMENT:
                continue
            if key not in accepted:
                raise ValueError(
                    f"unknown setting {key!r}{_suggestion(key, accepted)}; {_accepted(kind)}"
                )
            try:
                values[key] = accepted[key].convert(value, self.paths)
            except ValueError as error:
                raise ValueError(f"{error}; {_accepted(kind)}") from None
        missing = [name for name, item in accepted.items() if item.required and name not in values]
        if missing:
            raise ValueError(f"setting {missing[0]!r} is missing; {_accepted(kind)}")
        return values


def _make_again(
    kind: ComponentType, values: Mapping[str, Value], program: Image | None, host: Host
) -> Component:
    return kind.make(values, Context(host, program))


def _type_of(entry: Mapping[str, Any]) -> ComponentType:
    name = entry.get("type")
    if not isinstance(name, str):
        raise ValueError(f"needs a `type`, one of {', '.join(known_names())}")
    try:
        return find_type(name)
    except KeyError:
        raise ComponentTypeError(_unknown("type", name, known_names())) from None


def _check_placement(entry: Mapping[str, Any]) -> None:
    for key in ("address", "last"):
        value = entry.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int):
            hint = whole_number_hint(value)
            raise ValueError(f"`{key}` must be a whole number, not {value!r}{hint}")
    mapped = entry.get("mapped", True)
    if not isinstance(mapped, bool):
        raise ValueError(f"`mapped` must be true or false, not {mapped!r}")
    if "last" in entry and "address" not in entry:
        raise ValueError("`last` needs an `address` as well")
    if not mapped and "address" in entry:
        raise ValueError("`address` and `mapped = false` exclude each other")


def _accepted(kind: ComponentType) -> str:
    settings = ", ".join(map(str, kind.settings.values())) or "none"
    return f"settings of {kind.name}: {settings}; all components take {', '.join(PLACEMENT)}"


def _unknown(what: str, name: object, known: Any) -> str:
    return f"unknown {what} {name!r}{_suggestion(str(name), known)}; known are {', '.join(known)}"


def _suggestion(name: str, known: Any) -> str:
    matches = get_close_matches(name, list(known), n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


def _label(index: int, entry: Mapping[str, Any]) -> str:
    return f"component {index} ({entry['type']})" if "type" in entry else f"component {index}"
