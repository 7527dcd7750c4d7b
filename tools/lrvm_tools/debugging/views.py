"""What the debugger shows, as text."""

from __future__ import annotations

from collections.abc import Iterator

from lrvm_jit.core.component import metadata_of
from lrvm_jit.debug import (
    Breakpoint,
    Change,
    Debugger,
    Event,
    EventKind,
    RegisterWatch,
    Watchpoint,
)
from lrvm_jit.debug.points import Point
from lrvm_jit.isa import Reg, format_word
from lrvm_jit.isa.table import REGISTER_NAMES, Flag

REGISTERS_A_LINE = 4
WORDS_A_LINE = 4
MARK = "=>"


def number_text(value: int) -> str:
    """A value in decimal and, after it, hexadecimal."""
    return f"{value} ({'-' if value < 0 else ''}0x{abs(value):x})"


def place_text(debugger: Debugger, address: int) -> str:
    """An address with its name, if one stands before it."""
    name = debugger.program.name(address)
    return name if name.startswith("0x") else f"{name} (0x{address:08X})"


def instruction_text(debugger: Debugger, address: int) -> str:
    """An instruction: its source line if that is known, else its disassembly."""
    place = debugger.place(address)
    text = None if place is None else debugger.program.source_line(place)
    if place is not None and text is not None:
        return f"{place}  {text.strip()}"
    word = debugger.peek(address)
    shown = "(not readable)" if word is None else format_word(word)
    return f"0x{address:08X}  {shown}"


def event_text(debugger: Debugger, event: Event) -> str:
    """Where the program stands, and why: some lines without a newline at the end."""
    lines = list(_reason(debugger, event))
    at = f"cycle {event.cycles}: {place_text(debugger, event.pc)}"
    if event.kind is EventKind.HALTED:
        lines.append(at)
    else:
        lines += [at, f"  {instruction_text(debugger, event.pc)}"]
    return "\n".join([*lines, *event.notes])


def _reason(debugger: Debugger, event: Event) -> Iterator[str]:
    numbers = ", ".join(str(point.number) for point in event.points)
    match event.kind:
        case EventKind.BREAKPOINT:
            yield f"Breakpoint {numbers}"
        case EventKind.WATCHPOINT:
            yield f"Watchpoint {numbers}"
            if event.change is not None:
                yield from change_lines(debugger, event.change)
        case EventKind.EXCEPTION:
            assert event.exception is not None
            where = place_text(debugger, event.address)
            yield f"Exception in {event.exception.mode} mode: {event.exception}"
            yield f"  raised by {where}: {instruction_text(debugger, event.address)}"
            if not debugger.board.cpu.regs.ev:
                yield "  No handler is set: the register ev is 0, so the CPU goes to address 0"
        case EventKind.UNMAPPED:
            where = place_text(debugger, event.address)
            yield f"Unmapped address, accessed by {where}:"
            yield f"  {instruction_text(debugger, event.address)}"
        case EventKind.HALTED:
            yield "The CPU is halted"
        case EventKind.STOPPED:
            yield "Stopped by the machine"
        case EventKind.INTERRUPTED:
            yield "Interrupted"
        case EventKind.LIMIT:
            yield "The limit is reached"
        case EventKind.END:
            yield "The recording ends here"
        case EventKind.START:
            yield "This is the start: nothing before it is remembered"
        case EventKind.ERROR:
            error = event.error
            yield f"A component or a hook failed: {type(error).__name__}: {error}"
            yield from (f"  {note}" for note in getattr(error, "__notes__", ()))


def change_lines(debugger: Debugger, change: Change) -> Iterator[str]:
    """What happened to a watched word."""
    if change.address is None:
        name = f"register {change.register}"
    else:
        name = place_text(debugger, change.address)
    yield f"  {change.access} of {name} at cycle {change.cycles}"
    if change.old is not None and change.old != change.new:
        yield f"  old value: {number_text(change.old)}"
        yield f"  new value: {number_text(change.new)}"
    else:
        yield f"  value: {number_text(change.new)}"
    where = place_text(debugger, change.pc)
    yield f"  by {where}: {instruction_text(debugger, change.pc)}"


