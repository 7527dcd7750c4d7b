"""Breakpoints and watchpoints that a client of GDB's protocol has set."""

from __future__ import annotations

from typing import Final

from lrvm_jit.debug import Debugger, Event, WatchKind, Watchpoint

_WATCHES: Final = {2: WatchKind.WRITE, 3: WatchKind.READ, 4: WatchKind.ANY}
_NAMES: Final = {WatchKind.READ: b"rwatch", WatchKind.ANY: b"awatch"}
_Key = tuple[int, int, int]
"""Type, virtual address and size."""


class ClientPoints:
    """The client's points among the debugger's. To set one again is to have it once."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._numbers: dict[_Key, int] = {}

    def insert(self, rest: bytes) -> bytes:
        """Answer `Z`, without that letter. DebugError, ValueError; empty for unknown types."""
        key = _key(rest)
        kind, address, size = key
        if kind in (0, 1):
            key = kind, address, 0
        elif kind not in _WATCHES:
            return b""
        if self._numbers.get(key) in self._debugger.points:
            return b"OK"
        if kind in (0, 1):
            self._numbers[key] = self._debugger.break_at(address).number
        else:
            first = address & -4
            words = max((address + size - first + 3) // 4, 1)
            point = self._debugger.watch(first, _WATCHES[kind], words=words)
            self._numbers[key] = point.number
        return b"OK"

    def remove(self, rest: bytes) -> bytes:
        """Answer `z`, without that letter. ValueError."""
        kind, address, size = _key(rest)
        if kind not in (0, 1, *_WATCHES):
            return b""
        number = self._numbers.pop((kind, address, 0 if kind in (0, 1) else size), None)
        self._debugger.points.pop(number, None)  # type: ignore[arg-type]
        return b"OK"

    def clear(self) -> None:
        """Take all of them away."""
        for number in self._numbers.values():
            self._debugger.points.pop(number, None)
        self._numbers.clear()

    def reason_of(self, event: Event) -> bytes:
        """Which watchpoint has stopped the program, by the address that the client knows."""
        change = event.change
        for point in event.points:
            if not isinstance(point, Watchpoint) or change is None or change.address is None:
                continue
            address = change.address
            for (_, wanted, _), number in self._numbers.items():
                if number == point.number:
                    address = (wanted & -4) + address - point.first
            return b"%s:%08x;" % (_NAMES.get(point.kind, b"watch"), address & 0xFFFF_FFFF)
        return b""


def _key(rest: bytes) -> _Key:
    # Conditions and commands, after a semicolon, are for those who have said that they take them.
    kind, address, size = rest.partition(b";")[0].split(b",")
    return int(kind, 16), int(address, 16), int(size, 16)
