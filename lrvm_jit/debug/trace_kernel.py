"""The tracing loop: the kernel, an instruction at a time, and what each of them did.

Compiled like the kernel, to one function from the address of a context to the reason why it
stopped. It stands between the engine and the kernel's entry point: budgets, requests to
components and stops are as the kernel's own. With a budget of 1 the kernel takes its careful
step, whose log tells the instruction's word whatever the MMU does.
"""

from __future__ import annotations

import numpy as np

from ..batch.lanes import _call_kernel
from ..core.layout import (
    BONUS,
    BUDGET,
    CYCLES,
    EXCEPTIONS,
    FLAG_OVERFLOW,
    FLAG_RESULT,
    FLAGS_EXPLICIT,
    LOG,
    LOG_POSITION,
    SOFT_BUDGET,
)
from ..isa.table import BY_OPCODE, Op
from ..kernel.alu import flags_of
from ..kernel.build.hints import unlikely
from ..kernel.build.jit import kernel_function
from ..kernel.entry import _array_at, arrays_at
from ..kernel.step import AF, AVR, ET, MTT, SMT, SSP, USP
from ..kernel.step import PC as PC_REGISTER
from ..kernel.typed import STOP_BUDGET, I, U
from .trace_layout import (
    ADDRESS,
    BEFORE,
    BEFORE_EXCEPTIONS,
    BEFORE_EXPLICIT,
    BEFORE_OVERFLOW,
    BEFORE_RESULT,
    BEFORE_WORDS,
    CAPACITY,
    COLUMNS,
    CONTEXT_WORDS,
    COUNT,
    COUNTS,
    CYCLE,
    DEPTHS,
    ELSEWHERE,
    ENTER_AT,
    FIRST,
    IN_PROGRESS,
    KERNEL,
    MOST_CALLS,
    NODE_CALLS,
    NODE_CAPACITY,
    NODE_COUNT,
    NODE_COUNT_FIELD,
    NODE_FIELDS,
    NODE_PARENT,
    NODE_TARGET,
    NODES,
    PC,
    REGISTER,
    REGISTERS,
    ROWS,
    STACKS,
    STORED,
    TABLE,
    TABLE_SIZE,
    VALUE,
    WORD,
    WORDS,
)

LSA, LEA, WSA, WEA, SRM = map(int, (Op.LSA, Op.LEA, Op.WSA, Op.WEA, Op.SRM))
PUSH, POP, CALL, CMP, EX, LSM = map(int, (Op.PUSH, Op.POP, Op.CALL, Op.CMP, Op.EX, Op.LSM))

WRITES_FIRST = np.zeros(32, np.int64)
"""1 for opcodes whose first operand is written."""
for _opcode, _row in BY_OPCODE.items():
    if _row.operands and _row.operands[0].role.writes and _opcode != Op.SRM:
        WRITES_FIRST[_opcode] = 1

NO = np.int64(-1)
MASK = 0xFFFF_FFFF
HASH = 0x9E3779B97F4A7C15


@kernel_function
def _word_of(state, before):
    """The word of the last instruction, as its step has logged it; 0 if it could not be fetched."""
    at = I(0)
    if before[U(MTT)] != 0:
        pass_through = I(1) << (31 if before[U(SMT)] != 0 else 30)
        at = I(1) if state[U(LOG)] & pass_through else I(2)
    return state[U(LOG + at)] if state[LOG_POSITION] > at else I(0)


@kernel_function
def _before(before, code):
    """A register before the instruction."""
    if code == AF and before[BEFORE_EXPLICIT] == 0:
        return I(flags_of(before[BEFORE_RESULT], before[BEFORE_OVERFLOW]))
    return before[U(code & 31)]


@kernel_function
def _operand(before, word, bit, shift, bits):
    """An operand that is a register if its bit in the word is set, else a literal."""
    raw = (word >> shift) & ((I(1) << bits) - 1)
    if (word >> bit) & 1:
        return _before(before, raw >> (bits - 8))
    return raw


@kernel_function
def _write_row(c, regs, state, before, word):
    """A row about the instruction that has just been attempted."""
    capacity = c[CAPACITY]
    columns = _array_at(c[ROWS], I(COLUMNS) * capacity, np.int64)
    at = c[COUNT]
    op = (word >> 27) & 31
    raised = state[EXCEPTIONS] != before[BEFORE_EXCEPTIONS]
    sp = I(SSP) if before[U(SMT)] != 0 else I(USP)
    register = NO
    address = NO
    stored = NO
    if op == LSA:
        address = _operand(before, word, I(25), I(8), I(8)) + _operand(
            before, word, I(24), I(0), I(8)
        )
    elif op == LEA or op == WEA:
        address = _operand(before, word, I(26), I(16), I(8)) + _operand(
            before, word, I(25), I(8), I(8)
        ) * _operand(before, word, I(24), I(0), I(8))
        if op == LEA:
            register = I(AVR)
        else:
            stored = before[U(AVR)]
    elif op == WSA:
        address = _operand(before, word, I(26), I(16), I(8)) + _operand(
            before, word, I(25), I(8), I(8)
        )
        stored = _operand(before, word, I(24), I(0), I(8))
    elif op == SRM:
        address = _operand(before, word, I(26), I(16), I(8)) + _operand(
            before, word, I(25), I(8), I(8)
        )
        register = word & 31
        stored = _before(before, register)
    elif op == PUSH or op == CALL:
        address = before[U(sp)] - 4
        register = sp
        if op == PUSH:
            stored = _operand(before, word, I(26), I(8), I(16))
        else:
            stored = (before[U(PC_REGISTER)] + 4) & MASK
    elif op == POP:
        address = before[U(sp)]
    elif op == CMP:
        register = I(AF)
    elif op == LSM:
        register = I(SMT)
    if WRITES_FIRST[U(op)] != 0:
        register = (word >> 16) & 31
    if raised:
        register = I(ET)
        stored = NO
    value = NO
    if register == AF and state[FLAGS_EXPLICIT] == 0:
        value = I(flags_of(state[FLAG_RESULT], state[FLAG_OVERFLOW]))
    elif register >= 0:
        value = I(regs[U(register)])
    columns[U(CYCLE * capacity + at)] = state[CYCLES]
    columns[U(PC * capacity + at)] = before[U(PC_REGISTER)]
    columns[U(WORD * capacity + at)] = word
    columns[U(REGISTER * capacity + at)] = register
    columns[U(VALUE * capacity + at)] = value
    columns[U(ADDRESS * capacity + at)] = address & MASK if address >= 0 else NO
    columns[U(STORED * capacity + at)] = stored
    c[COUNT] = at + 1


