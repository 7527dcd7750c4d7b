"""A function of the IR as blocks of machine instructions on virtual registers."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..ir.module import Block, Function, Instruction, Module
from ..locations import ValueRecord, value_record
from ..machine_code import (
    Jump,
    MachineBlock,
    MachineFunction,
)
from ..target import (
    Pseudo,
)
from .flow import Flow
from .phis import Phis
from .values import literal


def select_function(module: Module, source: Function, check: bool, debug: bool) -> MachineFunction:
    """Translate a function. Raises UnsupportedError whose place names the function and, where
    the module has them, the metadata node of the source position."""
    return _Selector(module, source, Flow(source), check).run(debug)


class _Selector(Phis):
    def run(self, debug: bool) -> MachineFunction:
        self.out.section = self.source.section
        self.out.debug = self.source.debug
        self.records: dict[str, dict[int, list[ValueRecord]]] = {}
        for label, number, text in self.source.records if debug else ():
            record = value_record(text, self.module.metadata)
            if record is not None:
                self.records.setdefault(label, {}).setdefault(number, []).append(record)
        self.survey()
        entry = MachineBlock("", self.source.blocks[0].label)
        self.out.blocks.append(entry)
        self.use(entry)
        self.incoming()
        self.variables_on_stack(debug)
        if self.check and self.source.section != ".lrvm.start":
            self.check_stack()
        first = self.source.blocks[0].label
        if not self.flow.before[first]:
            # The first block goes on in the entry block, so that they share what they know.
            entry.label = first
            entry.depth = self.flow.depth[first]
        else:
            entry.end = Jump(first)
        for block in self.reachable:
            if block.label != first or entry.end is not None:
                machine = MachineBlock(block.label, block.label, self.flow.depth[block.label])
                self.out.blocks.append(machine)
                self.use(machine)
            self._block(block, debug)
        self.connect()
        by_label = {block.label: block for block in self.out.blocks}
        for label, code in self.flow.front_code.items():
            front = by_label[label]
            front.code[front.before_end : front.before_end] = code
        return self.out

    def _block(self, block: Block, debug: bool) -> None:
        position = ""
        records = self.records.get(block.label, {})
        for number, instruction in enumerate(block.instructions):
            if number in records:
                self._values(records[number])
            if debug and instruction.debug and instruction.debug != position:
                position = instruction.debug
                self.emit([Pseudo.LINE, position])
            try:
                self._instruction(instruction)
            except UnsupportedError as error:
                if error.place:
                    raise
                raise UnsupportedError(
                    error.reason,
                    f"{self.source.name} {instruction.debug or self.source.debug}".strip(),
                ) from None

    def _values(self, records: list[ValueRecord]) -> None:
        """Mark that variables take other values. What is computed where it is used is nowhere."""
        for record in records:
            parts = None
            if record.number is not None:
                parts = [literal(record.number)]
            elif record.name is not None and record.name not in self.lazy:
                parts = self.values.get(record.name)
            self.emit([Pseudo.VALUE, record.variable, parts])

    def _instruction(self, instruction: Instruction) -> None:
        op, name = instruction.op, instruction.name
        if name in self.lazy or name in self.objects:
            return
        ending = self.endings.get(op)
        if ending is not None:
            self.block.before_end = len(self.block.code)
            ending(self, instruction)
            return
        if op == "phi":
            if name not in self.values:
                self.define(name, instruction.type)
            if name in self.need_clean:
                self.clean.add(name)
            return
        if op == "store":
            self.write(instruction)
            return
        parts = self.compute(instruction)
        if not name:
            return
        if self.is_narrow(instruction.type):
            if self.is_clean_result(instruction):
                self.clean.add(name)
            elif name in self.need_clean:
                parts = self.masked(parts, instruction.type.bits)  # type: ignore[attr-defined]
                self.clean.add(name)
        known = self.values.get(name)
        if known is None:
            self.values[name] = parts
        else:  # used before, by a phi of a loop
            for register, part in zip(known, parts, strict=True):
                self.set(register, part)
