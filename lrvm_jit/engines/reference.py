"""The reference engine: the specification in plain Python, without cleverness.

It is the arbiter when engines disagree, and some hundred times slower than the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..core import layout
from ..core.bus import GuestError, refusal_before
from ..core.error_notes import access_text, add_note_once
from ..core.registers import Registers, flags_of
from ..core.statistics import Statistics
from ..core.stop import StopReason
from ..core.swap import coming_word
from ..core.unhandled import UnhandledExceptions
from ..core.watchpoints import Watch
from ..exceptions import ExceptionCode, HardwareError
from ..isa.table import (
    BY_OPCODE,
    CONDITION_TRUTH,
    DIV_OVERFLOW_MODES,
    DIV_SIGNED,
    DIV_ZERO_MODES,
    FIRST_PRIVILEGED_READ,
    FIRST_PRIVILEGED_WRITE,
    READ_ONLY_REGISTERS,
    REGISTER_COUNT,
    RESET_KEEPS_CPU,
    WORD_MASK,
    Condition,
    Flag,
    Instruction,
    Kind,
    Op,
    Reg,
    Role,
)

if TYPE_CHECKING:
    from ..core.core import Core
    from ..core.instrument import Instrument

READ, WRITE, EXECUTE = range(3)

_UNDONE = (
    *range(layout.LAST_PC + 1),
    layout.CYCLES_BEFORE,
    layout.EXCEPTIONS,
    layout.UNMAPPED + layout.READ,
    layout.UNMAPPED + layout.WRITE,
    layout.NOTICED,
)
"""Fields of `state` that an instruction changes."""
_REQUESTS = (layout.REQUEST_READ, layout.REQUEST_WRITE, layout.REQUEST_RESET)


def signed(word: int) -> int:
    """The two's complement reading of a word."""
    return word - (1 << 32) if word >> 31 else word


