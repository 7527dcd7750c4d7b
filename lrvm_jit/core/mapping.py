"""Which component answers at which physical address (memory.md: Physical memory map)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from ..arguments import whole_number, whole_numbers
from ..records import dataclass

ADDRESS_SPACE = 1 << 32


class MappingError(ValueError):
    """A mapping that is refused. Each reason is a class of its own.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> from lrvm_jit import MappingError
    >>> with Motherboard([BootRom([0]), BootRom([0])]) as board:
    ...     board.map(0x1000, 0)
    ...     try:
    ...         board.map(0x1000, 1)
    ...     except MappingError as error:
    ...         print(type(error).__name__)
    Mapping(component=0, first=4096, last=4096)
    OverlapError
    """


class UnknownComponentError(MappingError):
    """There is no component with this id."""


class UnalignedStartError(MappingError):
    """The first address is not a multiple of 4."""


class UnalignedSizeError(MappingError):
    """The component's size is not a multiple of 4."""


class UnalignedEndError(MappingError):
    """The last word's address is not a multiple of 4."""


class EmptyRangeError(MappingError):
    """The range holds no word, or runs backwards."""


class AlreadyMappedError(MappingError):
    """The component is mapped already."""


class ZeroSizeError(MappingError):
    """The component has no words to map."""


class OverlapError(MappingError):
    """Another mapping is in the way."""


class LargerThanComponentError(MappingError):
    """The range is larger than the component."""


class PastAddressSpaceError(MappingError):
    """The range goes past 0xFFFFFFFF or below 0."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapped component: byte addresses of its first and its last word.

    >>> from lrvm_jit import Mapping
    >>> print(Mapping(component=0, first=0x1000, last=0x1FFC))
    0x00001000 -> 0x00001FFF
    """

    component: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """Mapped bytes."""
        return self.last - self.first + 4

    def __str__(self) -> str:
        return f"0x{self.first:08X} -> 0x{self.last + 3:08X}"


@dataclass(frozen=True, slots=True)
class MappingOutcome:
    """What became of one component of `map_contiguous`: a mapping, or the error.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> with Motherboard([BootRom([0]), BootRom([0])]) as board:
    ...     [outcome.ok for outcome in board.map_contiguous(0)]
    [True, True]
    """

    component: int
    result: Mapping | MappingError

    @property
    def ok(self) -> bool:
        return isinstance(self.result, Mapping)


