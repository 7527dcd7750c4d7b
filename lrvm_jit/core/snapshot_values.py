"""What a component's state may consist of, and its form in snapshots: bytes, so that a snapshot
cannot change with the component."""

from __future__ import annotations

import binascii
import operator
from contextlib import suppress
from typing import Any, TypeAlias

import numpy

StateValue: TypeAlias = "bytes | dict[str, Any] | None"
"""What `Component.save_state` gives: bytes, or a dict with string keys of None, bool, int, float,
str, bytes, lists and such dicts; None for a component without state of its own."""

_BYTES = "bytes in base64"
_RAW, _JSON = b"b", b"j"


class SnapshotError(ValueError):
    """A snapshot that cannot be made, read or restored.

    >>> from lrvm_components import BootRom
    >>> from lrvm_jit import Motherboard
    >>> from lrvm_tools import assemble
    >>> from lrvm_jit import SnapshotError
    >>> with Motherboard([BootRom([0])]) as one, Motherboard([BootRom([0, 0])]) as other:
    ...     try:
    ...         other.restore(one.snapshot())
    ...     except SnapshotError:
    ...         print("another machine")
    another machine
    """


def encode_state(value: StateValue) -> bytes:
    """The state as bytes. SnapshotError for what cannot be kept."""
    if isinstance(value, bytes | bytearray):
        return _RAW + value
    if not isinstance(value, dict):
        raise SnapshotError(
            f"save_state() gave a {type(value).__name__}; a state is bytes, a dict or None"
        )
    # Imported here and below: most processes make no snapshots.
    import json

    try:
        return _JSON + json.dumps(_plain(value), allow_nan=True, sort_keys=True).encode()
    except RecursionError:
        raise SnapshotError("its state contains itself, or is nested too deeply") from None


def decode_state(encoded: bytes) -> bytes | dict[str, Any]:
    """What was encoded. SnapshotError for anything else."""
    if encoded[:1] == _RAW:
        return encoded[1:]
    import json

    try:
        if encoded[:1] != _JSON:
            raise ValueError("unknown kind")
        value = _restored(json.loads(encoded[1:]))
        if not isinstance(value, dict):
            raise TypeError("no dict")
    except (ValueError, TypeError, RecursionError) as error:
        raise SnapshotError(f"a component's state is damaged: {error}") from None
    return value


def _plain(value: Any) -> Any:
    """The value in JSON's terms."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, bytes | bytearray):
        return {_BYTES: binascii.b2a_base64(value, newline=False).decode()}
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or key == _BYTES:
                raise SnapshotError(f"its state has the key {key!r}; keys are other strings")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, numpy.generic):
        return _plain(value.item())
    if hasattr(value, "__index__"):
        with suppress(TypeError):  # of an array that has more than one number
            return operator.index(value)
    raise SnapshotError(
        f"its state has a {type(value).__name__}; it may consist of None, bool, int, float, str, "
        "bytes, lists and dicts"
    )


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {_BYTES}:
            return binascii.a2b_base64(value[_BYTES], strict_mode=True)
        return {key: _restored(item) for key, item in value.items()}
    return [_restored(item) for item in value] if isinstance(value, list) else value
