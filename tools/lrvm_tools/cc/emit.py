"""Emission: frames, pseudo instructions and the ends of blocks as words and fixups."""

from __future__ import annotations

from collections.abc import Callable

from .debug import EmittedFrame
from .locations import ValueRanges, ends_before_its_words
from .machine_code import (
    Branch,
    IndirectJump,
    Jump,
    MachineBlock,
    MachineFunction,
    Return,
    TableJump,
)
from .objects import Fixup, Kind, Section
from .select.inline import InlineAssembly
from .target import (
    ADD_I,
    ADD_R,
    AVR,
    CALL_R,
    CPY_I,
    CPY_R,
    FRAME,
    INVERSE,
    LEA_RRI,
    LSA_RI,
    LSA_RR,
    RET,
    SCRATCH,
    SCRATCH_2,
    STACK,
    SUB_I,
    SUB_R,
    WSA_RIR,
    WSA_RRR,
    Instr,
    Pseudo,
    constant,
    encode,
    form,
)

PC = 0x16
_PUSH = form("push", "r")
_POP = form("pop", "r")
Assembler = Callable[[InlineAssembly, list[int], list[int]], tuple[list[int], list[Fixup]]]
"""Makes the words of inline assembly with registers for results and operands; the targets of its
fixups are symbols, or words of its own."""


def emit_function(
    function: MachineFunction, saved: set[int], assembler: Assembler
) -> list[Section]:
    """The section of a function, and those of its jump tables."""
    return _Emitter(function, saved, assembler).run()


