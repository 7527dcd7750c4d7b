"""From files to the flat list of what is assembled (section 7: phases 1 and 2).

Includes are replaced by what they include, conditions by the arm that holds, and every name is
declared. Conditions may need constants that other conditions declare, so all this is repeated
until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..text_files import UndecodableError
from .context import UNKNOWN, Context
from .expressions import Name
from .files import Files
from .language import PLAIN, Language
from .limits import EXPANSION_ROUNDS, FILE_NESTING, FILES, STATEMENTS
from .parser import FileParser
from .problems import FailedValueError, Log, Problem, StoppedError, UnknownValueError, note
from .resolvers import ConditionResolver, ConstantResolver
from .source import Source, Span
from .statements import (
    BankDefinition,
    BankUse,
    Conditional,
    Constant,
    FunctionDefinition,
    Include,
    Label,
    RulesDefinition,
    Statement,
)
from .symbols import Symbol, SymbolTable
from .values import Value


class Entry:
    """A statement in the program: the symbol it declares, and the latest one declared up to it."""

    __slots__ = ("latest", "statement", "symbol")

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.symbol: Symbol | None = None
        self.latest: Symbol | None = None


class Expander:
    """Expands one program; `defines` are the constants that are given from outside."""

    def __init__(
        self,
        files: Files,
        log: Log,
        defines: Mapping[str, Value] | None = None,
        language: Language = PLAIN,
    ) -> None:
        self.symbols = SymbolTable(language)
        self.banks: dict[str, BankDefinition] = {}
        self.rules: dict[str, RulesDefinition] = {}
        self._files = files
        self._log = log
        self._defines = defines or {}
        self._language = language
        self._once: set[str] = set()
        self._files_read = 0
        self._statements = 0
        self._chains: dict[Conditional, tuple[str, ...]] = {}
        """The files that led to the file of a condition, for what its arms include."""
        self._declared: set[Statement] = set()
        self._anonymous = 0

    def expand(self, roots: Iterable[tuple[str, str | None]]) -> list[Entry]:
        """Expand a program from its root files on: rows of a path and, if it is not to be read
        from there, a text."""
        entries: list[Entry] = []
        for path, text in roots:
            try:
                source = self._source(path, path, None) if text is None else Source(path, text)
            except Problem as problem:
                self._log.stop(problem)
                continue
            entries.extend(self._file(source, ()))
        self._log.check()
        for _ in range(EXPANSION_ROUNDS):
            changed = self._declare(entries)
            changed |= self._constants(entries)
            decided = self._decide(entries)
            if decided is None and not changed:
                break
            entries = entries if decided is None else decided
        for entry in entries:
            if isinstance(entry.statement, Conditional):
                self._log.stop(self._undecided(entry))
        for entry in entries:
            statement = entry.statement
            if isinstance(statement, BankUse) and statement.name not in self.banks:
                self._log.stop(Problem(statement.span, f"unknown bank `{statement.name}`"))
        self._log.check()
        return entries

    def _source(self, path: str, name: str, span: Span | None) -> Source:
        """The source at a path. Raises Problem."""
        self._files_read += 1
        if self._files_read > FILES:
            raise Problem(span, f"more than {FILES} files are included")
        data = self._files.load(path, name, span)
        try:
            return Source(path, self._files.decode(data))
        except UndecodableError as error:
            raise Problem(span, f"{path}:{error.line}: {error}") from None

    def _file(self, source: Source, chain: tuple[str, ...]) -> list[Entry]:
        """The entries of a file: it is parsed as a whole, then what it includes."""
        parser = FileParser(source, self._log, self._language)
        statements = parser.parse()
        if parser.once:
            self._once.add(source.path)
        # As in the original the root file is not in the chain: including it is noticed the
        # second time.
        return self._entries(statements, chain)

    def _entries(self, statements: Iterable[Statement], chain: tuple[str, ...]) -> list[Entry]:
        """The entries of statements of one file, to which a chain of files has led."""
        entries: list[Entry] = []
        for statement in statements:
            self._count(statement.span)
            if not isinstance(statement, Include):
                entries.append(Entry(statement))
                if isinstance(statement, Conditional):
                    self._chains[statement] = chain
                continue
            try:
                including = statement.span.source.path
                path = self._files.locate(statement.name, including, statement.span)
                if path in chain or len(chain) > FILE_NESTING:
                    raise Problem(statement.span, "recursive file inclusion")
                if path in self._once:
                    continue
                inner = self._source(path, statement.name, statement.span)
            except Problem as problem:
                self._log.stop(problem)
                continue
            entries.extend(self._file(inner, (*chain, path)))
        return entries

    def _count(self, span: Span) -> None:
        self._statements += 1
        if self._statements > STATEMENTS:
            self._log.add(Problem(span, f"the program has more than {STATEMENTS} statements"))
            raise StoppedError

    def _declare(self, entries: list[Entry]) -> bool:
        """Declare what is new: banks, rules, symbols, functions, in this order."""
        before = len(self._declared)
        for entry in entries:
            statement = entry.statement
            if isinstance(statement, BankDefinition) and statement not in self._declared:
                self._declared.add(statement)
                self._unique(self.banks, "bank", statement.name, statement.name_span, statement)
        for entry in entries:
            statement = entry.statement
            if isinstance(statement, RulesDefinition) and statement not in self._declared:
                self._declared.add(statement)
                name = statement.name
                if not name:
                    name = f"#anonymous_ruledef_{self._anonymous}"
                    self._anonymous += 1
                self._unique(self.rules, "ruledef", name, statement.span, statement)
        latest: Symbol | None = None
        for entry in entries:
            statement = entry.statement
            if isinstance(statement, Label | Constant):
                if statement not in self._declared:
                    self._declared.add(statement)
                    self._symbol(entry, statement, latest)
                latest = entry.symbol or latest
            entry.latest = latest
        for entry in entries:
            statement = entry.statement
            if isinstance(statement, FunctionDefinition) and statement not in self._declared:
                self._declared.add(statement)
                self._symbol(entry, statement, None)
        return len(self._declared) > before

    def _unique(
        self,
        known: dict[str, BankDefinition] | dict[str, RulesDefinition],
        what: str,
        name: str,
        span: Span,
        statement: BankDefinition | RulesDefinition,
    ) -> None:
        if name in known:
            earlier = known[name]
            where = earlier.name_span if isinstance(earlier, BankDefinition) else earlier.span
            first = note(where, "first declared here")
            self._log.stop(Problem(span, f"duplicate {what} `{name}`", first))
        else:
            known[name] = statement  # type: ignore[assignment]

    def _symbol(
        self, entry: Entry, statement: Label | Constant | FunctionDefinition, latest: Symbol | None
    ) -> None:
        """Declare the symbol of a statement that follows the symbol `latest`."""
        level = 0 if isinstance(statement, FunctionDefinition) else statement.level
        is_label = isinstance(statement, Label)
        try:
            symbol = self.symbols.declare(statement.name, level, statement.span, latest, is_label)
        except Problem as problem:
            self._log.stop(problem)
            return
        entry.symbol = symbol
        if isinstance(statement, Constant):
            symbol.emitted = statement.emitted
            name = symbol.full_name if self._defines else ""
            if name in self._defines:
                symbol.value = self._defines[name]
                symbol.is_static = True
            else:
                symbol.is_static = statement.value.is_static(_no_name)

    def _constants(self, entries: list[Entry]) -> bool:
        """Evaluate constants as far as it goes; whether a value was found."""
        resolver = ConstantResolver(self.symbols, self._files)
        found = False
        left = [
            entry
            for entry in entries
            if isinstance(entry.statement, Constant)
            and entry.symbol is not None
            and entry.symbol.value is UNKNOWN
        ]
        while left:
            before = len(left)
            # Backwards as well, where a chain of constants leads from later ones to earlier ones.
            # Problems are told in the program's order.
            left = [entry for entry in left if not self._constant(entry, resolver, True)]
            left.reverse()
            left = [entry for entry in left if not self._constant(entry, resolver, False)]
            left.reverse()
            if len(left) == before:
                break
            found = True
        return found

    def _constant(self, entry: Entry, resolver: ConstantResolver, telling: bool) -> bool:
        statement, symbol = entry.statement, entry.symbol
        assert isinstance(statement, Constant)
        assert symbol is not None
        context = Context(resolver, statement.origin, entry.latest)
        try:
            symbol.value = statement.value.evaluate(context)
        except UnknownValueError:
            return False
        except (Problem, FailedValueError) as error:
            if telling:
                self._log.stop(error if isinstance(error, Problem) else error.problem)
            return telling
        return True

    def _decide(self, entries: list[Entry]) -> list[Entry] | None:
        """Put the arm that holds in place of each condition that is known; None if none is."""
        if not any(isinstance(entry.statement, Conditional) for entry in entries):
            return None
        resolver = ConstantResolver(self.symbols, self._files)
        resolver.files = NO_FILES
        decided: list[list[Entry]] = []
        progress = False
        for entry in reversed(entries):
            statement = entry.statement
            arm = None
            if isinstance(statement, Conditional):
                try:
                    context = Context(resolver, statement.origin, entry.latest)
                    value = statement.condition.evaluate(context)
                except (UnknownValueError, FailedValueError):
                    value = None
                except Problem as problem:
                    self._log.stop(problem)
                    value = False
                if isinstance(value, bool):
                    arm = statement.then if value else statement.otherwise
                    decided.append(self._entries(arm, self._chains[statement]))
                    progress = True
            if arm is None:
                decided.append([entry])
        if not progress:
            return None
        return [entry for group in reversed(decided) for entry in group]

    def _undecided(self, entry: Entry) -> Problem:
        """Why a condition is not decided."""
        statement = entry.statement
        assert isinstance(statement, Conditional)
        resolver = ConditionResolver(self.symbols, NO_FILES)
        context = Context(resolver, statement.origin, entry.latest)
        span = context.span(statement.condition)
        reason: tuple[Problem, ...] = ()
        try:
            statement.condition.evaluate(context)
        except Problem as problem:
            reason = (problem,)
        except FailedValueError as failed:
            reason = (failed.problem,)
        except UnknownValueError:
            reason = (Problem(span, "cannot resolve expression"),)
        hint = "it must be a boolean that needs no addresses, functions or local names"
        return Problem(span, "unresolved condition", *reason, hint=hint)


def _no_name(name: Name) -> bool:
    return False


class _NoFiles(Files):
    """Where functions that read files are not allowed."""

    def read(self, name: str, source: Source, span: Span) -> bytes:
        raise UnknownValueError


NO_FILES = _NoFiles()
