"""Instructions executed on many lanes: the `Target` whose words are scalars where all lanes have
the same, and vectors elsewhere.

What the bodies of the instructions (`isa.semantics`) ask for is generated here. How lanes leave,
which differs between code for lanes that go together and for lanes that have parted, is for the
two subclasses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum

from ...isa.symbolic import FOLD
from ...isa.table import WORD_MASK, FlagRule, Reg
from ..emit.flags import condition as flag_condition
from . import memory, ranges
from .memory_map import MemoryMap
from .ranges import ANYTHING, Range
from .text import KIND, Text, Vector, X, Y

Value = int | str | Vector
"""A constant, the name of a scalar that all lanes share, or the names of a vector's pieces."""


class Known(Enum):
    """What is known of a slot where a block begins, if it is no constant."""

    UNIFORM = "all lanes have the same"
    VARYING = "nothing"


State = dict[int, int | Known]
"""What is known of slots where a block begins; of those that are not there, nothing."""

_NEUTRAL = {("add", 0), ("sub", 0), ("or", 0), ("xor", 0), ("shl", 0), ("lshr", 0), ("mul", 1)}
_REVERSIBLE = {("add", 0), ("or", 0), ("xor", 0), ("mul", 1)}


class LaneTarget(ABC):
    """The state while the instructions of one block are generated."""

    def __init__(self, text: Text, memory_map: MemoryMap, state: State) -> None:
        self.text = text
        self.memory = memory_map
        self.state = state
        self.pc = 0
        self.executed = 0
        """Instructions of the block before the current one, on the longest way."""
        self.jump_target: Value | None = None
        self.skip_condition: Value | None = None
        self.values: dict[int, Value] = {}
        self.dirty: set[int] = set()
        self.bases: dict[str, int] = {}
        """Constants in registers to which something was added, by the first piece of the sum: they
        tell in which memory an address probably lies."""
        self.hints: dict[int, int] = {}
        """What registers probably hold, where nothing is known."""
        self._expected: dict[str, int] = {}
        """What vectors probably hold, by their first pieces."""
        self._ranges: dict[str, Range] = {}
        """What is known of vectors, by their first pieces."""
        self._read: set[int] = set()
        """Constants that registers hold; of literals nobody knows what they are."""

    # --- words and truth values ----------------------------------------------------------------

    def vector(self, value: Value) -> Vector:
        """A word for each lane."""
        return value if isinstance(value, Vector) else self.text.splat(value)

    def vector_bits(self, bit: Value) -> Vector:
        """A truth value for each lane."""
        if isinstance(bit, Vector):
            return bit
        assert isinstance(bit, str)
        return self.text.splat_bit(bit)

    def op(self, name: str, x: Value, y: Value) -> Value:
        if isinstance(x, int) and isinstance(y, int):
            return FOLD[name](x, y) & WORD_MASK
        if isinstance(y, int) and (name, y) in _NEUTRAL:
            return x
        if isinstance(x, int) and (name, x) in _REVERSIBLE:
            return y
        if name in ("mul", "and") and (x == 0 or y == 0):
            return 0
        if name in ("xor", "sub") and x == y:
            return 0
        result = self._words(name, x, y)
        if isinstance(result, Vector):
            self._ranges[result[0]] = ranges.result(name, self.range_of(x), self.range_of(y))
        if name == "add" and isinstance(result, Vector):
            for part in (x, y):
                base = part if isinstance(part, int) and part in self._read else None
                if isinstance(part, Vector):
                    base = self._expected.get(part[0])
                if base is not None:
                    self.bases[result[0]] = base
        return result

    def range_of(self, value: Value) -> Range:
        """What is known of a word."""
        if isinstance(value, int):
            return ranges.constant(value)
        return self._ranges.get(value[0], ANYTHING) if isinstance(value, Vector) else ANYTHING

    def _words(self, name: str, x: Value, y: Value) -> Value:
        if not isinstance(x, Vector) and not isinstance(y, Vector):
            return self.text.value(f"{name} i32 {x}, {y}")
        return self.text.each(name + " {w} {0}, {1}", self.vector(x), self.vector(y))

    def divide(self, name: str, x: Value, y: Value) -> Value:
        if not isinstance(x, Vector) and not isinstance(y, Vector):
            return self.text.value(f"{name} i32 {x}, {y}")
        # By double, which is exact for 32 bits: LLVM would divide lane by lane.
        text, size = self.text, self.text.shape.piece
        sign, doubles = name[0], f"<{size} x double>"
        a, b = self.vector(x), self.vector(y)
        wide = f"{sign}itofp {{w}} {{0}} to {doubles}"
        ratio = text.each(f"fdiv {doubles} {{0}}, {{1}}", text.each(wide, a), text.each(wide, b))
        quotient = text.each(f"fpto{sign}i {doubles} {{0}} to {{w}}", ratio)
        if name.endswith("div"):
            return quotient
        product = text.each("mul {w} {0}, {1}", quotient, b)
        return text.each("sub {w} {0}, {1}", a, product)

    def compare(self, predicate: str, x: Value, y: Value) -> Value:
        if not isinstance(x, Vector) and not isinstance(y, Vector):
            return self.text.value(f"icmp {predicate} i32 {x}, {y}")
        return self.text.each(
            f"icmp {predicate} {{w}} {{0}}, {{1}}", self.vector(x), self.vector(y)
        )

    def bit(self, name: str, x: Value, y: Value) -> Value:
        for a, b in ((x, y), (y, x)):
            if a == "true":
                if name == "and":
                    return b
                if name == "or":
                    return a
            if a == "false":
                return "false" if name == "and" else b
        if not isinstance(x, Vector) and not isinstance(y, Vector):
            return self.text.value(f"{name} i1 {x}, {y}")
        if y == "true":
            ones = Vector(["splat (i1 true)"] * self.text.shape.pieces)
            return self.text.each(name + " {b} {0}, {1}", self.vector_bits(x), ones)
        return self.text.each(name + " {b} {0}, {1}", self.vector_bits(x), self.vector_bits(y))

    def bit_of(self, word: Value, mask: int) -> Value:
        """The truth of a bit of a word."""
        return self.compare("ne", self.op("and", word, mask), 0)

    def widen(self, bit: Value) -> Value:
        if bit in ("true", "false"):
            return int(bit == "true")
        if not isinstance(bit, Vector):
            return self.text.value(f"zext i1 {bit} to i32")
        return self.text.each("zext {b} {0} to {w}", bit)

    def select(self, bit: Value, x: Value, y: Value) -> Value:
        if bit in ("true", "false"):
            return x if bit == "true" else y
        if x == y:
            return x
        if isinstance(bit, Vector):
            return self.text.choose(bit, self.vector(x), self.vector(y))
        if isinstance(x, Vector) or isinstance(y, Vector):
            form = f"select i1 {bit}, {{w}} {{0}}, {{w}} {{1}}"
            return self.text.each(form, self.vector(x), self.vector(y))
        return self.text.value(f"select i1 {bit}, i32 {x}, i32 {y}")

    def does_not_fit(self, name: str, x: Value, y: Value) -> Value:
        """The truth that the product (`umul` or `smul`) needs more than 32 bits."""
        if isinstance(x, Vector) or isinstance(y, Vector):
            size = self.text.shape.piece
            pair = f"{{{self.text.words}, {self.text.bits}}}"
            function = f"@llvm.{name}.with.overflow.v{size}i32"
            self.text.declarations.add(
                f"declare {pair} {function}({self.text.words}, {self.text.words})"
            )
            found = []
            for a, b in zip(self.vector(x), self.vector(y), strict=True):
                both = self.text.value(
                    f"call {pair} {function}({self.text.words} {a}, {self.text.words} {b})"
                )
                found.append(self.text.value(f"extractvalue {pair} {both}, 1"))
            return Vector(found)
        function = f"@llvm.{name}.with.overflow.i32"
        self.text.declarations.add(f"declare {{i32, i1}} {function}(i32, i32)")
        both = self.text.value(f"call {{i32, i1}} {function}(i32 {x}, i32 {y})")
        return self.text.value(f"extractvalue {{i32, i1}} {both}, 1")

    # --- registers and flags -------------------------------------------------------------------

    def slot(self, number: int) -> Value:
        """What a slot holds now."""
        value = self.values.get(number)
        if value is None:
            value = self.values[number] = self._loaded(number)
        return value

    def _loaded(self, number: int) -> Value:
        self.text.used.add(number)
        known = self.state.get(number, Known.VARYING)
        if isinstance(known, int):
            return known
        if known is Known.UNIFORM:
            return self.text.value(f"load i32, ptr %u{number}")
        loaded = self.text.load(f"v{number}")
        if number in self.hints:
            self._expected[loaded[0]] = self.hints[number]
        return loaded

    def put(self, number: int, value: Value) -> None:
        self.text.used.add(number)
        self.text.written.add(number)
        self.values[number] = value
        self.dirty.add(number)

    def read(self, register: int) -> Value:
        if register == Reg.PC:
            return self.pc
        if register == Reg.AF:
            return self.all_flags()
        value = self.slot(int(register))
        if isinstance(value, int):
            self._read.add(value)
        return value

    def write(self, register: int, value: Value) -> None:
        if register == Reg.PC:
            self.jump(value)
        else:
            self.put(int(register), value)

    def set_flags(self, rule: FlagRule, x: Value, y: Value) -> None:
        self.put(KIND, int(rule))
        self.put(X, x)
        self.put(Y, y)

    def condition(self, first: int, second: int, truth: int) -> Value:
        value: Value = flag_condition(self, first, second, truth)
        return value

    def flags(self) -> tuple[int | None, Value, Value]:
        """Kind of the operation that set the flags last, if all lanes had the same, and its
        operands."""
        kind = self.slot(KIND)
        return kind if isinstance(kind, int) else None, self.slot(X), self.slot(Y)

    def all_flags(self) -> Value:
        """The value of `af`, whatever set it."""
        return self.settled_flags()[0]

    def settled_flags(self) -> tuple[Value, Value, Value, Value]:
        """The value of `af`, whatever set it; and the last result, its carry and overflow."""
        kind, x, y = self.slot(KIND), self.slot(X), self.slot(Y)
        is_add, is_sub, is_mul = (
            self.compare("eq", kind, int(rule))
            for rule in (FlagRule.ADD, FlagRule.SUB, FlagRule.MUL)
        )

        def chosen(add: Value, sub: Value, mul: Value, raw: Value) -> Value:
            return self.select(is_mul, mul, self.select(is_sub, sub, self.select(is_add, add, raw)))

        total, difference, product = (self.op(name, x, y) for name in ("add", "sub", "mul"))
        result = chosen(total, difference, product, x)
        carry = chosen(
            self.widen(self.compare("ult", total, x)),
            self.widen(self.compare("ult", x, y)),
            self.widen(self.does_not_fit("umul", x, y)),
            self.op("and", y, 1),
        )
        of_sum = self.op("and", self.op("xor", x, total), self.op("xor", y, total))
        of_difference = self.op("and", self.op("xor", x, y), self.op("xor", x, difference))
        overflow = chosen(
            self.op("lshr", of_sum, 31),
            self.op("lshr", of_difference, 31),
            self.widen(self.does_not_fit("smul", x, y)),
            self.op("and", self.op("lshr", y, 1), 1),
        )
        af: Value = self.op("shl", carry, 6)
        af = self.op("or", af, self.op("shl", overflow, 5))
        for truth, flag in (
            (self.compare("eq", result, 0), 7),
            (self.compare("slt", result, 0), 4),
            (self.compare("eq", self.op("and", result, 1), 0), 3),
            (self.compare("ult", result, 0x10000), 2),
            (self.compare("eq", self.op("and", result, 0xFFFF), 0), 1),
        ):
            af = self.op("or", af, self.op("shl", self.widen(truth), flag))
        explicit = self.compare("eq", kind, EXPLICIT)
        return self.select(explicit, x, af), result, carry, overflow

    def cycles(self) -> Value:
        raise NotImplementedError("instructions that read the counter are the scalar path's")

    # --- control -------------------------------------------------------------------------------

    def jump(self, address: Value) -> None:
        self.jump_target = address

    def skip_unless(self, condition: Value) -> None:
        self.skip_condition = condition

    def interpret_if(self, condition: Value) -> None:
        self.refuse(condition)

    @abstractmethod
    def refuse(self, bad: Value) -> None:
        """Lanes for which the truth value holds leave the vector code before the instruction."""

    @abstractmethod
    def going(self) -> Vector | None:
        """Truth values of the lanes that go on here; None if those are all."""

    @abstractmethod
    def correct_budget(self, lanes: Value, instructions: int) -> None:
        """Lanes for which the truth value holds have executed so many instructions less than the
        others."""

    # --- memory --------------------------------------------------------------------------------

    def load(self, address: Value) -> Value:
        return memory.load(self, address)

    def store(self, address: Value, value: Value) -> None:
        memory.store(self, address, value)

    def swap(self, address: Value, value: Value) -> Value:
        memory.refuse_outside_ram(self, address)
        old = memory.load(self, address)
        memory.store(self, address, value)
        return old

    def push(self, value: Value) -> None:
        lower = self.op("add", self.slot(int(Reg.SSP)), -4 & WORD_MASK)
        self.store(lower, value)
        self.write(Reg.SSP, lower)

    def pop(self) -> Value:
        pointer = self.slot(int(Reg.SSP))
        value = self.load(pointer)
        self.write(Reg.SSP, self.op("add", pointer, 4))
        return value


EXPLICIT = 4
"""Kind of flags that no operation has set: X is `af` itself."""
