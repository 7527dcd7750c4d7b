"""The native function that runs a group of lanes through a program."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...isa.flow import registers_written
from ...isa.table import Implicit, Reg
from ..analysis.instructions import GuestInstruction
from ..analysis.region import SYMBOL
from .apart import ApartCode, ApartTarget
from .graph import CodeGraph, flags_set_after
from .interleave import interleaving_functions
from .memory import load_any_function
from .memory_map import MemoryMap
from .shape import Shape
from .target import Known, State
from .text import CODE, KIND, LEFT, NOWHERE, WAITING, Text, Vector, X, Y
from .together import TogetherCode, states_of

STATE_AT, RAM_AT, ROM_AT, ROWS_AT, MARKS_AT = range(5)
"""Fields of the context that the function gets, addresses: the slots of all lanes (uint32[SLOTS]
[width]), their interleaved RAM (uint32[words + 1][width], both on a boundary of 64 bytes), the ROM,
the address of each lane's row of RAM, and the marks of the chunks of RAM (`memory`)."""


@dataclass(frozen=True, slots=True)
class VectorFunction:
    """IR, and what the caller has to know of it."""

    text: str
    reads: tuple[int, ...]
    """Registers whose slots must be filled, and"""
    writes: tuple[int, ...]
    """those that may have changed."""
    uses_flags: bool
    loads: bool
    stores: bool
    margin: int
    """Lanes that leave have at least so many instructions left; not before they have executed
    these are their flags, and the address of the last instruction, what they should be."""
    alike: tuple[int, ...]
    """Registers that should have one value in all lanes where they begin."""


def generate(
    graph: CodeGraph, memory: MemoryMap, shape: Shape, alike: Collection[int] = ()
) -> VectorFunction:
    """The function for a program: i64 region(ptr context).

    `alike` are registers that have one value in all lanes where they begin, as far as the caller
    knows. Where that is not so lanes are treated as if they had parted.
    """
    changed = {int(register) for one in graph.instructions.values() for register in _writes(one)}
    # Others would be copied to and fro for nothing.
    alike = {int(register) for one in graph.instructions.values() for register in _uses(one)} & set(
        alike
    )
    shared: State = {code: Known.UNIFORM for code in alike if code not in changed}
    begin: State = {code: Known.UNIFORM for code in alike if code in changed}
    margin = max(1, *(flags_set_after(graph, pc) for pc in graph.steps))
    draft = TogetherCode(Text(shape), graph, memory, margin, [], {}, shared, begin, is_draft=True)
    states_of(graph, draft)
    text = Text(shape)
    cold: list[str] = []
    together = TogetherCode(text, graph, memory, margin, cold, draft.states, shared, begin)
    expected = set(shared)
    for pc in graph.starts:
        expected |= {code for code in begin if draft.states[pc].get(code) is Known.UNIFORM}
    for pc in sorted(draft.states):
        together.block(pc)
    apart = ApartCode(text, graph, memory, margin, draft.states, _hints(draft.states))
    for pc in sorted(graph.steps):
        apart.step(pc)
    apart.scheduler()
    body = text.lines + cold
    flags = bool(text.used & {KIND, X, Y})
    slots = sorted((text.used | ({KIND, X, Y} if flags else set())) | {LEFT, CODE})
    written = sorted(text.written | ({KIND, X, Y} if flags else set()))
    text.lines = []
    _entry(text, slots)
    head, text.lines = text.lines, []
    text.emit("finish:")
    if flags:
        _settle_flags(text, memory)
    _finish(text, written)
    lines = [
        *sorted(text.declarations | {"declare i32 @llvm.fshl.i32(i32, i32, i32)"}),
        interleaving_functions(shape, memory),
        load_any_function(shape.width, memory),
        f'define i64 @{SYMBOL}(ptr %context) "no-builtins" nounwind {{',
        *head,
        *body,
        *text.lines,
        "}",
        '!0 = !{!"branch_weights", i32 2000, i32 1}',
        '!1 = !{!"branch_weights", i32 1, i32 2000}',
    ]
    return VectorFunction(
        "\n".join(line for line in lines if line),
        tuple(slot for slot in slots if slot < KIND),
        tuple(slot for slot in written if slot < KIND),
        flags,
        text.loads,
        text.stores,
        margin,
        tuple(sorted(code for code in expected if code in text.used)),
    )


