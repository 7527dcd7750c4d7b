"""A processor whose instruction set is Brainfuck, made of compiled parts.

Every character of the program is an instruction. The processor fetches it from the program
memory, works on a tape, prints on a screen and reads from a keyboard: four peripherals.

    python brainfuck_processor.py ../brainfuck/programs/squares.bf
    echo some text | python brainfuck_processor.py ../brainfuck/programs/reverse.bf
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lrvm_jit.modular import Machine
from lrvm_jit.modular.compiled import (
    DATA,
    FAIL,
    GOOD,
    LOAD,
    Bus,
    CompiledPeripheral,
    CompiledProcessor,
    State,
)

RIGHT, LEFT, MORE, LESS, OUT, IN, OPEN, CLOSE = map(ord, "><+-.,[]")

PROGRAM, TAPE, SCREEN, KEYBOARD = range(4)
"""Numbers of the peripherals."""

COUNTER, CELL = 0, 1
"""What the processor's state consists of: the addresses of the next instruction and of a cell."""

UNMATCHED, OFF_TAPE = 1, 2
"""Codes with which the processor ends: a bracket has no partner, there is no such cell."""


def exe_ins(state: State, bus: Bus) -> int | None:
    """Execute one instruction."""
    status, instruction = bus.load(PROGRAM, state[COUNTER])
    if status == FAIL:
        return 0  # behind the end of the program
    if instruction == RIGHT:
        state[CELL] += 1
    elif instruction == LEFT:
        state[CELL] -= 1
    elif instruction in (MORE, LESS, OUT, IN, OPEN, CLOSE):
        status, value = bus.load(TAPE, state[CELL])
        if status == FAIL:
            return OFF_TAPE
        if instruction == MORE:
            bus.save(TAPE, state[CELL], value + 1)
        elif instruction == LESS:
            bus.save(TAPE, state[CELL], value - 1)
        elif instruction == OUT:
            bus.save(SCREEN, 0, value)
        elif instruction == IN:
            _, value = bus.load(KEYBOARD, 0)
            bus.save(TAPE, state[CELL], value)
        elif instruction == OPEN and value == 0:
            return go_to_partner(state, bus, 1)
        elif instruction == CLOSE and value != 0:
            return go_to_partner(state, bus, -1)
    state[COUNTER] += 1
    return None


def go_to_partner(state: State, bus: Bus, step: int) -> int | None:
    """Go on behind the bracket that belongs to this one; it is found in the direction `step`."""
    depth = 0
    while True:
        status, instruction = bus.load(PROGRAM, state[COUNTER])
        if status == FAIL:
            return UNMATCHED
        if instruction == OPEN:
            depth += 1
        elif instruction == CLOSE:
            depth -= 1
        if depth == 0:
            state[COUNTER] += 1
            return None
        state[COUNTER] += step


def program(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """A memory that can be read only."""
    if query == LOAD and 0 <= address < state.size:
        return DATA, state[address]
    return FAIL, 1


def tape(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """A memory of bytes, which wrap around."""
    if not 0 <= address < state.size:
        return FAIL, 1
    if query == LOAD:
        return DATA, state[address]
    state[address] = value & 0xFF
    return GOOD, 0


def screen(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """Keeps the characters that it is sent, until `read` takes them; state[0] counts them.

    If there are more of them than it has room for, the first ones are overwritten.
    """
    if query == LOAD:
        return FAIL, 1
    state[1 + state[0] % (state.size - 1)] = value
    state[0] += 1
    return GOOD, 0


def keyboard(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """Answers with one character after the other, then with 0; state[0] counts them."""
    if query != LOAD:
        return FAIL, 1
    if state[0] + 1 == state.size:
        return DATA, 0
    state[0] += 1
    return DATA, state[state[0]]


def read(screen: CompiledPeripheral) -> str:
    """Take the characters that a screen shows."""
    state = screen.state
    count = min(int(state[0]), state.size - 1)
    state[0] = 0
    return bytes(state[1 : count + 1].tolist()).decode("latin-1")


def parts(
    source: str, stdin: bytes = b"", cells: int = 30_000
) -> tuple[list[CompiledPeripheral], list[CompiledProcessor]]:
    """The parts of a machine that runs a program: peripherals and processors."""
    return (
        [
            CompiledPeripheral(list(source.encode()), program, model="Program"),
            CompiledPeripheral(cells, tape, model="Tape"),
            CompiledPeripheral(4096, screen, model="Screen"),
            CompiledPeripheral([0, *stdin], keyboard, model="Keyboard"),
        ],
        [CompiledProcessor(2, exe_ins, model="Brainfuck")],
    )


def main(arguments: Sequence[str]) -> int:
    """Run a program, and print what it prints while it runs."""
    if len(arguments) != 1:
        print("usage: brainfuck_processor.py PROGRAM.bf", file=sys.stderr)
        return 2
    stdin = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    peripherals, processors = parts(Path(arguments[0]).read_text(), stdin)
    handle = Machine(peripherals, processors).run("cooperative")
    while handle.step(1000):  # so many instructions cannot print more than the screen keeps
        print(read(peripherals[SCREEN]), end="", flush=True)
    handle.join()
    print(read(peripherals[SCREEN]), end="")
    code = handle.processors[0].code
    if code:
        print(f"The program has failed, with code {code}.", file=sys.stderr)
    return code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
