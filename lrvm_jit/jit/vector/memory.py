"""Loads and stores of many lanes.

While a group runs its lanes' RAM is interleaved (`interleave`). So lanes that access the same
address, which is the usual case, make one access with a vector. Where addresses differ the words
are gathered, and stores are scattered. ROM, which all lanes share, is gathered too. What is
neither leaves to the scalar path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .interleave import ALL_DIRTY, ALL_PRESENT, CHUNK, PRESENT, RARE, chunks_of
from .memory_map import MemoryMap
from .shape import VectorUnit, vector_unit
from .text import Vector

if TYPE_CHECKING:
    from .ranges import Range
    from .target import LaneTarget, Value
    from .text import Text


def load(on: LaneTarget, address: Value) -> Value:
    on.text.loads = True
    if isinstance(address, int):
        if (index := on.memory.in_ram(address)) is not None:
            return _same_word(on, str(index))
        if (index := on.memory.in_rom(address)) is not None:
            return _rom_word(on.text, str(index))
        on.refuse("true")
        return 0
    if isinstance(address, str):
        return _load_shared(on, address)
    return _load_each(on, address)


def store(on: LaneTarget, address: Value, value: Value) -> None:
    on.text.stores = True
    if isinstance(address, int):
        if (place := on.memory.in_ram(address)) is None:
            on.refuse("true")
        else:
            _store_same(on, str(place), on.vector(value))
        return
    vector, text = on.vector(value), on.text
    places = _turned(on, address, on.memory.ram_base)
    on.refuse(on.compare("uge", places, on.memory.ram_words))
    if not isinstance(places, Vector):
        _store_same(on, places, vector)
        return
    same, each, done = (text.label() for _ in range(3))
    first = _first(on, places)
    text.emit(f"  br i1 {_all_are(on, places, first)}, label %{same}, label %{each}", f"{same}:")
    _store_same(on, first, vector)
    text.emit(f"  br label %{done}", f"{each}:")
    _store_each(on, places, vector)
    text.emit(f"  br label %{done}", f"{done}:")


def refuse_outside_ram(on: LaneTarget, address: Value) -> None:
    """Leave before an access to what is no RAM."""
    if isinstance(address, int):
        if on.memory.in_ram(address) is None:
            on.refuse("true")
        return
    index = _turned(on, address, on.memory.ram_base)
    on.refuse(on.compare("uge", index, on.memory.ram_words))


# --- addresses ---------------------------------------------------------------------------------


def _turned(on: LaneTarget, address: Value, base: int) -> Value:
    """Indices of words. Of unaligned addresses two bits that are not 0 end up on top: one
    comparison sees to bounds and alignment."""
    inside = on.op("sub", address, base)
    text = on.text
    if isinstance(inside, Vector):
        size = text.shape.piece
        name = f"@llvm.fshl.v{size}i32"
        text.declarations.add(
            f"declare {text.words} {name}({text.words}, {text.words}, {text.words})"
        )
        form = f"call {{w}} {name}({{w}} {{0}}, {{w}} {{0}}, {{w}} splat (i32 30))"
        return text.each(form, inside)
    text.declarations.add("declare i32 @llvm.fshl.i32(i32, i32, i32)")
    return text.value(f"call i32 @llvm.fshl.i32(i32 {inside}, i32 {inside}, i32 30)")


def _first(on: LaneTarget, vector: Vector) -> str:
    """The word of the first lane that goes on here."""
    text = on.text
    if on.going() is None:
        return text.value(f"extractelement {text.words} {vector[0]}, i64 0")
    text.store("given", vector)
    text.declarations.add("declare i32 @llvm.cttz.i32(i32, i1)")
    lanes = text.value("load i32, ptr %mb")
    lane = text.value(f"call i32 @llvm.cttz.i32(i32 {lanes}, i1 true)")
    wide = text.value(f"zext i32 {lane} to i64")
    pointer = text.value(f"getelementptr i32, ptr %given_0, i64 {wide}")
    return text.value(f"load i32, ptr {pointer}")


def _all_are(on: LaneTarget, vector: Vector, word: str) -> str:
    """An i1: whether all lanes that go on here have the word."""
    return _no_lane(on, on.text.each("icmp ne {w} {0}, {1}", vector, on.text.splat(word)))


def _no_lane(on: LaneTarget, bits: Vector) -> str:
    """An i1: that the truth value holds for none of the lanes that go on here."""
    going = on.going()
    if going is not None:
        bits = on.text.each("and {b} {0}, {1}", bits, going)
    return on.text.value(f"xor i1 {on.text.any_lane(bits)}, true")


def _numbers(text: Text, p: int) -> str:
    """The lane numbers of a piece, as a constant."""
    size = text.shape.piece
    return "<" + ", ".join(f"i32 {p * size + k}" for k in range(size)) + ">"


# --- accesses ----------------------------------------------------------------------------------


def _pointer(text: Text, index: str, p: int) -> str:
    width, size = text.shape.width, text.shape.piece
    if index.isdigit():
        return text.value(f"getelementptr i32, ptr %ram, i64 {int(index) * width + p * size}")
    wide = text.value(f"zext i32 {index} to i64")
    scaled = text.value(f"mul i64 {wide}, {width}")
    at = text.value(f"add i64 {scaled}, {p * size}") if p else scaled
    return text.value(f"getelementptr i32, ptr %ram, i64 {at}")


def _make_present(on: LaneTarget, index: str, dirty: bool = False) -> None:
    """See that the chunk of a word, or with "" every chunk, is interleaved."""
    text = on.text
    fetch, go_on = text.label(), text.label()
    if not index:
        mark = text.value(f"getelementptr i8, ptr %marks, i64 {ALL_PRESENT}")
        call = f"call {RARE} void @fetch_all(ptr %rows, ptr %ram, ptr %marks)"
    else:
        chunk = str(int(index) // CHUNK) if index.isdigit() else ""
        chunk = chunk or text.value(f"lshr i32 {index}, {CHUNK.bit_length() - 1}")
        wide = chunk if chunk.isdigit() else text.value(f"zext i32 {chunk} to i64")
        first = text.value(f"getelementptr i8, ptr %marks, i64 {PRESENT}")
        mark = text.value(f"getelementptr i8, ptr {first}, i64 {wide}")
        call = f"call {RARE} void @fetch(ptr %rows, ptr %ram, ptr %marks, i32 {chunk})"
    present = text.value(f"load i8, ptr {mark}")
    absent = text.value(f"icmp eq i8 {present}, 0")
    text.emit(
        f"  br i1 {absent}, label %{fetch}, label %{go_on}, !prof !1",
        f"{fetch}:",
        f"  {call}",
        f"  br label %{go_on}",
        f"{go_on}:",
    )
    if dirty:
        if index:
            mark = text.value(f"getelementptr i8, ptr {mark}, i64 {chunks_of(on.memory)}")
        else:
            mark = text.value(f"getelementptr i8, ptr %marks, i64 {ALL_DIRTY}")
        text.emit(f"  store i8 1, ptr {mark}")


def _same_word(on: LaneTarget, index: str) -> Vector:
    """The same word of RAM of all lanes."""
    _make_present(on, index)
    return _present_word(on.text, index)


def _present_word(text: Text, index: str) -> Vector:
    return Vector(
        text.value(f"load {text.words}, ptr {_pointer(text, index, p)}, align {text.align}")
        for p in range(text.shape.pieces)
    )


def _store_same(on: LaneTarget, index: Value, vector: Vector) -> None:
    assert isinstance(index, str)
    _make_present(on, index, dirty=True)
    text = on.text
    going = on.going()
    if going is not None:
        vector = text.merge(going, vector, _present_word(text, index))
    for p, piece in enumerate(vector):
        pointer = _pointer(text, index, p)
        text.emit(f"  store {text.words} {piece}, ptr {pointer}, align {text.align}")


def _rom_word(text: Text, index: str) -> str:
    wide = index if index.isdigit() else text.value(f"zext i32 {index} to i64")
    pointer = text.value(f"getelementptr i32, ptr %rom, i64 {wide}")
    return text.value(f"load i32, ptr {pointer}, align 4")


def _store_each(on: LaneTarget, places: Vector, vector: Vector) -> None:
    _make_present(on, "", dirty=True)
    text, going = on.text, on.going()
    for p in range(text.shape.pieces):
        if text.shape.mask_registers and text.shape.piece == 16:
            mask = going[p] if going is not None else "splat (i1 true)"
            _scatter_sixteen(text, _interleaved(text, places[p], p), vector[p], mask)
            continue
        place = places[p]
        if going is not None:
            # Lanes that have parted write to a spare word of theirs.
            spare = text.constant(on.memory.ram_words)
            place = text.value(
                f"select {text.bits} {going[p]}, {text.words} {place}, {text.words} {spare}"
            )
        place = _interleaved(text, place, p)
        for k in range(text.shape.piece):
            index = text.value(f"extractelement {text.words} {place}, i64 {k}")
            wide = text.value(f"zext i32 {index} to i64")
            pointer = text.value(f"getelementptr i32, ptr %ram, i64 {wide}")
            word = text.value(f"extractelement {text.words} {vector[p]}, i64 {k}")
            text.emit(f"  store i32 {word}, ptr {pointer}, align 4")


def _interleaved(text: Text, place: str, p: int) -> str:
    """Where the words of a piece's lanes are in the group's RAM."""
    scaled = text.value(f"mul {text.words} {place}, {text.constant(text.shape.width)}")
    return text.value(f"add {text.words} {scaled}, {_numbers(text, p)}")


def _scatter_sixteen(text: Text, index: str, words: str, mask: str) -> None:
    name = "@llvm.x86.avx512.mask.scatter.dpi.512"
    text.declarations.add(f"declare void {name}(ptr, <16 x i1>, <16 x i32>, <16 x i32>, i32)")
    text.emit(
        f"  call void {name}(ptr %ram, <16 x i1> {mask}, <16 x i32> {index}, <16 x i32> {words}, "
        "i32 4)"
    )


def _gather(on: LaneTarget, pointer: str, places: Vector) -> Vector:
    """A word for each lane that goes on here."""
    text, going = on.text, on.going()
    if going is not None and not (text.shape.mask_registers and text.shape.piece == 16):
        # Index 0 is there for everybody.
        places = text.choose(going, places, text.splat(0))
    if pointer == "%ram":
        places = Vector(_interleaved(text, place, p) for p, place in enumerate(places))
    masks = going or text.all_or_none(True)
    return Vector(
        _gather_piece(text, pointer, place, mask) for place, mask in zip(places, masks, strict=True)
    )


def _gather_piece(text: Text, pointer: str, place: str, mask: str) -> str:
    size = text.shape.piece
    if vector_unit() is VectorUnit.AVX512 and size == 16:
        name = "@llvm.x86.avx512.mask.gather.dpi.512"
        text.declarations.add(
            f"declare <16 x i32> {name}(<16 x i32>, ptr, <16 x i32>, <16 x i1>, i32)"
        )
        return text.value(
            f"call <16 x i32> {name}(<16 x i32> zeroinitializer, ptr {pointer}, "
            f"<16 x i32> {place}, <16 x i1> {mask}, i32 4)"
        )
    if vector_unit() is not VectorUnit.PLAIN and size == 8:
        name = "@llvm.x86.avx2.gather.d.d.256"
        text.declarations.add(f"declare <8 x i32> {name}(<8 x i32>, ptr, <8 x i32>, <8 x i32>, i8)")
        return text.value(
            f"call <8 x i32> {name}(<8 x i32> zeroinitializer, ptr {pointer}, <8 x i32> {place}, "
            "<8 x i32> splat (i32 -1), i8 4)"
        )
    result = "poison"
    for k in range(size):
        index = text.value(f"extractelement {text.words} {place}, i64 {k}")
        wide = text.value(f"zext i32 {index} to i64")
        at = text.value(f"getelementptr i32, ptr {pointer}, i64 {wide}")
        word = text.value(f"load i32, ptr {at}, align 4")
        result = text.value(f"insertelement {text.words} {result}, i32 {word}, i64 {k}")
    return result


def _load_shared(on: LaneTarget, address: str) -> Value:
    """From an address that all lanes share."""
    text = on.text
    hit, miss, rom, done = (text.label() for _ in range(4))
    index = _turned(on, address, on.memory.ram_base)
    inside = on.compare("ult", index, on.memory.ram_words)
    text.emit(f"  br i1 {inside}, label %{hit}, label %{miss}, !prof !0", f"{hit}:")
    assert isinstance(index, str)
    words = _same_word(on, index)
    found = text.label()
    text.emit(f"  br label %{found}", f"{found}:", f"  br label %{done}", f"{miss}:")
    place = _turned(on, address, on.memory.rom_base)
    on.refuse(on.compare("uge", place, on.memory.rom_words))
    assert isinstance(place, str)
    text.emit(f"  br label %{rom}", f"{rom}:")
    shared = text.splat(_rom_word(text, place))
    text.emit(f"  br label %{done}", f"{done}:")
    return text.each(f"phi {{w}} [ {{0}}, %{found} ], [ {{1}}, %{rom} ]", words, shared)


def _load_each(on: LaneTarget, address: Vector) -> Vector:
    """From addresses that may differ from lane to lane."""
    text = on.text
    base = on.bases.get(address[0])
    probably_rom = base is not None and on.memory.in_rom(base & ~3) is not None
    ways: list[tuple[Vector, str]] = []
    done, usual, rare = (text.label() for _ in range(3))
    first_base, words = (
        (on.memory.rom_base, on.memory.rom_words)
        if probably_rom
        else (on.memory.ram_base, on.memory.ram_words)
    )
    places = _turned(on, address, first_base)
    assert isinstance(places, Vector)
    if probably_rom and _lies_within(on.range_of(address), on.memory.rom_base, words):
        return _gather(on, "%rom", places)
    outside = on.compare("uge", places, words)
    assert isinstance(outside, Vector)
    text.emit(f"  br i1 {_no_lane(on, outside)}, label %{usual}, label %{rare}, !prof !0")
    text.emit(f"{usual}:")
    if probably_rom:
        ways.append((_gather(on, "%rom", places), usual))
    else:
        same, each = text.label(), text.label()
        first = _first(on, places)
        together = _all_are(on, places, first)
        text.emit(f"  br i1 {together}, label %{same}, label %{each}", f"{same}:")
        found, gathered = text.label(), text.label()
        ways.append((_same_word(on, first), found))
        text.emit(f"  br label %{found}", f"{found}:", f"  br label %{done}", f"{each}:")
        _make_present(on, "")
        ways.append((_gather(on, "%ram", places), gathered))
        text.emit(f"  br label %{gathered}", f"{gathered}:")
    text.emit(f"  br label %{done}", f"{rare}:")
    end = text.label()
    ways.append((_load_any(on, address), end))
    text.emit(f"  br label %{end}", f"{end}:", f"  br label %{done}", f"{done}:")
    return Vector(
        text.value(
            f"phi {text.words} " + ", ".join(f"[ {vector[p]}, %{label} ]" for vector, label in ways)
        )
        for p in range(text.shape.pieces)
    )


def _lies_within(known: Range, base: int, words: int) -> bool:
    """Whether what is known of an address says that it is one of so many words."""
    return base <= known.low and known.high < base + 4 * words and known.zeros >= 2 and not base & 3


def _load_any(on: LaneTarget, address: Vector) -> Vector:
    """Each lane from wherever it is; those whose word is nowhere leave."""
    text = on.text
    _make_present(on, "")
    text.store("given", address)
    lanes = str(text.shape.everybody)
    if on.going() is not None:
        lanes = text.value("load i32, ptr %mb")
    lost = text.value(
        f"call {RARE} i32 @load_any(ptr %ram, ptr %rom, ptr %given_0, ptr %taken_0, i32 {lanes})"
    )
    on.refuse(text.bits_of_lanes(lost))
    return text.load("taken")


def load_any_function(width: int, memory: MemoryMap) -> str:
    """IR that loads a word for each lane from RAM or ROM; returns the lanes whose word is in
    neither."""
    return f"""
