"""The passes over the program until nothing changes any more (section 7: phase 5)."""

from __future__ import annotations

from collections.abc import Sequence

from .asm_blocks import assemble_block
from .asm_nodes import AsmBlock
from .banks import Bank
from .context import Context
from .expressions import Name, Node
from .files import Files
from .instruction_set import InstructionSet
from .items import Item
from .limits import EVALUATION_WORK, ITEM_WORK
from .problems import Log, Problem, StoppedError, UnknownValueError
from .resolvers import unknown_symbol, unresolved_symbol, value_of
from .statements import FunctionDefinition
from .symbols import SymbolTable
from .values import Value


class Passes:
    """Makes the passes over a program; expressions ask it for names and places.

    Of the current pass: `first` and `last` tell which one it is, `stable` whether everything
    stayed what it was, `bank` which bank is selected; positions stand in the banks.
    """

    def __init__(
        self,
        items: Sequence[Item],
        banks: Sequence[Bank],
        symbols: SymbolTable,
        files: Files,
        instructions: InstructionSet,
        log: Log,
        limit: int,
    ) -> None:
        self.symbols = symbols
        self.files = files
        self.instructions = instructions
        self.limit = limit
        self.first = False
        self.last = False
        self.touched = False
        """Whether a value was asked for that another pass or another place may change."""
        self.encoded: dict[int, tuple[int, int, int]] = {}
        """Encodings that are the same in all passes and places, by the id of the candidates."""
        self.stable = True
        self._items = items
        self._banks = banks
        self._log = log
        self._work = EVALUATION_WORK + ITEM_WORK * len(items)

    def run(self) -> int:
        """Make all passes; how many were needed. Problems go to the log."""
        for number in range(1, self.limit + 1):
            self._pass(number == 1, number == self.limit)
            if self.last:
                return number
            if self.stable:
                self._pass(False, True)
                return number
        return self.limit

    def _pass(self, first: bool, last: bool) -> None:
        self.first, self.last, self.stable = first, last, True
        for bank in self._banks:
            bank.position = 0
        for item in self._items:
            try:
                item.step(self)
            except Problem as problem:
                self._tell(problem)
            except RecursionError:
                self._tell(Problem(item.span, "expressions and calls are nested too deeply"))

    def _tell(self, problem: Problem) -> None:
        if self.last or not self._log.keep_going:
            self._log.stop(problem)
        else:
            # Everything is to be told: in the last pass, where all values are known.
            self.stable = False

    def changed(self, problem: Problem) -> None:
        """Note that an item changed in this pass; in the last one that is a problem."""
        self.stable = False
        if self.last:
            self._log.add(problem)

    def assertion(self, problem: Problem | None) -> None:
        """Note the result of an `#assert`; the pass goes on after a false one."""
        self.stable = False
        if problem is not None:
            self._log.add(problem)

    def context(self, item: Item) -> Context:
        """What an expression of an item sees."""
        bank = item.bank
        return Context(self, item.origin, item.latest, bank, bank.position)

    # What expressions ask for

    def symbol(self, name: Name, context: Context) -> Value:
        symbol = self.symbols.find(name, context.symbol)
        if symbol is None:
            named = self.symbols.named(name)
            if named is None:
                raise unknown_symbol(name, context, self.symbols)
            return named
        if name.level or not (symbol.is_static or isinstance(symbol.value, FunctionDefinition)):
            self.touched = True
        try:
            return value_of(symbol)
        except UnknownValueError:
            if self.last:
                raise unresolved_symbol(name, context) from None
            raise

    def address(self, node: Node, context: Context) -> Value:
        assert context.bank is not None
        bank = context.bank
        self.touched = True
        if self.last:
            bank.check_aligned(context.position, context.span(node))
        return bank.address_of(context.position)

    def bank_of(self, node: Node, name: Name, context: Context) -> Bank:
        self.touched = True
        if name.plain in ("$", "pc"):
            assert context.bank is not None
            return context.bank
        symbol = self.symbols.find(name, context.symbol)
        if symbol is None:
            raise unknown_symbol(name, context, self.symbols)
        if symbol.bank is None:
            raise Problem(context.span(name), f"`{name.text}` is no label")
        return symbol.bank

    def assemble(self, block: AsmBlock, context: Context) -> Value:
        self.touched = True
        return assemble_block(block, context, self)

    def enter(self, node: Node, context: Context) -> None:
        self.spend(node, context)

    def spend(self, node: Node, context: Context) -> None:
        """Count work that a program can multiply. Raises Problem if it is too much."""
        self._work -= 1
        if self._work < 0:
            self._log.add(Problem(context.span(node), "evaluating the program takes too long"))
            raise StoppedError
