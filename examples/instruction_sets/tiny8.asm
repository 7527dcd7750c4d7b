; A machine of eight bits with four registers and 256 bytes of memory, made up for this example.
;
;     lrvm customasm tiny8.asm multiply.asm -p
;
; An instruction is one byte, of four bits of operation and four of registers; some are followed
; by a byte with a value or an address.

#bankdef tiny8 { bits = 8, addr = 0, size = 256, outp = 0 }

#subruledef register
{
    a => 0b00
    b => 0b01
    c => 0b10
    d => 0b11
}

; What a jump asks for.

#subruledef condition
{
    {}  => 0b00
    .z  => 0b01
    .nz => 0b10
    .nc => 0b11
}

#ruledef tiny8
{
    nop                              => 0x0 @ 0x0
    mov {x: register},{y: register}  => 0x1 @ x @ y
    mov {x: register},{v: i8}        => 0x2 @ x @ 0b00 @ v
    ld {x: register},[{y: register}] => 0x3 @ x @ y
    ld {x: register},[{addr: u8}]    => 0x4 @ x @ 0b00 @ addr
    st [{y: register}],{x: register} => 0x5 @ x @ y
    st [{addr: u8}],{x: register}    => 0x6 @ x @ 0b00 @ addr
    add {x: register},{y: register}  => 0x7 @ x @ y
    add {x: register},{v: i8}        => 0x8 @ x @ 0b00 @ v
    sub {x: register},{y: register}  => 0x9 @ x @ y
    shr {x: register}                => 0xa @ x @ 0b00
    shl {x: register}                => 0xa @ x @ 0b01
    jp{c: condition} {addr: u8}      => 0xb @ 0b00 @ c @ addr
    jr{c: condition} {addr}          => {
        distance = addr - ($ + 1)
        assert(distance >= -4 && distance <= 3, "too far for `jr`: `jp` reaches everything")
        0b11 @ c @ distance`4
    }
    halt                             => 0x0 @ 0xf

    ; A jump of either kind, whichever is short enough.

    jump{c: condition} {addr} => asm { jp{c} {addr} }
    jump{c: condition} {addr} => {
        assert(addr - ($ + 1) >= -4 && addr - ($ + 1) <= 3)
        asm { jr{c} {addr} }
    }
}
