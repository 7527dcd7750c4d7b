"""Guests that write their own code: what an engine loses by it.

Each runs for ever, in RAM from address 0 on (RAM bytes), and uses no memory outside it.
"""

from __future__ import annotations

from typing import Final

RAM: Final = 0x1_0000
"""Bytes of RAM that the guests need."""

_SAME: Final = """
    cpy ac0, patch
    lsa a3, ac0, 0
loop:
    inc a0
    wsa ac0, 0, a3
patch:
    add a1, 5
    add a2, a1
    xor a4, a2
    jp loop
"""
_ALTERNATING: Final = """
    cpy ac0, patch
    lsa a3, ac0, 0
    lsa a5, other
loop:
    inc a0
    ex a3, a5
    wsa ac0, 0, a3
patch:
    add a1, 5
    add a2, a1
    xor a4, a2
    jp loop
other:
    add a1, 7
"""
_COUNTER: Final = """
    cpy ac0, patch
    lsa a5, ac0, 0
loop:
    inc a0
    and a0, 0xFFFF
    cpy a3, a5
    bor a3, a0
    wsa ac0, 0, a3
patch:
    cpy a1, 0
    add a2, a1
    xor a4, a2
    jp loop
"""
_NOW_AND_THEN: Final = """
    cpy ac0, patch
    lsa a3, ac0, 0
    lsa a5, other
loop:
    inc a0
    and a0, {mask}
    ifn 0
    jp patch
    ex a3, a5
    wsa ac0, 0, a3
patch:
    add a1, 5
    add a2, a1
    xor a4, a2
    add a6, a4
    jp loop
other:
    add a1, 7
"""
_TWO_PLACES: Final = """
    cpy ac0, one
    cpy ac1, two
    lsa a3, ac0, 0
    lsa a5, ac1, 0
loop:
    inc a0
    ex a3, a5
    wsa ac0, 0, a3
one:
    add a1, 5
    add a2, a1
    wsa ac1, 0, a5
    xor a4, a2
two:
    add a1, 9
    jp loop
"""
_STACK: Final = """
    cpy c0, 60000
start:
    inc a0
    add a1, a0
    xor a2, a1
    add a3, 3
    mul a4, a3
    dec c0
    cmp c0, 0
    ifnq
    jp start
    cpy ssp, 36
again:
    push a0
    push a1
    call leaf
    pop a4
    pop a3
    add a0, a4
    xor a1, a3
    inc c1
    jp again
leaf:
    push c1
    pop a6
    ret
"""
_OVERLAYS: Final = """
main:
    cpy ac0, one
    call copy
    call 0x4000
    cpy ac0, two
    call copy
    call 0x4000
    jp main
copy:
    cpy ac1, 0x4000
    cpy a7, {words}
next:
    lsa a6, ac0, 0
    wsa ac1, 0, a6
    add ac0, 4
    add ac1, 4
    dec a7
    cmp a7, 0
    ifnq
    jp next
    ret
one:
    {begin}
    add a0, 1
    add a1, a0
    xor a2, a1
    shl a3, 1
    add a3, a2
    xor a4, a3
    {end}
    inc c1
    ret
two:
    {begin}
    sub a0, 3
    xor a1, a0
    add a2, a1
    shr a3, 1
    xor a3, a2
    add a4, a3
    {end}
    inc c1
    ret
"""
_ROUTINE: Final = """
    cpy ac0, patch
    lsa a3, ac0, 0
    lsa a5, other
loop:
    call work
    ex a3, a5
    wsa ac0, 0, a3
    jp loop
work:
    cpy c0, 10
round:
    add a2, a1
patch:
    add a1, 5
    xor a4, a2
    add a6, a4
    dec c0
    cmp c0, 0
    ifnq
    jp round
    ret
other:
    add a1, 7
"""
_RING: Final = """
    cpy ac1, 0x4000
loop:
    cpy ac0, code
    cpy a7, 7
next:
    lsa a6, ac0, 0
    wsa ac1, 0, a6
    add ac0, 4
    add ac1, 4
    dec a7
    cmp a7, 0
    ifnq
    jp next
    sub ac1, 28
    call ac1
    add ac1, 28
    cmp ac1, 0x7000
    ifls
    jp loop
    cpy ac1, 0x4000
    lsa a6, code
    xor a6, 1
    wsa code, 0, a6
    jp loop
code:
    add a0, 1
    add a1, a0
    xor a2, a1
    shl a3, 1
    add a3, a2
    xor a4, a3
    ret
"""
_BYTES: Final = """
    cpy ac0, patch
loop:
    inc a0
    and a0, 255
    lsa a3, ac0, 0
    shr a3, 8
    shl a3, 8
    bor a3, a0
    wsa ac0, 0, a3
patch:
    add a1, 5
    add a2, a1
    xor a4, a2
    jp loop
"""

SOURCES: Final = {
    "same word": _SAME,
    "two words": _ALTERNATING,
    "a literal": _COUNTER,
    "a byte": _BYTES,
    "two places": _TWO_PLACES,
    "every 64 rounds": _NOW_AND_THEN.format(mask=63),
    "every 4096 rounds": _NOW_AND_THEN.format(mask=4095),
    "a routine": _ROUTINE,
    "stack over code": _STACK,
    "overlays": _OVERLAYS.format(words=8, begin="", end=""),
    "overlays with loops": _OVERLAYS.format(
        words=14, begin="cpy a5, 20", end="dec a5\ncmp a5, 0\nifnq\njp 0x4004"
    ),
    "ever new places": _RING,
}
"""By what is written, or when: assembly text. Those that call need a stack pointer, for which
STACK will do."""
STACK: Final = 0x3000
