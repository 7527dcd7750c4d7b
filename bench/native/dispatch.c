/* dispatch.lasm in C: an interpreter for the same byte-code.
 *
 * An instruction is one word, opcode * 4 in the high half and a 16-bit operand. Operands that
 * are places count bytes: from the first variable, or from the first instruction. */
#include "measure.h"

enum { SET = 0, ADD = 4, MUL = 8, LOAD = 12, STORE = 16, SHIFT = 20, COUNT = 24, STOP = 28 };

#define INSTRUCTION(opcode, operand) ((uint32_t)(opcode) << 16 | (operand))
#define CODE_LOOP 4

static const uint32_t code[] = {
    INSTRUCTION(SET, 0x1357),
    /* CODE_LOOP */
    INSTRUCTION(ADD, 77),
    INSTRUCTION(MUL, 33),
    INSTRUCTION(SHIFT, 7),
    INSTRUCTION(STORE, 4),
    INSTRUCTION(ADD, 1001),
    INSTRUCTION(LOAD, 4),
    INSTRUCTION(STORE, 8),
    INSTRUCTION(MUL, 5),
    INSTRUCTION(LOAD, 8),
    INSTRUCTION(SHIFT, 13),
    INSTRUCTION(COUNT, CODE_LOOP),
    INSTRUCTION(STOP, 0),
};

static uint32_t variables[0x10000 / 4]; /* as many as an operand can reach */

static MEASURED uint32_t interpret(const uint32_t *start) {
    const uint32_t *next = start;
    uint32_t accumulator = 0;
    for (;;) {
        uint32_t instruction = *next++;
        uint32_t operand = instruction & 0xFFFF;
        switch (instruction >> 16) {
        case SET:
            accumulator = operand;
            break;
        case ADD:
            accumulator += operand;
            break;
        case MUL:
            accumulator *= operand;
            break;
        case LOAD:
            accumulator ^= variables[operand / 4];
            break;
        case STORE:
            variables[operand / 4] = accumulator;
            break;
        case SHIFT: /* masked: more than 31 is undefined in C */
            accumulator ^= accumulator >> (operand & 31);
            break;
        case COUNT:
            if (--variables[0] != 0)
                next = start + operand / 4;
            break;
        default: /* STOP */
            return accumulator;
        }
    }
}

static MEASURED uint32_t run(uint32_t rounds) {
    const uint32_t *start = code;
    OPAQUE(start); /* the byte-code is data: nothing about it is known at compile time */
    variables[0] = rounds;
    return interpret(start);
}

int main(int count, char **arguments) {
    return measure(count, arguments, run);
}