def _hints(states: dict[int, State]) -> dict[int, int]:
    """Registers that hold one constant wherever they are known to hold any."""
    found: dict[int, set[int]] = {}
    for state in states.values():
        for slot, known in state.items():
            if isinstance(known, int) and slot < KIND:
                found.setdefault(slot, set()).add(known)
    return {slot: words.pop() for slot, words in found.items() if len(words) == 1}


def _writes(one: GuestInstruction) -> list[Reg]:
    return [] if one.decoded is None else registers_written(one.decoded)


def _uses(one: GuestInstruction) -> list[Reg]:
    """Registers that the instruction reads or writes, in supervisor mode."""
    named = [operand for operand in one.operands if isinstance(operand, Reg)]
    row = one.row
    if row is not None and Implicit.STACK_POINTER in row.implicit:
        named.append(Reg.SSP)
    return [register for register in named if register not in (Reg.PC, Reg.AF)]


def _entry(text: Text, slots: list[int]) -> None:
    shape = text.shape
    text.emit("entry:")
    for name, field in (
        ("state", STATE_AT),
        ("ram", RAM_AT),
        ("rom", ROM_AT),
        ("rows", ROWS_AT),
        ("marks", MARKS_AT),
    ):
        pointer = text.value(f"getelementptr ptr, ptr %context, i64 {field}")
        text.emit(f"  %{name} = load ptr, ptr {pointer}, align 8")
    kind, align = text.mask_kind
    for p in range(shape.pieces):
        text.emit(f"  %m_{p} = alloca {kind}, align {align}")
    for variable in (f"v{slot}" for slot in slots if slot != CODE):
        for p in range(shape.pieces):
            text.emit(f"  %{variable}_{p} = alloca {text.words}, align {text.align}")
    # What changes only where lanes part stays in memory: there are not enough registers.
    for variable, slot in (
        ("code", CODE),
        ("end", int(Reg.PC)),
        ("pcs", WAITING),
        ("af", int(Reg.AF)),
    ):
        for p in range(shape.pieces):
            at = slot * shape.width + p * shape.piece
            text.emit(f"  %{variable}_{p} = getelementptr i32, ptr %state, i64 {at}")
    for variable in ("given", "taken"):
        text.emit(f"  %{variable}_0 = alloca [{shape.width} x i32], align 64")
        for p in range(1, shape.pieces):
            offset = p * shape.piece
            text.emit(f"  %{variable}_{p} = getelementptr i32, ptr %{variable}_0, i64 {offset}")
    for variable in ("mb", "next", "cur", "slack", "marker", "waste"):
        text.emit(f"  %{variable} = alloca i32", f"  store i32 0, ptr %{variable}")
    for slot in slots:
        if slot < LEFT:
            text.emit(f"  %u{slot} = alloca i32")
    for slot in slots:
        if slot != CODE:
            text.store(f"v{slot}", _slot(text, slot))
    codes, pcs = text.load("code"), text.load("end")
    text.set_going(text.all_or_none(False))
    alive = text.each("icmp eq {w} {0}, zeroinitializer", codes)
    text.store("pcs", text.choose(alive, pcs, text.splat(NOWHERE)))
    text.emit("  br label %refold")


def _slot(text: Text, slot: int) -> Vector:
    shape = text.shape
    found = []
    for p in range(shape.pieces):
        at = slot * shape.width + p * shape.piece
        pointer = text.value(f"getelementptr i32, ptr %state, i64 {at}")
        found.append(text.value(f"load {text.words}, ptr {pointer}, align {text.align}"))
    return Vector(found)


def _settle_flags(text: Text, memory: MemoryMap) -> None:
    """`af`, and what the flags are kept as: X becomes the last result, Y has carry and overflow."""
    on = ApartTarget(text, memory)
    af, result, carry, overflow = on.settled_flags()
    text.store("af", on.vector(af))
    text.store(f"v{X}", on.vector(result))
    bits = on.op("or", carry, on.op("shl", overflow, 1))
    text.store(f"v{Y}", on.vector(bits))


def _finish(text: Text, written: list[int]) -> None:
    shape = text.shape
    for slot in (*written, LEFT):
        for p, piece in enumerate(text.load(f"v{slot}")):
            at = slot * shape.width + p * shape.piece
            pointer = text.value(f"getelementptr i32, ptr %state, i64 {at}")
            text.emit(f"  store {text.words} {piece}, ptr {pointer}, align {text.align}")
    if text.stores:
        text.emit("  call void @put_back(ptr %rows, ptr %ram, ptr %marks)")
    text.emit("  ret i64 0")
