; The instruction set of the LRVM, as rules of CustomASM.
;
;     lrvm customasm lrvm.asm program.lasm -o program.bin
;
; gives the same bytes as `lrvm asm program.lasm`. A word has five bits of opcode, one for each
; operand that says whether it is a register, and three bytes of operands.

#bankdef lrvm { bits = 8, addr = 0, outp = 0, labelalign = 32 }

; Named constants

ZF            = 0x00
CF            = 0x01
OF            = 0x02
SF            = 0x03
EF            = 0x04
ZUF           = 0x05
ZLF           = 0x06
DIV_USG       = 0x00
DIV_SIG       = 0x10
DIV_ZRO_FRB   = 0x00
DIV_ZRO_MIN   = 0x04
DIV_ZRO_ZRO   = 0x08
DIV_ZRO_MAX   = 0x0c
DIV_OFW_FRB   = 0x00
DIV_OFW_MIN   = 0x01
DIV_OFW_ZRO   = 0x02
DIV_OFW_MAX   = 0x03
CMP_OR        = 0x01
CMP_AND       = 0x02
CMP_XOR       = 0x03
CMP_NOR       = 0x04
CMP_NAND      = 0x05
CMP_LEFT      = 0x06
CMP_RIGHT     = 0x07
HWD_COUNT     = 0x00
HWD_UID_UPPER = 0x01
HWD_UID_LOWER = 0x02
HWD_NAME_LEN  = 0x10
HWD_NAME_W1   = 0x11
HWD_NAME_W2   = 0x12
HWD_NAME_W3   = 0x13
HWD_NAME_W4   = 0x14
HWD_NAME_W5   = 0x15
HWD_NAME_W6   = 0x16
HWD_NAME_W7   = 0x17
HWD_NAME_W8   = 0x18
HWD_SIZE      = 0x20
HWD_CAT       = 0x21
HWD_TYPE      = 0x22
HWD_MODEL     = 0x23
HWD_DATA_UPPER = 0x24
HWD_DATA_LOWER = 0x25
HWD_IS_MAPPED = 0xa0
HWD_MAP_START = 0xa1
HWD_MAP_END   = 0xa2

; Operands. The value of `byte` and `half` is the bit that tells a register from a literal, and
; then the operand itself.

#subruledef register
{
    a0  => 0x00
    a1  => 0x01
    a2  => 0x02
    a3  => 0x03
    a4  => 0x04
    a5  => 0x05
    a6  => 0x06
    a7  => 0x07
    c0  => 0x08
    c1  => 0x09
    ac0 => 0x0a
    ac1 => 0x0b
    ac2 => 0x0c
    rr0 => 0x0d
    rr1 => 0x0e
    rr2 => 0x0f
    rr3 => 0x10
    rr4 => 0x11
    rr5 => 0x12
    rr6 => 0x13
    rr7 => 0x14
    avr => 0x15
    pc  => 0x16
    af  => 0x17
    ssp => 0x18
    usp => 0x19
    et  => 0x1a
    era => 0x1b
    ev  => 0x1c
    mtt => 0x1d
    pda => 0x1e
    smt => 0x1f
}

#subruledef byte
{
    {r: register} => 0b1 @ r
    {v: u8}       => 0b0 @ v
}

#subruledef half
{
    {r: register} => 0b1 @ r @ 0x00
    {v: u16}      => 0b0 @ v
}

#subruledef distance
{
    {r: register} => 0b1 @ r @ 0x00
    {v: i16}      => 0b0 @ v
}

#subruledef flag
{
    {r: register} => 0b1 @ r
    {v: u8}       => { assert(v <= 6, "flags are ZF to ZLF"), 0b0 @ v }
}

#subruledef condition
{
    {r: register} => 0b1 @ r
    {v: u8}       => { assert(v >= 1 && v <= 7, "conditions are CMP_OR to CMP_RIGHT"), 0b0 @ v }
}

; The word of an opcode and its operands. `one`, `two` and `three` take operands of a byte; `wide` a
; register and an operand of two bytes.

#fn one(op, a)         => op`5 @ a[8:8] @ 0b00 @ a[7:0] @ 0x0000
#fn two(op, a, b)      => op`5 @ a[8:8] @ b[8:8] @ 0b0 @ a[7:0] @ b[7:0] @ 0x00
#fn three(op, a, b, c) => op`5 @ a[8:8] @ b[8:8] @ c[8:8] @ a[7:0] @ b[7:0] @ c[7:0]
#fn wide(op, d, v)     => op`5 @ 0b1 @ v[16:16] @ 0b0 @ d @ v[15:0]
#fn only(op, v)        => op`5 @ v[16:16] @ 0b00 @ v[15:0] @ 0x00
#fn reg(r)             => 0b1 @ r

