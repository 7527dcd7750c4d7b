"""Cases of the plain language in text files, and what each expects.

A case starts with a line `;;; title`. Comments in it say what is expected: `; = 0x12` or
`; = 0b1` the bits of the output, over all such lines; `; error: text` and `; note: text` a
message that starts in that line, several joined by ` / `. A line `;;; + name` starts a further
file of the case; without it there is one file, `main.asm`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lrvm_tools.lasm import AssemblyError, Diagnostic

LANGUAGE = Path(__file__).parent / "language"

Message = tuple[str, int, str]
"""Kind, line, text."""

_EXPECTED = re.compile(r"; (=|error:|note:)(.*)")


@dataclass
class Case:
    name: str
    files: dict[str, str] = field(default_factory=dict)

    def expected_bits(self) -> tuple[int, int] | None:
        """The bits of the output and their number; None if errors are expected."""
        value = length = 0
        found = False
        for text in self.files.values():
            for kind, rest in _EXPECTED.findall(text):
                if kind != "=":
                    continue
                found = True
                digits = rest.strip()
                bits = 4 if digits.startswith("0x") else 1
                digits = digits[2:].replace("_", "")
                value = value << bits * len(digits) | int(digits or "0", 2**bits)
                length += bits * len(digits)
        return (value, length) if found else None

    def expected_messages(self) -> list[tuple[str, str, int, str]]:
        """Kind, file, line and start of the text of each message."""
        expected = []
        for name, text in self.files.items():
            for number, line in enumerate(text.split("\n"), start=1):
                found = _EXPECTED.search(line)
                if found is None or found.group(1) == "=":
                    continue
                for part in (found.group(1) + found.group(2)).split(" / "):
                    kind, _, wanted = part.strip().partition(": ")
                    expected.append((kind, name, number, wanted))
        return expected


def cases() -> Iterator[Case]:
    """All cases of all files."""
    for path in sorted(LANGUAGE.glob("*.asm")):
        case: Case | None = None
        file = ""
        for line in path.read_text().splitlines(keepends=True):
            title = re.match(r";;; (\+ )?(.*)", line)
            if title is None:
                assert case is not None, f"{path}: a case starts with a title"
                case.files[file] += line
            elif title.group(1):
                assert case is not None
                file = title.group(2)
                case.files[file] = ""
            else:
                if case is not None:
                    yield case
                case = Case(f"{path.stem}: {title.group(2)}")
                file = "main.asm"
                case.files[file] = ""
        if case is not None:
            yield case


def messages(diagnostic: Diagnostic) -> Iterator[Message]:
    """A diagnostic and all that stand in it."""
    yield diagnostic.kind, diagnostic.line, diagnostic.message
    for inner in diagnostic.notes:
        yield from messages(inner)


def told(error: AssemblyError) -> list[tuple[str, str, int, str]]:
    """Kind, file, line and text of every message of an error."""
    found: list[tuple[str, str, int, str]] = []

    def add(diagnostic: Diagnostic) -> None:
        name = diagnostic.path.rpartition("/")[2]
        found.append((diagnostic.kind, name, diagnostic.line, diagnostic.message))
        for inner in diagnostic.notes:
            add(inner)

    for diagnostic in error.diagnostics:
        add(diagnostic)
    return found
