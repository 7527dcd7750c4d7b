"""What the translator makes of a piece of guest code, as text to read."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...isa.codec import format_word
from ...isa.semantics import has_body
from ...isa.table import (
    FIRST_PRIVILEGED_READ,
    FIRST_PRIVILEGED_WRITE,
    READ_ONLY_REGISTERS,
    TRANSLATION_REGISTERS,
    Instruction,
    Op,
    Reg,
)
from ..analysis.discovery import Discovery
from ..analysis.instructions import Flow, GuestInstruction, instruction_at
from ..analysis.profile import Profile
from ..analysis.region import Block, BlockKey, Edge, Region
from ..options import TranslatorOptions
from .located_code import located_code

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_COMMENT_COLUMN = 44
_WIDTH = 96


class NothingToTranslateError(ValueError):
    """There is no region at an address; the message says which instruction is there, and why."""


@dataclass(frozen=True, slots=True)
class NativeListing:
    """A region as the translator sees it and makes it; `explain` gives one."""

    start: int
    supervisor: bool
    entries: tuple[int, ...]
    """Guest addresses at which the interpreter enters the region."""
    interpreted: tuple[int, ...]
    """Guest addresses in it whose instructions are left to the interpreter."""
    instruction_count: int
    """Instructions in the region; code that is called from several places counts several times."""
    guest: str
    """The guest's code, block by block."""
    ir: str
    """LLVM's code after optimisation."""
    assembly: str
    """This processor's code."""


def explain(
    words: Sequence[int] | NDArray[numpy.uint32],
    start: int,
    *,
    supervisor: bool = True,
    names: Mapping[int, str] | None = None,
    targets: Iterable[int] = (),
    options: TranslatorOptions | None = None,
) -> NativeListing:
    """Translate the code at the address `start` of a program that begins at address 0.

    `names` are labels for the listing. `targets` are addresses to which computed jumps go: a
    running machine notices them, here they have to be given. Raises NothingToTranslateError.
    """
    options = options or TranslatorOptions()
    names = names or {}
    size = 4 * len(words)

    def word_at(pc: int) -> int | None:
        return int(words[pc >> 2]) if pc < size else None

    discovery = Discovery(
        word_at,
        supervisor,
        options.max_instructions,
        Profile(anywhere=tuple(sorted(targets))),
        enter_at_start=True,
    )
    region = None if start & 3 else discovery.region(start)
    if region is None:
        raise NothingToTranslateError(_why_nothing(start, word_at, size, supervisor))
    ir, machine_code = located_code(region, options.optimize)
    instructions = [one for block in region.blocks.values() for one in block.instructions]
    return NativeListing(
        start,
        supervisor,
        tuple(region.entries),
        tuple(sorted({one.pc for one in instructions if not one.translatable})),
        _instruction_count(region),
        _Guest(region, names).text(start),
        ir,
        machine_code,
    )


def _instruction_count(region: Region) -> int:
    """Instructions in a region, jumps that are nothing else than an edge included."""
    ways = (edge.cycles for block in region.blocks.values() for edge in block.edges)
    return region.instruction_count + sum(ways)


def _why_nothing(
    start: int, word_at: Callable[[int], int | None], size: int, supervisor: bool
) -> str:
    where = f"nothing to translate at 0x{start:08X}"
    if start & 3:
        return f"{where}: instructions have addresses that are multiples of 4"
    word = word_at(start)
    if word is None:
        return f"{where}: the program ends at 0x{size:08X}"
    instruction = instruction_at(start, word, supervisor)
    if instruction.op is None:
        return f"{where}: the word 0x{word:08x} is no instruction"
    reason = why_interpreted(instruction, supervisor)
    return f"{where}: `{format_word(word)}` is left to the interpreter, as {reason}"


# --- why an instruction is left to the interpreter -----------------------------------------------

_OWN_REASONS = {
    Op.LSM: "it leaves supervisor mode",
    Op.ITR: "it raises an exception",
    Op.HWD: "it asks for the components",
    Op.HALT: "it halts the CPU",
    Op.RESET: "it resets the machine",
}


def why_interpreted(instruction: GuestInstruction, supervisor: bool) -> str:
    """Why the translator leaves an instruction to the interpreter; empty if it does not."""
    if instruction.translatable:
        return ""
    if instruction.row is None:
        return "it is no instruction"
    row = instruction.row
    if row.supervisor_only and not supervisor:
        return "userland must not use it"
    if instruction.op in _OWN_REASONS:
        return _OWN_REASONS[instruction.op]
    if not has_body(row.opcode):
        return "it has no body in isa.semantics"
    return "; ".join(_operand_reasons(row, instruction, supervisor))