@kernel_function
def _child(c, nodes, parent, target):
    """The node of a function called from a node; the node itself if there is no room."""
    table = _array_at(c[TABLE], TABLE_SIZE, np.int64)
    slot = (I(U(parent * 65537 + target) * U(HASH) >> U(40))) & (TABLE_SIZE - 1)
    while table[U(slot)] != 0:
        node = table[U(slot)] - 1
        at = node * NODE_FIELDS
        if nodes[U(at + NODE_PARENT)] == parent and nodes[U(at + NODE_TARGET)] == target:
            return node
        slot = (slot + 1) & (TABLE_SIZE - 1)
    node = c[NODE_COUNT]
    if node >= c[NODE_CAPACITY]:
        return parent
    c[NODE_COUNT] = node + 1
    table[U(slot)] = node + 1
    nodes[U(node * NODE_FIELDS + NODE_PARENT)] = parent
    nodes[U(node * NODE_FIELDS + NODE_TARGET)] = target
    return node


@kernel_function
def _count(c, regs, state, before, word):
    """Count the instruction for its word and for the functions in progress."""
    pc = before[U(PC_REGISTER)]
    index = (pc >> 2) - c[FIRST]
    if index >= 0 and index < c[WORDS]:
        counts = _array_at(c[COUNTS], c[WORDS], np.int64)
        counts[U(index)] += 1
    else:
        c[ELSEWHERE] += 1
    supervisor = before[U(SMT)] != 0
    mode = I(0) if supervisor else I(1)
    sp = I(SSP) if supervisor else I(USP)
    nodes = _array_at(c[NODES], c[NODE_CAPACITY] * NODE_FIELDS, np.int64)
    stack = _array_at(c[STACKS] + mode * (MOST_CALLS * 16), I(MOST_CALLS * 2), np.int64)
    depth = c[U(DEPTHS + mode)]
    node = stack[U(2 * depth - 1)] if depth > 0 else mode
    nodes[U(node * NODE_FIELDS + NODE_COUNT_FIELD)] += 1
    now = I(regs[U(sp)])
    while depth > 0 and now > stack[U(2 * depth - 2)]:
        depth -= 1
    if (word >> 27) & 31 == CALL and state[EXCEPTIONS] == before[BEFORE_EXCEPTIONS]:
        target = I(regs[U(PC_REGISTER)])
        child = _child(c, nodes, node, target)
        nodes[U(child * NODE_FIELDS + NODE_CALLS)] += 1
        if depth < MOST_CALLS - 1:
            stack[U(2 * depth)] = now
            stack[U(2 * depth + 1)] = child
            depth += 1
    c[U(DEPTHS + mode)] = depth


def trace(address):
    """Run the kernel for its budget, an instruction at a time. Returns what the kernel returns;
    STOP_BUDGET, with budget left, if there is no more room for rows."""
    c = _array_at(address, CONTEXT_WORDS, np.int64)
    kernel = arrays_at(c[KERNEL])
    regs, state = kernel.regs, kernel.state
    before = _array_at(c[BEFORE], BEFORE_WORDS, np.int64)
    left = state[BUDGET] + state[BONUS]
    state[BONUS] = 0
    state[SOFT_BUDGET] = 0
    stop = STOP_BUDGET
    while left > 0:
        if c[IN_PROGRESS] == 0:
            if c[ROWS] != 0 and c[COUNT] >= c[CAPACITY]:
                break
            for k in range(REGISTERS):
                before[k] = I(regs[k])
            before[BEFORE_RESULT] = state[FLAG_RESULT]
            before[BEFORE_OVERFLOW] = state[FLAG_OVERFLOW]
            before[BEFORE_EXPLICIT] = state[FLAGS_EXPLICIT]
            before[BEFORE_EXCEPTIONS] = state[EXCEPTIONS]
        c[IN_PROGRESS] = 0
        state[BUDGET] = 1
        stop = _call_kernel(c[ENTER_AT], c[KERNEL])
        used = 1 - state[BUDGET]
        left -= used
        if used > 0:
            word = _word_of(state, before)
            if c[ROWS] != 0:
                _write_row(c, regs, state, before, word)
            if c[COUNTS] != 0:
                _count(c, regs, state, before, word)
        if unlikely(stop != STOP_BUDGET):
            c[IN_PROGRESS] = I(used == 0)
            break
    state[BUDGET] = left
    return stop


def load_sources() -> None:
    """Import what `trace` is compiled from: this module has it all."""
