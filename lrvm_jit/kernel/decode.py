"""Decoding of arena words into entries for the dispatch loop.

An entry is one int64 of byte-aligned fields:

=======  ====================================================================================
bits     field
=======  ====================================================================================
0-7      handler, one of the constants below; 0 = not decoded yet
8-15     d, first register
16-23    s, second register (ZERO_REGISTER where the operand is a literal)
24-31    t, third register, truth table, or mode
32-47    imm, the literal, or the sum of the literals that are added up
48-63    target of a jump in words (signed for JUMP_REL), or further literals
56-63    of PRIVILEGED: the handler to use in supervisor mode
=======  ====================================================================================

Frequent sequences are fused: one entry then stands for up to MAX_FUSED instructions, and the
entries of the words inside stay usable for jumps into the middle.
"""

from __future__ import annotations

import numpy as np

from ..core.layout import (
    CLEAN_HIGH,
    CLEAN_LOW,
    CODE_PAGE_COUNT,
    MARK_CODE,
    NO_FUSION,
    PAGE_WORDS,
    TRANSLATION_FIELDS,
    TRANSLATION_ORIGINALS,
    WORD,
    ZERO_REGISTER,
)
from ..isa.table import FIRST_PRIVILEGED_READ, REGISTER_COUNT, Reg
from . import handlers
from .build.hints import stay_apart
from .build.jit import kernel_function
from .memory import forget_clean_windows, forget_code
from .step import (
    ADD,
    AND,
    BOR,
    CALL,
    CMP,
    CONDITION,
    CPY,
    DIV,
    EX,
    HALT_OP,
    IF,
    IF2,
    IFN,
    JPR,
    LEA,
    LSA,
    MOD,
    MUL,
    POP,
    PUSH,
    SHL,
    SHR,
    SUB,
    WEA,
    WSA,
    XOR,
)
from .typed import ONE, ZERO, I, U

LITERAL = np.int64(ZERO_REGISTER)
TWO, THREE, FOUR = map(np.int64, (2, 3, 4))

MAX_FUSED = 4

_SIMPLE = {
    CPY: handlers.CPY,
    ADD: handlers.ADD,
    SUB: handlers.SUB,
    MUL: handlers.MUL,
    AND: handlers.AND,
    BOR: handlers.BOR,
    XOR: handlers.XOR,
    SHL: handlers.SHL,
    SHR: handlers.SHR,
    CMP: handlers.CMP,
    DIV: handlers.DIV,
    MOD: handlers.DIV,
}
SIMPLE = np.zeros(32, np.int64)
"""Handler of each two-operand instruction `d, v`, else 0."""
for _op, _handler in _SIMPLE.items():
    SIMPLE[_op] = _handler

PC_CODE = int(Reg.PC)
EV_CODE = 0x1C
FIRST_PRIVILEGED = FIRST_PRIVILEGED_READ

PLAIN_REGISTER, PRIVILEGED_REGISTER, SLOW_REGISTER = map(np.int64, range(3))


@kernel_function
def source_class(code):
    """How a register can be read: at once, at once in supervisor mode, or by the slow step."""
    if code < PC_CODE or code == LITERAL:
        return PLAIN_REGISTER
    return PRIVILEGED_REGISTER if FIRST_PRIVILEGED <= code < REGISTER_COUNT else SLOW_REGISTER


@kernel_function
def target_class(code):
    """How a register can be written: the same three answers."""
    if code < PC_CODE:
        return PLAIN_REGISTER
    if code == FIRST_PRIVILEGED or code == FIRST_PRIVILEGED + 1 or code == EV_CODE:
        return PRIVILEGED_REGISTER
    return SLOW_REGISTER


@kernel_function
def pack(handler, d, s, t, imm, high):
    return handler | d << 8 | s << 16 | t << 24 | imm << 32 | high << 48


@kernel_function
def guarded(kind, entry):
    """The entry, or what stands for it if its registers are not all plain."""
    if kind == PLAIN_REGISTER:
        return entry
    if kind == PRIVILEGED_REGISTER:
        return (entry & ~I(0xFF)) | handlers.PRIVILEGED | (entry & 0xFF) << 56
    return handlers.SLOW