class ReferenceEngine:
    """Interprets one instruction at a time."""

    name = "reference"
    defers_signals = False

    def __init__(self, core: Core) -> None:
        self._core = core
        self._pending = core.pending
        self._bus = core.bus
        self._registers = Registers(core.state.regs_view, core.state.state_view)
        self._mappings = core.mappings
        self._regs = core.state.regs_view
        self._state = core.state.state_view
        self._breakpoints: frozenset[int] = frozenset()
        self._next_pc = 0
        self._instructions = 0
        self._answers: list[Any] = []
        """What components have answered to the accesses of the instruction in progress: words,
        or GuestErrors."""
        self._asked = 0
        """How many accesses it has made so far; the ones before have an answer."""
        self._unhandled = UnhandledExceptions(core.state.state_view)

    def statistics(self) -> Statistics:
        return Statistics(self.name, self._instructions)

    def instrument_with(self, instrument: Instrument | None) -> None:
        if instrument is not None:
            raise ValueError("the engine 'reference' has no kernel: choose another to trace")

    def look_at(self, breakpoints: list[int], watched: list[int]) -> None:
        self._breakpoints = frozenset(breakpoints)

    def run(self, budget: int, stop_on_exception: bool) -> StopReason:
        state = self._state
        while budget > 0:
            if state[layout.HALTED]:
                return StopReason.HALTED
            if self._core.stop_requested and self._core.ends_here():
                return StopReason.STOPPED
            if self._regs[Reg.PC] in self._breakpoints and not state[layout.SKIP_BREAKPOINT]:
                return StopReason.BREAKPOINT
            state[layout.SKIP_BREAKPOINT] = 0
            budget -= 1
            raised = self.step()
            self._instructions += 1
            if raised and self._unhandled.comes_back(tuple(self._registers)):
                return StopReason.UNHANDLED
            if raised and stop_on_exception and not self._is_muted():
                return StopReason.EXCEPTION
            if state[layout.NOTICED] and not state[layout.HALTED]:
                return StopReason.STOPPED
        if state[layout.HALTED]:
            return StopReason.HALTED
        stopped = self._core.stop_requested and self._core.ends_here()
        return StopReason.STOPPED if stopped else StopReason.BUDGET

    def _is_muted(self) -> bool:
        """Whether somebody who hears of exceptions has heard enough of the last one."""
        exception = self._regs[Reg.ET] << 32 | self._regs[Reg.ERA]
        first = layout.MUTED
        return exception in self._state[first : first + self._state[layout.MUTED_COUNT]].tolist()

    # --- one instruction -----------------------------------------------------------------------

    def step(self) -> bool:
        """Attempt the instruction at pc; True if it raised a guest exception."""
        self._answers.clear()
        registers = self._regs.tolist()
        state = [self._state[field] for field in _UNDONE]
        try:
            return self._attempt()
        except BaseException as error:
            self._leave(error, registers, state)
            raise

    def _attempt(self) -> bool:
        """Carry the instruction out; accesses that have been answered before are not repeated."""
        regs, state = self._regs, self._state
        self._asked = 0
        pc = regs[Reg.PC]
        state[layout.LAST_PC] = pc
        state[layout.CYCLES] += 1
        self._next_pc = (pc + 4) & WORD_MASK
        supervisor = bool(regs[Reg.SMT])
        raised = True
        try:
            self._execute(self._load(pc, EXECUTE))
            raised = False
        except GuestError as fault:
            self._raise(fault.code, fault.data)
        regs[Reg.PC] = self._next_pc
        if bool(regs[Reg.SMT]) != supervisor:
            state[layout.NOTICED] |= state[layout.NOTICES_WANTED] & layout.NOTICE_MODE
        state[layout.RESUME] = layout.RESUME_NONE
        if self._pending.waiting:
            self._pending.complete(raised)
        return raised

    def _leave(self, error: BaseException, registers: list[int], state: list[int]) -> None:
        """An exception ends the run. A component that has failed has not answered: then the
        instruction has not happened. If one has answered, it is carried out to its end."""
        for code, value in enumerate(registers):
            self._regs[code] = value
        for field, value in zip(_UNDONE, state, strict=True):
            self._state[field] = value
        self._state[layout.RESUME] = layout.RESUME_NONE
        if self._asked > len(self._answers):
            refusal = refusal_before(error, *self._ASKING)
            if refusal is None:
                if self._state[layout.REQUEST_KIND] in _REQUESTS:
                    add_note_once(error, access_text(self._core))
                self._undo()
                return
            self._answers.append(GuestError(ExceptionCode.HARDWARE, refusal.word))
        if not self._answers:
            self._undo()
            return
        try:
            self._attempt()
            self._instructions += 1
        except BaseException as another:
            self._leave(another, registers, state)
            raise

    def _undo(self) -> None:
        """The instruction has not happened: nor has what the host wrote meanwhile."""
        self._pending.undo()
        # A breakpoint that stands here has been reported.
        if self._regs[Reg.PC] in self._breakpoints:
            self._state[layout.SKIP_BREAKPOINT] = 1

    def _raise(self, code: int, data: int) -> None:
        """Take an exception (isa.md: Exceptions)."""
        regs = self._regs
        mode = 1 if regs[Reg.SMT] else 0
        regs[Reg.ET] = mode << 24 | code << 16 | data
        regs[Reg.ERA] = regs[Reg.PC]
        self._next_pc = regs[Reg.EV]
        regs[Reg.SMT] = 1
        self._state[layout.EXCEPTIONS] += 1

    # --- registers -----------------------------------------------------------------------------

    def _read_register(self, code: int) -> int:
        if not self._regs[Reg.SMT] and code >= FIRST_PRIVILEGED_READ:
            raise GuestError(ExceptionCode.REGISTER_NOT_READABLE, code)
        if code >= REGISTER_COUNT:
            raise GuestError(ExceptionCode.UNKNOWN_REGISTER, code)
        if code == Reg.AF:
            return int(self._registers[code])
        return self._regs[code]

    def _write_register(self, code: int, value: int) -> None:
        if not self._regs[Reg.SMT] and code >= FIRST_PRIVILEGED_WRITE:
            raise GuestError(ExceptionCode.REGISTER_NOT_WRITABLE, code)
        if code in READ_ONLY_REGISTERS:
            raise GuestError(ExceptionCode.REGISTER_NOT_WRITABLE, code)
        if code >= REGISTER_COUNT:
            raise GuestError(ExceptionCode.UNKNOWN_REGISTER, code)
        if code == Reg.PC:
            self._next_pc = value
        else:
            self._regs[code] = value

    def _set_flags(self, result: int, carry: bool, overflow: bool) -> None:
        af = flags_of(result & WORD_MASK | int(carry) << 32, int(overflow) << 31)
        self._regs[Reg.AF] = af
        self._state[layout.FLAGS_EXPLICIT] = 1

    def _flag(self, number: int) -> bool:
        if number > max(Flag):
            raise GuestError(ExceptionCode.BAD_FLAG, number & 0xFF)
        return bool(self._read_register(Reg.AF) & Flag(number).mask)

    # --- memory --------------------------------------------------------------------------------

    def _physical_read(self, address: int, access: int = READ) -> int:
        mapping = self._mappings.find(address)
        if mapping is None:
            self._note_unmapped(address, access)
            return 0
        offset = address - mapping.first
        self._note_access(mapping.component, offset, Watch.READ)
        return self._ask_read(mapping.component, offset)

    def _physical_write(self, address: int, word: int) -> None:
        mapping = self._mappings.find(address)
        if mapping is None:
            self._unhandled.touched()
            self._note_unmapped(address, WRITE)
        else:
            offset = address - mapping.first
            self._note_access(mapping.component, offset, Watch.WRITE)
            self._ask_write(mapping.component, offset, word)

    def _note_unmapped(self, address: int, access: int) -> None:
        """Count an access where no component is mapped."""
        state = self._state
        state[layout.UNMAPPED + (access & WRITE)] += 1
        if state[layout.NOTICES_WANTED] & ~state[layout.NOTICED] & layout.NOTICE_UNMAPPED:
            state[layout.NOTICED] |= layout.NOTICE_UNMAPPED
            state[layout.NOTICED_ACCESS] = access << 32 | address

    def _ask_read(self, number: int, offset: int) -> int:
        if self._is_new(number, offset, layout.REQUEST_READ):
            try:
                # In one step, so that no exception can come between answer and note.
                self._answers.append(self._bus.reader(number)(offset))
            except HardwareError as error:
                self._answers.append(GuestError(ExceptionCode.HARDWARE, error.word))
            self._check_word(number, offset)
            self._note(number, offset, Watch.READ, self._answers[-1])
        return int(self._answer())

    def _ask_write(self, number: int, offset: int, word: int) -> None:
        if self._is_new(number, offset, layout.REQUEST_WRITE):
            try:
                written: Any = self._bus.writer(number)
                self._answers.append(written(offset, word))
            except HardwareError as error:
                self._answers.append(GuestError(ExceptionCode.HARDWARE, error.word))
            self._note(number, offset, Watch.WRITE, word)
        self._answer()

    def _ask_swap(self, number: int, offset: int, word: int) -> int:
        """A READ and a WRITE in one."""
        if self._is_new(number, offset, layout.REQUEST_READ):
            swap = self._bus.swapper(number)
            assert swap is not None
            try:
                self._answers.append(swap(offset, word))
            except HardwareError as error:
                self._answers.append(GuestError(ExceptionCode.HARDWARE, error.word))
            self._check_word(number, offset)
            self._note(number, offset, Watch.READ, self._answers[-1])
            self._note(number, offset, Watch.WRITE, word)
        return int(self._answer())

    def _ask_reset(self, mode: int, operand: int) -> None:
        self._asked += 1
        if self._asked > len(self._answers):
            self._state[layout.REQUEST_KIND] = layout.REQUEST_RESET
            self._state[layout.RESUME] = layout.RESUME_STEP
            self._bus.reset(mode, operand)
            self._answers.append(None)
        self._answer()

    _ASKING: ClassVar = (_ask_read, _ask_write, _ask_swap)

    def _is_new(self, number: int, offset: int, request: int) -> bool:
        """Whether the next access has no answer yet, which is to be added to the others then.

        Until `_answer` the instruction is marked as being in progress, as by the kernel: what the
        host writes has to wait (`Pending`). But for plain memory, which asks nobody unless it is
        hooked.
        """
        self._asked += 1
        if self._asked <= len(self._answers):
            return False
        self._state[layout.REQUEST_COMPONENT] = number
        self._state[layout.REQUEST_OFFSET] = offset
        self._state[layout.REQUEST_KIND] = request
        windows = self._core.components[number].windows
        is_plain = any(window.offset <= offset < window.end for window in windows)
        if not is_plain or self._is_hooked(number, offset):
            self._state[layout.RESUME] = layout.RESUME_STEP
        signals = self._core.signals
        if signals.waiting and self._core.components[number].interruptible:
            # It must not wait when a signal has come just before.
            signals.deliver()
        return True

    def _is_hooked(self, number: int, offset: int) -> bool:
        mapping = self._core.mappings.of(number)
        return mapping is not None and self._core.watchpoints.is_hooked(mapping.first + offset)

    def _answer(self) -> Any:
        """The answer to the access. Raises GuestError if the component has refused it."""
        self._state[layout.REQUEST_KIND] = layout.STOP_BUDGET
        self._state[layout.RESUME] = layout.RESUME_NONE
        answer = self._answers[self._asked - 1]
        if isinstance(answer, GuestError):
            raise answer
        return answer

    def _check_word(self, number: int, offset: int) -> None:
        """Take back an answer that is no word: the component has failed."""
        answer = self._answers[-1]
        if not isinstance(answer, GuestError):
            try:
                self._bus.word(number, offset, answer)
            except (TypeError, ValueError):
                self._answers.pop()
                raise

    def _note(self, number: int, offset: int, access: Watch, word: int) -> None:
        if self._core.watchpoints and not isinstance(self._answers[-1], GuestError):
            self._core.note(number, offset, access, int(word))

    def _note_access(self, component: int, offset: int, access: Watch) -> None:
        """An access to a component; in plain memory only a store that is allowed is one."""
        if not self._state[layout.UNTOUCHED]:
            return
        pieces = self._core.watchpoints.pieces(component)
        if not any(first <= offset < end for first, end in pieces):
            for window in self._core.components[component].windows:
                if window.offset <= offset < window.end:
                    if access is Watch.WRITE and window.write_error is None:
                        self._unhandled.touched()
                    return
        self._unhandled.touched()

    @staticmethod
    def _check_alignment(address: int) -> None:
        if address % 4:
            raise GuestError(ExceptionCode.UNALIGNED_ADDRESS, address % 4)

    def _translate(self, address: int, access: int) -> int:
        """The MMU's walk (memory.md: MMU)."""
        regs = self._regs
        if not regs[Reg.MTT]:
            return address
        supervisor = bool(regs[Reg.SMT])
        pass_through = 1 << (31 if supervisor else 30)
        permission = 1 << ((29 if supervisor else 26) - access)
        entry_address = regs[Reg.PDA] + (address >> 22) * 4
        for level in ("directory", "table"):
            entry_address &= WORD_MASK
            self._check_alignment(entry_address)
            entry = self._physical_read(entry_address)
            if entry & pass_through:
                return address
            if not entry & permission:
                raise GuestError(ExceptionCode.MMU_REFUSED_READ + access, address & 0xFFFF)
            number = entry & 0xFF_FFFF
            if level == "directory":
                entry_address = number * 16384 + ((address >> 10) & 0xFFF) * 4
        return (number * 1024 + (address & 0x3FF)) & WORD_MASK

    def _load(self, address: int, access: int = READ) -> int:
        self._check_alignment(address)
        return self._physical_read(self._translate(address, access), access)

    def _store(self, address: int, word: int) -> None:
        self._check_alignment(address)
        self._physical_write(self._translate(address, WRITE), word)

    def _swap(self, address: int, code: int) -> int:
        """Load a word and store a register in its place, as SRM does."""
        self._check_alignment(address)
        physical = self._translate(address, READ)
        mapping = self._mappings.find(physical)
        if mapping is not None and self._core.components[mapping.component].swap is not None:
            coming = coming_word(self._core, address, code)
            if coming is not None:
                offset = physical - mapping.first
                self._unhandled.touched()
                return self._ask_swap(mapping.component, offset, coming)
        word = self._physical_read(physical)
        self._store(address, self._read_register(code))
        return word

    # --- instructions --------------------------------------------------------------------------

    def _execute(self, word: int) -> None:
        row = BY_OPCODE.get(word >> 27)
        if row is None:
            raise GuestError(ExceptionCode.UNKNOWN_OPCODE, word >> 27)
        if row.supervisor_only and not self._regs[Reg.SMT]:
            raise GuestError(ExceptionCode.SUPERVISOR_ONLY, row.opcode)
        codes, values = self._operands(row, word)
        result = self._effect(row.opcode, codes, values)
        if result is not None:
            # Every result goes to the operand that is written, the first of the word.
            self._write_register(codes[0], result)

    def _operands(self, row: Instruction, word: int) -> tuple[list[int], list[int]]:
        """Register codes and values of the operands; both in the word's order.

        Sources are read left to right, then what is read and written (isa.md: Instruction word).
        """
        codes: list[int] = []
        is_register: list[bool] = []
        shift = 24
        for position, operand in enumerate(row.operands):
            size = 8 * operand.kind.size
            shift -= size
            raw = (word >> shift) & ((1 << size) - 1)
            register = operand.kind is Kind.REG or bool(word >> (26 - position) & 1)
            if register:
                raw >>= size - 8
            elif operand.signed and raw >> (size - 1):
                raw = (raw - (1 << size)) & WORD_MASK
            is_register.append(register)
            codes.append(raw)
        values = list(codes)
        for roles in ((Role.READ,), (Role.READ_LAST, Role.READ_WRITE)):
            for position, operand in enumerate(row.operands):
                if operand.role in roles and is_register[position]:
                    values[position] = self._read_register(codes[position])
        return codes, values

    def _effect(self, op: Op, codes: list[int], v: list[int]) -> int | None:
        """Carry the instruction out; returns what its first operand is to become, if anything."""
        regs = self._regs
        match op:
            case Op.CPY:
                return v[1]
            case Op.EX:
                self._write_register(codes[0], v[1])
                self._write_register(codes[1], v[0])
            case Op.ADD:
                total = v[0] + v[1]
                exact = signed(v[0]) + signed(v[1])
                self._set_flags(total, total > WORD_MASK, exact != signed(total & WORD_MASK))
                return total & WORD_MASK
            case Op.SUB | Op.CMP:
                total = (v[0] - v[1]) & WORD_MASK
                exact = signed(v[0]) - signed(v[1])
                self._set_flags(total, v[0] < v[1], exact != signed(total))
                return total if op is Op.SUB else None
            case Op.MUL:
                total = v[0] * v[1]
                exact = signed(v[0]) * signed(v[1])
                self._set_flags(total, total > WORD_MASK, exact != signed(total & WORD_MASK))
                return total & WORD_MASK
            case Op.DIV | Op.MOD:
                return self._divide(v[0], v[1], v[2], op is Op.MOD)
            case Op.AND | Op.BOR | Op.XOR:
                total = {
                    Op.AND: v[0] & v[1],
                    Op.BOR: v[0] | v[1],
                    Op.XOR: v[0] ^ v[1],
                }[op]
                self._set_flags(total, False, False)
                return total
            case Op.SHL | Op.SHR:
                count = v[1] & 31
                total = (v[0] << count if op is Op.SHL else v[0] >> count) & WORD_MASK
                self._set_flags(total, v[1] >= 32, v[1] >= 32)
                return total
            case Op.JPR:
                self._next_pc = (regs[Reg.PC] + v[0]) & WORD_MASK
            case Op.LSM:
                self._next_pc = v[0]
                self._write_register(Reg.SMT, 0)
            case Op.ITR:
                raise GuestError(ExceptionCode.INTERRUPTION, v[0])
            case Op.IF:
                self._skip_unless(self._flag(v[0]))
            case Op.IFN:
                self._skip_unless(not self._flag(v[0]))
            case Op.IF2:
                a, b = self._flag(v[0]), self._flag(v[1])
                if not min(Condition) <= v[2] <= max(Condition):
                    raise GuestError(ExceptionCode.BAD_CONDITION, v[2] & 0xFF)
                self._skip_unless(bool(CONDITION_TRUTH[Condition(v[2])] >> (2 * a + b) & 1))
            case Op.LSA:
                return self._load((v[1] + v[2]) & WORD_MASK)
            case Op.LEA:
                regs[Reg.AVR] = self._load((v[0] + v[1] * v[2]) & WORD_MASK)
            case Op.WSA:
                self._store((v[0] + v[1]) & WORD_MASK, v[2])
            case Op.WEA:
                self._store((v[0] + v[1] * v[2]) & WORD_MASK, regs[Reg.AVR])
            case Op.SRM:
                word = self._swap((v[0] + v[1]) & WORD_MASK, codes[2])
                self._write_register(codes[2], word)
            case Op.PUSH:
                self._push(v[0])
            case Op.POP:
                sp = self._stack_pointer()
                word = self._load(regs[sp])
                regs[sp] = (regs[sp] + 4) & WORD_MASK
                return word
            case Op.CALL:
                self._push(self._next_pc)
                self._next_pc = v[0]
            case Op.HWD:
                self._unhandled.touched()
                return self._bus.hardware_information(v[1], v[2])
            case Op.CYCLES:
                self._unhandled.touched()
                return self._state[layout.CYCLES] & WORD_MASK
            case Op.HALT:
                self._state[layout.HALTED] = 1
            case Op.RESET:
                self._unhandled.touched()
                self._ask_reset(v[0] & 0xFF, regs[Reg.AVR])
                if not v[0] & RESET_KEEPS_CPU:
                    self._core.state.reset()
                    self._next_pc = 0
            case _:
                raise GuestError(ExceptionCode.UNKNOWN_OPCODE, op)
        return None

    def _stack_pointer(self) -> Reg:
        return Reg.SSP if self._regs[Reg.SMT] else Reg.USP

    def _push(self, word: int) -> None:
        sp = self._stack_pointer()
        address = (self._regs[sp] - 4) & WORD_MASK
        self._store(address, word)
        self._regs[sp] = address

    def _skip_unless(self, holds: bool) -> None:
        if not holds:
            self._next_pc = (self._next_pc + 4) & WORD_MASK

    def _divide(self, a: int, b: int, mode: int, remainder: bool) -> int:
        """DIV and MOD with their modes (isa.md: Division modes)."""
        if b == 0:
            return self._substitute(DIV_ZERO_MODES[mode & 0x0C], ExceptionCode.DIVISION_BY_ZERO)
        if not mode & DIV_SIGNED:
            result = a % b if remainder else a // b
        else:
            x, y = signed(a), signed(b)
            if x == -(1 << 31) and y == -1:
                return self._substitute(
                    DIV_OVERFLOW_MODES[mode & 0x03], ExceptionCode.OVERFLOWING_DIVISION
                )
            quotient = abs(x) // abs(y)
            if (x < 0) != (y < 0):
                quotient = -quotient
            result = x - quotient * y if remainder else quotient
        self._set_flags(result, False, False)
        return result & WORD_MASK

    def _substitute(self, value: int | None, code: ExceptionCode) -> int:
        if value is None:
            raise GuestError(code, 0)
        self._set_flags(value, True, True)
        return value
