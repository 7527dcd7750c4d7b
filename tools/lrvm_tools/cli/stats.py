"""What an engine has done, shown after a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lrvm_jit.core.statistics import Statistics

from ..running import PREFIX

_INDENT = "  "


def statistics_text(statistics: Statistics) -> str:
    """The statistics as lines with aligned numbers."""
    rows = [
        ("instructions", f"{statistics.instructions:,}", ""),
        _share("translated", statistics.translated, statistics.instructions),
        _share("interpreted", statistics.interpreted, statistics.instructions),
    ]
    if statistics.unmapped_reads or statistics.unmapped_writes:
        rows += [
            ("reads of unmapped addresses", f"{statistics.unmapped_reads:,}", ""),
            ("writes to unmapped addresses", f"{statistics.unmapped_writes:,}", ""),
        ]
    if statistics.engine == "translator":
        rows.insert(2, _share("baseline", statistics.baseline, statistics.instructions))
        exits = sum(statistics.exits.values())
        rows += [
            ("blocks", f"{statistics.blocks:,}", f"in {statistics.block_bytes:,} bytes"),
            (_INDENT + "memory for them", f"{statistics.block_memory:,}", ""),
            ("regions", f"{statistics.regions:,}", f"in {statistics.code_bytes:,} bytes"),
            (_INDENT + "compiled", f"{statistics.compiled:,}", ""),
            (_INDENT + "from the cache on disk", f"{statistics.loaded:,}", ""),
            (_INDENT + "from this process", f"{statistics.shared:,}", ""),
            (_INDENT + "discarded, code changed", f"{statistics.invalidations:,}", ""),
            (_INDENT + "failures", f"{statistics.failures:,}", ""),
            ("translation seconds", f"{statistics.translation_seconds:,.3f}", ""),
            ("exits from regions", f"{exits:,}", ""),
        ]
        by_count = sorted(statistics.exits.items(), key=lambda item: (-item[1], item[0]))
        rows += [_share(reason, count, exits) for reason, count in by_count]
    names = max(len(name) for name, _, _ in rows)
    numbers = max(len(number) for _, number, _ in rows)
    lines = [f"{PREFIX} Statistics of the engine {statistics.engine}"]
    lines += [
        f"{_INDENT}{name:{names}}  {number:>{numbers}}  {remark}".rstrip()
        for name, number, remark in rows
    ]
    return "".join(f"{line}\n" for line in lines)


def _share(name: str, count: int, total: int) -> tuple[str, str, str]:
    """A row with what part of `total` the count is."""
    return _INDENT + name, f"{count:,}", f"{count / total:>7.2%}" if total else ""


def statistics_document(statistics: Statistics) -> dict[str, Any]:
    """The statistics for JSON."""
    document = asdict(statistics)
    document["interpreted"] = statistics.interpreted
    document["translation_seconds"] = round(statistics.translation_seconds, 6)
    return document
