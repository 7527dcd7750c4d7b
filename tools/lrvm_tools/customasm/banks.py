"""Banks: ranges of addresses and where they go in the output (section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .context import Context
from .expressions import Node
from .operators import OUT_OF_RANGE
from .problems import FailedValueError, Log, Problem, UnknownValueError, note
from .source import Span
from .statements import BankDefinition
from .values import Sized, Value

DEFAULT_NAME: Final = "#global_bankdef"
_ADDRESS_BITS: Final = 64


@dataclass(eq=False)
class Bank:
    """A bank: `bits` per address, first `address`, `size` in addresses (None: unlimited), first
    bit in the `output` (None: not writable), alignment of labels in bits (None: none)."""

    name: str
    span: Span | None = None
    name_span: Span | None = None
    bits: int = 8
    address: int = 0
    size: int | None = None
    output: int | None = 0
    filled: bool = False
    label_alignment: int | None = None
    aligns_labels_only: bool = False
    """Labels of all levels, and no constants, as in LASM."""
    data: Value = None
    """What the program attaches to the bank (an extension: section 12)."""
    number: int = 0
    """Its place in the order of definition; the default bank is number 0."""
    position: int = 0
    """Where the next thing goes, in bits from its start: what the passes count."""

    @property
    def size_in_bits(self) -> int | None:
        return None if self.size is None else self.size * self.bits

    def address_of(self, position: int) -> int:
        """The address of a position in bits, rounded down."""
        return self.address + position // self.bits

    def check_aligned(self, position: int, span: Span) -> None:
        """Refuse a position between two addresses. Raises Problem."""
        missing = -position % self.bits
        if missing:
            bits = "bit" if missing == 1 else "bits"
            inner = note(span, f"needs {missing} more {bits} for next alignment")
            raise Problem(span, "position is not aligned to an address", inner)

    def padding(self, bits: int, span: Span) -> int:
        """How many bits are missing up to a multiple of `bits`. Raises Problem."""
        absolute = self.address * self.bits + self.position
        missing = -absolute % bits
        if missing and absolute < 0:
            raise Problem(span, OUT_OF_RANGE)
        return missing


def define_bank(definition: BankDefinition, context: Context, log: Log) -> Bank:
    """The bank that a `#bankdef` describes; errors go to the log."""
    bank = Bank(definition.name, definition.span, definition.name_span, output=None)
    fields = {field.name: field.value for field in definition.fields}
    bank.filled = "fill" in fields
    if fields.get("bits") is not None:
        bank.bits = _amount(fields["bits"], context, log, 8)
        if bank.bits == 0:
            log.stop(Problem(_span(fields["bits"], context), "invalid bits per address: 0"))
            bank.bits = 8
    if fields.get("addr") is not None:
        bank.address = _integer(fields["addr"], context, log, 0)
    size, end = fields.get("size"), fields.get("addr_end")
    if size is not None and end is not None:
        log.stop(Problem(definition.span, "both `addr_end` and `size` defined"))
    if size is not None:
        bank.size = _amount(size, context, log, 0)
    elif end is not None:
        last = _integer(end, context, log, 0)
        if last < bank.address:
            log.stop(Problem(_span(end, context), OUT_OF_RANGE))
        bank.size = last - bank.address
    if fields.get("outp") is not None:
        bank.output = _amount(fields["outp"], context, log, 0)
    if fields.get("labelalign") is not None:
        bank.label_alignment = _amount(fields["labelalign"], context, log, 0) or None
    if fields.get("data") is not None:
        try:
            bank.data = fields["data"].evaluate(context)  # type: ignore[union-attr]
        except (UnknownValueError, FailedValueError, Problem) as error:
            log.stop(_reason(error, fields["data"], context))
    return bank


def _span(node: Node | None, context: Context) -> Span:
    assert node is not None
    return context.span(node)


def _reason(
    error: UnknownValueError | FailedValueError | Problem, node: Node | None, context: Context
) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, FailedValueError):
        return error.problem
    return Problem(_span(node, context), "cannot resolve expression")


def _integer(node: Node | None, context: Context, log: Log, instead: int) -> int:
    """The value of a field that must be an integer."""
    assert node is not None
    try:
        value = node.evaluate(context)
        number = value.value if isinstance(value, Sized) else value
        if type(number) is not int:
            raise Problem(context.span(node), "expected integer")
        if number.bit_length() > _ADDRESS_BITS:
            raise Problem(context.span(node), OUT_OF_RANGE)
    except (UnknownValueError, FailedValueError, Problem) as error:
        log.stop(_reason(error, node, context))
        return instead
    return number


def _amount(node: Node | None, context: Context, log: Log, instead: int) -> int:
    """The value of a field that must be an integer and not negative."""
    number = _integer(node, context, log, instead)
    if number < 0:
        log.stop(Problem(_span(node, context), "expected non-negative integer"))
        return instead
    return number


def check_overlap(banks: list[Bank], log: Log) -> None:
    """Refuse writable banks that share bits of the output; the first pair is told."""
    writable = [bank for bank in banks if bank.output is not None]
    for index, one in enumerate(writable):
        start, size = one.output or 0, one.size_in_bits
        for other in writable[index + 1 :]:
            second, length = other.output or 0, other.size_in_bits
            apart = (size is not None and start + size <= second) or (
                length is not None and second + length <= start
            )
            if not apart:
                message = f"output of bank `{one.name}` overlaps with bank `{other.name}`"
                inner = note(other.name_span, f"bank `{other.name}` defined here")
                log.stop(Problem(one.name_span, message, inner))
                return
