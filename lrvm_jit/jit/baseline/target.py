"""A `Target` of instruction semantics that writes the LLVM IR of one stencil.

What the machine code is to be filled in with are holes: addresses of symbols that are not there.
Their relocations say where in the code a literal, a register's place or a code address goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...core import native_abi as abi
from ...isa.symbolic import FOLD
from ...isa.table import WORD_MASK, Flag, FlagRule
from .. import native_ir
from .operands import MEMORY, PC, SP_CLASS, Place

VALUE_HOLES = (
    "literal0",
    "literal1",
    "literal2",
    "home0",
    "home1",
    "home2",
    "home3",
    "slot",
    "here",
    "count",
    "counter",
    "site",
)
"""Holes for numbers: literals, byte offsets of registers and of a window slot in the context, the
instruction's address, instructions in a block, its counter's offset, the number of an exit."""
CODE_HOLES = ("next", "skip", "jump", "exit", "leave", "common_exit")
"""Holes for code: behind the stencil, behind the next instruction, where a jump leads, the
instruction's exit, the exit of jumps that the table has nothing for, the exit of all."""
HOLES = VALUE_HOLES + CODE_HOLES

_PIN_ARGUMENTS = ("pin0", "pin1", "pin2", "pin3", "sp")


@dataclass(frozen=True, slots=True)
class Hole:
    """A word that is filled in later, of which the range is known."""

    name: str
    low: int = 0
    high: int = WORD_MASK
    addend: int = 0

    def __add__(self, other: int) -> Hole:
        return Hole(self.name, self.low, self.high, self.addend + other)

    def __and__(self, mask: int) -> Hole:
        assert mask == WORD_MASK
        return self

    def __str__(self) -> str:
        pointer = f"ptr @{self.name}"
        if self.addend:
            pointer = f"ptr getelementptr (i8, ptr @{self.name}, i64 {self.addend})"
        return f"ptrtoint ({pointer} to i64)"


Value = str | int | Hole
"""A word with its upper half zero, as i64; a truth value as i1 or bool."""

_PREDICATES: dict[str, Callable[[int, int, int], bool | None]] = {
    "eq": lambda low, high, y: None if low <= y <= high else False,
    "ugt": lambda low, high, y: False if high <= y else True if low > y else None,
}


