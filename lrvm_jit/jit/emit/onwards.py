"""How a region takes over from other native code, and hands on to it.

A region is entered as all native code is (`core.native_abi`). Calls, returns and jumps out of it go
on by the table: in code of the baseline, or in another region. Where the board has no table they
look up what the kernel would find at the target: an ENTER entry, and that region's row.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...core import layout
from ...core import native_abi as abi
from .. import native_ir
from .frame import Frame

_ROW_BYTES = 8 * layout.TRANSLATION_FIELDS
_FLAGS = ("flag_kind", "flag_x", "flag_y")


def head(symbol: str) -> str:
    """The head of a region's function, up to its brace."""
    parameters = native_ir.PARAMETERS.replace("ptr %", "ptr noalias %")
    return f"define {abi.CONVENTION} void @{symbol}({parameters}) nounwind #0 {{"


def _pins(frame: Frame) -> Iterator[tuple[str, int]]:
    """The arguments that are guest registers, and which."""
    for number, register in enumerate(abi.DEFAULT_PINS):
        yield f"pin{number}", int(register)
    yield "sp", frame.stack_register


class _Lines:
    """IR that is being written, with names that nothing else in the function has."""

    def __init__(self, prefix: str) -> None:
        self.names = native_ir.Names(prefix)
        self.lines: list[str] = []

    def value(self, text: str) -> str:
        name = self.names.value()
        self.lines.append(f"  {name} = {text}")
        return name

    def field(self, of: str, word: int, kind: str = "i64") -> str:
        return self.value(f"load {kind}, ptr {self.place(of, word)}")

    def place(self, of: str, word: int) -> str:
        return self.value(f"getelementptr i64, ptr {of}, i64 {word}")

    def store(self, value: str, of: str, word: int) -> None:
        self.lines.append(f"  store i64 {value}, ptr {self.place(of, word)}")


def take_over(frame: Frame) -> list[str]:
    """The beginning of a region's function: everything goes where blocks find it, `%state`, `%row`
    and `%arena` are addresses."""
    write = _Lines("in")
    write.lines.append("start:")
    for register in sorted(frame.used):
        write.lines.append(f"  %r{register} = alloca i32")
    for name in (*_FLAGS, "pc", "address"):
        write.lines.append(f"  %{name} = alloca i32")
    for name in ("left", "code"):
        write.lines.append(f"  %{name} = alloca i64")
    write.lines.append("  %stack_at = alloca ptr")
    state_at = write.place("%context", abi.STATE)
    write.lines.append(f"  %state = load ptr, ptr {state_at}, !invariant.load !2")
    write.lines.append("  %row = inttoptr i64 %scratch1 to ptr")
    arena_at = write.place("%state", layout.ARENA_ADDRESS)
    write.lines.append(f"  %arena = load ptr, ptr {arena_at}, !invariant.load !2")
    pinned = {register: name for name, register in _pins(frame)}
    for register in sorted(frame.used):
        if register in pinned:
            word = write.value(f"trunc i64 %{pinned[register]} to i32")
        else:
            at = write.value(f"getelementptr i32, ptr %context, i64 {register}")
            word = write.value(f"load i32, ptr {at}")
        write.lines.append(f"  store i32 {word}, ptr %r{register}")
    write.lines.append(f"  store i32 {layout.FLAGS_RAW}, ptr %flag_kind")
    result = write.value("trunc i64 %result to i32")
    write.lines.append(f"  store i32 {result}, ptr %flag_x")
    carry = write.value(f"and i64 {write.value('lshr i64 %result, 32')}, 1")
    mixed = write.value("xor i64 %mix, %result")
    mixed = write.value(f"xor i64 {mixed}, {write.value('lshr i64 %result, 1')}")
    overflow = write.value(f"and i64 {write.value(f'lshr i64 {mixed}, 30')}, 2")
    both = write.value(f"trunc i64 {write.value(f'or i64 {carry}, {overflow}')} to i32")
    write.lines += [
        f"  store i32 {both}, ptr %flag_y",
        "  store i64 %budget, ptr %left",
        "  store i32 0, ptr %address",
    ]
    return write.lines