@kernel_function
def decode_if(word, op):
    """IF, IFN and IF2: a truth table of two flags."""
    a = (word >> 16) & 0xFF
    b = a
    # Bit 2 * a + b says whether the next instruction is executed.
    truth = I(0b1000 if op == IF else 0b0001)
    registers = (word >> 26) & 1
    if op == IF2:
        b = (word >> 8) & 0xFF
        condition = word & 0xFF
        registers = (word >> 24) & 7
        if condition < 1 or condition > 7:
            return handlers.SLOW
        truth = CONDITION[U(condition)]
    if registers or a > 6 or b > 6:
        return handlers.SLOW
    if op != IF2 and a < 2:
        # ZF is the table's high index bit, CF the low one.
        truth = I(0b1100 if a == 0 else 0b1010) ^ (0b1111 if op == IFN else 0)
        return pack(handlers.IF_ZERO_CARRY, ZERO, ZERO, truth, ZERO, ZERO)
    if a == 0 and b == 1:
        return pack(handlers.IF_ZERO_CARRY, ZERO, ZERO, truth, ZERO, ZERO)
    return pack(handlers.IF_ANY, 7 - a, 7 - b, truth, ZERO, ZERO)


@kernel_function
def decode_address(word, op):
    """LEA, WEA (addr, add, mul) and WSA (addr, add, v), whose operands are all rl1."""
    registers = np.uint8((word >> 24) & 7)
    b1, b2, b3 = (word >> 16) & 0xFF, (word >> 8) & 0xFF, word & 0xFF
    d, l1 = (b1, ZERO) if registers & 4 else (LITERAL, b1)
    s, l2 = (b2, ZERO) if registers & 2 else (LITERAL, b2)
    t, l3 = (b3, ZERO) if registers & 1 else (LITERAL, b3)
    for code, bit in ((d, 4), (s, 2), (t, 1)):
        if registers & bit and code == LITERAL:
            return handlers.SLOW
    kind = max(source_class(d), source_class(s), source_class(t))
    if op == WSA:
        return guarded(kind, pack(handlers.WSA, d, s, t, l1 + l2, l3))
    handler = handlers.LEA if op == LEA else handlers.WEA
    return guarded(kind, pack(handler, d, s, t, l1 | l2 << 8, l3))


