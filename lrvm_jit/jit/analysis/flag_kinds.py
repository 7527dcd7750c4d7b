"""Which operation set the flags last, at the beginning of each block of a region."""

from __future__ import annotations

from .region import BlockKey, Region


def flag_kinds(region: Region) -> dict[BlockKey, int | None]:
    """The kind of the flags at the beginning of each block, None where ways disagree."""
    after: dict[BlockKey, int | None] = {}
    for key, block in region.blocks.items():
        rules = [one.row.flags for one in block.instructions if one.row is not None]
        setters = [rule for rule in rules if rule is not None]
        if setters:
            after[key] = int(setters[-1])
    unknown = -1
    kinds: dict[BlockKey, int | None] = dict.fromkeys(region.blocks, unknown)
    # Whoever comes in brings the flags as they are.
    work: list[tuple[BlockKey, int | None]] = [((entry, ()), None) for entry in region.entries]
    while work:
        key, kind = work.pop()
        known = kinds[key]
        merged = kind if known in (unknown, kind) else None
        if merged == known:
            continue
        kinds[key] = merged
        leaving = after.get(key, merged)
        block = region.blocks[key]
        work.extend((edge.key, leaving) for edge in block.edges if edge.inside)
    return kinds
