"""Code for lanes that have parted: some of the group are here, a mask says which.

The others wait at higher addresses (`pcs`; `next` is the lowest of these), or have left. A step
changes what the lanes of the mask hold, and goes on with them as long as they are at the lowest
address; then those that wait there go on with them, or instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .graph import CodeGraph, flags_set_after, halts
from .memory_map import MemoryMap
from .target import Known, LaneTarget, State, Value
from .text import DEFERRED, HALTED, LEFT, LEFT_CODE, NOWHERE, Text, Vector
from .together import FLAGS, correct_left, count, fold_left, jump_apart, part
from .walk import Branch, Dynamic, Jump, Leave, walk

MOST_WASTE = 2048
"""Instructions that few lanes execute, with no others coming, before they are better off in another
group. Less would tear apart lanes that meet again soon, more would leave others' places empty."""


class ApartTarget(LaneTarget):
    """Instructions executed for the lanes of the mask."""

    def __init__(self, text: Text, memory_map: MemoryMap) -> None:
        super().__init__(text, memory_map, {})

    def going(self) -> Vector | None:
        return self.text.going()

    def refuse(self, bad: Value) -> None:
        if bad == "false":
            return
        text = self.text
        # Only the first instruction of a step refuses, so the slots are as before it.
        away, on = text.label(), text.label()
        going = self.going()
        assert going is not None
        lost = text.each("and {b} {0}, {1}", self.vector_bits(bad), going)
        lanes = text.lane_bits(lost)
        some = text.value(f"icmp ne i32 {lanes}, 0")
        text.emit(f"  br i1 {some}, label %{away}, label %{on}, !prof !1", f"{away}:")
        fold_left(text)
        leave(text, lost, LEFT_CODE, str(_signed(self.pc)))
        text.set_going(text.each("xor {b} {0}, {1}", going, lost))
        number = text.value(f"xor i32 {text.value('load i32, ptr %mb')}, {lanes}")
        text.emit(f"  store i32 {number}, ptr %mb")
        empty = text.value(f"icmp eq i32 {number}, 0")
        text.emit(f"  br i1 {empty}, label %sched, label %{on}", f"{on}:")

    def correct_budget(self, lanes: Value, instructions: int) -> None:
        correct_left(self, lanes, instructions)

    def finish(self, flags: bool) -> None:
        """Everything to the slots of the lanes of the mask."""
        self._put_back([n for n in sorted(self.dirty) if flags or n not in FLAGS])

    def finish_flags(self) -> None:
        """What `finish` has left out: on the ways where somebody may want to know."""
        self._put_back([n for n in FLAGS if n in self.dirty])

    def _put_back(self, numbers: list[int]) -> None:
        if not numbers:
            return
        going = self.going()
        assert going is not None
        for number in numbers:
            new = self.vector(self.values[number])
            self.text.store(
                f"v{number}", self.text.choose(going, new, self.text.load(f"v{number}"))
            )


def leave(text: Text, lanes: Vector, code: int, pc: str) -> None:
    """Lanes, by truth values, leave the vector code at an address."""
    text.store("code", text.choose(lanes, text.splat(code), text.load("code")))
    text.store("end", text.choose(lanes, text.splat(pc), text.load("end")))


