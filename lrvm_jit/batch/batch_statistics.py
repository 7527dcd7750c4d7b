"""What the engines of a batch's workers have done, added up."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.statistics import Statistics
from .worker import Worker


def together(template: Statistics, workers: Sequence[Worker]) -> Statistics:
    """The sum of all workers'; what `template` says if there are none."""
    counts = [worker.board.stats() for worker in workers]
    first = counts[0] if counts else template
    side_by_side = sum(worker.in_groups for worker in workers)
    exits: dict[str, int] = {}
    for one in counts:
        for reason, number in one.exits.items():
            exits[reason] = exits.get(reason, 0) + number
    return Statistics(
        first.engine,
        sum(worker.instructions for worker in workers),
        exceptions=sum(one.exceptions for one in counts),
        translated=sum(one.translated for one in counts) + side_by_side,
        side_by_side=side_by_side,
        baseline=sum(one.baseline for one in counts),
        blocks=sum(one.blocks for one in counts),
        block_bytes=sum(one.block_bytes for one in counts),
        block_memory=sum(one.block_memory for one in counts),
        regions=sum(one.regions for one in counts),
        code_bytes=sum(one.code_bytes for one in counts),
        compiled=sum(one.compiled for one in counts),
        loaded=sum(one.loaded for one in counts),
        shared=sum(one.shared for one in counts),
        translation_seconds=sum(one.translation_seconds for one in counts),
        invalidations=sum(one.invalidations for one in counts),
        failures=sum(one.failures for one in counts),
        exits=exits,
    )
