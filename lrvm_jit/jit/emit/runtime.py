"""IR that generated code calls: for what is rare or too long to repeat."""

from __future__ import annotations

from ...core import layout

DECLARATIONS = {
    "fshl": "declare i32 @llvm.fshl.i32(i32, i32, i32)",
    "umul": "declare {i32, i1} @llvm.umul.with.overflow.i32(i32, i32)",
    "smul": "declare {i32, i1} @llvm.smul.with.overflow.i32(i32, i32)",
    "usub.sat": "declare i32 @llvm.usub.sat.i32(i32, i32)",
}


def _window_helper(name: str, access: int) -> str:
    """Looks into the kernel's table of windows for an address outside its slot.

    Returns the host's address of the word, or null. Notes the window as the slot's wish: the
    next time the region is entered the slot has it. Without a slot nothing is noted.
    """
    first = layout.WINDOWS + access * layout.WINDOW_SLOTS * layout.WINDOW_FIELDS
    return f"""
define internal preserve_mostcc ptr @{name}(ptr %state, ptr %row, i32 %slot, i32 %address) \
noinline cold nounwind {{
  %page = lshr i32 %address, 10
  %number = and i32 %page, {layout.WINDOW_SLOTS - 1}
  %scaled = mul i32 %number, {layout.WINDOW_FIELDS}
  %index = add i32 %scaled, {first}
  %index_wide = zext i32 %index to i64
  %window = getelementptr i64, ptr %state, i64 %index_wide
  %low = load i64, ptr %window
  %key_at = getelementptr i64, ptr %state, i64 {layout.WINDOW_KEY}
  %key = load i64, ptr %key_at
  %wide = zext i32 %address to i64
  %tagged = add i64 %key, %wide
  %inside = sub i64 %tagged, %low
  %bytes_at = getelementptr i64, ptr %window, i64 {layout.WINDOW_BYTES}
  %bytes = load i64, ptr %bytes_at
  %within = icmp ult i64 %inside, %bytes
  %base_at = getelementptr i64, ptr %window, i64 {layout.WINDOW_BASE}
  %base = load i64, ptr %base_at
  %plain = icmp sge i64 %base, 0
  %odd = and i32 %address, 3
  %aligned = icmp eq i32 %odd, 0
  %both = and i1 %within, %plain
  %all = and i1 %both, %aligned
  br i1 %all, label %found, label %missing
found:
  %has_slot = icmp ne i32 %slot, {layout.NO_SLOT}
  br i1 %has_slot, label %wishing, label %known
wishing:
  %slot_offset = mul i32 %slot, {layout.SLOT_FIELDS}
  %wish_index = add i32 %slot_offset, {layout.TRANSLATION_SLOTS + layout.SLOT_WISH}
  %wish_wide = zext i32 %wish_index to i64
  %wish = getelementptr i64, ptr %row, i64 %wish_wide
  store i64 %index_wide, ptr %wish
  %wished = getelementptr i64, ptr %row, i64 {layout.TRANSLATION_WISHED}
  store i64 1, ptr %wished
  %any_at = getelementptr i64, ptr %state, i64 {layout.WISHED}
  store i64 1, ptr %any_at
  br label %known
known:
  %arena_at = getelementptr i64, ptr %state, i64 {layout.ARENA_ADDRESS}
  %arena = load ptr, ptr %arena_at
  %base_bytes = mul i64 %base, 4
  %offset = add i64 %base_bytes, %inside
  %result = getelementptr i8, ptr %arena, i64 %offset
  ret ptr %result
missing:
  ret ptr null
}}"""