@kernel_function
def decode_single(word):
    """The entry of one instruction word."""
    op = word >> 27
    d = (word >> 16) & 0xFF
    second = (word >> 8) & 0xFF
    if op == IF or op == IFN or op == IF2:
        return decode_if(word, op)
    if op == LEA or op == WEA or op == WSA:
        return decode_address(word, op)

    # The operand that may be a literal: of `d, v` the second, of PUSH and CALL the first.
    leading = op == PUSH or op == CALL or op == JPR
    from_register = (word >> (26 if leading else 25)) & 1
    s = d if leading else second
    if from_register:
        imm = ZERO
        kind = source_class(s) if s != LITERAL else SLOW_REGISTER
    else:
        s = LITERAL
        imm = (word >> 8) & 0xFFFF if leading else word & 0xFFFF
        kind = PLAIN_REGISTER

    handler = SIMPLE[U(op)]
    if handler != 0:
        t = ZERO
        if not from_register and handler in (handlers.SHL, handlers.SHR, handlers.DIV):
            imm = second
        if op == DIV or op == MOD:
            if (word >> 24) & 1:
                return handlers.SLOW
            t = (word & 0x1F) | (I(op == MOD) << 7)
        if op == CPY and d == PC_CODE:
            if from_register:
                return guarded(kind, pack(handlers.JUMP_REG, ZERO, s, ZERO, ZERO, ZERO))
            return (
                pack(handlers.JUMP, ZERO, ZERO, ZERO, ZERO, imm >> 2)
                if imm & 3 == 0
                else handlers.SLOW
            )
        kind = max(kind, source_class(d) if op == CMP else target_class(d))
        if d == LITERAL:
            return handlers.SLOW
        return guarded(kind, pack(handler, d, s, t, imm, ZERO))
    if op == PUSH:
        return guarded(kind, pack(handlers.PUSH, ZERO, s, ZERO, imm, ZERO))
    if op == CALL:
        if from_register:
            return guarded(kind, pack(handlers.CALL_REG, ZERO, s, ZERO, ZERO, ZERO))
        return (
            pack(handlers.CALL, ZERO, ZERO, ZERO, ZERO, imm >> 2) if imm & 3 == 0 else handlers.SLOW
        )
    if op == JPR:
        if from_register or imm & 3:
            return handlers.SLOW
        return pack(handlers.JUMP_REL, ZERO, ZERO, ZERO, ZERO, I(np.int16(imm)) >> 2)
    if op == POP:
        if d == PC_CODE:
            return pack(handlers.RET, ZERO, ZERO, ZERO, ZERO, ZERO)
        return guarded(target_class(d), pack(handlers.POP, d, ZERO, ZERO, ZERO, ZERO))
    if op == LSA:
        third = word & 0xFF
        s, imm = (second, ZERO) if (word >> 25) & 1 else (LITERAL, second)
        t = third if (word >> 24) & 1 else LITERAL
        imm += 0 if (word >> 24) & 1 else third
        if ((word >> 25) & 1 and s == LITERAL) or ((word >> 24) & 1 and t == LITERAL):
            return handlers.SLOW
        kind = max(source_class(s), source_class(t))
        if d == PC_CODE:
            return guarded(kind, pack(handlers.JUMP_LSA, ZERO, s, t, imm, ZERO))
        return guarded(max(kind, target_class(d)), pack(handlers.LSA, d, s, t, imm, ZERO))
    if op == EX and target_class(d) == PLAIN_REGISTER and target_class(second) == PLAIN_REGISTER:
        return pack(handlers.EX, d, second, ZERO, ZERO, ZERO)
    if op == HALT_OP:
        return guarded(PRIVILEGED_REGISTER, pack(handlers.HALT, ZERO, ZERO, ZERO, ZERO, ZERO))
    return handlers.SLOW


@kernel_function
def fuse_constant(entry, one, two, before):
    """CONST for `cpy d, n; shl d, n` and perhaps `add/bor d, n`; its size, `before` included.

    The result is the entry itself where the sequence is another one.
    """
    same = entry & I(0xFF_FF00)
    count = (one >> 32) & 0xFFFF
    loads = entry & I(0xFF_00FF) == handlers.CPY | LITERAL << 16
    if not loads or one & 0xFF != handlers.SHL or one & I(0xFF_FF00) != same or count > 31:
        return entry, ONE
    value = (((entry >> 32) & 0xFFFF) << count) & WORD
    size = before + 1
    adds = two & 0xFF == handlers.ADD or two & 0xFF == handlers.BOR
    if adds and two & I(0xFF_FF00) == same:
        addend = (two >> 32) & 0xFFFF
        total = value | addend if two & 0xFF == handlers.BOR else value + addend
        # A sum whose CF or OF is set would need more than the value.
        if total <= WORD and (two & 0xFF == handlers.BOR or (value ^ total) < 0x8000_0000):
            value = total
            size += 1
    return handlers.CONST | (entry & I(0xFF00)) | size << 16 | value << 32, size


