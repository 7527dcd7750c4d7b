"""What an engine has done so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ..records import dataclass


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts since the board was made; `Motherboard.stats` gives them.

    Instructions are attempted ones, as the cycle counter counts them.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> with Motherboard([BootRom(assemble("halt"))]) as board:
    ...     _ = board.map_contiguous(0)
    ...     board.reset()
    ...     _ = board.run()
    ...     board.stats().instructions
    1
    """

    engine: str
    instructions: int = 0
    exceptions: int = field(default=0, kw_only=True)
    """Exceptions and interruptions that were raised."""
    unmapped_reads: int = field(default=0, kw_only=True)
    """Reads of addresses where no component is mapped, instructions and page-table entries
    among them,"""
    unmapped_writes: int = field(default=0, kw_only=True)
    """and writes there, which are lost."""
    translated: int = 0
    """Of these, executed by translated regions,"""
    baseline: int = field(default=0, kw_only=True)
    """and by native code of the baseline tier. The others were interpreted."""
    blocks: int = field(default=0, kw_only=True)
    """Blocks of guest code that the baseline has made native code of,"""
    block_bytes: int = field(default=0, kw_only=True)
    """that code,"""
    block_memory: int = field(default=0, kw_only=True)
    """and all memory that the tier has for it, most of which is never touched."""
    side_by_side: int = field(default=0, kw_only=True)
    """Of the translated ones, executed by vector code for many lanes of a batch at once."""
    regions: int = 0
    """Translated regions that exist now,"""
    code_bytes: int = 0
    """and the memory that they hold."""
    compiled: int = 0
    """Regions that were compiled for this board,"""
    loaded: int = 0
    """found in the cache on disk,"""
    shared: int = 0
    """and found in this process, where another board had them."""
    translation_seconds: float = 0.0
    """Time spent on getting them; on the background thread, unless that is turned off."""
    invalidations: int = 0
    """Regions thrown away because their guest code changed."""
    failures: int = 0
    """Translations that ended in an error; their code is interpreted."""
    exits: Mapping[str, int] = field(default_factory=dict)
    """How often translated regions were left, by reason (docs/translator.md)."""

    @property
    def interpreted(self) -> int:
        return self.instructions - self.translated - self.baseline
