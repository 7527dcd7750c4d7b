; The processor of the NES: a 6502 whose decimal mode has no effect.

#once
#include "<std>/cpu/6502.asm"
