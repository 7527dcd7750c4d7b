"""Where everything goes.

Addresses depend on sizes, and sizes may depend on addresses (`#res end - start`). The layout is
computed in passes, each from the addresses of the one before, until nothing moves any more.
Problems in expressions count as "not known yet" here: the emitter evaluates the same expressions
against the final addresses and reports what is really wrong.
"""

from __future__ import annotations

from typing import Final

from .errors import AlreadyReportedError, SourceError
from .evaluate import Evaluator
from .expand import Item, Program
from .limits import (
    ADDRESS_SPACE,
    LAYOUT_PASSES,
    OUTPUT_BYTES,
    ROUNDS_AT_LEAST,
    STATEMENT_VISITS,
)
from .symbols import Symbol
from .syntax import (
    Address,
    Align,
    Data,
    EncodedInstruction,
    Expression,
    Instruction,
    Label,
    Reserve,
    UnknownInstruction,
)

LABEL_ALIGNMENT: Final = 32
INSTRUCTION_BITS: Final = 32
_INSTRUCTIONS: Final = frozenset((Instruction, EncodedInstruction, UnknownInstruction))


def lay_out(program: Program, evaluator: Evaluator) -> None:
    """Give every item its position. Raises SourceError if labels do not converge."""
    layout = _Layout(program, evaluator)
    visits = STATEMENT_VISITS // max(1, len(program.items))
    passes = min(LAYOUT_PASSES, max(ROUNDS_AT_LEAST, visits))
    for number in range(passes):
        layout.run()
        # The first pass moves everything from nowhere; it is final if nothing looked ahead.
        if layout.moved is None or (number == 0 and not layout.unsettled):
            evaluator.start_round()
            return
    symbol, before = layout.moved or (None, 0)
    assert symbol is not None
    assert symbol.position is not None
    raise SourceError(
        symbol.definition.span,
        f"labels do not converge: `{symbol.name}` still moves after {passes} passes, "
        f"from 0x{before // 8:x} to 0x{symbol.position // 8:x}",
        "the size of something before it depends on where it is",
    )


def padding(position: int, bits: int) -> int:
    """How many bits are missing to the next multiple of `bits`."""
    return -position % bits


class _Layout:
    """The passes over one program.

    Of the last one: `moved` is the first symbol that moved in it and where it was before,
    `unsettled` tells if it met an unknown value.
    """

    def __init__(self, program: Program, evaluator: Evaluator) -> None:
        self._program = program
        self._evaluator = evaluator
        self.moved: tuple[Symbol, int] | None = None
        self.unsettled = False

    def run(self) -> None:
        """Make one pass."""
        self._evaluator.start_round()
        self.moved = None
        self.unsettled = False
        position = 0
        for item in self._program.items:
            statement = item.statement
            kind = type(statement)
            if kind in _INSTRUCTIONS:
                item.position = position
                position += INSTRUCTION_BITS
                continue
            if kind is Label:
                position += padding(position, LABEL_ALIGNMENT)
            item.position = position
            symbol = item.symbol
            if symbol is None:
                position = self._after(item)
            elif symbol.position != position:
                self.moved = self.moved or (symbol, symbol.position or 0)
                symbol.position = position

    def _after(self, item: Item) -> int:
        """The position after an item that is neither instruction nor symbol."""
        position = item.position
        match item.statement:
            case Data(_, None, values):
                for value in values:
                    position += self._size(value, item, position)
                return position
            case Data(_, width, values) if width is not None:
                return position + width * len(values)
            case Reserve(_, amount):
                return position + 8 * self._number(amount, item, ADDRESS_SPACE)
            case Align(_, bits):
                return position + padding(
                    position, self._number(bits, item, 8 * ADDRESS_SPACE) or 1
                )
            case Address(_, address):
                return 8 * self._number(address, item, ADDRESS_SPACE)
        return position

    def _size(self, value: Expression, item: Item, position: int) -> int:
        """The size of an element of `#d`, or 0 if it is not known."""
        try:
            size = self._evaluator.integer(value, item.scope, position).size
        except (SourceError, AlreadyReportedError):
            self.unsettled = True
            return 0
        return min(size or 0, 8 * OUTPUT_BYTES)

    def _number(self, expression: Expression, item: Item, limit: int) -> int:
        """A number up to `limit`, or 0 if it is not known."""
        try:
            value = self._evaluator.integer(expression, item.scope, item.position).value
        except (SourceError, AlreadyReportedError):
            self.unsettled = True
            return 0
        return value if 0 <= value <= limit else 0
