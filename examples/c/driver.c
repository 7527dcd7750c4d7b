/* A device driver: C on a machine with components, spoken to by inline assembly and by addresses.

       lrvm cc driver.c && lrvm run driver.elf

   It asks the machine what it consists of, with the instruction HWD, and finds the component Host
   among them; the last lines then go through Host's registers, past the C library. */

#include <stdint.h>
#include <stdio.h>

enum information { NAME_LENGTH = 0x10, NAME = 0x11, SIZE = 0x20, MAPPED = 0xA0, FIRST, LAST };

/* HWD d, id, info: what the machine says about a component. */
static inline uint32_t hardware(uint32_t id, uint32_t info)
{
    uint32_t answer;
    __asm__ volatile("hwd %0, %1, %2" : "=r"(answer) : "r"(id), "r"(info));
    return answer;
}

/* CYCLES d: how many instructions have been executed. */
static inline uint32_t cycles(void)
{
    uint32_t count;
    __asm__ volatile("cycles %0" : "=r"(count));
    return count;
}

static void name_of(uint32_t id, char name[33])
{
    for (uint32_t word = 0; word < 8; word++) {
        uint32_t letters = hardware(id, NAME + word);
        for (int k = 0; k < 4; k++)
            name[4 * word + k] = (char)(letters >> (24 - 8 * k));
    }
    name[hardware(id, NAME_LENGTH)] = 0;
}

/* The registers of Host that are used here; the page on components has all of them. */
struct host {
    volatile uint32_t command, out, err, in, status;
};

static void put_line(struct host *host, const char *text)
{
    for (; *text; text++)
        host->out = (unsigned char)*text;
    host->out = '\n';
}

int main(void)
{
    uint32_t count = hardware(0, 0);
    struct host *host = NULL;
    printf("This machine has %lu components:\n", (unsigned long)count);
    for (uint32_t id = 0; id < count; id++) {
        char name[33];
        name_of(id, name);
        printf("  %lu  %-8s", (unsigned long)id, name);
        if (hardware(id, MAPPED)) {
            uint32_t first = hardware(id, FIRST), last = hardware(id, LAST);
            printf("  0x%08lX to 0x%08lX\n", (unsigned long)first, (unsigned long)last);
            if (name[0] == 'H' && name[3] == 't')
                host = (struct host *)first;
        } else
            puts("  not mapped");
    }
    if (!host)
        return 1;
    fflush(stdout);
    put_line(host, "This line went through Host's register OUT, byte by byte.");
    uint32_t before = cycles();
    volatile uint32_t sum = 0;
    for (uint32_t k = 1; k <= 1000; k++)
        sum += k;
    uint32_t taken = cycles() - before;
    put_line(host, taken > 1000 && taken < 100000 ? "A sum of 1000 numbers takes thousands of cycles."
                                                  : "The cycle counter is broken.");
    return sum == 500500 ? 0 : 1;
}
