"""From parsed files to the flat list of what is assembled.

Includes are replaced by what they include, conditions by the arm that holds, and every name is
defined. Conditions may need constants that other conditions define, so they are decided in
rounds until nothing is left to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..customasm.source import Span
from .errors import AlreadyReportedError, Hint, Report, SourceError, UnresolvedError
from .evaluate import Evaluator
from .files import Files
from .instructions import NAMES
from .limits import (
    CONDITION_ROUNDS,
    INCLUDE_DEPTH,
    INCLUDES,
    ROUNDS_AT_LEAST,
    STATEMENT_VISITS,
    STATEMENTS,
)
from .parser import parse
from .symbols import GLOBAL_SCOPE, Scope, Symbol, SymbolTable
from .syntax import (
    Conditional,
    Constant,
    Function,
    Include,
    Label,
    ParsedFile,
    Placed,
    Statement,
)


@dataclass(slots=True)
class Item:
    """A statement in its place: its scope, the symbol it defines, and its position in bits."""

    statement: Placed
    scope: Scope
    symbol: Symbol | None
    position: int = 0


@dataclass(slots=True)
class Program:
    """What is left to lay out, and its names."""

    items: list[Item]
    symbols: SymbolTable


@dataclass(frozen=True, slots=True, eq=False)
class _Undecided:
    """A conditional that has no arm yet, and the files being included around it."""

    conditional: Conditional
    chain: tuple[Path, ...]


_Entry: TypeAlias = Placed | Function | _Undecided


class Expander:
    """Expands one program."""

    def __init__(self, files: Files, report: Report) -> None:
        self._files = files
        self._report = report
        self._parsed: dict[Path, ParsedFile] = {}
        self._once: set[Path] = set()
        self._includes = 0
        self._statements = 0
        self._incomplete = False

    def expand(self, first: ParsedFile) -> Program:
        """Expand a program from its first file on."""
        file = first.file.resolve() if first.file else None
        if file and first.once:
            self._once.add(file)
        entries = list(self._flatten(first.statements, (file,) if file else ()))
        visits = 0
        for number in range(CONDITION_ROUNDS):
            visits += len(entries)
            if visits > STATEMENT_VISITS and number >= ROUNDS_AT_LEAST:
                break
            undecided = any(isinstance(entry, _Undecided) for entry in entries)
            if not undecided:
                return self._define(entries, self._report)[0]
            decided = self._decide(entries)
            if decided is None:
                return self._give_up(entries)
            entries = decided
        left = next(entry for entry in entries if isinstance(entry, _Undecided))
        self._fail(left.conditional.span, "conditions depend on each other through too many steps")
        return self._define(entries, self._report)[0]

    def _flatten(
        self, statements: Sequence[Statement], chain: tuple[Path, ...]
    ) -> Iterator[_Entry]:
        """Replace includes by what they include, and wrap conditionals."""
        stack: list[tuple[Iterator[Statement], tuple[Path, ...]]] = [(iter(statements), chain)]
        while stack:
            current, chain = stack[-1]
            for statement in current:
                self._statements += 1
                if self._statements > STATEMENTS:
                    self._fail(statement.span, "the program has too many statements")
                    return
                if isinstance(statement, Include):
                    included = self._include(statement, chain)
                    if included is not None:
                        file = included.file
                        inner = chain if file is None else (*chain, file)
                        stack.append((iter(included.statements), inner))
                        break
                elif isinstance(statement, Conditional):
                    yield _Undecided(statement, chain)
                else:
                    yield statement
            else:
                stack.pop()

    def _include(self, statement: Include, chain: tuple[Path, ...]) -> ParsedFile | None:
        """The file to include here; None if there is nothing to include."""
        span = statement.span
        try:
            file = self._files.locate(statement.name, span)
            if file in self._once:
                return None
            if file in chain:
                names = [path.name for path in (*chain[chain.index(file) :], file)]
                raise SourceError(span, f"include cycle: {' -> '.join(names)}")
            self._includes += 1
            if len(chain) > INCLUDE_DEPTH or self._includes > INCLUDES:
                raise SourceError(span, "too many files are included")
            if file not in self._parsed:
                self._parsed[file] = parse(self._files.source(file, span), self._report, file)
        except SourceError as error:
            self._fail(error.span, error.message, error.hint)
            return None
        parsed = self._parsed[file]
        if parsed.once:
            self._once.add(file)
        return parsed

    def _fail(self, span: Span, message: str, hint: Hint = "") -> None:
        """Report an error that costs definitions."""
        self._report.add(span, message, hint)
        self._incomplete = True

    def _decide(self, entries: Sequence[_Entry]) -> list[_Entry] | None:
        """Put the arm that holds in place of each conditional that can be decided; None if there
        is none."""
        # Definitions are reported when they are complete, not in every round.
        program, scopes = self._define(entries, Report())
        evaluator = Evaluator(program.symbols, self._files.read, NAMES)
        decided: list[_Entry] = []
        progress = False
        for entry in entries:
            if not isinstance(entry, _Undecided):
                decided.append(entry)
                continue
            try:
                arm = _choose(entry.conditional, scopes[entry], evaluator)
            except (SourceError, AlreadyReportedError):
                decided.append(entry)
                continue
            decided.extend(self._flatten(arm, entry.chain))
            progress = True
        return decided if progress else None

    def _give_up(self, entries: Sequence[_Entry]) -> Program:
        """Report why conditions cannot be decided, and leave them out."""
        program, scopes = self._define(entries, Report())
        evaluator = Evaluator(program.symbols, self._files.read, NAMES)
        for entry, scope in scopes.items():
            conditional = entry.conditional
            try:
                _choose(conditional, scope, evaluator)
            except UnresolvedError as error:
                hint = "conditions decide what there is to lay out: use constants, not addresses"
                self._fail(error.span, f"`#if` cannot depend on an address: {error}", hint)
            except SourceError as error:
                self._fail(error.span, error.message, error.hint)
            except AlreadyReportedError:
                pass
        self._incomplete = True
        return self._define(entries, self._report)[0]

    def _define(
        self, entries: Sequence[_Entry], report: Report
    ) -> tuple[Program, dict[_Undecided, Scope]]:
        """Define every name; also the scope of each conditional still undecided."""
        symbols = SymbolTable()
        symbols.incomplete = self._incomplete
        items: list[Item] = []
        scopes: dict[_Undecided, Scope] = {}
        scope = GLOBAL_SCOPE
        for entry in entries:
            if isinstance(entry, _Undecided):
                scopes[entry] = scope
                continue
            symbol = None
            try:
                if isinstance(entry, Function):
                    symbols.define_function(entry)
                    continue
                if isinstance(entry, Label | Constant):
                    symbol = symbols.define(entry, scope)
                    scope = symbol.scope
            except SourceError as error:
                report.add_error(error)
                continue
            items.append(Item(entry, scope, symbol))
        return Program(items, symbols), scopes


def _choose(conditional: Conditional, scope: Scope, evaluator: Evaluator) -> tuple[Statement, ...]:
    """The arm that holds. Raises what evaluating the conditions raises."""
    for condition, statements in conditional.branches:
        if evaluator.boolean(condition, scope, None):
            return statements
    return conditional.otherwise