def registers_text(
    debugger: Debugger, columns: int = REGISTERS_A_LINE, *, without_zeros: bool = False
) -> str:
    """All registers, so many a line, or those that are not 0 or have changed since the last stop:
    a `*` marks these."""
    changed = debugger.changed_registers()
    cells = []
    for code, value in enumerate(debugger.board.cpu.regs):
        if without_zeros and not value and code not in changed and code != Reg.PC:
            continue
        mark = "*" if code in changed else " "
        cells.append(f"{mark}{REGISTER_NAMES[code]:>3} 0x{value:08X}")
    lines = ["  ".join(cells[at : at + columns]).rstrip() for at in range(0, len(cells), columns)]
    return "\n".join([*lines, flags_text(debugger)])


def flags_text(debugger: Debugger) -> str:
    """The flags that are set, by name, the mode, and the counter."""
    cpu = debugger.board.cpu
    flags = " ".join(flag.name for flag in Flag if cpu.regs.af & flag.mask) or "none"
    mode = "supervisor" if cpu.regs.smt else "userland"
    halted = ", halted" if cpu.halted else ""
    return f"flags: {flags}; {mode} mode; cycle {cpu.cycles}{halted}"


def points_text(debugger: Debugger) -> str:
    """The breakpoints and watchpoints."""
    if not debugger.points:
        return "No breakpoints or watchpoints"
    return "\n".join(point_text(debugger, point) for point in debugger.points.values())


def point_text(debugger: Debugger, point: Point) -> str:
    """A breakpoint or watchpoint in a line."""
    if isinstance(point, RegisterWatch):
        what = f"watch changes of register {Reg(point.register)}"
    elif isinstance(point, Watchpoint):
        words = f", {point.words} words" if point.words > 1 else ""
        what = f"watch {point.kind} of {point.text} (0x{point.first:08X}{words})"
    else:
        assert isinstance(point, Breakpoint)
        place = debugger.place(point.address)
        what = f"{'log' if point.log is not None else 'break'} at "
        what += place_text(debugger, point.address) + (f", {place}" if place else "")
    if point.condition is not None:
        what += f" if {point.condition.text}"
    extras = [f"hit {point.hits} times"] if point.hits else []
    extras += [f"ignored {point.ignore} times yet"] if point.ignore else []
    extras += ["once"] if point.temporary else []
    extras += [] if point.enabled else ["disabled"]
    return f"{point.number}: {what}" + (f" ({', '.join(extras)})" if extras else "")


def components_text(debugger: Debugger) -> str:
    """The components, and where they are."""
    lines = []
    for number, component in enumerate(debugger.board.components):
        mapping = debugger.board.mappings.of(number)
        where = "not mapped"
        if mapping is not None:
            where = f"0x{mapping.first:08X}..0x{mapping.last:08X}"
        size = metadata_of(component).size
        lines.append(f"{number:3}  {where:22}  {component.name}, {size} bytes")
    return "\n".join(lines)


def backtrace_text(debugger: Debugger) -> str:
    """The functions in progress."""
    lines = []
    for number, frame in enumerate(debugger.backtrace()):
        place = debugger.place(frame.pc if number == 0 else frame.pc - 4)
        source = f" at {place}" if place else ""
        lines.append(f"#{number}  0x{frame.pc:08X} in {frame.function}{source}")
    return "\n".join(lines)


def disassembly_text(debugger: Debugger, address: int, count: int) -> str:
    """Instructions with their labels and words; `=>` marks the next one."""
    lines = []
    for at, word, text in debugger.disassemble(address, count):
        label = debugger.program.label_at(at)
        if label is not None:
            lines.append(f"{label}:")
        mark = MARK if at == debugger.pc else "  "
        shown = "        " if word is None else f"{word:08X}"
        lines.append(f"{mark} 0x{at:08X}  {shown}  {text}")
    return "\n".join(lines)


