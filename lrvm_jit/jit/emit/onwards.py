"""Code that goes from one region straight into another.

Calls, returns and jumps out of a region look up what the kernel would find at the target: an ENTER
entry, and that region's row. If the row is valid for the present translation of addresses, the
region is called in the place of a return: registers, flags and budget are in memory already, where
each region takes them from, so neither needs to know the other.
"""

from __future__ import annotations

from ...core import layout

CALLING_CONVENTION = "preserve_nonecc"
"""Nothing is saved on the way from region to region."""

_ROW_BYTES = 8 * layout.TRANSLATION_FIELDS


def onwards() -> list[str]:
    """The end of a region's function. Everything is stored; `%pc_out` is where to go, `%code` why
    the region was left."""
    lines = [
        "  %code_out = load i64, ptr %code",
        # EXIT_JUMP and EXIT_DYNAMIC: all others are for the kernel.
        f"  %code_class = or i64 %code_out, {layout.EXIT_JUMP | layout.EXIT_DYNAMIC}",
        f"  %jumps = icmp eq i64 %code_class, {layout.EXIT_JUMP | layout.EXIT_DYNAMIC}",
        "  br i1 %jumps, label %look, label %return, !prof !0",
        "look:",
    ]
    names = iter(range(1000))

    def value(text: str) -> str:
        name = f"%on{next(names)}"
        lines.append(f"  {name} = {text}")
        return name

    def field(of: str, index: int, kind: str = "i64") -> str:
        at = value(f"getelementptr i64, ptr {of}, i64 {index}")
        return value(f"load {kind}, ptr {at}")

    def unless(condition: str, label: str) -> None:
        lines.append(f"  br i1 {condition}, label %{label}, label %return, !prof !0")
        lines.append(f"{label}:")

    # The target is in the fetch window that the kernel has open, and aligned.
    turned = value("call i32 @llvm.fshl.i32(i32 %pc_out, i32 %pc_out, i32 30)")
    word = value(f"zext i32 {turned} to i64")
    inside = value(f"sub i64 {word}, {field('%state', layout.FETCH_LOW)}")
    unless(value(f"icmp ult i64 {inside}, {field('%state', layout.FETCH_WORDS)}"), "open")
    base = field("%state", layout.FETCH_BASE)
    index = value(f"add i64 {inside}, {base}")
    ops = field("%state", layout.OPS_ADDRESS, "ptr")
    op_at = value(f"getelementptr i64, ptr {ops}, i64 {index}")
    op = value(f"load i64, ptr {op_at}")
    unless(value(f"icmp eq i8 {value(f'trunc i64 {op} to i8')}, {layout.ENTER}"), "found")
    number = value(f"and i64 {value(f'lshr i64 {op}, 8')}, {0xFFFF}")
    offset = value(f"mul i64 {number}, {_ROW_BYTES}")
    rows = field("%state", layout.TRANSLATIONS_ADDRESS, "ptr")
    row = value(f"getelementptr i8, ptr {rows}, i64 {offset}")
    # What `run_translation` checks: the row has been validated as things are, and where it is met.
    same = [
        (field(row, layout.TRANSLATION_KEY), field("%state", layout.WINDOW_KEY)),
        (field(row, layout.TRANSLATION_CLEAN), field("%state", layout.CLEAN_GENERATION)),
        (
            field(row, layout.TRANSLATION_DELTA),
            value(f"sub i64 {base}, {field('%state', layout.FETCH_LOW)}"),
        ),
    ]
    differences = [value(f"xor i64 {x}, {y}") for x, y in same]
    any_difference = value(f"or i64 {differences[0]}, {differences[1]}")
    any_difference = value(f"or i64 {any_difference}, {differences[2]}")
    unless(value(f"icmp eq i64 {any_difference}, 0"), "valid")
    function = field(row, layout.TRANSLATION_FUNCTION, "ptr")
    selector = value(f"and i64 {value(f'lshr i64 {op}, 24')}, 255")
    answer = value(
        f"musttail call {CALLING_CONVENTION} i64 {function}"
        f"(ptr %regs, ptr %state, ptr {row}, i64 %left_out, i64 {selector})"
    )
    return [
        *lines,
        f"  ret i64 {answer}",
        "return:",
        f"  %row_to = getelementptr i64, ptr %state, i64 {layout.EXIT_ROW}",
        "  %row_word = ptrtoint ptr %row to i64",
        "  store i64 %row_word, ptr %row_to",
        "  ret i64 %code_out",
    ]
