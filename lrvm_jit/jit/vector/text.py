"""The text of a function of vector code while it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .shape import Shape


class Vector(list[str]):
    """Names of IR values, one for each piece of the group.

    No tuple, which bodies of instructions return where they have several results.
    """


KIND, X, Y = 32, 33, 34
"""The flags' slots behind those of the registers: see `emit.flags`."""
LEFT, CODE, WAITING = 35, 36, 37
"""Budget left; why the lane has left: `LEFT_CODE` and so on; the pc at which it waits."""
SLOTS = 38

RUNNING, HALTED, LEFT_CODE, DEFERRED, ABSENT = 0, 1, 2, 3, -1
"""CODE of a lane: going on; it has halted; the scalar path must go on with it; it is better off in
another group; there is none."""

NOWHERE = 0xFFFF_FFFF
"""The pc of lanes that wait nowhere: those going on now, and those that have left."""


class Text:
    """Lines, names and vector operations that everything else here is written with."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.lines: list[str] = []
        self.used: set[int] = set()
        """Slots that are loaded when a group is entered, and"""
        self.written: set[int] = set()
        """those that are stored when it is left."""
        self.declarations: set[str] = set()
        self.loads = self.stores = False
        """Whether memory is accessed."""
        self._names = 0
        piece = shape.piece
        self.words = f"<{piece} x i32>"
        self.bits = f"<{piece} x i1>"
        self.align = 4 * piece

    def name(self) -> str:
        self._names += 1
        return f"%n{self._names}"

    def label(self) -> str:
        self._names += 1
        return f"x{self._names}"

    def emit(self, *lines: str) -> None:
        self.lines.extend(lines)

    def value(self, text: str) -> str:
        """A new IR value."""
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name

    @contextmanager
    def elsewhere(self, label: str, out: list[str]) -> Iterator[None]:
        """Write a block that is put behind everything else, with what is rare."""
        lines, self.lines = self.lines, [f"{label}:"]
        try:
            yield
        finally:
            out.extend(self.lines)
            self.lines = lines

    # --- vectors -------------------------------------------------------------------------------

    def constant(self, word: int) -> str:
        """A piece of one constant, to be written after the type."""
        return "zeroinitializer" if word == 0 else f"splat (i32 {_signed(word)})"

    def splat(self, value: int | str) -> Vector:
        """A word in all lanes."""
        pieces = self.shape.pieces
        if isinstance(value, int):
            return Vector([self.constant(value)] * pieces)
        one = self.value(f"insertelement {self.words} poison, i32 {value}, i64 0")
        zeros = f"<{self.shape.piece} x i32> zeroinitializer"
        all_ = self.value(f"shufflevector {self.words} {one}, {self.words} poison, {zeros}")
        return Vector([all_] * pieces)

    def splat_bit(self, bit: str) -> Vector:
        """A truth value in all lanes."""
        one = self.value(f"insertelement {self.bits} poison, i1 {bit}, i64 0")
        zeros = f"<{self.shape.piece} x i32> zeroinitializer"
        all_ = self.value(f"shufflevector {self.bits} {one}, {self.bits} poison, {zeros}")
        return Vector([all_] * self.shape.pieces)

    def each(self, form: str, *vectors: Sequence[str]) -> Vector:
        """A value for each piece: `{0}`, `{1}` ... in `form` are the vectors' pieces, `{w}` and
        `{b}` the types of words and truth values."""
        return Vector(
            self.value(form.format(*pieces, w=self.words, b=self.bits))
            for pieces in zip(*vectors, strict=True)
        )

    def load(self, variable: str) -> Vector:
        """A vector variable: an `alloca` for each piece."""
        return Vector(
            self.value(f"load {self.words}, ptr %{variable}_{p}, align {self.align}")
            for p in range(self.shape.pieces)
        )

    def store(self, variable: str, vector: Vector) -> None:
        for p, piece in enumerate(vector):
            self.emit(f"  store {self.words} {piece}, ptr %{variable}_{p}, align {self.align}")

    def lane_bits(self, bits: Vector) -> str:
        """An i32 with a bit for each lane."""
        total = ""
        for p, piece in enumerate(bits):
            size = self.shape.piece
            packed = self.value(f"bitcast {self.bits} {piece} to i{size}")
            wide = self.value(f"zext i{size} {packed} to i32") if size < 32 else packed
            if p:
                wide = self.value(f"shl i32 {wide}, {p * size}")
                wide = self.value(f"or i32 {total}, {wide}")
            total = wide
        return total

    def bits_of_lanes(self, lanes: str) -> Vector:
        """Truth values from the bits of an i32."""
        size = self.shape.piece
        found = []
        for p in range(self.shape.pieces):
            part = self.value(f"lshr i32 {lanes}, {p * size}") if p else lanes
            small = self.value(f"trunc i32 {part} to i{size}")
            found.append(self.value(f"bitcast i{size} {small} to {self.bits}"))
        return Vector(found)

    def any_lane(self, bits: Vector) -> str:
        """An i1: whether a truth value holds for some lane."""
        return self._combined("or", "ne", bits, 0)

    def every_lane(self, bits: Vector) -> str:
        """An i1: whether a truth value holds for all lanes of the group."""
        return self._combined("and", "eq", bits, -1)

    def _combined(self, name: str, predicate: str, bits: Vector, wanted: int) -> str:
        size, total = self.shape.piece, bits[0]
        for piece in bits[1:]:
            total = self.value(f"{name} {self.bits} {total}, {piece}")
        packed = self.value(f"bitcast {self.bits} {total} to i{size}")
        return self.value(f"icmp {predicate} i{size} {packed}, {wanted}")

    # --- the mask ------------------------------------------------------------------------------

    @property
    def mask_kind(self) -> tuple[str, int]:
        """Type of a piece of the mask where it is kept, and its alignment."""
        return (self.bits, 8) if self.shape.mask_registers else (self.words, self.align)

    def going(self) -> Vector:
        """Truth values of the lanes of the mask."""
        kind, align = self.mask_kind
        pieces = range(self.shape.pieces)
        mask = Vector(self.value(f"load {kind}, ptr %m_{p}, align {align}") for p in pieces)
        if self.shape.mask_registers:
            return mask
        return self.each("icmp slt {w} {0}, zeroinitializer", mask)

    def set_going(self, bits: Vector) -> None:
        """Other lanes go on now."""
        kind, align = self.mask_kind
        if not self.shape.mask_registers:
            bits = self.each("sext {b} {0} to {w}", bits)
        for p, piece in enumerate(bits):
            self.emit(f"  store {kind} {piece}, ptr %m_{p}, align {align}")

    def all_or_none(self, everybody: bool) -> Vector:
        """The truth value, for all lanes."""
        return Vector([f"splat (i1 {str(everybody).lower()})"] * self.shape.pieces)

    # --- choices -------------------------------------------------------------------------------

    def smallest(self, vector: Vector, signed: bool) -> str:
        """The smallest word of all lanes."""
        kind = "smin" if signed else "umin"
        size = self.shape.piece
        self.declarations.add(
            f"declare {self.words} @llvm.{kind}.v{size}i32({self.words}, {self.words})"
        )
        self.declarations.add(f"declare i32 @llvm.vector.reduce.{kind}.v{size}i32({self.words})")
        least = vector[0]
        for piece in vector[1:]:
            least = self.value(
                f"call {self.words} @llvm.{kind}.v{size}i32"
                f"({self.words} {least}, {self.words} {piece})"
            )
        return self.value(f"call i32 @llvm.vector.reduce.{kind}.v{size}i32({self.words} {least})")

    def choose(self, bits: Vector, x: Vector, y: Vector) -> Vector:
        """`x` where the truth value holds, else `y`."""
        return self.each("select {b} {0}, {w} {1}, {w} {2}", bits, x, y)

    def merge(self, bits: Vector, x: Vector, y: Vector) -> Vector:
        """As `choose`, for what is stored to memory: LLVM makes a masked store of a choice, which
        processors without mask registers do slowly."""
        if self.shape.mask_registers:
            return self.choose(bits, x, y)
        mask = self.each("sext {b} {0} to {w}", bits)
        other = self.each("xor {w} {0}, {1}", x, y)
        chosen = self.each("and {w} {0}, {1}", other, mask)
        return self.each("xor {w} {0}, {1}", chosen, y)


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word