def source_text(debugger: Debugger, path: str, first: int, last: int) -> str | None:
    """Lines of a source file; `=>` marks the one of the next instruction. None without it."""
    lines = debugger.program.source(path)
    if lines is None:
        return None
    here = debugger.place(debugger.pc)
    shown = []
    for number in range(max(first, 1), min(last, len(lines)) + 1):
        mark = MARK if here is not None and here == (path, number) else "  "
        shown.append(f"{mark} {number:5}  {lines[number - 1]}".rstrip())
    return "\n".join(shown)


def memory_text(
    debugger: Debugger, address: int, count: int, style: str, columns: int = WORDS_A_LINE
) -> str:
    """Words from an address on, as `x` hexadecimal, `d` decimal, `c` characters, `i`
    instructions."""
    if style == "i":
        return disassembly_text(debugger, address, count)
    cells: list[str] = []
    for at in range(address, min(address + 4 * count, 1 << 32), 4):
        word = debugger.word(at)
        match style:
            case "d":
                cells.append(str(word - (1 << 32) if word >> 31 else word))
            case "u":
                cells.append(str(word))
            case "c":
                character = chr(word) if word < 0x110000 and chr(word).isprintable() else "."
                cells.append(f"0x{word:08X} {character!r}")
            case _:
                cells.append(f"0x{word:08X}")
    lines = []
    for at in range(0, len(cells), columns):
        where = address + 4 * at
        label = debugger.program.label_at(where)
        name = f" <{label}>" if label else ""
        lines.append(f"0x{where:08X}{name}: {'  '.join(cells[at : at + columns])}")
    return "\n".join(lines)


def readable_memory_text(debugger: Debugger, address: int, lines: int, columns: int) -> str:
    """So many lines of memory, as far as that can be looked at."""
    count = columns * lines
    words = range(address, min(address + 4 * count, 1 << 32), 4)
    end = next((n for n, at in enumerate(words) if debugger.peek(at) is None), len(words))
    return memory_text(debugger, address, end, "x", columns) or "There is no plain memory"


def data_address(debugger: Debugger) -> int:
    """Where the first component with plain memory besides the program begins."""
    board = debugger.board
    for mapping in sorted(board.mappings, key=lambda one: one.first):
        is_program = mapping.first <= debugger.pc <= mapping.last
        if not is_program and board.memory.peek(mapping.first) is not None:
            return mapping.first
    return 0


def stack_text(debugger: Debugger, count: int = 16) -> str:
    """The top of the stack, with return addresses by name."""
    slots = {frame.slot: frame for frame in debugger.backtrace() if frame.slot is not None}
    lines = []
    for at in range(debugger.sp, min(debugger.sp + 4 * count, 1 << 32), 4):
        word = debugger.peek(at)
        if word is None:
            break
        name = f"  return to {debugger.program.name(word)}" if at in slots else ""
        lines.append(f"0x{at:08X}: 0x{word:08X}{name}")
    return "\n".join(lines) or "The stack pointer is at no plain memory"


def history_text(debugger: Debugger) -> str:
    """How far one can go back, and what that takes."""
    history = debugger.history
    recording = history.recording
    return (
        f"position {history.position}; from {history.start} to {history.end} is remembered\n"
        f"{len(recording.checkpoints)} checkpoints, {len(recording.log.positions)} accesses to "
        f"components, {recording.bytes / 2**20:.1f} of {history.memory_limit / 2**20:.0f} MiB"
    )


def symbols_text(debugger: Debugger, wanted: str = "") -> str:
    """The symbols whose names contain a text."""
    lines = [
        f"0x{value & 0xFFFFFFFF:08X}  {name}"
        for name, value in sorted(debugger.program.symbols.items(), key=lambda item: item[1])
        if wanted in name
    ]
    return "\n".join(lines) or "No symbols"


def register_names() -> tuple[str, ...]:
    """The registers, for completion."""
    return tuple(str(register) for register in Reg)
