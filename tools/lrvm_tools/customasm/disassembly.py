"""Disassembly by rules. To come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .values import Value


def disassemble_file(
    image: str, files: Sequence[str], defines: Mapping[str, Value], later: bool
) -> tuple[str, str]:
    raise NotImplementedError