@dataclass(slots=True)
class ApartCode:
    """Generates the steps for lanes that have parted, and what takes lanes from step to step."""

    text: Text
    graph: CodeGraph
    memory: MemoryMap
    margin: int
    together: dict[int, State]
    """What is known where blocks for lanes that go together begin."""
    hints: dict[int, int] = field(default_factory=dict)
    """What registers probably hold, because they do in those blocks."""

    def step(self, pc: int) -> None:
        """Generate a step with the ways in to it."""
        text, graph = self.text, self.graph
        self._ways_in(pc)
        text.emit(f"m{pc}:")
        if pc in graph.heads:
            self._test_budget(pc, f"b{pc}", waste=True)
            text.emit(f"b{pc}:")
        on = ApartTarget(text, self.memory)
        on.hints = self.hints
        end = walk(on, graph, pc, apart=True)
        match end:
            case Leave(at):
                assert at == pc
                one = graph.instructions[pc]
                text.emit(f"  store i32 {_signed(pc)}, ptr %cur")
                text.emit(f"  br label %{'halt' if halts(one) else 'gone'}")
            case Jump(target):
                on.finish(not flags_set_after(graph, target))
                text.emit(*count(text, on.executed))
                jump_apart(text, graph, target)
            case Dynamic(target):
                on.finish(True)
                text.emit(*count(text, on.executed))
                fold_left(text)
                going = on.going()
                assert going is not None
                text.store("pcs", text.choose(going, on.vector(target), text.load("pcs")))
                text.emit("  br label %sched")
            case Branch():
                self._branch(on, end)

    def _branch(self, on: ApartTarget, end: Branch) -> None:
        text, graph = self.text, self.graph
        on.finish(False)
        text.emit(*count(text, on.executed))
        wanted = [not flags_set_after(graph, way[0]) for way in (end.executed, end.skipped)]
        first, second = text.label(), text.label()
        if isinstance(end.condition, Vector):
            lanes = text.lane_bits(end.condition)
            all_ = text.value("load i32, ptr %mb")
            here = text.value(f"and i32 {lanes}, {all_}")
            others, mixed = text.label(), text.label()
            every = text.value(f"icmp eq i32 {here}, {all_}")
            text.emit(f"  br i1 {every}, label %{first}, label %{others}", f"{others}:")
            none = text.value(f"icmp eq i32 {here}, 0")
            text.emit(f"  br i1 {none}, label %{second}, label %{mixed}", f"{mixed}:")
            if any(wanted):
                on.finish_flags()
            part(on, end, lanes, graph)
        else:
            text.emit(f"  br i1 {end.condition}, label %{first}, label %{second}")
        ways = (end.executed, end.skipped)
        for label, (target, cycles), flags in zip((first, second), ways, wanted, strict=True):
            text.emit(f"{label}:")
            if flags:
                on.finish_flags()
            if cycles:
                text.emit(*count(text, cycles))
            jump_apart(text, graph, target)

    def _test_budget(self, pc: int, go_on: str, waste: bool) -> None:
        """To `park` if the budget of somebody is short; to `defer` if few lanes go on for long."""
        text = self.text
        need = self.graph.need[pc] + self.margin
        enough = text.label()
        slack = text.value("load i32, ptr %slack")
        short = text.value(f"icmp slt i32 {slack}, {need}")
        text.emit(f"  store i32 {_signed(pc)}, ptr %cur")
        text.emit(f"  br i1 {short}, label %park, label %{enough}, !prof !1", f"{enough}:")
        if not waste:
            text.emit(f"  br label %{go_on}")
            return
        text.declarations.add("declare i32 @llvm.ctpop.i32(i32)")
        lanes = text.value(f"call i32 @llvm.ctpop.i32(i32 {text.value('load i32, ptr %mb')})")
        few = text.value(f"icmp ule i32 {lanes}, {text.shape.width // 2}")
        more = text.value(f"select i1 {few}, i32 {self.graph.need[pc]}, i32 0")
        wasted = text.value(f"add i32 {text.value('load i32, ptr %waste')}, {more}")
        text.emit(f"  store i32 {wasted}, ptr %waste")
        late = text.value(f"icmp ugt i32 {wasted}, {MOST_WASTE}")
        both = text.value(f"and i1 {late}, {few}")
        text.emit(f"  br i1 {both}, label %defer, label %{go_on}, !prof !1")

    def _ways_in(self, pc: int) -> None:
        """`e`: lanes come that are not at the lowest address, or not alone there. `a`: lanes have
        been chosen to go on here."""
        text = self.text
        meet, wait = text.label(), text.label()
        text.emit(f"e{pc}:")
        text.emit(f"  store i32 {_signed(pc)}, ptr %cur")
        following = text.value("load i32, ptr %next")
        here = text.value(f"icmp eq i32 {following}, {_signed(pc)}")
        text.emit(f"  br i1 {here}, label %{meet}, label %{wait}", f"{wait}:")
        text.emit("  br label %park", f"{meet}:")
        fold_left(text)
        pcs = text.load("pcs")
        met = text.each("icmp eq {w} {0}, {1}", pcs, text.splat(pc))
        text.set_going(text.each("or {b} {0}, {1}", text.going(), met))
        number = text.value(f"or i32 {text.value('load i32, ptr %mb')}, {text.lane_bits(met)}")
        text.emit(f"  store i32 {number}, ptr %mb")
        text.emit("  store i32 0, ptr %waste")
        waiting = text.choose(met, text.splat(NOWHERE), pcs)
        text.store("pcs", waiting)
        text.emit(f"  store i32 {text.smallest(waiting, signed=False)}, ptr %next")
        text.emit(f"  br label %a{pc}", f"a{pc}:")
        if pc not in self.graph.heads:
            self._test_budget(pc, f"t{pc}", waste=False)
            text.emit(f"t{pc}:")
        self._come_together(pc)

    def _come_together(self, pc: int) -> None:
        """To the block for lanes that go together, if all are here and it fits them."""
        text = self.text
        state = self.together.get(pc)
        if state is None:
            text.emit(f"  br label %m{pc}")
            return
        number = text.value("load i32, ptr %mb")
        every = text.value(f"icmp eq i32 {number}, {_signed(text.shape.everybody)}")
        look, fits = text.label(), text.label()
        text.emit(f"  br i1 {every}, label %{look}, label %m{pc}", f"{look}:")
        differs: Vector | None = None
        shared: list[tuple[int, str]] = []
        for slot, known in sorted(state.items()):
            if known is Known.VARYING:
                continue
            vector = text.load(f"v{slot}")
            if isinstance(known, int):
                word: int | str = known
            else:
                word = text.value(f"extractelement {text.words} {vector[0]}, i64 0")
                shared.append((slot, word))
            other = text.each("xor {w} {0}, {1}", vector, text.splat(word))
            differs = other if differs is None else text.each("or {w} {0}, {1}", differs, other)
        if differs is not None:
            bits = text.each("icmp ne {w} {0}, zeroinitializer", differs)
            text.emit(f"  br i1 {text.any_lane(bits)}, label %m{pc}, label %{fits}", f"{fits}:")
        for slot, word in shared:
            text.emit(f"  store i32 {word}, ptr %u{slot}")
        text.emit(f"  br label %c{pc}")

    # --- between the steps ---------------------------------------------------------------------

    def scheduler(self) -> None:
        """Who goes on, who waits, who leaves."""
        text = self.text
        self._everybody_leaves("halt", HALTED, 1)
        self._everybody_leaves("gone", LEFT_CODE, 0)
        self._everybody_leaves("defer", DEFERRED, 0)
        # All lanes of the mask wait at `cur`.
        text.emit("park:")
        fold_left(text)
        here = text.splat(text.value("load i32, ptr %cur"))
        text.store("pcs", text.merge(text.going(), here, text.load("pcs")))
        text.emit("  br label %fold")
        self._fold()
        self._choose()

    def _everybody_leaves(self, label: str, code: int, executed: int) -> None:
        text = self.text
        text.emit(f"{label}:")
        if executed:
            text.emit(*count(text, executed))
        fold_left(text)
        going = text.going()
        at = text.value("load i32, ptr %cur")
        if executed:
            at = text.value(f"add i32 {at}, {4 * executed}")
        leave(text, going, code, at)
        text.emit("  br label %sched")

    def _fold(self) -> None:
        """The slack becomes what the shortest budget allows; lanes that have too little leave."""
        text = self.text
        text.emit("fold:")
        slack = text.value("load i32, ptr %slack")
        enough = text.value(f"icmp sge i32 {slack}, {self.graph.longest + self.margin}")
        text.emit(f"  br i1 {enough}, label %sched, label %refold", "refold:")
        codes, left, pcs = text.load("code"), text.load(f"v{LEFT}"), text.load("pcs")
        alive = text.each("icmp eq {w} {0}, zeroinitializer", codes)
        least = text.splat(self.graph.longest + self.margin)
        short = text.each("icmp slt {w} {0}, {1}", left, least)
        short = text.each("and {b} {0}, {1}", alive, short)
        text.store("code", text.choose(short, text.splat(LEFT_CODE), codes))
        text.store("end", text.choose(short, pcs, text.load("end")))
        text.store("pcs", text.choose(short, text.splat(NOWHERE), pcs))
        stays = text.each("xor {b} {0}, {1}", alive, short)
        budgets = text.choose(stays, left, text.splat(0x7FFF_FFFF))
        slack = text.smallest(budgets, signed=True)
        text.emit(f"  store i32 {slack}, ptr %slack", f"  store i32 {slack}, ptr %marker")
        text.emit("  br label %sched")

    def _choose(self) -> None:
        """The lanes at the lowest address go on."""
        text = self.text
        text.emit("sched:", "  store i32 0, ptr %waste")
        pcs = text.load("pcs")
        chosen = text.smallest(pcs, signed=False)
        over, on = text.label(), text.label()
        done = text.value(f"icmp eq i32 {chosen}, -1")
        text.emit(f"  br i1 {done}, label %{over}, label %{on}", f"{on}:")
        here = text.each("icmp eq {w} {0}, {1}", pcs, text.splat(chosen))
        text.set_going(here)
        text.emit(f"  store i32 {text.lane_bits(here)}, ptr %mb")
        waiting = text.choose(here, text.splat(NOWHERE), pcs)
        text.store("pcs", waiting)
        text.emit(f"  store i32 {text.smallest(waiting, signed=False)}, ptr %next")
        text.emit(f"  store i32 {text.value('load i32, ptr %slack')}, ptr %marker")
        text.emit(f"  store i32 {chosen}, ptr %cur")
        ways = " ".join(f"i32 {_signed(pc)}, label %a{pc}" for pc in sorted(self.graph.steps))
        text.emit(f"  switch i32 {chosen}, label %gone [{ways}]", f"{over}:")
        text.emit("  br label %finish")


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word
