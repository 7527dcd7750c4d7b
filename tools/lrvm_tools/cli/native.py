"""`lrvm dis --native`: what the translator makes of a part of a program."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import click

from ..disassembly import Disassembly
from ..images import Image
from .options import InputError
from .report import console_of

if TYPE_CHECKING:
    from rich.text import Text

    from lrvm_jit.jit.code.listing import NativeListing

PARTS: Final = ("guest", "ir", "asm")
_TITLES: Final = {
    "guest": "; ---- guest code",
    "ir": "; ---- LLVM IR",
    "asm": "# ---- machine code",
}
_SUGGESTED: Final = 8


def native_listing(
    image: Image, disassembly: Disassembly, label: str, supervisor: bool, entries: Iterable[int]
) -> NativeListing:
    """The region at a label or an address. InputError if there is none."""
    # Imported here: it loads LLVM.
    from lrvm_jit.jit.code.listing import NothingToTranslateError, explain

    labels = _labels(image, disassembly)
    start = _address(label, labels)
    names = {address: name for name, address in reversed(labels.items())}
    try:
        return explain(
            disassembly.words, start, supervisor=supervisor, names=names, targets=entries
        )
    except NothingToTranslateError as error:
        raise InputError(f"{image.path}: {error}") from None


def native_text(listing: NativeListing, parts: Sequence[str]) -> str:
    """The parts one after the other; if there are several, with titles."""
    texts = _texts(listing)
    if len(parts) == 1:
        return texts[parts[0]]
    return "\n".join(f"{_TITLES[part]}\n\n{texts[part]}" for part in parts)


def show_native(listing: NativeListing, parts: Sequence[str]) -> None:
    """The same on standard output, which is a terminal."""
    from rich.text import Text

    console = console_of(sys.stdout)
    for part in parts:
        if len(parts) > 1:
            console.print(Text(f"{_TITLES[part]}\n", "bold"))
        shown = _coloured(_texts(listing)[part], part)
        console.print(shown, soft_wrap=True, end="" if part == parts[-1] else "\n")


def native_document(listing: NativeListing, parts: Sequence[str]) -> dict[str, Any]:
    """The same for JSON."""
    texts = _texts(listing)
    return {
        "address": listing.start,
        "mode": "supervisor" if listing.supervisor else "userland",
        "entries": list(listing.entries),
        "interpreted": list(listing.interpreted),
        "instructions": listing.instruction_count,
        **{part: texts[part] for part in parts},
    }


def _texts(listing: NativeListing) -> dict[str, str]:
    return {"guest": listing.guest, "ir": listing.ir, "asm": listing.assembly}


def _labels(image: Image, disassembly: Disassembly) -> dict[str, int]:
    """Addresses by label: those of the source, and those that `lrvm dis` makes up."""
    labels: dict[str, int] = {}
    if image.assembly is not None:
        labels = {entry.name: entry.value for entry in image.assembly.entries if entry.is_label}
    for address, name in disassembly.labels.items():
        labels.setdefault(name, address)
    return labels


def _address(label: str, labels: Mapping[str, int]) -> int:
    if label in labels:
        return labels[label]
    if label[:1].isdigit():
        try:
            return int(label, 0)
        except ValueError:
            raise InputError(f"{label!r} is no address, such as 32 or 0x20") from None
    near = get_close_matches(label, list(labels), n=3)
    if near:
        hint = f"; did you mean {' or '.join(map(repr, near))}?"
    elif labels:
        more = ", ..." if len(labels) > _SUGGESTED else ""
        hint = f"; known are {', '.join(list(labels)[:_SUGGESTED])}{more}"
    else:
        hint = "; the program has none, give an address"
    raise InputError(f"unknown label {label!r}{hint}")


_STYLES: Final = {
    "guest": (
        (r"^\S+:$", "bold"),
        (r"^ +0x\w+", "cyan"),
        (r";.*$", "dim"),
        (r"(?<=; )interpreted:.*$", "not dim yellow"),
        (r"(?<=^; )block \w+(, entry)?", "not dim green"),
    ),
    "ir": (
        (r"^[^\s;]+:", "bold"),
        (r"@\w+(?=\()", "bold"),
        (r"(?<!^  ); .*$|^(!|attributes|source_filename|target).*$", "dim"),
        (r"^  ; .*$", "green"),
    ),
    "asm": (
        (r"^\S+:", "bold"),
        (r"^\t\..*$", "dim"),
        (r"^\t# .*$", "green"),
    ),
}


def _coloured(text: str, part: str) -> Text:
    from rich.text import Text

    shown = Text(text)
    for pattern, style in _STYLES[part]:
        shown.highlight_regex(f"(?m){pattern}", style)
    return shown


def check_options(
    native: str | None, parts: Sequence[str], userland: bool, others: Mapping[str, bool]
) -> None:
    """UsageError for options that do not go together."""
    if native is None:
        if parts or userland:
            option = "--native-part" if parts else "--userland"
            raise click.UsageError(f"{option} goes with --native only")
        return
    excluded = [option for option, given in others.items() if given]
    if excluded:
        raise click.UsageError(f"--native and {excluded[0]} exclude each other")
