"""The fast loop: runs decoded ops until something needs Python.

Registers live in `regs`; everything else that changes per instruction is a local variable and
goes back to `state` only when the loop leaves for a slow step or for Python:

- `index` is the arena index of the current op. `limit - index` is the budget left, so
  straight-line code pays for its cycles by moving on, and jumps and skips correct `limit`.
- `end` is where straight-line execution must stop: the fetch window's end, or shortly before
  the budget's, where single steps take over. So the last instruction before a budget stop is
  always a slow step, and LAST_PC is exact.
- `result`, `overflow` are the flags (see `alu`).
- fetch, read, write and pop each keep their last window. A miss looks into the window table,
  then tries the mapping table (MMU off), then leaves it to the slow step.

A handler that cannot go on sets `handler` and continues: the same op is then treated by the
state of that name (SLOW, MISS_*), so every instruction is written once, for its usual case.
"""

from __future__ import annotations

from ..core import layout
from ..core.layout import WORD
from . import handlers, typed
from .alu import (
    add_overflow,
    divide,
    flags_of,
    multiply,
    multiply_overflow,
    same_overflow,
    shift_left,
    shift_right,
    sub_overflow,
)
from .build.hints import cold_path, stay_apart, unlikely
from .build.jit import kernel_function
from .decode import MAX_COMBINED, decode, decode_single, verify_code
from .exceptions import after_exception
from .memory import flush_windows, forget_code
from .native import (
    EXIT_BUDGET,
    EXIT_DECODED,
    EXIT_INTERPRET,
    EXIT_READ,
    EXIT_WRITE,
    LEFT_ALONE,
    MISSING,
    NOT_ENTERED,
    STALE,
    has_baseline,
    run_native,
)
from .step import AVR, PC, SMT, SSP, USP, step
from .typed import NONE, ONE, PENDING, RAISED, READ, WRITE, ZERO, I, U, W
from .windows import (
    AT_BREAKPOINT,
    STEP_ONCE,
    find_window,
    open_fetch_window,
    request_directly,
    take_answer,
)


@kernel_function
def holds(truth, result):
    """Whether a condition on ZF and CF holds of a result."""
    zero = I(result & WORD == 0)
    return (truth >> (2 * zero + ((result >> 32) & 1))) & 1


@kernel_function
def straight_until(index, limit, fetch_base, fetch_words):
    """Where straight-line execution must stop that begins at `index`, where a jump leads to.

    That is `index` itself if it is outside the fetch window.
    """
    if unlikely(U(index - fetch_base) >= U(fetch_words)):
        return index
    return min(fetch_base + fetch_words, limit - MAX_COMBINED)


@kernel_function
def store_marked(state, arena, ops, marks, at, value):
    """Whether a store to a marked word may go on: then what was decoded of it is forgotten, if it
    is another value. False if more hangs on it: a page table."""
    stay_apart()
    if marks[at] & layout.MARK_TABLE:
        return False
    if arena[at] != value:
        forget_code(state, ops, marks, I(at))
    return True


@kernel_function
def prepare(regs, state, arena, ops, marks, snapshot, code_pages):
    """Take note of what the host has changed since the kernel last ran."""
    stay_apart()
    verify_code(state, arena, ops, marks, snapshot, code_pages)
    flush_windows(regs, state)
    state[layout.VERIFY] = 0


