"""The fast loop: runs decoded entries until something needs Python.

Registers live in `regs`; everything else that changes per instruction is a local variable and
goes back to `state` only when the loop leaves for a slow step or for Python:

- `index` is the arena index of the current entry. `limit - index` is the budget left, so
  straight-line code pays for its cycles by moving on, and jumps and skips correct `limit`.
- `end` is where straight-line execution must stop: the fetch window's end, or shortly before
  the budget's, where single steps take over. So the last instruction before a budget stop is
  always a slow step, and LAST_PC is exact.
- `result`, `overflow` are the flags (see `alu`).
- fetch, read, write and pop each keep their last window. A miss looks into the window table,
  then tries the region table (MMU off), then leaves it to the slow step.

A handler that cannot go on sets `handler` and continues: the same entry is then treated by the
state of that name (SLOW, MISS_*), so every instruction is written once, for its usual case.
"""

from __future__ import annotations

from ..core.layout import (
    BONUS,
    BUDGET,
    CYCLES,
    EXIT_ADDRESS,
    EXIT_LEFT,
    FETCH_BASE,
    FETCH_LOW,
    FETCH_WORDS,
    FIRST_SIGHT,
    FIRST_SIGHT_PASSED,
    FLAG_OVERFLOW,
    FLAG_RESULT,
    FLAGS_EXPLICIT,
    HALTED,
    LAST_PC,
    NATIVE_CONTEXT,
    NOTICED,
    PAGE_WORDS,
    REQUEST_KIND,
    RESUME,
    RESUME_STEP,
    SAMPLE_FIELDS,
    SAMPLES_AT,
    SAMPLES_LEFT,
    SOFT_BUDGET,
    TOUCHED,
    TRANSLATION_FIELDS,
    TRANSLATION_ORIGINALS,
    VERIFY,
    WINDOW_BASE,
    WINDOW_BYTES,
    WINDOW_KEY,
    WINDOW_LOW,
    WORD,
)
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
from .decode import (
    BOUNDARY,
    CALL_REG,
    CMP_IF,
    CMP_IF_ANY_JUMP,
    CMP_IF_JUMP,
    CONST,
    DECODE,
    DO_ADD,
    DO_AND,
    DO_BOR,
    DO_CALL,
    DO_CMP,
    DO_CPY,
    DO_DIV,
    DO_EX,
    DO_HALT,
    DO_LEA,
    DO_LSA,
    DO_MUL,
    DO_POP,
    DO_PUSH,
    DO_SHL,
    DO_SHR,
    DO_SUB,
    DO_WEA,
    DO_WSA,
    DO_XOR,
    ENTER,
    ENTER_NATIVE,
    IF_ANY,
    IF_ANY_JUMP,
    IF_JUMP,
    IF_ZERO_CARRY,
    INC_CONST,
    JUMP,
    JUMP_LSA,
    JUMP_REG,
    JUMP_REL,
    MAX_FUSED,
    MISS_FETCH,
    MISS_POP,
    MISS_READ,
    MISS_WRITE,
    PRIVILEGED,
    RET,
    SLOW,
    STEP,
    decode,
    decode_single,
    verify_code,
)
from .exceptions import after_exception
from .memory import flush_windows
from .native import (
    EXIT_DECODED,
    EXIT_READ,
    EXIT_WRITE,
    MISSING,
    run_native,
)
from .step import AVR, PC, SMT, SSP, USP, step
from .translations import EXIT_BUDGET, EXIT_INTERPRET, NOT_ENTERED, STALE, run_translation
from .typed import (
    NONE,
    PENDING,
    RAISED,
    READ,
    STOP_BREAKPOINT,
    STOP_BUDGET,
    STOP_HALTED,
    STOP_NOTICE,
    STOP_STALE,
    STOP_TRANSLATE,
    WRITE,
    ZERO,
    I,
    U,
    W,
)
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
def prepare(regs, state, arena, entries, marks, snapshot, code_pages):
    """Take note of what the host has changed since the kernel last ran."""
    stay_apart()
    verify_code(state, arena, entries, marks, snapshot, code_pages)
    flush_windows(regs, state)
    state[VERIFY] = 0


