"""Assembling a program: the phases in order (section 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..collection import collection_paused
from .banks import DEFAULT_NAME, Bank, check_overlap, define_bank
from .context import Context
from .expansion import NO_FILES, Entry, Expander
from .files import Files
from .instruction_set import InstructionSet, MatchError
from .items import (
    AmountItem,
    AssertionItem,
    ConstantItem,
    DataItem,
    InstructionItem,
    Item,
    LabelItem,
)
from .language import PLAIN, Language
from .limits import PASSES
from .output import Output
from .passes import Passes
from .problems import Log, Origin, Problem, StoppedError
from .resolvers import ConditionResolver
from .rules import RuleSet, compile_rules
from .statements import (
    Amount,
    BankDefinition,
    BankUse,
    Constant,
    Data,
    FunctionDefinition,
    Instruction,
    Label,
)
from .symbols import SymbolTable
from .values import Value


@dataclass
class Options:
    """How to assemble.

    `passes` is their largest number, `defines` the constants given from outside, `keep_going`
    tells all problems of a phase rather than the first. `instruction_set` makes the instruction
    set of the program's rules; None takes the rules alone.
    """

    passes: int = PASSES
    defines: Mapping[str, Value] = field(default_factory=dict)
    keep_going: bool = False
    language: Language = PLAIN
    instruction_set: Callable[[RuleSet], InstructionSet] | None = None


@dataclass
class Result:
    """An assembled program: its bytes (the last one filled up with zeros), its length in bits,
    what has a place in it, its symbols, its banks, its rules, and how many passes it took."""

    data: bytes
    length: int
    items: Sequence[Item]
    symbols: SymbolTable
    banks: Sequence[Bank]
    rules: RuleSet
    passes: int


def assemble(
    roots: Sequence[tuple[str, str | None]],
    files: Files,
    options: Options | None = None,
) -> Result:
    """Assemble a program from its root files: rows of a path and its text (None: read it).

    Raises AssemblyError with what is wrong.
    """
    options = options or Options()
    log = Log(options.keep_going)
    try:
        with collection_paused():
            return _assemble(roots, files, options, log)
    except RecursionError:
        log.add(Problem(None, "the program is nested too deeply"))
    except StoppedError:
        pass
    raise log.error()


def _assemble(
    roots: Sequence[tuple[str, str | None]],
    files: Files,
    options: Options,
    log: Log,
) -> Result:
    expander = Expander(files, log, options.defines, options.language)
    entries = expander.expand(roots)
    symbols = expander.symbols
    banks = _banks(expander, options.language, log)
    definitions = [(definition, name) for name, definition in expander.rules.items()]
    rules = compile_rules(definitions, log, options.language)
    log.check()
    instructions = rules if options.instruction_set is None else options.instruction_set(rules)
    items = _items(entries, banks, instructions, log)
    log.check()
    passes = Passes(items, list(banks.values()), symbols, files, instructions, log, options.passes)
    count = passes.run()
    log.check()
    ordered = list(banks.values())
    check_overlap(ordered[1:], log)
    output = Output()
    output.build(items, ordered, log)
    for name in options.defines:
        if symbols.by_full_name(name) is None:
            log.add(Problem(None, f"unused define `{name}`"))
    log.check()
    return Result(bytes(output.data), output.length, items, symbols, ordered, rules, count)


def _banks(expander: Expander, language: Language, log: Log) -> dict[str, Bank]:
    """All banks by name, the default bank first."""
    default = Bank(DEFAULT_NAME, label_alignment=language.label_alignment)
    banks = {DEFAULT_NAME: default}
    resolver = ConditionResolver(expander.symbols, NO_FILES)
    for number, (name, definition) in enumerate(expander.banks.items(), start=1):
        context = Context(resolver, definition.origin, None)
        banks[name] = define_bank(definition, context, log)
        banks[name].number = number
        if language.label_alignment is not None:
            banks[name].label_alignment = banks[name].label_alignment or language.label_alignment
    for bank in banks.values():
        bank.aligns_labels_only = language.label_alignment is not None
    log.check()
    return banks


def _items(
    entries: Sequence[Entry],
    banks: Mapping[str, Bank],
    instructions: InstructionSet,
    log: Log,
) -> list[Item]:
    """What has a place in the program, every instruction matched; those that match nothing are
    all told."""
    items: list[Item] = []
    bank = banks[DEFAULT_NAME]
    for entry in entries:
        statement, latest = entry.statement, entry.latest
        kind = type(statement)
        if kind is Instruction:
            assert isinstance(statement, Instruction)
            span = statement.span
            origin = Origin(span.source, span.start)
            try:
                candidates = instructions.match(statement.text)
            except MatchError as error:
                log.add(Problem(span, "no match found for instruction", hint=str(error)))
                continue
            if candidates:
                items.append(InstructionItem(span, origin, latest, bank, candidates))
            else:
                hint = instructions.explain(statement.text)
                log.add(Problem(span, "no match found for instruction", hint=hint))
        elif isinstance(statement, Label):
            if entry.symbol is not None:
                span = statement.span
                items.append(
                    LabelItem(span, Origin(span.source), bank, entry.symbol, statement.level)
                )
        elif isinstance(statement, Constant):
            if entry.symbol is not None:
                items.append(
                    ConstantItem(
                        statement.span,
                        statement.origin,
                        bank,
                        entry.symbol,
                        statement.level,
                        statement.value,
                    )
                )
        elif isinstance(statement, Data):
            origin = statement.origin
            for node in statement.values:
                span = origin.span(node.start, node.end)
                items.append(DataItem(span, origin, latest, bank, node, statement.size))
        elif isinstance(statement, Amount):
            origin, node = statement.origin, statement.value
            span = origin.span(node.start, node.end)
            if statement.kind == "assert":
                items.append(AssertionItem(span, origin, latest, bank, node))
            else:
                items.append(AmountItem(span, origin, latest, bank, statement.kind, node))
        elif isinstance(statement, FunctionDefinition):
            if entry.symbol is not None:
                entry.symbol.value = statement
                entry.symbol.is_static = False
        elif isinstance(statement, (BankUse, BankDefinition)):
            bank = banks[statement.name]
    return items
