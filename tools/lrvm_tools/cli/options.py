"""Options and parameter types that several subcommands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from lrvm_jit.output_files import write_file

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

_JSON = "lrvm.json"
_TRACEBACK = "lrvm.traceback"
_CHUNK = 1 << 16
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

INPUT_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
OUTPUT_FILE = click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path)


class InputError(ValueError):
    """What the user gave cannot be worked with; the message says why."""


class Number(click.ParamType[int]):
    """A whole number, not negative, in any of Python's notations: 4096, 4_096, 0x1000."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = value if isinstance(value, int) else int(value, 0)
        except ValueError:
            self.fail(f"{value!r} is no whole number, such as 4096 or 0x1000", param, ctx)
        if number < 0:
            self.fail(f"{number} is negative", param, ctx)
        return number


class Size(Number):
    """A size in bytes: a whole number, or one followed by K, M or G (times 1024 each)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip().upper()
        unit = 1
        if text[-1:] in _UNITS and not text.startswith("0X"):
            unit, text = _UNITS[text[-1]], text[:-1]
        return unit * super().convert(text, param, ctx)


def machine_options(text: str) -> Callable[[_Decorated], _Decorated]:
    """`--machine`, of which `text` is the help, and `--allow-path`: the command gets
    `machine_file` and `allow_paths`, folders for the files that it names."""
    machine = click.option("--machine", "machine_file", type=INPUT_FILE, metavar="FILE", help=text)
    allow_path = click.option(
        "--allow-path",
        "allow_paths",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        multiple=True,
        metavar="DIR",
        help="A further folder in which a machine file may name files; else only below its own.",
    )
    return lambda command: machine(allow_path(command))


def json_option(command: _Decorated) -> _Decorated:
    """`--json`: the command gets `as_json`, and its failures are JSON as well."""
    return click.option(
        "--json", "as_json", is_flag=True, callback=_note(_JSON), help="Report in JSON."
    )(command)


def traceback_option(command: _Decorated) -> _Decorated:
    """`--traceback`, before or behind the subcommand."""
    return click.option(
        "--traceback",
        is_flag=True,
        expose_value=False,
        callback=_note(_TRACEBACK),
        help="Show where an internal error comes from.",
    )(command)


def wants_json(ctx: click.Context) -> bool:
    """Whether the subcommand was asked for JSON."""
    return bool(ctx.meta.get(_JSON))


def wants_traceback(ctx: click.Context) -> bool:
    """Whether internal errors are to be shown with their traceback."""
    return bool(ctx.meta.get(_TRACEBACK))


def _note(key: str) -> Callable[[click.Context, click.Parameter, bool], bool]:
    """A callback that notes a flag where the failure handling of the group finds it."""

    def callback(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
        ctx.meta[key] = ctx.meta.get(key, False) or value
        return value

    return callback


def write_output(target: Path | None, content: str | bytes, source: Path) -> None:
    """Write to a file, or to standard output if there is none or it is `-`.

    InputError if the file cannot be written, or is the `source` itself.
    """
    data = content.encode() if isinstance(content, str) else content
    if target is None or str(target) == "-":
        # An unbuffered stream takes a part of the data when its reader goes, and says nothing
        # before the next write.
        for start in range(0, len(data), _CHUNK):
            click.echo(data[start : start + _CHUNK], nl=False)
        return
    if target.exists() and target.samefile(source):
        raise InputError(f"{target} is the input itself; choose another output")
    try:
        write_file(target, data)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from None
