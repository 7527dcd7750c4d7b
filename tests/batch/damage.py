"""Damaging files at random, for tests that whoever reads them notices."""

from __future__ import annotations

import os
import random

LONG = int(os.environ.get("LRVM_FUZZ") or 0)
"""How much longer `make fuzz` takes; 0 in an ordinary run."""


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Other bytes than `data`: changed, cut, repeated, or put in somewhere."""
    result = bytearray(data)
    while result == data:
        place = rng.randrange(len(data))
        match rng.randrange(8):
            case 0:
                del result[place:]
            case 1:
                del result[place : place + rng.randrange(1, 9)]
            case 2:
                result[place:place] = rng.randbytes(rng.randrange(1, 9))
            case 3:
                other = rng.randrange(len(data))
                result[place : place + 8] = data[other : other + 8]
            case 4:
                result[place] = rng.randrange(256)
            case _:
                result[place] ^= 1 << rng.randrange(8)
    return bytes(result)
