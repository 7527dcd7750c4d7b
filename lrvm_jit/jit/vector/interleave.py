"""From lanes' rows of RAM to the group's layout and back.

While a group runs, its lanes' RAM is interleaved: word 0 of all lanes, then word 1 of all lanes. A
chunk is brought there when it is first accessed, and goes back if it may have been stored to: most
lanes access a small part of what they have. Vectors of words of one lane become vectors of lanes of
one word by a transposition.
"""

from __future__ import annotations

from .memory_map import MemoryMap
from .shape import Shape
from .text import Text, Vector

CHUNK = 16
"""Words that are interleaved together: a cache line of a lane's row."""
ALL_PRESENT, ALL_DIRTY = 0, 1
"""Bytes of the marks: 1 if all chunks are in the group's layout, or may have been stored to."""
PRESENT = 64
"""The first of the bytes for the single chunks; as many more say which may have been stored to."""

RARE = "preserve_mostcc"
"""How functions for what is rare are called: they save the general registers, as the code around
has all in use. Not vectors: what `preserve_allcc` keeps of those of AVX2 is lost when the function
returns, as LLVM clears their upper halves there."""


def chunks_of(memory: MemoryMap) -> int:
    """Chunks of RAM, the last of which may be short."""
    return -(-memory.ram_words // CHUNK)


def interleaving_functions(shape: Shape, memory: MemoryMap) -> str:
    """IR of `fetch`, which interleaves a chunk, `fetch_all`, which does so with all that are not,
    and `put_back`, which brings back what may have been stored to."""
    return f"""
{_chunk_function(shape, memory, "fetch_chunk", back=False)}
{_chunk_function(shape, memory, "put_chunk", back=True)}
define internal {RARE} void @fetch(ptr %rows, ptr %ram, ptr %marks, i32 %chunk) \
noinline cold nounwind {{
  %wide = zext i32 %chunk to i64
  %at = add i64 %wide, {PRESENT}
  %mark = getelementptr i8, ptr %marks, i64 %at
  store i8 1, ptr %mark
  call void @fetch_chunk(ptr %rows, ptr %ram, i64 %wide)
  ret void
}}
{_all_function(memory, RARE, "fetch_all", "fetch_chunk", ALL_PRESENT, PRESENT)}
{_all_function(memory, "", "put_back", "put_chunk", ALL_DIRTY, PRESENT + chunks_of(memory))}"""


def _all_function(
    memory: MemoryMap, convention: str, name: str, of_chunk: str, flag: int, first: int
) -> str:
    """Calls a function for each chunk. `fetch_all`: for those without a mark, which get
    it; `put_back`: for those with a mark, which lose it, or for all if all are marked together."""
    back = name == "put_back"
    wanted = "icmp ne i8 %marked, 0" if back else "icmp eq i8 %marked, 0"
    after = int(not back)
    begin = "%together = load i8, ptr %all" if back else "store i8 1, ptr %all"
    together = "or i8 %present, %together" if back else "or i8 %present, 0"
    return f"""
define internal {convention} void @{name}(ptr %rows, ptr %ram, ptr %marks) noinline nounwind {{
entry:
  %all = getelementptr i8, ptr %marks, i64 {flag}
  {begin}
  br label %loop
loop:
  %chunk = phi i64 [ 0, %entry ], [ %chunk_next, %next ]
  %over = icmp uge i64 %chunk, {chunks_of(memory)}
  br i1 %over, label %out, label %look
look:
  %at = add i64 %chunk, {first}
  %mark = getelementptr i8, ptr %marks, i64 %at
  %present = load i8, ptr %mark
  %marked = {together}
  %wanted = {wanted}
  br i1 %wanted, label %take, label %next
take:
  store i8 {after}, ptr %mark
  call void @{of_chunk}(ptr %rows, ptr %ram, i64 %chunk)
  br label %next
next:
  %chunk_next = add i64 %chunk, 1
  br label %loop
out:
  ret void
}}"""


def _chunk_function(shape: Shape, memory: MemoryMap, name: str, back: bool) -> str:
    """Moves a chunk of all lanes: whole ones by transpositions, the short last one by the word."""
    text, piece = Text(shape), shape.piece
    text.emit(
        f"define internal void @{name}(ptr %rows, ptr %ram, i64 %chunk) noinline nounwind {{",
        "entry:",
        f"  %first = mul i64 %chunk, {CHUNK}",
        f"  %whole = icmp ult i64 %chunk, {memory.ram_words // CHUNK}",
        "  br i1 %whole, label %lanes, label %rest",
        # Pieces of lanes one after the other, to keep the code short.
        "lanes:",
        "  %lane = phi i64 [ 0, %entry ], [ %lane_next, %lanes_end ]",
    )
    for part in range(0, CHUNK, piece):
        word = text.value(f"add i64 %first, {part}")
        rows = [_row(text, word, lane) for lane in range(piece)]
        lines = [_line(text, shape, word, k) for k in range(piece)]
        if back:
            words = Vector(_load(text, line, text.align) for line in lines)
            for row, vector in zip(rows, _transposed(text, words), strict=True):
                _store_changed(text, row, vector)
        else:
            words = Vector(_load(text, row, 4) for row in rows)
            for line, vector in zip(lines, _transposed(text, words), strict=True):
                text.emit(f"  store {text.words} {vector}, ptr {line}, align {text.align}")
    text.emit(
        "  br label %lanes_end",
        "lanes_end:",
        f"  %lane_next = add i64 %lane, {piece}",
        f"  %more = icmp ult i64 %lane_next, {shape.width}",
        "  br i1 %more, label %lanes, label %out",
        *_by_the_word(shape, memory, back),
        "out:",
        "  ret void",
        "}",
    )
    return "\n".join(text.lines)


def _row(text: Text, word: str, lane: int) -> str:
    """Where a word of a lane of the piece from %lane on stands in its row."""
    number = text.value(f"add i64 %lane, {lane}")
    at = text.value(f"getelementptr ptr, ptr %rows, i64 {number}")
    row = text.value(f"load ptr, ptr {at}")
    return text.value(f"getelementptr i32, ptr {row}, i64 {word}")


def _line(text: Text, shape: Shape, word: str, k: int) -> str:
    """Where the k-th word from `word` on of the piece's lanes stands in the group's RAM."""
    number = text.value(f"add i64 {word}, {k}")
    line = text.value(f"mul i64 {number}, {shape.width}")
    place = text.value(f"add i64 {line}, %lane")
    return text.value(f"getelementptr i32, ptr %ram, i64 {place}")


def _load(text: Text, pointer: str, align: int) -> str:
    return text.value(f"load {text.words}, ptr {pointer}, align {align}")


def _store_changed(text: Text, row: str, vector: str) -> None:
    """Store to a row if that changes it: pages of rows that nobody writes take no memory."""
    changed, same = text.label(), text.label()
    bits = text.value(f"icmp ne {text.words} {_load(text, row, 4)}, {vector}")
    packed = text.value(f"bitcast {text.bits} {bits} to i{text.shape.piece}")
    some = text.value(f"icmp ne i{text.shape.piece} {packed}, 0")
    text.emit(
        f"  br i1 {some}, label %{changed}, label %{same}",
        f"{changed}:",
        f"  store {text.words} {vector}, ptr {row}, align 4",
        f"  br label %{same}",
        f"{same}:",
    )


def _transposed(text: Text, rows: Vector) -> Vector:
    """Element i of vector k becomes element k of vector i: blocks of 1, 2, 4 ... words change
    places between pairs of vectors."""
    size, distance = len(rows), 1
    while distance < size:
        after = list(rows)
        for i in (i for i in range(size) if not i & distance):
            low = [size + k - distance if k & distance else k for k in range(size)]
            high = [size + k if k & distance else k + distance for k in range(size)]
            for place, picked in ((i, low), (i + distance, high)):
                order = ", ".join(f"i32 {k}" for k in picked)
                after[place] = text.value(
                    f"shufflevector {text.words} {rows[i]}, {text.words} {rows[i + distance]}, "
                    f"<{size} x i32> <{order}>"
                )
        rows, distance = Vector(after), 2 * distance
    return rows


def _by_the_word(shape: Shape, memory: MemoryMap, back: bool) -> list[str]:
    source, target = ("%place", "%word_at") if back else ("%word_at", "%place")
    return [
        "rest:",
        "  %row_lane = phi i64 [ 0, %entry ], [ %row_next, %row_end ]",
        "  %row_at = getelementptr ptr, ptr %rows, i64 %row_lane",
        "  %row = load ptr, ptr %row_at",
        "  br label %words",
        "words:",
        "  %word = phi i64 [ %first, %rest ], [ %word_next, %words ]",
        "  %word_at = getelementptr i32, ptr %row, i64 %word",
        f"  %line = mul i64 %word, {shape.width}",
        "  %index = add i64 %line, %row_lane",
        "  %place = getelementptr i32, ptr %ram, i64 %index",
        f"  %value = load i32, ptr {source}, align 4",
        f"  store i32 %value, ptr {target}, align 4",
        "  %word_next = add i64 %word, 1",
        f"  %more_words = icmp ult i64 %word_next, {memory.ram_words}",
        "  br i1 %more_words, label %words, label %row_end",
        "row_end:",
        "  %row_next = add i64 %row_lane, 1",
        f"  %more_rows = icmp ult i64 %row_next, {shape.width}",
        "  br i1 %more_rows, label %rest, label %out",
    ]
