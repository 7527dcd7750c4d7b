"""What has a place in the program, and what a pass does with it (sections 6 and 7).

Each pass steps through all items in order. An item is evaluated with the newest values, moves its
bank's position on, and says if it is not what it was in the pass before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .banks import Bank
from .context import UNKNOWN, Context
from .expressions import Name, Node
from .instruction_set import Candidate
from .operators import OUT_OF_RANGE
from .problems import FailedValueError, Origin, Problem, UnknownValueError, note
from .source import Span
from .symbols import Symbol
from .values import Sized, Text, Value, number_of, same, sized_of, smallest_size

if TYPE_CHECKING:
    from .passes import Passes

_RESERVED_MAX: Final = 1 << 32
_ALIGNMENT_MAX: Final = 1 << 64
_ADDRESS_BITS: Final = 64


class Item:
    """Something with a place: `bank` and `position` in bits, and `size` bits of output.

    `latest` is the latest symbol declared up to it, `origin` where offsets in its expressions
    count from. `value` is the number that it writes, if it writes one.
    """

    __slots__ = ("bank", "latest", "origin", "position", "size", "span", "value")

    def __init__(self, span: Span, origin: Origin, latest: Symbol | None, bank: Bank) -> None:
        self.span = span
        self.origin = origin
        self.latest = latest
        self.bank = bank
        self.position = 0
        self.size = 0
        self.value = 0

    def step(self, passes: Passes) -> None:
        """Take part in a pass. Raises Problem."""
        raise NotImplementedError


class LabelItem(Item):
    __slots__ = ("level", "symbol")

    def __init__(self, span: Span, origin: Origin, bank: Bank, symbol: Symbol, level: int) -> None:
        super().__init__(span, origin, symbol, bank)
        self.symbol = symbol
        self.level = level
        symbol.bank = bank

    def step(self, passes: Passes) -> None:
        bank, symbol = self.bank, self.symbol
        if bank.label_alignment and (bank.aligns_labels_only or not self.level):
            bank.position += bank.padding(bank.label_alignment, self.span)
        self.position = bank.position
        if passes.last:
            bank.check_aligned(self.position, self.span)
        address = bank.address_of(self.position)
        before = symbol.value
        if before != address:
            symbol.value = address
            hint = _swing(before, address)
            passes.changed(Problem(self.span, "label address did not converge", hint=hint))


class ConstantItem(Item):
    __slots__ = ("expression", "is_final", "level", "symbol")

    def __init__(
        self,
        span: Span,
        origin: Origin,
        bank: Bank,
        symbol: Symbol,
        level: int,
        expression: Node,
    ) -> None:
        super().__init__(span, origin, symbol, bank)
        self.symbol = symbol
        self.level = level
        self.expression = expression
        self.is_final = symbol.is_static and symbol.value is not UNKNOWN

    def step(self, passes: Passes) -> None:
        bank, symbol = self.bank, self.symbol
        if bank.label_alignment and not (bank.aligns_labels_only or self.level):
            bank.position += bank.padding(bank.label_alignment, self.span)
        if self.is_final:
            return
        value: Value | FailedValueError
        try:
            value = self.expression.evaluate(passes.context(self))
        except UnknownValueError:
            if symbol.value is not UNKNOWN:
                symbol.value = UNKNOWN
                passes.changed(self._unstable(""))
            return
        except FailedValueError as failed:
            value = FailedValueError(failed.problem)
        before = symbol.value
        symbol.value = value
        if isinstance(value, FailedValueError) or isinstance(before, FailedValueError):
            if type(value) is not type(before):
                passes.changed(self._unstable(""))
        elif before is UNKNOWN or not same(before, value):  # type: ignore[arg-type]
            passes.changed(self._unstable(_swing(before, value)))

    def _unstable(self, hint: str) -> Problem:
        return Problem(self.span, "constant value did not converge", hint=hint)


class InstructionItem(Item):
    __slots__ = ("_is_final", "candidates")

    def __init__(
        self,
        span: Span,
        origin: Origin,
        latest: Symbol | None,
        bank: Bank,
        candidates: Sequence[Candidate],
    ) -> None:
        super().__init__(span, origin, latest, bank)
        self.candidates = candidates
        self._is_final = False

    def step(self, passes: Passes) -> None:
        bank = self.bank
        self.position = bank.position
        if self._is_final:
            bank.position += self.size
            return
        candidates = self.candidates
        if not passes.last and len(candidates) == 1:
            fixed = candidates[0].fixed_size
            if fixed is not None:
                self.size = fixed
                bank.position += fixed
                return
        found = passes.encoded.get(id(candidates))
        constant = found is not None
        if found is None:
            passes.touched = False
            found = encode(candidates, passes.context(self), self.span, passes.last)
            if found is not None and found[2] == 1 and not passes.touched:
                passes.encoded[id(candidates)] = found
                constant = True
        if found is None:
            passes.stable = False
            if passes.first:
                self.size = max(each.static_size or 0 for each in candidates)
        else:
            size, value, ways = found
            before, self.value, self.size = self.value, value, size
            # What is the same in all passes is as good as final after the second one: in the
            # first it counts as a change unless it is static.
            self._is_final = constant and before == value
            if passes.first and ways == 1 and self._is_static(passes):
                self._is_final = True
            elif before != value and candidates[0].fixed_size is None:
                hint = f"its last encodings were 0x{before:x} and 0x{value:x}"
                passes.changed(
                    Problem(self.span, "instruction encoding did not converge", hint=hint)
                )
        bank.position += self.size

    def _is_static(self, passes: Passes) -> bool:
        def names(name: Name) -> bool:
            symbol = passes.symbols.find(name, self.latest)
            return symbol is not None and symbol.is_static

        return all(candidate.is_static(names) for candidate in self.candidates)


def encode(
    candidates: Sequence[Candidate], context: Context, span: Span, strict: bool
) -> tuple[int, int, int] | None:
    """The smallest encoding: its size, its bits, and how many candidates have this size.

    None if all candidates are unknown or failed; if `strict`, that and several of the smallest
    size are errors. Raises Problem.
    """
    best: list[Candidate] = []
    value = size = 0
    failures: list[Problem] = []
    unknown = False
    for candidate in candidates:
        try:
            bits, length = candidate.checked(candidate.evaluate(context), context)
        except UnknownValueError:
            unknown = True
        except FailedValueError as failed:
            failures.append(failed.problem)
        except Problem as problem:
            if candidate.fixed_size is not None:
                # A built-in instruction: its errors say everything themselves.
                raise
            raise Problem(span, "failed to resolve instruction", problem) from None
        else:
            if not best or length < size:
                best, value, size = [candidate], bits, length
            elif length == size:
                best.append(candidate)
    if not best:
        if strict and not unknown:
            raise Problem(span, "failed to resolve instruction", *failures)
        return None
    if strict and len(best) > 1:
        message = "multiple matches with the same encoding size"
        raise Problem(span, message, *(candidate.described() for candidate in best))
    return size, value, len(best)


class DataItem(Item):
    """An element of `#d` (`width` None) or `#dN`."""

    __slots__ = ("_is_final", "_is_static", "expression", "width")

    def __init__(
        self,
        span: Span,
        origin: Origin,
        latest: Symbol | None,
        bank: Bank,
        expression: Node,
        width: int | None,
    ) -> None:
        super().__init__(span, origin, latest, bank)
        self.expression = expression
        self.width = width
        self.size = (expression.static_size({}) or 0) if width is None else width
        self._is_static = expression.is_static(lambda name: False)
        self._is_final = False

    def step(self, passes: Passes) -> None:
        bank = self.bank
        self.position = bank.position
        if self._is_final:
            bank.position += self.size
            return
        strict = passes.last or self._is_static
        found = None
        try:
            found = self._element(self.expression.evaluate(passes.context(self)), strict)
        except UnknownValueError:
            pass
        except FailedValueError as failed:
            if strict:
                raise self._failed(failed.problem) from None
        except _ElementError as error:
            raise error.problem from None
        except Problem as problem:
            raise self._failed(problem) from None
        if found is None:
            passes.stable = False
        else:
            before = self.value
            self.value, self.size = found
            if self._is_static:
                self._is_final = True
            elif before != self.value:
                passes.changed(Problem(self.span, "data element did not converge"))
        bank.position += self.size

    def _failed(self, problem: Problem) -> Problem:
        return Problem(self.span, "failed to resolve data element", problem)

    def _element(self, value: Value, strict: bool) -> tuple[int, int] | None:
        """What a value writes and its size; None if it does not fit and that is no error yet."""
        number = number_of(value)
        if number is None:
            raise Problem(self.span, "expected integer")
        sized = value if type(value) is Sized else sized_of(value)
        width = self.width
        if width is None:
            if sized is None:
                if not strict:
                    return None
                hint = "a slice gives it one, as in x`8, and so does `#d8`"
                text = "data element has no definite size"
                raise _ElementError(Problem(self.span, text, hint=hint))
            return number & ((1 << sized.size) - 1), sized.size
        size = smallest_size(number) if sized is None else sized.size
        if size > width and strict:
            inner = note(self.span, f"data directive has size {width}, got size {size}")
            text = "value out of range for directive"
            raise _ElementError(Problem(self.span, text, inner))
        return number & ((1 << width) - 1), width


class _ElementError(Exception):
    """An element whose value does not suit its directive."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem.text


