"""LLVM IR of the native calling convention (`core.native_abi`), as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from ..core import native_abi as abi

_KINDS = ["ptr" if name == "context" else "i64" for name in abi.ARGUMENTS]
PARAMETERS = ", ".join(f"{kind} %{name}" for kind, name in zip(_KINDS, abi.ARGUMENTS, strict=True))
TYPE = f"void ({', '.join(_KINDS)})"


def define(name: str, attributes: str = "nounwind") -> str:
    """The head of a function, up to its brace."""
    return f"define {abi.CONVENTION} void @{name}({PARAMETERS}) {attributes} {{"


def declare(name: str) -> str:
    return f"declare {abi.CONVENTION} void @{name}({', '.join(_KINDS)})"


def tail(code: str, values: Mapping[str, str]) -> list[str]:
    """A jump to `code`, a pointer value: with these arguments, the others as they came in, and
    nothing in the scratch ones that are not given."""
    arguments = []
    for kind, name in zip(_KINDS, abi.ARGUMENTS, strict=True):
        usual = "poison" if name.startswith("scratch") else f"%{name}"
        arguments.append(f"{kind} {values.get(name, usual)}")
    return [
        f"  musttail call {abi.CONVENTION} void {code}({', '.join(arguments)})",
        "  ret void",
    ]


class Names:
    """New names of values and labels."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._numbers = count()

    def value(self) -> str:
        return f"%{self._prefix}v{next(self._numbers)}"

    def label(self) -> str:
        return f"{self._prefix}l{next(self._numbers)}"


def field(names: Names, word: int, kind: str = "i64") -> tuple[list[str], str]:
    """Load a word of the context."""
    at, value = names.value(), names.value()
    lines = [
        f"  {at} = getelementptr i8, ptr %context, i64 {8 * word}",
        f"  {value} = load {kind}, ptr {at}",
    ]
    return lines, value


def through_table(names: Names, pc: str, out: str) -> tuple[list[str], str]:
    """From an i32 `pc` to the native code that stands for it: a pointer.

    Branches to the label `out` where there is none.
    """
    lines, low = field(names, abi.FETCH_LOW, "i32")
    more, words = field(names, abi.FETCH_WORDS, "i32")
    inside, turned, within, found, wide, at, code, nothing, go_on = (
        names.value() if k not in (3, 8) else names.label() for k in range(9)
    )
    table_lines, table = field(names, abi.FETCH_TABLE, "ptr")
    lines += more
    lines += [
        f"  {inside} = sub i32 {pc}, {low}",
        f"  {turned} = call i32 @llvm.fshl.i32(i32 {inside}, i32 {inside}, i32 30)",
        f"  {within} = icmp ult i32 {turned}, {words}",
        f"  br i1 {within}, label %{found}, label %{out}, !prof !0",
        f"{found}:",
        *table_lines,
        f"  {wide} = zext i32 {turned} to i64",
        f"  {at} = getelementptr i64, ptr {table}, i64 {wide}",
        f"  {code} = load ptr, ptr {at}",
        f"  {nothing} = icmp eq ptr {code}, null",
        f"  br i1 {nothing}, label %{out}, label %{go_on}, !prof !1",
        f"{go_on}:",
    ]
    return lines, code


def slot_word(names: Names, slot: str, address: str, out: str) -> tuple[list[str], str, str]:
    """The host's address of the word at an i32 guest address, through a window slot, and the word's
    number in it, an i64: for a miss that is what exits tell (`abi.EXIT_ADDRESS`).

    `slot` is the slot's byte offset from the context, an i64. Branches to `out` on a miss.
    """
    at, low, inside, turned, words_at, words, within = (names.value() for _ in range(7))
    base_at, base, wide, pointer = (names.value() for _ in range(4))
    found = names.label()
    lines = [
        f"  {at} = getelementptr i8, ptr %context, i64 {slot}",
        f"  {low} = load i32, ptr {at}",
        f"  {inside} = add i32 {address}, {low}",
        f"  {turned} = call i32 @llvm.fshl.i32(i32 {inside}, i32 {inside}, i32 30)",
        f"  {words_at} = getelementptr i8, ptr {at}, i64 4",
        f"  {words} = load i32, ptr {words_at}",
        f"  {wide} = zext i32 {turned} to i64",
        f"  {within} = icmp ult i32 {turned}, {words}",
        f"  br i1 {within}, label %{found}, label %{out}, !prof !0",
        f"{found}:",
        f"  {base_at} = getelementptr i8, ptr {at}, i64 8",
        f"  {base} = load ptr, ptr {base_at}",
        f"  {pointer} = getelementptr i32, ptr {base}, i64 {wide}",
    ]
    return lines, pointer, wide


MODULE_END: Sequence[str] = (
    "declare i32 @llvm.fshl.i32(i32, i32, i32)",
    '!0 = !{!"branch_weights", i32 1000000, i32 1}',
    '!1 = !{!"branch_weights", i32 1, i32 1000000}',
)
"""What functions made of these lines need besides."""