@kernel_function
def fuse(entry, arena, index, room):
    """The entry that stands for a sequence starting at `index`, and how many words it covers."""
    handler = entry & 0xFF
    field = ~I(0xFF)
    one = decode_single(I(arena[U(index + 1)])) if room > 1 else ZERO
    two = decode_single(I(arena[U(index + 2)])) if room > 2 else ZERO
    three = decode_single(I(arena[U(index + 3)])) if room > 3 else ZERO
    target = ~I(0xFFFF_FFFF_FFFF)
    if handler == handlers.CMP and one & 0xFF == handlers.IF_ZERO_CARRY:
        entry = (entry & field) | (one & I(0xFF00_0000))
        if two & 0xFF == handlers.JUMP:
            return entry | handlers.CMP_IF_JUMP | (two & target), THREE
        if three & 0xFF == handlers.JUMP:
            return entry | handlers.CMP_IF_ANY_JUMP | (three & target), FOUR
        return entry | handlers.CMP_IF, TWO
    if handler == handlers.IF_ZERO_CARRY:
        if one & 0xFF == handlers.JUMP:
            return (entry & field) | handlers.IF_JUMP | (one & target), TWO
        if two & 0xFF == handlers.JUMP:
            return (entry & field) | handlers.IF_ANY_JUMP | (two & target), THREE
    if handler == handlers.CPY:
        return fuse_constant(entry, one, two, ONE)
    if entry & I(0xFFFF_00FF_00FF) == handlers.ADD | LITERAL << 16 | ONE << 32:
        # An increment before a constant: the head of a loop with a limit above 16 bits.
        constant, size = fuse_constant(one, two, three, TWO)
        if constant & 0xFF == handlers.CONST:
            return (constant & field) | handlers.INC_CONST | (entry & I(0xFF00)) << 16, size
    return entry, ONE


@kernel_function
def decode(state, arena, entries, marks, snapshot, code_pages, index, room):
    """Decode the word at `index`, fused with up to `room` - 1 words after it."""
    stay_apart()
    entry = decode_single(I(arena[U(index)]))
    size = ONE
    if room > 1 and not state[NO_FUSION]:
        entry, size = fuse(entry, arena, index, room)
    entries[U(index)] = entry
    mark_code(state, arena, marks, snapshot, code_pages, index, size, ZERO)


@kernel_function
def mark_code(state, arena, marks, snapshot, code_pages, index, size, mark):
    """Have changes of these words noticed, as something is made of them. `mark`: a mark besides."""
    stay_apart()
    pages = len(code_pages) >> 1
    for k in range(index, index + size):
        if not marks[U(k)] & MARK_CODE and state[CLEAN_LOW] <= k < state[CLEAN_HIGH]:
            forget_clean_windows(state)
        marks[U(k)] |= np.uint8(MARK_CODE | mark)
        snapshot[U(k)] = arena[U(k)]
        page = k // PAGE_WORDS
        if code_pages[U(pages + page)] == 0:
            code_pages[U(pages + page)] = 1
            code_pages[U(state[CODE_PAGE_COUNT])] = page
            state[CODE_PAGE_COUNT] += 1


@kernel_function
def verify_code(state, arena, entries, marks, snapshot, code_pages):
    """Forget the decoding of words that the host has changed."""
    for k in range(state[CODE_PAGE_COUNT]):
        first = code_pages[U(k)] * PAGE_WORDS
        for index in range(first, min(first + PAGE_WORDS, len(arena))):
            if marks[U(index)] & MARK_CODE and snapshot[U(index)] != arena[U(index)]:
                forget_code(state, entries, marks, index)


@kernel_function
def entry_words(entry):
    """How many words an entry stands for."""
    handler = entry & 0xFF
    if handler == handlers.CONST or handler == handlers.INC_CONST:
        return (entry >> 16) & 0xFF
    if handler == handlers.CMP_IF_ANY_JUMP:
        return FOUR
    if handler == handlers.CMP_IF_JUMP or handler == handlers.IF_ANY_JUMP:
        return THREE
    return TWO if handler == handlers.CMP_IF or handler == handlers.IF_JUMP else ONE


@kernel_function
def keep_within(entries, translations, base, words):
    """Forget the entries that reach beyond the end of the fetch window of these arena words."""
    end = base + words
    for back in range(1, min(MAX_FUSED, words + 1)):
        index = U(end - back)
        entry = entries[index]
        if entry & 0xFF == handlers.ENTER:
            row = ((entry >> 8) & 0xFFFF) * TRANSLATION_FIELDS
            original = U(row + TRANSLATION_ORIGINALS + ((entry >> 24) & 0xFF))
            if entry_words(translations[original]) > back:
                translations[original] = 0
        elif entry_words(entry) > back:
            entries[index] = 0
