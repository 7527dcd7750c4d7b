"""`lrvm_jit.records` makes the same classes as `dataclasses`."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any

import pytest

from lrvm_jit import records


def _doubled(value: int) -> int:
    return 2 * value


def classes(dataclass: Callable[..., Callable[[type], Any]]) -> list[Any]:
    """A class of each kind that is used."""

    @dataclass(frozen=True, slots=True)
    class Frozen:
        """Documented."""

        first: int
        second: str = "2"
        others: list[int] = field(default_factory=list)
        unequal: int = field(default=0, compare=False)
        hidden: int = field(default=3, repr=False, kw_only=True)
        made: int = field(default=5, init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "made", _doubled(self.first))

    @dataclass(slots=True)
    class Changing:
        """Documented."""

        only: int

    @dataclass(eq=False, slots=True)
    class Same:
        """Documented."""

        one: int
        two: int = 2

    @dataclass(frozen=True)
    class Open:
        """Documented."""

        value: int

        def __repr__(self) -> str:
            return "written by hand"

    @dataclass(frozen=True, slots=True)
    class Empty:
        """Documented."""

    return [Frozen, Changing, Same, Open, Empty]


OURS = classes(records.dataclass)
THEIRS = classes(dataclasses.dataclass)
GIVEN: list[list[tuple[list[Any], dict[str, Any]]]] = [
    [([1], {}), ([1, "2"], {}), ([2, "b", [4], 5], {"hidden": 6}), ([], {"first": 1}), ([], {})],
    [([1], {}), ([2], {}), ([], {}), ([1, 2], {})],
    [([1], {}), ([1, 2], {}), ([1, 2, 3], {})],
    [([1], {}), ([[]], {})],
    [([], {}), ([1], {})],
]


def outcome(work: Callable[[], object]) -> object:
    """What comes back, or what is raised."""
    try:
        return work()
    except (TypeError, AttributeError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("number", range(len(OURS)))
def test_they_behave_as_those_of_the_standard_library(number: int) -> None:
    """Construction and its errors, texts, equality, hashes, changes, copies, what `dataclasses`
    and `inspect` say of them."""

    def told(cls: Any) -> list[object]:
        objects = [
            outcome(lambda: cls(*args, **named))  # noqa: B023 - called at once
            for args, named in GIVEN[number]
        ]
        good = [one for one in objects if isinstance(one, cls)]
        said: list[object] = [one if isinstance(one, tuple) else repr(one) for one in objects]
        said += [[one == other for other in (*good, None, 1)] for one in good]
        if "__eq__" in vars(cls):
            said += [outcome(lambda: hash(one)) for one in good]  # noqa: B023
        first = good[0]
        for name in [one.name for one in dataclasses.fields(cls)]:
            said.append(outcome(lambda: setattr(copy.copy(first), name, 7)))  # noqa: B023
            said.append(outcome(lambda: delattr(copy.copy(first), name)))  # noqa: B023
        said.append([copy.deepcopy(one) == one for one in good])
        said.append([str(dataclasses.asdict(one)) for one in good])
        said.append([(one.name, one.type, one.init) for one in dataclasses.fields(cls)])
        said.append([str(one) for one in inspect.signature(cls).parameters])
        said += [cls.__match_args__, cls.__doc__, hasattr(first, "__dict__")]
        return said

    assert told(OURS[number]) == told(THEIRS[number])


@records.dataclass(frozen=True, slots=True)
class Kept:
    """Pickles look for it in this module."""

    one: int
    other: tuple[int, ...] = ()


def test_pickles_and_replacements() -> None:
    kept = Kept(1, (2, 3))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(kept, protocol)) == kept
    assert dataclasses.replace(kept, one=5) == Kept(5, (2, 3))
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'one'"):
        kept.one = 2  # type: ignore[misc]
    assert {kept: 1}[Kept(1, (2, 3))] == 1


def test_a_subclass_may_have_attributes_of_its_own() -> None:
    class Below(Kept):
        def __init__(self) -> None:
            super().__init__(1)
            self.extra = 3

    below = Below()
    assert below.extra == 3
    with pytest.raises(dataclasses.FrozenInstanceError, match="'one'"):
        del below.one
