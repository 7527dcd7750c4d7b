/* crc32.lasm in C: CRC-32 of a 16 KiB buffer of words, bytes from the high end, with a table
 * made first. */
#include "measure.h"

#define POLYNOMIAL UINT32_C(0xEDB88320)
#define WORDS 4096

static uint32_t table[256];
static uint32_t buffer[WORDS];

static void make_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t entry = byte;
        for (int bit = 0; bit < 8; bit++)
            entry = (entry & 1) ? (entry >> 1) ^ POLYNOMIAL : entry >> 1;
        table[byte] = entry;
    }
}

static void fill_buffer(void) {
    uint32_t word = 0x1234;
    for (int i = 0; i < WORDS; i++) {
        buffer[i] = word;
        word = word * 25173 + 13849;
    }
}

static MEASURED uint32_t checksum(void) {
    uint32_t crc = UINT32_MAX;
    for (int i = 0; i < WORDS; i++) {
        uint32_t word = buffer[i];
        for (int shift = 24; shift >= 0; shift -= 8)
            crc = (crc >> 8) ^ table[(crc ^ (word >> shift)) & 0xFF];
    }
    return ~crc;
}

static MEASURED uint32_t run(uint32_t rounds) {
    uint32_t crc;
    make_table();
    fill_buffer();
    do {
        crc = checksum();
        OPAQUE(crc); /* every round's result counts, not the last one's only */
    } while (--rounds != 0);
    return crc;
}

int main(int count, char **arguments) {
    return measure(count, arguments, run);
}
