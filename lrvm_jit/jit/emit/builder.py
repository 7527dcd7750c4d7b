"""Generates the LLVM IR of one block's instructions, as text.

Within a block registers and flags are known values; at its end they go to stack slots that LLVM
turns into SSA values again. Text, because llvmlite's builder objects take twenty times as long.
"""

from __future__ import annotations

from collections.abc import Callable

from ...core.layout import EXIT_INTERPRET, EXIT_READ, EXIT_STACK, EXIT_WRITE
from ...isa.symbolic import FOLD
from ...isa.table import FlagRule, Reg
from ..analysis.instructions import GuestInstruction
from ..analysis.region import Block
from ..analysis.stack import hull
from .flags import condition as flag_condition
from .frame import Exit, Frame

Value = str | int
"""A word or a truth value: the name of an IR value, or a constant."""

WORD = 0xFFFF_FFFF

_NEUTRAL = {("add", 0), ("sub", 0), ("or", 0), ("xor", 0), ("shl", 0), ("lshr", 0), ("mul", 1)}


class Builder:
    """The state while the instructions of one block are generated."""

    def __init__(self, frame: Frame, block: Block, kind: int | None) -> None:
        """`kind` of flags at the block's beginning, None if that differs from way to way."""
        self.frame = frame
        self.block = block
        self.lines: list[str] = frame.lines
        self.pc = 0
        self.executed = 0
        """Instructions of the block before the current one."""
        self.unchecked: dict[int, tuple[str, str]] | None = None
        """In a counted loop: first address and step of each access, by pc; and"""
        self.round = ""
        """the name of the round's number."""
        self.jump_target: Value | None = None
        self.skip_condition: Value | None = None
        self._registers: dict[int, Value] = {}
        self._dirty: set[int] = set()
        self._kind = kind
        self._flags: tuple[Value, Value] | None = None
        self._left = ""
        self._ahead: list[GuestInstruction] = block.instructions
        self._stack = frame.stack.at[block.key].copy()
        self._stack_pointer: str | None = None
        """Host address of the word at the stack pointer, as it was when this was computed."""
        self._stack_moved = 0
        """What has been added to the stack pointer since."""

    # --- values ------------------------------------------------------------------------------

    def value(self, text: str) -> str:
        """A new IR value."""
        name = self.frame.new_name()
        self.lines.append(f"  {name} = {text}")
        return name

    def op(self, name: str, x: Value, y: Value) -> Value:
        """Arithmetic of words modulo 2^32; shift counts must be below 32."""
        if isinstance(x, int) and isinstance(y, int):
            return FOLD[name](x, y) & WORD
        if isinstance(y, int) and (name, y) in _NEUTRAL:
            return x
        if isinstance(x, int) and (name, x) in (("add", 0), ("or", 0), ("xor", 0), ("mul", 1)):
            return y
        if name == "mul" and (x == 0 or y == 0):
            return 0
        return self.value(f"{name} i32 {x}, {y}")

    def divide(self, name: str, x: Value, y: Value) -> Value:
        """Division whose divisor is known to be fit."""
        return self.value(f"{name} i32 {x}, {y}")

    def compare(self, predicate: str, x: Value, y: Value) -> Value:
        """An i1."""
        return self.value(f"icmp {predicate} i32 {x}, {y}")

    def bit(self, name: str, x: Value, y: Value) -> Value:
        """Logic of i1 values."""
        return self.value(f"{name} i1 {x}, {y}")

    def bit_of(self, word: Value, mask: int) -> Value:
        """An i1: whether a word has the bit of the mask."""
        return self.compare("ne", self.op("and", word, mask), 0)

    def widen(self, bit: Value) -> Value:
        """A word, 1 or 0."""
        return self.value(f"zext i1 {bit} to i32")

    def select(self, bit: Value, x: Value, y: Value) -> Value:
        return self.value(f"select i1 {bit}, i32 {x}, i32 {y}")

    def rotate(self, distance: Value) -> str:
        """A distance in bytes as one in words. Two low bits that are not 0 end up on top: one
        comparison then sees to bounds and alignment."""
        return self.value(f"call i32 @llvm.fshl.i32(i32 {distance}, i32 {distance}, i32 30)")

    def does_not_fit(self, name: str, x: Value, y: Value) -> Value:
        """An i1: whether the product (`umul` or `smul`) needs more than 32 bits."""
        self.frame.declare(name)
        pair = self.value(f"call {{i32, i1}} @llvm.{name}.with.overflow.i32(i32 {x}, i32 {y})")
        return self.value(f"extractvalue {{i32, i1}} {pair}, 1")

    # --- registers and flags -----------------------------------------------------------------

    def read(self, register: int) -> Value:
        if register == Reg.PC:
            return self.pc
        if register == Reg.AF:
            return self.all_flags()
        register = int(register)
        value = self._registers.get(register)
        if value is None:
            self.frame.used.add(register)
            value = self.value(f"load i32, ptr %r{register}")
            self._registers[register] = value
        return value

    def write(self, register: int, value: Value) -> None:
        """Write a register; pc is a jump."""
        if register == Reg.PC:
            self.jump(value)
            return
        register = int(register)
        self.frame.used.add(register)
        self.frame.written.add(register)
        self._registers[register] = value
        self._dirty.add(register)

    def set_flags(self, rule: FlagRule, x: Value, y: Value) -> None:
        self._kind = int(rule)
        self._flags = (x, y)
        self.frame.flag_kinds.add(self._kind)

    def condition(self, first: int, second: int, truth: int) -> Value:
        value: Value = flag_condition(self, first, second, truth)
        return value

    def flags(self) -> tuple[int | None, Value, Value]:
        """Kind and operands of the operation that set the flags last."""
        if self._flags is None:
            x = self.value("load i32, ptr %flag_x")
            y = self.value("load i32, ptr %flag_y")
            return self._kind, x, y
        return self._kind, *self._flags

    def all_flags(self) -> Value:
        """The value of `af`."""
        kind, x, y = self.flags()
        value: Value = self.value("load i32, ptr %flag_kind") if kind is None else kind
        self.frame.uses_all_flags = True
        return self.value(f"call i32 @all_flags(i32 {value}, i32 {x}, i32 {y})")

    def cycles(self) -> Value:
        """The cycle counter's low word, the current instruction included."""
        left = self.value(f"sub i64 {self._left}, {self.executed + 1}")
        return self.value(f"call i32 @cycles(ptr %state, i64 {left})")

    # --- control -----------------------------------------------------------------------------

    def jump(self, target: Value) -> None:
        self.jump_target = target

    def skip_unless(self, condition: Value) -> None:
        self.skip_condition = condition

    def interpret_if(self, condition: Value) -> None:
        """Leave the current instruction to the interpreter if the i1 is true."""
        label = self.leave(EXIT_INTERPRET)
        self._branch_away(condition, label)

    def _branch_away(self, condition: Value, label: str) -> None:
        go_on = self.frame.new_label()
        self.lines.append(f"  br i1 {condition}, label %{label}, label %{go_on}, !prof !1")
        self.lines.append(f"{go_on}:")

    def leave(self, code: int, slot: int = 0, address: Value | None = None) -> str:
        """Label of a way out of the region before the current instruction."""
        label = self.frame.new_label()
        stores = self._stores()
        left = self.frame.new_name()
        stores.append(f"  {left} = sub i64 {self._left}, {self.executed}")
        stores.append(f"  store i64 {left}, ptr %left")
        if address is not None:
            stores.append(f"  store i32 {address}, ptr %address")
        self.frame.exits.append(Exit(label, stores, self.pc, code | slot << 8))
        return label

    def end(self, cycles: int) -> None:
        """Put everything where the next block finds it; `cycles` instructions were executed."""
        self.lines.extend(self._stores())
        if cycles:
            left = self.value(f"sub i64 {self._left}, {cycles}")
            self.lines.append(f"  store i64 {left}, ptr %left")

        if self._stack_pointer is not None and self._stack.checked is not None:
            moved = self.value(
                f"getelementptr i8, ptr {self._stack_pointer}, i64 {self._stack_moved}"
            )
            self.lines.append(f"  store ptr {moved}, ptr %stack_at")

    def done(self, instruction: GuestInstruction) -> None:
        """An instruction is complete."""
        self.frame.stack.after(self._stack, instruction)
        if self._stack.checked is None:
            self._stack_pointer = None
            self._stack_moved = 0

    def _stores(self) -> list[str]:
        lines = [f"  store i32 {self._registers[n]}, ptr %r{n}" for n in sorted(self._dirty)]
        if self._flags is not None:
            x, y = self._flags
            lines.append(f"  store i32 {self._kind}, ptr %flag_kind")
            lines.append(f"  store i32 {x}, ptr %flag_x")
            lines.append(f"  store i32 {y}, ptr %flag_y")
        return lines

    def begin(self) -> None:
        """Start the block: the budget is needed in all that follows."""
        self._left = self.value("load i64, ptr %left")

    @property
    def budget_left(self) -> str:
        """The budget at the block's beginning."""
        return self._left

    # --- memory ------------------------------------------------------------------------------

    def load(self, address: Value) -> Value:
        return self._access(address, EXIT_READ, "read", self._load_word)

    def store(self, address: Value, value: Value) -> None:
        def store_word(pointer: str, _: bool) -> str:
            self.lines.append(f"  store i32 {value}, ptr {pointer}, align 4")
            return "0"

        self._access(address, EXIT_WRITE, "write", store_word)

    def swap(self, address: Value, value: Value) -> Value:
        """Load a word and store another one in its place: both must be possible."""
        pointer = self._access(address, EXIT_READ, "read", lambda found, _: found, "ptr")
        self._access(address, EXIT_WRITE, "write", lambda found, _: found, "ptr")
        old = self.value(f"load i32, ptr {pointer}, align 4")
        self.lines.append(f"  store i32 {value}, ptr {pointer}, align 4")
        return old

    def _load_word(self, pointer: str, usual: bool) -> str:
        # Volatile only to keep LLVM from making one load of both ways', with the address chosen
        # before: the usual one would need more instructions.
        volatile = "" if usual else "volatile "
        return self.value(f"load {volatile}i32, ptr {pointer}, align 4")

    def _access(
        self,
        address: Value,
        code: int,
        access: str,
        use: Callable[[str, bool], str],
        kind: str = "i32",
    ) -> str:
        """Use a guest word: where the instruction's windows are, else through the kernel's table
        of windows.

        `use` generates what is done with the host's address of the word, once for each of these
        ways, and gives its result, which is of the IR type `kind`.
        """
        if self.unchecked is not None:
            pointer, step = self.unchecked[self.pc]
            distance = self.value(f"mul i64 %{self.round}, {step}")
            return use(self.value(f"getelementptr i8, ptr {pointer}, i64 {distance}"), True)
        slot = self.frame.slot_of(access, self.pc)
        found = self.frame.new_label()
        results: list[str] = []
        for shift, words, base in self.frame.windows(self.value, access, self.pc):
            inside = self.op("add", address, shift)
            offset = self.value(f"zext i32 {inside} to i64")
            within = self.compare("ult", self.rotate(inside), words)
            hit, miss = self.frame.new_label(), self.frame.new_label()
            weights = "" if results else ", !prof !0"
            self.lines += [f"  br i1 {within}, label %{hit}, label %{miss}{weights}", f"{hit}:"]
            usual = use(self.value(f"getelementptr i8, ptr {base}, i64 {offset}"), True)
            results.append(f"[ {usual}, %{hit} ]")
            self.lines += [f"  br label %{found}", f"{miss}:"]
        late = self.frame.new_label()
        away = self.leave(code, slot, address)
        asked = self.frame.new_name()
        missing = self.frame.new_name()
        self.lines += [
            f"  {asked} = call preserve_mostcc ptr @window_{access}"
            f"(ptr %state, ptr %row, i32 {slot}, i32 {address})",
            f"  {missing} = icmp eq ptr {asked}, null",
            f"  br i1 {missing}, label %{away}, label %{late}, !prof !1",
            f"{late}:",
        ]
        results.append(f"[ {use(asked, False)}, %{late} ]")
        self.lines += [f"  br label %{found}", f"{found}:"]
        self.frame.probes.add(access)
        return self.value(f"phi {kind} {', '.join(results)}")

    # --- stack -------------------------------------------------------------------------------

    def push(self, value: Value) -> None:
        pointer = self._stack_word(-4)
        self.lines.append(f"  store i32 {value}, ptr {pointer}, align 4")
        self._move_stack(-4)

    def pop(self) -> Value:
        known = self._stack.known.get(0)
        pointer = self._stack_word(0)
        load = f"load i32, ptr {pointer}, align 4"
        value: Value = self.value(load) if known is None else known
        self._move_stack(4)
        return value

    def _move_stack(self, by: int) -> None:
        register = self.frame.stack_register
        self.write(register, self.op("add", self.read(register), by & WORD))
        self.frame.stack.move(self._stack, self._ahead[self.executed], min(by, 0))
        self._stack_moved += by

    def _stack_word(self, offset: int) -> str:
        """Pointer to the word at an offset from the stack pointer, checked if it was not."""
        if not self._stack.covers(offset):
            self._check_stack()
        elif self._stack_pointer is None:
            self._stack_pointer = self.value("load ptr, ptr %stack_at")
        distance = self._stack_moved + offset
        return self.value(f"getelementptr i8, ptr {self._stack_pointer}, i64 {distance}")

    def _check_stack(self) -> None:
        """Check all that may be accessed from here to the next head at once."""
        analysis = self.frame.stack
        need = analysis.need_ahead(self._ahead[self.executed :], self.block)
        assert need is not None
        lowest, highest = need
        slot = self.frame.slot("stack", 0)
        shift, words, base = self.frame.slot_fields(self.value, slot)
        bottom = self.op("add", self.read(self.frame.stack_register), lowest & WORD)
        inside = self.value(f"add i32 {bottom}, {shift}")
        turned = self.rotate(inside)
        span = (highest - lowest) // 4
        if span:
            self.frame.declare("usub.sat")
            words = self.value(f"call i32 @llvm.usub.sat.i32(i32 {words}, i32 {span})")
        outside = self.compare("uge", turned, words)
        self._branch_away(outside, self.leave(EXIT_STACK, slot, bottom))
        offset = self.value(f"zext i32 {inside} to i64")
        pointer = self.value(f"getelementptr i8, ptr {base}, i64 {offset}")
        self._stack_pointer = self.value(f"getelementptr i8, ptr {pointer}, i64 {-lowest}")
        self._stack_moved = 0
        self._stack.checked = hull(self._stack.checked, need)