def hand_on(frame: Frame) -> list[str]:
    """The end of a region's function, at the label `leave`: `%pc` is where to go, `%code` why."""
    write = _Lines("out")
    write.lines.append("leave:")
    values: dict[str, str] = {}
    pinned = {register: name for name, register in _pins(frame)}
    for register in sorted(frame.written):
        word = write.value(f"load i32, ptr %r{register}")
        if register in pinned:
            values[pinned[register]] = write.value(f"zext i32 {word} to i64")
        else:
            at = write.value(f"getelementptr i32, ptr %context, i64 {register}")
            write.lines.append(f"  store i32 {word}, ptr {at}")
    left = values["budget"] = write.value("load i64, ptr %left")
    values["result"], values["mix"] = _flags(write, frame.flag_kinds)
    done = write.value(f"sub i64 %budget, {left}")
    for of, count in (("%state", layout.TRANSLATED), ("%row", layout.TRANSLATION_EXECUTED)):
        before = write.field(of, count)
        write.store(write.value(f"add i64 {before}, {done}"), of, count)
    pc = write.value("load i32, ptr %pc")
    code = write.value("load i64, ptr %code")
    # EXIT_JUMP and EXIT_DYNAMIC: all others are for the kernel.
    jumping = layout.EXIT_JUMP | layout.EXIT_DYNAMIC
    together = write.value(f"or i64 {code}, {jumping}")
    jumps = write.value(f"icmp eq i64 {together}, {jumping}")
    write.lines += [f"  br i1 {jumps}, label %look, label %return, !prof !0", "look:"]
    lines, found = native_ir.through_table(write.names, pc, "regions")
    write.lines += [*lines, *native_ir.tail(found, values), "regions:"]
    _to_region(write, pc, values)
    write.lines.append("return:")
    write.store("0", "%context", abi.EXIT_SITE)
    for value, field in (
        (write.value(f"zext i32 {pc} to i64"), abi.EXIT_PC),
        (code, abi.EXIT_REASON),
        (
            write.value(f"zext i32 {write.value('load i32, ptr %address')} to i64"),
            abi.EXIT_ADDRESS,
        ),
        (left, abi.LEFT),
        (values["result"], abi.RESULT),
        (values["mix"], abi.MIX),
    ):
        write.store(value, "%context", field)
    for name, register in _pins(frame):
        word_out = write.value(f"trunc i64 {values.get(name, f'%{name}')} to i32")
        at = write.value(f"getelementptr i32, ptr %context, i64 {register}")
        write.lines.append(f"  store i32 {word_out}, ptr {at}")
    write.store("%scratch1", "%state", layout.EXIT_ROW)
    write.lines.append("  ret void")
    return write.lines


