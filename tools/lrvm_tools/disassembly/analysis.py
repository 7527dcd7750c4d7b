"""The disassembler behind `lrvm dis`: code and data told apart, labels, strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lrvm_jit.arguments import number_within, whole_numbers
from lrvm_jit.isa import DecodingError, Op, encode, format_word
from lrvm_jit.isa.flow import jump_target
from lrvm_jit.locks import cached_property

from ..program.data import Word
from ..program.instr import Instr
from ..program.labels import Label
from ..program.listing import Line, render
from ..program.program import Item, Program
from ..program.words import Image, split_image
from .flow import handler_address
from .graph import ControlFlowGraph, build_graph
from .plain import rest_line
from .reach import Reach, reach
from .text import MIN_TEXT, split_text


def analyse(
    image: Image,
    entries: Iterable[int] = (0,),
    min_text: int = MIN_TEXT,
    names: Mapping[int, str] | None = None,
    notes: Mapping[int, str] | None = None,
) -> Disassembly:
    """Find the code that the entry points lead to; the rest is data.

    Besides jumps and calls, a literal copied to ev is followed. What only computed jumps lead
    to is found if its address is given as an entry point. Raises ValueError for an entry point
    that is not in the image.
    """
    words, rest = split_image(image)
    points = tuple(whole_numbers("entries", "an entry point", entries))
    min_text = number_within("min_text", min_text, 0)
    for point in points:
        if point % 4 or not 0 <= point < max(4 * len(words), 1):
            raise ValueError(f"entry point 0x{point:x} is not the address of a word in the image")
    inside = {
        address: name
        for address, name in (names or {}).items()
        if address % 4 == 0 and 0 <= address < 4 * len(words)
    }
    return Disassembly(
        tuple(words), rest, points, min_text, reach(words, points), inside, notes or {}
    )


@dataclass(frozen=True)
class Disassembly:
    """An image taken apart; made by `analyse`."""

    words: tuple[int, ...]
    rest: bytes
    """The last bytes, if they are no whole word."""
    entries: tuple[int, ...]
    min_text: int
    reach: Reach
    names: Mapping[int, str] = field(default_factory=dict)
    """Labels that are known, by address."""
    notes: Mapping[int, str] = field(default_factory=dict)
    """What stands beside the lines, by address."""

    @cached_property
    def code(self) -> frozenset[int]:
        """The addresses of the instructions that the entry points lead to."""
        return frozenset(self.reach.code)

    @cached_property
    def labels(self) -> Mapping[int, str]:
        """A name for each target of a jump, a call or the exception vector, by address, and the
        names that are known."""
        made = {
            address: f"{kind.name.lower()}_{address:04x}"
            for address, kind in self.reach.targets.items()
        }
        return MappingProxyType(dict(sorted({**made, **self.names}.items())))

    @cached_property
    def program(self) -> Program:
        """The image as a program with labels and strings; it encodes to the image's words."""
        return Program(self._items())

    def to_lasm(self, addresses: bool = False) -> str:
        """The image in LASM with labels and strings; assembling it gives the same bytes.

        A word that is shown raw although it can be an instruction has that as its comment.
        """
        lines = [
            Line(address, item.name, is_label=True)
            if isinstance(item, Label)
            else Line(address, str(item), comment=self._meaning(address, item))
            for address, item in self.program.located()
        ]
        return render([*lines, *rest_line(self.rest, self.program.size)], addresses)

    def instruction(self, address: int) -> str:
        """The LASM line of the instruction at `address`, one of `code`."""
        return str(self._code_item(address))

    def graph(self) -> ControlFlowGraph:
        """The control flow between the basic blocks of the code."""
        return build_graph(self.reach.code, self.entries, self.labels, self.instruction)

    def _items(self) -> Iterator[Item]:
        after_code = (address + 4 for address in self.code)
        starts = sorted({0, *self.code, *after_code, *self.labels})
        for start, end in zip(starts, [*starts[1:], 4 * len(self.words)], strict=True):
            if start in self.labels:
                yield Label(self.labels[start])
            if start in self.code:
                yield self._code_item(start)
            else:
                words = self.words[start // 4 : end // 4]
                data = b"".join(word.to_bytes(4, "big") for word in words)
                yield from split_text(data, self.min_text)

    def _code_item(self, address: int) -> Instr | Word:
        word = self.words[address // 4]
        try:
            instr = Instr.decode(word)
        except DecodingError:  # It runs, but no assembly line gives it.
            return Word(word)
        decoded = self.reach.code[address].decoded
        # `add pc, 8` has a known target as well, but no operand that can name it.
        if decoded.instruction.opcode in (Op.ADD, Op.SUB):
            return instr
        target = jump_target(decoded, address)
        if target is None:
            target = handler_address(decoded)
        if target is None or target not in self.labels:
            return instr
        return Instr(instr.mnemonic, (*instr.operands[:-1], self.labels[target]))

    def _meaning(self, address: int, item: Item) -> str:
        """The note of an address; the instruction that a raw word can be; or nothing."""
        if address in self.notes:
            return self.notes[address]
        if not isinstance(item, Word):
            return ""
        if address in self.code:
            decoded = self.reach.code[address].decoded
            word = encode(decoded.instruction.mnemonic, *decoded.operands)
            text = format_word(word)
            return "" if text.startswith("#") else f"runs as {text}"
        text = format_word(self.words[address // 4])
        return "" if text.startswith("#") else text