def _operand_reasons(
    row: Instruction, instruction: GuestInstruction, supervisor: bool
) -> Iterator[str]:
    for operand, value in zip(row.operands, instruction.operands, strict=True):
        if not isinstance(value, Reg):
            continue
        reads = operand.role.reads
        writes = operand.role.writes
        if operand.selects:
            yield f"its {operand.name} is known only when it runs"
        elif writes and value in READ_ONLY_REGISTERS:
            yield f"{value} must not be written"
        elif writes and value >= FIRST_PRIVILEGED_WRITE and not supervisor:
            yield f"userland must not write {value}"
        elif reads and value >= FIRST_PRIVILEGED_READ and not supervisor:
            yield f"userland must not read {value}"
        elif writes and value in TRANSLATION_REGISTERS:
            yield f"writing {value} changes how addresses are translated"
        elif writes and value is Reg.PC:
            yield "it writes pc together with something else"
    if instruction.flow is Flow.INTERPRET and not any(
        isinstance(value, Reg) for value in instruction.operands
    ):
        yield "it names a flag or condition that does not exist"


# --- guest code ----------------------------------------------------------------------------------


class _Guest:
    """Writes the guest's side of a region."""

    def __init__(self, region: Region, names: Mapping[int, str]) -> None:
        self._region = region
        self._names = names
        self._numbers = {key: f"b{number}" for number, key in enumerate(region.blocks)}

    def text(self, start: int) -> str:
        lines = self._introduction(start)
        for key in sorted(self._region.blocks):
            lines += ["", *self._block(key, self._region.blocks[key])]
        return "".join(f"{line}\n" for line in lines)

    def _introduction(self, start: int) -> list[str]:
        region = self._region
        mode = "supervisor" if region.supervisor else "userland"
        *others, last = [self._place(entry) for entry in region.entries]
        entries = f"{', '.join(others)} and {last}" if others else last
        text = (
            f"Region of {self._place(start)}, for {mode} mode: "
            f"{_count(_instruction_count(region), 'instruction')} in "
            f"{_count(len(region.blocks), 'block')}, entered at {entries}."
        )
        return textwrap.wrap(text, _WIDTH, initial_indent="; ", subsequent_indent="; ")

    def _block(self, key: BlockKey, block: Block) -> Iterator[str]:
        told = [f"block {self._numbers[key]}"]
        if not block.context and block.pc in self._region.entries:
            told.append("entry")
        if block.head:
            told.append(f"leaves when {block.need} or fewer cycles are left")
        if block.context:
            told.append("in the call that returns to " + self._place(block.context[-1]))
        yield f"; {', '.join(told)}"
        if block.pc in self._names:
            yield f"{self._names[block.pc]}:"
        for instruction in block.instructions[:-1]:
            yield _line(instruction.pc, instruction.word)
        if block.last is not None:
            yield from self._end(block, block.last)

    def _end(self, block: Block, last: GuestInstruction) -> Iterator[str]:
        """A block's last instruction, with where it leads to."""
        ways = [self._way(edge) for edge in block.edges]
        jump: str | None = None
        if not last.translatable:
            comment = f"interpreted: {why_interpreted(last, self._region.supervisor)}"
        elif last.flow is Flow.SKIP and block.edges[0].cycles:
            # The jump that is skipped or not has no block of its own.
            comment = f"else {ways[1]}"
            jump = _line(last.pc + 4, self._region.words[last.pc + 4], ways[0])
        elif last.flow is Flow.SKIP:
            comment = f"if so {ways[0]}, else {ways[1]}"
        elif last.flow in (Flow.NEXT, Flow.JUMP, Flow.CALL):
            comment = ways[0]
        else:
            comment = " or ".join([*ways, "out"])
            if block.table is not None:
                comment += f", by the table at {self._place(block.table.address)}"
        yield _line(last.pc, last.word, comment)
        if jump is not None:
            yield jump

    def _way(self, edge: Edge) -> str:
        return f"to {self._numbers[edge.key]}" if edge.inside else f"out to {self._place(edge.pc)}"

    def _place(self, address: int) -> str:
        name = self._names.get(address)
        return f"0x{address:08X} ({name})" if name else f"0x{address:08X}"


def _line(pc: int, word: int, comment: str = "") -> str:
    text = f"    0x{pc:08X}  {format_word(word)}"
    return f"{text:{_COMMENT_COLUMN}}; {comment}" if comment else text


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
