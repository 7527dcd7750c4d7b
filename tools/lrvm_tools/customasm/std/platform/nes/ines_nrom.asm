; A cartridge of the simplest kind (NROM) in the iNES format: 16 KiB of program, 8 KiB of pictures.
;
; A program selects the banks `prg` for code, `chr` for pictures, `zeropage` and `ram` for
; variables, and puts three addresses into `vectors`: of NMI, RESET and IRQ.

#once
#include "<std>/platform/nes/cpu.asm"
#include "<std>/platform/nes/constants.asm"

#bankdef header   { addr = 0x0000, size = 0x0010, outp = 8 * 0x0000, fill }
#bankdef prg      { addr = 0xc000, size = 0x3ffa, outp = 8 * 0x0010, fill }
#bankdef vectors  { addr = 0xfffa, size = 0x0006, outp = 8 * 0x400a, fill }
#bankdef chr      { addr = 0x0000, size = 0x2000, outp = 8 * 0x4010, fill }
#bankdef zeropage { addr = 0x0000, size = 0x0100 }
#bankdef ram      { addr = 0x0200, size = 0x0600 }

#bank header
#d "NES\x1a"
#d8 1, 1      ; banks of program and of pictures
#d8 0, 0      ; mapper 0, horizontal mirroring

#bank prg