define internal {RARE} i32 @load_any(ptr %ram, ptr %rom, ptr %addresses, ptr %words, i32 %lanes) \
noinline cold nounwind {{
entry:
  br label %loop
loop:
  %lane = phi i32 [ 0, %entry ], [ %lane_next, %next ]
  %lost = phi i32 [ 0, %entry ], [ %lost_next, %next ]
  %bit = shl i32 1, %lane
  %wanted = and i32 %lanes, %bit
  %skip = icmp eq i32 %wanted, 0
  br i1 %skip, label %next, label %look
look:
  %wide = zext i32 %lane to i64
  %at = getelementptr i32, ptr %addresses, i64 %wide
  %address = load i32, ptr %at
  %in_ram = sub i32 %address, {_as_signed(memory.ram_base)}
  %ram_index = call i32 @llvm.fshl.i32(i32 %in_ram, i32 %in_ram, i32 30)
  %is_ram = icmp ult i32 %ram_index, {memory.ram_words}
  %in_rom = sub i32 %address, {_as_signed(memory.rom_base)}
  %rom_index = call i32 @llvm.fshl.i32(i32 %in_rom, i32 %in_rom, i32 30)
  %is_rom = icmp ult i32 %rom_index, {memory.rom_words}
  %found = or i1 %is_ram, %is_rom
  br i1 %found, label %take, label %lose
lose:
  %more = or i32 %lost, %bit
  br label %next
take:
  %ram_row = zext i32 %ram_index to i64
  %ram_scaled = mul i64 %ram_row, {width}
  %ram_place = add i64 %ram_scaled, %wide
  %ram_at = getelementptr i32, ptr %ram, i64 %ram_place
  %rom_place = zext i32 %rom_index to i64
  %rom_at = getelementptr i32, ptr %rom, i64 %rom_place
  %source = select i1 %is_ram, ptr %ram_at, ptr %rom_at
  %word = load i32, ptr %source
  %target = getelementptr i32, ptr %words, i64 %wide
  store i32 %word, ptr %target
  br label %next
next:
  %lost_next = phi i32 [ %lost, %loop ], [ %more, %lose ], [ %lost, %take ]
  %lane_next = add i32 %lane, 1
  %end = icmp eq i32 %lane_next, {width}
  br i1 %end, label %out, label %loop
out:
  ret i32 %lost_next
}}"""


def _as_signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word