class _Emitter:
    def __init__(self, function: MachineFunction, saved: set[int], assembler: Assembler) -> None:
        self.function = function
        self.assembler = assembler
        self.saved = sorted(saved | ({FRAME} if function.moves_stack else set()))
        self.base = FRAME if function.moves_stack else STACK
        self.section = Section(function.name, "code", placement=function.section)
        self.words = self.section.words
        self.labels: dict[str, int] = {}
        self.tables: list[Section] = []
        self.frame = self._lay_out()
        self.notes: list[tuple[int, str]] = []
        self.values = ValueRanges()

    def _lay_out(self) -> int:
        """Give the frame's objects their places, small ones first; the frame's size."""
        function = self.function
        offset = -(-function.outgoing // 8) * 8
        self.outgoing = offset
        for one in sorted(function.objects, key=lambda one: one.size):
            offset = -(-offset // one.align) * one.align
            one.offset = offset
            offset += one.size
        # A caller's stack pointer is a multiple of 8 before its CALL pushes a word.
        total = offset + 4 * len(self.saved) + 4
        return offset + -total % 8

    def run(self) -> list[Section]:
        function = self.function
        for number, block in enumerate(function.blocks):
            self.labels[block.label] = number
        self.section.labels = [0] * len(function.blocks)
        self._prologue()
        self.body = len(self.words)
        for number, block in enumerate(function.blocks):
            self.section.labels[number] = len(self.words)
            following = (
                function.blocks[number + 1].label if number + 1 < len(function.blocks) else ""
            )
            for instr in block.code:
                if instr[0] < 256:
                    self.words.append(encode(instr))
                else:
                    self._pseudo(instr)
            if ends_before_its_words(block):
                self.values.end_block(len(self.words))
            self._end(block, following)
            self.values.end_block(len(self.words))
        function.values = self.values.found
        for symbol, label in function.exported.items():
            if label in self.labels:
                self.section.exported[symbol] = self.labels[label]
        self.section.lines = self.notes
        size = 0 if self._bare else self.frame
        self.section.debug = EmittedFrame(self.base, size, tuple(self.saved), self.body)
        return [self.section, *self.tables]

    def put(self, *code: Instr) -> None:
        self.words.extend(encode(instr) for instr in code)

    def fix(self, kind: Kind, target: str | int, addend: int = 0, register: int = 0) -> None:
        self.section.fixups.append((len(self.words), int(kind), target, addend, register))
        self.words.append(0)

    def _move_stack(self, register_form: int, literal_form: int) -> None:
        if not self.frame:
            return
        if self.frame <= 0xFFFF:
            self.put([literal_form, STACK, self.frame])
        else:
            self.put(*constant(SCRATCH, self.frame), [register_form, STACK, SCRATCH])

    def _prologue(self) -> None:
        if self._bare:
            return
        self.put(*([_PUSH, register] for register in self.saved))
        self._move_stack(SUB_R, SUB_I)
        if self.function.moves_stack:
            self.put([CPY_R, FRAME, STACK])

    @property
    def _bare(self) -> bool:
        """Whether the function needs no frame: it calls nobody and keeps nothing in memory."""
        function = self.function
        return not (
            function.makes_calls
            or function.objects
            or self.saved
            or function.moves_stack
            or function.outgoing
        )

    def _epilogue(self) -> None:
        if not self._bare:
            if self.function.moves_stack:
                self.put([CPY_R, STACK, FRAME])
            self._move_stack(ADD_R, ADD_I)
            self.put(*([_POP, register] for register in reversed(self.saved)))
        self.put([RET, PC])

    # Pseudo instructions.

    def _pseudo(self, instr: Instr) -> None:
        code = instr[0]
        if code == Pseudo.CONST:
            self.put(*constant(instr[1], instr[2]))
        elif code == Pseudo.ADDR:
            self.fix(Kind.ADDRESS, instr[2], instr[3], instr[1])
        elif code == Pseudo.CALL:
            self.fix(Kind.CALL, instr[1])
        elif code == Pseudo.CALLR:
            self.put([CALL_R, instr[1]])
        elif code == Pseudo.FRAME:
            self._frame_address(instr[1], self.function.objects[instr[2]].offset + instr[3])
        elif code == Pseudo.FLOAD:
            self._frame_load(instr[1], self.function.objects[instr[2]].offset + instr[3])
        elif code == Pseudo.FSTORE:
            self._frame_store(self.function.objects[instr[1]].offset + instr[2], instr[3])
        elif code == Pseudo.CCPY_R:
            self.put([CPY_R, instr[1], instr[2]])
        elif code == Pseudo.CCPY_I:
            self.put([CPY_I, instr[1], instr[2]])
        elif code == Pseudo.ASM:
            self._assembly(instr)
        elif code == Pseudo.INCOMING:
            saved = 0 if self._bare else self.frame + 4 * len(self.saved)
            self._frame_load(instr[1], saved + 4 + 4 * instr[2])
        elif code == Pseudo.ALLOCA:
            self.put([SUB_R, STACK, instr[2]], [CPY_R, instr[1], STACK])
            if self.outgoing:
                self.put([ADD_I, instr[1], self.outgoing])
        elif code == Pseudo.SETSP:
            self.put([CPY_R, STACK, instr[1]])
        elif code == Pseudo.GETSP:
            self.put([CPY_R, instr[1], STACK])
        elif code == Pseudo.VALUE:
            self.values.mark(len(self.words), instr[1], instr[2])
        else:
            self.notes.append((len(self.words), instr[1]))

    def _assembly(self, instr: Instr) -> None:
        words, fixups = self.assembler(instr[1], instr[2], instr[3])
        begin = len(self.words)
        for place, kind, target, addend, register in fixups:
            if isinstance(target, int):  # a label of its own
                self.section.labels.append(begin + target)
                target = len(self.section.labels) - 1
            self.section.fixups.append((begin + place, kind, target, addend, register))
        self.words.extend(words)

    def _frame_address(self, register: int, offset: int) -> None:
        self.put([CPY_R, register, self.base])
        if 0 < offset <= 0xFFFF:
            self.put([ADD_I, register, offset])
        elif offset:
            self.put(*constant(SCRATCH_2, offset), [ADD_R, register, SCRATCH_2])

    def _frame_load(self, register: int, offset: int) -> None:
        if offset <= 0xFF:
            self.put([LSA_RI, register, self.base, offset])
        else:
            self.put(*constant(register, offset), [LSA_RR, register, self.base, register])

    def _frame_store(self, offset: int, register: int) -> None:
        if offset <= 0xFF:
            self.put([WSA_RIR, self.base, offset, register])
        else:
            scratch = SCRATCH if register == SCRATCH_2 else SCRATCH_2
            self.put(*constant(scratch, offset), [WSA_RRR, self.base, scratch, register])

    # Ends of blocks.

    def _end(self, block: MachineBlock, following: str) -> None:
        end = block.end
        if isinstance(end, Jump):
            if end.target != following:
                self.fix(Kind.JUMP, self.labels[end.target])
        elif isinstance(end, Branch):
            self._branch(end, following)
        elif isinstance(end, Return):
            self._epilogue()
        elif isinstance(end, TableJump):
            self._table(end)
        elif isinstance(end, IndirectJump):
            self.put([CPY_R, PC, end.register])

    def _branch(self, end: Branch, following: str) -> None:
        condition, then, otherwise = end.condition, end.then, end.otherwise
        if then == following and condition in INVERSE:
            condition, then, otherwise = INVERSE[condition], otherwise, then
        self.put([*condition])
        self.fix(Kind.CONDITIONAL_JUMP, self.labels[then])
        if otherwise != following:
            self.fix(Kind.JUMP, self.labels[otherwise])

    def _table(self, end: TableJump) -> None:
        name = f"{self.function.name}:table{len(self.tables)}"
        table = Section(name, "rodata", data=bytes(4 * len(end.targets)))
        for place, target in enumerate(end.targets):
            symbol = f"{self.function.name}:{target}"
            self.section.exported[symbol] = self.labels[target]
            table.fixups.append((4 * place, int(Kind.WORD), symbol, 0, 0))
        self.tables.append(table)
        base = SCRATCH_2 if end.register == SCRATCH else SCRATCH
        self.fix(Kind.ADDRESS, name, 0, base)
        self.put([LEA_RRI, base, end.register, 4], [CPY_R, PC, AVR])
