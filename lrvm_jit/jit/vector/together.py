"""Code for lanes that go together: all of the group are here, so nothing has to be masked.

What all lanes share is a scalar. What is known of a slot where a block begins follows from the
blocks before it (`states_of`): no branch has to be looked at, as where lanes part they leave this
code. They come back to it where all have met, if what is known there holds for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .graph import CodeGraph, flags_set_after
from .memory_map import MemoryMap
from .target import Known, LaneTarget, State, Value
from .text import KIND, LEFT, NOWHERE, Text, Vector, X, Y
from .walk import Branch, Dynamic, Jump, Leave, walk

FLAGS = (KIND, X, Y)


class TogetherTarget(LaneTarget):
    """Instructions executed on all lanes of the group."""

    def __init__(self, text: Text, memory_map: MemoryMap, state: State, cold: list[str]) -> None:
        super().__init__(text, memory_map, state)
        self.cold = cold

    def going(self) -> Vector | None:
        return None

    def refuse(self, bad: Value) -> None:
        if bad == "false":
            return
        text = self.text
        away, on = text.label(), text.label()
        if isinstance(bad, Vector):
            bad = text.any_lane(bad)
        text.emit(f"  br i1 {bad}, label %{away}, label %{on}, !prof !1", f"{on}:")
        with text.elsewhere(away, self.cold):
            self.spill()
            enter_apart(text, self.executed)
            text.emit(f"  br label %m{self.pc}")

    def correct_budget(self, lanes: Value, instructions: int) -> None:
        correct_left(self, lanes, instructions)

    def spill(self) -> None:
        """Everything to where code for lanes that have parted finds it."""
        kept = dict(self.values)
        for number in sorted(self.dirty | set(self.state)):
            known = self.state.get(number, Known.VARYING)
            if number in self.dirty or known is not Known.VARYING:
                self.text.store(f"v{number}", self.vector(self.slot(number)))
        self.values = kept

    def pass_on(self, target: State, flags: bool) -> None:
        """Everything to where a block finds it of which so much is known; `flags`: whether it
        needs them."""
        kept = dict(self.values)
        for number in sorted(self.dirty | set(self.state)):
            if number in FLAGS and not flags:
                continue
            wanted = target.get(number, Known.VARYING)
            have = self.state.get(number, Known.VARYING)
            if isinstance(wanted, int) or (number not in self.dirty and wanted is have):
                continue
            value = self.slot(number)
            if wanted is Known.UNIFORM:
                assert not isinstance(value, Vector)
                self.text.emit(f"  store i32 {value}, ptr %u{number}")
            else:
                self.text.store(f"v{number}", self.vector(value))
        self.values = kept

    def left_behind(self) -> State:
        """What is known of the slots now."""
        state = dict(self.state)
        for number in self.dirty:
            value = self.values[number]
            if isinstance(value, Vector):
                state.pop(number, None)
            else:
                state[number] = value if isinstance(value, int) else Known.UNIFORM
        return state


def correct_left(on: LaneTarget, lanes: Value, instructions: int) -> None:
    """Give back budget to lanes that have executed fewer instructions than the others."""
    text = on.text
    back = on.select(lanes, instructions, 0)
    going = on.going()
    vector = on.vector(back)
    if going is not None:
        vector = text.choose(going, vector, text.splat(0))
    text.store(f"v{LEFT}", text.each("add {w} {0}, {1}", text.load(f"v{LEFT}"), vector))


def enter_apart(text: Text, executed: int) -> None:
    """All lanes become a mask: what has to be so in code for lanes that have parted."""
    if executed:
        text.emit(*count(text, executed))
    text.set_going(text.all_or_none(True))
    text.emit(f"  store i32 {text.shape.everybody}, ptr %mb")
    text.store("pcs", text.splat(NOWHERE))
    text.emit(f"  store i32 {-1}, ptr %next")


def count(text: Text, executed: int) -> list[str]:
    """Lines that take instructions off the slack."""
    before, after = text.name(), text.name()
    return [
        f"  {before} = load i32, ptr %slack",
        f"  {after} = sub i32 {before}, {executed}",
        f"  store i32 {after}, ptr %slack",
    ]


@dataclass(slots=True)
class TogetherCode:
    """Generates the blocks for lanes that go together."""

    text: Text
    graph: CodeGraph
    memory: MemoryMap
    margin: int
    cold: list[str]
    states: dict[int, State]
    shared: State = field(default_factory=dict)
    """Registers that no code here writes, and that all lanes have been given with one value: known
    wherever lanes arrive."""
    begin: State = field(default_factory=dict)
    """Registers that all lanes have with one value where they begin."""
    is_draft: bool = False
    """Whether only what blocks hand on is of interest."""

    def block(self, pc: int) -> list[tuple[int, State]]:
        """Generate one; what it hands to which others."""
        text, graph = self.text, self.graph
        state = self.states[pc]
        on = TogetherTarget(text, self.memory, state, self.cold)
        text.emit(f"c{pc}:")
        if pc in graph.heads:
            self._test_budget(on, pc)
        end = walk(on, graph, pc, apart=False)
        handed: list[tuple[int, State]] = []

        def go(target: int, cycles: int = 0) -> None:
            if target not in self.graph.blocks:
                on.spill()
                enter_apart(text, cycles)
                text.emit(f"  store i32 {target}, ptr %cur", "  br label %gone")
                return
            after = on.left_behind()
            needed = not flags_set_after(graph, target)
            if not needed:
                after = {number: known for number, known in after.items() if number not in FLAGS}
            handed.append((target, after))
            if not self.is_draft:
                on.pass_on(self.states[target], needed)
            if cycles:
                text.emit(*count(text, cycles))
            text.emit(f"  br label %c{target}")

        match end:
            case Leave(at):
                on.spill()
                enter_apart(text, on.executed)
                text.emit(f"  br label %m{at}")
            case Jump(target):
                go(target, on.executed)
            case Dynamic(target):
                self._jump_anywhere(on, target, handed)
            case Branch():
                self._branch(on, end, go)
        return handed

    def _test_budget(self, on: TogetherTarget, pc: int) -> None:
        text = self.text
        slack = text.value("load i32, ptr %slack")
        short = text.value(f"icmp slt i32 {slack}, {self.graph.need[pc] + self.margin}")
        away, going = text.label(), text.label()
        text.emit(f"  br i1 {short}, label %{away}, label %{going}, !prof !1", f"{going}:")
        with text.elsewhere(away, self.cold):
            on.spill()
            enter_apart(text, 0)
            text.emit(f"  store i32 {pc}, ptr %cur", "  br label %park")

    def _jump_anywhere(
        self, on: TogetherTarget, target: Value, handed: list[tuple[int, State]]
    ) -> None:
        """To a computed address: with luck the same for all lanes, and one that is known."""
        text = self.text
        text.emit(*count(text, on.executed))
        known = sorted(self.graph.resumed)
        for pc in known:
            handed.append((pc, dict(self.shared)))
        vector = on.vector(target)
        on.pass_on(self.shared, True)
        first = (
            text.value(f"extractelement {text.words} {vector[0]}, i64 0")
            if isinstance(target, Vector)
            else str(target)
        )
        apart, same = text.label(), text.label()
        if isinstance(target, Vector):
            differs = text.each("icmp ne {w} {0}, {1}", vector, text.splat(first))
            split = text.any_lane(differs)
            text.emit(f"  br i1 {split}, label %{apart}, label %{same}", f"{same}:")
        slack = text.value("load i32, ptr %slack")
        enough = text.value(f"icmp sge i32 {slack}, {self.graph.longest + self.margin}")
        switch = text.label()
        text.emit(f"  br i1 {enough}, label %{switch}, label %{apart}, !prof !0", f"{switch}:")
        ways = " ".join(f"i32 {pc}, label %c{pc}" for pc in known)
        text.emit(f"  switch i32 {first}, label %{apart} [{ways}]")
        with text.elsewhere(apart, self.cold):
            enter_apart(text, 0)
            fold_left(text)
            text.store("pcs", vector)
            text.emit("  br label %sched")

    def _branch(self, on: TogetherTarget, end: Branch, go: object) -> None:
        assert callable(go)
        text = self.text
        executed, skipped = end.executed, end.skipped
        first, second = text.label(), text.label()
        if not isinstance(end.condition, Vector):
            text.emit(*count(text, on.executed))
            text.emit(f"  br i1 {end.condition}, label %{first}, label %{second}")
        else:
            text.emit(*count(text, on.executed))
            others, mixed = text.label(), text.label()
            every = text.every_lane(end.condition)
            text.emit(f"  br i1 {every}, label %{first}, label %{others}", f"{others}:")
            some = text.any_lane(end.condition)
            text.emit(f"  br i1 {some}, label %{mixed}, label %{second}")
            with text.elsewhere(mixed, self.cold):
                on.spill()
                enter_apart(text, 0)
                part(on, end, text.lane_bits(end.condition), self.graph)
        for label, (target, cycles) in ((first, executed), (second, skipped)):
            text.emit(f"{label}:")
            go(target, cycles)


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word


def fold_left(text: Text) -> None:
    """Take what the lanes of the mask have executed since the mask was made off their budget."""
    slack = text.value("load i32, ptr %slack")
    marker = text.value("load i32, ptr %marker")
    run = text.value(f"sub i32 {marker}, {slack}")
    masked = text.choose(text.going(), text.splat(run), text.splat(0))
    text.store(f"v{LEFT}", text.each("sub {w} {0}, {1}", text.load(f"v{LEFT}"), masked))
    text.emit(f"  store i32 {slack}, ptr %marker")


def part(on: LaneTarget, end: Branch, lanes: str, graph: CodeGraph) -> None:
    """Some lanes of the mask go one way, some the other: those at the higher address wait.

    `lanes` has a bit for each lane that goes the first way.
    """
    text = on.text
    fold_left(text)
    assert isinstance(end.condition, Vector)
    going = text.going()
    first = text.each("and {b} {0}, {1}", going, end.condition)
    second = text.each("xor {b} {0}, {1}", going, first)
    left = text.load(f"v{LEFT}")
    for vector, (_, cycles) in ((first, end.executed), (second, end.skipped)):
        if cycles:
            used = text.choose(vector, text.splat(cycles), text.splat(0))
            left = text.each("sub {w} {0}, {1}", left, used)
    text.store(f"v{LEFT}", left)
    most = max(end.executed[1], end.skipped[1])
    if most:
        # The slack is for all lanes that are going, so it falls by the longer way.
        text.emit(*count(text, most))
        slack = text.value("load i32, ptr %slack")
        text.emit(f"  store i32 {slack}, ptr %marker")
    first_stays = end.executed[0] <= end.skipped[0]
    stay, wait = (first, second) if first_stays else (second, first)
    target, later = (
        (end.executed[0], end.skipped[0]) if first_stays else (end.skipped[0], end.executed[0])
    )
    text.store("pcs", text.merge(wait, text.splat(later), text.load("pcs")))
    text.set_going(stay)
    chosen = lanes if first_stays else text.value(f"xor i32 {lanes}, -1")
    number = text.value(f"and i32 {text.value('load i32, ptr %mb')}, {chosen}")
    text.emit(f"  store i32 {number}, ptr %mb")
    text.declarations.add("declare i32 @llvm.umin.i32(i32, i32)")
    following = text.value("load i32, ptr %next")
    following = text.value(f"call i32 @llvm.umin.i32(i32 {following}, i32 {_signed(later)})")
    text.emit(f"  store i32 {following}, ptr %next")
    jump_apart(text, graph, target)


def jump_apart(text: Text, graph: CodeGraph, target: int) -> None:
    """Lanes of a mask go on at an address, unless others that wait at a lower one go first."""
    if target not in graph.steps:
        text.emit(f"  store i32 {_signed(target)}, ptr %cur", "  br label %gone")
        return
    following = text.value("load i32, ptr %next")
    first = text.value(f"icmp ult i32 {target}, {following}")
    text.emit(f"  br i1 {first}, label %m{target}, label %e{target}")


def states_of(graph: CodeGraph, code: TogetherCode) -> None:
    """Find out what is known where blocks begin, by generating them until nothing changes."""
    states = code.states
    ahead = sorted(graph.resumed)
    for pc in ahead:
        states[pc] = code.shared | (code.begin if pc in graph.starts else {})
    while ahead:
        pc = ahead.pop()
        for target, handed in code.block(pc):
            before = states.get(target)
            after = handed if before is None else _meet(before, handed)
            if after != before:
                states[target] = after
                ahead.append(target)


def _meet(a: State, b: State) -> State:
    """What is known if it is one or the other."""
    met: State = {}
    for number in a.keys() & b.keys():
        if a[number] == b[number]:
            met[number] = a[number]
        elif Known.VARYING not in (a[number], b[number]):
            met[number] = Known.UNIFORM
    return met