def _flags(write: _Lines, kinds: set[int]) -> tuple[str, str]:
    """The flags as native code hands them on, two words; `kinds` may have set them here.

    Whoever called the region may have set them, too: that is FLAGS_RAW. What sets CF and OF apart
    from each other goes into bit 31 of the second word.
    """
    kind, x, y = (write.value(f"load i32, ptr %{name}") for name in _FLAGS)
    wide_x, wide_y = (write.value(f"zext i32 {word} to i64") for word in (x, y))
    carry = write.value(f"shl i64 {wide_y}, 32")
    carry = write.value(f"and i64 {carry}, {1 << 32}")
    result = write.value(f"or i64 {wide_x}, {carry}")
    odd = write.value(f"xor i64 {wide_y}, {write.value(f'lshr i64 {wide_y}, 1')}")
    mix = _mixed(write, result, odd)
    for rule, name in ((layout.FLAGS_ADD, "add"), (layout.FLAGS_SUB, "sub")):
        if rule in kinds:
            is_it = write.value(f"icmp eq i32 {kind}, {rule}")
            summed = write.value(f"{name} i64 {wide_x}, {wide_y}")
            apart = write.value(f"xor i64 {wide_x}, {wide_y}")
            result = write.value(f"select i1 {is_it}, i64 {summed}, i64 {result}")
            mix = write.value(f"select i1 {is_it}, i64 {apart}, i64 {mix}")
    if layout.FLAGS_MUL in kinds:
        is_it = write.value(f"icmp eq i32 {kind}, {layout.FLAGS_MUL}")
        product = write.value(f"mul i64 {wide_x}, {wide_y}")
        big = write.value(f"icmp ugt i64 {product}, {layout.WORD}")
        low = write.value(f"and i64 {product}, {layout.WORD}")
        carry = write.value(f"select i1 {big}, i64 {1 << 32}, i64 0")
        whole = write.value(f"or i64 {low}, {carry}")
        signed_x, signed_y = (write.value(f"sext i32 {word} to i64") for word in (x, y))
        signed = write.value(f"mul i64 {signed_x}, {signed_y}")
        back = write.value(f"sext i32 {write.value(f'trunc i64 {signed} to i32')} to i64")
        overflows = write.value(f"icmp ne i64 {signed}, {back}")
        differs = write.value(f"zext i1 {write.value(f'xor i1 {overflows}, {big}')} to i64")
        both = _mixed(write, whole, differs)
        result = write.value(f"select i1 {is_it}, i64 {whole}, i64 {result}")
        mix = write.value(f"select i1 {is_it}, i64 {both}, i64 {mix}")
    return result, mix


def _mixed(write: _Lines, result: str, differs: str) -> str:
    """The second word of flags: the first one, with whether CF and OF differ, which is bit 0 of a
    word, in bit 31."""
    bit = write.value(f"and i64 {write.value(f'shl i64 {differs}, 31')}, {1 << 31}")
    return write.value(f"xor i64 {result}, {bit}")


def _to_region(write: _Lines, pc: str, values: dict[str, str]) -> None:
    """Go on in the region that is entered at pc, else at the label `return`."""

    def unless(condition: str) -> None:
        label = write.names.label()
        write.lines.append(f"  br i1 {condition}, label %{label}, label %return, !prof !0")
        write.lines.append(f"{label}:")

    # The target is in the fetch window that the kernel has open, and aligned.
    turned = write.value(f"call i32 @llvm.fshl.i32(i32 {pc}, i32 {pc}, i32 30)")
    word = write.value(f"zext i32 {turned} to i64")
    inside = write.value(f"sub i64 {word}, {write.field('%state', layout.FETCH_LOW)}")
    unless(write.value(f"icmp ult i64 {inside}, {write.field('%state', layout.FETCH_WORDS)}"))
    base = write.field("%state", layout.FETCH_BASE)
    index = write.value(f"add i64 {inside}, {base}")
    ops = write.field("%state", layout.OPS_ADDRESS, "ptr")
    op = write.value(f"load i64, ptr {write.value(f'getelementptr i64, ptr {ops}, i64 {index}')}")
    unless(write.value(f"icmp eq i8 {write.value(f'trunc i64 {op} to i8')}, {layout.ENTER}"))
    number = write.value(f"and i64 {write.value(f'lshr i64 {op}, 8')}, {0xFFFF}")
    offset = write.value(f"mul i64 {number}, {_ROW_BYTES}")
    rows = write.field("%context", abi.ROWS, "ptr")
    row = write.value(f"getelementptr i8, ptr {rows}, i64 {offset}")
    # It has been validated as things are, and where it is met.
    for mine, present in (
        (abi.ROW_KEY, abi.SLOT_KEY),
        (abi.ROW_CLEAN, abi.SLOT_CLEAN),
        (abi.ROW_DELTA, abi.FETCH_DELTA),
    ):
        now = write.field("%context", present)
        unless(write.value(f"icmp eq i64 {write.field(row, mine)}, {now}"))
    function = write.field(row, abi.ROW_FUNCTION, "ptr")
    selector = write.value(f"and i64 {write.value(f'lshr i64 {op}, 24')}, 255")
    at = write.value(f"ptrtoint ptr {row} to i64")
    write.lines += native_ir.tail(function, {**values, "scratch0": selector, "scratch1": at})
