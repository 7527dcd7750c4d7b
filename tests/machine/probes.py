"""Components for tests: they keep a record of what the bus asks of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lrvm_jit import Category, Component, HardwareError, Metadata, Motherboard


@dataclass(frozen=True)
class Access:
    """One access as the component saw it, with the CPU's state at that moment."""

    kind: str
    offset: int
    value: int
    cycles: int
    pc: int


@dataclass(eq=False)
class Probe(Component):
    """Memory behind the bus that notes every access.

    `fail` maps (kind, offset) to the exception to raise there; `on_access` is called before an
    access is answered.
    """

    size: int = 0x1000
    words: dict[int, int] = field(default_factory=dict)
    fail: dict[tuple[str, int], BaseException] = field(default_factory=dict)
    on_access: Callable[[str, int, int], object] | None = None
    name: str = "Probe"
    resets: int = 0
    closed: int = 0
    accesses: list[Access] = field(default_factory=list)
    board: Motherboard | None = None

    def metadata(self) -> Metadata:
        return Metadata(
            hardware_id=0xAABBCCDD_11223344,
            size=self.size,
            category=Category.PLATFORM_SPECIFIC,
            type=0x77,
            model=0x99,
            data=0x0102030405060708,
        )

    def read(self, offset: int) -> int:
        word = self.words.get(offset, 0)
        self._note("read", offset, word)
        return word

    def write(self, offset: int, word: int) -> None:
        self._note("write", offset, word)
        self.words[offset] = word

    def reset(self) -> None:
        self._note("reset", 0, 0)
        self.resets += 1

    def close(self) -> None:
        self.closed += 1
        if ("close", 0) in self.fail:
            raise self.fail["close", 0]

    def _note(self, kind: str, offset: int, value: int) -> None:
        cycles, pc = 0, 0
        if self.board is not None:
            cycles, pc = self.board.cpu.cycles, self.board.cpu.regs.pc
        self.accesses.append(Access(kind, offset, value, cycles, pc))
        if self.on_access is not None:
            self.on_access(kind, offset, value)
        error = self.fail.get((kind, offset))
        if error is not None:
            raise error

    @property
    def log(self) -> list[tuple[str, int, int]]:
        """Kind, offset and value of every access so far."""
        return [(access.kind, access.offset, access.value) for access in self.accesses]

    def load(self, offset: int, words: Sequence[int]) -> None:
        """Put words there without a trace in the record."""
        for k, word in enumerate(words):
            self.words[offset + 4 * k] = int(word)


def refusal(word: int) -> HardwareError:
    """The hardware error with these 16 bits."""
    return HardwareError.from_word(word)


ACCESSES = {
    "lsa": ("lsa a1, a0, 4", "read", 4),
    "lea": ("lea a0, 1, 4", "read", 4),
    "wsa": ("wsa a0, 4, a1", "write", 4),
    "wea": ("wea a0, 1, 4", "write", 4),
    "srm read": ("srm a0, 4, a1", "read", 4),
    "srm write": ("srm a0, 4, a1", "write", 4),
    "push": ("push a1", "write", 0x3C),
    "pop": ("pop a1", "read", 0x40),
    "call": ("call 0", "write", 0x3C),
    "ret": ("ret", "read", 0x40),
}
"""Instructions that access a component, with a0 at its start and ssp at 0x40: kind, offset."""