class MemoryMap:
    """The mappings of a board, none overlapping."""

    def __init__(self, names: Sequence[str], sizes: Sequence[int]) -> None:
        """`names` and `sizes` (bytes) of the components, by id."""
        self._names = names
        self._sizes = sizes
        self._sorted: list[Mapping] = []
        self._of: dict[int, Mapping] = {}

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._sorted)

    def __len__(self) -> int:
        return len(self._sorted)

    def of(self, component: int) -> Mapping | None:
        """The component's mapping, or None."""
        return self._of.get(whole_number("component", component))

    def find(self, address: int) -> Mapping | None:
        """The mapping that holds an address, or None."""
        at = bisect_right(self._sorted, address, key=lambda mapping: mapping.first) - 1
        if at >= 0 and address < self._sorted[at].last + 4:
            return self._sorted[at]
        return None

    def map(self, address: int, component: int) -> Mapping:
        """Map the whole component from `address` on. Raises a MappingError."""
        address = whole_number("address", address)
        component = whole_number("component", component)
        size = self._check(component)
        if size % 4:
            raise UnalignedSizeError(
                f"{self._label(component)} has {size} bytes, which is not a multiple of 4"
            )
        return self._add(component, address, address + size - 4)

    def map_abs(self, first: int, last: int, component: int) -> Mapping:
        """Map the component's first bytes so that `last` is the address of the last word.

        Raises a MappingError.
        """
        first, last = whole_number("first", first), whole_number("last", last)
        component = whole_number("component", component)
        size = self._check(component)
        if last % 4:
            raise UnalignedEndError(
                f"last address 0x{last:08X} for {self._label(component)} "
                "is not a multiple of 4; it names the last mapped word"
            )
        if last < 0:
            raise PastAddressSpaceError(
                f"last address {last} for {self._label(component)} is negative"
            )
        if first % 4 == 0 and last < first:
            raise EmptyRangeError(
                f"range 0x{first:08X} -> 0x{last:08X} for {self._label(component)} is empty"
            )
        if last - first + 4 > size:
            raise LargerThanComponentError(
                f"range 0x{first:08X} -> 0x{last:08X} has {last - first + 4} bytes, "
                f"{self._label(component)} only {size}"
            )
        return self._add(component, first, last)

    def map_contiguous(self, address: int, components: Iterable[int]) -> list[MappingOutcome]:
        """Map components one after the other from `address` on.

        One that cannot be mapped is reported and skipped.
        """
        outcomes = []
        address = whole_number("address", address)
        for component in whole_numbers("components", "a component's id", components):
            try:
                mapping = self.map(address, component)
            except MappingError as error:
                outcomes.append(MappingOutcome(component, error))
            else:
                outcomes.append(MappingOutcome(component, mapping))
                address = mapping.last + 4
        return outcomes

    def replace(self, mappings: Iterable[Mapping]) -> bool:
        """Have these mappings, which stood together before, and no others; whether that changed
        anything."""
        wanted = list(mappings)
        if wanted == self._sorted:
            return False
        self._sorted[:] = wanted
        self._of = {mapping.component: mapping for mapping in wanted}
        return True

    def _label(self, component: int) -> str:
        return f"component {component} ({self._names[component]})"

    def _check(self, component: int) -> int:
        """Size of a component that may be mapped."""
        if not 0 <= component < len(self._sizes):
            raise UnknownComponentError(
                f"unknown component {component}: ids go from 0 to {len(self._sizes) - 1}"
                if self._sizes
                else f"unknown component {component}: the board has none"
            )
        known = self._of.get(component)
        if known is not None:
            raise AlreadyMappedError(f"{self._label(component)} is already mapped at {known}")
        size = self._sizes[component]
        if size == 0:
            raise ZeroSizeError(f"{self._label(component)} has size 0")
        return size

    def _add(self, component: int, first: int, last: int) -> Mapping:
        if first % 4:
            raise UnalignedStartError(
                f"address 0x{first:08X} for {self._label(component)} is not a multiple of 4"
            )
        if first < 0 or last + 4 > ADDRESS_SPACE:
            raise PastAddressSpaceError(
                f"{self._label(component)} at 0x{first:08X} would end at 0x{last + 3:X}, "
                "past the address space's 0xFFFFFFFF"
                if first >= 0
                else f"address {first} for {self._label(component)} is negative"
            )
        at = bisect_right(self._sorted, first, key=lambda mapping: mapping.first)
        for other in self._sorted[max(at - 1, 0) : at + 1]:
            if other.first <= last and first <= other.last:
                raise OverlapError(
                    f"{self._label(component)} at 0x{first:08X} -> 0x{last + 3:08X} overlaps "
                    f"{self._label(other.component)}, mapped at {other}"
                )
        mapping = Mapping(component, first, last)
        self._sorted.insert(at, mapping)
        self._of[component] = mapping
        return mapping


class Mappings:
    """The mappings of a board, to look at: by iteration in the order of their addresses, by
    component, by address. `Motherboard.map` and its like change them, as the engine must know."""

    def __init__(self, memory_map: MemoryMap) -> None:
        self._map = memory_map

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._map)

    def __len__(self) -> int:
        return len(self._map)

    def of(self, component: int) -> Mapping | None:
        """The component's mapping, or None."""
        return self._map.of(component)

    def find(self, address: int) -> Mapping | None:
        """The mapping that holds an address, or None."""
        return self._map.find(address)