class AmountItem(Item):
    """`#res`, `#align` or `#addr`: a number that moves the position."""

    __slots__ = ("_amount", "_is_static", "expression", "kind")

    _UNSTABLE: Final = {
        "res": "reserve size did not converge",
        "align": "alignment size did not converge",
        "addr": "address did not converge",
    }

    def __init__(
        self,
        span: Span,
        origin: Origin,
        latest: Symbol | None,
        bank: Bank,
        kind: str,
        expression: Node,
    ) -> None:
        super().__init__(span, origin, latest, bank)
        self.kind = kind
        self.expression = expression
        self._amount = 0
        self._is_static = expression.is_static(lambda name: False)

    def step(self, passes: Passes) -> None:
        bank = self.bank
        self.position = bank.position
        found: int | None
        try:
            value = self.expression.evaluate(passes.context(self))
            found = self._number(value)
        except UnknownValueError:
            found = None
        except FailedValueError:
            found = 0
        if found is None:
            passes.stable = False
        elif self._is_static:
            self._amount = found
        elif found != self._amount:
            before, self._amount = self._amount, found
            hint = _swing(before, found)
            passes.changed(Problem(self.span, self._UNSTABLE[self.kind], hint=hint))
        self._move(bank, self._amount, found is not None)

    def _number(self, value: Value) -> int:
        number = number_of(value)
        if number is None or (self.kind == "align" and type(value) is Text):
            text = "expected integer" if self.kind == "addr" else "expected non-negative integer"
            raise Problem(self.span, text)
        if self.kind == "addr":
            if number.bit_length() > _ADDRESS_BITS:
                raise Problem(self.span, OUT_OF_RANGE)
            return number
        if number < 0:
            raise Problem(self.span, "expected non-negative integer")
        if number >= (_RESERVED_MAX if self.kind == "res" else _ALIGNMENT_MAX):
            raise Problem(self.span, OUT_OF_RANGE)
        return number

    def _move(self, bank: Bank, amount: int, known: bool) -> None:
        if self.kind == "res":
            self.size = amount * bank.bits
            bank.position += self.size
        elif self.kind == "align":
            if amount:
                bank.position += bank.padding(amount, self.span)
            elif known:
                raise Problem(self.span, "invalid alignment size")
        elif known:
            offset = amount - bank.address
            if offset < 0 or (bank.size is not None and offset >= bank.size):
                raise Problem(self.span, "address is out of bank range")
            bank.position = offset * bank.bits


class AssertionItem(Item):
    """`#assert`, which only the last pass looks at."""

    __slots__ = ("expression",)

    def __init__(
        self, span: Span, origin: Origin, latest: Symbol | None, bank: Bank, expression: Node
    ) -> None:
        super().__init__(span, origin, latest, bank)
        self.expression = expression

    def step(self, passes: Passes) -> None:
        if not passes.last:
            passes.assertion(None)
            return
        try:
            value = self.expression.evaluate(passes.context(self))
        except FailedValueError as failed:
            passes.assertion(failed.problem)
            return
        if type(value) is not bool:
            raise Problem(self.span, "expected boolean")
        passes.assertion(None if value else Problem(self.span, "assertion failed"))


def _swing(before: object, after: object) -> str:
    """The last values of something that does not converge, for its message."""
    shown = []
    for value in (before, after):
        number = value.value if isinstance(value, Sized) else value
        if type(number) is int and number.bit_length() <= 128:
            shown.append(f"0x{number:x}" if number >= 0 else f"-0x{-number:x}")
        else:
            return ""
    return f"its last values were {shown[0]} and {shown[1]}: its size depends on its own place"