@kernel_function
def dispatch(regs, state, arena, entries, marks, snapshot, code_pages, breakpoints, translations):
    """Run until the budget is used up or Python is needed; returns STOP_* or REQUEST_*."""
    if state[VERIFY]:
        prepare(regs, state, arena, entries, marks, snapshot, code_pages)
    if state[RESUME] and take_answer(regs, state):
        ended = after_exception(regs, state)
        if ended >= 0:
            return ended
        if state[NOTICED]:
            return STOP_NOTICE
    # A component may have halted the CPU; an instruction in progress is completed first.
    if state[HALTED] and not state[RESUME]:
        return STOP_HALTED

    key = state[WINDOW_KEY]
    sp = U(SSP) if regs[SMT] != 0 else U(USP)
    left = state[BUDGET]
    pc = I(regs[PC])
    index = limit = end = miss = entry = sample = ZERO
    result = state[FLAG_RESULT]
    overflow = state[FLAG_OVERFLOW]
    # The windows used last: first virtual address (of fetch: its word), size, first arena index.
    fetch_low = fetch_words = fetch_base = fetch_end = ZERO
    read_low = read_bytes = read_base = ZERO
    write_low = write_bytes = write_base = ZERO
    pop_low = pop_bytes = pop_base = ZERO
    # Where a region has just left an instruction to the interpreter.
    barred = NONE
    native = state[NATIVE_CONTEXT] != 0
    handler = STEP if state[RESUME] == RESUME_STEP else MISS_FETCH

    while True:
        d = U((entry >> 8) & 0xFF)
        s = U((entry >> 16) & 0xFF)
        imm = (entry >> 32) & 0xFFFF

        if handler == DECODE:
            cold_path()
            if state[FIRST_SIGHT]:
                pc = ((fetch_low + index - fetch_base) << 2) & WORD
                if state[FIRST_SIGHT_PASSED] != pc:
                    left = limit - index
                    stop = STOP_TRANSLATE
                    break
            room = min(
                fetch_end - index,
                PAGE_WORDS - ((fetch_low + index - fetch_base) & (PAGE_WORDS - 1)),
            )
            decode(state, arena, entries, marks, snapshot, code_pages, index, room)
            entry = entries[U(index)]
            handler = entry & 0xFF
            continue
        if handler == PRIVILEGED:
            handler = (entry >> 56) & 0xFF if regs[SMT] != 0 else SLOW
            continue

        if handler == ENTER:
            left = limit - index
            number = entry
            row = ((entry >> 8) & 0xFFFF) * TRANSLATION_FIELDS
            original = U(row + TRANSLATION_ORIGINALS + ((entry >> 24) & 0xFF))
            code = NOT_ENTERED
            if index != barred and left + state[BONUS] > imm:
                state[FLAG_RESULT] = result
                state[FLAG_OVERFLOW] = overflow
                code = run_translation(
                    regs,
                    state,
                    arena,
                    marks,
                    code_pages,
                    translations,
                    entry,
                    left,
                    fetch_base - fetch_low,
                )
            if code == NOT_ENTERED:
                barred = NONE
                if translations[original] == 0:
                    room = min(
                        fetch_end - index,
                        PAGE_WORDS - ((fetch_low + index - fetch_base) & (PAGE_WORDS - 1)),
                    )
                    decode(state, arena, entries, marks, snapshot, code_pages, index, room)
                    translations[original] = entries[U(index)]
                    entries[U(index)] = number
                entry = translations[original]
                handler = entry & 0xFF
                continue
            if code == STALE:
                pc = ((fetch_low + index - fetch_base) << 2) & WORD
                stop = STOP_STALE
                break
            result = state[FLAG_RESULT]
            overflow = state[FLAG_OVERFLOW]
            left = state[EXIT_LEFT]
            pc = I(regs[PC])
            if code == EXIT_BUDGET and state[SOFT_BUDGET]:
                stop = STOP_BUDGET
                break
            if code == EXIT_INTERPRET:
                barred = fetch_base + (pc >> 2) - fetch_low
            handler = MISS_FETCH
            continue

        if handler == ENTER_NATIVE:
            left = limit - index
            if not native or index == barred or left + state[BONUS] <= 1:
                # The end of the budget is the interpreter's.
                entry = decode_single(I(arena[U(index)]))
                handler = entry & 0xFF
                continue
            state[FLAG_RESULT] = result
            state[FLAG_OVERFLOW] = overflow
            pc = ((fetch_low + index - fetch_base) << 2) & WORD
            code = run_native(
                regs,
                state,
                arena,
                marks,
                code_pages,
                pc,
                left,
                fetch_low,
                fetch_words,
                fetch_base,
            )
            if code == MISSING:
                stop = STOP_TRANSLATE
                break
            result = state[FLAG_RESULT]
            overflow = state[FLAG_OVERFLOW]
            left = state[EXIT_LEFT]
            pc = I(regs[PC])
            handler = MISS_FETCH
            if code == EXIT_BUDGET:
                if state[SOFT_BUDGET]:
                    stop = STOP_BUDGET
                    break
                barred = fetch_base + (pc >> 2) - fetch_low
                continue
            index = fetch_base + (pc >> 2) - fetch_low
            limit = index + left
            end = min(fetch_end, limit - MAX_FUSED)
            if code == EXIT_INTERPRET:
                handler = STEP
            elif code == EXIT_READ or code == EXIT_WRITE:
                # An exception, a marked word, or a component.
                handler = STEP
                entry = decode_single(I(arena[U(index)]))
                miss = state[EXIT_ADDRESS]
                slot = NONE
                if miss & 3 == 0:
                    access = READ if code == EXIT_READ else WRITE
                    slot = find_window(regs, state, arena, marks, miss, access)
                if (
                    slot >= 0
                    and state[U(slot + WINDOW_BASE)] < 0
                    and request_directly(regs, state, entry, slot, miss, pc)
                ):
                    stop = state[REQUEST_KIND]
                    break
            elif code == EXIT_DECODED:
                entry = entries[U(index)]
                handler = entry & 0xFF
                if handler == ENTER_NATIVE:
                    entry = decode_single(I(arena[U(index)]))
                    handler = entry & 0xFF
                if index >= end:
                    handler = BOUNDARY
            continue

        # --- registers and flags -----------------------------------------------------------
        if handler == DO_CPY:
            regs[d] = W(I(regs[s]) + imm)
            index += 1
        elif handler == DO_ADD:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a + b
            overflow = add_overflow(a, b, result)
            regs[d] = W(result)
            index += 1
        elif handler == DO_SUB:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            regs[d] = W(result)
            index += 1
        elif handler == DO_MUL:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = multiply(a, b)
            overflow = multiply_overflow(a, b)
            regs[d] = W(result)
            index += 1
        elif handler == DO_AND:
            result = I(regs[d]) & (I(regs[s]) + imm)
            overflow = ZERO
            regs[d] = W(result)
            index += 1
        elif handler == DO_BOR:
            result = I(regs[d]) | (I(regs[s]) + imm)
            overflow = ZERO
            regs[d] = W(result)
            index += 1
        elif handler == DO_XOR:
            result = I(regs[d]) ^ (I(regs[s]) + imm)
            overflow = ZERO
            regs[d] = W(result)
            index += 1
        elif handler == DO_SHL:
            result = shift_left(I(regs[d]), I(regs[s]) + imm)
            overflow = same_overflow(result)
            regs[d] = W(result)
            index += 1
        elif handler == DO_SHR:
            result = shift_right(I(regs[d]), I(regs[s]) + imm)
            overflow = same_overflow(result)
            regs[d] = W(result)
            index += 1
        elif handler == DO_CMP:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            index += 1
        elif handler == DO_DIV:
            mode = (entry >> 24) & 0xFF
            quotient = divide(I(regs[d]), I(regs[s]) + imm, mode, mode >> 7 != 0)
            if unlikely(quotient < 0):
                handler = SLOW
                continue
            result = quotient
            overflow = same_overflow(result)
            regs[d] = W(result)
            index += 1
        elif handler == DO_EX:
            a = regs[d]
            regs[d] = regs[s]
            regs[s] = a
            index += 1
        elif handler == CONST:
            result = (entry >> 32) & WORD
            overflow = ZERO
            regs[d] = W(result)
            index += I(s)
        elif handler == INC_CONST:
            at = U((entry >> 24) & 0xFF)
            regs[at] = W(I(regs[at]) + 1)
            result = (entry >> 32) & WORD
            overflow = ZERO
            regs[d] = W(result)
            index += I(s)

        # --- conditions ----------------------------------------------------------------------
        elif handler == IF_ZERO_CARRY:
            skip = 1 - holds((entry >> 24) & 0xFF, result)
            index += 1 + skip
            limit += skip
            end = min(fetch_end, limit - MAX_FUSED)
        elif handler == CMP_IF:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            skip = 1 - holds((entry >> 24) & 0xFF, result)
            index += 2 + skip
            limit += skip
            end = min(fetch_end, limit - MAX_FUSED)
        elif handler == IF_ANY:
            af = flags_of(result, overflow)
            pair = 2 * ((af >> I(d)) & 1) + ((af >> I(s)) & 1)
            skip = 1 - (((entry >> 24) >> pair) & 1)
            index += 1 + skip
            limit += skip
            end = min(fetch_end, limit - MAX_FUSED)

        # --- jumps ---------------------------------------------------------------------------
        elif handler == JUMP:
            index += 1
            inside = ((entry >> 48) & 0xFFFF) - fetch_low
            if unlikely(U(inside) >= U(fetch_words)):
                pc = ((entry >> 48) & 0xFFFF) << 2
                left = limit - index
                handler = MISS_FETCH
                continue
            target = fetch_base + inside
            limit += target - index
            index = target
            end = min(fetch_end, limit - MAX_FUSED)
        elif handler == CMP_IF_JUMP:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            index += 3
            if holds((entry >> 24) & 0xFF, result):
                inside = ((entry >> 48) & 0xFFFF) - fetch_low
                if unlikely(U(inside) >= U(fetch_words)):
                    pc = ((entry >> 48) & 0xFFFF) << 2
                    left = limit - index
                    handler = MISS_FETCH
                    continue
                target = fetch_base + inside
                limit += target - index
                index = target
            else:
                # The jump is skipped, which is no executed instruction.
                limit += 1
            end = min(fetch_end, limit - MAX_FUSED)
        elif handler == IF_JUMP:
            index += 2
            if holds((entry >> 24) & 0xFF, result):
                inside = ((entry >> 48) & 0xFFFF) - fetch_low
                if unlikely(U(inside) >= U(fetch_words)):
                    pc = ((entry >> 48) & 0xFFFF) << 2
                    left = limit - index
                    handler = MISS_FETCH
                    continue
                target = fetch_base + inside
                limit += target - index
                index = target
            else:
                # The jump is skipped, which is no executed instruction.
                limit += 1
            end = min(fetch_end, limit - MAX_FUSED)
        elif handler == CMP_IF_ANY_JUMP:
            a = I(regs[d])
            b = I(regs[s]) + imm
            result = a - b
            overflow = sub_overflow(a, b, result)
            index += 2
            if holds((entry >> 24) & 0xFF, result) == 0:
                # The instruction between is skipped and the jump executed.
                index += 1
                inside = ((entry >> 48) & 0xFFFF) - fetch_low
                if unlikely(U(inside) >= U(fetch_words)):
                    pc = ((entry >> 48) & 0xFFFF) << 2
                    left = limit - index
                    handler = MISS_FETCH
                    continue
                target = fetch_base + inside
                limit += target - index
                index = target
                end = min(fetch_end, limit - MAX_FUSED)
        elif handler == IF_ANY_JUMP:
            index += 1
            if holds((entry >> 24) & 0xFF, result) == 0:
                # The instruction between is skipped and the jump executed.
                index += 1
                inside = ((entry >> 48) & 0xFFFF) - fetch_low
                if unlikely(U(inside) >= U(fetch_words)):
                    pc = ((entry >> 48) & 0xFFFF) << 2
                    left = limit - index
                    handler = MISS_FETCH
                    continue
                target = fetch_base + inside
                limit += target - index
                index = target
                end = min(fetch_end, limit - MAX_FUSED)
        elif handler == JUMP_REL:
            target = index + (entry >> 48)
            if U(target - fetch_base) >= U(fetch_words):
                pc = ((fetch_low + target - fetch_base) << 2) & WORD
                left = limit - index - 1
                handler = MISS_FETCH
                continue
            limit += target - index - 1
            index = target
            end = min(fetch_end, limit - MAX_FUSED)
        elif handler == JUMP_REG or handler == JUMP_LSA or handler == RET:
            if handler == JUMP_REG:
                pc = I(regs[s])
            elif handler == JUMP_LSA:
                miss = (I(regs[s]) + I(regs[U((entry >> 24) & 0xFF)]) + imm) & WORD
                inside = miss - read_low
                if unlikely(U(inside) >= U(read_bytes) or inside & 3):
                    handler = MISS_READ
                    continue
                pc = I(arena[U(read_base + (inside >> 2))])
            else:
                miss = I(regs[sp])
                inside = miss - pop_low
                if unlikely(U(inside) >= U(pop_bytes) or inside & 3):
                    handler = MISS_POP
                    continue
                pc = I(arena[U(pop_base + (inside >> 2))])
                regs[sp] = W(miss + 4)
            inside = (pc >> 2) - fetch_low
            if unlikely(U(inside) >= U(fetch_words) or pc & 3):
                left = limit - index - 1
                handler = MISS_FETCH
                continue
            target = fetch_base + inside
            limit += target - index - 1
            index = target
            end = min(fetch_end, limit - MAX_FUSED)

        # --- memory --------------------------------------------------------------------------
        elif handler == DO_LSA:
            miss = (I(regs[s]) + I(regs[U((entry >> 24) & 0xFF)]) + imm) & WORD
            inside = miss - read_low
            if unlikely(U(inside) >= U(read_bytes) or inside & 3):
                handler = MISS_READ
                continue
            regs[d] = arena[U(read_base + (inside >> 2))]
            index += 1
        elif handler == DO_LEA or handler == DO_WEA:
            base = I(regs[d]) + ((entry >> 32) & 0xFF)
            factor = I(regs[U((entry >> 24) & 0xFF)]) + ((entry >> 48) & 0xFF)
            miss = (base + (I(regs[s]) + ((entry >> 40) & 0xFF)) * factor) & WORD
            if handler == DO_LEA:
                inside = miss - read_low
                if unlikely(U(inside) >= U(read_bytes) or inside & 3):
                    handler = MISS_READ
                    continue
                regs[AVR] = arena[U(read_base + (inside >> 2))]
            else:
                inside = miss - write_low
                if unlikely(U(inside) >= U(write_bytes) or inside & 3):
                    handler = MISS_WRITE
                    continue
                at = U(write_base + (inside >> 2))
                if unlikely(marks[at] != 0):
                    handler = SLOW
                    continue
                arena[at] = regs[AVR]
            index += 1
        elif handler == DO_WSA:
            miss = (I(regs[d]) + I(regs[s]) + imm) & WORD
            inside = miss - write_low
            if unlikely(U(inside) >= U(write_bytes) or inside & 3):
                handler = MISS_WRITE
                continue
            at = U(write_base + (inside >> 2))
            if unlikely(marks[at] != 0):
                handler = SLOW
                continue
            arena[at] = W(I(regs[U((entry >> 24) & 0xFF)]) + ((entry >> 48) & 0xFF))
            index += 1
        elif handler == DO_PUSH or handler == DO_CALL or handler == CALL_REG:
            miss = (I(regs[sp]) - 4) & WORD
            inside = miss - write_low
            if unlikely(U(inside) >= U(write_bytes) or inside & 3):
                handler = MISS_WRITE
                continue
            at = U(write_base + (inside >> 2))
            if unlikely(marks[at] != 0):
                handler = SLOW
                continue
            if handler == DO_PUSH:
                arena[at] = W(I(regs[s]) + imm)
                regs[sp] = W(miss)
                index += 1
            else:
                pc = I(regs[s]) if handler == CALL_REG else ((entry >> 48) & 0xFFFF) << 2
                arena[at] = W((fetch_low + index - fetch_base + 1) << 2)
                regs[sp] = W(miss)
                inside = (pc >> 2) - fetch_low
                if unlikely(U(inside) >= U(fetch_words) or pc & 3):
                    left = limit - index - 1
                    handler = MISS_FETCH
                    continue
                target = fetch_base + inside
                limit += target - index - 1
                index = target
                end = min(fetch_end, limit - MAX_FUSED)
        elif handler == DO_POP:
            miss = I(regs[sp])
            inside = miss - pop_low
            if unlikely(U(inside) >= U(pop_bytes) or inside & 3):
                handler = MISS_POP
                continue
            a = arena[U(pop_base + (inside >> 2))]
            regs[sp] = W(miss + 4)
            regs[d] = a
            index += 1

        elif handler == DO_HALT:
            # Rare in one machine, but every lane of a batch ends with it.
            cold_path()
            pc = ((fetch_low + index - fetch_base) << 2) & WORD
            state[LAST_PC] = pc
            state[HALTED] = 1
            pc = (pc + 4) & WORD
            left = limit - index - 1
            stop = STOP_HALTED
            break

        # --- outside the usual case ----------------------------------------------------------
        elif handler == MISS_READ or handler == MISS_POP or handler == MISS_WRITE:
            cold_path()
            access = WRITE if handler == MISS_WRITE else READ
            slot = NONE if miss & 3 else find_window(regs, state, arena, marks, miss, access)
            if slot < 0:
                handler = SLOW
                continue
            low = state[U(slot + WINDOW_LOW)] - key
            base = state[U(slot + WINDOW_BASE)]
            if base >= 0:
                if handler == MISS_READ:
                    read_low, read_bytes, read_base = low, state[U(slot + WINDOW_BYTES)], base
                elif handler == MISS_POP:
                    pop_low, pop_bytes, pop_base = low, state[U(slot + WINDOW_BYTES)], base
                else:
                    write_low, write_bytes, write_base = low, state[U(slot + WINDOW_BYTES)], base
                handler = entry & 0xFF
                continue
            pc = ((fetch_low + index - fetch_base) << 2) & WORD
            left = limit - index
            if request_directly(regs, state, entry, slot, miss, pc):
                stop = state[REQUEST_KIND]
                break
            handler = STEP
            continue
        elif handler == SLOW or handler == BOUNDARY:
            cold_path()
            pc = ((fetch_low + index - fetch_base) << 2) & WORD
            left = limit - index
            # Short of the window's end it is the budget that runs out: single steps.
            handler = STEP if handler == SLOW or index < fetch_end else MISS_FETCH
            continue
        elif handler == MISS_FETCH:
            cold_path()
            inside = (pc >> 2) - fetch_low
            if unlikely(U(inside) >= U(fetch_words) or pc & 3 or state[FLAGS_EXPLICIT]):
                if left <= 0:
                    stop = STOP_BUDGET
                    break
                found = open_fetch_window(
                    regs, state, arena, entries, marks, breakpoints, translations, pc
                )
                if found == AT_BREAKPOINT:
                    stop = STOP_BREAKPOINT
                    break
                if found == STEP_ONCE:
                    handler = STEP
                    continue
                fetch_low = state[FETCH_LOW]
                fetch_words = state[FETCH_WORDS]
                fetch_base = state[FETCH_BASE]
                fetch_end = fetch_base + fetch_words
                inside = (pc >> 2) - fetch_low
            index = fetch_base + inside
            if unlikely(state[SAMPLES_LEFT] > 0):
                state[SAMPLES_LEFT] -= 1
                sample = state[SAMPLES_AT] + state[SAMPLES_LEFT] * SAMPLE_FIELDS
                translations[U(sample)] = index << 32 | pc
                state[TOUCHED] = -1
                handler = STEP
                continue
            limit = index + left
            end = min(fetch_end, limit - MAX_FUSED)
            if native and index < end:
                entry = entries[U(index)]
                handler = ENTER if entry & 0xFF == ENTER else ENTER_NATIVE
                continue
        else:  # STEP: the careful path, one instruction
            cold_path()
            if left <= 0:
                stop = STOP_BUDGET
                break
            regs[PC] = W(pc)
            state[CYCLES] += state[BUDGET] - left
            state[BUDGET] = left
            state[FLAG_RESULT] = result
            state[FLAG_OVERFLOW] = overflow
            outcome = step(regs, state, arena, entries, marks)
            if sample:
                translations[U(sample + 1)] = state[TOUCHED]
                sample = ZERO
            result = state[FLAG_RESULT]
            overflow = state[FLAG_OVERFLOW]
            left = state[BUDGET]
            pc = I(regs[PC])
            if outcome == PENDING:
                stop = state[REQUEST_KIND]
                break
            if state[HALTED]:
                stop = STOP_HALTED
                break
            if outcome == RAISED:
                stop = after_exception(regs, state)
                if stop >= 0:
                    break
            if state[NOTICED]:
                stop = STOP_NOTICE
                break
            sp = U(SSP) if regs[SMT] != 0 else U(USP)
            if key != state[WINDOW_KEY]:
                key = state[WINDOW_KEY]
                fetch_words = read_bytes = write_bytes = pop_bytes = ZERO
            handler = MISS_FETCH
            continue

        if unlikely(index >= end):
            handler = BOUNDARY
            continue
        entry = entries[U(index)]
        handler = entry & 0xFF

    regs[PC] = W(pc)
    state[CYCLES] += state[BUDGET] - left
    state[BUDGET] = left
    state[FLAG_RESULT] = result
    state[FLAG_OVERFLOW] = overflow
    if state[RESUME]:
        state[CYCLES] += 1
    return stop
