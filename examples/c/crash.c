/* What happens when a program goes wrong: an average of nothing.

       lrvm cc -O0 -g crash.c && lrvm run crash.elf
       lrvm: exception 0x0A: division by zero in average at crash.c:16 (address 0x...)
           return sum / count;

   and the exit code is 134. */

#include <stdio.h>

static int average(const int *numbers, int count)
{
    int sum = 0;
    for (int k = 0; k < count; k++)
        sum += numbers[k];
    return sum / count;
}

int main(void)
{
    static const int numbers[] = {3, 1, 4, 1, 5, 9};
    for (int count = 6; count >= 0; count -= 3)
        printf("the average of %d is %d\n", count, average(numbers, count));
    return 0;
}
