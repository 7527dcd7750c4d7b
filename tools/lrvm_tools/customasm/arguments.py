"""The command line (section 9 of the specification): files, options, groups of outputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, NamedTuple

from .formats import ChosenFormat, FormatError, choose
from .limits import PASSES
from .literals import LiteralError, number
from .values import Sized, Value

STANDARD_LANGUAGE: Final = (0, 13, 9)
_MAX_LANGUAGE: Final = (0, 13, 13)


class UsageError(ValueError):
    """A command line that cannot be followed."""


class _Option(NamedTuple):
    """`value`: "no", "yes" or "maybe"; `many` if it may be given more than once in a group."""

    long: str
    short: str
    value: str
    many: bool = False


_OPTIONS: Final = (
    _Option("format", "f", "yes"),
    _Option("output", "o", "maybe"),
    _Option("print", "p", "no"),
    _Option("quiet", "q", "no"),
    _Option("iters", "t", "maybe"),
    _Option("define", "d", "yes", many=True),
    _Option("color", "", "maybe"),
    _Option("debug-iters", "", "no"),
    _Option("debug-no-optimize-static", "", "no"),
    _Option("debug-no-optimize-matcher", "", "no"),
    _Option("version", "v", "no"),
    _Option("help", "h", "no"),
    # Ours:
    _Option("keep-going", "", "no"),
    _Option("language", "", "yes"),
    _Option("disassemble", "", "yes"),
)
_LONG: Final = {option.long: option for option in _OPTIONS}
_SHORT: Final = {option.short: option for option in _OPTIONS if option.short}

Found = dict[str, list[str | None]]
"""The values of each option that was given, by its long name."""


@dataclass
class OutputGroup:
    """One output: its format, the file (None: none is written), and whether it is printed."""

    form: ChosenFormat
    file: str | None
    printed: bool


@dataclass
class CommandLine:
    """What a command line asks for."""

    files: list[str] = field(default_factory=list)
    outputs: list[OutputGroup] = field(default_factory=list)
    defines: dict[str, Value] = field(default_factory=dict)
    passes: int = PASSES
    quiet: bool = False
    color: bool | None = None
    help: bool = False
    version: bool = False
    keep_going: bool = False
    later: bool = False
    image: str | None = None
    """What is to be disassembled."""


def parse(words: Sequence[str]) -> CommandLine:
    """Read a command line. Raises UsageError."""
    line = CommandLine()
    groups: list[Found] = []
    for part in _groups(words):
        found, files = _read(part)
        groups.append(found)
        line.files.extend(files)
    everything = [(name, value) for found in groups for name in found for value in found[name]]
    names = {name for name, _ in everything}
    line.help = "help" in names
    line.version = "version" in names
    if line.help or line.version:
        return line
    line.quiet = "quiet" in names
    line.keep_going = "keep-going" in names
    for name, value in everything:
        if name == "iters" and value is not None:
            line.passes = _passes(value)
        elif name == "color":
            line.color = _color(value)
        elif name == "define":
            _define(value or "", line.defines)
        elif name == "language":
            line.later = _language(value or "") > STANDARD_LANGUAGE
        elif name == "disassemble":
            line.image = value
    if not line.files:
        raise UsageError("no input files")
    if line.image is None:
        line.outputs = [_output(found, line.files[0]) for found in groups]
    return line


def _groups(words: Sequence[str]) -> Iterable[list[str]]:
    group: list[str] = []
    for word in words:
        if word == "--":
            yield group
            group = []
        else:
            group.append(word)
    yield group


def _read(words: Sequence[str]) -> tuple[Found, list[str]]:
    """The options and the other words of a group."""
    found: Found = {}
    files: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if len(word) < 2 or not word.startswith("-"):
            files.append(word)
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            option = _LONG.get(name)
            if option is None:
                raise UsageError(f"Unrecognized option: '{name}'")
            given: str | None = value if equals else None
            if option.value == "no" and equals:
                raise UsageError(f"Option '{name}' does not take an argument")
            if option.value == "yes" and given is None:
                given = _next(rest, name)
            found.setdefault(option.long, []).append(given)
        else:
            _read_short(word[1:], rest, found)
    for name, values in found.items():
        if len(values) > 1 and not _LONG[name].many:
            raise UsageError(f"Option '{name}' given more than once")
    return found, files


def _read_short(letters: str, rest: list[str], found: Found) -> None:
    """The short options in a word; what follows one that takes a value is its value."""
    for index, letter in enumerate(letters):
        option = _SHORT.get(letter)
        if option is None:
            raise UsageError(f"Unrecognized option: '{letter}'")
        values = found.setdefault(option.long, [])
        if option.value == "no":
            values.append(None)
            continue
        value: str | None = letters[index + 1 :] or None
        if value is None and option.value == "yes":
            value = _next(rest, letter)
        elif value is None and rest and not (len(rest[0]) > 1 and rest[0].startswith("-")):
            value = rest.pop(0)
        values.append(value)
        return


def _next(rest: list[str], name: str) -> str:
    if not rest:
        raise UsageError(f"Argument to option '{name}' missing")
    return rest.pop(0)


def _passes(text: str) -> int:
    if not re.fullmatch(r"\+?[0-9]{1,9}", text) or int(text) == 0:
        raise UsageError("invalid argument for `--iters`")
    return int(text)


def _color(text: str | None) -> bool:
    if text not in ("on", "off", None):
        raise UsageError("invalid argument for `--color`")
    return text != "off"


def _language(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"0\.13(\.[0-9]{1,3})?", text):
        raise UsageError(f"invalid argument for `--language`: `{text}`; it is such as 0.13.13")
    version = tuple(map(int, text.split(".")))
    if version > _MAX_LANGUAGE:
        newest = ".".join(map(str, _MAX_LANGUAGE))
        raise UsageError(f"invalid argument for `--language`: {text} is later than {newest}")
    return version


def _define(text: str, defines: dict[str, Value]) -> None:
    """Add `NAME` or `NAME=VALUE`; the first of equal names wins."""
    name, *values = text.split("=")
    if len(values) > 1:
        raise UsageError(f"invalid define argument `{text}`")
    value = _value(name, values[0]) if values else True
    defines.setdefault(name, value)


def _value(name: str, text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    digits = text.removeprefix("-")
    try:
        if not re.fullmatch(r"[0-9$%][A-Za-z0-9_]*", digits):
            raise LiteralError
        value = number(digits)
    except LiteralError:
        raise UsageError(f"invalid value for define `{name}`") from None
    if digits == text:
        return value
    return -(value.value if isinstance(value, Sized) else value)


def _output(found: Found, first: str) -> OutputGroup:
    printed = "print" in found
    text = found.get("format", [None])[0]
    try:
        form = choose(text or ("annotated" if printed else "binary"))
    except FormatError as error:
        raise UsageError(str(error)) from None
    if "output" not in found and printed:
        return OutputGroup(form, None, printed)
    file = found.get("output", [None])[0]
    return OutputGroup(form, file or _default_file(first, form), printed)


def _default_file(first: str, form: ChosenFormat) -> str:
    """The first input with another extension."""
    path = PurePath(first)
    try:
        derived = str(path.with_suffix(f".{form.form.extension}"))
    except ValueError:
        derived = first
    if PurePath(derived) == path:
        raise UsageError("cannot derive safe output filename")
    return derived