class StencilTarget:
    """Writes one instruction's function. Register numbers are operands' numbers here, or `Reg`s
    that the instruction uses without naming them."""

    def __init__(self, name: str, places: dict[int, Place], *, flags_needed: bool) -> None:
        """`places`: where the registers are, by what `read` and `write` are called with."""
        self.lines = [native_ir.define(name, "nounwind optsize #0")]
        self.names = native_ir.Names()
        self._places = places
        self._flags_needed = flags_needed
        self._values: dict[str, Value] = {}
        """What arguments are at the end,"""
        self._homes: dict[str, Value] = {}
        """and what must be stored in the context."""
        self._target: Value | None = None
        self._condition: Value | None = None
        self._exit = ""
        self._misses: list[tuple[str, str]] = []

    # --- words and truth values ------------------------------------------------------------------

    def value(self, text: str) -> str:
        name = self.names.value()
        self.lines.append(f"  {name} = {text}")
        return name

    def op(self, name: str, x: Value, y: Value) -> Value:
        if isinstance(x, int) and isinstance(y, int):
            return FOLD[name](x, y) & WORD_MASK
        if y == 0 and name in ("add", "sub", "or", "xor", "shl", "lshr"):
            return x
        if name == "mul" and 0 in (x, y):
            return 0
        if name == "and" and isinstance(x, Hole) and isinstance(y, int) and x.high <= y:
            return x
        if name in ("add", "sub") and isinstance(x, str) and isinstance(y, int):
            # One instruction, which clears the upper half as well.
            signed = y - (y >> 31 << 32)
            return self._wide(self.value(f"{name} i32 {self._narrow(x)}, {signed}"))
        result = self.value(f"{name} i64 {x}, {y}")
        return self._word(result) if name in ("add", "sub", "mul", "shl") else result

    def _word(self, value: Value) -> str:
        return self.value(f"and i64 {value}, {WORD_MASK}")

    def _wide(self, value: str) -> str:
        return self.value(f"zext i32 {value} to i64")

    def _narrow(self, value: Value) -> Value:
        return value if isinstance(value, int) else self.value(f"trunc i64 {value} to i32")

    def divide(self, name: str, x: Value, y: Value) -> Value:
        return self._wide(self.value(f"{name} i32 {self._narrow(x)}, {self._narrow(y)}"))

    def compare(self, predicate: str, x: Value, y: Value) -> Value:
        if isinstance(x, Hole) and isinstance(y, int) and predicate in _PREDICATES:
            known = _PREDICATES[predicate](x.low, x.high, y)
            if known is not None:
                return known
        if predicate.startswith("s"):
            return self.value(f"icmp {predicate} i32 {self._narrow(x)}, {self._narrow(y)}")
        return self.value(f"icmp {predicate} i64 {x}, {y}")

    def bit(self, name: str, x: Value, y: Value) -> Value:
        if False in (x, y):
            return False if name == "and" else y if x is False else x
        return self.value(f"{name} i1 {_truth(x)}, {_truth(y)}")

    def widen(self, bit: Value) -> Value:
        return int(bit) if isinstance(bit, bool) else self.value(f"zext i1 {bit} to i64")

    def select(self, bit: Value, x: Value, y: Value) -> Value:
        if isinstance(bit, bool):
            return x if bit else y
        return self.value(f"select i1 {bit}, i64 {x}, i64 {y}")

    # --- registers and flags -------------------------------------------------------------------

    @property
    def pc(self) -> Hole:
        return Hole("here")

    def read(self, register: int) -> Value:
        place = self._places[register]
        if place.kind == MEMORY:
            if place.home not in self._homes:
                return self._wide(self.value(f"load i32, ptr {self._home(place.home)}"))
            return self._homes[place.home]
        argument = _PIN_ARGUMENTS[place.kind - 1]
        return self._values.get(argument, f"%{argument}")

    def write(self, register: int, value: Value) -> None:
        place = self._places[register]
        if place.kind == PC:
            self.jump(value)
        elif place.kind == MEMORY:
            self._homes[place.home] = value
        else:
            self._values[_PIN_ARGUMENTS[place.kind - 1]] = value

    def _home(self, home: str) -> str:
        return self.value(f"getelementptr i8, ptr %context, i64 ptrtoint (ptr @{home} to i64)")

    def set_flags(self, rule: FlagRule, x: Value, y: Value) -> None:
        if not self._flags_needed:
            return
        if rule in (FlagRule.ADD, FlagRule.SUB):
            name = "add" if rule is FlagRule.ADD else "sub"
            result: Value = self.value(f"{name} i64 {x}, {y}")
            mix: Value = self.value(f"xor i64 {x}, {y}")
        elif rule is FlagRule.MUL:
            product = self.value(f"mul i64 {x}, {y}")
            low = self._word(product)
            carry = self.value(f"icmp ugt i64 {product}, {WORD_MASK}")
            carry_bit = self.value(f"select i1 {carry}, i64 {1 << 32}, i64 0")
            result = self.value(f"or i64 {low}, {carry_bit}")
            signed = [self.value(f"sext i32 {self._narrow(word)} to i64") for word in (x, y)]
            exact = self.value(f"mul i64 {signed[0]}, {signed[1]}")
            back = self.value(f"sext i32 {self._narrow(exact)} to i64")
            overflow = self.value(f"icmp ne i64 {exact}, {back}")
            differs = self.value(f"xor i1 {overflow}, {carry}")
            mix = self._mix(result, differs)
        elif y == 0:
            result = mix = x
        else:
            carry_word = self.op("and", y, 1)
            carry_word = self.value(f"shl i64 {carry_word}, 32")
            result = self.value(f"or i64 {x}, {carry_word}")
            half = self.value(f"lshr i64 {y}, 1")
            odd = self.value(f"xor i64 {half}, {y}")
            mix = self._mix(result, self.value(f"trunc i64 {odd} to i1"))
        self._values["result"], self._values["mix"] = result, mix

    def _mix(self, result: Value, differs: Value) -> str:
        """The second word of the flags: whether CF and OF differ goes into its bit 31."""
        bit = self.value(f"select i1 {differs}, i64 {1 << 31}, i64 0")
        return self.value(f"xor i64 {result}, {bit}")

    def condition(self, first: int, second: int, truth: int) -> Value:
        a = self._flag(first)
        b = a if first == second else self._flag(second)
        result: Value = False
        for row in (0, 3) if first == second else range(4):
            if truth >> row & 1:
                left = a if row & 2 else self.value(f"xor i1 {a}, true")
                right = b if row & 1 else self.value(f"xor i1 {b}, true")
                result = self.bit("or", result, self.bit("and", left, right))
        return result

    def _flag(self, number: int) -> str:
        word = self._word("%result")
        match number:
            case Flag.ZF:
                return self.value(f"icmp eq i64 {word}, 0")
            case Flag.CF:
                return self._bit_of("%result", 1 << 32)
            case Flag.OF:
                mixed = self.value("xor i64 %mix, %result")
                half = self.value("lshr i64 %result, 1")
                return self._bit_of(self.value(f"xor i64 {mixed}, {half}"), 1 << 31)
            case Flag.SF:
                return self._bit_of(word, 1 << 31)
            case Flag.EF:
                return self.value(f"xor i1 {self._bit_of(word, 1)}, true")
            case Flag.ZUF:
                return self.value(f"icmp ult i64 {word}, {1 << 16}")
            case _:
                return self.value(f"icmp eq i64 {self.op('and', word, 0xFFFF)}, 0")

    def _bit_of(self, word: Value, mask: int) -> str:
        masked = self.value(f"and i64 {word}, {mask}")
        return self.value(f"icmp ne i64 {masked}, 0")

    def cycles(self) -> Value:
        raise NotImplementedError("the cycle counter is the kernel's")

    # --- control -------------------------------------------------------------------------------

    def jump(self, address: Value) -> None:
        self._target = address

    def skip_unless(self, condition: Value) -> None:
        self._condition = condition

    def interpret_if(self, condition: Value) -> None:
        if condition is not False:
            go_on = self.names.label()
            self.lines += [
                f"  br i1 {condition}, label %{self._way_out()}, label %{go_on}, !prof !1",
                f"{go_on}:",
            ]

    def _way_out(self) -> str:
        self._exit = self._exit or self.names.label()
        return self._exit

    # --- memory --------------------------------------------------------------------------------

    def _at(self, address: Value) -> str:
        out = self.names.label()
        slot = "ptrtoint (ptr @slot to i64)"
        narrow = str(self._narrow(address))
        lines, pointer, inside = native_ir.slot_word(self.names, slot, narrow, out)
        self.lines += lines
        self._misses.append((out, inside))
        return pointer

    def load(self, address: Value) -> Value:
        return self._wide(self.value(f"load i32, ptr {self._at(address)}"))

    def store(self, address: Value, value: Value) -> None:
        pointer = self._at(address)
        self.lines.append(f"  store i32 {self._narrow(value)}, ptr {pointer}")

    def swap(self, address: Value, value: Value) -> Value:
        raise NotImplementedError("a swap needs two slots")

    def push(self, value: Value) -> None:
        address = self.op("add", "%sp", WORD_MASK - 3)
        self.store(address, value)
        self._values["sp"] = address

    def pop(self) -> Value:
        word = self.load("%sp")
        self._values["sp"] = self.op("add", "%sp", 4)
        return word

    # --- the function's end --------------------------------------------------------------------

    def finish(self, *, direct: bool = False, paid: bool = True) -> str:
        """The function's text. `direct`: what a condition may skip is a jump, and part of it;
        `paid`: the budget for it has been subtracted."""
        for home, value in self._homes.items():
            self.lines.append(f"  store i32 {self._narrow(value)}, ptr {self._home(home)}")
        values = {name: str(value) for name, value in self._values.items()}
        if self._misses:
            # Usually it must then be nowhere else than where the exit wants it, and the way out is
            # a single conditional jump.
            values["scratch0"] = self._misses[-1][1]
        if self._condition is not None:
            self._end_conditionally(direct, paid)
        elif isinstance(self._target, str):
            self._end_through_table(self._target, values)
        else:
            self.lines += native_ir.tail("@jump" if self._target is not None else "@next", values)
        for label, inside in self._misses:
            self.lines.append(f"{label}:")
            self.lines += native_ir.tail("@exit", {"scratch0": inside})
        if self._exit:
            self.lines.append(f"{self._exit}:")
            self.lines += native_ir.tail("@exit", {})
        return "\n".join([*self.lines, "}"])

    def _end_conditionally(self, direct: bool, paid: bool) -> None:
        holds, fails = self.names.label(), self.names.label()
        self.lines += [
            f"  br i1 {_truth(self._condition)}, label %{holds}, label %{fails}"
            f", !prof !{int(direct)}",
            f"{holds}:",
            *native_ir.tail("@jump" if direct else "@next", {}),
            f"{fails}:",
        ]
        left = self.value("add i64 %budget, 1") if paid else "%budget"
        self.lines += native_ir.tail("@next" if direct else "@skip", {"budget": left})

    def _end_through_table(self, target: str, values: dict[str, str]) -> None:
        out = self.names.label()
        narrow = self.value(f"trunc i64 {target} to i32")
        lines, code = native_ir.through_table(self.names, narrow, out)
        self.lines += lines
        self.lines += native_ir.tail(code, values)
        self.lines.append(f"{out}:")
        self.lines += native_ir.tail("@leave", {**values, "scratch0": target})


def _truth(bit: Value | None) -> str:
    return str(bit).lower() if isinstance(bit, bool) else str(bit)


assert SP_CLASS == abi.SP_PIN + 1
