"""What follows from how a region is left: whether it should be made in another way, or go.

Entering and leaving a region costs as much as some twenty interpreted instructions. A region that
is left all the time is made again, knowing more targets of its jumps, or larger, or without the
jump tables that it cannot use; if nothing helps, the interpreter is faster.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.layout import EXITS_NOTED, TARGETS_INTERVAL
from .region import Region

MOST_TRIES = 6
MOST_TARGETS = 1024
FEWEST_BETWEEN_EXITS = 500
"""Instructions between two exits, if a region is of full use."""
FEWEST_TO_STAY = 20
"""Instructions between two exits, if a region is faster than the interpreter."""
EXITS_TO_JUDGE = 1 << 16
"""Exits after which a region may go."""


@dataclass(slots=True)
class Exits:
    """How a region has been left since something was done about it."""

    count: int = 0
    """Exits of all kinds, the end of the budget aside."""
    executed: int = 0
    """Instructions that the region has executed."""
    unexpected: int = 0
    """Indirect jumps to targets that the region did not expect."""
    seen: set[int] = field(default_factory=set)
    """Some of these targets."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a region is made."""

    targets: frozenset[int] = frozenset()
    """Where its indirect jumps have been seen to go."""
    tables: bool = True
    """Whether it may rely on jump tables."""
    large: bool = False
    """Whether it may have as many instructions as the options allow."""


FIRST_MANNER = Manner()


def better_manner(
    region: Region, manner: Manner, exits: Exits, tries: int, may_be_large: bool = True
) -> Manner | None:
    """How to make a region again, so that it is left less; None if that is not to be expected.

    `tries` is how often it was made again before: each time there is less to be learned, and so
    more exits are waited for. `may_be_large` is whether it may be made a large one.
    """
    is_left_often = exits.executed < FEWEST_BETWEEN_EXITS * exits.count
    targets = region.targets | exits.seen
    if exits.unexpected >= TARGETS_INTERVAL << 2 * tries and tries < MOST_TRIES:
        if targets > region.targets and len(targets) <= MOST_TARGETS:
            return Manner(targets, manner.tables, manner.large)
        if is_left_often and _tables_hinder(region, exits):
            return Manner(targets, False, manner.large)
    may_grow = may_be_large and region.is_cut and not manner.large
    if may_grow and is_left_often and exits.count >= EXITS_NOTED:
        return Manner(region.targets, manner.tables, large=True)
    return None


def is_useless(exits: Exits) -> bool:
    """Whether the interpreter would be faster."""
    return exits.count >= EXITS_TO_JUDGE and exits.executed < FEWEST_TO_STAY * exits.count


def _tables_hinder(region: Region, exits: Exits) -> bool:
    """Whether jumps leave a region for places that it has: because its tables are not where they
    were, or cannot be read."""
    blocks = region.blocks.values()
    has_tables = any(block.table is not None for block in blocks)
    return has_tables and not exits.seen.isdisjoint(block.pc for block in blocks)
