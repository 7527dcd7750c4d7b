; The MOS 6502. An operand below 0x100 takes the form of the zero page where there is one, a `<`
; before it asks for that form.

#once

#subruledef relative
{
    {target: u16} => {
        distance = target - ($ + 2)
        assert(distance >= -0x80 && distance <= 0x7f, "branch target is out of range")
        distance`8
    }
}

#ruledef cpu6502
{
    adc #{value: i8}         => 0x69 @ value
    adc {addr: u8}           => 0x65 @ addr
    adc <{addr: u8}          => 0x65 @ addr
    adc {addr: u8},x         => 0x75 @ addr
    adc <{addr: u8},x        => 0x75 @ addr
    adc {addr: u16}          => 0x6d @ le(addr)
    adc {addr: u16},x        => 0x7d @ le(addr)
    adc {addr: u16},y        => 0x79 @ le(addr)
    adc ({addr: u8},x)       => 0x61 @ addr
    adc (<{addr: u8},x)      => 0x61 @ addr
    adc ({addr: u8}),y       => 0x71 @ addr
    adc (<{addr: u8}),y      => 0x71 @ addr

    and #{value: i8}         => 0x29 @ value
    and {addr: u8}           => 0x25 @ addr
    and <{addr: u8}          => 0x25 @ addr
    and {addr: u8},x         => 0x35 @ addr
    and <{addr: u8},x        => 0x35 @ addr
    and {addr: u16}          => 0x2d @ le(addr)
    and {addr: u16},x        => 0x3d @ le(addr)
    and {addr: u16},y        => 0x39 @ le(addr)
    and ({addr: u8},x)       => 0x21 @ addr
    and (<{addr: u8},x)      => 0x21 @ addr
    and ({addr: u8}),y       => 0x31 @ addr
    and (<{addr: u8}),y      => 0x31 @ addr

    asl                      => 0x0a
    asl a                    => 0x0a
    asl {addr: u8}           => 0x06 @ addr
    asl <{addr: u8}          => 0x06 @ addr
    asl {addr: u8},x         => 0x16 @ addr
    asl <{addr: u8},x        => 0x16 @ addr
    asl {addr: u16}          => 0x0e @ le(addr)
    asl {addr: u16},x        => 0x1e @ le(addr)

    bcc {target: relative}   => 0x90 @ target

    bcs {target: relative}   => 0xb0 @ target

    beq {target: relative}   => 0xf0 @ target

    bit {addr: u8}           => 0x24 @ addr
    bit <{addr: u8}          => 0x24 @ addr
    bit {addr: u16}          => 0x2c @ le(addr)

    bmi {target: relative}   => 0x30 @ target

    bne {target: relative}   => 0xd0 @ target

    bpl {target: relative}   => 0x10 @ target

    brk                      => 0x00

    bvc {target: relative}   => 0x50 @ target

    bvs {target: relative}   => 0x70 @ target

    clc                      => 0x18

    cld                      => 0xd8

    cli                      => 0x58

    clv                      => 0xb8

    cmp #{value: i8}         => 0xc9 @ value
    cmp {addr: u8}           => 0xc5 @ addr
    cmp <{addr: u8}          => 0xc5 @ addr
    cmp {addr: u8},x         => 0xd5 @ addr
    cmp <{addr: u8},x        => 0xd5 @ addr
    cmp {addr: u16}          => 0xcd @ le(addr)
    cmp {addr: u16},x        => 0xdd @ le(addr)
    cmp {addr: u16},y        => 0xd9 @ le(addr)
    cmp ({addr: u8},x)       => 0xc1 @ addr
    cmp (<{addr: u8},x)      => 0xc1 @ addr
    cmp ({addr: u8}),y       => 0xd1 @ addr
    cmp (<{addr: u8}),y      => 0xd1 @ addr

    cpx #{value: i8}         => 0xe0 @ value
    cpx {addr: u8}           => 0xe4 @ addr
    cpx <{addr: u8}          => 0xe4 @ addr
    cpx {addr: u16}          => 0xec @ le(addr)

    cpy #{value: i8}         => 0xc0 @ value
    cpy {addr: u8}           => 0xc4 @ addr
    cpy <{addr: u8}          => 0xc4 @ addr
    cpy {addr: u16}          => 0xcc @ le(addr)

    dec {addr: u8}           => 0xc6 @ addr
    dec <{addr: u8}          => 0xc6 @ addr
    dec {addr: u8},x         => 0xd6 @ addr
    dec <{addr: u8},x        => 0xd6 @ addr
    dec {addr: u16}          => 0xce @ le(addr)
    dec {addr: u16},x        => 0xde @ le(addr)

    dex                      => 0xca

    dey                      => 0x88

    eor #{value: i8}         => 0x49 @ value
    eor {addr: u8}           => 0x45 @ addr
    eor <{addr: u8}          => 0x45 @ addr
    eor {addr: u8},x         => 0x55 @ addr
    eor <{addr: u8},x        => 0x55 @ addr
    eor {addr: u16}          => 0x4d @ le(addr)
    eor {addr: u16},x        => 0x5d @ le(addr)
    eor {addr: u16},y        => 0x59 @ le(addr)
    eor ({addr: u8},x)       => 0x41 @ addr
    eor (<{addr: u8},x)      => 0x41 @ addr
    eor ({addr: u8}),y       => 0x51 @ addr
    eor (<{addr: u8}),y      => 0x51 @ addr

    inc {addr: u8}           => 0xe6 @ addr
    inc <{addr: u8}          => 0xe6 @ addr
    inc {addr: u8},x         => 0xf6 @ addr
    inc <{addr: u8},x        => 0xf6 @ addr
    inc {addr: u16}          => 0xee @ le(addr)
    inc {addr: u16},x        => 0xfe @ le(addr)

    inx                      => 0xe8

    iny                      => 0xc8

    jmp {addr: u16}          => 0x4c @ le(addr)
    jmp ({addr: u16})        => 0x6c @ le(addr)

    jsr {addr: u16}          => 0x20 @ le(addr)

    lda #{value: i8}         => 0xa9 @ value
    lda {addr: u8}           => 0xa5 @ addr
    lda <{addr: u8}          => 0xa5 @ addr
    lda {addr: u8},x         => 0xb5 @ addr
    lda <{addr: u8},x        => 0xb5 @ addr
    lda {addr: u16}          => 0xad @ le(addr)
    lda {addr: u16},x        => 0xbd @ le(addr)
    lda {addr: u16},y        => 0xb9 @ le(addr)
    lda ({addr: u8},x)       => 0xa1 @ addr
    lda (<{addr: u8},x)      => 0xa1 @ addr
    lda ({addr: u8}),y       => 0xb1 @ addr
    lda (<{addr: u8}),y      => 0xb1 @ addr

    ldx #{value: i8}         => 0xa2 @ value
    ldx {addr: u8}           => 0xa6 @ addr
    ldx <{addr: u8}          => 0xa6 @ addr
    ldx {addr: u8},y         => 0xb6 @ addr
    ldx <{addr: u8},y        => 0xb6 @ addr
    ldx {addr: u16}          => 0xae @ le(addr)
    ldx {addr: u16},y        => 0xbe @ le(addr)

    ldy #{value: i8}         => 0xa0 @ value
    ldy {addr: u8}           => 0xa4 @ addr
    ldy <{addr: u8}          => 0xa4 @ addr
    ldy {addr: u8},x         => 0xb4 @ addr
    ldy <{addr: u8},x        => 0xb4 @ addr
    ldy {addr: u16}          => 0xac @ le(addr)
    ldy {addr: u16},x        => 0xbc @ le(addr)

    lsr                      => 0x4a
    lsr a                    => 0x4a
    lsr {addr: u8}           => 0x46 @ addr
    lsr <{addr: u8}          => 0x46 @ addr
    lsr {addr: u8},x         => 0x56 @ addr
    lsr <{addr: u8},x        => 0x56 @ addr
    lsr {addr: u16}          => 0x4e @ le(addr)
    lsr {addr: u16},x        => 0x5e @ le(addr)

    nop                      => 0xea

    ora #{value: i8}         => 0x09 @ value
    ora {addr: u8}           => 0x05 @ addr
    ora <{addr: u8}          => 0x05 @ addr
    ora {addr: u8},x         => 0x15 @ addr
    ora <{addr: u8},x        => 0x15 @ addr
    ora {addr: u16}          => 0x0d @ le(addr)
    ora {addr: u16},x        => 0x1d @ le(addr)
    ora {addr: u16},y        => 0x19 @ le(addr)
    ora ({addr: u8},x)       => 0x01 @ addr
    ora (<{addr: u8},x)      => 0x01 @ addr
    ora ({addr: u8}),y       => 0x11 @ addr
    ora (<{addr: u8}),y      => 0x11 @ addr

    pha                      => 0x48

    php                      => 0x08

    pla                      => 0x68

    plp                      => 0x28

    rol                      => 0x2a
    rol a                    => 0x2a
    rol {addr: u8}           => 0x26 @ addr
    rol <{addr: u8}          => 0x26 @ addr
    rol {addr: u8},x         => 0x36 @ addr
    rol <{addr: u8},x        => 0x36 @ addr
    rol {addr: u16}          => 0x2e @ le(addr)
    rol {addr: u16},x        => 0x3e @ le(addr)

    ror                      => 0x6a
    ror a                    => 0x6a
    ror {addr: u8}           => 0x66 @ addr
    ror <{addr: u8}          => 0x66 @ addr
    ror {addr: u8},x         => 0x76 @ addr
    ror <{addr: u8},x        => 0x76 @ addr
    ror {addr: u16}          => 0x6e @ le(addr)
    ror {addr: u16},x        => 0x7e @ le(addr)

    rti                      => 0x40

    rts                      => 0x60

    sbc #{value: i8}         => 0xe9 @ value
    sbc {addr: u8}           => 0xe5 @ addr
    sbc <{addr: u8}          => 0xe5 @ addr
    sbc {addr: u8},x         => 0xf5 @ addr
    sbc <{addr: u8},x        => 0xf5 @ addr
    sbc {addr: u16}          => 0xed @ le(addr)
    sbc {addr: u16},x        => 0xfd @ le(addr)
    sbc {addr: u16},y        => 0xf9 @ le(addr)
    sbc ({addr: u8},x)       => 0xe1 @ addr
    sbc (<{addr: u8},x)      => 0xe1 @ addr
    sbc ({addr: u8}),y       => 0xf1 @ addr
    sbc (<{addr: u8}),y      => 0xf1 @ addr

    sec                      => 0x38

    sed                      => 0xf8

    sei                      => 0x78

    sta {addr: u8}           => 0x85 @ addr
    sta <{addr: u8}          => 0x85 @ addr
    sta {addr: u8},x         => 0x95 @ addr
    sta <{addr: u8},x        => 0x95 @ addr
    sta {addr: u16}          => 0x8d @ le(addr)
    sta {addr: u16},x        => 0x9d @ le(addr)
    sta {addr: u16},y        => 0x99 @ le(addr)
    sta ({addr: u8},x)       => 0x81 @ addr
    sta (<{addr: u8},x)      => 0x81 @ addr
    sta ({addr: u8}),y       => 0x91 @ addr
    sta (<{addr: u8}),y      => 0x91 @ addr

    stx {addr: u8}           => 0x86 @ addr
    stx <{addr: u8}          => 0x86 @ addr
    stx {addr: u8},y         => 0x96 @ addr
    stx <{addr: u8},y        => 0x96 @ addr
    stx {addr: u16}          => 0x8e @ le(addr)

    sty {addr: u8}           => 0x84 @ addr
    sty <{addr: u8}          => 0x84 @ addr
    sty {addr: u8},x         => 0x94 @ addr
    sty <{addr: u8},x        => 0x94 @ addr
    sty {addr: u16}          => 0x8c @ le(addr)

    tax                      => 0xaa

    tay                      => 0xa8

    tsx                      => 0xba

    txa                      => 0x8a

    txs                      => 0x9a

    tya                      => 0x98
}
