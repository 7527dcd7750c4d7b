"""Cases of assembly languages in text files, and what each expects.

A case starts with a line `;;; title`. Comments in it say what is expected:

- `; = 0x12` or `; = 0b1`: bits of the output, over all such lines.
- `; symbols: x = 0, y.z = 0x10`: all symbols and their values.
- `; error: text` and `; note: text`: a message that starts in that line, several joined by ` / `;
  `; hint: text` a part of the hint of one of them. No other messages are told.

A line `;;; + name` starts a further file of the case, whose path is from the folder of the first
one, `main.asm`; without it there is that file only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from lrvm_tools.lasm import Assembly, AssemblyError, Diagnostic

_EXPECTED = re.compile(r"; (=|symbols:|error:|note:|hint:)(.*)")


class Message(NamedTuple):
    """A message, or a hint that one has."""

    kind: str
    file: str
    line: int
    text: str


@dataclass
class Case:
    name: str
    files: dict[str, str] = field(default_factory=dict)

    def _expectations(self) -> Iterator[tuple[str, int, str, str]]:
        """File, line, kind and text of what the comments expect."""
        for name, content in self.files.items():
            for number, line in enumerate(content.split("\n"), start=1):
                found = _EXPECTED.search(line)
                if found is not None:
                    yield name, number, found[1], found[2].strip()

    def expected_bits(self) -> str | None:
        """The bits of the output as binary digits; None if they are not told."""
        told = [text.replace("_", "") for _, _, kind, text in self._expectations() if kind == "="]
        bits = [
            "".join(f"{int(digit, 16):04b}" for digit in text[2:])
            if text.startswith("0x")
            else text[2:]
            for text in told
        ]
        return "".join(bits) if told else None

    def expected_symbols(self) -> dict[str, int] | None:
        """The symbols and their values; None if they are not told."""
        told = [text for _, _, kind, text in self._expectations() if kind == "symbols:"]
        pairs = [pair.split("=") for text in told for pair in text.split(",")]
        return {name.strip(): int(value, 0) for name, value in pairs} if told else None

    def expected_messages(self) -> list[Message]:
        """The messages with the start of their texts, and the hints."""
        expected = []
        for name, number, kind, text in self._expectations():
            if kind in ("error:", "note:", "hint:"):
                for part in f"{kind} {text}".split(" / "):
                    word, _, wanted = part.partition(": ")
                    expected.append(Message(word, Path(name).name, number, wanted))
        return expected


def cases(folder: Path, suffix: str) -> list[Case]:
    """All cases of all files of a folder."""
    found: list[Case] = []
    for path in sorted(folder.glob(f"*{suffix}")):
        file = ""
        for line in path.read_text().splitlines(keepends=True):
            if title := re.match(r";;; \+ (.*)", line):
                file = title[1]
                found[-1].files[file] = ""
            elif title := re.match(r";;; (.*)", line):
                file = "main.asm"
                found.append(Case(f"{path.stem}: {title[1]}", {file: ""}))
            else:
                assert file, f"{path}: a case starts with a title"
                found[-1].files[file] += line
    names = [case.name for case in found]
    assert len(set(names)) == len(names), "names of cases are unique"
    return found


def messages(diagnostic: Diagnostic) -> Iterator[Diagnostic]:
    """A diagnostic and all that stand in it."""
    yield diagnostic
    for inner in diagnostic.notes:
        yield from messages(inner)


def check(case: Case, folder: Path, assemble: Callable[[Path], Assembly]) -> None:
    """Write the files of a case into a folder, assemble the first, and compare."""
    for name, text in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    bits, symbols = case.expected_bits(), case.expected_symbols()
    expected = case.expected_messages()
    if not expected:
        assert bits is not None or symbols is not None, "the case expects nothing"
        assembly = assemble(folder / "main.asm")
        found = f"{assembly.bits:0{assembly.bit_length}b}"[: assembly.bit_length]
        assert bits in (None, found), f"0b{found} (bytes {assembly.bytes.hex()}), expected 0b{bits}"
        assert symbols in (None, assembly.symbols), f"{assembly.symbols}, expected {symbols}"
        return
    with pytest.raises(AssemblyError) as caught:
        assemble(folder / "main.asm")
    told = [one for first in caught.value.diagnostics for one in messages(first)]
    left = [Message(one.kind, Path(one.path).name, one.line, one.message) for one in told]
    hints = [(Path(one.path).name, one.line, one.hint) for one in told]
    for wanted in expected:
        if wanted.kind == "hint":
            assert any(wanted[1:3] == one[:2] and wanted.text in one[2] for one in hints), wanted
            continue
        matches = (
            one for one in left if one[:3] == wanted[:3] and one.text.startswith(wanted.text)
        )
        match = next(matches, None)
        assert match is not None, f"{wanted} is not among {left}"
        left.remove(match)
    assert not left, f"not expected: {left}"