@kernel_function
def dispatch(regs, state, arena, ops, marks, snapshot, code_pages, breakpoints, translations):
    """Run until the budget is used up or Python is needed; returns STOP_* or REQUEST_*."""
    if state[layout.VERIFY]:
        prepare(regs, state, arena, ops, marks, snapshot, code_pages)
    if state[layout.RESUME] and take_answer(regs, state):
        ended = after_exception(regs, state)
        if ended >= 0:
            return ended
        if state[layout.NOTICED]:
            return typed.STOP_NOTICE
    # A component may have halted the CPU; an instruction in progress is completed first.
    if state[layout.HALTED] and not state[layout.RESUME]:
        return typed.STOP_HALTED

    key = state[layout.WINDOW_KEY]
    sp = U(SSP) if regs[SMT] != 0 else U(USP)
    left = state[layout.BUDGET]
    pc = I(regs[PC])
    index = limit = end = miss = op = sample = ZERO
    result = state[layout.FLAG_RESULT]
    overflow = state[layout.FLAG_OVERFLOW]
    # The windows used last: first virtual address (of fetch: its word), size, first arena index.
    fetch_low = fetch_words = fetch_base = fetch_end = ZERO
    read_low = read_bytes = read_base = ZERO
    write_low = write_bytes = write_base = ZERO
    pop_low = pop_bytes = pop_base = ZERO
    # Where a region has just left an instruction to the interpreter.
    barred = NONE
    native = has_baseline(state)
    state[layout.RESUMED_AT] = NONE if state[layout.RESUME] else pc
    handler = handlers.STEP if state[layout.RESUME] == layout.RESUME_STEP else handlers.MISS_FETCH

    while True:
        d = U((op >> 8) & 0xFF)
        s = U((op >> 16) & 0xFF)
        imm = (op >> 32) & 0xFFFF

        if handler == handlers.DECODE:
            cold_path()
            if state[layout.EAGER]:
                pc = ((fetch_low + index - fetch_base) << 2) & WORD
                if state[layout.EAGER_PASSED] != pc:
                    left = limit - index
                    stop = typed.STOP_TRANSLATE
                    break
            room = min(
                fetch_end - index,
                layout.PAGE_WORDS - ((fetch_low + index - fetch_base) & (layout.PAGE_WORDS - 1)),
            )
            decode(state, arena, ops, marks, snapshot, code_pages, index, room)
            op = ops[U(index)]
            handler = op & 0xFF
            continue
        if handler == handlers.PRIVILEGED:
            handler = (op >> 56) & 0xFF if regs[SMT] != 0 else handlers.SLOW
            continue

        if handler == handlers.ENTER or handler == handlers.ENTER_NATIVE:
            left = limit - index
            code = NOT_ENTERED
            in_region = handler == handlers.ENTER
            # The end of the budget is the interpreter's.
            need = imm if in_region else ONE
            if index != barred and left + state[layout.BONUS] > need and (native or in_region):
                state[layout.FLAG_RESULT] = result
                state[layout.FLAG_OVERFLOW] = overflow
                pc = ((fetch_low + index - fetch_base) << 2) & WORD
                code = run_native(
                    regs,
                    state,
                    arena,
                    marks,
                    code_pages,
                    translations,
                    op,
                    pc,
                    left,
                    fetch_low,
                    fetch_words,
                    fetch_base,
                )
                if code == LEFT_ALONE and in_region:
                    # The engine takes it away between slices.
                    code = NOT_ENTERED
                elif code == LEFT_ALONE:
                    if ops[U(index)] & 0xFF == handlers.ENTER_NATIVE:
                        ops[U(index)] = 0
                    op = ops[U(index)]
                    handler = op & 0xFF
                    continue
                if code == MISSING:
                    stop = typed.STOP_TRANSLATE
                    break
                if code == STALE:
                    stop = typed.STOP_STALE
                    break
            if code == NOT_ENTERED:
                if in_region:
                    barred = NONE
                op = decode_single(I(arena[U(index)]))
                handler = op & 0xFF
                continue
            result = state[layout.FLAG_RESULT]
            overflow = state[layout.FLAG_OVERFLOW]
            left = state[layout.EXIT_LEFT]
            pc = I(regs[PC])
            handler = handlers.MISS_FETCH
            if code == EXIT_BUDGET:
                if state[layout.SOFT_BUDGET]:
                    stop = typed.STOP_BUDGET
                    break
                barred = fetch_base + (pc >> 2) - fetch_low
                continue
            index = fetch_base + (pc >> 2) - fetch_low
            limit = index + left
            end = min(fetch_end, limit - MAX_COMBINED)
            if code == EXIT_INTERPRET:
                handler = handlers.STEP
            elif code == EXIT_READ or code == EXIT_WRITE:
                # An exception, a marked word, or a component.
                handler = handlers.STEP
                op = decode_single(I(arena[U(index)]))
                miss = state[layout.EXIT_ADDRESS]
                slot = NONE
                if miss & 3 == 0:
                    access = READ if code == EXIT_READ else WRITE
                    slot = find_window(regs, state, arena, marks, miss, access)
                if (
                    slot >= 0
                    and state[U(slot + layout.WINDOW_BASE)] < 0
                    and request_directly(regs, state, op, slot, miss, pc)
                ):
                    stop = state[layout.REQUEST_KIND]
                    break
            elif code == EXIT_DECODED:
                op = ops[U(index)]
                handler = op & 0xFF
                if handler == handlers.ENTER_NATIVE:
                    op = decode_single(I(arena[U(index)]))
                    handler = op & 0xFF
                if index >= end:
                    handler = handlers.BOUNDARY
            continue

        # --- registers and flags -----------------------------------------------------------
        if handler == handlers.CPY:
            regs[d] = W(I(regs[s]) + imm)
            index += 1
        elif handler == handlers.ADD:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a + b
            overflow = add_overflow(a, b, result)
            regs[d] = W(result)
            index += 1
        elif handler == handlers.SUB:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            regs[d] = W(result)
            index += 1
        elif handler == handlers.MUL:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = multiply(a, b)
            overflow = multiply_overflow(a, b)
            regs[d] = W(result)
            index += 1
        elif handler == handlers.AND:
            result = I(regs[d]) & (I(regs[s]) + imm)
            overflow = ZERO
            regs[d] = W(result)
            index += 1
        elif handler == handlers.BOR:
            result = I(regs[d]) | (I(regs[s]) + imm)
            overflow = ZERO
            regs[d] = W(result)
            index += 1
        elif handler == handlers.XOR:
            result = I(regs[d]) ^ (I(regs[s]) + imm)
            overflow = ZERO
            regs[d] = W(result)
            index += 1
        elif handler == handlers.SHL:
            result = shift_left(I(regs[d]), I(regs[s]) + imm)
            overflow = same_overflow(result)
            regs[d] = W(result)
            index += 1
        elif handler == handlers.SHR:
            result = shift_right(I(regs[d]), I(regs[s]) + imm)
            overflow = same_overflow(result)
            regs[d] = W(result)
            index += 1
        elif handler == handlers.CMP:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            index += 1
        elif handler == handlers.DIV:
            mode = (op >> 24) & 0xFF
            quotient = divide(I(regs[d]), I(regs[s]) + imm, mode, mode >> 7 != 0)
            if unlikely(quotient < 0):
                handler = handlers.SLOW
                continue
            result = quotient
            overflow = same_overflow(result)
            regs[d] = W(result)
            index += 1
        elif handler == handlers.EX:
            a = regs[d]
            regs[d] = regs[s]
            regs[s] = a
            index += 1
        elif handler == handlers.CONST:
            result = (op >> 32) & WORD
            overflow = ZERO
            regs[d] = W(result)
            index += I(s)
        elif handler == handlers.INC_CONST:
            at = U((op >> 24) & 0xFF)
            regs[at] = W(I(regs[at]) + 1)
            result = (op >> 32) & WORD
            overflow = ZERO
            regs[d] = W(result)
            index += I(s)

        # --- conditions ----------------------------------------------------------------------
        elif handler == handlers.IF_ZERO_CARRY:
            skip = 1 - holds((op >> 24) & 0xFF, result)
            index += 1 + skip
            limit += skip
            end = min(fetch_end, limit - MAX_COMBINED)
        elif handler == handlers.CMP_IF:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            skip = 1 - holds((op >> 24) & 0xFF, result)
            index += 2 + skip
            limit += skip
            end = min(fetch_end, limit - MAX_COMBINED)
        elif handler == handlers.IF_ANY:
            af = flags_of(result, overflow)
            pair = 2 * ((af >> I(d)) & 1) + ((af >> I(s)) & 1)
            skip = 1 - (((op >> 24) >> pair) & 1)
            index += 1 + skip
            limit += skip
            end = min(fetch_end, limit - MAX_COMBINED)

        # --- jumps ---------------------------------------------------------------------------
        elif handler == handlers.JUMP:
            index += 1
            target = fetch_base - fetch_low + ((op >> 48) & 0xFFFF)
            limit += target - index
            index = target
            end = straight_until(index, limit, fetch_base, fetch_words)
        elif handler == handlers.CMP_IF_JUMP:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            index += 3
            if holds((op >> 24) & 0xFF, result):
                target = fetch_base - fetch_low + ((op >> 48) & 0xFFFF)
                limit += target - index
                index = target
                end = straight_until(index, limit, fetch_base, fetch_words)
            else:
                # The jump is skipped, which is no executed instruction.
                limit += 1
                end = min(fetch_end, limit - MAX_COMBINED)
        elif handler == handlers.IF_JUMP:
            index += 2
            if holds((op >> 24) & 0xFF, result):
                target = fetch_base - fetch_low + ((op >> 48) & 0xFFFF)
                limit += target - index
                index = target
                end = straight_until(index, limit, fetch_base, fetch_words)
            else:
                # The jump is skipped, which is no executed instruction.
                limit += 1
                end = min(fetch_end, limit - MAX_COMBINED)
        elif handler == handlers.CMP_IF_ANY_JUMP:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            index += 2
            if holds((op >> 24) & 0xFF, result) == 0:
                # The instruction between is skipped and the jump executed.
                index += 1
                target = fetch_base - fetch_low + ((op >> 48) & 0xFFFF)
                limit += target - index
                index = target
                end = straight_until(index, limit, fetch_base, fetch_words)
        elif handler == handlers.IF_ANY_JUMP:
            index += 1
            if holds((op >> 24) & 0xFF, result) == 0:
                # The instruction between is skipped and the jump executed.
                index += 1
                target = fetch_base - fetch_low + ((op >> 48) & 0xFFFF)
                limit += target - index
                index = target
                end = straight_until(index, limit, fetch_base, fetch_words)
        elif handler == handlers.JUMP_REL:
            limit += (op >> 48) - 1
            index += op >> 48
            end = straight_until(index, limit, fetch_base, fetch_words)
        elif (
            handler == handlers.JUMP_REG or handler == handlers.JUMP_LSA or handler == handlers.RET
        ):
            if handler == handlers.JUMP_REG:
                pc = I(regs[s])
            elif handler == handlers.JUMP_LSA:
                miss = (I(regs[s]) + I(regs[U((op >> 24) & 0xFF)]) + imm) & WORD
                inside = miss - read_low
                if unlikely(U(inside) >= U(read_bytes) or inside & 3):
                    handler = handlers.MISS_READ
                    continue
                pc = I(arena[U(read_base + (inside >> 2))])
            else:
                miss = I(regs[sp])
                inside = miss - pop_low
                if unlikely(U(inside) >= U(pop_bytes) or inside & 3):
                    handler = handlers.MISS_POP
                    continue
                pc = I(arena[U(pop_base + (inside >> 2))])
                regs[sp] = W(miss + 4)
            if unlikely(pc & 3):
                left = limit - index - 1
                handler = handlers.MISS_FETCH
                continue
            target = fetch_base - fetch_low + (pc >> 2)
            limit += target - index - 1
            index = target
            end = straight_until(index, limit, fetch_base, fetch_words)

        # --- memory --------------------------------------------------------------------------
        elif handler == handlers.LSA:
            miss = (I(regs[s]) + I(regs[U((op >> 24) & 0xFF)]) + imm) & WORD
            inside = miss - read_low
            if unlikely(U(inside) >= U(read_bytes) or inside & 3):
                handler = handlers.MISS_READ
                continue
            regs[d] = arena[U(read_base + (inside >> 2))]
            index += 1
        elif handler == handlers.LEA or handler == handlers.WEA:
            base = I(regs[d]) + ((op >> 32) & 0xFF)
            factor = I(regs[U((op >> 24) & 0xFF)]) + ((op >> 48) & 0xFF)
            miss = (base + (I(regs[s]) + ((op >> 40) & 0xFF)) * factor) & WORD
            if handler == handlers.LEA:
                inside = miss - read_low
                if unlikely(U(inside) >= U(read_bytes) or inside & 3):
                    handler = handlers.MISS_READ
                    continue
                regs[AVR] = arena[U(read_base + (inside >> 2))]
            else:
                inside = miss - write_low
                if unlikely(U(inside) >= U(write_bytes) or inside & 3):
                    handler = handlers.MISS_WRITE
                    continue
                at = U(write_base + (inside >> 2))
                if unlikely(marks[at] != 0) and not store_marked(
                    state, arena, ops, marks, at, regs[AVR]
                ):
                    handler = handlers.SLOW
                    continue
                arena[at] = regs[AVR]
            index += 1
        elif handler == handlers.WSA:
            miss = (I(regs[d]) + I(regs[s]) + imm) & WORD
            inside = miss - write_low
            if unlikely(U(inside) >= U(write_bytes) or inside & 3):
                handler = handlers.MISS_WRITE
                continue
            at = U(write_base + (inside >> 2))
            value = W(I(regs[U((op >> 24) & 0xFF)]) + ((op >> 48) & 0xFF))
            if unlikely(marks[at] != 0) and not store_marked(state, arena, ops, marks, at, value):
                handler = handlers.SLOW
                continue
            arena[at] = value
            index += 1
        elif handler == handlers.PUSH or handler == handlers.CALL or handler == handlers.CALL_REG:
            miss = (I(regs[sp]) - 4) & WORD
            inside = miss - write_low
            if unlikely(U(inside) >= U(write_bytes) or inside & 3):
                handler = handlers.MISS_WRITE
                continue
            at = U(write_base + (inside >> 2))
            value = W(I(regs[s]) + imm)
            if handler != handlers.PUSH:
                value = W((fetch_low + index - fetch_base + 1) << 2)
            if unlikely(marks[at] != 0) and not store_marked(state, arena, ops, marks, at, value):
                handler = handlers.SLOW
                continue
            arena[at] = value
            if handler == handlers.PUSH:
                regs[sp] = W(miss)
                index += 1
            else:
                pc = I(regs[s]) if handler == handlers.CALL_REG else ((op >> 48) & 0xFFFF) << 2
                regs[sp] = W(miss)
                if unlikely(pc & 3):
                    left = limit - index - 1
                    handler = handlers.MISS_FETCH
                    continue
                target = fetch_base - fetch_low + (pc >> 2)
                limit += target - index - 1
                index = target
                end = straight_until(index, limit, fetch_base, fetch_words)
        elif handler == handlers.POP:
            miss = I(regs[sp])
            inside = miss - pop_low
            if unlikely(U(inside) >= U(pop_bytes) or inside & 3):
                handler = handlers.MISS_POP
                continue
            a = arena[U(pop_base + (inside >> 2))]
            regs[sp] = W(miss + 4)
            regs[d] = a
            index += 1

        elif handler == handlers.HALT:
            # Rare in one machine, but every lane of a batch ends with it.
            cold_path()
            pc = ((fetch_low + index - fetch_base) << 2) & WORD
            state[layout.LAST_PC] = pc
            state[layout.HALTED] = 1
            pc = (pc + 4) & WORD
            left = limit - index - 1
            stop = typed.STOP_HALTED
            break

        # --- outside the usual case ----------------------------------------------------------
        elif (
            handler == handlers.MISS_READ
            or handler == handlers.MISS_POP
            or handler == handlers.MISS_WRITE
        ):
            cold_path()
            access = WRITE if handler == handlers.MISS_WRITE else READ
            slot = NONE if miss & 3 else find_window(regs, state, arena, marks, miss, access)
            if slot < 0:
                handler = handlers.SLOW
                continue
            low = state[U(slot + layout.WINDOW_LOW)] - key
            base = state[U(slot + layout.WINDOW_BASE)]
            if base >= 0:
                if handler == handlers.MISS_READ:
                    read_low, read_bytes, read_base = (
                        low,
                        state[U(slot + layout.WINDOW_BYTES)],
                        base,
                    )
                elif handler == handlers.MISS_POP:
                    pop_low, pop_bytes, pop_base = low, state[U(slot + layout.WINDOW_BYTES)], base
                else:
                    write_low, write_bytes, write_base = (
                        low,
                        state[U(slot + layout.WINDOW_BYTES)],
                        base,
                    )
                handler = op & 0xFF
                continue
            pc = ((fetch_low + index - fetch_base) << 2) & WORD
            left = limit - index
            if request_directly(regs, state, op, slot, miss, pc):
                stop = state[layout.REQUEST_KIND]
                break
            handler = handlers.STEP
            continue
        elif handler == handlers.SLOW or handler == handlers.BOUNDARY:
            cold_path()
            pc = ((fetch_low + index - fetch_base) << 2) & WORD
            left = limit - index
            # Inside of the window it is the budget that runs out: single steps.
            inside = index - fetch_base
            steps = handler == handlers.SLOW or U(inside) < U(fetch_words)
            handler = handlers.STEP if steps else handlers.MISS_FETCH
            continue
        elif handler == handlers.MISS_FETCH:
            cold_path()
            inside = (pc >> 2) - fetch_low
            if unlikely(U(inside) >= U(fetch_words) or pc & 3 or state[layout.FLAGS_EXPLICIT]):
                if left <= 0:
                    stop = typed.STOP_BUDGET
                    break
                found = open_fetch_window(regs, state, arena, ops, marks, breakpoints, pc)
                if found == AT_BREAKPOINT:
                    stop = typed.STOP_BREAKPOINT
                    break
                if found == STEP_ONCE:
                    handler = handlers.STEP
                    continue
                fetch_low = state[layout.FETCH_LOW]
                fetch_words = state[layout.FETCH_WORDS]
                fetch_base = state[layout.FETCH_BASE]
                fetch_end = fetch_base + fetch_words
                inside = (pc >> 2) - fetch_low
            index = fetch_base + inside
            if unlikely(state[layout.SAMPLES_LEFT] > 0):
                state[layout.SAMPLES_LEFT] -= 1
                sample = (
                    state[layout.SAMPLES_AT] + state[layout.SAMPLES_LEFT] * layout.SAMPLE_FIELDS
                )
                translations[U(sample)] = index << 32 | pc
                state[layout.TOUCHED] = -1
                handler = handlers.STEP
                continue
            limit = index + left
            end = min(fetch_end, limit - MAX_COMBINED)
            if native and index < end:
                op = ops[U(index)]
                handler = handlers.ENTER if op & 0xFF == handlers.ENTER else handlers.ENTER_NATIVE
                continue
        else:  # handlers.STEP: the careful path, one instruction
            cold_path()
            if left <= 0:
                stop = typed.STOP_BUDGET
                break
            regs[PC] = W(pc)
            state[layout.CYCLES] += state[layout.BUDGET] - left
            state[layout.BUDGET] = left
            state[layout.FLAG_RESULT] = result
            state[layout.FLAG_OVERFLOW] = overflow
            outcome = step(regs, state, arena, ops, marks)
            if sample:
                translations[U(sample + 1)] = state[layout.TOUCHED]
                state[layout.RESUMED_AT] = I(regs[PC])
                sample = ZERO
            result = state[layout.FLAG_RESULT]
            overflow = state[layout.FLAG_OVERFLOW]
            left = state[layout.BUDGET]
            pc = I(regs[PC])
            if outcome == PENDING:
                stop = state[layout.REQUEST_KIND]
                break
            if state[layout.HALTED]:
                stop = typed.STOP_HALTED
                break
            if outcome == RAISED:
                stop = after_exception(regs, state)
                if stop >= 0:
                    break
            if state[layout.NOTICED]:
                stop = typed.STOP_NOTICE
                break
            sp = U(SSP) if regs[SMT] != 0 else U(USP)
            if key != state[layout.WINDOW_KEY]:
                key = state[layout.WINDOW_KEY]
                fetch_words = read_bytes = write_bytes = pop_bytes = ZERO
            handler = handlers.MISS_FETCH
            continue

        if unlikely(index >= end):
            handler = handlers.BOUNDARY
            continue
        op = ops[U(index)]
        handler = op & 0xFF

    regs[PC] = W(pc)
    state[layout.CYCLES] += state[layout.BUDGET] - left
    state[layout.BUDGET] = left
    state[layout.FLAG_RESULT] = result
    state[layout.FLAG_OVERFLOW] = overflow
    if state[layout.RESUME]:
        state[layout.CYCLES] += 1
    return stop
