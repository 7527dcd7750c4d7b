"""Disassembly by the rules of a program.

Every line is assembled again, at its place, before it is believed; words that no rule explains are
data. At last the whole text is assembled and compared with the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lrvm_jit.input_files import read_file

from .assembler import Options, Result, assemble
from .banks import Bank
from .context import Context
from .files import FILE_BYTES, Files
from .instruction_set import MatchError
from .inversion import Inverter, Template
from .items import encode
from .language import Language
from .passes import Passes
from .problems import FailedValueError, Log, Origin, Problem, StoppedError, UnknownValueError
from .source import Source
from .values import Value

_ATTEMPTS: Final = 64
"""Instructions that are tried for one place in the image."""

_LISTED: Final = 10
"""Unknown places that the note lists."""


@dataclass
class Listing:
    """A disassembled image: its lines, and the addresses that no rule explains."""

    lines: list[str] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def note(self) -> str:
        """What to say about the unknown places; nothing if there are none."""
        if not self.unknown:
            return ""
        shown = ", ".join(f"0x{address:x}" for address in self.unknown[:_LISTED])
        more = f" and {len(self.unknown) - _LISTED} more" if len(self.unknown) > _LISTED else ""
        return f"no rule explains what stands at {shown}{more}"


def disassemble_file(
    image: str, files: Sequence[str], defines: Mapping[str, Value], later: bool
) -> tuple[str, str]:
    """The program in an image, by the rules in `files`, and a note about what they do not
    explain. Raises AssemblyError for the rules and OSError for the image."""
    options = Options(defines=defines, language=Language(later=later))
    roots: list[tuple[str, str | None]] = [(file, None) for file in files]
    data = read_file(image, FILE_BYTES)
    listing = disassemble(data, assemble(roots, Files(), options))
    again = assemble([*roots, ("<disassembly>", listing.text)], Files(), options).data
    notes = [listing.note] if listing.note else []
    if again != data:
        place = next(
            (at for at, pair in enumerate(zip(again, data, strict=False)) if pair[0] != pair[1]),
            min(len(again), len(data)),
        )
        notes.append(f"assembled with these files the text gives other bytes from 0x{place:x} on")
    return listing.text, "; ".join(notes)


def disassemble(image: bytes, rules: Result) -> Listing:
    """The program in an image, by the rules of an assembled program."""
    return _Disassembler(image, rules).listing()


class _Disassembler:
    """Reads one image."""

    def __init__(self, image: bytes, rules: Result) -> None:
        self._image = image
        self._rules = rules.rules
        writable = [bank for bank in rules.banks[1:] if bank.output is not None]
        self._bank: Bank = writable[0] if writable else rules.banks[0]
        log = Log()
        self._passes = Passes((), rules.banks, rules.symbols, Files(), rules.rules, log, limit=10)
        self._passes.last = True
        self._inverter = Inverter(rules.symbols)
        templates = [
            template
            for rule in rules.rules.rules()
            for template in self._inverter.templates(rule)
            if template.size
        ]
        # Those that say most about the bits come first.
        templates.sort(key=lambda each: (-each.mask.bit_count(), each.rule.order))
        self._templates = templates
        self._by_first: dict[int, list[Template]] = {}

    def listing(self) -> Listing:
        listing = Listing()
        if self._bank.number:
            listing.lines.append(f"#bank {self._bank.name}")
        unit = self._bank.bits
        length = 8 * len(self._image)
        position = 0
        while position < length:
            address = self._bank.address + position // unit
            found = self._instruction(position, length) if position % unit == 0 else None
            if found is not None:
                size, text = found
                listing.lines.append(f"    {text}")
                position += size
                continue
            size = min(unit - position % unit, length - position)
            listing.lines.append(f"    #d{size} 0x{self._bits(position, size):x}")
            listing.unknown.append(address)
            position += size
        return listing

    def _bits(self, position: int, size: int) -> int:
        end = position + size
        part = self._image[position // 8 : (end + 7) // 8]
        return int.from_bytes(part, "big") >> (-end % 8) & ((1 << size) - 1)

    def _instruction(self, position: int, length: int) -> tuple[int, str] | None:
        """The instruction at a position and its size, checked by assembling it."""
        left = length - position
        address = self._bank.address_of(position)
        attempts = 0
        for template in self._candidates(self._bits(position, 8) if left >= 8 else -1):
            size = template.size
            if size > left:
                continue
            encoding = self._bits(position, size)
            if encoding & template.mask != template.value:
                continue
            for text in self._inverter.texts(template, encoding, address):
                attempts += 1
                if attempts > _ATTEMPTS:
                    return None
                if self._encodes(text, position, size, encoding):
                    return size, text
        return None

    def _candidates(self, first: int) -> list[Template]:
        """The templates that can match bits that start with this byte (-1: there is none)."""
        found = self._by_first.get(first)
        if found is None:
            found = [each for each in self._templates if first < 0 or _may_start(each, first)]
            self._by_first[first] = found
        return found

    def _encodes(self, text: str, position: int, size: int, encoding: int) -> bool:
        origin = Origin(Source("<disassembly>", text))
        context = Context(self._passes, origin, None, self._bank, position)
        try:
            candidates = self._rules.match(text)
            span = origin.span(0, len(text))
            found = encode(candidates, context, span, True) if candidates else None
        except (Problem, MatchError, UnknownValueError, FailedValueError, StoppedError):
            return False
        return found is not None and found[:2] == (size, encoding)


def _may_start(template: Template, first: int) -> bool:
    shift = template.size - 8
    if shift < 0:
        return True
    mask = template.mask >> shift & 0xFF
    return first & mask == template.value >> shift & 0xFF