#ruledef lrvm
{
    cpy {d: register},{v: half}                    => wide(0x01, d, v)
    ex {a: register},{b: register}                 => two(0x02, reg(a), reg(b))
    add {d: register},{v: half}                    => wide(0x03, d, v)
    sub {d: register},{v: half}                    => wide(0x04, d, v)
    mul {d: register},{v: half}                    => wide(0x05, d, v)
    div {d: register},{v: byte}                    => three(0x06, reg(d), v, 0b0 @ 0x00)
    div {d: register},{v: byte},{mode: byte}       => three(0x06, reg(d), v, mode)
    mod {d: register},{v: byte}                    => three(0x07, reg(d), v, 0b0 @ 0x00)
    mod {d: register},{v: byte},{mode: byte}       => three(0x07, reg(d), v, mode)
    and {d: register},{v: half}                    => wide(0x08, d, v)
    bor {d: register},{v: half}                    => wide(0x09, d, v)
    xor {d: register},{v: half}                    => wide(0x0a, d, v)
    shl {d: register},{n: byte}                    => two(0x0b, reg(d), n)
    shr {d: register},{n: byte}                    => two(0x0c, reg(d), n)
    cmp {a: register},{v: half}                    => wide(0x0d, a, v)
    jpr {off: distance}                            => only(0x0e, off)
    lsm {addr: half}                               => only(0x0f, addr)
    itr {code: byte}                               => one(0x10, code)
    if {flag: flag}                                => one(0x11, flag)
    ifn {flag: flag}                               => one(0x12, flag)
    if2 {a: flag},{b: flag},{cond: condition}      => three(0x13, a, b, cond)
    lsa {d: register},{addr: byte}                 => three(0x14, reg(d), addr, 0b0 @ 0x00)
    lsa {d: register},{addr: byte},{add: byte}     => three(0x14, reg(d), addr, add)
    lea {addr: byte}                               => three(0x15, addr, 0b1 @ 0x00, 0b0 @ 0x00)
    lea {addr: byte},{add: byte}                   => three(0x15, addr, add, 0b0 @ 0x01)
    lea {addr: byte},{add: byte},{mul: byte}       => three(0x15, addr, add, mul)
    wsa {addr: byte},{v: byte}                     => three(0x16, addr, 0b0 @ 0x00, v)
    wsa {addr: byte},{add: byte},{v: byte}         => three(0x16, addr, add, v)
    wea {addr: byte}                               => three(0x17, addr, 0b1 @ 0x00, 0b0 @ 0x00)
    wea {addr: byte},{add: byte}                   => three(0x17, addr, add, 0b0 @ 0x01)
    wea {addr: byte},{add: byte},{mul: byte}       => three(0x17, addr, add, mul)
    srm {addr: byte},{add: byte},{s: register}     => three(0x18, addr, add, reg(s))
    push {v: half}                                 => only(0x19, v)
    pop {d: register}                              => one(0x1a, reg(d))
    call {addr: half}                              => only(0x1b, addr)
    hwd {d: register},{id: byte},{info: byte}      => three(0x1c, reg(d), id, info)
    cycles {d: register}                           => one(0x1d, reg(d))
    halt                                           => 0x1e`5 @ 0`27
    reset {mode: byte}                             => one(0x1f, mode)

    ; Other spellings

    zro {d: register}                              => wide(0x0a, d, 0b1 @ d @ 0x00)
    inc {d: register}                              => wide(0x03, d, 0b0 @ 0x0001)
    dec {d: register}                              => wide(0x04, d, 0b0 @ 0x0001)
    jp {v: half}                                   => wide(0x01, 0x16, v)
    ret                                            => one(0x1a, reg(0x16))
    ifeq                                           => one(0x11, 0b0 @ 0x00)
    ifnq                                           => one(0x12, 0b0 @ 0x00)
    ifls                                           => one(0x11, 0b0 @ 0x01)
    ifge                                           => one(0x12, 0b0 @ 0x01)
    ifgt                                           => three(0x13, 0b0 @ 0x00, 0b0 @ 0x01, 0b0 @ 0x04)
    ifle                                           => three(0x13, 0b0 @ 0x00, 0b0 @ 0x01, 0b0 @ 0x01)
    ifor {a: flag},{b: flag}                       => three(0x13, a, b, 0b0 @ 0x01)
    ifand {a: flag},{b: flag}                      => three(0x13, a, b, 0b0 @ 0x02)
    ifxor {a: flag},{b: flag}                      => three(0x13, a, b, 0b0 @ 0x03)
    ifnor {a: flag},{b: flag}                      => three(0x13, a, b, 0b0 @ 0x04)
    ifnand {a: flag},{b: flag}                     => three(0x13, a, b, 0b0 @ 0x05)
    ifleft {a: flag},{b: flag}                     => three(0x13, a, b, 0b0 @ 0x06)
    ifright {a: flag},{b: flag}                    => three(0x13, a, b, 0b0 @ 0x07)
}
