"""Which stencils there are, and which one stands for an instruction word.

A form is an instruction with its operands in certain places. Common instructions have a stencil
for each combination of places; of rare ones, operands must be in the context, and the patcher
moves pinned ones there and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from ...core import native_abi as abi
from ...isa.semantics import SEMANTICS
from ...isa.table import (
    BY_OPCODE,
    CONDITION_TRUTH,
    Condition,
    Control,
    Flag,
    Instruction,
    Kind,
    Op,
    Reg,
)
from .. import native_ir
from .operands import ABSENT, LITERAL, MEMORY, PC, SP_CLASS, Place
from .target import Hole, StencilTarget, Value

PINNED: Final = tuple(range(1, abi.PINS + 1))
PLAIN: Final = (MEMORY, *PINNED)
ALL: Final = (*PLAIN, SP_CLASS)
HOME: Final = (MEMORY,)

REGISTER_PLACES: Final[dict[Op, tuple[tuple[int, ...], ...]]] = {
    Op.CPY: ((*ALL, PC), ALL),
    Op.EX: (HOME, HOME),
    Op.ADD: (ALL, ALL),
    Op.SUB: (ALL, ALL),
    Op.MUL: (PLAIN, PLAIN),
    Op.DIV: (HOME, HOME),
    Op.MOD: (HOME, HOME),
    Op.AND: (PLAIN, PLAIN),
    Op.BOR: (PLAIN, PLAIN),
    Op.XOR: (PLAIN, PLAIN),
    Op.SHL: (PLAIN, HOME),
    Op.SHR: (PLAIN, HOME),
    Op.CMP: (PLAIN, PLAIN),
    Op.JPR: (ALL,),
    Op.IF: ((),),
    Op.IFN: ((),),
    Op.IF2: ((), (), ()),
    Op.LSA: ((*PLAIN, PC), ALL, PLAIN),
    Op.LEA: (HOME, PLAIN, HOME),
    Op.WSA: (ALL, PLAIN, PLAIN),
    Op.WEA: (HOME, PLAIN, HOME),
    Op.PUSH: (ALL,),
    Op.POP: ((*PLAIN, PC),),
    Op.CALL: (ALL,),
}
"""Where registers may be, for each operand. Instructions that are not here are the
interpreter's; so are literals where `LITERAL_RANGES` excludes them, and registers that choose
what an instruction does."""

LITERAL_RANGES: Final[dict[tuple[Op, int], tuple[int, int]]] = {
    (Op.SHL, 1): (0, 31),
    (Op.SHR, 1): (0, 31),
    (Op.DIV, 1): (1, 0xFF),
    (Op.MOD, 1): (1, 0xFF),
}

DIVISION_MODES: Final = (0x00, 0x10)
"""Those that compilers use."""


@dataclass(frozen=True, slots=True)
class ConditionForm:
    """A condition of two flags."""

    first: int
    second: int
    truth: int


def _conditions() -> tuple[list[ConditionForm], dict[tuple[Op, int, int, int], int]]:
    forms: list[ConditionForm] = []
    numbers: dict[tuple[Op, int, int, int], int] = {}

    def add(key: tuple[Op, int, int, int], form: ConditionForm) -> None:
        if form not in forms:
            forms.append(form)
        numbers[key] = forms.index(form)

    for flag in Flag:
        for op, condition in ((Op.IF, Condition.AND), (Op.IFN, Condition.NOR)):
            add((op, flag, 0, 0), ConditionForm(flag, flag, CONDITION_TRUTH[condition]))
    pairs = (Flag.ZF, Flag.CF, Flag.OF, Flag.SF)
    swapped = {Condition.LEFT: Condition.RIGHT, Condition.RIGHT: Condition.LEFT}
    for first, second, condition in product(pairs, pairs, Condition):
        low, high = min(first, second), max(first, second)
        turned = condition if first == low else swapped.get(condition, condition)
        if low != high:
            add(
                (Op.IF2, first, second, condition),
                ConditionForm(low, high, CONDITION_TRUTH[turned]),
            )
    return forms, numbers


CONDITIONS, CONDITION_NUMBERS = _conditions()
"""The conditions that have stencils; and their numbers, by instruction and literals."""


@dataclass(frozen=True, slots=True)
class Form:
    """One stencil: an instruction, where its operands are, and what of it is wanted."""

    op: Op
    places: tuple[int, ...]
    flags: bool = True
    """Whether the flags are to be set."""
    choice: int = 0
    """The number of a condition or of a division mode."""
    direct: bool = False
    """Of a condition: what follows is a jump, which is part of it."""
    paid: bool = True
    """Of a condition: what may be skipped is part of the block, and was paid for."""

    @property
    def name(self) -> str:
        parts = [self.op.name.lower(), *map(str, self.places), f"c{self.choice}"]
        parts.append("f" if self.flags else "n")
        return "_".join([*parts, "d" if self.direct else "s" if self.paid else "u"])

    def text(self) -> str:
        """The IR of its function."""
        row = BY_OPCODE[self.op]
        if row.control is Control.SKIP:
            target = StencilTarget(self.name, {}, flags_needed=False)
            condition = CONDITIONS[self.choice]
            target.skip_unless(target.condition(condition.first, condition.second, condition.truth))
            return target.finish(direct=self.direct, paid=self.paid)
        places: dict[int, Place] = {int(Reg.AVR): Place(MEMORY, "home3")}
        operands: list[Value | None] = []
        for number, place in enumerate(self.places):
            operand = row.operands[number]
            if place != LITERAL:
                places[number] = Place(place, f"home{number}")
                operands.append(None)
            elif operand.constants == "division":
                operands.append(DIVISION_MODES[self.choice])
            else:
                low, high = literal_range(self.op, number)
                operands.append(Hole(f"literal{number}", low, high))
        target = StencilTarget(self.name, places, flags_needed=self.flags)
        sources = [
            target.read(number) if operand is None else operand
            for number, operand in enumerate(operands)
            if row.operands[number].role.reads
        ]
        result = SEMANTICS[self.op](target, *sources)
        if result is not None:
            values = result if isinstance(result, tuple) else (result,)
            written = [k for k, operand in enumerate(row.operands) if operand.role.writes]
            for number, value in zip(written, values, strict=True):
                target.write(number, value)
        return target.finish()


def literal_range(op: Op, number: int) -> tuple[int, int]:
    """The literals of an operand for which there are stencils."""
    operand = BY_OPCODE[op].operands[number]
    if operand.signed:
        return 0, -1
    return LITERAL_RANGES.get((op, number), operand.encodable)


def _choices(row: Instruction) -> range:
    if row.control is Control.SKIP:
        return range(len(CONDITIONS))
    divides = any(operand.constants == "division" for operand in row.operands)
    return range(len(DIVISION_MODES) if divides else 1)


def place_sets(op: Op, literals: tuple[bool, ...]) -> list[tuple[int, ...]] | None:
    """For each operand the places that there are stencils for; None if there are none at all.

    `literals` says which operands are literals.
    """
    row = BY_OPCODE.get(op)
    if row is None or op not in REGISTER_PLACES:
        return None
    sets: list[tuple[int, ...]] = []
    for number, operand in enumerate(row.operands):
        if literals[number]:
            if operand.kind is Kind.REG or literal_range(op, number)[1] < 0:
                return None
            sets.append((LITERAL,))
        elif operand.selects:
            return None
        else:
            sets.append(REGISTER_PLACES[op][number])
    if op is Op.CPY and literals[1]:
        # To a literal address: the patcher's own jump.
        sets[0] = tuple(place for place in sets[0] if place != PC)
    added = {Op.LSA: (1, 2), Op.WSA: (0, 1)}.get(op)
    if added is not None and not any(literals[number] for number in added):
        # Two registers make the address: the second one in the context will do.
        sets[added[1]] = HOME
    return sets


def forms_of(op: Op, literals: tuple[bool, ...]) -> Iterator[Form]:
    """The forms of an instruction whose operands are literals or registers, in the order of
    `stencil_number`: by places, then choice, then flags or directness."""
    sets = place_sets(op, literals)
    if sets is None:
        return
    row = BY_OPCODE[op]
    for places in product(*sets):
        for choice in _choices(row):
            if row.control is Control.SKIP:
                # The three instructions share them.
                yield Form(Op.IF, (), choice=choice)
                yield Form(Op.IF, (), choice=choice, direct=True)
                yield Form(Op.IF, (), choice=choice, paid=False)
            elif row.writes_flags:
                yield Form(op, places, True, choice)
                yield Form(op, places, False, choice)
            else:
                yield Form(op, places, choice=choice)


@dataclass(frozen=True, slots=True)
class Helper:
    """A stencil that stands for no instruction."""

    name: str
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "\n".join([native_ir.define(self.name, "nounwind optsize #0"), *self.lines, "}"])


def _head() -> Helper:
    counted = [
        "  %left = sub i64 %budget, ptrtoint (ptr @count to i64)",
        "  %short = icmp slt i64 %left, 0",
        "  br i1 %short, label %out, label %enough, !prof !1",
        "enough:",
        "  %at = getelementptr i8, ptr %context, i64 ptrtoint (ptr @counter to i64)",
        "  %times = load i64, ptr %at",
        "  %more = add i64 %times, 1",
        "  store i64 %more, ptr %at",
        *native_ir.tail("@next", {"budget": "%left"}),
        "out:",
        *native_ir.tail("@exit", {"budget": "%left"}),
    ]
    return Helper("head", counted)


def _move(pin: int, *, store: bool) -> Helper:
    argument = "sp" if pin == SP_CLASS else f"pin{pin - 1}"
    at = "  %at = getelementptr i8, ptr %context, i64 ptrtoint (ptr @home0 to i64)"
    if store:
        lines = [at, f"  %w = trunc i64 %{argument} to i32", "  store i32 %w, ptr %at"]
        return Helper(f"store{pin}", [*lines, *native_ir.tail("@next", {})])
    lines = [at, "  %w = load i32, ptr %at", "  %v = zext i32 %w to i64"]
    return Helper(f"load{pin}", [*lines, *native_ir.tail("@next", {argument: "%v"})])


def _stub() -> Helper:
    at = f"  %at = getelementptr i8, ptr %context, i64 {8 * abi.EXIT_SITE}"
    store = "  store i32 trunc (i64 ptrtoint (ptr @site to i64) to i32), ptr %at"
    return Helper("stub", [at, store, *native_ir.tail("@common_exit", {"scratch0": "%scratch0"})])


def _far() -> Helper:
    names = native_ir.Names()
    pc = "trunc (i64 ptrtoint (ptr @literal0 to i64) to i32)"
    lines, code = native_ir.through_table(names, pc, "out")
    return Helper("far", [*lines, *native_ir.tail(code, {}), "out:", *native_ir.tail("@exit", {})])


def _common_exit() -> Helper:
    lines = []
    fields = ((abi.LEFT, "budget"), (abi.RESULT, "result"), (abi.MIX, "mix"))
    for word, name in (*fields, (abi.EXIT_ADDRESS, "scratch0")):
        lines += [
            f"  %at_{name} = getelementptr i8, ptr %context, i64 {8 * word}",
            f"  store i64 %{name}, ptr %at_{name}",
        ]
    for number, name in enumerate(("pin0", "pin1", "pin2", "pin3", "sp")):
        lines += [
            f"  %h_{name} = getelementptr i8, ptr %context, i64 {8 * (abi.PIN_HOMES + number)}",
            f"  %o_{name} = load i64, ptr %h_{name}",
            f"  %p_{name} = getelementptr i8, ptr %context, i64 %o_{name}",
            f"  %w_{name} = trunc i64 %{name} to i32",
            f"  store i32 %w_{name}, ptr %p_{name}",
        ]
    return Helper("leave_native", [*lines, "  ret void"])


def _enter_region() -> Helper:
    """Go on in a region, if its row has been validated as things are."""
    names = native_ir.Names()
    lines, rows = native_ir.field(names, abi.ROWS, "ptr")
    row = "%row"
    lines.append(f"  {row} = getelementptr i8, ptr {rows}, i64 ptrtoint (ptr @literal0 to i64)")

    def of_row(word: int, kind: str = "i64") -> str:
        at, value = names.value(), names.value()
        lines.append(f"  {at} = getelementptr i8, ptr {row}, i64 {8 * word}")
        lines.append(f"  {value} = load {kind}, ptr {at}")
        return value

    for word, present in (
        (abi.ROW_KEY, abi.SLOT_KEY),
        (abi.ROW_CLEAN, abi.SLOT_CLEAN),
        (abi.ROW_DELTA, abi.FETCH_DELTA),
    ):
        more, now = native_ir.field(names, present)
        lines += more
        same, go_on = names.value(), names.label()
        lines += [
            f"  {same} = icmp eq i64 {of_row(word)}, {now}",
            f"  br i1 {same}, label %{go_on}, label %out, !prof !0",
            f"{go_on}:",
        ]
    function = of_row(abi.ROW_FUNCTION, "ptr")
    lines += [
        "  %row_word = ptrtoint ptr %row to i64",
        *native_ir.tail(
            function, {"scratch0": "ptrtoint (ptr @literal1 to i64)", "scratch1": "%row_word"}
        ),
        "out:",
        *native_ir.tail("@exit", {}),
    ]
    return Helper("enter_region", lines)


HELPERS: Final[tuple[Helper, ...]] = (
    _head(),
    Helper("goto", native_ir.tail("@jump", {})),
    _stub(),
    _far(),
    *(_move(pin, store=True) for pin in (*PINNED, SP_CLASS)),
    *(_move(pin, store=False) for pin in (*PINNED, SP_CLASS)),
    _common_exit(),
    _enter_region(),
)
HELPER_NUMBERS: Final = {helper.name: number for number, helper in enumerate(HELPERS)}

assert ABSENT > LITERAL
