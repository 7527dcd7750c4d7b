"""An 8-bit accumulator machine, made of compiled parts.

The processor has one register, the accumulator, and two flags. Its memory has 256 bytes, and an
instruction two of them: an opcode and an operand. All its parts are functions that numba can
compile, so the machine runs as one compiled loop.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrvm_jit.modular import Machine
from lrvm_jit.modular.compiled import (
    DATA,
    END,
    FAIL,
    GOOD,
    LOAD,
    Bus,
    CompiledPeripheral,
    CompiledProcessor,
    State,
)

MNEMONICS = ("halt", "ldi", "lda", "sta", "adi", "add", "sub", "jmp", "jz", "jc", "out")
HALT, LDI, LDA, STA, ADI, ADD, SUB, JMP, JZ, JC, OUT = range(len(MNEMONICS))

MEMORY, SCREEN = 0, 1
"""Numbers of the peripherals."""

ACCUMULATOR, CARRY, COUNTER = 0, 1, 2
"""What the processor's state consists of; COUNTER is the address of the next instruction."""

UNKNOWN_OPCODE = 1
"""The code with which the processor ends at an opcode that it does not know."""


def exe_ins(state: State, bus: Bus) -> int | None:
    """Execute one instruction."""
    counter = state[COUNTER]
    _, opcode = bus.load(MEMORY, counter)
    _, operand = bus.load(MEMORY, counter + 1)
    state[COUNTER] = (counter + 2) & 0xFF
    if opcode == LDI:
        state[ACCUMULATOR] = operand
    elif opcode == LDA:
        _, state[ACCUMULATOR] = bus.load(MEMORY, operand)
    elif opcode == STA:
        bus.save(MEMORY, operand, state[ACCUMULATOR])
    elif opcode == ADI:
        add(state, operand)
    elif opcode == ADD:
        _, value = bus.load(MEMORY, operand)
        add(state, value)
    elif opcode == SUB:
        _, value = bus.load(MEMORY, operand)
        add(state, -value)
    elif opcode == JMP:
        state[COUNTER] = operand
    elif opcode == JZ:
        if state[ACCUMULATOR] == 0:
            state[COUNTER] = operand
    elif opcode == JC:
        if state[CARRY] != 0:
            state[COUNTER] = operand
    elif opcode == OUT:
        status, code = bus.save(SCREEN, operand, state[ACCUMULATOR])
        if status == FAIL:
            return code
    elif opcode == HALT:
        return 0
    else:
        return UNKNOWN_OPCODE
    return None


def add(state: State, value: int) -> None:
    """Add to the accumulator. The carry is set if the result did not fit, or was negative."""
    result = state[ACCUMULATOR] + value
    state[ACCUMULATOR] = result & 0xFF
    state[CARRY] = result >> 8 & 1


def memory(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """256 bytes. Addresses wrap around."""
    if query == LOAD:
        return DATA, state[address & 0xFF]
    state[address & 0xFF] = value & 0xFF
    return GOOD, 0


def screen(state: State, query: int, address: int, value: int) -> tuple[int, int]:
    """Shows characters: keeps them in its state, whose first element counts them."""
    if query == LOAD:
        return FAIL, 1
    if state[0] + 1 == state.size:
        return END, 2  # full
    state[0] += 1
    state[state[0]] = value
    return GOOD, 0


def shown(screen: CompiledPeripheral) -> str:
    """The text on a screen."""
    return "".join(map(chr, screen.state[1 : screen.state[0] + 1]))


# Prints the primes below `limit`. A number is prime if no smaller one divides it.
PRIMES = """
    next:   ldi 2
            sta divisor
    try:    lda divisor
            sub number
            jz prime
            lda number
    modulo: sub divisor
            jz composite
            jc larger
            jmp modulo
    larger: lda divisor
            adi 1
            sta divisor
            jmp try
    prime:  ldi 0
            sta tens
            lda number
    divide: sta ones
            sub ten
            jc print
            sta ones
            lda tens
            adi 1
            sta tens
            lda ones
            jmp divide
    print:  lda tens
            jz units
            adi 48
            out 0
    units:  lda ones
            adi 48
            out 0
            ldi 32
            out 0
    composite: lda number
            adi 1
            sta number
            sub limit
            jz end
            jmp next
    end:    halt
    number:  data 2
    divisor: data 0
    tens:    data 0
    ones:    data 0
    ten:     data 10
    limit:   data {limit}
"""


def assemble(source: str) -> NDArray[np.int64]:
    """The memory with a program in it. A line is `label: mnemonic operand`."""
    lines = [line.replace(":", ": ").split() for line in source.splitlines() if line.strip()]
    labels: dict[str, int] = {}
    address = 0
    for words in lines:
        if words[0].endswith(":"):
            labels[words.pop(0)[:-1]] = address
        address += 1 if words[0] == "data" else 2
    if address > 256:
        raise ValueError(f"the program has {address} bytes; the memory has room for 256")
    code: list[int] = []
    for name, *operands in lines:
        operand = labels[operands[0]] if operands and operands[0] in labels else 0
        if operands and operands[0] not in labels:
            operand = int(operands[0])
        code += [operand] if name == "data" else [MNEMONICS.index(name), operand]
    return np.array(code + [0] * (256 - len(code)), dtype=np.int64)


def parts(program: NDArray[np.int64]) -> tuple[list[CompiledPeripheral], list[CompiledProcessor]]:
    """The parts of a machine that runs a program: peripherals and processors."""
    return (
        [
            CompiledPeripheral(program, memory, model="Memory"),
            CompiledPeripheral(1024, screen, model="Screen"),
        ],
        [CompiledProcessor(3, exe_ins, model="Accumulator")],
    )


def main(arguments: Sequence[str] = ()) -> None:
    limit = int(arguments[0]) if arguments else 100
    peripherals, processors = parts(assemble(PRIMES.format(limit=limit)))
    Machine(peripherals, processors).run("cooperative").join()
    print(shown(peripherals[SCREEN]))


if __name__ == "__main__":
    main()