_ALL_FLAGS = f"""
define internal i32 @all_flags(i32 %kind, i32 %x, i32 %y) noinline nounwind memory(none) {{
  %sum = add i32 %x, %y
  %difference = sub i32 %x, %y
  %wide_x = zext i32 %x to i64
  %wide_y = zext i32 %y to i64
  %long = mul i64 %wide_x, %wide_y
  %product = trunc i64 %long to i32
  %high = lshr i64 %long, 32
  %is_add = icmp eq i32 %kind, {layout.FLAGS_ADD}
  %is_sub = icmp eq i32 %kind, {layout.FLAGS_SUB}
  %is_mul = icmp eq i32 %kind, {layout.FLAGS_MUL}
  %r1 = select i1 %is_add, i32 %sum, i32 %x
  %r2 = select i1 %is_sub, i32 %difference, i32 %r1
  %r = select i1 %is_mul, i32 %product, i32 %r2
  %raw_c = trunc i32 %y to i1
  %add_c = icmp ult i32 %sum, %x
  %sub_c = icmp ult i32 %x, %y
  %mul_c = icmp ne i64 %high, 0
  %c1 = select i1 %is_add, i1 %add_c, i1 %raw_c
  %c2 = select i1 %is_sub, i1 %sub_c, i1 %c1
  %c = select i1 %is_mul, i1 %mul_c, i1 %c2
  %raw_o_word = lshr i32 %y, 1
  %raw_o = trunc i32 %raw_o_word to i1
  %x_sum = xor i32 %x, %sum
  %y_sum = xor i32 %y, %sum
  %add_sign = and i32 %x_sum, %y_sum
  %add_o = icmp slt i32 %add_sign, 0
  %x_y = xor i32 %x, %y
  %x_difference = xor i32 %x, %difference
  %sub_sign = and i32 %x_y, %x_difference
  %sub_o = icmp slt i32 %sub_sign, 0
  %signed_x = sext i32 %x to i64
  %signed_y = sext i32 %y to i64
  %signed_long = mul i64 %signed_x, %signed_y
  %back = sext i32 %product to i64
  %mul_o = icmp ne i64 %signed_long, %back
  %o1 = select i1 %is_add, i1 %add_o, i1 %raw_o
  %o2 = select i1 %is_sub, i1 %sub_o, i1 %o1
  %o = select i1 %is_mul, i1 %mul_o, i1 %o2
  %z = icmp eq i32 %r, 0
  %s = icmp slt i32 %r, 0
  %low_bit = and i32 %r, 1
  %e = icmp eq i32 %low_bit, 0
  %zu = icmp ult i32 %r, 65536
  %low_half = and i32 %r, 65535
  %zl = icmp eq i32 %low_half, 0
  %f0 = select i1 %z, i32 128, i32 0
  %f1 = select i1 %c, i32 64, i32 0
  %f2 = select i1 %o, i32 32, i32 0
  %f3 = select i1 %s, i32 16, i32 0
  %f4 = select i1 %e, i32 8, i32 0
  %f5 = select i1 %zu, i32 4, i32 0
  %f6 = select i1 %zl, i32 2, i32 0
  %g1 = or i32 %f0, %f1
  %g2 = or i32 %g1, %f2
  %g3 = or i32 %g2, %f3
  %g4 = or i32 %g3, %f4
  %g5 = or i32 %g4, %f5
  %af = or i32 %g5, %f6
  ret i32 %af
}}"""

_CYCLES = f"""
define internal i32 @cycles(ptr %state, i64 %left) alwaysinline nounwind {{
  %count_at = getelementptr i64, ptr %state, i64 {layout.CYCLES}
  %count = load i64, ptr %count_at
  %budget_at = getelementptr i64, ptr %state, i64 {layout.BUDGET}
  %budget = load i64, ptr %budget_at
  %sum = add i64 %count, %budget
  %now = sub i64 %sum, %left
  %untouched_at = getelementptr i64, ptr %state, i64 {layout.UNTOUCHED}
  store i64 0, ptr %untouched_at
  %word = trunc i64 %now to i32
  ret i32 %word
}}"""

HELPERS = {
    "window_read": _window_helper("window_read", layout.READ),
    "window_write": _window_helper("window_write", layout.CLEAN),
    "all_flags": _ALL_FLAGS,
    "cycles": _CYCLES,
}
