"""Which words of an image are code: those that the entry points lead to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from lrvm_jit.isa import Decoded, DecodingError, decode

from .flow import Exit, ExitKind, exits, handler_address


class TargetKind(IntEnum):
    """What a target is, the more telling the greater; the name is its label's prefix."""

    LOC = 0
    """Something jumps there."""
    SUB = 1
    """Something calls it."""
    HANDLER = 2
    """The exception vector is set to it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """An instruction that the CPU can come to, and its known exits."""

    decoded: Decoded
    exits: tuple[Exit, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What the entry points lead to: instructions and targets by address."""

    code: dict[int, Reached]
    targets: dict[int, TargetKind]


def reach(words: Sequence[int], entries: Iterable[int]) -> Reach:
    """Follow all known exits from the entry points, within the image.

    A word that the CPU cannot execute (unknown opcode or register) is no code, even if reached.
    """
    found = Reach({}, {})
    pending = list(entries)
    while pending:
        address = pending.pop()
        if address in found.code or address % 4 or address // 4 >= len(words):
            continue
        try:
            decoded = decode(words[address // 4])
        except DecodingError:
            continue
        reached = found.code[address] = Reached(decoded, exits(decoded, address))
        pending.extend(way.target for way in reached.exits)
        targets = [
            (way.target, TargetKind.SUB if way.kind is ExitKind.CALL else TargetKind.LOC)
            for way in reached.exits
            if way.kind in (ExitKind.JUMP, ExitKind.CALL)
        ]
        handler = handler_address(decoded)
        if handler is not None:
            pending.append(handler)
            targets.append((handler, TargetKind.HANDLER))
        for target, kind in targets:
            if target % 4 == 0 and target // 4 < len(words):
                found.targets[target] = max(kind, found.targets.get(target, kind))
    return found
