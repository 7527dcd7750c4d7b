"""What samples of a guest's execution have shown, from the first one on.

A sample is a few instructions in a row that the kernel has executed one by one (`layout`:
SAMPLES_LEFT). It shows what runs, whether that is translated or not, where jumps go and which
memory is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .profile import Profile
from .region import PlainMemory

MOST_PLACES = 1 << 17
"""Instructions that are remembered."""


class Samples:
    """Counts by arena index: code is where it is in memory, however it is addressed."""

    def __init__(self) -> None:
        self.heat: Counter[int] = Counter()
        """How often each instruction was met."""
        self.recent: Counter[int] = Counter()
        """The same since `forget_recent`."""
        self.addresses: dict[int, int] = {}
        """The virtual address at which it was met last."""
        self._targets: dict[int, Counter[int]] = {}
        self._accesses: dict[int, list[PlainMemory]] = {}
        """What each load and store was seen to use, in that order."""

    def take(
        self,
        notes: Sequence[int],
        touched: Sequence[int],
        plain: tuple[PlainMemory, ...],
    ) -> None:
        """Add a sample. `notes` has arena index << 32 | virtual address of each instruction, in
        the order of execution, `touched` the physical address that it accessed, or -1; `plain` is
        the memory that may be noted as accessed."""
        if len(self.heat) > MOST_PLACES:
            self.__init__()  # type: ignore[misc]
        pcs = [note & 0xFFFF_FFFF for note in notes]
        indices = [note >> 32 for note in notes]
        self.heat.update(indices)
        self.recent.update(indices)
        self.addresses.update(zip(indices, pcs, strict=True))
        for index, pc, after in zip(indices, pcs, pcs[1:], strict=False):
            if not 4 <= after - pc <= 8:
                targets = self._targets.get(index)
                if targets is None:
                    targets = self._targets[index] = Counter()
                targets[after] += 1
        memory = None
        for index, address in zip(indices, touched, strict=True):
            if address < 0:
                continue
            if memory is None or not memory.holds(address):
                memory = next((one for one in plain if one.holds(address)), None)
                if memory is None:
                    continue
            known = self._accesses.get(index)
            if known is None:
                self._accesses[index] = [memory]
            elif memory not in known:
                known.append(memory)

    def forget_recent(self) -> None:
        self.recent.clear()

    def forget(self, indices: Sequence[int]) -> None:
        """Other code stands there now."""
        for index in indices:
            for known in (self.heat, self.recent, self._targets, self._accesses):
                known.pop(index, None)

    def profile(
        self,
        first: int,
        last: int,
        delta: int,
        plain: tuple[PlainMemory, ...],
        counts: dict[int, int] | None = None,
    ) -> Profile:
        """What is known of the arena words from `first` to before `last`, by virtual addresses;
        `delta` is an arena index minus the virtual address in words. `counts`, which becomes a part
        of the result, tells how often words have run, by virtual address, where that is known
        better."""
        heat: dict[int, int] = {} if counts is None else counts
        targets: dict[int, tuple[int, ...]] = {}
        accesses: dict[int, tuple[int, ...]] = {}
        for index, count in self.heat.items():
            if not first <= index < last:
                continue
            pc = (index - delta) << 2
            if counts is None:
                heat[pc] = count
            else:
                # The interpreter has executed it.
                heat.setdefault(pc, 1)
            seen = self._targets.get(index)
            if seen is not None:
                targets[pc] = tuple(target for target, _ in seen.most_common())
            memories = self._accesses.get(index)
            if memories is not None:
                known = tuple(plain.index(memory) for memory in memories if memory in plain)[:2]
                if known:
                    accesses[pc] = known
        return Profile(heat, targets, accesses)
