"""Decoding of arena words into decoded ops, for the dispatch loop.

A decoded op is one int64 of byte-aligned fields:

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

Frequent sequences become superinstructions: one op then stands for up to MAX_COMBINED words, and
the ops of the words inside stay usable for jumps into the middle.
"""

from __future__ import annotations

import numpy as np

from ..core.layout import (
    CLEAN_HIGH,
    CLEAN_LOW,
    CODE_PAGE_COUNT,
    MARK_CODE,
    NO_SUPERINSTRUCTIONS,
    PAGE_WORDS,
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

MAX_COMBINED = 4

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
def guarded(kind, op):
    """The op, or what stands for it if its registers are not all plain."""
    if kind == PLAIN_REGISTER:
        return op
    if kind == PRIVILEGED_REGISTER:
        return (op & ~I(0xFF)) | handlers.PRIVILEGED | (op & 0xFF) << 56
    return handlers.SLOW


@kernel_function
def decode_if(word, opcode):
    """IF, IFN and IF2: a truth table of two flags."""
    a = (word >> 16) & 0xFF
    b = a
    # Bit 2 * a + b says whether the next instruction is executed.
    truth = I(0b1000 if opcode == IF else 0b0001)
    registers = (word >> 26) & 1
    if opcode == IF2:
        b = (word >> 8) & 0xFF
        condition = word & 0xFF
        registers = (word >> 24) & 7
        if condition < 1 or condition > 7:
            return handlers.SLOW
        truth = CONDITION[U(condition)]
    if registers or a > 6 or b > 6:
        return handlers.SLOW
    if opcode != IF2 and a < 2:
        # ZF is the table's high index bit, CF the low one.
        truth = I(0b1100 if a == 0 else 0b1010) ^ (0b1111 if opcode == IFN else 0)
        return pack(handlers.IF_ZERO_CARRY, ZERO, ZERO, truth, ZERO, ZERO)
    if a == 0 and b == 1:
        return pack(handlers.IF_ZERO_CARRY, ZERO, ZERO, truth, ZERO, ZERO)
    return pack(handlers.IF_ANY, 7 - a, 7 - b, truth, ZERO, ZERO)


@kernel_function
def decode_address(word, opcode):
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
    if opcode == WSA:
        return guarded(kind, pack(handlers.WSA, d, s, t, l1 + l2, l3))
    handler = handlers.LEA if opcode == LEA else handlers.WEA
    return guarded(kind, pack(handler, d, s, t, l1 | l2 << 8, l3))


@kernel_function
def decode_single(word):
    """The op of one instruction word."""
    opcode = word >> 27
    d = (word >> 16) & 0xFF
    second = (word >> 8) & 0xFF
    if opcode == IF or opcode == IFN or opcode == IF2:
        return decode_if(word, opcode)
    if opcode == LEA or opcode == WEA or opcode == WSA:
        return decode_address(word, opcode)

    # The operand that may be a literal: of `d, v` the second, of PUSH and CALL the first.
    leading = opcode == PUSH or opcode == CALL or opcode == JPR
    from_register = (word >> (26 if leading else 25)) & 1
    s = d if leading else second
    if from_register:
        imm = ZERO
        kind = source_class(s) if s != LITERAL else SLOW_REGISTER
    else:
        s = LITERAL
        imm = (word >> 8) & 0xFFFF if leading else word & 0xFFFF
        kind = PLAIN_REGISTER

    handler = SIMPLE[U(opcode)]
    if handler != 0:
        t = ZERO
        if not from_register and handler in (handlers.SHL, handlers.SHR, handlers.DIV):
            imm = second
        if opcode == DIV or opcode == MOD:
            if (word >> 24) & 1:
                return handlers.SLOW
            t = (word & 0x1F) | (I(opcode == MOD) << 7)
        if opcode == CPY and d == PC_CODE:
            if from_register:
                return guarded(kind, pack(handlers.JUMP_REG, ZERO, s, ZERO, ZERO, ZERO))
            return (
                pack(handlers.JUMP, ZERO, ZERO, ZERO, ZERO, imm >> 2)
                if imm & 3 == 0
                else handlers.SLOW
            )
        kind = max(kind, source_class(d) if opcode == CMP else target_class(d))
        if d == LITERAL:
            return handlers.SLOW
        return guarded(kind, pack(handler, d, s, t, imm, ZERO))
    if opcode == PUSH:
        return guarded(kind, pack(handlers.PUSH, ZERO, s, ZERO, imm, ZERO))
    if opcode == CALL:
        if from_register:
            return guarded(kind, pack(handlers.CALL_REG, ZERO, s, ZERO, ZERO, ZERO))
        return (
            pack(handlers.CALL, ZERO, ZERO, ZERO, ZERO, imm >> 2) if imm & 3 == 0 else handlers.SLOW
        )
    if opcode == JPR:
        if from_register or imm & 3:
            return handlers.SLOW
        return pack(handlers.JUMP_REL, ZERO, ZERO, ZERO, ZERO, I(np.int16(imm)) >> 2)
    if opcode == POP:
        if d == PC_CODE:
            return pack(handlers.RET, ZERO, ZERO, ZERO, ZERO, ZERO)
        return guarded(target_class(d), pack(handlers.POP, d, ZERO, ZERO, ZERO, ZERO))
    if opcode == LSA:
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
    if (
        opcode == EX
        and target_class(d) == PLAIN_REGISTER
        and target_class(second) == PLAIN_REGISTER
    ):
        return pack(handlers.EX, d, second, ZERO, ZERO, ZERO)
    if opcode == HALT_OP:
        return guarded(PRIVILEGED_REGISTER, pack(handlers.HALT, ZERO, ZERO, ZERO, ZERO, ZERO))
    return handlers.SLOW


@kernel_function
def combine_constant(op, one, two, before):
    """CONST for `cpy d, n; shl d, n` and perhaps `add/bor d, n`; its size, `before` included.

    The result is the op itself where the sequence is another one.
    """
    same = op & I(0xFF_FF00)
    count = (one >> 32) & 0xFFFF
    loads = op & I(0xFF_00FF) == handlers.CPY | LITERAL << 16
    if not loads or one & 0xFF != handlers.SHL or one & I(0xFF_FF00) != same or count > 31:
        return op, ONE
    value = (((op >> 32) & 0xFFFF) << count) & WORD
    size = before + 1
    adds = two & 0xFF == handlers.ADD or two & 0xFF == handlers.BOR
    if adds and two & I(0xFF_FF00) == same:
        addend = (two >> 32) & 0xFFFF
        total = value | addend if two & 0xFF == handlers.BOR else value + addend
        # A sum whose CF or OF is set would need more than the value.
        if total <= WORD and (two & 0xFF == handlers.BOR or (value ^ total) < 0x8000_0000):
            value = total
            size += 1
    return handlers.CONST | (op & I(0xFF00)) | size << 16 | value << 32, size


@kernel_function
def combine(op, arena, index, room):
    """The op that stands for a sequence starting at `index`, and how many words it covers."""
    handler = op & 0xFF
    field = ~I(0xFF)
    one = decode_single(I(arena[U(index + 1)])) if room > 1 else ZERO
    two = decode_single(I(arena[U(index + 2)])) if room > 2 else ZERO
    three = decode_single(I(arena[U(index + 3)])) if room > 3 else ZERO
    target = ~I(0xFFFF_FFFF_FFFF)
    if handler == handlers.CMP and one & 0xFF == handlers.IF_ZERO_CARRY:
        op = (op & field) | (one & I(0xFF00_0000))
        if two & 0xFF == handlers.JUMP:
            return op | handlers.CMP_IF_JUMP | (two & target), THREE
        if three & 0xFF == handlers.JUMP:
            return op | handlers.CMP_IF_ANY_JUMP | (three & target), FOUR
        return op | handlers.CMP_IF, TWO
    if handler == handlers.IF_ZERO_CARRY:
        if one & 0xFF == handlers.JUMP:
            return (op & field) | handlers.IF_JUMP | (one & target), TWO
        if two & 0xFF == handlers.JUMP:
            return (op & field) | handlers.IF_ANY_JUMP | (two & target), THREE
    if handler == handlers.CPY:
        return combine_constant(op, one, two, ONE)
    if op & I(0xFFFF_00FF_00FF) == handlers.ADD | LITERAL << 16 | ONE << 32:
        # An increment before a constant: the head of a loop with a limit above 16 bits.
        constant, size = combine_constant(one, two, three, TWO)
        if constant & 0xFF == handlers.CONST:
            return (constant & field) | handlers.INC_CONST | (op & I(0xFF00)) << 16, size
    return op, ONE


@kernel_function
def decode(state, arena, ops, marks, snapshot, code_pages, index, room):
    """Decode the word at `index`, combined with up to `room` - 1 words after it."""
    stay_apart()
    op = decode_single(I(arena[U(index)]))
    size = ONE
    if room > 1 and not state[NO_SUPERINSTRUCTIONS]:
        op, size = combine(op, arena, index, room)
    ops[U(index)] = op
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
def verify_code(state, arena, ops, marks, snapshot, code_pages):
    """Forget the decoding of words that the host has changed."""
    for k in range(state[CODE_PAGE_COUNT]):
        first = code_pages[U(k)] * PAGE_WORDS
        for index in range(first, min(first + PAGE_WORDS, len(arena))):
            if marks[U(index)] & MARK_CODE and snapshot[U(index)] != arena[U(index)]:
                forget_code(state, ops, marks, index)


@kernel_function
def op_words(op):
    """How many words an op stands for."""
    handler = op & 0xFF
    if handler == handlers.CONST or handler == handlers.INC_CONST:
        return (op >> 16) & 0xFF
    if handler == handlers.CMP_IF_ANY_JUMP:
        return FOUR
    if handler == handlers.CMP_IF_JUMP or handler == handlers.IF_ANY_JUMP:
        return THREE
    return TWO if handler == handlers.CMP_IF or handler == handlers.IF_JUMP else ONE


@kernel_function
def keep_within(ops, base, words):
    """Forget the ops that reach beyond the end of the fetch window of these arena words."""
    end = base + words
    for back in range(1, min(MAX_COMBINED, words + 1)):
        index = U(end - back)
        if op_words(ops[index]) > back:
            ops[index] = 0
